//! Attention over slices.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use burn::backend::{Backend, FloatDType, TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::{
    cpu::{
        activation,
        blocks::PARALLEL_WORK,
        exponentials::Exponentials,
        lanes::{Lanewise, update},
        matrix::{Matrix, add_product, product_here},
        operation::Operation,
        tensors::CpuBackend,
    },
    unrolled::Ledger,
};

/// Attention by `q · s κ`, of queries, vectors and the token of the vectors.
#[derive(Clone, Debug)]
pub(super) struct Dot {
    pub scale: f32,
    pub lengths: Option<Arc<[usize]>>,
    pub weights: Carried,
    pub outputs: Ledger,
}

/// Attention by `vᵀ tanh(q + k)`, of queries, and of vectors, keys and value with their tokens.
#[derive(Clone, Debug)]
pub(super) struct Additive {
    pub lengths: Option<Arc<[usize]>>,
    pub weights: Carried,
    /// Of the vectors, the keys and the value.
    pub ledgers: [Ledger; 3],
}

/// The weights of attention as an output of their own, of the contexts.
#[derive(Clone, Debug)]
pub(super) struct Weights(pub Carried);

/// A tensor that one operation hands to another: the weights after the forward pass, their gradient before the backward
/// pass of the contexts.
#[derive(Clone, Debug, Default)]
pub(super) struct Carried(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

impl Carried {
    fn put<B: Backend>(&self, tensor: FloatTensor<B>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(tensor));
    }

    fn take<B: Backend>(&self) -> Option<FloatTensor<B>> {
        let tensor = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(*tensor.downcast().expect("one backend runs an operation"))
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
pub(super) struct Saved<B: CpuBackend> {
    sizes: Sizes,
    /// `[B, T, F]`
    queries: FloatTensor<B>,
    /// `[B, S, F]`
    vectors: FloatTensor<B>,
    /// `[B, T, S]`
    weights: FloatTensor<B>,
    score: Score<B>,
    /// The gradient of the weights, if they have one.
    carried: Carried,
}

#[derive(Clone, Debug)]
enum Score<B: CpuBackend> {
    Dot(f32, Ledger),
    /// Keys and value.
    Additive([FloatTensor<B>; 2], [Ledger; 3]),
}

#[derive(Clone, Debug)]
struct Sizes {
    batch: usize,
    time: usize,
    positions: usize,
    /// Width of a vector.
    width: usize,
    /// Width of a query.
    query: usize,
    lengths: Option<Arc<[usize]>>,
}

impl Sizes {
    fn new<B: CpuBackend>(queries: &FloatTensor<B>, vectors: &FloatTensor<B>, lengths: Option<Arc<[usize]>>) -> Self {
        let (queries, vectors) = (queries.shape(), vectors.shape());
        let [batch, time, query] = [queries[0], queries[1], queries[2]];
        Self { batch, time, positions: vectors[1], width: vectors[2], query, lengths }
    }

    /// Valid vectors of a row.
    fn length(&self, row: usize) -> usize {
        self.lengths.as_ref().map_or(self.positions, |lengths| lengths[row])
    }

    /// Runs `row` for each row of the batch, on all threads where it pays.
    fn each_row<R: Send>(&self, row: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
        let work = self.batch * self.time * self.positions * (self.width + self.query);
        if work < PARALLEL_WORK {
            return (0..self.batch).map(row).collect();
        }
        (0..self.batch).into_par_iter().map(row).collect()
    }
}

/// The part of a tensor `[B, ..]` that belongs to a row of the batch.
fn part_of<B: CpuBackend>(tensor: &FloatTensor<B>, row: usize) -> &[f32] {
    let shape = tensor.shape();
    let len = shape.num_elements() / shape[0].max(1);
    &B::slice(tensor)[row * len..][..len]
}

/// Contexts `[B, T, F]`, and the weights in [`Carried`].
fn attend<B: CpuBackend>(
    [queries, vectors]: [FloatTensor<B>; 2],
    score: Score<B>,
    lengths: Option<Arc<[usize]>>,
    carried: Carried,
) -> (FloatTensor<B>, Saved<B>) {
    let sizes = Sizes::new::<B>(&queries, &vectors, lengths);
    let [queries, vectors] = [queries, vectors].map(B::contiguous);
    let Sizes { batch, time, positions, width, query, .. } = sizes;
    let arch = Arch::new();
    let rows = sizes.each_row(|row| {
        let length = sizes.length(row);
        let (q, s) = (part_of::<B>(&queries, row), &part_of::<B>(&vectors, row)[..length * width]);
        let mut weights = match &score {
            Score::Dot(scale, _) => {
                let mut scores = product_here(Matrix::filling(q, width), Matrix::filling(s, width).transpose());
                scores.iter_mut().for_each(|score| *score *= scale);
                scores
            }
            Score::Additive([keys, value], _) => {
                let mut scores = vec![0.0; time * length];
                let (keys, value) = (&part_of::<B>(keys, row)[..length * query], B::slice(value));
                arch.dispatch(AdditiveScores { queries: q, keys, value, scores: &mut scores });
                scores
            }
        };
        for weights in weights.chunks_exact_mut(length) {
            let (_, sum) = arch.dispatch(Exponentials(weights));
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        let mut contexts = vec![0.0; time * width];
        add_product(Matrix::filling(&weights, length), Matrix::filling(s, width), &mut contexts);
        (contexts, weights)
    });
    let mut contexts = Vec::with_capacity(batch * time * width);
    let mut weights = vec![0.0; batch * time * positions];
    for (row, (of_contexts, of_weights)) in rows.into_iter().enumerate() {
        contexts.extend_from_slice(&of_contexts);
        let length = sizes.length(row);
        let to = weights[row * time * positions..][..time * positions].chunks_exact_mut(positions);
        to.zip(of_weights.chunks_exact(length)).for_each(|(to, from)| to[..length].copy_from_slice(from));
    }
    let weights = B::from_elements(weights, [batch, time, positions].into());
    carried.put::<B>(weights.clone());
    let contexts = B::from_elements(contexts, [batch, time, width].into());
    (contexts, Saved { sizes, queries, vectors, weights, score, carried })
}

/// The gradients of a row of the batch.
#[derive(Default)]
struct OfRow {
    queries: Vec<f32>,
    /// Of the valid vectors.
    vectors: Vec<f32>,
    keys: Vec<f32>,
    value: Vec<f32>,
}

/// The gradient of the queries; those of the memory are added to its ledgers.
fn differentiate<B: CpuBackend>(saved: Saved<B>, d: FloatTensor<B>) -> FloatTensor<B> {
    let Saved { sizes, queries, vectors, weights, score, carried } = saved;
    let Sizes { batch, time, positions, width, query, .. } = sizes;
    // A single zero means that only the weights have a gradient.
    let d = (d.shape().num_elements() == batch * time * width && d.shape().num_dims() == 3).then(|| B::contiguous(d));
    let d = d.unwrap_or_else(|| B::zeros([batch, time, width]));
    let d_weights = carried.take::<B>().map(B::contiguous);
    let arch = Arch::new();
    let rows = sizes.each_row(|row| {
        let length = sizes.length(row);
        let (q, s) = (part_of::<B>(&queries, row), &part_of::<B>(&vectors, row)[..length * width]);
        let d = part_of::<B>(&d, row);
        let weights: Vec<f32> = valid(part_of::<B>(&weights, row), positions, length).copied().collect();
        let mut scores = product_here(Matrix::filling(d, width), Matrix::filling(s, width).transpose());
        if let Some(d_weights) = &d_weights {
            let d_weights = valid(part_of::<B>(d_weights, row), positions, length);
            scores.iter_mut().zip(d_weights).for_each(|(sum, d)| *sum += d);
        }
        for (scores, weights) in scores.chunks_exact_mut(length).zip(weights.chunks_exact(length)) {
            let mean: f32 = scores.iter().zip(weights).map(|(d, weight)| d * weight).sum();
            scores.iter_mut().zip(weights).for_each(|(d, weight)| *d = weight * (*d - mean));
        }
        let mut of_row =
            OfRow { queries: vec![0.0; time * query], vectors: vec![0.0; length * width], ..OfRow::default() };
        add_product(Matrix::filling(&weights, length).transpose(), Matrix::filling(d, width), &mut of_row.vectors);
        match &score {
            Score::Dot(scale, _) => {
                scores.iter_mut().for_each(|d| *d *= scale);
                let scores = Matrix::filling(&scores, length);
                add_product(scores, Matrix::filling(s, width), &mut of_row.queries);
                add_product(scores.transpose(), Matrix::filling(q, width), &mut of_row.vectors);
            }
            Score::Additive([keys, value], _) => {
                (of_row.keys, of_row.value) = (vec![0.0; length * query], vec![0.0; query]);
                let (keys, value) = (&part_of::<B>(keys, row)[..length * query], B::slice(value));
                arch.dispatch(AdditiveGradients { queries: q, keys, value, scores: &scores, to: &mut of_row });
            }
        }
        of_row
    });
    let add = |ledger: &Ledger, width: usize, part: fn(&OfRow) -> &[f32]| {
        ledger.add::<B>([batch, positions, width].into(), |sums| {
            for (sums, row) in sums.chunks_exact_mut((positions * width).max(1)).zip(&rows) {
                sums.iter_mut().zip(part(row)).for_each(|(sum, d)| *sum += d);
            }
        });
    };
    match &score {
        Score::Dot(_, outputs) => add(outputs, width, |row| &row.vectors),
        Score::Additive(_, [outputs, keys, value]) => {
            add(outputs, width, |row| &row.vectors);
            add(keys, query, |row| &row.keys);
            value.add::<B>([query, 1].into(), |sums| {
                for row in &rows {
                    sums.iter_mut().zip(&row.value).for_each(|(sum, d)| *sum += d);
                }
            });
        }
    }
    let gradient: Vec<f32> = rows.into_iter().flat_map(|row| row.queries).collect();
    B::from_elements(gradient, [batch, time, query].into())
}

/// The elements of a row `[T, S]` that belong to the first `length` vectors.
fn valid(row: &[f32], positions: usize, length: usize) -> impl Iterator<Item = &f32> {
    row.chunks_exact(positions).flat_map(move |step| &step[..length])
}

/// What tells a token to run its own backward pass.
fn zero<B: CpuBackend>(like: &FloatTensor<B>) -> FloatTensor<B> {
    B::float_zeros([1].into(), &like.device(), FloatDType::F32)
}

impl Operation<3> for Dot {
    type Saved<B: CpuBackend> = Saved<B>;

    fn forward<B: CpuBackend>(self, [queries, vectors, _]: [FloatTensor<B>; 3]) -> (FloatTensor<B>, Saved<B>) {
        attend::<B>([queries, vectors], Score::Dot(self.scale, self.outputs), self.lengths, self.weights)
    }

    fn backward<B: CpuBackend>(
        saved: Saved<B>,
        d: FloatTensor<B>,
        [queries, _, token]: [bool; 3],
    ) -> [Option<FloatTensor<B>>; 3] {
        let gradient = differentiate::<B>(saved, d);
        let token = token.then(|| zero::<B>(&gradient));
        [queries.then_some(gradient), None, token]
    }
}

impl Operation<7> for Additive {
    type Saved<B: CpuBackend> = Saved<B>;

    fn forward<B: CpuBackend>(
        self,
        [queries, vectors, _, keys, _, value, _]: [FloatTensor<B>; 7],
    ) -> (FloatTensor<B>, Saved<B>) {
        let score = Score::Additive([keys, value].map(B::contiguous), self.ledgers);
        attend::<B>([queries, vectors], score, self.lengths, self.weights)
    }

    fn backward<B: CpuBackend>(saved: Saved<B>, d: FloatTensor<B>, wanted: [bool; 7]) -> [Option<FloatTensor<B>>; 7] {
        let gradient = differentiate::<B>(saved, d);
        std::array::from_fn(|input| match input {
            0 => wanted[0].then(|| gradient.clone()),
            2 | 4 | 6 => wanted[input].then(|| zero::<B>(&gradient)),
            _ => None,
        })
    }
}

impl Operation<1> for Weights {
    type Saved<B: CpuBackend> = Carried;

    fn forward<B: CpuBackend>(self, _: [FloatTensor<B>; 1]) -> (FloatTensor<B>, Carried) {
        let weights = self.0.take::<B>().expect("the contexts were computed before");
        (weights, self.0)
    }

    fn backward<B: CpuBackend>(
        carried: Carried,
        d: FloatTensor<B>,
        [wanted]: [bool; 1],
    ) -> [Option<FloatTensor<B>>; 1] {
        [wanted.then(|| {
            // The contexts' backward pass runs only if they have a gradient: a single zero, added by broadcasting.
            let zero = B::float_zeros([1, 1, 1].into(), &d.device(), FloatDType::F32);
            carried.put::<B>(d);
            zero
        })]
    }
}

/// `vᵀ tanh(q + k)` of each query with each key.
struct AdditiveScores<'a> {
    queries: &'a [f32],
    keys: &'a [f32],
    value: &'a [f32],
    /// `[queries, keys]`
    scores: &'a mut [f32],
}

impl WithSimd for AdditiveScores<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.value.len();
        let (v, v_tail) = S::as_simd_f32s(self.value);
        let v_tail = simd.partial_load_f32s(v_tail);
        let scores = self.scores.chunks_exact_mut((self.keys.len() / width).max(1));
        for (query, scores) in self.queries.chunks_exact(width).zip(scores) {
            let (q, q_tail) = S::as_simd_f32s(query);
            let q_tail = simd.partial_load_f32s(q_tail);
            for (key, score) in self.keys.chunks_exact(width).zip(scores) {
                let (k, k_tail) = S::as_simd_f32s(key);
                let mut sum = simd.splat_f32s(0.0);
                for ((&q, &k), &v) in q.iter().zip(k).zip(v) {
                    sum = simd.mul_add_e_f32s(v, activation::tanh(simd, simd.add_f32s(q, k)), sum);
                }
                // The lanes behind the tail are 0, and so is their tanh.
                let tail = simd.add_f32s(q_tail, simd.partial_load_f32s(k_tail));
                sum = simd.mul_add_e_f32s(v_tail, activation::tanh(simd, tail), sum);
                *score = simd.reduce_sum_f32s(sum);
            }
        }
    }
}

