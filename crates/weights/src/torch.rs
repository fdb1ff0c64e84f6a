//! Files of weights. `torch.save` has written zip files since PyTorch 1.6, and a sequence of pickles before.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::WeightError;
use crate::flatten;
use crate::json;
use crate::key_map::within;
use crate::pickle::{self, Pickle, Value};
use crate::safetensors;
use crate::tensor::{WeightTensor, places};
use crate::zip;

/// The first bytes of the format before zip: its magic number, pickled.
const OLD_MAGIC: &[u8] = &[0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];

const BIG_ENDIAN: &str = "it was written on a big-endian machine, which is not supported";

/// The tensors of a file.
#[derive(Clone, Debug)]
pub struct WeightFile {
    path: PathBuf,
    tensors: BTreeMap<String, WeightTensor>,
    tables: BTreeMap<String, Vec<String>>,
    unread: BTreeMap<String, String>,
}

impl WeightFile {
    /// Reads a safetensors or PyTorch file, or one of [`save_json`](crate::save_json).
    ///
    /// # Errors
    ///
    /// When it cannot be read, has another format, is damaged, or holds no tensor.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WeightError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| WeightError::Read { path: path.into(), source })?;
        Self::from_bytes(path, &bytes)
    }

    /// Reads a file from its bytes; `path` names it in messages.
    ///
    /// # Errors
    ///
    /// When the format is another, the bytes are damaged, or hold no tensor.
    pub fn from_bytes(path: impl Into<PathBuf>, bytes: &[u8]) -> Result<Self, WeightError> {
        let path = path.into();
        let read = if bytes.starts_with(b"PK\x03\x04") {
            read_zip(bytes)
        } else if bytes.starts_with(OLD_MAGIC) {
            read_old(bytes)
        } else if json::is_format_of(bytes) {
            json::read(bytes).map(|tensors| Contents { tensors, ..Contents::default() })
        } else if safetensors::is_format_of(bytes) {
            safetensors::read(bytes).map(|(tensors, unread)| Contents { tensors, unread, ..Contents::default() })
        } else {
            return Err(WeightError::UnknownFormat { path });
        };
        match read {
            Ok(Contents { tensors, unread, .. }) if tensors.is_empty() => {
                let unread = unread.into_iter().map(|(name, reason)| format!("{name}: {reason}")).collect();
                Err(WeightError::NoTensors { path, unread })
            }
            Ok(Contents { tensors, tables, unread }) => Ok(Self { path, tensors, tables, unread }),
            Err(reason) => Err(WeightError::Malformed { path, reason }),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every tensor, by its path of keys: `model_state_dict.lstm.weight_ih_l0`.
    pub fn tensors(&self) -> &BTreeMap<String, WeightTensor> {
        &self.tensors
    }

    /// The tensors, by value.
    pub fn into_tensors(self) -> BTreeMap<String, WeightTensor> {
        self.tensors
    }

    /// Tensors of unsupported kinds (sparse, quantised, complex, ...): their names, each with the reason.
    pub fn unread(&self) -> &BTreeMap<String, String> {
        &self.unread
    }

    /// Selects the tensors whose names start with `prefix` and a dot, without it: one state dict of several. Tables
    /// are kept.
    ///
    /// # Errors
    ///
    /// [`WeightError::NoSuchName`] when there is none.
    pub fn within(self, prefix: &str) -> Result<Self, WeightError> {
        let tensors = within(self.tensors, prefix)?;
        let unread = within(self.unread, prefix).unwrap_or_default();
        Ok(Self { tensors, unread, ..self })
    }

    /// Tables of texts numbered from 0 without a gap (`{"a": 0, "b": 1}`, `{0: "a", 1: "b"}`, `["a", "b"]`), as
    /// vocabularies are stored: the texts in the order of their numbers, by their path of keys.
    pub fn tables(&self) -> &BTreeMap<String, Vec<String>> {
        &self.tables
    }
}

/// The content of a file.
#[derive(Default)]
struct Contents {
    tensors: BTreeMap<String, WeightTensor>,
    tables: BTreeMap<String, Vec<String>>,
    unread: BTreeMap<String, String>,
}

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
    if flatten::flag(&machine, machine.root, "little_endian") == Some(false) {
        return Err(BIG_ENDIAN.into());
    }
    let elements = flatten::storages(&object);
    let Value::List(items) = keys.value(keys.root) else { return Err("the storages are not listed".into()) };
    let mut storages = BTreeMap::new();
    for item in keys.items(items) {
        let key = keys.text(item).ok_or("a storage's key is no text")?.into_owned();
        let element = elements.get(&key).ok_or_else(|| format!("no tensor uses the storage {key}"))?;
        // The storages are consecutive, so that without its size the next one cannot be found.
        let element =
            *element.as_ref().map_err(|class| format!("the storage {key} is a {class}, which is not supported"))?;
        let count = bytes.get(at..at + 8).ok_or("the storages are cut short")?;
        let count = u64::from_le_bytes(count.try_into().expect("eight bytes were taken"));
        let end = usize::try_from(count).ok().and_then(|count| count.checked_mul(element));
        let end = end.and_then(|size| size.checked_add(at + 8)).filter(|&end| end <= bytes.len());
        let end =
            end.ok_or_else(|| format!("the storage {key} of {count} elements goes beyond the end of the file"))?;
        storages.insert(key, at + 8..end);
        at = end;
    }
    resolve(&object, bytes, |key| storages.get(key).cloned())
}

fn resolve(
    pickle: &Pickle<'_>,
    bytes: &[u8],
    storage: impl Fn(&str) -> Option<Range<usize>>,
) -> Result<Contents, String> {
    // Tensors may share a storage, but their total size is limited in proportion to the file.
    let mut left = 2 * bytes.len();
    let flatten::Found { tensors: described, tables, mut unread } = flatten::find(pickle)?;
    let mut tensors = BTreeMap::new();
    for (name, flatten::Described { storage: key, element, offset, shape, strides, negative }) in described {
        let limit = left.min(bytes.len());
        let Some(count) = places(&shape).filter(|&count| count <= limit) else {
            unread.insert(name, format!("its shape {shape:?} is larger than the file: save it with contiguous()"));
            continue;
        };
        left -= count;
        let range = storage(&key).ok_or_else(|| format!("{name}: its storage {key} is missing"))?;
        let read = WeightTensor::read(&bytes[range], element, offset, shape, &strides, count)
            .map_err(|reason| format!("{name}: {reason}"))?;
        tensors.insert(name, if negative { read.negated() } else { read });
    }
    Ok(Contents { tensors, tables, unread })
}
