//! Safetensors: the length of a header, the header in JSON, then the values of all tensors without gaps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::error::WeightError;
use crate::file;
use crate::tensor::{Element, WeightTensor};

/// Bytes of the header's length.
const LENGTH: usize = 8;

/// Whether the bytes begin as this format does.
pub(crate) fn is_format_of(bytes: &[u8]) -> bool {
    bytes.get(LENGTH) == Some(&b'{')
}

/// The tensors of a file; on failure says what is wrong.
///
/// The crate checks that offsets leave no gap, do not overlap and end with the file; that no name is there twice is
/// checked here.
pub(crate) fn read(bytes: &[u8]) -> Result<BTreeMap<String, WeightTensor>, String> {
    let (length, _) = safetensors::SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    serde_json::from_slice::<DistinctNames>(&bytes[LENGTH..LENGTH + length]).map_err(|error| error.to_string())?;
    let file = safetensors::SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let read = |(name, view): (String, TensorView<'_>)| {
        let element = match view.dtype() {
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::Bf16,
            Dtype::F32 => Element::F32,
            Dtype::F64 => Element::F64,
            Dtype::I64 => Element::I64,
            Dtype::I32 => Element::I32,
            Dtype::I16 => Element::I16,
            Dtype::I8 => Element::I8,
            Dtype::U8 => Element::U8,
            Dtype::BOOL => Element::Bool,
            other => return Err(format!("{name}: values of type {other:?} are not supported")),
        };
        let tensor = WeightTensor::contiguous(view.shape().to_vec(), element, view.data());
        Ok((name, tensor))
    };
    file.tensors().into_iter().map(read).collect()
}

/// Writes tensors as safetensors of 32-bit floats; `notes` go into the header, where PyTorch's reader shows them as
/// metadata.
///
/// The file appears under its name when it is complete.
///
/// # Errors
///
/// When the file cannot be written, or the names make a header that is larger than the format allows.
pub fn save_safetensors(
    path: impl AsRef<Path>,
    tensors: &BTreeMap<String, WeightTensor>,
    notes: &BTreeMap<String, String>,
) -> Result<(), WeightError> {
    let path = path.as_ref();
    let malformed =
        |error: safetensors::SafeTensorError| WeightError::Malformed { path: path.into(), reason: error.to_string() };
    let bytes: Vec<Vec<u8>> =
        tensors.values().map(|tensor| tensor.values().iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        let view = TensorView::new(Dtype::F32, tensor.shape().to_vec(), bytes)?;
        Ok((name, view))
    });
    let views = views.collect::<Result<Vec<_>, _>>().map_err(malformed)?;
    let notes = notes.clone().into_iter().collect();
    let file = safetensors::serialize(views, Some(notes)).map_err(malformed)?;
    file::write(path, &file)
}

/// A JSON object without a key that is there twice.
struct DistinctNames;

impl<'de> Deserialize<'de> for DistinctNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = DistinctNames;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DistinctNames, A::Error> {
                let mut names = BTreeSet::new();
                while let Some((name, IgnoredAny)) = map.next_entry::<String, _>()? {
                    if names.contains(&name) {
                        return Err(A::Error::custom(format_args!("the tensor {name} is there twice")));
                    }
                    names.insert(name);
                }
                Ok(DistinctNames)
            }
        }

        deserializer.deserialize_map(Names)
    }
}
