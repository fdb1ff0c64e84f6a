//! Damage to files.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The largest damaged file from a small one.
const LARGEST: usize = 64 << 10;

/// A kind of damage to a file.
#[derive(Clone, Debug)]
pub enum Damage {
    /// A byte is replaced.
    Byte(Index, u8),
    /// A number of four bytes, such as a length or an offset, is replaced.
    Number(Index, [u8; 4]),
    /// A word of the format is inserted.
    Word(Index, &'static [u8]),
    /// A part is removed.
    Lost(Index, u8),
    /// A part is repeated.
    Repeated(Index, u8, u16),
    /// A part is moved.
    Moved(Index, Index, u8),
    /// The file is truncated.
    Cut(Index),
}

/// Random damage to a file whose format has these words.
pub fn damage(words: &'static [&'static [u8]]) -> impl Strategy<Value = Damage> {
    let numbers = select(vec![0, 1, 2, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_fffe, u32::MAX]);
    let numbers = (numbers, any::<bool>())
        .prop_map(|(number, big)| if big { number.to_be_bytes() } else { number.to_le_bytes() });
    let times = prop_oneof![15 => 1..4_u16, 1 => 4..2000_u16];
    prop_oneof![
        4 => any::<(Index, u8)>().prop_map(|(at, byte)| Damage::Byte(at, byte)),
        2 => (any::<Index>(), numbers).prop_map(|(at, number)| Damage::Number(at, number)),
        3 => (any::<Index>(), select(words)).prop_map(|(at, word)| Damage::Word(at, word)),
        1 => any::<(Index, u8)>().prop_map(|(at, length)| Damage::Lost(at, length)),
        2 => (any::<(Index, u8)>(), times).prop_map(|((at, length), times)| Damage::Repeated(at, length, times)),
        1 => any::<(Index, Index, u8)>().prop_map(|(from, to, length)| Damage::Moved(from, to, length)),
        1 => any::<Index>().prop_map(Damage::Cut),
    ]
}

impl Damage {
    /// Applies the damage to `bytes`.
    pub fn befall(&self, bytes: &mut Vec<u8>) {
        let size = bytes.len();
        let place = |at: &Index| at.index(size + 1);
        let part = |at: &Index, length: u8| place(at)..(place(at) + usize::from(length)).min(size);
        match self {
            Self::Byte(at, byte) => bytes[part(at, 1)].fill(*byte),
            Self::Number(at, number) => {
                let part = part(at, 4);
                let length = part.len();
                bytes[part].copy_from_slice(&number[..length]);
            }
            Self::Word(at, word) => drop(bytes.splice(place(at)..place(at), word.iter().copied())),
            Self::Lost(at, length) => drop(bytes.drain(part(at, *length))),
            Self::Repeated(at, length, times) => {
                let part = part(at, *length);
                let times = usize::from(*times).min(LARGEST.saturating_sub(size) / part.len().max(1));
                let copies = bytes[part.clone()].repeat(times);
                bytes.splice(part.end..part.end, copies);
            }
            Self::Moved(from, to, length) => {
                let moved: Vec<u8> = bytes.drain(part(from, *length)).collect();
                let to = to.index(bytes.len() + 1);
                bytes.splice(to..to, moved);
            }
            Self::Cut(at) => bytes.truncate(place(at)),
        }
    }
}
