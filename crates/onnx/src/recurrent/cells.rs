//! The equations of the cells in plain operators.
//!
//! They are those of the modules of `rekindle_rnn`, with the same letters. A new cell needs an arm in
//! [`Weights::step`]; the compiler asks for it.

use rekindle_rnn::{Cell, Layer};

use super::scan::weights_of;
use crate::OnnxError;
use crate::graph::{Graph, Value};

/// `ε` of layer normalisation.
const EPSILON: f32 = 1e-5;

/// The weights of a layer in a graph.
pub(super) struct Weights {
    cell: Cell,
    input_size: usize,
    gates: usize,
    values: Vec<(&'static str, Value)>,
}

impl Weights {
    pub fn new(graph: &mut Graph, name: &str, layer: &Layer) -> Result<Self, OnnxError> {
        let gates = layer.cell().gates() * layer.hidden_size();
        let values = weights_of(graph, name, layer)?;
        Ok(Self { cell: layer.cell(), input_size: layer.input_size(), gates, values })
    }

    /// A weight of the cell; matrices are transposed.
    fn get(&self, name: &str) -> &Value {
        self.find(name).unwrap_or_else(|| panic!("{} has no weight {name}", self.cell))
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The part of `input` `[T, B, I]` that does not depend on the state, and its width.
    pub fn project(&self, graph: &mut Graph, input: &Value) -> (Value, usize) {
        let product = |graph: &mut Graph| graph.matmul(input, self.get("weight_ih"));
        match self.cell {
            // The input is gated before its product.
            Cell::MogrifierLstm => (input.clone(), self.input_size),
            // A part of `b_hh` is scaled by a gate.
            Cell::Gru => {
                let product = product(graph);
                (self.plus(graph, product, "bias_ih"), self.gates)
            }
            Cell::LayerNormLstm => {
                let product = product(graph);
                let rows = normalised(graph, &product);
                let rows = graph.mul(&rows, self.get("gain_ih"));
                (self.with_biases(graph, rows), self.gates)
            }
            _ => {
                let product = product(graph);
                (self.with_biases(graph, product), self.gates)
            }
        }
    }

    fn plus(&self, graph: &mut Graph, rows: Value, bias: &str) -> Value {
        self.find(bias).map_or_else(|| rows.clone(), |bias| graph.add(&rows, bias))
    }

    fn with_biases(&self, graph: &mut Graph, rows: Value) -> Value {
        let rows = self.plus(graph, rows, "bias_ih");
        self.plus(graph, rows, "bias_hh")
    }

    /// The state after a step with the projected input `x` `[B, W]`, from that before: `h`, and `c` if there is one.
    pub fn step(&self, graph: &mut Graph, x: &Value, state: &[Value]) -> Vec<Value> {
        let h = &state[0];
        match self.cell {
            Cell::Rnn => {
                let sums = self.sums(graph, x, h);
                vec![graph.tanh(&sums)]
            }
            Cell::RnnRelu => {
                let sums = self.sums(graph, x, h);
                vec![graph.relu(&sums)]
            }
            Cell::Gru => vec![self.gru(graph, x, h)],
            Cell::Lstm => {
                let sums = self.sums(graph, x, h);
                let gates = lstm_gates(graph, &sums, Graph::tanh);
                lstm(graph, gates, &state[1])
            }
            Cell::ReluLstm => {
                let sums = self.sums(graph, x, h);
                let gates = lstm_gates(graph, &sums, Graph::relu);
                lstm(graph, gates, &state[1])
            }
            Cell::CoupledLstm => {
                let sums = self.sums(graph, x, h);
                let [i, g, o] = graph.parts(&sums);
                let (i, g, o) = (graph.sigmoid(&i), graph.tanh(&g), graph.sigmoid(&o));
                let f = graph.one_minus(&i);
                lstm(graph, [i, f, g, o], &state[1])
            }
            Cell::PeepholeLstm => self.peephole(graph, x, h, &state[1]),
            Cell::LayerNormLstm => {
                let product = graph.matmul(h, self.get("weight_hh"));
                let recurrent = normalised(graph, &product);
                let recurrent = graph.mul(&recurrent, self.get("gain_hh"));
                let sums = graph.add(x, &recurrent);
                let [i, f, g, o] = lstm_gates(graph, &sums, Graph::tanh);
                let c = cell_state(graph, [&i, &f, &g], &state[1]);
                let seen = normalised(graph, &c);
                let seen = graph.mul(&seen, self.get("gain_cell"));
                let seen = self.plus(graph, seen, "bias_cell");
                vec![output(graph, &o, &seen), c]
            }
            Cell::MogrifierLstm => {
                let (x, h) = self.mogrified(graph, x, h);
                let (of_x, of_h) = (graph.matmul(&x, self.get("weight_ih")), graph.matmul(&h, self.get("weight_hh")));
                let sums = graph.add(&of_x, &of_h);
                let sums = self.with_biases(graph, sums);
                let gates = lstm_gates(graph, &sums, Graph::tanh);
                lstm(graph, gates, &state[1])
            }
            Cell::MinGru => {
                let [z, candidate] = graph.parts(x);
                let (z, candidate) = (graph.sigmoid(&z), positive(graph, &candidate));
                let keep = graph.one_minus(&z);
                vec![mixed(graph, [&keep, h], [&z, &candidate])]
            }
            Cell::MinLstm => {
                let [f, i, candidate] = graph.parts(x);
                let (f, i, candidate) = (graph.sigmoid(&f), graph.sigmoid(&i), positive(graph, &candidate));
                let sum = graph.add(&f, &i);
                let (f, i) = (graph.div(&f, &sum), graph.div(&i, &sum));
                vec![mixed(graph, [&f, h], [&i, &candidate])]
            }
        }
    }

    /// `x + W_hh h`.
    fn sums(&self, graph: &mut Graph, x: &Value, h: &Value) -> Value {
        let product = graph.matmul(h, self.get("weight_hh"));
        graph.add(x, &product)
    }

    fn gru(&self, graph: &mut Graph, x: &Value, h: &Value) -> Value {
        let product = graph.matmul(h, self.get("weight_hh"));
        let product = self.plus(graph, product, "bias_hh");
        let ([r, z, n], [of_r, of_z, of_n]) = (graph.parts(x), graph.parts(&product));
        let [r, z] = [(r, of_r), (z, of_z)].map(|(a, b)| {
            let sum = graph.add(&a, &b);
            graph.sigmoid(&sum)
        });
        let reset = graph.mul(&r, &of_n);
        let n = graph.add(&n, &reset);
        let n = graph.tanh(&n);
        let new = graph.one_minus(&z);
        mixed(graph, [&new, &n], [&z, h])
    }

    fn peephole(&self, graph: &mut Graph, x: &Value, h: &Value, c: &Value) -> Vec<Value> {
        let sums = self.sums(graph, x, h);
        let [i, f, g, o] = graph.parts(&sums);
        let read = |graph: &mut Graph, gate: &Value, name: &str, c: &Value| {
            let part = graph.mul(self.get(name), c);
            let sum = graph.add(gate, &part);
            graph.sigmoid(&sum)
        };
        let (i, f) = (read(graph, &i, "peephole_i", c), read(graph, &f, "peephole_f", c));
        let g = graph.tanh(&g);
        let c = cell_state(graph, [&i, &f, &g], c);
        let o = read(graph, &o, "peephole_o", &c);
        vec![output(graph, &o, &c), c]
    }

    /// The input and the hidden state after their rounds, the tensor gated last gating the other.
    fn mogrified(&self, graph: &mut Graph, x: &Value, h: &Value) -> (Value, Value) {
        let (mut x, mut h) = (x.clone(), h.clone());
        let rounds = self.values.iter().filter(|(name, _)| name.starts_with("mogrifier_"));
        for (round, (_, matrix)) in rounds.enumerate() {
            let (gated, by) = if round % 2 == 0 { (&mut x, &h) } else { (&mut h, &x) };
            let gate = graph.matmul(by, matrix);
            let gate = graph.sigmoid(&gate);
            let gate = graph.scaled(&gate, 2.0);
            *gated = graph.mul(&gate, gated);
        }
        (x, h)
    }
}

/// i, f, g and o from the pre-activations, with this nonlinearity of the candidate.
fn lstm_gates(graph: &mut Graph, sums: &Value, candidate: fn(&mut Graph, &Value) -> Value) -> [Value; 4] {
    let [i, f, g, o] = graph.parts(sums);
    [graph.sigmoid(&i), graph.sigmoid(&f), candidate(graph, &g), graph.sigmoid(&o)]
}

/// `h_t` and `c_t` of an LSTM.
fn lstm(graph: &mut Graph, [i, f, g, o]: [Value; 4], c: &Value) -> Vec<Value> {
    let c = cell_state(graph, [&i, &f, &g], c);
    vec![output(graph, &o, &c), c]
}

/// `c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t`.
fn cell_state(graph: &mut Graph, [i, f, g]: [&Value; 3], c: &Value) -> Value {
    mixed(graph, [f, c], [i, g])
}

/// `h_t = o_t ⊙ tanh(c_t)`.
fn output(graph: &mut Graph, o: &Value, c: &Value) -> Value {
    let c = graph.tanh(c);
    graph.mul(o, &c)
}

/// `a ⊙ b + c ⊙ d`.
fn mixed(graph: &mut Graph, [a, b]: [&Value; 2], [c, d]: [&Value; 2]) -> Value {
    let (first, second) = (graph.mul(a, b), graph.mul(c, d));
    graph.add(&first, &second)
}

/// `x + 0.5` where `x >= 0`, else `σ(x)`.
fn positive(graph: &mut Graph, x: &Value) -> Value {
    let [half, zero] = [0.5, 0.0].map(|number| graph.number(number));
    let (above, below) = (graph.add(x, &half), graph.sigmoid(x));
    let negative = graph.node("Less", &[x, &zero], Vec::new());
    graph.choose(&negative, &below, &above)
}

/// `(a - mean(a)) / √(var(a) + ε)` over the last axis.
fn normalised(graph: &mut Graph, a: &Value) -> Value {
    let mean = graph.mean(a, -1, true);
    let centred = graph.sub(a, &mean);
    let square = graph.mul(&centred, &centred);
    let variance = graph.mean(&square, -1, true);
    let epsilon = graph.number(EPSILON);
    let variance = graph.add(&variance, &epsilon);
    let deviation = graph.node("Sqrt", &[&variance], Vec::new());
    graph.div(&centred, &deviation)
}
