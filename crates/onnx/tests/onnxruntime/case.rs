//! Cases for `python/check.py`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData, activation};
use rekindle_models::decode::{Step, StepRows};
use rekindle_onnx::{NamedModel, Opset};
use rekindle_testing::{Numbers, onnxruntime};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::{TOLERANCE, device};

/// A folder of cases.
pub struct Cases {
    folder: TempDir,
    python: PathBuf,
}

/// The calls of a case.
#[derive(Default)]
pub struct Calls(Vec<Value>);

impl Cases {
    /// None if there is no Python with onnxruntime.
    pub fn new() -> Option<Self> {
        Some(Self { folder: TempDir::new().unwrap(), python: onnxruntime()? })
    }

    /// Writes the graphs of the case `name` and its calls.
    pub fn add(&self, name: &str, graphs: &[NamedModel], calls: Calls) {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        for graph in graphs {
            graph.model.save(folder.join(format!("{}.onnx", graph.name))).unwrap();
        }
        fs::write(folder.join("case.json"), Value::Array(calls.0).to_string()).unwrap();
    }

    /// Runs all cases.
    pub fn run(self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/check.py");
        let output = Command::new(&self.python).arg(script).arg(self.folder.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let cases = fs::read_dir(self.folder.path()).unwrap().count();
        assert_eq!(text.lines().count(), cases, "{text}");
        for line in text.lines() {
            let (name, difference) = line.split_once(' ').unwrap();
            let difference: f64 = difference.parse().unwrap();
            assert!(difference < TOLERANCE, "{name}: {difference:e} apart");
        }
    }
}

impl Calls {
    /// A call of a graph, with its inputs and its expected outputs.
    pub fn call<const I: usize, const O: usize>(
        &mut self,
        graph: &str,
        inputs: [(&str, Value); I],
        outputs: [(&str, Value); O],
    ) {
        self.call_with(graph, inputs.to_vec(), outputs.to_vec());
    }

    /// The same with lists.
    pub fn call_with(&mut self, graph: &str, inputs: Vec<(&str, Value)>, outputs: Vec<(&str, Value)>) {
        let object = |values: Vec<(&str, Value)>| {
            values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()
        };
        self.0.push(json!({"graph": graph, "inputs": object(inputs), "outputs": object(outputs)}));
    }

    /// The number of calls so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Integers of this shape.
pub fn ints(shape: &[usize], data: impl IntoIterator<Item = i64>) -> Value {
    json!({"shape": shape, "type": "int64", "data": data.into_iter().collect::<Vec<_>>()})
}

/// Tokens, as many as there are.
pub fn tokens(data: &[u32]) -> Value {
    ints(&[data.len()], data.iter().copied().map(i64::from))
}

/// Numbers of this shape.
pub fn floats(shape: &[usize], data: &[f32]) -> Value {
    json!({"shape": shape, "type": "float32", "data": data})
}

/// The numbers of a tensor.
pub fn tensor<const D: usize>(tensor: Tensor<D>) -> Value {
    let shape = tensor.dims();
    floats(&shape, &tensor.into_data().convert::<f32>().try_into_vec::<f32>().unwrap())
}

/// Zeros of this shape.
pub fn zeros(shape: &[usize]) -> Value {
    floats(shape, &vec![0.0; shape.iter().product()])
}

/// An output of an earlier call.
pub fn of_call(call: usize, output: &str) -> Value {
    json!({"call": call, "output": output})
}

/// With a log-softmax of the graph's output.
pub fn log_softmax(mut value: Value) -> Value {
    value["log_softmax"] = true.into();
    value
}

/// What the graph of a decoder must give for a step of its `rows`.
pub fn of_step(step: Step<'_>, rows: usize) -> Vec<(&'static str, Value)> {
    let matrix = |values: StepRows<'_>| {
        let values = values.numbers().unwrap();
        Tensor::<2>::from_data(TensorData::new(values.to_vec(), [rows, values.len() / rows]), &device())
    };
    let log_probs = activation::log_softmax(matrix(step.logits), 1);
    let mut outputs = vec![("logits", log_softmax(tensor(log_probs)))];
    outputs.extend(step.attention.map(|weights| ("attention", tensor(matrix(weights)))));
    outputs
}

/// The model with biases and other weights that start at one value drawn at random, so that each of them counts.
pub fn stirred<M: Module>(model: M) -> M {
    struct Stir(Numbers);
    impl ModuleMapper for Stir {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                let noise = self.0.uniform(tensor.dims(), -0.3..0.3, &tensor.device());
                (tensor + noise).detach()
            })
        }
    }
    model.map(&mut Stir(Numbers::new(11)))
}

/// An operator set with the axes of reductions as attributes, and one with inputs.
pub fn opsets() -> [Opset; 3] {
    [Opset::OLDEST, 17, Opset::NEWEST].map(|version| Opset::new(version).unwrap())
}
