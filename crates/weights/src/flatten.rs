//! Finds the tensors of a pickle and their names, and the tables that number texts.

use std::collections::BTreeMap;

use crate::pickle::{Pickle, Place, Value};
use crate::tensor::Element;

/// Deeper than any module that people build.
const DEEPEST: usize = 64;

/// A tensor as the pickle describes it, unchecked.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) storage: String,
    pub(crate) element: Element,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

/// What there is in a pickle, by the path of keys that leads to it, joined by dots.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) tensors: BTreeMap<String, Described>,
    /// Tables that number texts from 0 without a gap, as vocabularies are kept; the texts in the order of the numbers.
    pub(crate) tables: BTreeMap<String, Vec<String>>,
}

/// Walks through the values of a pickle.
pub(crate) fn find(pickle: &Pickle) -> Result<Found, String> {
    // A value used many times over is visited each time; the budgets keep that in proportion to the file.
    let (budget, texts) = (64 * pickle.length + 1024, 4 * pickle.length);
    let mut walk = Walk { pickle, found: Found::default(), open: Vec::new(), budget, texts };
    walk.visit(pickle.root, String::new(), 0)?;
    Ok(walk.found)
}

/// What a pickled dictionary says of `name`, yes or no.
pub(crate) fn flag(pickle: &Pickle, name: &str) -> Option<bool> {
    let Value::Dict(items) = &pickle.values[pickle.root] else { return None };
    items.iter().find_map(|&(key, value)| match (&pickle.values[key], &pickle.values[value]) {
        (Value::Text(key), &Value::Bool(flag)) if key == name => Some(flag),
        _ => None,
    })
}

struct Walk<'a> {
    pickle: &'a Pickle,
    found: Found,
    /// The objects that the walk is within.
    open: Vec<Place>,
    /// What may still be spent on visits, in bytes of names.
    budget: usize,
    /// Bytes of text that tables may still hold.
    texts: usize,
}

