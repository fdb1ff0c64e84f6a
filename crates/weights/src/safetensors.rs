//! Safetensors: the length of the header, the header as JSON, then the values of all tensors without gaps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::iter;
use std::path::Path;

use safetensors::tensor::Dtype;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::error::WeightError;
use crate::file;
use crate::tensor::{Element, WeightTensor};

/// Unsupported tensors, each with the reason.
type Unread = BTreeMap<String, String>;

/// Bytes of the header's length.
const LENGTH: usize = 8;

/// Whether the bytes start as this format does.
pub(crate) fn is_format_of(bytes: &[u8]) -> bool {
    bytes.get(LENGTH) == Some(&b'{')
}

/// The tensors of a file, and those of unsupported types, with the reason; an error describes the problem.
///
/// The `safetensors` crate checks that offsets leave no gap, do not overlap and end with the file; duplicate names are
/// checked here.
pub(crate) fn read(bytes: &[u8]) -> Result<(BTreeMap<String, WeightTensor>, Unread), String> {
    let (length, _) = safetensors::SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    serde_json::from_slice::<DistinctNames>(&bytes[LENGTH..LENGTH + length]).map_err(|error| error.to_string())?;
    let file = safetensors::SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let (mut tensors, mut unread) = (BTreeMap::new(), BTreeMap::new());
    for (name, view) in file.tensors() {
        let element = match view.dtype() {
            Dtype::F8_E4M3 => Element::F8E4M3,
            Dtype::F8_E5M2 => Element::F8E5M2,
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::Bf16,
            Dtype::F32 => Element::F32,
            Dtype::F64 => Element::F64,
            Dtype::I64 => Element::I64,
            Dtype::I32 => Element::I32,
            Dtype::I16 => Element::I16,
            Dtype::I8 => Element::I8,
            Dtype::U64 => Element::U64,
            Dtype::U32 => Element::U32,
            Dtype::U16 => Element::U16,
            Dtype::U8 => Element::U8,
            Dtype::BOOL => Element::Bool,
            other => {
                unread.insert(name, format!("values of type {other:?} are not supported"));
                continue;
            }
        };
        tensors.insert(name, WeightTensor::contiguous(view.shape().to_vec(), element, view.data()));
    }
    Ok((tensors, unread))
}

/// Writes tensors as safetensors of 32-bit floats; `notes` go into the header, as metadata for PyTorch's reader.
///
/// The file gets its name when it is complete. The same tensors and notes give the same bytes.
///
/// # Errors
///
/// When the file cannot be written, or the names make the header larger than the format allows.
pub fn save_safetensors(
    path: impl AsRef<Path>,
    tensors: &BTreeMap<String, WeightTensor>,
    notes: &BTreeMap<String, String>,
) -> Result<(), WeightError> {
    let path = path.as_ref();
    let bytes = written(tensors, notes);
    safetensors::SafeTensors::read_metadata(&bytes)
        .map_err(|error| WeightError::Malformed { path: path.into(), reason: error.to_string() })?;
    file::write(path, &bytes)
}

/// The crate writes the notes in an order that changes from run to run.
fn written(tensors: &BTreeMap<String, WeightTensor>, notes: &BTreeMap<String, String>) -> Vec<u8> {
    let mut end = 0;
    let entries = tensors.iter().map(|(name, tensor)| {
        let start = end;
        end += 4 * tensor.values().len();
        (name.as_str(), Entry::Tensor { dtype: "F32", shape: tensor.shape(), data_offsets: [start, end] })
    });
    let header: BTreeMap<&str, Entry<'_>> = iter::once(("__metadata__", Entry::Notes(notes))).chain(entries).collect();
    let mut header = serde_json::to_vec(&header).expect("names, notes and sizes can be written as JSON");
    header.resize(header.len().next_multiple_of(LENGTH), b' ');
    let mut bytes = Vec::with_capacity(LENGTH + header.len() + end);
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.append(&mut header);
    bytes.extend(tensors.values().flat_map(WeightTensor::values).flat_map(|value| value.to_le_bytes()));
    bytes
}

/// A value of the header.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Notes(&'a BTreeMap<String, String>),
    Tensor { dtype: &'static str, shape: &'a [usize], data_offsets: [usize; 2] },
}

/// A JSON object without duplicate keys.
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
