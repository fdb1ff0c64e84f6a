//! A linear layer with packed weights.

use burn::tensor::Tensor;
use pulp::Arch;

use super::{bias_of, elements};
use crate::cpu::panels::{Orientation, Panels};
use crate::cpu::tiles::{Product, Row, Shared, Start};

/// Most rows whose product threads share: the product of more takes longer than reading the weights.
const SHARED_ROWS: usize = 16;

/// The number of rows of each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// One, as in sampling. Several are multiplied one by one.
    One,
    /// Several side by side, as in beam search.
    Several,
}

/// `Y = X Wᵀ + b` with `W` packed once.
#[derive(Debug)]
pub struct PackedLinear {
    weight: Packed,
    /// `[O]`; zeros if the layer has none.
    bias: Vec<f32>,
}

impl PackedLinear {
    /// Packs `weight` `[O, I]` and `bias` `[O]`. `None` if the weights are not `f32` on a CPU
    /// backend.
    ///
    /// # Panics
    /// If the length of the bias is not the matrix's number of rows.
    pub fn new(weight: Tensor<2>, bias: Option<Tensor<1>>, rows: Rows) -> Option<Self> {
        Self::oriented(weight, bias, rows, Orientation::Transposed)
    }

    /// The same for `weight` `[I, O]`, as in Burn's linear layers: packed without transposing.
    ///
    /// # Panics
    /// If the length of the bias is not the matrix's number of columns.
    pub fn plain(weight: Tensor<2>, bias: Option<Tensor<1>>, rows: Rows) -> Option<Self> {
        Self::oriented(weight, bias, rows, Orientation::Plain)
    }

    fn oriented(weight: Tensor<2>, bias: Option<Tensor<1>>, rows: Rows, orientation: Orientation) -> Option<Self> {
        let weight = Packed::new(weight, rows, orientation)?;
        Some(Self { bias: bias_of("bias", bias, weight.panels.columns())?, weight })
    }

    /// `O`: width of a row of `Y`.
    pub fn output_size(&self) -> usize {
        self.bias.len()
    }

    /// Writes `X Wᵀ + b` to `y` `[N, O]`, for `x` `[N, I]`.
    ///
    /// # Panics
    /// If `x` and `y` do not have the same number of whole rows.
    pub fn apply(&self, x: &[f32], y: &mut [f32]) {
        if self.weight.rows == Rows::Several {
            return self.weight.product(x, Start::From(&self.bias), y);
        }
        if y.len() == self.bias.len() {
            y.copy_from_slice(&self.bias);
        } else {
            y.chunks_mut(self.bias.len()).for_each(|row| row.copy_from_slice(&self.bias));
        }
        self.weight.add_product(x, y);
    }

    /// Writes `X Wᵀ + b` to `y`, which becomes `[N, O]`, for `x` `[N, I]`.
    ///
    /// # Panics
    /// If `x` does not consist of whole rows.
    pub fn product_into(&self, x: &[f32], y: &mut Vec<f32>) {
        y.resize(x.len() / self.weight.depth * self.bias.len(), 0.0);
        self.apply(x, y);
    }

    /// `X Wᵀ + b`, `[N, O]`, for `x` `[N, I]`.
    ///
    /// # Panics
    /// If `x` does not consist of whole rows.
    pub fn product(&self, x: &[f32]) -> Vec<f32> {
        let mut y = Vec::new();
        self.product_into(x, &mut y);
        y
    }
}

/// A matrix `W` `[O, I]`, or `[I, O]` if plain, packed for products with rows of `I` elements.
#[derive(Debug)]
pub(super) struct Packed {
    arch: Arch,
    panels: Panels,
    rows: Rows,
    /// `I`
    depth: usize,
}

impl Packed {
    /// `None` if native code does not support the matrix.
    pub fn new(weight: Tensor<2>, rows: Rows, orientation: Orientation) -> Option<Self> {
        let (arch, [height, width]) = (Arch::new(), weight.dims());
        let weight = elements(weight)?;
        let panels = match rows {
            Rows::One => Panels::pack_for_row(arch, &weight, width, orientation),
            Rows::Several => Panels::pack(arch, &weight, width, orientation),
        };
        let depth = match orientation {
            Orientation::Transposed => width,
            Orientation::Plain => height,
        };
        Some(Self { arch, panels, rows, depth })
    }

    /// Adds `X Wᵀ` to `out` `[N, O]`, for `x` `[N, I]`.
    ///
    /// # Panics
    /// If `x` and `out` do not have the same number of whole rows.
    pub fn add_product(&self, x: &[f32], out: &mut [f32]) {
        if self.rows == Rows::One && x.len() == self.depth {
            // A small network's step is so short that the divisions below would be noticeable.
            return self.panels.times_row(self.arch, x, out);
        }
        self.product(x, Start::Output, out);
    }

    /// Writes `X Wᵀ` plus `start` to `out` `[N, O]`, for `x` `[N, I]`. With [`Rows::One`], `start` is the output.
    ///
    /// # Panics
    /// As [`add_product`](Self::add_product).
    fn product(&self, x: &[f32], start: Start, out: &mut [f32]) {
        let (depth, columns) = (self.depth, self.panels.columns());
        assert!(
            x.len().is_multiple_of(depth) && x.len() / depth * columns == out.len(),
            "{} numbers of x, in rows of {depth}, and {} of the product, in rows of {columns}",
            x.len(),
            out.len()
        );
        let x = x.chunks_exact(depth);
        match self.rows {
            Rows::One => {
                x.zip(out.chunks_exact_mut(columns)).for_each(|(x, out)| self.panels.times_row(self.arch, x, out));
            }
            Rows::Several => {
                let row = |(r, factors)| Row { factors, start, at: r * columns };
                let rows: Vec<Row> = x.enumerate().map(row).collect();
                let product = Product { panels: &self.panels, rows: &rows, out };
                match self.threads(rows.len()) {
                    1 => self.arch.dispatch(product),
                    threads => self.arch.dispatch(Shared { product, threads }),
                }
            }
        }
    }

    /// Threads that share the product of so many rows. With more rows, callers have work for other threads.
    fn threads(&self, rows: usize) -> usize {
        if rows <= SHARED_ROWS && self.panels.is_large() { rayon::current_num_threads() } else { 1 }
    }
}
