//! Reads a pickle as data.
//!
//! The opcodes are those of protocols 2 to 5, in the order of Python's `pickletools`. Values are in one list and refer
//! to each other by index, so that a shared value is stored once; a text is a range of the file. A value takes 16
//! bytes, a list item 8, an entry of the stack or the memo 4, and there is at most one value for two bytes of the
//! file. With the reserve of the lists, and the old and the new list during growth, a pickle of `n` bytes takes at
//! most `32 n` bytes and 64 KiB.

mod machine;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::iter;

pub(crate) use machine::read;

/// The null index of nodes and values.
const NIL: u32 = u32::MAX;

/// The index of a value in a pickle.
pub(crate) type Place = u32;

/// The index of `None`.
const NONE: Place = 1;

/// A value of a pickle.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    /// Floating-point numbers and bytes, which no tensor consists of.
    Other,
    None,
    Bool(bool),
    Int(i64),
    /// A range of the file.
    Text {
        start: u32,
        length: u32,
    },
    /// A tuple, a list or a set.
    List(Items),
    /// Alternating keys and values.
    Dict(Items),
    /// A class or a function, `torch.FloatStorage`: the texts that name it.
    Global {
        module: Place,
        name: Place,
    },
    /// An object given by a persistent identifier: its parts.
    Persistent(Place),
    /// The result of a call that was not executed.
    Call {
        callee: Place,
        arguments: Place,
        held: Held,
    },
}

/// The items of a list, as a linked list of nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Items {
    first: u32,
    last: u32,
}

impl Items {
    const NONE: Self = Self { first: NIL, last: NIL };
}

/// The content of an object: its state, and the items added to it as to a list or a dictionary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held(u32);

#[derive(Debug)]
struct Node {
    value: Place,
    next: u32,
}

/// The content of a pickle.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    bytes: &'a [u8],
    values: Vec<Value>,
    nodes: Vec<Node>,
    pub(crate) root: Place,
    /// Bytes read, up to and including the `STOP`.
    pub(crate) length: usize,
}

impl<'a> Pickle<'a> {
    /// The value at an index.
    pub(crate) fn value(&self, place: Place) -> Value {
        self.values[place as usize]
    }

    /// All values.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    /// The text at an index, if it is one.
    pub(crate) fn text(&self, place: Place) -> Option<Cow<'a, str>> {
        let Value::Text { start, length } = self.value(place) else { return None };
        Some(String::from_utf8_lossy(&self.bytes[start as usize..][..length as usize]))
    }

    /// The name of the class or function at an index, if it is one: `torch.FloatStorage`.
    pub(crate) fn global(&self, place: Place) -> Option<String> {
        let Value::Global { module, name } = self.value(place) else { return None };
        Some(format!("{}.{}", self.text(module)?, self.text(name)?))
    }

    /// The items of a list, in their order.
    pub(crate) fn items(&self, items: Items) -> impl Iterator<Item = Place> + Clone {
        self.chain(items.first)
    }

    /// The keys and values of a dictionary, in their order.
    pub(crate) fn pairs(&self, items: Items) -> impl Iterator<Item = (Place, Place)> + Clone {
        let mut items = self.items(items);
        iter::from_fn(move || Some((items.next()?, items.next()?)))
    }

    /// The content of an object, last part first.
    pub(crate) fn held(&self, held: Held) -> impl Iterator<Item = Place> {
        self.chain(held.0)
    }

    fn chain(&self, first: u32) -> impl Iterator<Item = Place> + Clone {
        let mut at = first;
        iter::from_fn(move || {
            let node = self.nodes.get(at as usize)?;
            at = node.next;
            Some(node.value)
        })
    }
}
