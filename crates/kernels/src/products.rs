//! The matrix products of the CPU code one by one, for benchmarks.

mod registers;

#[cfg(all(test, feature = "flex"))]
mod tests;

use std::hint::black_box;

use gemm::Parallelism;
use pulp::Arch;
use rayon::prelude::*;

use crate::cpu::{
    matrix::{Matrix, product, write_library_product},
    outer::outer_products,
    panels::{Orientation, Panels},
    tiles::{Product as RowProduct, Row, Start},
};

pub use registers::multiply_adds;

/// Burn's flex multiplies matrices on one thread below this many multiplications.
const FLEX_PARALLEL_WORK: usize = 192 * 192 * 192;

/// Code that computes a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The product of linear layers and of [`matmul`](crate::matmul::matmul): each thread computes a part with the
    /// `gemm` crate, or with panels of our own if `b` is transposed.
    Linear,
    /// The products of a recurrence: the gradient of a weight matrix if `a` is transposed in memory, else one time
    /// step's, with `b` packed in advance.
    Recurrent,
    /// The `gemm` crate as Burn's flex calls it.
    Gemm,
}

/// The factor of a product that is stored transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transposed {
    /// Neither: both are row-major.
    Neither,
    /// `a`, stored as `[K, M]`.
    A,
    /// `b`, stored as `[N, K]`.
    B,
}

/// The factors of a product `a b`, of numbers between -1 and 1.
#[derive(Clone, Debug)]
pub struct Factors {
    a: Vec<f32>,
    b: Vec<f32>,
    /// `[M, K, N]`
    size: [usize; 3],
    transposed: Transposed,
}

/// A product, its result and what is prepared in advance.
#[derive(Debug)]
pub struct Product<'a> {
    factors: &'a Factors,
    method: Method,
    arch: Arch,
    /// `b` of [`Method::Recurrent`], unless `a` is transposed.
    panels: Option<Panels>,
    out: Vec<f32>,
}

impl Factors {
    /// Factors `[M, K]` and `[K, N]` of `size` `[M, K, N]`.
    ///
    /// # Panics
    /// If a size is 0.
    pub fn new(size: [usize; 3], transposed: Transposed) -> Self {
        assert!(!size.contains(&0), "{size:?}: each size of a product must be above 0");
        let [m, k, n] = size;
        let numbers = |count: usize, step: usize| (0..count).map(|i| (i * step % 17) as f32 / 8.0 - 1.0).collect();
        Self { a: numbers(m * k, 5), b: numbers(k * n, 7), size, transposed }
    }

    fn a(&self) -> Matrix<'_> {
        let [m, k, _] = self.size;
        match self.transposed {
            Transposed::A => Matrix::filling(&self.a, m).transpose(),
            _ => Matrix::filling(&self.a, k),
        }
    }

    fn b(&self) -> Matrix<'_> {
        let [_, k, n] = self.size;
        match self.transposed {
            Transposed::B => Matrix::filling(&self.b, k).transpose(),
            _ => Matrix::filling(&self.b, n),
        }
    }
}

impl<'a> Product<'a> {
    /// A product of `factors`, not yet computed.
    pub fn new(factors: &'a Factors, method: Method) -> Self {
        let (arch, [m, k, n]) = (Arch::new(), factors.size);
        let panels = match (method, factors.transposed) {
            (Method::Linear | Method::Gemm, _) | (_, Transposed::A) => None,
            (_, Transposed::B) => Some(Panels::pack(arch, &factors.b, k, Orientation::Transposed)),
            (_, Transposed::Neither) => Some(Panels::pack(arch, &factors.b, n, Orientation::Plain)),
        };
        Self { factors, method, arch, panels, out: vec![0.0; m * n] }
    }

    /// Computes it this many times, on the threads of the pool. As in a recurrence, those of [`Method::Recurrent`]
    /// compute their rows of all products without synchronising.
    pub fn run(&mut self, times: usize) {
        let Self { factors, method, arch, panels, out } = self;
        let [m, k, n] = factors.size;
        match (method, panels) {
            (Method::Recurrent, Some(panels)) => run_rows(*arch, [k, n], &factors.a, panels, out, times),
            (Method::Recurrent, None) => {
                for _ in 0..times {
                    let (a, b) = (|k: usize| &factors.a[k * m..][..m], |k: usize| &factors.b[k * n..][..n]);
                    outer_products(*arch, [k, m], a, b, black_box(out));
                }
            }
            (Method::Linear, _) => {
                for _ in 0..times {
                    *black_box(&mut *out) = product(factors.a(), factors.b(), None);
                }
            }
            (Method::Gemm, _) => {
                let parallel = m * k * n >= FLEX_PARALLEL_WORK;
                let parallelism = if parallel { Parallelism::Rayon(0) } else { Parallelism::None };
                for _ in 0..times {
                    write_library_product(factors.a(), factors.b(), black_box(out), parallelism);
                }
            }
        }
    }

    /// The result of the last run, row-major `[M, N]`.
    pub fn result(&self) -> &[f32] {
        &self.out
    }
}

/// `a b` `times` times, some rows of `a` on each thread.
fn run_rows(arch: Arch, [k, n]: [usize; 2], a: &[f32], panels: &Panels, out: &mut [f32], times: usize) {
    let share = (a.len() / k).div_ceil(rayon::current_num_threads());
    out.par_chunks_mut(share * n).zip(a.par_chunks(share * k)).for_each(|(out, a)| {
        let row = |(r, factors)| Row { factors, start: Start::Zero, at: r * n };
        let rows: Vec<Row> = a.chunks_exact(k).enumerate().map(row).collect();
        for _ in 0..times {
            arch.dispatch(RowProduct { panels, rows: &rows, out: black_box(&mut *out) });
        }
    });
}
