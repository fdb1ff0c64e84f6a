//! Finds the tensors of a pickle with their names, and tables of numbered texts.

use std::collections::{BTreeMap, HashSet};

use crate::pickle::{Held, Items, Pickle, Place, Value};
use crate::tensor::Element;

/// Nesting limit, deeper than any module in use.
const DEEPEST: usize = 64;

/// Length limit of a key, and of the parts of a tuple that is one; longer than names of parameters.
const LONGEST_KEY: usize = 256;
const MOST_PARTS: usize = 8;

/// Limit on dimensions, more than PyTorch's tensors have.
const MOST_DIMENSIONS: usize = 64;

/// Approximate bytes of a map entry, besides its name.
const ENTRY: usize = 256;

/// A tensor as described by the pickle, unchecked.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) storage: String,
    pub(crate) element: Element,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
    /// Whether the values are those of the storage, negated.
    pub(crate) negative: bool,
}

/// The content of a pickle, by the path of keys, joined by dots.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) tensors: BTreeMap<String, Described>,
    /// Tables that number texts from 0 without a gap, as vocabularies do; the texts in the order of their numbers.
    pub(crate) tables: BTreeMap<String, Vec<String>>,
    /// Unsupported values, with the reason.
    pub(crate) unread: BTreeMap<String, String>,
}

/// Traverses the values of a pickle.
pub(crate) fn find(pickle: &Pickle<'_>) -> Result<Found, String> {
    // A value that is used many times is visited each time; the budgets keep that in proportion to the file.
    let (budget, room) = (64 * pickle.length + 1024, 8 * pickle.length + (64 << 10));
    let (found, path, open) = (Found::default(), String::new(), Vec::new());
    let mut walk = Walk { pickle, found, path, open, budget, room };
    walk.visit(pickle.root, 0)?;
    Ok(walk.found)
}

/// The flag `name` of a pickled dictionary.
pub(crate) fn flag(pickle: &Pickle<'_>, place: Place, name: &str) -> Option<bool> {
    match pickle.value(entry(pickle, place, name)?) {
        Value::Bool(flag) => Some(flag),
        _ => None,
    }
}

/// The value of a dictionary under a name.
fn entry(pickle: &Pickle<'_>, dict: Place, name: &str) -> Option<Place> {
    let Value::Dict(items) = pickle.value(dict) else { return None };
    pickle.pairs(items).find(|&(key, _)| pickle.text(key).is_some_and(|key| key == name)).map(|(_, value)| value)
}

/// The storages of a pickle and the bytes per element; an error with the class if it is unknown.
pub(crate) fn storages(pickle: &Pickle<'_>) -> BTreeMap<String, Result<usize, String>> {
    let storage = |value: &Value| {
        let Value::Persistent(parts) = *value else { return None };
        let Storage { class, key, .. } = Storage::of(pickle, parts).ok()?;
        Some((key, element_bytes(&class).ok_or(class)))
    };
    pickle.values().iter().filter_map(storage).collect()
}

/// Bytes per element of a storage, supported or not.
fn element_bytes(class: &str) -> Option<usize> {
    match class {
        "torch.storage.UntypedStorage"
        | "torch.UntypedStorage"
        | "torch.QInt8Storage"
        | "torch.QUInt8Storage"
        | "torch.QUInt4x2Storage"
        | "torch.QUInt2x4Storage" => Some(1),
        "torch.QInt32Storage" | "torch.ComplexHalfStorage" => Some(4),
        "torch.ComplexFloatStorage" => Some(8),
        "torch.ComplexDoubleStorage" => Some(16),
        _ => Element::of_storage(class).map(Element::bytes),
    }
}

/// A storage, from a persistent identifier: `("storage", class, key, device, elements)`. The device does not matter.
struct Storage {
    class: String,
    key: String,
    /// PyTorch before 0.4 had storages that are views of others.
    is_part: bool,
}

