//! A graph under construction.

mod operators;

use std::collections::HashMap;

use burn::tensor::Tensor;
use rekindle_models::host::numbers;

use crate::proto::{
    AttributeProto, DimensionProto, GraphProto, NodeProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto,
};
use crate::{OnnxError, Opset};

/// A value in a graph: an input, a weight or the output of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Value(String);

impl Value {
    /// An optional input that is left out.
    pub fn none() -> Self {
        Self(String::new())
    }
}

/// The type of the elements of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 32-bit floats.
    F32,
    /// 32-bit integers.
    I32,
    /// 64-bit integers.
    I64,
    /// Booleans.
    Bool,
}

impl Element {
    /// Its number in a file: `TensorProto.DataType`.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::F32 => 1,
            Self::I32 => 6,
            Self::I64 => 7,
            Self::Bool => 9,
        }
    }
}

/// An axis of a value's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Of this size.
    Size(usize),
    /// Of a size that is known at run time only; equal names have equal sizes.
    Named(&'static str),
}

impl From<usize> for Axis {
    fn from(size: usize) -> Self {
        Self::Size(size)
    }
}

impl From<&'static str> for Axis {
    fn from(name: &'static str) -> Self {
        Self::Named(name)
    }
}

/// An attribute of a node.
#[derive(Clone, Debug)]
pub enum Attribute {
    /// A number.
    Float(&'static str, f32),
    /// An integer.
    Int(&'static str, i64),
    /// Integers.
    Ints(&'static str, Vec<i64>),
    /// A text.
    Text(&'static str, &'static str),
    /// Texts.
    Texts(&'static str, Vec<&'static str>),
}

impl Attribute {
    fn proto(self) -> AttributeProto {
        let of = |name: &str, kind| AttributeProto { name: name.to_owned(), kind, ..AttributeProto::default() };
        match self {
            Self::Float(name, f) => AttributeProto { f: Some(f), ..of(name, AttributeProto::FLOAT) },
            Self::Int(name, i) => AttributeProto { i: Some(i), ..of(name, AttributeProto::INT) },
            Self::Ints(name, ints) => AttributeProto { ints, ..of(name, AttributeProto::INTS) },
            Self::Text(name, s) => AttributeProto { s: Some(s.into()), ..of(name, AttributeProto::STRING) },
            Self::Texts(name, texts) => {
                let strings = texts.into_iter().map(Into::into).collect();
                AttributeProto { strings, ..of(name, AttributeProto::STRINGS) }
            }
        }
    }
}

/// A graph, to which nodes are appended in the order of their execution.
///
/// [`node`](Self::node) appends any operator; those that recurrent models are made of have methods. Shapes are not
/// checked here: `onnx.checker` and every runtime do that.
#[derive(Debug)]
pub struct Graph {
    opset: Opset,
    nodes: Vec<NodeProto>,
    weights: Vec<TensorProto>,
    inputs: Vec<ValueInfoProto>,
    outputs: Vec<ValueInfoProto>,
    /// Constants of this graph, by their values.
    constants: HashMap<(Vec<i64>, bool), Value>,
    /// Values that were named so far, here and in the bodies of loops: a name is used once.
    named: usize,
}

/// A loop over the first axis of its inputs.
#[derive(Clone, Copy, Debug)]
pub struct Loop<'a> {
    /// The states before the first step, with the shape of each.
    pub states: &'a [(Value, Vec<Axis>)],
    /// The sequences that are read, with the element type and the shape of one step of each.
    pub inputs: &'a [(Value, Element, Vec<Axis>)],
    /// Whether the last step is read first; the outputs are in the order of the inputs all the same.
    pub reverse: bool,
}

impl Graph {
    /// An empty graph.
    pub fn new(opset: Opset) -> Self {
        Self {
            opset,
            nodes: Vec::new(),
            weights: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            constants: HashMap::new(),
            named: 0,
        }
    }

    /// Declares an input of the graph.
    pub fn input(&mut self, name: &str, element: Element, shape: &[Axis]) -> Value {
        self.inputs.push(info(name, element, shape));
        Value(name.to_owned())
    }

    /// Makes `value` the output `name` of the graph.
    pub fn output(&mut self, name: &str, value: &Value, element: Element, shape: &[Axis]) {
        self.append("Identity", &[value], Vec::new(), vec![name.to_owned()]);
        self.outputs.push(info(name, element, shape));
    }

    /// Adds a weight.
    ///
    /// # Errors
    ///
    /// When the device fails, or a value is not finite.
    pub fn weight<const D: usize>(&mut self, name: &str, tensor: Tensor<D>) -> Result<Value, OnnxError> {
        let shape = tensor.dims();
        let values = numbers(tensor)?;
        self.weight_of(name, &shape, &values)
    }

    /// The same from values in row-major order.
    ///
    /// # Errors
    ///
    /// When a value is not finite.
    ///
    /// # Panics
    ///
    /// When there are not as many values as the shape has elements.
    pub fn weight_of(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Result<Value, OnnxError> {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}: values of the shape {shape:?}");
        if values.iter().any(|value| !value.is_finite()) {
            return Err(OnnxError::NotFinite { name: name.to_owned() });
        }
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let shape: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        Ok(self.stored(name.to_owned(), shape, Element::F32, bytes))
    }

    /// A scalar.
    pub fn number(&mut self, value: f32) -> Value {
        let name = self.fresh("number");
        self.stored(name, Vec::new(), Element::F32, value.to_le_bytes().to_vec())
    }

    /// A vector of numbers.
    pub fn numbers(&mut self, values: &[f32]) -> Value {
        let name = self.fresh("numbers");
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.stored(name, vec![values.len() as i64], Element::F32, bytes)
    }

    /// A vector of integers.
    pub fn ints(&mut self, values: &[i64]) -> Value {
        self.constant(values, false)
    }

    /// A scalar integer.
    pub fn int(&mut self, value: i64) -> Value {
        self.constant(&[value], true)
    }

    fn constant(&mut self, values: &[i64], scalar: bool) -> Value {
        let key = (values.to_vec(), scalar);
        if let Some(value) = self.constants.get(&key) {
            return value.clone();
        }
        let name = self.fresh("ints");
        let shape = if scalar { Vec::new() } else { vec![values.len() as i64] };
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let value = self.stored(name, shape, Element::I64, bytes);
        self.constants.insert(key, value.clone());
        value
    }

    fn stored(&mut self, name: String, dims: Vec<i64>, element: Element, bytes: Vec<u8>) -> Value {
        let data_type = element.number();
        self.weights.push(TensorProto { dims, data_type, name: name.clone(), raw_data: Some(bytes) });
        Value(name)
    }

    /// Appends a node with one output.
    pub fn node(&mut self, operator: &'static str, inputs: &[&Value], attributes: Vec<Attribute>) -> Value {
        let [output] = self.nodes_of(operator, inputs, attributes);
        output
    }

    /// Appends a node with `N` outputs.
    pub fn nodes_of<const N: usize>(
        &mut self,
        operator: &'static str,
        inputs: &[&Value],
        attributes: Vec<Attribute>,
    ) -> [Value; N] {
        let outputs: [String; N] = std::array::from_fn(|_| self.fresh(operator));
        let attributes = attributes.into_iter().map(Attribute::proto).collect();
        self.append(operator, inputs, attributes, outputs.to_vec());
        outputs.map(Value)
    }

    /// Appends a loop (`Scan`). `body` gets the states and the inputs of a step, and returns the states after it and
    /// its outputs, each with its shape. Returns the last states, and the outputs of all steps.
    ///
    /// The body may use all values that were there before.
    ///
    /// # Errors
    ///
    /// Those of `body`.
    #[allow(clippy::type_complexity, reason = "two lists, of the states and of the outputs")]
    pub fn repeat(
        &mut self,
        Loop { states, inputs, reverse }: Loop<'_>,
        body: impl FnOnce(&mut Self, &[Value], &[Value]) -> Result<(Vec<Value>, Vec<(Value, Vec<Axis>)>), OnnxError>,
    ) -> Result<(Vec<Value>, Vec<Value>), OnnxError> {
        let mut inner = Self { named: self.named, ..Self::new(self.opset) };
        let name = |graph: &mut Self, element, shape: &[Axis]| {
            let name = graph.fresh("step");
            graph.input(&name, element, shape)
        };
        let before: Vec<Value> = states.iter().map(|(_, shape)| name(&mut inner, Element::F32, shape)).collect();
        let read: Vec<Value> = inputs.iter().map(|(_, element, shape)| name(&mut inner, *element, shape)).collect();
        let (after, outputs) = body(&mut inner, &before, &read)?;
        let states_after = after.iter().zip(states).map(|(value, (_, shape))| (value, shape));
        for (value, shape) in states_after.chain(outputs.iter().map(|(value, shape)| (value, shape))) {
            let name = inner.fresh("after");
            inner.output(&name, value, Element::F32, shape);
        }
        self.named = inner.named;
        let body = AttributeProto {
            name: "body".to_owned(),
            g: Some(inner.finish("body")),
            kind: AttributeProto::GRAPH,
            ..AttributeProto::default()
        };
        let direction = i64::from(reverse);
        let attributes = [
            Attribute::Int("num_scan_inputs", inputs.len() as i64),
            Attribute::Ints("scan_input_directions", vec![direction; inputs.len()]),
            Attribute::Ints("scan_output_directions", vec![direction; outputs.len()]),
        ];
        let attributes = attributes.map(Attribute::proto).into_iter().chain([body]).collect();
        let read: Vec<&Value> =
            states.iter().map(|(value, _)| value).chain(inputs.iter().map(|(value, ..)| value)).collect();
        let names: Vec<String> = (0..states.len() + outputs.len()).map(|_| self.fresh("Scan")).collect();
        self.append("Scan", &read, attributes, names.clone());
        let mut last: Vec<Value> = names.into_iter().map(Value).collect();
        let outputs = last.split_off(states.len());
        Ok((last, outputs))
    }

    fn append(&mut self, operator: &str, inputs: &[&Value], attribute: Vec<AttributeProto>, output: Vec<String>) {
        let input = inputs.iter().map(|value| value.0.clone()).collect();
        let name = output.first().cloned().unwrap_or_default();
        self.nodes.push(NodeProto { input, output, name, op_type: operator.to_owned(), attribute });
    }

    fn fresh(&mut self, of: &str) -> String {
        self.named += 1;
        format!("{}_{}", of.to_lowercase(), self.named)
    }

    pub(crate) fn opset(&self) -> Opset {
        self.opset
    }

    pub(crate) fn finish(self, name: &str) -> GraphProto {
        let Self { nodes, weights, inputs, outputs, .. } = self;
        GraphProto { node: nodes, name: name.to_owned(), initializer: weights, input: inputs, output: outputs }
    }
}

fn info(name: &str, element: Element, shape: &[Axis]) -> ValueInfoProto {
    let dimension = |axis: &Axis| match *axis {
        Axis::Size(size) => DimensionProto { dim_value: Some(size as i64), dim_param: None },
        Axis::Named(name) => DimensionProto { dim_value: None, dim_param: Some(name.to_owned()) },
    };
    let shape = TensorShapeProto { dim: shape.iter().map(dimension).collect() };
    let tensor = TensorTypeProto { elem_type: element.number(), shape: Some(shape) };
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}
