//! The classifier of texts.
//!
//! | graph | inputs | outputs |
//! |---|---|---|
//! | `model` | `tokens` `[B, T]`, `lengths` `[B]` | `logits` `[B, C]` |

use rekindle_models::classifier::{Classifier, Pool, Pooling};

use crate::graph::{Axis, Element, Graph, Value};
use crate::model::{NamedModel, ToOnnx};
use crate::recurrent::{BATCH, OnnxState, TIME, recurrent};
use crate::{OnnxError, Opset};

impl ToOnnx for Classifier {
    fn to_onnx(&self, opset: Opset) -> Result<Vec<NamedModel>, OnnxError> {
        let mut graph = Graph::new(opset);
        let tokens = graph.input("tokens", Element::I64, &[BATCH, TIME]);
        let lengths = graph.input("lengths", Element::I64, &[BATCH]);
        let table = graph.weight("embedding.weight", self.embedding.val())?;
        let time_major = graph.transpose(&tokens, &[1, 0]);
        let input = graph.gather(&table, &time_major);
        let (hidden, state) = recurrent(&mut graph, "rnn", &self.recurrent, &input, None, Some(&lengths))?;
        let texts = Texts { hidden: graph.transpose(&hidden, &[1, 0, 2]), state, lengths };
        let pooled = texts.pooled(&mut graph, self)?;
        let logits = graph.linear("output", &pooled, &self.output)?;
        graph.output("logits", &logits, Element::F32, &[BATCH, Axis::Size(self.classes())]);
        let about = "Logits of the classes of texts. Past its length a row is padding, of any token.";
        Ok(vec![NamedModel::new("model", about, graph)])
    }
}

/// The recurrence's reading of texts.
struct Texts {
    /// `[B, T, F]`, 0 past the length of a text.
    hidden: Value,
    /// The state after the last word.
    state: OnnxState,
    /// `[B]`.
    lengths: Value,
}

impl Texts {
    /// One vector for each text, `[B, F]`.
    fn pooled(&self, graph: &mut Graph, model: &Classifier) -> Result<Value, OnnxError> {
        let Pool { attention, .. } = &model.pool;
        Ok(match (model.pool.kind(), attention) {
            (Pooling::Last, _) => self.last(graph, model),
            (Pooling::Mean, _) => self.mean(graph),
            (Pooling::Max, _) => self.max(graph),
            (Pooling::Concat, _) => {
                let parts = [self.last(graph, model), self.max(graph), self.mean(graph)];
                graph.concat(&parts.each_ref(), 1)
            }
            (Pooling::Attention, Some(attention)) => {
                let units = graph.linear("pool.attention.projection", &self.hidden, &attention.projection)?;
                let units = graph.tanh(&units);
                let scores = graph.product("pool.attention.query", &units, attention.query.val(), None)?;
                let scores = self.or_never(graph, &scores);
                let weights = graph.softmax(&scores, 1);
                let weighted = graph.mul(&self.hidden, &weights);
                graph.sum(&weighted, 1, false)
            }
            (Pooling::Attention, None) => unreachable!("attention has its weights"),
        })
    }

    /// The last layer's state after the last word, `[B, F]`.
    fn last(&self, graph: &mut Graph, model: &Classifier) -> Value {
        let directions = if model.recurrent.is_bidirectional() { 2 } else { 1 };
        let all = model.recurrent.layers.len() * directions;
        let last = graph.slice(&self.state.hidden, 0, all - directions, all);
        let rows_first = graph.transpose(&last, &[1, 0, 2]);
        graph.reshape(&rows_first, &[0, model.recurrent.output_size() as i64])
    }

    fn mean(&self, graph: &mut Graph) -> Value {
        let sum = graph.sum(&self.hidden, 1, false);
        let lengths = graph.cast(&self.lengths, Element::F32);
        let lengths = graph.unsqueeze(&lengths, &[1]);
        graph.div(&sum, &lengths)
    }

    fn max(&self, graph: &mut Graph) -> Value {
        let hidden = self.or_never(graph, &self.hidden);
        graph.max(&hidden, 1, false)
    }

    /// `values` `[B, T, ..]` with a number far below all others past the length of a text.
    fn or_never(&self, graph: &mut Graph, values: &Value) -> Value {
        let time = graph.size(&self.hidden, 1);
        let within = graph.before_end(&time, &self.lengths);
        let within = graph.unsqueeze(&within, &[2]);
        graph.or_never(&within, values)
    }
}
