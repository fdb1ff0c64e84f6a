//! The ndarray backend, a thin adapter: Burn has deprecated it.
#![allow(deprecated)]

use burn::backend::{NdArray, ndarray::NdArrayTensor};
use burn::tensor::{Shape, TensorData};

use super::{CpuBackend, in_order::in_order};

impl CpuBackend for NdArray {
    const NATIVE_PRODUCT: bool = true;

    fn contiguous(tensor: NdArrayTensor) -> NdArrayTensor {
        match tensor {
            NdArrayTensor::F32(values) if !values.view().is_standard_layout() => {
                let view = values.view();
                // A flipped dimension, a repeated tensor or a part of another are read element by element.
                let forward = view.strides().iter().all(|&stride| stride >= 0);
                let copy = match view.to_slice_memory_order() {
                    Some(elements) if forward => in_order(elements, view.shape(), view.strides()),
                    _ => view.iter().copied().collect(),
                };
                Self::from_elements(copy, Shape::from(view.shape().to_vec()))
            }
            other => other,
        }
    }

    fn slice(tensor: &NdArrayTensor) -> &[f32] {
        match tensor {
            NdArrayTensor::F32(values) => values.view().to_slice(),
            _ => None,
        }
        .expect("a contiguous tensor of f32")
    }

    fn slice_mut(tensor: &mut NdArrayTensor) -> &mut [f32] {
        match tensor {
            NdArrayTensor::F32(values) => values.ensure_owned().as_slice_mut(),
            _ => None,
        }
        .expect("a contiguous tensor of f32")
    }

    fn is_unique(tensor: &NdArrayTensor) -> bool {
        match tensor {
            NdArrayTensor::F32(values) => values.is_unique() && values.view().is_standard_layout(),
            _ => false,
        }
    }

    fn is_contiguous(tensor: &NdArrayTensor) -> bool {
        match tensor {
            NdArrayTensor::F32(values) => values.view().is_standard_layout(),
            _ => false,
        }
    }

    fn integers(tensor: NdArrayTensor) -> Vec<i64> {
        macro_rules! integers {
            ($($width:ident)*) => {
                match tensor {
                    $(NdArrayTensor::$width(values) => values.view().iter().map(|&value| value as i64).collect(),)*
                    _ => unreachable!("an integer tensor holds integers"),
                }
            };
        }
        integers!(I64 I32 I16 I8 U64 U32 U16 U8)
    }

    fn from_elements(elements: Vec<f32>, shape: Shape) -> NdArrayTensor {
        NdArrayTensor::from_data(TensorData::new(elements, shape))
    }
}
