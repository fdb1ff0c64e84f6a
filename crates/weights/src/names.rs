//! PyTorch names of parameters, from their paths in a module.
//!
//! | Rekindle | PyTorch |
//! |---|---|
//! | layer `k` of a `Recurrent` | `weight_ih_l{k}`, ..., the reverse direction with `_reverse` |
//! | a single recurrent layer | as a network of one layer: `weight_ih_l0`, ... |
//! | a field `recurrent` | `rnn` |
//! | a `Linear`, `weight [I, O]` | `weight [O, I]` |
//! | a table `embedding`, `source_embedding` | `embedding.weight`, `source_embedding.weight` |
//! | the bias for a tied table, `output` | `output.bias` |
//!
//! All other parameters keep their Rekindle names; enum variants are omitted.

/// A layer of `rekindle-rnn`, whose parameters have PyTorch's names except for the layer number.
const LAYER: &str = "Struct:Layer";

/// The path of a visitor: the fields that lead to the current one, each with the kind of its container.
#[derive(Debug, Default)]
pub(crate) struct Path {
    steps: Vec<(String, String)>,
}

impl Path {
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.steps.push((name.to_owned(), container.to_owned()));
    }

    pub(crate) fn exit(&mut self) {
        self.steps.pop();
    }

    /// Whether this is the weight of a linear layer, which PyTorch stores transposed.
    pub(crate) fn is_transposed(&self) -> bool {
        matches!(self.steps.last(), Some((name, container)) if name == "weight" && container == "Struct:Linear")
    }

    /// The PyTorch name of the current parameter.
    pub(crate) fn torch_name(&self) -> String {
        let Some(((name, container), above)) = self.steps.split_last() else { return String::new() };
        let mut parts: Vec<&str> = Vec::new();
        let mut suffix = String::new();
        let mut above = above.iter().peekable();
        while let Some((part, holder)) = above.next() {
            match (part.as_str(), holder.as_str()) {
                (_, holder) if holder.starts_with("Enum:") => {}
                ("layers", "Struct:Recurrent") => {
                    let layer = above.next().map_or("0", |(index, _)| index.as_str());
                    let reverse = above.next().is_some_and(|(direction, _)| direction == "reverse");
                    suffix = format!("_l{layer}{}", if reverse { "_reverse" } else { "" });
                }
                ("recurrent", _) => parts.push("rnn"),
                (part, _) => parts.push(part),
            }
        }
        if suffix.is_empty() && container == LAYER {
            suffix = "_l0".to_owned();
        }
        let last = format!("{name}{suffix}");
        match container.as_str() {
            // The bias of an output layer with tied weights.
            "Enum:Output" => parts.push("bias"),
            _ if name.ends_with("embedding") => parts.extend([name.as_str(), "weight"]),
            _ => parts.push(&last),
        }
        parts.join(".")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(steps: &[(&str, &str)]) -> String {
        let mut path = Path::default();
        steps.iter().for_each(|(name, container)| path.enter(name, container));
        path.torch_name()
    }

    #[test]
    fn tables_of_any_name_have_a_weight() {
        assert_eq!(name(&[("embedding", "Struct:CharLm")]), "embedding.weight");
        assert_eq!(name(&[("source_embedding", "Struct:Translator")]), "source_embedding.weight");
    }

    #[test]
    fn a_network_within_a_part_keeps_the_name_of_the_part() {
        let steps = [
            ("encoder", "Struct:Translator"),
            ("layers", "Struct:Recurrent"),
            ("1", "Vec"),
            ("reverse", "Struct:StackedLayer"),
            ("Gru", "Enum:Layer"),
            ("weight_hh", "Struct:Layer"),
        ];
        assert_eq!(name(&steps), "encoder.weight_hh_l1_reverse");
    }

    #[test]
    fn where_there_is_no_parameter_there_is_no_name() {
        assert_eq!(name(&[]), "");
    }
}
