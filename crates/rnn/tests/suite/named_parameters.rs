//! Parameters of a network by the names that PyTorch gives them:
//! `weight_ih_l0`, `weight_ih_l0_reverse`, ...

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};
use rekindle_rnn::Recurrent;

pub type Named = BTreeMap<String, TensorData>;

/// The values of all parameters.
pub fn values(network: &Recurrent) -> Named {
    collect(network, None)
}

/// The gradients of all parameters; those that got none are left out.
pub fn gradients(network: &Recurrent, gradients: &Gradients) -> Named {
    collect(network, Some(gradients))
}

/// The network with these values, in the element type that they have.
///
/// # Panics
///
/// If there is not exactly one value for each parameter.
pub fn replace(network: Recurrent, values: &Named) -> Recurrent {
    let mut replacement = Replacement { path: Vec::new(), values: values.clone() };
    let network = network.map(&mut replacement);
    let unused: Vec<_> = replacement.values.keys().collect();
    assert!(unused.is_empty(), "no parameters for {unused:?}");
    network
}

fn collect(network: &Recurrent, gradients: Option<&Gradients>) -> Named {
    let mut collection = Collection { path: Vec::new(), gradients, found: Named::new() };
    network.visit(&mut collection);
    collection.found
}

/// From `layers.1.reverse.Lstm.weight_ih` to `weight_ih_l1_reverse`.
fn torch_name(path: &[String]) -> String {
    let [.., layer, direction, _cell, weight] = path else {
        panic!("{path:?} is not the path of a weight");
    };
    match direction.as_str() {
        "forward" => format!("{weight}_l{layer}"),
        _ => format!("{weight}_l{layer}_reverse"),
    }
}

struct Collection<'a> {
    path: Vec<String>,
    gradients: Option<&'a Gradients>,
    found: Named,
}

impl ModuleVisitor for Collection<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = match self.gradients {
            None => Some(param.val()),
            Some(gradients) => param.val().grad(gradients),
        };
        if let Some(value) = value {
            self.found.insert(torch_name(&self.path), value.to_data());
        }
    }
}

struct Replacement {
    path: Vec<String>,
    values: Named,
}

impl ModuleMapper for Replacement {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = torch_name(&self.path);
        let value = self.values.remove(&name).unwrap_or_else(|| panic!("no value for {name}"));
        assert_eq!(value.shape(), &param.shape(), "shape of {name}");
        let (device, dtype) = (param.device(), value.dtype());
        Param::from_tensor(Tensor::from_data(value, (&device, dtype)))
    }
}
