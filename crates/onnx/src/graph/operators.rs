//! The operators that recurrent models are made of.

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::Tensor;

use super::{Attribute, Element, Graph, Value};
use crate::OnnxError;

impl Graph {
    /// `a + b`, broadcast.
    pub fn add(&mut self, a: &Value, b: &Value) -> Value {
        self.node("Add", &[a, b], Vec::new())
    }

    /// `a - b`, broadcast.
    pub fn sub(&mut self, a: &Value, b: &Value) -> Value {
        self.node("Sub", &[a, b], Vec::new())
    }

    /// `a ⊙ b`, broadcast.
    pub fn mul(&mut self, a: &Value, b: &Value) -> Value {
        self.node("Mul", &[a, b], Vec::new())
    }

    /// `a / b`, broadcast.
    pub fn div(&mut self, a: &Value, b: &Value) -> Value {
        self.node("Div", &[a, b], Vec::new())
    }

    /// `a factor`.
    pub fn scaled(&mut self, a: &Value, factor: f32) -> Value {
        let factor = self.number(factor);
        self.mul(a, &factor)
    }

    /// `1 - a`.
    pub fn one_minus(&mut self, a: &Value) -> Value {
        let one = self.number(1.0);
        self.sub(&one, a)
    }

    /// The matrix product of the last two axes.
    pub fn matmul(&mut self, a: &Value, b: &Value) -> Value {
        self.node("MatMul", &[a, b], Vec::new())
    }

    /// `σ(a)`.
    pub fn sigmoid(&mut self, a: &Value) -> Value {
        self.node("Sigmoid", &[a], Vec::new())
    }

    /// `tanh(a)`.
    pub fn tanh(&mut self, a: &Value) -> Value {
        self.node("Tanh", &[a], Vec::new())
    }

    /// `max(0, a)`.
    pub fn relu(&mut self, a: &Value) -> Value {
        self.node("Relu", &[a], Vec::new())
    }

    /// `a` within `low..=high`.
    pub fn clip(&mut self, a: &Value, low: f32, high: f32) -> Value {
        let [low, high] = [low, high].map(|bound| self.number(bound));
        self.node("Clip", &[a, &low, &high], Vec::new())
    }

    /// A softmax along `axis`.
    pub fn softmax(&mut self, a: &Value, axis: i64) -> Value {
        self.node("Softmax", &[a], vec![Attribute::Int("axis", axis)])
    }

    /// `a` where `condition` is true, else `b`.
    pub fn choose(&mut self, condition: &Value, a: &Value, b: &Value) -> Value {
        self.node("Where", &[condition, a, b], Vec::new())
    }

    /// The values side by side along `axis`.
    pub fn concat(&mut self, values: &[&Value], axis: i64) -> Value {
        match values {
            [one] => (*one).clone(),
            _ => self.node("Concat", values, vec![Attribute::Int("axis", axis)]),
        }
    }

    /// `from..to` of `axis`.
    pub fn slice(&mut self, a: &Value, axis: i64, from: usize, to: usize) -> Value {
        let [from, to, axis] = [from as i64, to as i64, axis].map(|number| self.ints(&[number]));
        self.node("Slice", &[a, &from, &to, &axis], Vec::new())
    }

    /// `N` equal parts along the last axis.
    pub fn parts<const N: usize>(&mut self, a: &Value) -> [Value; N] {
        if N == 1 {
            return std::array::from_fn(|_| a.clone());
        }
        let mut attributes = vec![Attribute::Int("axis", -1)];
        if self.opset().has_axes_as_inputs() {
            attributes.push(Attribute::Int("num_outputs", N as i64));
        }
        self.nodes_of("Split", &[a], attributes)
    }

    /// The axes in this order.
    pub fn transpose(&mut self, a: &Value, order: &[i64]) -> Value {
        self.node("Transpose", &[a], vec![Attribute::Ints("perm", order.to_vec())])
    }

    /// Another shape; 0 keeps the size of an axis, and one size may be -1.
    pub fn reshape(&mut self, a: &Value, shape: &[i64]) -> Value {
        let shape = self.ints(shape);
        self.node("Reshape", &[a, &shape], Vec::new())
    }

    /// With axes of size 1 in these places.
    pub fn unsqueeze(&mut self, a: &Value, axes: &[i64]) -> Value {
        let axes = self.ints(axes);
        self.node("Unsqueeze", &[a, &axes], Vec::new())
    }

    /// Without these axes of size 1.
    pub fn squeeze(&mut self, a: &Value, axes: &[i64]) -> Value {
        let axes = self.ints(axes);
        self.node("Squeeze", &[a, &axes], Vec::new())
    }

    /// The slices `indices` along the first axis.
    pub fn gather(&mut self, a: &Value, indices: &Value) -> Value {
        self.node("Gather", &[a, indices], vec![Attribute::Int("axis", 0)])
    }

