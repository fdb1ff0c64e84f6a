//! NumPy arrays: files of a header, which is a dictionary of Python, and the numbers.
//!
//! The format is that of `numpy.lib.format`, versions 1 to 3.

mod header;

use std::path::Path;

use half::f16;

use self::header::{Header, ItemType};
use crate::{DataError, ErrorKind, files};

const FEATURE_TYPES: &str = "f2, f4, f8, and integers of 1 to 8 bytes (i1 to i8, u1 to u8)";
const LABEL_TYPES: &str = "integers of 1 to 8 bytes (i1 to i8, u1 to u8)";

/// An array in C order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array<T> {
    pub shape: Vec<usize>,
    pub values: Vec<T>,
}

/// The numbers of the type `$number` in `$data`, each converted by `$convert`.
macro_rules! numbers {
    ($number:ty, $item:expr, $data:expr, $convert:expr) => {{
        let number = |bytes: &[u8]| {
            let bytes = bytes.try_into().expect("chunks have as many bytes as a number");
            if $item.big_endian { <$number>::from_be_bytes(bytes) } else { <$number>::from_le_bytes(bytes) }
        };
        $data.chunks_exact(size_of::<$number>()).map(number).map($convert).collect()
    }};
}

/// The integers in `$data`, each converted by `$convert`; none if the array is of another type.
macro_rules! integers {
    ($item:expr, $data:expr, $convert:expr) => {
        match ($item.kind, $item.size) {
            ('i', 1) => Some(numbers!(i8, $item, $data, $convert)),
            ('i', 2) => Some(numbers!(i16, $item, $data, $convert)),
            ('i', 4) => Some(numbers!(i32, $item, $data, $convert)),
            ('i', 8) => Some(numbers!(i64, $item, $data, $convert)),
            ('u', 1) => Some(numbers!(u8, $item, $data, $convert)),
            ('u', 2) => Some(numbers!(u16, $item, $data, $convert)),
            ('u', 4) => Some(numbers!(u32, $item, $data, $convert)),
            ('u', 8) => Some(numbers!(u64, $item, $data, $convert)),
            _ => None,
        }
    };
}

/// Reads features.
///
/// # Errors
///
/// When the file cannot be read, is not an array, is cut off, or has an unsupported type or order.
pub(super) fn features(path: &Path) -> Result<Array<f32>, DataError> {
    let array = read(path, FEATURE_TYPES, |item, data| match (item.kind, item.size) {
        ('f', 2) => Some(numbers!(f16, item, data, f16::to_f32)),
        ('f', 4) => Some(numbers!(f32, item, data, |x| x)),
        ('f', 8) => Some(numbers!(f64, item, data, |x| x as f32)),
        _ => integers!(item, data, |x| x as f32),
    })?;
    match array.values.iter().position(|value: &f32| !value.is_finite()) {
        Some(index) => {
            let message =
                format!("number {index} of the array is {}, and features must be finite", array.values[index]);
            Err(ErrorKind::Format.error(message).within(path))
        }
        None => Ok(array),
    }
}

/// Reads labels, as integers.
///
/// # Errors
///
/// As [`features`].
pub(super) fn labels(path: &Path) -> Result<Array<i128>, DataError> {
    read(path, LABEL_TYPES, |item, data| integers!(item, data, i128::from))
}

/// Reads an array. `numbers` returns none for a type that is not among the `supported`.
fn read<T>(
    path: &Path,
    supported: &str,
    numbers: impl FnOnce(&ItemType, &[u8]) -> Option<Vec<T>>,
) -> Result<Array<T>, DataError> {
    let bytes = files::bytes(path)?;
    let malformed =
        |reason: String| ErrorKind::Format.error(format!("not a NumPy array (.npy): {reason}")).within(path);
    let (Header { item, fortran, shape }, data) = Header::read(&bytes).map_err(malformed)?;
    // Before the number of bytes: the size of other types is not in bytes.
    let values = numbers(&item, data).ok_or_else(|| {
        let message =
            format!("the array is of the type {}; {supported} can be read: convert it with `.astype(...)`", item.text);
        ErrorKind::Format.error(message).within(path)
    })?;
    if fortran && shape.len() > 1 {
        let message = "the array is in Fortran order, and must be in C order: save `numpy.ascontiguousarray(array)`";
        return Err(ErrorKind::Format.error(message).within(path));
    }
    let shape = checked_shape(path, &shape, item.size, data.len())?;
    Ok(Array { shape, values })
}

/// The shape, after checking that there are as many bytes as it needs.
fn checked_shape(path: &Path, shape: &[u64], item: u64, found: usize) -> Result<Vec<usize>, DataError> {
    let wanted = shape.iter().try_fold(item, |product, &extent| product.checked_mul(extent));
    let wrong = |wanted: String| {
        let message =
            format!("the array of the shape {shape:?} needs {wanted} bytes of numbers, and there are {found}");
        ErrorKind::Mismatch.error(message).within(path)
    };
    if wanted != Some(found as u64) {
        return Err(wrong(wanted.map_or_else(|| "more than 2^64".to_owned(), |wanted| wanted.to_string())));
    }
    // An extent may still be huge if another is 0.
    let sizes = shape.iter().map(|&extent| usize::try_from(extent));
    sizes.collect::<Result<_, _>>().map_err(|_| wrong("more than this machine can address".to_owned()))
}

/// The error for an array whose shape is not that of a clip or its labels.
pub(super) fn wrong_shape(path: &Path, shape: &[usize], wanted: &str) -> DataError {
    let message = format!("the array has the shape {shape:?}, and {wanted} is wanted");
    ErrorKind::Mismatch.error(message).within(path)
}