impl Storage {
    fn of(pickle: &Pickle<'_>, parts: Place) -> Result<Self, &'static str> {
        let Value::List(parts) = pickle.value(parts) else { return Err("a part of a tensor is no list") };
        let mut parts = pickle.items(parts);
        let (Some(_), Some(class), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("a storage has too few parts");
        };
        let (Some(class), Some(key)) = (pickle.global(class), pickle.text(key)) else {
            return Err("a storage has no class or no key");
        };
        let is_part = parts.nth(2).is_some_and(|part| !matches!(pickle.value(part), Value::None));
        Ok(Self { class, key: key.into_owned(), is_part })
    }
}

/// Why the result of a call is unsupported, if it is a special tensor of PyTorch or an array of NumPy.
fn unreadable(callee: &str) -> Option<&'static str> {
    Some(match callee {
        "torch._utils._rebuild_sparse_tensor" | "torch._utils._rebuild_sparse_csr_tensor" => {
            "a sparse tensor is not supported: save it with to_dense()"
        }
        "torch._utils._rebuild_qtensor" => "a quantised tensor is not supported: save it with dequantize()",
        "torch._utils._rebuild_nested_tensor" => "a nested tensor is not supported",
        "torch._utils._rebuild_meta_tensor_no_storage" => "it has no values: it was saved from the meta device",
        "torch.nn.parameter.UninitializedParameter" | "torch.nn.parameter.UninitializedBuffer" => {
            "it has no values: the model was saved before its first use"
        }
        _ if callee.ends_with(".multiarray._reconstruct") => {
            "an array of NumPy is not supported: save it with torch.from_numpy"
        }
        _ if callee.starts_with("torch.") && callee.contains("._rebuild_") => "a tensor of this kind is not supported",
        _ => return None,
    })
}

struct Walk<'a> {
    pickle: &'a Pickle<'a>,
    found: Found,
    /// The path of keys to the present value, joined by dots.
    path: String,
    /// The objects that contain the present value.
    open: Vec<Place>,
    /// Budget for further visits, in bytes of names.
    budget: usize,
    /// Budget for further results, in bytes.
    room: usize,
}

