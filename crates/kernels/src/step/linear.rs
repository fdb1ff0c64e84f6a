//! A linear layer of one row.

use burn::tensor::Tensor;
use pulp::Arch;

use super::elements;
use crate::cpu::panels::Panels;

/// `y = W x + b` with `W` packed once.
#[derive(Debug)]
pub struct PackedLinear {
    arch: Arch,
    weight: Panels,
    /// `[O]`; zeros if the layer has none.
    bias: Vec<f32>,
}

impl PackedLinear {
    /// Packs `weight` `[O, I]`, and takes `bias` `[O]`. `None` if the weights are not `f32`
    /// on a CPU backend.
    ///
    /// # Panics
    /// If the bias is not as long as the matrix has rows.
    pub fn new(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Option<Self> {
        let [rows, width] = weight.dims();
        let arch = Arch::new();
        let bias = match bias {
            Some(bias) => elements(bias)?,
            None => vec![0.0; rows],
        };
        assert_eq!(bias.len(), rows, "`bias` must have the shape [O] = [{rows}] of the rows of `weight`");
        Some(Self { arch, weight: Panels::pack_for_row(arch, &elements(weight)?, width), bias })
    }

    /// `O`: numbers of `y`.
    pub fn output_size(&self) -> usize {
        self.bias.len()
    }

    /// Writes `W x + b` to `y`.
    ///
    /// # Panics
    /// If `x` is not of `I` numbers, or `y` not of `O`.
    pub fn apply(&self, x: &[f32], y: &mut [f32]) {
        y.copy_from_slice(&self.bias);
        self.weight.times_row(self.arch, x, y);
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::{DType, Device, TensorData};

    use super::*;
    use crate::cpu::testing::numbers;

    #[test]
    fn the_layer_is_its_matrix_times_the_row_plus_the_bias() {
        let device = Device::flex();
        for [rows, width] in [[1, 1], [17, 5], [65, 100]] {
            let (weight, bias, x) = (numbers(rows * width, 1), numbers(rows, 2), numbers(width, 3));
            // Transposed on the device: the elements do not lie in the order of their rows.
            let turned = (0..rows * width).map(|at| weight[at % rows * width + at / rows]).collect();
            let tensor = Tensor::<2>::from_data(TensorData::new(turned, [width, rows]), &device).transpose();
            let bias_tensor = Tensor::from_data(TensorData::new(bias.clone(), [rows]), &device);
            let layer = PackedLinear::new(tensor, Some(bias_tensor)).expect("f32 on a CPU");
            let mut y = vec![f32::NAN; layer.output_size()];
            layer.apply(&x, &mut y);
            for (row, &y) in y.iter().enumerate() {
                let terms = weight[row * width..][..width].iter().zip(&x);
                let sum: f64 = terms.map(|(&w, &x)| f64::from(w) * f64::from(x)).sum();
                // At most 100 additions of numbers below 0.25, each rounded.
                assert!((f64::from(y) - sum - f64::from(bias[row])).abs() < 5e-6);
            }
        }
    }

    #[test]
    fn other_element_types_are_left_to_the_sequence_operations() {
        let weight = Tensor::<2>::zeros([2, 2], (&Device::flex(), DType::F64));
        assert!(PackedLinear::new(weight, None).is_none());
    }
}
