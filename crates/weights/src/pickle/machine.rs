//! The pickle machine, without calls: it builds values only.

use super::{Held, Items, NIL, NONE, Node, Pickle, Place, Value};

/// Length limit of class names in bytes, longer than those in use.
const LONGEST_CLASS: usize = 256;

/// Values that a pickle may have in addition to one for two of its bytes.
const FREE_VALUES: usize = 1024;

/// Predefined values, stored once.
const OTHER: Place = 0;
const FALSE: Place = 2;
const TRUE: Place = 3;
const EMPTY: Place = 4;
const FIRST_BYTE: Place = 5;

/// Reads the pickle at the beginning of `bytes`; an error describes the problem and its position.
pub(crate) fn read(bytes: &[u8]) -> Result<Pickle<'_>, String> {
    let shared = [Value::Other, Value::None, Value::Bool(false), Value::Bool(true), Value::List(Items::NONE)];
    let values = shared.into_iter().chain((0..256).map(Value::Int)).collect();
    let pickle = Pickle { bytes, values, nodes: Vec::new(), root: NONE, length: 0 };
    let mut machine = Machine { pickle, at: 0, stack: Vec::new(), marks: Vec::new(), memo: Vec::new() };
    let root = machine.run().map_err(|reason| format!("pickle, before byte {}: {reason}", machine.at))?;
    Ok(Pickle { root, length: machine.at, ..machine.pickle })
}

