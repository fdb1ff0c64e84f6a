//! The weights of a layer, by name.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::Layer;
use crate::init::parameter;

/// A weight of a cell, with symbolic sizes.
#[derive(Debug)]
pub(crate) struct WeightShape {
    /// PyTorch's name, without the layer number.
    pub name: &'static str,
    /// One size for a vector, two for a matrix.
    pub sizes: &'static [Size],
    pub start: Start,
    /// Whether only layers with biases have it.
    pub is_bias: bool,
}

impl WeightShape {
    /// A matrix that the scheme draws.
    pub const fn matrix(name: &'static str, sizes: &'static [Size; 2]) -> Self {
        Self { name, sizes, start: Start::Drawn, is_bias: false }
    }

    /// A vector, initialised to one value.
    pub const fn vector(name: &'static str, size: &'static [Size; 1], value: f32) -> Self {
        Self { name, sizes: size, start: Start::Constant(value), is_bias: false }
    }
}

/// A size of a weight, in the letters of the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// Features per step.
    I,
    /// The hidden size.
    H,
    /// Gates x hidden size.
    G,
}

/// The initial value of a weight.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// Drawn by the scheme of the [`Initialization`](crate::Initialization).
    Drawn,
    /// A constant.
    Constant(f32),
}

/// The sizes of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub input: usize,
    pub hidden: usize,
    pub gates: usize,
}

impl Sizes {
    pub fn of(self, size: Size) -> usize {
        match size {
            Size::I => self.input,
            Size::H => self.hidden,
            Size::G => self.gates * self.hidden,
        }
    }
}

/// A weight of a [`Layer`](crate::Layer).
#[derive(Module, Debug)]
pub enum Weight {
    /// `[R, C]`.
    Matrix(Param<Tensor<2>>),
    /// `[R]`.
    Vector(Param<Tensor<1>>),
}

impl Weight {
    /// A weight with the values of `draw`, row by row.
    pub(crate) fn new(shape: &WeightShape, sizes: Sizes, draw: impl FnOnce() -> Vec<f32>, device: &Device) -> Self {
        match *shape.sizes {
            [rows, columns] => Self::Matrix(parameter([sizes.of(rows), sizes.of(columns)], device, draw)),
            _ => Self::Vector(parameter([sizes.of(shape.sizes[0])], device, draw)),
        }
    }
}

/// The weights of a layer as tensors, for one forward pass.
pub(crate) struct Values<'l> {
    pub layer: &'l Layer,
    /// Replaces the layer's own.
    pub weight_hh: Option<Tensor<2>>,
}

impl Values<'_> {
    /// A matrix `[R, C]`.
    ///
    /// # Panics
    ///
    /// If the cell has no such matrix.
    pub fn matrix(&self, name: &str) -> Tensor<2> {
        match &self.weight_hh {
            Some(weight_hh) if name == "weight_hh" => weight_hh.clone(),
            _ => self.layer.matrix(name),
        }
    }

    /// A vector `[R]`; `None` for a bias of a layer without biases.
    pub fn vector(&self, name: &str) -> Option<Tensor<1>> {
        self.layer.vector(name)
    }

    /// A vector as a row `[1, R]`.
    ///
    /// # Panics
    ///
    /// If the cell has no such vector.
    pub fn row(&self, name: &str) -> Tensor<2> {
        self.vector(name).unwrap_or_else(|| panic!("the cell has no vector {name}")).unsqueeze()
    }
}
