//! Finding a tagger of frames in a file of weights, for `rekindle import`.
//!
//! ```python
//! class Tagger(nn.Module):
//!     def __init__(self):
//!         self.gru = nn.GRU(34, 64, num_layers=2)
//!         self.classifier = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, classes))
//! ```
//!
//! A linear layer with ReLU may precede the recurrence; it is the encoder.

use rekindle_data::frames::{Classes, FrameFormat, FrameSchema, Normalization, Standardization};
use rekindle_models::frame_tagger::{FrameTaggerSettings, Recurrence};
use rekindle_models::settings::{RecurrentSettings, Widths};
use rekindle_weights::{Matrix, Network, Parts, ShapeError};

use super::settings::FramesSettings;
use super::task::FramesTask;
use crate::import::{
    CellOptions, DataOptions, Fact, Found, ImportError, Importable, LabelOptions, Opened, WeightOptions, labels,
};
use crate::prelude::*;

settings! {
    /// Options of `import`.
    pub struct ImportOptions {
        /// Which tensors, and their names.
        @flatten weights: WeightOptions;
        /// The classes.
        @flatten classes: LabelOptions;
        /// The cell.
        @flatten network: CellOptions;
        /// The clips that the model was trained on.
        @flatten clips: DataOptions;
    }
}

/// Most linear layers of a tagger.
const MOST_LAYERS: usize = 8;
/// Last parts of the names of vectors by which features are normalised.
const MEANS: [&str; 4] = ["mean", "means", "feature_mean", "mu"];
const DEVIATIONS: [&str; 6] = ["std", "stds", "feature_std", "scale", "sigma", "deviation"];

impl Importable for FramesTask {
    type ImportOptions = ImportOptions;

    fn weight_options(options: &ImportOptions) -> &WeightOptions {
        &options.weights
    }

    fn find(file: Opened, options: &ImportOptions, _: &Device) -> Result<Found<Self>, TaskError> {
        let mut parts = Parts::of(&file.tensors).map_err(ImportError::from)?;
        if let Some((name, _)) = parts.left().iter().find(|(_, tensor)| tensor.shape().len() > 2) {
            let reason =
                "a convolution: a tagger of images is imported from an export of this program, with its config.json";
            return Err(
                ImportError::from(ShapeError::Unsupported { name: name.clone(), reason: reason.to_owned() }).into()
            );
        }
        let network = parts.network("rnn", &[], options.network.cell, |_| true).map_err(ImportError::from)?;
        let Layers { encoder, chain } = layers(&parts, &network).map_err(ImportError::from)?;
        let mut notes = Vec::new();
        let width = match &encoder {
            Some(name) => parts.take_linear(name, "encoder")[1],
            None => network.input,
        };
        let (last, head) = chain.split_last().expect("there is an output layer");
        let of_head = |(number, name): (usize, &String)| parts.take_linear(name, &format!("head.{number}"))[0];
        let head: Vec<usize> = head.iter().enumerate().map(of_head).collect();
        let [outputs, _] = parts.take_linear(last, "output");
        if encoder.is_some() || !head.is_empty() {
            notes.push("linear layers before the last one are read as followed by ReLU".to_owned());
        }
        let standardization = standardization(&mut parts, width);
        if standardization.is_none() {
            notes.push("features are read as they are: the file has no mean and std for them".to_owned());
        }
        let (labels, note) = labels(&file, &options.classes.labels, outputs)?;
        notes.extend(note);
        if outputs < 2 {
            return Err(ImportError::Unlike(
                "a tagger has two classes or more, and this one has one output".to_owned(),
            )
            .into());
        }
        let schema = FrameSchema {
            format: FrameFormat::Features { width },
            columns: None,
            classes: Classes::new(labels),
            changes: None,
            normalization: Normalization::default(),
            standardization,
            transitions: None,
        };
        let mut settings = FramesSettings::default();
        let (layers, hidden) = (network.layers, network.hidden);
        settings.model = FrameTaggerSettings {
            recurrent: RecurrentSettings {
                cell: Recurrence::from(network.cell),
                layers,
                hidden,
                ..settings.model.recurrent
            },
            encoder: if encoder.is_some() { network.input } else { 0 },
            head: Widths(head),
            bidirectional: network.bidirectional,
            ..FrameTaggerSettings::default()
        };
        Ok(Found { settings, assets: schema, parts: parts.finish(), notes })
    }