impl Walk<'_> {
    /// Visits a part of the value at the path.
    fn visit_part(&mut self, place: Place, key: &str, depth: usize) -> Result<(), String> {
        let above = self.path.len();
        // The containers of a module's parts are not in a parameter's name.
        if !matches!(key, "_modules" | "_parameters" | "_buffers") {
            self.path.push_str(if above == 0 { "" } else { "." });
            self.path.push_str(key);
        }
        self.visit(place, depth + 1)?;
        self.path.truncate(above);
        Ok(())
    }

    fn has_parts(&self, place: Place) -> bool {
        let value = self.pickle.value(place);
        matches!(value, Value::List(_) | Value::Dict(_) | Value::Call { .. } | Value::Persistent(_))
    }

    fn visit(&mut self, place: Place, depth: usize) -> Result<(), String> {
        self.spend(1 + self.path.len())?;
        if depth > DEEPEST {
            return self.not_read(format!("its values are nested deeper than {DEEPEST}"));
        }
        match self.pickle.value(place) {
            Value::Dict(items) => self.dictionary(place, items, depth),
            Value::List(items) => {
                let pickle = self.pickle;
                self.table((0..).zip(pickle.items(items)).map(|(number, text)| (text, Some(number))))?;
                self.parts(items, depth)
            }
            Value::Persistent(parts) => match Storage::of(self.pickle, parts) {
                Ok(_) => self.not_read("a storage without a shape: save the tensor".into()),
                Err(_) => Ok(()),
            },
            Value::Call { callee, arguments, held } if !self.open.contains(&place) => {
                self.open.push(place);
                self.object(callee, arguments, held, depth)?;
                self.open.pop();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn parts(&mut self, items: Items, depth: usize) -> Result<(), String> {
        let pickle = self.pickle;
        pickle.items(items).enumerate().try_for_each(|(at, item)| match self.has_parts(item) {
            true => self.visit_part(item, &at.to_string(), depth),
            false => self.spend(1),
        })
    }

    fn dictionary(&mut self, place: Place, items: Items, depth: usize) -> Result<(), String> {
        let pickle = self.pickle;
        let number = |place| match pickle.value(place) {
            Value::Int(number) => usize::try_from(number).ok(),
            _ => None,
        };
        self.table(pickle.pairs(items).map(|(key, value)| match number(value) {
            Some(number) => (key, Some(number)),
            None => (value, number(key)),
        }))?;
        // PyTorch's recurrent modules list their parameters a second time.
        let own: HashSet<Place> = match entry(pickle, place, "_parameters").map(|own| pickle.value(own)) {
            Some(Value::Dict(own)) => pickle.pairs(own).map(|(_, parameter)| parameter).collect(),
            _ => HashSet::new(),
        };
        for (key, value) in pickle.pairs(items) {
            if !self.has_parts(value) {
                self.spend(1)?;
                continue;
            }
            let key = self.key(key).unwrap_or_else(|| "?".to_owned());
            match (key.as_str(), pickle.value(value)) {
                ("_all_weights" | "_flat_weights_names", _) if !own.is_empty() => {}
                ("_flat_weights", Value::List(list)) if pickle.items(list).all(|item| own.contains(&item)) => {}
                _ => self.visit_part(value, &key, depth)?,
            }
        }
        Ok(())
    }

    /// A key as part of a name; a tuple in Python's notation.
    fn key(&self, place: Place) -> Option<String> {
        match self.pickle.value(place) {
            Value::Int(key) => Some(key.to_string()),
            Value::Bool(key) => Some(if key { "True" } else { "False" }.to_owned()),
            Value::None => Some("None".to_owned()),
            Value::List(items) => {
                let is_list = |item: &Place| matches!(self.pickle.value(*item), Value::List(_));
                let items = self.pickle.items(items).take(MOST_PARTS).filter(|item| !is_list(item));
                let keys: Option<Vec<_>> = items.map(|item| self.key(item)).collect();
                Some(format!("({})", keys?.join(", ")))
            }
            _ => Some(self.pickle.text(place)?.chars().take(LONGEST_KEY).collect()),
        }
    }

    /// The result of a call: a tensor, a parameter, or an object of an unknown class, for instance a whole module.
    fn object(&mut self, callee: Place, arguments: Place, held: Held, depth: usize) -> Result<(), String> {
        let pickle = self.pickle;
        let name = pickle.global(callee).unwrap_or_default();
        let Value::List(items) = pickle.value(arguments) else { return Ok(()) };
        match name.as_str() {
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor_v3" => {
                match self.describe(items) {
                    Ok(described) => self.keep(described),
                    Err(reason) => self.not_read(reason),
                }
            }
            // The tensor, and what the parameter adds to it.
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                pickle.items(items).take(1).try_for_each(|tensor| self.visit(tensor, depth + 1))
            }
            // The function, the class of the tensor, and the function's arguments.
            "torch._tensor._rebuild_from_type_v2" | "torch._tensor._rebuild_from_type" => {
                let mut items = pickle.items(items);
                match (items.next(), items.next(), items.next()) {
                    (Some(callee), Some(_), Some(arguments)) if depth < DEEPEST => {
                        self.spend(1)?;
                        self.object(callee, arguments, held, depth + 1)
                    }
                    _ => self.not_read("a tensor is made from too few parts".into()),
                }
            }
            name => {
                if let Some(reason) = unreadable(name) {
                    return self.not_read(reason.into());
                }
                pickle.held(held).try_for_each(|part| self.visit(part, depth + 1))?;
                let above = self.path.len();
                self.path.push_str(if above == 0 { "args" } else { ".args" });
                self.parts(items, depth + 1)?;
                self.path.truncate(above);
                Ok(())
            }
        }
    }

    fn spend(&mut self, amount: usize) -> Result<(), String> {
        self.budget = self.budget.checked_sub(amount).ok_or("its values refer to each other too often")?;
        Ok(())
    }

    /// Takes an entry under the path and `more` bytes from the budget.
    fn take(&mut self, more: usize) -> Result<(), String> {
        let taken = ENTRY + 2 * self.path.len() + more;
        self.room = self.room.checked_sub(taken).ok_or("its tensors and texts are used too often")?;
        Ok(())
    }

    fn keep(&mut self, described: Described) -> Result<(), String> {
        self.take(16 * described.shape.len())?;
        match self.found.tensors.insert(self.path.clone(), described) {
            Some(_) => Err(format!("the tensor {} is there twice", self.path)),
            None => Ok(()),
        }
    }

    fn not_read(&mut self, reason: String) -> Result<(), String> {
        self.take(reason.len())?;
        self.found.unread.insert(self.path.clone(), reason);
        Ok(())
    }

    /// Adds a table, if every item is a text with a number and every number below their count occurs once.
    fn table(&mut self, numbered: impl Iterator<Item = (Place, Option<usize>)> + Clone) -> Result<(), String> {
        let pickle = self.pickle;
        let is_text = |&(text, number): &(Place, Option<usize>)| {
            matches!(pickle.value(text), Value::Text { .. }) && number.is_some()
        };
        let texts = numbered.clone().take_while(is_text).count();
        self.spend(texts)?;
        if texts < 2 || numbered.clone().nth(texts).is_some() {
            return Ok(());
        }
        let mut places = vec![None; texts];
        for (text, number) in numbered {
            match number.and_then(|number| places.get_mut(number)) {
                Some(place) if place.is_none() => *place = Some(text),
                _ => return Ok(()),
            }
        }
        let texts = || places.iter().flatten().filter_map(|&text| pickle.text(text));
        self.take(texts().map(|text| 48 + text.len()).sum())?;
        self.found.tables.insert(self.path.clone(), texts().map(|text| text.into_owned()).collect());
        Ok(())
    }

    /// A tensor from the arguments `(storage, offset, shape, strides, requires_grad, hooks, ...)`: the element type
    /// follows in version 3, then the flags of the values.
    fn describe(&self, arguments: Items) -> Result<Described, String> {
        let pickle = self.pickle;
        let mut parts = pickle.items(arguments);
        let (Some(storage), Some(offset), Some(shape), Some(strides)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("a tensor is made from too few parts".into());
        };
        let Value::Persistent(storage) = pickle.value(storage) else { return Err("a tensor has no storage".into()) };
        let Storage { class, key, is_part } = Storage::of(pickle, storage)?;
        if is_part {
            return Err(
                "a storage is a part of another one, which is not supported: save it with a newer PyTorch".into()
            );
        }
        let mut more = parts.skip(2);
        let mut next = more.next();
        let element = match next.and_then(|part| pickle.global(part)) {
            Some(dtype) => {
                next = more.next();
                Element::of_dtype(&dtype).ok_or_else(|| format!("{dtype} is not supported"))?
            }
            None => Element::of_storage(&class).ok_or_else(|| format!("{class} is not supported"))?,
        };
        let negative = next.is_some_and(|more| flag(pickle, more, "neg") == Some(true));
        let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
        Ok(Described { storage: key, element, offset: self.size(offset)?, shape, strides, negative })
    }

    fn sizes(&self, place: Place) -> Result<Vec<usize>, String> {
        let Value::List(items) = self.pickle.value(place) else { return Err("a part of a tensor is no list".into()) };
        if self.pickle.items(items).nth(MOST_DIMENSIONS).is_some() {
            return Err(format!("it has more than {MOST_DIMENSIONS} dimensions"));
        }
        self.pickle.items(items).map(|item| self.size(item)).collect()
    }

    fn size(&self, place: Place) -> Result<usize, String> {
        match self.pickle.value(place) {
            Value::Int(size) => size.try_into().map_err(|_| format!("{size} is no size")),
            _ => Err("a size is no whole number".into()),
        }
    }
}
