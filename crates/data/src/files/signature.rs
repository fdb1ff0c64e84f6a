//! Recognising binary files given in place of text.

/// First bytes of files, and their formats.
const SIGNATURES: [(&[u8], &str); 18] = [
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"\x89PNG\r\n\x1A\n", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a RIFF file (WebP, WAV or AVI)"),
    (b"\x1F\x8B", "a gzip file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xFD7zXZ\0", "an xz file"),
    (b"\x28\xB5\x2F\xFD", "a zstd file"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"%PDF-", "a PDF document"),
    (b"\x7FELF", "an ELF program"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1A\n", "an HDF5 file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\xD0\xCF\x11\xE0", "an old Office document"),
];

/// The known binary format that starts with these bytes, if any.
pub(crate) fn signature(bytes: &[u8]) -> Option<&'static str> {
    SIGNATURES.iter().find(|(beginning, _)| bytes.starts_with(beginning)).map(|(_, name)| *name)
}
