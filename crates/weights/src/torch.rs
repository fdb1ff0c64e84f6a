//! A file of weights; those that `torch.save` writes are a zip since PyTorch 1.6, a row of pickles before.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::WeightError;
use crate::flatten;
use crate::pickle::{self, Pickle, Value};
use crate::safetensors;
use crate::tensor::WeightTensor;
use crate::zip;

/// What a file of the format before zip begins with, as a whole number in a pickle.
const OLD_MAGIC: &[u8] = &[0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];

const BIG_ENDIAN: &str = "it was written on a big-endian machine, which is not supported";

/// The tensors of a file.
#[derive(Clone, Debug)]
pub struct WeightFile {
    path: PathBuf,
    tensors: BTreeMap<String, WeightTensor>,
    tables: BTreeMap<String, Vec<String>>,
}

impl WeightFile {
    /// Reads a file of safetensors or of PyTorch.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is not such a file, is damaged, or holds no tensor.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WeightError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| WeightError::Read { path: path.into(), source })?;
        Self::from_bytes(path, &bytes)
    }

    /// Reads the bytes of a file; `path` stands for them in messages.
    ///
    /// # Errors
    ///
    /// When they are not such a file, are damaged, or hold no tensor.
    pub fn from_bytes(path: impl Into<PathBuf>, bytes: &[u8]) -> Result<Self, WeightError> {
        let path = path.into();
        let read = if bytes.starts_with(b"PK\x03\x04") {
            read_zip(bytes)
        } else if bytes.starts_with(OLD_MAGIC) {
            read_old(bytes)
        } else if safetensors::is_format_of(bytes) {
            safetensors::read(bytes).map(|tensors| (tensors, BTreeMap::new()))
        } else {
            return Err(WeightError::UnknownFormat { path });
        };
        match read {
            Ok((tensors, _)) if tensors.is_empty() => Err(WeightError::NoTensors { path }),
            Ok((tensors, tables)) => Ok(Self { path, tensors, tables }),
            Err(reason) => Err(WeightError::Malformed { path, reason }),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every tensor, by the path of keys that leads to it: `model_state_dict.lstm.weight_ih_l0`.
    pub fn tensors(&self) -> &BTreeMap<String, WeightTensor> {
        &self.tensors
    }

    /// The tensors themselves.
    pub fn into_tensors(self) -> BTreeMap<String, WeightTensor> {
        self.tensors
    }

    /// Tables beside the tensors that number texts from 0 without a gap (`{"a": 0, "b": 1}`, `{0: "a", 1: "b"}`,
    /// `["a", "b"]`), as vocabularies are kept: the texts in the order of their numbers, by the path of keys that leads there.
    pub fn tables(&self) -> &BTreeMap<String, Vec<String>> {
        &self.tables
    }
}

/// The tensors and the tables of a file.
type Contents = (BTreeMap<String, WeightTensor>, BTreeMap<String, Vec<String>>);

fn read_zip(bytes: &[u8]) -> Result<Contents, String> {
    let records = zip::records(bytes)?;
    let mut folders = records.keys().filter_map(|name| name.strip_suffix("data.pkl"));
    let folder = folders.next().ok_or("there is no data.pkl in the zip")?.to_owned();
    if records.get(&format!("{folder}byteorder")).is_some_and(|range| &bytes[range.clone()] == b"big") {
        return Err(BIG_ENDIAN.into());
    }
    let pickle = pickle::read(&bytes[records[&format!("{folder}data.pkl")].clone()])?;
    resolve(&pickle, bytes, |key| records.get(&format!("{folder}data/{key}")).cloned())
}

/// Five pickles (magic, version, machine, the object, the storages' keys), then for each storage the number of its
/// elements in 8 bytes and the elements.
fn read_old(bytes: &[u8]) -> Result<Contents, String> {
    let mut at = OLD_MAGIC.len();
    let mut next = || {
        let pickle = pickle::read(&bytes[at..])?;
        at += pickle.length;
        Ok::<_, String>(pickle)
    };
    let (_version, machine, object, keys) = (next()?, next()?, next()?, next()?);
    if flatten::flag(&machine, "little_endian") == Some(false) {
        return Err(BIG_ENDIAN.into());
    }
    let found = flatten::find(&object)?;
    let elements: BTreeMap<_, _> = found.tensors.into_values().map(|tensor| (tensor.storage, tensor.element)).collect();
    let Value::List(items) = &keys.values[keys.root] else { return Err("the storages are not listed".into()) };
    let mut storages = BTreeMap::new();
    for &item in items {
        let Value::Text(key) = &keys.values[item] else { return Err("a storage's key is no text".into()) };
        let element = elements.get(key).ok_or_else(|| format!("no tensor uses the storage {key}"))?;
        let count = bytes.get(at..at + 8).ok_or("the storages are cut short")?;
        let count = u64::from_le_bytes(count.try_into().expect("eight bytes were taken"));
        let end = usize::try_from(count).ok().and_then(|count| count.checked_mul(element.bytes()));
        let end = end.and_then(|size| size.checked_add(at + 8)).filter(|&end| end <= bytes.len());
        let end =
            end.ok_or_else(|| format!("the storage {key} of {count} elements goes beyond the end of the file"))?;
        storages.insert(key.clone(), at + 8..end);
        at = end;
    }
    resolve(&object, bytes, |key| storages.get(key).cloned())
}

fn resolve(pickle: &Pickle, bytes: &[u8], storage: impl Fn(&str) -> Option<Range<usize>>) -> Result<Contents, String> {
    // Tensors may share a storage, but a file must not grow out of proportion by it.
    let mut left = 4 * bytes.len();
    let read = |(name, tensor): (String, flatten::Described)| {
        let range =
            storage(&tensor.storage).ok_or_else(|| format!("{name}: its storage {} is missing", tensor.storage))?;
        let (shape, strides) = (tensor.shape, &tensor.strides);
        let limit = left.min(bytes.len());
        let read = WeightTensor::read(&bytes[range], tensor.element, tensor.offset, shape, strides, limit)
            .map_err(|reason| format!("{name}: {reason}"))?;
        left -= read.values.len();
        Ok::<_, String>((name, read))
    };
    let found = flatten::find(pickle)?;
    Ok((found.tensors.into_iter().map(read).collect::<Result<_, _>>()?, found.tables))
}
