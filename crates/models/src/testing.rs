//! What the tests of all models share.

use burn::tensor::Device;

/// The backends that the tests run on.
// Burn has deprecated its ndarray backend; here it is supported all the same.
#[allow(deprecated)]
pub(crate) fn devices() -> Vec<Device> {
    vec![
        #[cfg(feature = "flex")]
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}
