//! A pickle, read as data.
//!
//! The opcodes are those of protocols 2 to 5, in the order of Python's `pickletools`. Values live in one list and refer to
//! each other by place, so that a value used twice is held once and a file cannot ask for more memory than a small
//! multiple of its own size.

use std::collections::HashMap;

/// Longer than the names of classes are, in bytes.
const LONGEST_CLASS: usize = 256;

/// The place of a value in [`Pickle::values`].
pub(crate) type Place = usize;

/// A value of a pickle.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Numbers that are no whole numbers, bytes: nothing that a tensor is made of.
    Other,
    None,
    Bool(bool),
    Int(i64),
    Text(String),
    /// A tuple or a list.
    List(Vec<Place>),
    Dict(Vec<(Place, Place)>),
    /// The name of a class or a function: `torch.FloatStorage`.
    Global(String),
    /// What a persistent identifier stands for: its parts.
    Persistent(Place),
    /// The outcome of a call that was not made, and what the object was to hold.
    Call {
        callee: Place,
        arguments: Place,
        state: Option<Place>,
    },
}

/// What a pickle holds.
#[derive(Debug)]
pub(crate) struct Pickle {
    pub(crate) values: Vec<Value>,
    pub(crate) root: Place,
    /// Bytes read, up to and with the `STOP`.
    pub(crate) length: usize,
}

