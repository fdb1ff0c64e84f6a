//! NumPy arrays.

use std::path::Path;

use npyz::{DType, NpyFile, NpyHeader, Order, TypeChar};

use crate::{DataError, ErrorKind, files};

const FEATURE_TYPES: &str = "f4, f8, and integers of 1 to 8 bytes (i1 to i8, u1 to u8)";
const LABEL_TYPES: &str = "integers of 1 to 8 bytes (i1 to i8, u1 to u8)";

/// Limit on the header; NumPy's are far shorter, so a longer one is a damaged length.
const MAX_HEADER: usize = 1 << 14;

/// Nesting limit of brackets; an array of records has four.
const MAX_DEPTH: usize = 6;

/// An array in C order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array<T> {
    pub shape: Vec<usize>,
    pub values: Vec<T>,
}

/// Reads integers of the type and size `$kind`, each converted by `$convert`.
macro_rules! integers {
    ($kind:expr, $path:expr, $header:expr, $data:expr, $convert:expr) => {
        match $kind {
            (TypeChar::Int, 1) => read::<i8>($path, $header, $data)?.into_iter().map($convert).collect(),
            (TypeChar::Int, 2) => read::<i16>($path, $header, $data)?.into_iter().map($convert).collect(),
            (TypeChar::Int, 4) => read::<i32>($path, $header, $data)?.into_iter().map($convert).collect(),
            (TypeChar::Int, 8) => read::<i64>($path, $header, $data)?.into_iter().map($convert).collect(),
            (TypeChar::Uint, 1) => read::<u8>($path, $header, $data)?.into_iter().map($convert).collect(),
            (TypeChar::Uint, 2) => read::<u16>($path, $header, $data)?.into_iter().map($convert).collect(),
            (TypeChar::Uint, 4) => read::<u32>($path, $header, $data)?.into_iter().map($convert).collect(),
            (TypeChar::Uint, 8) => read::<u64>($path, $header, $data)?.into_iter().map($convert).collect(),
            other => unreachable!("header() refuses {other:?}"),
        }
    };
}

/// Reads features.
///
/// # Errors
///
/// When the file cannot be read, is not an array, is cut off, or has an unsupported type or order.
pub(super) fn features(path: &Path) -> Result<Array<f32>, DataError> {
    let bytes = files::bytes(path)?;
    let (header, data) = header(path, &bytes, FEATURE_TYPES)?;
    let shape = checked_shape(path, &header, data.len())?;
    let values: Vec<f32> = match scalar(&header) {
        Some((TypeChar::Float, 4)) => read::<f32>(path, header, data)?,
        Some((TypeChar::Float, 8)) => read::<f64>(path, header, data)?.into_iter().map(|v| v as f32).collect(),
        Some(integer) => integers!(integer, path, header, data, |v| v as f32),
        None => unreachable!("header() refuses what is no number"),
    };
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => {
            let message = format!("number {index} of the array is {}, and features must be finite", values[index]);
            Err(ErrorKind::Format.error(message).within(path))
        }
        None => Ok(Array { shape, values }),
    }
}

/// Reads labels, as integers.
///
/// # Errors
///
/// As [`features`].
pub(super) fn labels(path: &Path) -> Result<Array<i128>, DataError> {
    let bytes = files::bytes(path)?;
    let (header, data) = header(path, &bytes, LABEL_TYPES)?;
    let shape = checked_shape(path, &header, data.len())?;
    let integer = scalar(&header).expect("header() refuses what is no number");
    let values = integers!(integer, path, header, data, i128::from);
    Ok(Array { shape, values })
}

/// The header, in C order and of a type in `supported`, and the bytes after it.
fn header<'b>(path: &Path, bytes: &'b [u8], supported: &'static str) -> Result<(NpyHeader, &'b [u8]), DataError> {
    let malformed = |source| malformed(path, source);
    check_header_text(bytes).map_err(|reason| malformed(std::io::Error::other(reason)))?;
    let file = NpyFile::new(bytes).map_err(malformed)?;
    let (header, data) = (file.header().clone(), file.into_inner());
    let sizes: &[u64] = match scalar(&header) {
        Some((TypeChar::Float, _)) if supported == FEATURE_TYPES => &[4, 8],
        Some((TypeChar::Int | TypeChar::Uint, _)) => &[1, 2, 4, 8],
        _ => &[],
    };
    if !scalar(&header).is_some_and(|(_, size)| sizes.contains(&size)) {
        let found = header.dtype().descr();
        let message =
            format!("the array is of the type {found}; {supported} can be read: convert it with `.astype(...)`");
        return Err(ErrorKind::Format.error(message).within(path));
    }
    if header.order() == Order::Fortran && header.shape().len() > 1 {
        let message = "the array is in Fortran order, and must be in C order: save `numpy.ascontiguousarray(array)`";
        return Err(ErrorKind::Format.error(message).within(path));
    }
    Ok((header, data))
}

/// Rejects headers that the header parser cannot handle: a length past the end, or deeply nested brackets, of which
/// the parser tries each in two ways and so takes exponential time.
fn check_header_text(bytes: &[u8]) -> Result<(), &'static str> {
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err("it does not begin with the bytes `\\x93NUMPY`");
    }
    let (length, start) = match bytes.get(6..12) {
        Some(&[1, _, a, b, _, _]) => (usize::from(u16::from_le_bytes([a, b])), 10),
        Some(&[_, _, a, b, c, d]) => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
        _ => return Err("it ends within its header"),
    };
    let header = match bytes.get(start..).and_then(|rest| rest.get(..length)) {
        Some(header) if length <= MAX_HEADER => header,
        Some(_) => return Err("its header is too long"),
        None => return Err("it ends within its header"),
    };
    let mut depth = 0_usize;
    for byte in header {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err("its header is nested too deep");
        }
    }
    Ok(())
}

/// The shape, after checking that the data has as many bytes.
fn checked_shape(path: &Path, header: &NpyHeader, found: usize) -> Result<Vec<usize>, DataError> {
    let shape = header.shape().to_vec();
    let item = header.dtype().num_bytes().unwrap_or(0) as u64;
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

fn malformed(path: &Path, source: std::io::Error) -> DataError {
    ErrorKind::Format.error("not a NumPy array (.npy)").within(path).because(source)
}

/// The type and its size in bytes, if elements are plain numbers.
fn scalar(header: &NpyHeader) -> Option<(TypeChar, u64)> {
    match header.dtype() {
        DType::Plain(kind) => Some((kind.type_char(), kind.size_field())),
        _ => None,
    }
}

fn read<T: npyz::Deserialize>(path: &Path, header: NpyHeader, data: &[u8]) -> Result<Vec<T>, DataError> {
    NpyFile::with_header(header, data).into_vec().map_err(|source| malformed(path, source))
}
