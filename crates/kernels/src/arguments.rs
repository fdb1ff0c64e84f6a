//! Checks of a caller's arguments: each message names the argument, the expected and the actual
//! value.

use burn::tensor::{Tensor, kind::Basic};

use crate::{Input, Scan};

/// The sizes shared by the arguments of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub batch: usize,
    pub hidden: usize,
}

/// The arguments that all cells share.
pub(crate) struct Arguments<'a> {
    /// The operation, for messages.
    pub operation: &'static str,
    /// Gates of the cell: `G = gates * H`.
    pub gates: usize,
    pub input: &'a Input,
    /// None if the cell has no recurrent product.
    pub weight_hh: Option<&'a Tensor<2>>,
    pub h0: &'a Tensor<2>,
    pub scan: &'a Scan,
}

impl Arguments<'_> {
    /// Checks that they are consistent.
    ///
    /// # Panics
    /// If a shape, an element type or a length does not fit.
    pub fn check(&self) -> Sizes {
        let [steps, batch, width] = self.input.dims();
        let [_, hidden] = self.h0.dims();
        let sizes = Sizes { batch, hidden };
        let operation = self.operation;
        assert!(
            steps > 0 && batch > 0 && hidden > 0,
            "{operation}: `input` and `h0` must hold at least one step, one row and one \
             hidden unit, got T = {steps}, B = {batch}, H = {hidden}"
        );
        let wanted = self.gates * hidden;
        match self.input {
            Input::Projected(_) => self.shape("input", "[T, B, G]", [steps, batch, wanted], [steps, batch, width]),
            Input::Tokens { table, .. } => {
                let [rows, _] = table.dims();
                assert!(rows > 0, "{operation}: `table` must hold at least one row");
                self.shape("table", "[V, G]", [rows, wanted], [rows, width]);
                self.element_type("table", table);
            }
        }
        if let Input::Projected(projection) = self.input {
            self.element_type("input", projection);
        }
        self.tensor("h0", "[B, H]", [batch, hidden], self.h0);
        if let Some(weight_hh) = self.weight_hh {
            self.tensor("weight_hh", "[G, H]", [wanted, hidden], weight_hh);
        }
        self.scan.check(operation, steps, batch);
        sizes
    }

    /// Checks another tensor of the cell: its shape, and its element type, which must be that of `h0`.
    pub fn tensor<const D: usize>(&self, argument: &str, letters: &str, wanted: [usize; D], tensor: &Tensor<D>) {
        self.shape(argument, letters, wanted, tensor.dims());
        self.element_type(argument, tensor);
    }

    fn shape<const D: usize>(&self, argument: &str, letters: &str, wanted: [usize; D], seen: [usize; D]) {
        assert!(
            wanted == seen,
            "{}: `{argument}` must have the shape {letters} = {wanted:?}, got {seen:?}",
            self.operation
        );
    }

    fn element_type<const D: usize, K: Basic>(&self, argument: &str, tensor: &Tensor<D, K>) {
        let (wanted, seen) = (self.h0.dtype(), tensor.dtype());
        assert!(
            wanted == seen,
            "{}: `{argument}` must have the element type of `h0`, {wanted:?}, got {seen:?}",
            self.operation
        );
    }
}
