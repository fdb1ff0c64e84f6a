//! Finds the tensors of a pickle and their names.

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

/// The tensors by the path of keys that leads to them, joined by dots; of two with one path the last counts, as in
/// Python.
pub(crate) fn tensors(pickle: &Pickle) -> Result<BTreeMap<String, Described>, String> {
    // A value used many times over is visited each time; the budget keeps that in proportion to the file.
    let mut walk = Walk { pickle, found: BTreeMap::new(), budget: 16 * pickle.length + 1024 };
    walk.visit(pickle.root, String::new(), 0)?;
    Ok(walk.found)
}

struct Walk<'a> {
    pickle: &'a Pickle,
    found: BTreeMap<String, Described>,
    budget: usize,
}

impl Walk<'_> {
    fn visit(&mut self, place: Place, path: String, depth: usize) -> Result<(), String> {
        let spent = self.budget.checked_sub(1 + path.len());
        self.budget = spent.ok_or("its values refer to each other too often")?;
        if depth > DEEPEST {
            return Err(format!("its values are nested deeper than {DEEPEST}"));
        }
        let pickle = self.pickle;
        match &pickle.values[place] {
            Value::Dict(items) => {
                for &(key, value) in items {
                    let key = match &pickle.values[key] {
                        Value::Text(key) => key.clone(),
                        Value::Int(key) => key.to_string(),
                        _ => continue,
                    };
                    self.visit(value, joined(&path, key), depth + 1)?;
                }
            }
            Value::List(items) => {
                for (index, &item) in items.iter().enumerate() {
                    self.visit(item, joined(&path, index.to_string()), depth + 1)?;
                }
            }
            Value::Call { callee, arguments } => {
                let (Value::Global(name), Value::List(arguments)) =
                    (&pickle.values[*callee], &pickle.values[*arguments])
                else {
                    return Ok(());
                };
                match name.as_str() {
                    "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => {
                        let described = self.describe(arguments).map_err(|reason| format!("{path}: {reason}"))?;
                        self.found.insert(path, described);
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

fn joined(path: &str, key: String) -> String {
    if path.is_empty() { key } else { format!("{path}.{key}") }
}
