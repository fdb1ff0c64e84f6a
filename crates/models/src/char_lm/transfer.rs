//! Starting from the weights of another model.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use super::CharLm;
use crate::TransferError;

impl CharLm {
    /// This model with the weights of `source`.
    ///
    /// `known[v]` is the number that `source` gives to this model's symbol `v`; a symbol without one keeps the weights
    /// that it has here.
    ///
    /// # Errors
    ///
    /// When the models differ in more than their symbols.
    ///
    /// # Panics
    ///
    /// When `known` does not have an entry for every symbol, or one that `source` does not have.
    pub fn with_weights_of(self, source: &CharLm, known: &[Option<u32>]) -> Result<CharLm, TransferError> {
        assert_eq!(known.len(), self.vocabulary_size, "known must have an entry for every symbol of this model");
        let mut collect = Collect::default();
        source.visit(&mut collect);
        let one_hot = self.embedding.is_none();
        let mut transfer = Transfer { source: collect.weights, known, one_hot, path: Vec::new(), error: None };
        let model = self.map(&mut transfer);
        match transfer.error {
            Some(error) => Err(error),
            None => Ok(model),
        }
    }
}

#[derive(Default)]
struct Collect {
    path: Vec<String>,
    weights: HashMap<String, TensorData>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.weights.insert(self.path.join("."), param.val().into_data());
    }
}

struct Transfer<'a> {
    source: HashMap<String, TensorData>,
    known: &'a [Option<u32>],
    one_hot: bool,
    path: Vec<String>,
    error: Option<TransferError>,
}

impl Transfer<'_> {
    /// Which dimension of the parameter at `path` counts symbols.
    fn symbol_dimension(&self, path: &str) -> Option<usize> {
        let name = self.path.last().map_or("", String::as_str);
        match self.path.first().map_or("", String::as_str) {
            "embedding" => Some(0),
            "output" if name == "weight" => Some(1),
            "output" => Some(0),
            _ if self.one_hot && name == "weight_ih" && path.starts_with("recurrent.layers.0.") => Some(1),
            _ => None,
        }
    }

    fn weights(&mut self, path: &str, blank: TensorData) -> Result<TensorData, TransferError> {
        let Some(source) = self.source.remove(path) else {
            return Err(TransferError::Missing { parameter: path.to_owned() });
        };
        let symbols = self.symbol_dimension(path);
        let (wanted, found) = (blank.shape().to_vec(), source.shape().to_vec());
        let fits = |d: usize| Some(d) == symbols || wanted[d] == found[d];
        if wanted.len() != found.len() || !(0..wanted.len()).all(fits) {
            return Err(TransferError::Shape { parameter: path.to_owned(), wanted, found });
        }
        let Some(dimension) = symbols else { return Ok(source) };
        // Seen as [outer, symbols, inner], whichever dimension counts symbols.
        let inner: usize = wanted[dimension + 1..].iter().product();
        let outer: usize = wanted[..dimension].iter().product();
        let mut values: Vec<f32> = blank.convert::<f32>().try_to_vec::<f32>().expect("converted to f32");
        let source: Vec<f32> = source.convert::<f32>().try_to_vec::<f32>().expect("converted to f32");
        for o in 0..outer {
            for (here, there) in self.known.iter().enumerate().filter_map(|(v, u)| Some((v, (*u)? as usize))) {
                let from = (o * found[dimension] + there) * inner;
                let to = (o * wanted[dimension] + here) * inner;
                values[to..to + inner].copy_from_slice(&source[from..from + inner]);
            }
        }
        Ok(TensorData::new(values, wanted))
    }
}

impl ModuleMapper for Transfer<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let device = tensor.device();
        let tensor = match self.weights(&self.path.join("."), tensor.to_data()) {
            Ok(data) if tensor.is_require_grad() => Tensor::from_data(data, &device).require_grad(),
            Ok(data) => Tensor::from_data(data, &device),
            Err(error) => {
                self.error.get_or_insert(error);
                tensor
            }
        };
        Param::from_mapped_value(id, tensor, mapper)
    }
}