impl Walk<'_> {
    /// Visits a part of what is at `path`, if anything can be found in it.
    fn visit_part(&mut self, place: Place, path: &str, key: &str, depth: usize) -> Result<(), String> {
        match self.pickle.values[place] {
            Value::List(_) | Value::Dict(_) | Value::Call { .. } => self.visit(place, joined(path, key), depth + 1),
            _ => self.spend(1),
        }
    }

    fn visit(&mut self, place: Place, path: String, depth: usize) -> Result<(), String> {
        self.spend(1 + path.len())?;
        if depth > DEEPEST {
            return Err(format!("its values are nested deeper than {DEEPEST}"));
        }
        let pickle = self.pickle;
        match &pickle.values[place] {
            Value::Dict(items) => {
                let numbered = items.iter().map(|&(key, value)| match (&pickle.values[key], &pickle.values[value]) {
                    (Value::Text(text), Value::Int(number)) | (Value::Int(number), Value::Text(text)) => {
                        Some((text, usize::try_from(*number).ok()?))
                    }
                    _ => None,
                });
                self.table(&path, numbered)?;
                for &(key, value) in items {
                    match &pickle.values[key] {
                        Value::Text(key) => self.visit_part(value, &path, key, depth)?,
                        Value::Int(key) => self.visit_part(value, &path, &key.to_string(), depth)?,
                        _ => {}
                    }
                }
            }
            Value::List(items) => {
                let numbered = items.iter().enumerate().map(|(number, &item)| match &pickle.values[item] {
                    Value::Text(text) => Some((text, number)),
                    _ => None,
                });
                self.table(&path, numbered)?;
                for (index, &item) in items.iter().enumerate() {
                    self.visit_part(item, &path, &index.to_string(), depth)?;
                }
            }
            // An object of a class that is not known here: a whole module, say.
            Value::Call { state: Some(state), .. }
                if matches!(pickle.values[*state], Value::Dict(_)) && !self.open.contains(&place) =>
            {
                self.open.push(place);
                self.visit(*state, path, depth + 1)?;
                self.open.pop();
            }
            Value::Call { callee, arguments, state: None } => {
                let (Value::Global(name), Value::List(arguments)) =
                    (&pickle.values[*callee], &pickle.values[*arguments])
                else {
                    return Ok(());
                };
                match name.as_str() {
                    "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => {
                        let described = self.describe(arguments).map_err(|reason| format!("{path}: {reason}"))?;
                        if self.found.tensors.insert(path.clone(), described).is_some() {
                            return Err(format!("the tensor {path} is there twice"));
                        }
                    }
                    "torch._utils._rebuild_parameter" => {
                        if let Some(&tensor) = arguments.first() {
                            self.visit(tensor, path, depth + 1)?;
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn spend(&mut self, amount: usize) -> Result<(), String> {
        self.budget = self.budget.checked_sub(amount).ok_or("its values refer to each other too often")?;
        Ok(())
    }

    /// Keeps texts with their numbers, where every item is such a pair and every number below their count is there once.
    fn table<'t>(
        &mut self,
        path: &str,
        numbered: impl ExactSizeIterator<Item = Option<(&'t String, usize)>>,
    ) -> Result<(), String> {
        let mut texts = vec![None; numbered.len()];
        self.spend(texts.len())?;
        for item in numbered {
            let Some((text, number)) = item else { return Ok(()) };
            match texts.get_mut(number) {
                Some(place) if place.is_none() => *place = Some(text),
                _ => return Ok(()),
            }
        }
        if texts.len() > 1 {
            let bytes = texts.iter().flatten().map(|text| text.len()).sum();
            self.texts = self.texts.checked_sub(bytes).ok_or("its texts are used too often")?;
            self.found.tables.insert(path.to_owned(), texts.into_iter().flatten().cloned().collect());
        }
        Ok(())
    }

    /// From the arguments `(storage, offset, shape, strides, ...)`.
    fn describe(&self, arguments: &[Place]) -> Result<Described, String> {
        let &[storage, offset, shape, strides, ..] = arguments else {
            return Err("a tensor is made from too few parts".into());
        };
        let Value::Persistent(storage) = self.pickle.values[storage] else {
            return Err("a tensor has no storage".into());
        };
        // ("storage", class, key, device, elements): the device does not matter here.
        let parts = self.list(storage)?;
        let (Some(&class), Some(&key)) = (parts.get(1), parts.get(2)) else {
            return Err("a storage has too few parts".into());
        };
        // PyTorch before 0.4 had storages that are parts of others.
        if parts.get(5).is_some_and(|&part| !matches!(self.pickle.values[part], Value::None)) {
            return Err(
                "a storage is a part of another one, which is not supported: save it with a newer PyTorch".into()
            );
        }
        let (Value::Global(class), Value::Text(key)) = (&self.pickle.values[class], &self.pickle.values[key]) else {
            return Err("a storage has no class or no key".into());
        };
        let element = Element::of_storage(class).ok_or_else(|| format!("{class} is not supported"))?;
        let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
        Ok(Described { storage: key.clone(), element, offset: self.size(offset)?, shape, strides })
    }

    fn list(&self, place: Place) -> Result<&[Place], String> {
        match &self.pickle.values[place] {
            Value::List(items) => Ok(items),
            _ => Err("a part of a tensor is no list".into()),
        }
    }

    fn sizes(&self, place: Place) -> Result<Vec<usize>, String> {
        self.list(place)?.iter().map(|&item| self.size(item)).collect()
    }

    fn size(&self, place: Place) -> Result<usize, String> {
        match self.pickle.values[place] {
            Value::Int(size) => size.try_into().map_err(|_| format!("{size} is no size")),
            _ => Err("a size is no whole number".into()),
        }
    }
}

/// The path of a part. What a module keeps its parts in is no part of a parameter's name.
fn joined(path: &str, key: &str) -> String {
    match (path, key) {
        (_, "_modules" | "_parameters" | "_buffers") => path.to_owned(),
        ("", _) => key.to_owned(),
        _ => format!("{path}.{key}"),
    }
}