struct Machine<'a> {
    pickle: Pickle<'a>,
    at: usize,
    stack: Vec<Place>,
    /// Stack heights.
    marks: Vec<u32>,
    /// Value indices by memo number, [`NIL`] if unset.
    memo: Vec<Place>,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Place, String> {
        loop {
            let opcode = self.take(1)?[0];
            match opcode {
                b'.' => return self.pop(),
                // PROTO, FRAME: skipped.
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'(' => grow(&mut self.marks, self.stack.len() as u32),
                b'0' => drop(self.pop()?),
                b'1' => {
                    let first = self.pop_mark()?;
                    self.stack.truncate(first);
                }
                b'2' => {
                    let top = self.top()?;
                    grow(&mut self.stack, top);
                }
                b'N' => grow(&mut self.stack, NONE),
                0x88 | 0x89 => grow(&mut self.stack, if opcode == 0x88 { TRUE } else { FALSE }),
                b'K' | b'M' => {
                    let number = self.number(if opcode == b'K' { 1 } else { 2 })?;
                    self.integer(number as i64)?;
                }
                b'J' => {
                    let bytes = self.take(4)?.try_into().expect("four bytes were taken");
                    self.integer(i64::from(i32::from_le_bytes(bytes)))?;
                }
                0x8a => self.long(1)?,
                0x8b => self.long(4)?,
                b'G' => {
                    self.take(8)?;
                    grow(&mut self.stack, OTHER);
                }
                // `U` and `T` are Python 2's strings.
                b'X' | b'T' => self.text(4)?,
                0x8c | b'U' => self.text(1)?,
                0x8d => self.text(8)?,
                b'C' => self.bytes(1)?,
                b'B' => self.bytes(4)?,
                0x8e | 0x96 => self.bytes(8)?,
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    let (module, name) = (self.add(module)?, self.add(name)?);
                    self.class(module, name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    self.class(module, name)?;
                }
                b'Q' => {
                    let identifier = self.pop()?;
                    self.push(Value::Persistent(identifier))?;
                }
                b')' => grow(&mut self.stack, EMPTY),
                b']' | 0x8f => self.push(Value::List(Items::NONE))?,
                b'}' => self.push(Value::Dict(Items::NONE))?,
                b't' | b'l' | 0x91 => {
                    let first = self.pop_mark()?;
                    let items = self.gather(Items::NONE, first)?;
                    self.push(Value::List(items))?;
                }
                b'd' => {
                    let first = self.pop_mark()?;
                    let items = self.gather_pairs(Items::NONE, first)?;
                    self.push(Value::Dict(items))?;
                }
                0x85..=0x87 => {
                    let first = self.height(usize::from(opcode - 0x84))?;
                    let items = self.gather(Items::NONE, first)?;
                    self.push(Value::List(items))?;
                }
                b'a' => {
                    let first = self.height(1)?;
                    self.append(first)?;
                }
                b'e' | 0x90 => {
                    let first = self.pop_mark()?;
                    self.append(first)?;
                }
                b's' => {
                    let first = self.height(2)?;
                    self.insert(first)?;
                }
                b'u' => {
                    let first = self.pop_mark()?;
                    self.insert(first)?;
                }
                b'R' | 0x81 => {
                    let (arguments, callee) = (self.pop()?, self.pop()?);
                    self.call(callee, arguments)?;
                }
                // NEWOBJ_EX: the keyword arguments are dropped, as nothing is called.
                0x92 => {
                    let (_, arguments, callee) = (self.pop()?, self.pop()?, self.pop()?);
                    self.call(callee, arguments)?;
                }
                b'b' => {
                    let (state, object) = (self.pop()?, self.top()?);
                    self.hold(object, state)?;
                }
                b'q' => self.remember(1)?,
                b'r' => self.remember(4)?,
                0x94 => {
                    let top = self.top()?;
                    grow(&mut self.memo, top);
                }
                b'h' => self.recall(1)?,
                b'j' => self.recall(4)?,
                other => return Err(format!("opcode 0x{other:02x} is not known")),
            }
        }
    }

    /// A file may name a class many times through texts that are stored once, so class names must be short.
    fn class(&mut self, module: Place, name: Place) -> Result<(), String> {
        let length = |place| match self.pickle.value(place) {
            Value::Text { length, .. } => Ok(length as usize),
            _ => Err("the class name is not a string"),
        };
        if length(module)? + length(name)? > LONGEST_CLASS {
            return Err(format!("the name of a class is longer than {LONGEST_CLASS} bytes"));
        }
        self.push(Value::Global { module, name })
    }

    /// Builds dictionaries of Python's library; every other call is stored as a call.
    fn call(&mut self, callee: Place, arguments: Place) -> Result<(), String> {
        let dictionaries = ["collections.OrderedDict", "collections.defaultdict", "__builtin__.dict", "builtins.dict"];
        let value = match self.pickle.global(callee) {
            Some(name) if dictionaries.contains(&name.as_str()) => Value::Dict(self.initial(arguments)?),
            _ => Value::Call { callee, arguments, held: Held(NIL) },
        };
        self.push(value)
    }

    /// The initial items of a dictionary: `OrderedDict([[key, value], ...])`, as written by Python 2.
    fn initial(&mut self, arguments: Place) -> Result<Items, String> {
        let pickle = &self.pickle;
        let list = |place| match pickle.value(place) {
            Value::List(items) => Some(items),
            _ => None,
        };
        let from = list(arguments).and_then(|arguments| list(pickle.items(arguments).next()?));
        let first = self.stack.len();
        for pair in from.into_iter().flat_map(|from| pickle.items(from)) {
            let mut pair = list(pair).into_iter().flat_map(|pair| pickle.items(pair));
            let (Some(key), Some(value), None) = (pair.next(), pair.next(), pair.next()) else { break };
            grow(&mut self.stack, key);
            grow(&mut self.stack, value);
        }
        self.gather_pairs(Items::NONE, first)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end =
            self.at.checked_add(count).filter(|&end| end <= self.pickle.bytes.len()).ok_or("it ends too early")?;
        let taken = &self.pickle.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn number(&mut self, width: usize) -> Result<u64, String> {
        Ok(self.take(width)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn integer(&mut self, number: i64) -> Result<(), String> {
        match u8::try_from(number) {
            Ok(byte) => {
                grow(&mut self.stack, FIRST_BYTE + Place::from(byte));
                Ok(())
            }
            Err(_) => self.push(Value::Int(number)),
        }
    }

    /// An integer of any length; those of more than 64 bits are not needed.
    fn long(&mut self, width: usize) -> Result<(), String> {
        let bytes = self.counted(width)?;
        if bytes.len() > 8 {
            grow(&mut self.stack, OTHER);
            return Ok(());
        }
        let fill = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut number = [fill; 8];
        number[..bytes.len()].copy_from_slice(bytes);
        self.integer(i64::from_le_bytes(number))
    }

    fn counted(&mut self, width: usize) -> Result<&'a [u8], String> {
        let count = usize::try_from(self.number(width)?).map_err(|_| "a length exceeds the limit")?;
        self.take(count)
    }

    fn text(&mut self, width: usize) -> Result<(), String> {
        let length = self.counted(width)?.len();
        let text = self.range(self.at - length, length)?;
        self.push(text)
    }

    fn bytes(&mut self, width: usize) -> Result<(), String> {
        self.counted(width)?;
        grow(&mut self.stack, OTHER);
        Ok(())
    }

    fn line(&mut self) -> Result<Value, String> {
        let start = self.at;
        let rest = &self.pickle.bytes[start..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("it ends within a line")?;
        self.at += length + 1;
        self.range(start, length)
    }

    fn range(&self, start: usize, length: usize) -> Result<Value, String> {
        match (start.try_into(), length.try_into()) {
            (Ok(start), Ok(length)) => Ok(Value::Text { start, length }),
            _ => Err("it is larger than 4 GiB".into()),
        }
    }

    /// Adds a value.
    fn add(&mut self, value: Value) -> Result<Place, String> {
        let place = self.pickle.values.len();
        if place > FREE_VALUES + self.at / 2 {
            return Err("it has more values than one for two of its bytes".into());
        }
        let place = Place::try_from(place).map_err(|_| "it has too many values")?;
        grow(&mut self.pickle.values, value);
        Ok(place)
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        let place = self.add(value)?;
        grow(&mut self.stack, place);
        Ok(())
    }

    /// The height of the stack without its top `count` values, none of them below the last mark.
    fn height(&self, count: usize) -> Result<usize, String> {
        let floor = self.marks.last().map_or(0, |&mark| mark as usize);
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

    /// The height of the stack at the last mark, which is removed.
    fn pop_mark(&mut self) -> Result<usize, String> {
        Ok(self.marks.pop().ok_or("there is no mark")? as usize)
    }

    /// Moves the stack from the height `first` on to the end of `items`.
    fn gather(&mut self, mut items: Items, first: usize) -> Result<Items, String> {
        for at in first..self.stack.len() {
            let node = self.node(Node { value: self.stack[at], next: NIL })?;
            match self.pickle.nodes.get_mut(items.last as usize) {
                Some(last) => last.next = node,
                None => items.first = node,
            }
            items.last = node;
        }
        self.stack.truncate(first);
        Ok(items)
    }

    fn gather_pairs(&mut self, items: Items, first: usize) -> Result<Items, String> {
        if (self.stack.len() - first) % 2 == 1 {
            return Err("a key has no value".into());
        }
        self.gather(items, first)
    }

    fn node(&mut self, node: Node) -> Result<u32, String> {
        let at = self.pickle.nodes.len();
        if at > FREE_VALUES + self.at {
            return Err("it has more items than bytes".into());
        }
        let at = u32::try_from(at).ok().filter(|&at| at != NIL).ok_or("it has too many items")?;
        grow(&mut self.pickle.nodes, node);
        Ok(at)
    }

    /// Adds to the content of an object of an unknown class.
    fn hold(&mut self, object: Place, part: Place) -> Result<(), String> {
        if let Value::Call { callee, arguments, held } = self.pickle.value(object) {
            let held = Held(self.node(Node { value: part, next: held.0 })?);
            self.pickle.values[object as usize] = Value::Call { callee, arguments, held };
        }
        Ok(())
    }

    /// Appends the stack from the height `first` on to the list below.
    fn append(&mut self, first: usize) -> Result<(), String> {
        let below = first.checked_sub(1).ok_or("the stack is empty")?;
        let list = self.stack[below];
        match self.pickle.value(list) {
            Value::List(items) if list != EMPTY => {
                let items = self.gather(items, first)?;
                self.pickle.values[list as usize] = Value::List(items);
                Ok(())
            }
            _ => {
                let items = self.gather(Items::NONE, first)?;
                let part = self.add(Value::List(items))?;
                self.hold(list, part)
            }
        }
    }

    /// The same for a dictionary.
    fn insert(&mut self, first: usize) -> Result<(), String> {
        let below = first.checked_sub(1).ok_or("the stack is empty")?;
        let dict = self.stack[below];
        if let Value::Dict(items) = self.pickle.value(dict) {
            let items = self.gather_pairs(items, first)?;
            self.pickle.values[dict as usize] = Value::Dict(items);
            return Ok(());
        }
        let items = self.gather_pairs(Items::NONE, first)?;
        let part = self.add(Value::Dict(items))?;
        self.hold(dict, part)
    }

    /// Memo numbers are consecutive, so that none is larger than the file.
    fn remember(&mut self, width: usize) -> Result<(), String> {
        let (number, top) = (self.number(width)? as usize, self.top()?);
        if number > FREE_VALUES + self.at {
            return Err(format!("the memo's number {number} is larger than the file"));
        }
        while self.memo.len() <= number {
            grow(&mut self.memo, NIL);
        }
        self.memo[number] = top;
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<(), String> {
        let number = self.number(width)?;
        let place = self.memo.get(number as usize).copied().filter(|&place| place != NIL);
        grow(&mut self.stack, place.ok_or_else(|| format!("memo entry {number} is not set"))?);
        Ok(())
    }
}

/// Appends to a list, with a small reserve.
fn grow<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 8 + 64);
    }
    list.push(item);
}