    /// One-hot vectors, along a new last axis of size `depth`.
    pub fn one_hot(&mut self, indices: &Value, depth: usize) -> Value {
        let depth = self.int(depth as i64);
        let values = self.numbers(&[0.0, 1.0]);
        self.node("OneHot", &[indices, &depth, &values], vec![Attribute::Int("axis", -1)])
    }

    /// The element type changed.
    pub fn cast(&mut self, a: &Value, element: Element) -> Value {
        self.node("Cast", &[a], vec![Attribute::Int("to", i64::from(element.number()))])
    }

    /// The size of `axis`, as a vector of one number.
    pub fn size(&mut self, a: &Value, axis: usize) -> Value {
        let shape = self.node("Shape", &[a], Vec::new());
        self.slice(&shape, 0, axis, axis + 1)
    }

    /// Repeated to a shape, a vector of integers.
    pub fn expand(&mut self, a: &Value, shape: &Value) -> Value {
        self.node("Expand", &[a, shape], Vec::new())
    }

    /// Zeros `[rows, width]`; `rows` is a vector of one number.
    pub fn zeros(&mut self, rows: &Value, width: usize) -> Value {
        let (zero, width) = (self.number(0.0), self.ints(&[width as i64]));
        let shape = self.concat(&[rows, &width], 0);
        self.expand(&zero, &shape)
    }

    /// `0, 1, ...` `[size]`; `size` is a vector of one number.
    pub fn range(&mut self, size: &Value) -> Value {
        let [zero, one] = [0, 1].map(|number| self.int(number));
        let size = self.squeeze(size, &[0]);
        self.node("Range", &[&zero, &size, &one], Vec::new())
    }

    /// Whether place `s` of row `b` is before the end `lengths[b]` of the row: `[B, S]`. `size` is `S`, a vector of one
    /// number.
    pub fn before_end(&mut self, size: &Value, lengths: &Value) -> Value {
        let places = self.range(size);
        let (places, lengths) = (self.unsqueeze(&places, &[0]), self.unsqueeze(lengths, &[1]));
        self.node("Less", &[&places, &lengths], Vec::new())
    }

    /// `values`, with a number far below all others where `valid` is false: its share of a softmax is 0, and it is no
    /// maximum.
    pub(crate) fn or_never(&mut self, valid: &Value, values: &Value) -> Value {
        let never = self.number(f32::MIN / 4.0);
        self.choose(valid, values, &never)
    }

    /// The sum over `axis`, which is kept with size 1 or dropped.
    pub fn sum(&mut self, a: &Value, axis: i64, keep: bool) -> Value {
        let axes = self.ints(&[axis]);
        self.node("ReduceSum", &[a, &axes], vec![Attribute::Int("keepdims", keep.into())])
    }

    /// The mean over `axis`, which is kept with size 1 or dropped.
    pub fn mean(&mut self, a: &Value, axis: i64, keep: bool) -> Value {
        self.reduced("ReduceMean", a, axis, keep)
    }

    /// The largest value over `axis`, which is kept with size 1 or dropped.
    pub fn max(&mut self, a: &Value, axis: i64, keep: bool) -> Value {
        self.reduced("ReduceMax", a, axis, keep)
    }

    fn reduced(&mut self, operator: &'static str, a: &Value, axis: i64, keep: bool) -> Value {
        let keep = Attribute::Int("keepdims", keep.into());
        if self.opset().has_axes_as_inputs() {
            let axes = self.ints(&[axis]);
            return self.node(operator, &[a, &axes], vec![keep]);
        }
        self.node(operator, &[a], vec![Attribute::Ints("axes", vec![axis]), keep])
    }

    /// `a W + b` along the last axis, with the weights of `layer`, named `name`.
    ///
    /// # Errors
    ///
    /// As [`weight`](Self::weight).
    pub fn linear(&mut self, name: &str, a: &Value, layer: &Linear) -> Result<Value, OnnxError> {
        self.product(name, a, layer.weight.val(), layer.bias.as_ref().map(Param::val))
    }

    /// `a W + b` along the last axis, with `W` `[I, O]` and `b` `[O]`.
    ///
    /// # Errors
    ///
    /// As [`weight`](Self::weight).
    pub fn product(
        &mut self,
        name: &str,
        a: &Value,
        weight: Tensor<2>,
        bias: Option<Tensor<1>>,
    ) -> Result<Value, OnnxError> {
        let weight = self.weight(&format!("{name}.weight"), weight)?;
        let product = self.matmul(a, &weight);
        match bias {
            Some(bias) => {
                let bias = self.weight(&format!("{name}.bias"), bias)?;
                Ok(self.add(&product, &bias))
            }
            None => Ok(product),
        }
    }
}
