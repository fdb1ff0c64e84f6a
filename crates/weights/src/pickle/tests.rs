//! What a pickle takes in memory.

use super::{Node, Place, Value, read};

/// Pickles of one piece that is there over and over, without an end: the reader has all of it when it finds that out.
fn pickles() -> impl Iterator<Item = Vec<u8>> {
    let pieces: [&[u8]; 16] = [
        b"N",
        b"(",
        b"]",
        b"}",
        b")",
        b"K\x07",
        b"M\x07\x08",
        b"X\0\0\0\0",
        b"]\x94",
        b"N\x94",
        b"2",
        b"\x85",
        b"]q\x01",
        b"N(",
        b"Na",
        b"N\x94h\0ab",
    ];
    pieces.into_iter().map(|piece| [&b"]N"[..], &piece.repeat(300_000 / piece.len())].concat())
}

#[test]
fn a_pickle_takes_a_small_multiple_of_its_size() {
    assert!(size_of::<Value>() <= 16 && size_of::<Node>() == 8 && size_of::<Place>() == 4);
    for pickle in pickles() {
        let end = [&pickle[..], b"t.", b"."].concat();
        for bytes in [&pickle, &end] {
            let Ok(read) = read(bytes) else { continue };
            let taken = read.values.capacity() * size_of::<Value>() + read.nodes.capacity() * size_of::<Node>();
            assert!(taken <= 16 * bytes.len() + (64 << 10), "{:?}: {taken} of {}", &bytes[..8], bytes.len());
        }
    }
}