/// Reads the pickle at the beginning of `bytes`; on failure says what is wrong and at which byte.
pub(crate) fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine =
        Machine { bytes, at: 0, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    let root = machine.run().map_err(|reason| format!("pickle, before byte {}: {reason}", machine.at))?;
    Ok(Pickle { values: machine.values, root, length: machine.at })
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Place>,
    marks: Vec<usize>,
    memo: HashMap<u64, Place>,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Place, String> {
        loop {
            let opcode = self.take(1)?[0];
            match opcode {
                b'.' => return self.pop(),
                // PROTO, FRAME: nothing to do.
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.pop_mark()?),
                b'2' => {
                    let top = self.top()?;
                    self.stack.push(top);
                }
                b'N' => self.push(Value::None),
                0x88 | 0x89 => self.push(Value::Bool(opcode == 0x88)),
                b'K' => self.integer(1)?,
                b'M' => self.integer(2)?,
                b'J' => {
                    let bytes = self.take(4)?.try_into().expect("four bytes were taken");
                    self.push(Value::Int(i64::from(i32::from_le_bytes(bytes))));
                }
                0x8a => self.long(1)?,
                0x8b => self.long(4)?,
                b'G' => {
                    self.take(8)?;
                    self.push(Value::Other);
                }
                b'X' => self.text(4)?,
                0x8c => self.text(1)?,
                0x8d => self.text(8)?,
                b'U' | b'C' => self.bytes(1)?,
                b'T' | b'B' => self.bytes(4)?,
                0x8e | 0x96 => self.bytes(8)?,
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.class(&module, &name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let (Value::Text(module), Value::Text(name)) = (&self.values[module], &self.values[name]) else {
                        return Err("a class is named by what is no text".into());
                    };
                    let (module, name) = (module.clone(), name.clone());
                    self.class(&module, &name)?;
                }
                b'Q' => {
                    let identifier = self.pop()?;
                    self.push(Value::Persistent(identifier));
                }
                b']' | b')' => self.push(Value::List(Vec::new())),
                b'}' => self.push(Value::Dict(Vec::new())),
                0x8f => self.push(Value::List(Vec::new())),
                b't' | b'l' | 0x91 => {
                    let items = self.pop_mark()?;
                    self.push(Value::List(items));
                }
                b'd' => {
                    let items = pairs(&self.pop_mark()?)?;
                    self.push(Value::Dict(items));
                }
                0x85..=0x87 => {
                    let first = self.height(usize::from(opcode - 0x84))?;
                    let items = self.stack.split_off(first);
                    self.push(Value::List(items));
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_mark()?;
                    self.append(items)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.insert(vec![(key, value)])?;
                }
                b'u' => {
                    let items = pairs(&self.pop_mark()?)?;
                    self.insert(items)?;
                }
                b'R' | 0x81 => {
                    let (arguments, callee) = (self.pop()?, self.pop()?);
                    self.call(callee, arguments);
                }
                // NEWOBJ_EX: the named arguments are of no use to what is not called.
                0x92 => {
                    let (_, arguments, callee) = (self.pop()?, self.pop()?, self.pop()?);
                    self.call(callee, arguments);
                }
                b'b' => {
                    let (built, object) = (self.pop()?, self.top()?);
                    if let Value::Call { state, .. } = &mut self.values[object] {
                        *state = Some(built);
                    }
                }
                b'q' => self.remember(1)?,
                b'r' => self.remember(4)?,
                0x94 => {
                    let top = self.top()?;
                    self.memo.insert(self.memo.len() as u64, top);
                }
                b'h' => self.recall(1)?,
                b'j' => self.recall(4)?,
                other => return Err(format!("opcode 0x{other:02x} is not known")),
            }
        }
    }

    /// A file may name a class many times over by texts that it holds once, so that these must be short.
    fn class(&mut self, module: &str, name: &str) -> Result<(), String> {
        if module.len() + name.len() > LONGEST_CLASS {
            return Err(format!("the name of a class is longer than {LONGEST_CLASS} bytes"));
        }
        self.push(Value::Global(format!("{module}.{name}")));
        Ok(())
    }

    /// `collections.OrderedDict()` is a dictionary; every other call stays a call.
    fn call(&mut self, callee: Place, arguments: Place) {
        let ordered = matches!(&self.values[callee], Value::Global(name) if name == "collections.OrderedDict");
        self.push(if ordered { Value::Dict(Vec::new()) } else { Value::Call { callee, arguments, state: None } });
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len()).ok_or("it ends too early")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn number(&mut self, width: usize) -> Result<u64, String> {
        Ok(self.take(width)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn integer(&mut self, width: usize) -> Result<(), String> {
        let number = self.number(width)? as i64;
        self.push(Value::Int(number));
        Ok(())
    }

    /// A whole number of any length; those of more than 64 bits are of no use here.
    fn long(&mut self, width: usize) -> Result<(), String> {
        let bytes = self.counted(width)?;
        let value = if bytes.len() > 8 {
            Value::Other
        } else {
            let fill = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
            let mut number = [fill; 8];
            number[..bytes.len()].copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(number))
        };
        self.push(value);
        Ok(())
    }

    fn counted(&mut self, width: usize) -> Result<&'a [u8], String> {
        let count = usize::try_from(self.number(width)?).map_err(|_| "a length is over all bounds")?;
        self.take(count)
    }

    fn text(&mut self, width: usize) -> Result<(), String> {
        let text = String::from_utf8_lossy(self.counted(width)?).into_owned();
        self.push(Value::Text(text));
        Ok(())
    }

    fn bytes(&mut self, width: usize) -> Result<(), String> {
        self.counted(width)?;
        self.push(Value::Other);
        Ok(())
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or("it ends within a line")?;
        self.at += end + 1;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    /// The height of the stack without its upper `count` values, none of them below the last mark.
    fn height(&self, count: usize) -> Result<usize, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack.len().checked_sub(count).filter(|&h| h >= floor).ok_or_else(|| "the stack is empty".into())
    }

    fn top(&self) -> Result<Place, String> {
        Ok(self.stack[self.height(1)?])
    }

    fn pop(&mut self) -> Result<Place, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_mark(&mut self) -> Result<Vec<Place>, String> {
        let mark = self.marks.pop().ok_or("there is no mark")?;
        Ok(self.stack.split_off(mark))
    }

    fn append(&mut self, items: Vec<Place>) -> Result<(), String> {
        let top = self.top()?;
        // What is added to an unknown object is of no use.
        if let Value::List(list) = &mut self.values[top] {
            list.extend(items);
        }
        Ok(())
    }

    fn insert(&mut self, items: Vec<(Place, Place)>) -> Result<(), String> {
        let top = self.top()?;
        if let Value::Dict(dict) = &mut self.values[top] {
            dict.extend(items);
        }
        Ok(())
    }

    fn remember(&mut self, width: usize) -> Result<(), String> {
        let (number, top) = (self.number(width)?, self.top()?);
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<(), String> {
        let number = self.number(width)?;
        let place = *self.memo.get(&number).ok_or_else(|| format!("nothing was remembered as {number}"))?;
        self.stack.push(place);
        Ok(())
    }
}

fn pairs(items: &[Place]) -> Result<Vec<(Place, Place)>, String> {
    let pairs = items.chunks_exact(2);
    if pairs.remainder().is_empty() {
        Ok(pairs.map(|pair| (pair[0], pair[1])).collect())
    } else {
        Err("a key has no value".into())
    }
}
