//! The language model.
//!
//! | graph | inputs | outputs |
//! |---|---|---|
//! | `model` | `tokens` `[B, T]`, `hidden` and `cell` `[L, B, H]` | `logits` `[B, T, V]`, `next_hidden`, `next_cell` |

use rekindle_models::char_lm::{CharLm, Output};

use crate::graph::{Axis, Element, Graph};
use crate::model::{NamedModel, ToOnnx};
use crate::recurrent::{BATCH, OnnxState, TIME, recurrent};
use crate::{OnnxError, Opset};

impl ToOnnx for CharLm {
    fn to_onnx(&self, opset: Opset) -> Result<Vec<NamedModel>, OnnxError> {
        let mut graph = Graph::new(opset);
        let tokens = graph.input("tokens", Element::I64, &[BATCH, TIME]);
        let state = OnnxState::input(&mut graph, &self.recurrent);
        let time_major = graph.transpose(&tokens, &[1, 0]);
        let table = match &self.embedding {
            Some(table) => Some(graph.weight("embedding.weight", table.val())?),
            None => None,
        };
        let input = match &table {
            Some(table) => graph.gather(table, &time_major),
            None => graph.one_hot(&time_major, self.vocabulary_size()),
        };
        let (hidden, after) = recurrent(&mut graph, "rnn", &self.recurrent, &input, Some(&state), None)?;
        let hidden = graph.transpose(&hidden, &[1, 0, 2]);
        let hidden = match &self.projection {
            Some(projection) => graph.linear("projection", &hidden, projection)?,
            None => hidden,
        };
        let logits = match (&self.output, &table) {
            (Output::Own(layer), _) => graph.linear("output", &hidden, layer)?,
            (Output::Tied(bias), Some(table)) => {
                let turned = graph.transpose(table, &[1, 0]);
                let product = graph.matmul(&hidden, &turned);
                let bias = graph.weight("output.bias", bias.val())?;
                graph.add(&product, &bias)
            }
            (Output::Tied(_), None) => unreachable!("tied output weights are those of an embedding"),
        };
        graph.output("logits", &logits, Element::F32, &[BATCH, TIME, Axis::Size(self.vocabulary_size())]);
        after.output(&mut graph, &self.recurrent);
        let about = "Logits of the token after each token. The state starts with zeros; next_hidden and next_cell are \
                     that of the next call.";
        Ok(vec![NamedModel::new("model", about, graph)])
    }
}
