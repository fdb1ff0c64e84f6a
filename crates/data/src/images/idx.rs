//! The idx format of MNIST: big-endian numbers, then the pixels.
//!
//! ```text
//! images   0x00000803, count, rows, columns, then count * rows * columns bytes
//! labels   0x00000801, count, then count bytes
//! ```

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Images;
use crate::{DataError, ErrorKind, counted, files};

const IMAGES: u32 = 0x0803;
const LABELS: u32 = 0x0801;

/// Reads a file of images, gzipped or not. A label file beside it must have the same count.
///
/// # Errors
///
/// When a file cannot be read, has another magic number, or is shorter or longer than its header says.
pub(super) fn read(path: &Path) -> Result<Images, DataError> {
    let (sizes, values) = contents::<3>(path, "images", IMAGES)?;
    let [count, height, width] = sizes;
    if let Some(labels_path) = labels_beside(path) {
        let (labels, _) = contents::<1>(&labels_path, "labels", LABELS)?;
        if labels[0] != count {
            let message =
                format!("{}, and {} has {}", counted(labels[0], "labels"), path.display(), counted(count, "images"));
            return Err(ErrorKind::Mismatch.error(message).within(labels_path));
        }
    }
    Ok(Images { channels: 1, height, width, values })
}

/// The sizes in the header and the data after it.
fn contents<const D: usize>(path: &Path, kind: &str, magic: u32) -> Result<([usize; D], Vec<u8>), DataError> {
    let unreadable = |e| DataError::read(path, e);
    let mut reader = files::open(path)?;
    let header_bytes = 4 * (1 + D);
    let mut header = Vec::new();
    reader.by_ref().take(header_bytes as u64).read_to_end(&mut header).map_err(unreadable)?;
    let mut numbers =
        header.chunks_exact(4).map(|bytes| u32::from_be_bytes(bytes.try_into().expect("chunks of 4 bytes")));
    let seen = numbers.next().unwrap_or(0);
    if header.len() >= 4 && seen != magic {
        let message =
            format!("an idx file of {kind} begins with the number {magic:#010x}, and this one with {seen:#010x}");
        return Err(ErrorKind::Format.error(message).within(path));
    }
    let sizes: Vec<u64> = numbers.map(u64::from).collect();
    let wrong_length = |announced: String, wanted: u64, seen: String| {
        let message = format!("the header says {wanted} bytes ({announced}), but the file has {seen}");
        ErrorKind::Mismatch.error(message).within(path)
    };
    let Ok(sizes) = <[u64; D]>::try_from(sizes) else {
        let announced = format!("the header of an idx file of {kind}");
        return Err(wrong_length(announced, header_bytes as u64, header.len().to_string()));
    };
    let announced = || sizes.map(|size| size.to_string()).join(" x ") + " " + kind;
    let product = sizes.iter().try_fold(1, |product: u64, &size| product.checked_mul(size));
    let wanted = product.and_then(|bytes| bytes.checked_add(header_bytes as u64 + 1)).map(|more| more - 1);
    let Some(wanted) = wanted else {
        return Err(wrong_length(announced(), u64::MAX, "fewer".to_owned()));
    };
    // Reads at most one byte more than expected, to detect a longer file; a false header costs no memory.
    let body = wanted - header_bytes as u64;
    let mut values = Vec::new();
    reader.take(body + 1).read_to_end(&mut values).map_err(unreadable)?;
    if values.len() as u64 != body {
        let seen = values.len() + header_bytes;
        let seen = if values.len() as u64 > body { "more".to_owned() } else { seen.to_string() };
        return Err(wrong_length(announced(), wanted, seen));
    }
    Ok((sizes.map(|size| size as usize), values))
}

/// `train-labels-idx1-ubyte.gz` beside `train-images-idx3-ubyte.gz`, gzipped or not, if it exists.
fn labels_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let labels = name.strip_suffix(".gz").unwrap_or(name).replace("images", "labels").replace("idx3", "idx1");
    if name.starts_with(&labels) {
        return None;
    }
    files::existing(&images.with_file_name(labels))
}
