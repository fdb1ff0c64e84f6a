//! Damaged files: whatever is done to a valid one, it is read or refused, without a panic and within bounds.
//!
//! This is the fuzz target of the readers. `PROPTEST_CASES=1000000 cargo test --release -p rekindle-weights --test damage`
//! looks longer.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use rekindle_weights::WeightFile;

/// Every format, as PyTorch and this program write it: small ones, so that damage finds its way into all parts.
fn valid() -> Vec<Vec<u8>> {
    let header = r#"{"__metadata__":{"task":"chars"},"a.b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"w":{"dtype":"F16","shape":[2],"data_offsets":[8,12]}}"#;
    vec![
        include_bytes!("fixtures/zip.pt").to_vec(),
        include_bytes!("fixtures/old.pt").to_vec(),
        include_bytes!("fixtures/gru-without-bias.pt").to_vec(),
        include_bytes!("fixtures/char-lm.pt").to_vec(),
        include_bytes!("fixtures/whole-module.pt").to_vec(),
        include_bytes!("fixtures/whole-lstm.pt").to_vec(),
        include_bytes!("fixtures/no-bias.pt").to_vec(),
        include_bytes!("fixtures/kinds.pt").to_vec(),
        include_bytes!("fixtures/kinds-old.pt").to_vec(),
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[60; 12]].concat(),
    ]
}

/// Something that happens to a file.
#[derive(Clone, Debug)]
enum Damage {
    /// A byte becomes another one.
    Byte(Index, u8),
    /// A number of four bytes, such as a length or an offset, becomes another one.
    Number(Index, u32),
    /// A part is lost.
    Lost(Index, u8),
    /// A part is there twice.
    Twice(Index, u8),
    /// A part lies elsewhere.
    Moved(Index, Index, u8),
    /// Nothing comes after this.
    Cut(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let numbers = select(vec![0, 1, 2, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_fffe, 0xffff_ffff]);
    prop_oneof![
        4 => any::<(Index, u8)>().prop_map(|(at, byte)| Damage::Byte(at, byte)),
        2 => (any::<Index>(), numbers).prop_map(|(at, number)| Damage::Number(at, number)),
        1 => any::<(Index, u8)>().prop_map(|(at, length)| Damage::Lost(at, length)),
        1 => any::<(Index, u8)>().prop_map(|(at, length)| Damage::Twice(at, length)),
        1 => any::<(Index, Index, u8)>().prop_map(|(from, to, length)| Damage::Moved(from, to, length)),
        1 => any::<Index>().prop_map(Damage::Cut),
    ]
}

impl Damage {
    fn befall(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let size = bytes.len();
        let part = |at: &Index, length: u8| {
            let at = at.index(size);
            at..(at + usize::from(length)).min(size)
        };
        match self {
            Self::Byte(at, byte) => bytes[at.index(size)] = *byte,
            Self::Number(at, number) => {
                let part = part(at, 4);
                let number = number.to_le_bytes();
                bytes[part.clone()].copy_from_slice(&number[..part.len()]);
            }
            Self::Lost(at, length) => drop(bytes.drain(part(at, *length))),
            Self::Twice(at, length) => {
                let part = part(at, *length);
                let copy = bytes[part.clone()].to_vec();
                bytes.splice(part.end..part.end, copy);
            }
            Self::Moved(from, to, length) => {
                let moved: Vec<u8> = bytes.drain(part(from, *length)).collect();
                let to = to.index(bytes.len() + 1);
                bytes.splice(to..to, moved);
            }
            Self::Cut(at) => bytes.truncate(at.index(size)),
        }
    }
}

/// What holds of every file that is read at all.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let start = Instant::now();
    let read = WeightFile::from_bytes("model.pt", bytes);
    // Thousands of times what it takes: a file that makes the reader do its work over and over, not a slow machine.
    prop_assert!(start.elapsed() < Duration::from_secs(20), "{:?} for {} bytes", start.elapsed(), bytes.len());
    let Ok(file) = read else { return Ok(()) };
    let mut all = 0;
    for (name, tensor) in file.tensors() {
        let places = tensor.shape().iter().product::<usize>();
        prop_assert_eq!(places, tensor.values().len(), "{}", name);
        all += places;
    }
    // Views may share a storage, so that there may be more values than bytes, but not many times more.
    prop_assert!(all <= 2 * bytes.len(), "{} values from {} bytes", all, bytes.len());
    let texts: usize = file.tables().values().flatten().map(String::len).sum();
    prop_assert!(texts <= 4 * bytes.len(), "{} bytes of text from {} bytes", texts, bytes.len());
    let named = file.tensors().keys().chain(file.unread().keys()).chain(file.unread().values());
    let named: usize = named.map(String::len).sum();
    prop_assert!(named <= 8 * bytes.len() + (64 << 10), "{} bytes of names from {} bytes", named, bytes.len());
    Ok(())
}

#[test]
fn the_files_are_valid_before() {
    for bytes in valid() {
        WeightFile::from_bytes("model.pt", &bytes).unwrap();
    }
}

proptest! {
    #[test]
    fn a_damaged_file_is_read_or_refused(mut bytes in select(valid()), damages in prop::collection::vec(damage(), 1..6)) {
        damages.iter().for_each(|damage| damage.befall(&mut bytes));
        check(&bytes)?;
    }

    #[test]
    fn any_pickle_is_read_or_refused(pickle in prop::collection::vec(any::<u8>(), 0..300)) {
        let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
        check(&[magic, &b"K\x01."[..], b"}.", &pickle, b"]."].concat())?;
    }

    /// Opcodes alone, without the bytes that belong to them, so that most pickles are long.
    #[test]
    fn any_row_of_opcodes_is_read_or_refused(
        opcodes in prop::collection::vec(select(&b"(0012NKMJGXUTBCc]})tldeasubRQqrhj\x80\x81\x85\x86\x87\x88\x89\x8a\x8c\x90\x91\x92\x93\x94\x95."[..]), 0..300),
    ) {
        let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
        check(&[magic, &b"K\x01."[..], b"}.", &opcodes, b"."].concat())?;
    }

    #[test]
    fn any_header_of_safetensors_is_read_or_refused(header in "\\{(\"[a-z]\":\\{\"dtype\":\"(F32|BF16|I8)\",\"shape\":\\[[0-9]{1,12}(,[0-9]{1,12})?\\],\"data_offsets\":\\[[0-9]{1,2},[0-9]{1,2}\\]\\},?){0,3}\\}") {
        check(&[&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[1; 16]].concat())?;
    }
}
