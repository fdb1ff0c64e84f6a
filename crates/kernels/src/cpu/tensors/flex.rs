//! The flex backend.

use burn::backend::{
    Flex,
    flex::{FlexTensor, Layout},
};
use burn::tensor::{Bytes, DType, Shape};

use super::CpuBackend;

impl CpuBackend for Flex {
    // Its products are those of the crate that ours call.
    const NATIVE_PRODUCT: bool = false;

    fn contiguous(tensor: FlexTensor) -> FlexTensor {
        tensor.to_contiguous()
    }

    fn slice(tensor: &FlexTensor) -> &[f32] {
        tensor.as_slice().expect("a contiguous tensor of f32")
    }

    fn slice_mut(tensor: &mut FlexTensor) -> &mut [f32] {
        let (start, end) = tensor.layout().contiguous_offsets().expect("a contiguous tensor");
        &mut tensor.storage_mut()[start..end]
    }

    fn is_unique(tensor: &FlexTensor) -> bool {
        tensor.is_unique() && tensor.is_contiguous()
    }

    fn is_contiguous(tensor: &FlexTensor) -> bool {
        tensor.is_contiguous()
    }

    fn integers(tensor: FlexTensor) -> Vec<i64> {
        tensor.into_data().iter().collect()
    }

    fn from_elements(elements: Vec<f32>, shape: Shape) -> FlexTensor {
        // Flex's own zeros would be written and then copied to another alignment.
        FlexTensor::new(Bytes::from_elems(elements), Layout::contiguous(shape), DType::F32)
    }
}
