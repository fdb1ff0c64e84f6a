//! The devices that tests run on: a case of each test for each.

use burn::tensor::Device;

#[cfg(feature = "flex")]
pub fn flex() -> Device {
    Device::flex()
}

/// Deprecated by Burn in favour of flex, and supported here for as long as
/// Burn has it.
#[cfg(feature = "ndarray")]
#[expect(deprecated)]
pub fn ndarray() -> Device {
    Device::ndarray()
}

/// One of them, for claims that no backend has a part in.
pub fn any() -> Device {
    #[cfg(feature = "flex")]
    return flex();
    #[cfg(not(feature = "flex"))]
    ndarray()
}