    fn set_data(settings: &mut FramesSettings, _: &FrameSchema, options: &ImportOptions) -> Result<(), TaskError> {
        settings.data.data = options.clips.data.clone().unwrap_or_default();
        Ok(())
    }

    fn facts(settings: &FramesSettings, schema: &FrameSchema) -> Vec<Fact> {
        let model = &settings.model;
        let encoder = if model.encoder > 0 { format!("encoder {}", model.encoder) } else { "no encoder".to_owned() };
        let head: String = model.head.0.iter().map(|width| format!("{width}, ")).collect();
        let network = crate::import::stack(model.recurrent.cell, model.recurrent.layers, model.recurrent.hidden);
        let (size, classes) = (schema.format.size(), schema.classes.names());
        vec![
            Fact::new("model", format!("{encoder}, {network}, head {head}{} outputs", classes.len()), Value::Null),
            Fact::new("frame", counted(size, "numbers"), size),
            Fact::new("classes", classes.join(", "), classes),
        ]
    }
}

/// The linear layers of a tagger, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layers {
    encoder: Option<String>,
    /// From the hidden state to the classes.
    chain: Vec<String>,
}

/// The encoder, if any, and the layers from the hidden state to the classes: all layers that are left, in the only
/// order in which each reads the one before. Of several such orders after one encoder, that of the names.
fn layers(parts: &Parts, network: &Network) -> Result<Layers, ShapeError> {
    let matrices = parts.matrices();
    let names = |matrices: &[Matrix<'_>]| matrices.iter().map(|matrix| matrix.name.to_owned()).collect::<Vec<_>>();
    if matrices.len() > MOST_LAYERS {
        return Err(ShapeError::Ambiguous { layer: "output".to_owned(), candidates: names(&matrices) });
    }
    let mut found = Vec::new();
    let may_encode = |matrix: &Matrix<'_>| matrix.rows == network.input && !matrix.name.starts_with("head.");
    let encoders = matrices.iter().filter(|matrix| may_encode(matrix) && matrix.name != "output").map(Some);
    for encoder in [None].into_iter().chain(encoders) {
        let rest: Vec<Matrix<'_>> = matrices.iter().filter(|matrix| Some(*matrix) != encoder).copied().collect();
        if rest.iter().any(|matrix| matrix.name == "encoder") {
            continue;
        }
        let encoder = encoder.map(|matrix| matrix.name.to_owned());
        let mut orders = Vec::new();
        chains(network.output(), &rest, &mut Vec::new(), &mut orders);
        found.extend(orders.into_iter().map(|chain| Layers { encoder: encoder.clone(), chain }));
    }
    let in_order = |layers: &&Layers| {
        let order = names(&matrices).into_iter().filter(|name| Some(name) != layers.encoder.as_ref());
        order.eq(layers.chain.iter().cloned())
    };
    // Names say nothing about which layer comes before the recurrence.
    let one_encoder = found.windows(2).all(|pair| pair[0].encoder == pair[1].encoder);
    let chosen = match &found[..] {
        [] => return Err(ShapeError::NoLayer { layer: "output", wanted: unread(network, &names(&matrices)) }),
        [one] => Some(one),
        several => several.iter().find(in_order).filter(|_| one_encoder),
    };
    chosen.cloned().ok_or_else(|| ShapeError::Ambiguous { layer: "output".to_owned(), candidates: names(&matrices) })
}

/// What the linear layers should be.
fn unread(network: &Network, names: &[String]) -> String {
    let layers = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!(
        "[classes, {}], perhaps after others that read each other (encoder, head.0, head.1, ..., output); the linear \
         layers of the file are {layers}",
        network.output()
    )
}

/// Adds to `found` the orders of all `layers` in which the first reads `width` numbers and each other one the one
/// before.
fn chains(width: usize, layers: &[Matrix<'_>], before: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    for (place, layer) in layers.iter().enumerate().filter(|(_, layer)| layer.columns == width && layer.rows > 0) {
        let here = before.len();
        let is_last = layers.len() == 1;
        let elsewhere = layer.name.strip_prefix("head.").is_some_and(|number| number != here.to_string());
        let too_early = layer.name == "output" && !is_last;
        if too_early || elsewhere {
            continue;
        }
        before.push(layer.name.to_owned());
        if is_last {
            found.push(before.clone());
        } else {
            let rest: Vec<Matrix<'_>> = [&layers[..place], &layers[place + 1..]].concat();
            chains(layer.rows, &rest, before, found);
        }
        before.pop();
    }
}

/// Mean and deviation of `width` features, if the file has both.
fn standardization(parts: &mut Parts, width: usize) -> Option<Standardization> {
    let named = |names: &[&str]| {
        let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_lowercase();
        let fits = parts.left().iter().filter(|(_, tensor)| tensor.values().len() == width);
        let mut named = fits.filter(|(name, _)| names.contains(&&last(name)[..])).map(|(name, _)| name.clone());
        named.next().filter(|_| named.next().is_none())
    };
    let (mean, deviation) = (named(&MEANS)?, named(&DEVIATIONS)?);
    let mut take = |name: &str| parts.remove(name).map(|tensor| tensor.values().to_vec());
    Some(Standardization { mean: take(&mean)?, deviation: take(&deviation)? })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rekindle_weights::WeightTensor;
    use rstest::rstest;

    use super::*;

    fn found(shapes: &[(&str, [usize; 2])]) -> Result<Layers, ShapeError> {
        let gru = [("gru.weight_ih_l0", [12, 6]), ("gru.weight_hh_l0", [12, 4])];
        let tensor =
            |[rows, columns]: [usize; 2]| WeightTensor::new(vec![rows, columns], vec![0.5; rows * columns]).unwrap();
        let tensors: BTreeMap<_, _> =
            gru.iter().chain(shapes).map(|(name, shape)| ((*name).to_owned(), tensor(*shape))).collect();
        let mut parts = Parts::of(&tensors)?;
        let network = parts.network("rnn", &[], None, |_| true)?;
        layers(&parts, &network)
    }

    #[rstest]
    #[case::one(&[("fc.weight", [3, 4])], None, &["fc"])]
    #[case::two_by_shape(&[("a.weight", [3, 5]), ("b.weight", [5, 4])], None, &["b", "a"])]
    #[case::by_the_order_of_names(&[("fc.10.weight", [4, 4]), ("fc.2.weight", [4, 4])], None, &["fc.2", "fc.10"])]
    #[case::with_encoder(&[("input.weight", [6, 9]), ("out.weight", [3, 4])], Some("input"), &["out"])]
    #[case::own_names(
        &[("encoder.weight", [6, 4]), ("head.0.weight", [4, 4]), ("output.weight", [6, 4])], Some("encoder"),
        &["head.0", "output"]
    )]
    fn linear_layers_are_put_in_order(
        #[case] shapes: &[(&str, [usize; 2])],
        #[case] encoder: Option<&str>,
        #[case] chain: &[&str],
    ) {
        let layers = found(shapes).unwrap();
        assert_eq!(
            (layers.encoder.as_deref(), layers.chain),
            (encoder, chain.iter().map(|s| (*s).to_owned()).collect())
        );
    }

    #[test]
    fn layers_without_an_order_are_listed() {
        let error = found(&[("a.weight", [6, 4]), ("b.weight", [6, 4])]).unwrap_err().to_string();
        assert!(error.contains("a, b") && error.contains("--key-map"), "{error}");
        let error = found(&[("fc.weight", [3, 5])]).unwrap_err().to_string();
        assert!(error.contains("[classes, 4]") && error.contains("fc"), "{error}");
    }
}
