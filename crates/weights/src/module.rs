//! Loading weights into modules, and exporting them.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use crate::error::WeightError;
use crate::names::Path;
use crate::report::{LoadReport, WrongShape};
use crate::tensor::WeightTensor;

/// How weights that do not fit are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// Mismatches are an error.
    #[default]
    Strict,
    /// They are skipped and reported; parameters without weights keep their values.
    AllowPartial,
}

/// Modules whose parameters have PyTorch names and layouts: every layer of `rekindle-rnn`, every model of
/// `rekindle-models`, and modules built of them.
///
/// A stack of recurrent layers is `torch.nn.RNN`, `LSTM` or `GRU`; a single layer is one too, with layer number 0. In
/// a model the stack is named `rnn`, an embedding table `embedding.weight`, and linear weights are transposed.
pub trait StateDict: Module {
    /// Every parameter by its PyTorch name, as in PyTorch's `module.state_dict()`.
    fn state_dict(&self) -> BTreeMap<String, WeightTensor> {
        let mut collect = Collect::default();
        self.visit(&mut collect);
        collect.weights
    }

    /// Loads `weights` into this module, and reports the result of each.
    ///
    /// # Errors
    ///
    /// With [`Strictness::Strict`], [`WeightError::DoesNotFit`] when a parameter has no weights, weights have no
    /// parameter, or a shape differs.
    fn load_state_dict(
        self,
        weights: &BTreeMap<String, WeightTensor>,
        strictness: Strictness,
    ) -> Result<(Self, LoadReport), WeightError> {
        let unused = weights.keys().cloned().collect();
        let mut load = Load { weights, unused, path: Path::default(), report: LoadReport::default() };
        let module = self.map(&mut load);
        let mut report = load.report;
        report.unused = load.unused.into_iter().collect();
        if strictness == Strictness::Strict && !report.is_complete() {
            return Err(WeightError::DoesNotFit { report: Box::new(report) });
        }
        Ok((module, report))
    }
}

impl<M: Module> StateDict for M {}

#[derive(Default)]
struct Collect {
    path: Path,
    weights: BTreeMap<String, WeightTensor>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data().convert::<f32>();
        let shape = data.shape().to_vec();
        let values = data.try_to_vec::<f32>().expect("converted to f32");
        let mut tensor = WeightTensor::new(shape, values).expect("a tensor has as many values as its shape says");
        if self.path.is_transposed() {
            tensor = tensor.transposed();
        }
        self.weights.insert(self.path.torch_name(), tensor);
    }
}

struct Load<'a> {
    weights: &'a BTreeMap<String, WeightTensor>,
    unused: BTreeSet<String>,
    path: Path,
    report: LoadReport,
}

impl Load<'_> {
    /// The weights for the current parameter, of the shape `wanted`.
    fn weights(&mut self, mut wanted: Vec<usize>) -> Option<TensorData> {
        let name = self.path.torch_name();
        let Some(tensor) = self.weights.get(&name) else {
            self.report.missing.push(name);
            return None;
        };
        self.unused.remove(&name);
        let transposed = self.path.is_transposed();
        if transposed {
            wanted.reverse();
        }
        if tensor.shape() != wanted {
            self.report.wrong_shape.push(WrongShape { name, wanted, found: tensor.shape().to_vec() });
            return None;
        }
        self.report.applied.push(name);
        let tensor = if transposed { tensor.transposed() } else { tensor.clone() };
        Some(TensorData::new(tensor.values, tensor.shape))
    }
}

impl ModuleMapper for Load<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let tensor = match self.weights(tensor.dims().to_vec()) {
            Some(data) => {
                let loaded = Tensor::from_data(data, &tensor.device());
                if tensor.is_require_grad() { loaded.require_grad() } else { loaded }
            }
            None => tensor,
        };
        Param::from_mapped_value(id, tensor, mapper)
    }
}