/// The gradients of [`AdditiveScores`].
struct AdditiveGradients<'a> {
    queries: &'a [f32],
    keys: &'a [f32],
    value: &'a [f32],
    /// `[queries, keys]`: the gradients of the scores.
    scores: &'a [f32],
    to: &'a mut OfRow,
}

impl WithSimd for AdditiveGradients<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.value.len();
        let to = self.to;
        let scores = self.scores.chunks_exact((self.keys.len() / width).max(1));
        let queries = self.queries.chunks_exact(width).zip(to.queries.chunks_exact_mut(width));
        for ((query, d_query), scores) in queries.zip(scores) {
            let keys = self.keys.chunks_exact(width).zip(to.keys.chunks_exact_mut(width));
            for ((key, d_key), &d) in keys.zip(scores) {
                update(simd, AdditiveBack { d }, [query, key, self.value], [&mut *d_query, d_key, &mut to.value]);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct AdditiveBack {
    d: f32,
}

impl Lanewise<3, 3> for AdditiveBack {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [q, k, v]: [S::f32s; 3], [d_q, d_k, d_v]: [S::f32s; 3]) -> [S::f32s; 3] {
        let d = simd.splat_f32s(self.d);
        let y = activation::tanh(simd, simd.add_f32s(q, k));
        let g = simd.mul_f32s(simd.mul_f32s(d, v), activation::tanh_slope(simd, y));
        [simd.add_f32s(d_q, g), simd.add_f32s(d_k, g), simd.mul_add_e_f32s(d, y, d_v)]
    }
}
