//! The element-wise operations over slices.

use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use pulp::{Arch, Simd};
use rayon::prelude::*;

use crate::{
    cpu::{
        activation,
        blocks::CHUNK,
        lanes::{Lanewise, apply},
        operation::Operation,
        tensors::CpuBackend,
    },
    split_mix::{GOLDEN, mix},
};

/// The operation on every element.
#[derive(Clone, Debug)]
pub(super) enum Pointwise {
    Curve(Curve),
    Mask(Mask),
}

/// A function whose slope follows from its value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Curve {
    Tanh,
    Sigmoid,
}

/// State for the backward pass.
#[derive(Clone, Debug)]
pub(super) enum Saved<B: CpuBackend> {
    /// With the output.
    Curve(Curve, FloatTensor<B>),
    Mask(Mask),
}

impl Operation<1> for Pointwise {
    type Saved<B: CpuBackend> = Saved<B>;

    fn forward<B: CpuBackend>(self, [input]: [FloatTensor<B>; 1]) -> (FloatTensor<B>, Saved<B>) {
        match self {
            Pointwise::Curve(curve) => {
                let output = curve.of::<B>(input);
                (output.clone(), Saved::Curve(curve, output))
            }
            Pointwise::Mask(mask) => (masked::<B>(input, &mask), Saved::Mask(mask)),
        }
    }

    fn backward<B: CpuBackend>(saved: Saved<B>, d: FloatTensor<B>, [wanted]: [bool; 1]) -> [Option<FloatTensor<B>>; 1] {
        [wanted.then(|| match saved {
            Saved::Curve(curve, output) => curve.gradient::<B>(d, output),
            Saved::Mask(mask) => masked::<B>(d, &mask),
        })]
    }
}

/// The fewest lines that a thread masks at once.
const LINES: usize = 16;

/// The dropped elements, and the factor of the others.
#[derive(Clone, Debug)]
pub(super) struct Mask {
    seed: u64,
    /// An element is dropped if its 32 random bits are below this.
    dropped: u32,
    scale: f32,
    /// The numbers of the lines of the tensor and their width; none if they are numbered as they come.
    lines: Option<(Arc<[u32]>, usize)>,
}

impl Mask {
    /// A mask for two numbers in `[0, 1)`, with 24 bits each.
    pub fn new(drawn: [f32; 2], probability: f64) -> Self {
        let [high, low] = drawn.map(|number| (f64::from(number) * f64::from(1 << 24)) as u64);
        let dropped = (probability * 2f64.powi(32)) as u32;
        Self { seed: high << 24 | low, dropped, scale: (1.0 / (1.0 - probability)) as f32, lines: None }
    }

    /// The same mask for lines of a width with these numbers.
    pub fn of_lines(self, numbers: Arc<[u32]>, width: usize) -> Self {
        Self { lines: Some((numbers, width)), ..self }
    }

    /// Masks the elements from the `first` on.
    fn apply(&self, first: usize, numbers: &mut [f32]) {
        if !first.is_multiple_of(2) {
            // The second of a pair.
            let Some((number, rest)) = numbers.split_first_mut() else { return };
            let mut pair = [1.0, *number];
            self.apply(first - 1, &mut pair);
            *number = pair[1];
            return self.apply(first + 1, rest);
        }
        let factor = |bits: u32| if bits < self.dropped { 0.0 } else { self.scale };
        let bits = |pair: usize| mix(self.seed.wrapping_add(((first / 2 + pair + 1) as u64).wrapping_mul(GOLDEN)));
        let mut pairs = numbers.chunks_exact_mut(2);
        let mut last = 0;
        for (index, pair) in pairs.by_ref().enumerate() {
            let bits = bits(index);
            pair[0] *= factor(bits as u32);
            pair[1] *= factor((bits >> 32) as u32);
            last = index + 1;
        }
        if let [number] = pairs.into_remainder() {
            *number *= factor(bits(last) as u32);
        }
    }
}

/// Masks a tensor.
fn masked<B: CpuBackend>(tensor: FloatTensor<B>, mask: &Mask) -> FloatTensor<B> {
    let mut tensor = B::owned(tensor);
    if let Some((numbers, width)) = &mask.lines {
        let lines = B::slice_mut(&mut tensor).par_chunks_mut((*width).max(1)).zip(&numbers[..]);
        lines.with_min_len(LINES).for_each(|(line, &number)| mask.apply(number as usize * width, line));
        return tensor;
    }
    let chunks = B::slice_mut(&mut tensor).par_chunks_mut(CHUNK).enumerate();
    chunks.for_each(|(index, chunk)| mask.apply(index * CHUNK, chunk));
    tensor
}

impl Curve {
    /// The values of a tensor's elements.
    fn of<B: CpuBackend>(self, tensor: FloatTensor<B>) -> FloatTensor<B> {
        let mut tensor = B::owned(tensor);
        let arch = Arch::new();
        B::slice_mut(&mut tensor).par_chunks_mut(CHUNK).for_each(|x| apply(arch, Value(self), [], [x]));
        tensor
    }

    /// `gradient` times the slope where the value is `output`.
    fn gradient<B: CpuBackend>(self, gradient: FloatTensor<B>, output: FloatTensor<B>) -> FloatTensor<B> {
        let (mut gradient, output) = (B::owned(gradient), B::contiguous(output));
        let arch = Arch::new();
        let chunks = B::slice_mut(&mut gradient).par_chunks_mut(CHUNK).zip(B::slice(&output).par_chunks(CHUNK));
        chunks.for_each(|(gradient, output)| apply(arch, SlopeStep(self), [output], [gradient]));
        gradient
    }
}

#[derive(Clone, Copy)]
struct Value(Curve);

impl Lanewise<0, 1> for Value {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, _: [S::f32s; 0], [x]: [S::f32s; 1]) -> [S::f32s; 1] {
        [match self.0 {
            Curve::Tanh => activation::tanh(simd, x),
            Curve::Sigmoid => activation::sigmoid(simd, x),
        }]
    }
}

#[derive(Clone, Copy)]
struct SlopeStep(Curve);

impl Lanewise<1, 1> for SlopeStep {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [y]: [S::f32s; 1], [gradient]: [S::f32s; 1]) -> [S::f32s; 1] {
        let slope = match self.0 {
            Curve::Tanh => activation::tanh_slope(simd, y),
            Curve::Sigmoid => activation::sigmoid_slope(simd, y),
        };
        [simd.mul_f32s(gradient, slope)]
    }
}
