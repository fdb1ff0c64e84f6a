//! Errors of finding a model in tensors.

use rekindle_rnn::Cell;

/// Why the tensors are not those of a model, with the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// No tensor has the name of a recurrent weight.
    #[error(
        "no tensor has a name that ends in weight_ih_l0, as those of torch.nn.RNN, LSTM and GRU do; give the names with \
         --key-map OLD=NEW (`rekindle inspect FILE` lists them)"
    )]
    NoRecurrence,
    /// There are several recurrent networks.
    #[error(
        "there are several recurrent networks, {one} and {other}: choose one by the prefix of its names, --key \
         PREFIX, or save the model by itself"
    )]
    SeveralRecurrences {
        /// The first tensor of one.
        one: String,
        /// The first tensor of another.
        other: String,
    },
    /// A part that the model does not support.
    #[error("{name}: {reason}")]
    Unsupported {
        /// The tensor that reveals it.
        name: String,
        /// The reason.
        reason: String,
    },
    /// The shape of a recurrent weight does not fit the cell.
    #[error("{name} is {shape:?}, which is no {}", cell.map_or("known cell".to_owned(), |cell| cell.to_string()))]
    NoCell {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The requested cell.
        cell: Option<Cell>,
    },
    /// The recurrent product is missing, and the shapes fit no cell without one.
    #[error("{name} is missing; for a cell without it, give --cell {}", without_product())]
    NoProduct {
        /// The tensor.
        name: String,
    },
    /// The embedding or the output layer is ambiguous or missing.
    #[error(
        "no tensor has the shape of the {layer}, {wanted}; name it with --key-map OLD={layer} (`rekindle inspect FILE` \
         lists them)"
    )]
    NoLayer {
        /// The layer's Rekindle name.
        layer: &'static str,
        /// The expected shape.
        wanted: String,
    },
    /// Several tensors have the shape of a layer.
    #[error("{one} and {other} both have the shape of the {layer}; choose one with --key-map {one}={layer}")]
    SeveralLayers {
        /// The layer's Rekindle name.
        layer: &'static str,
        /// One of them.
        one: String,
        /// Another.
        other: String,
    },
    /// Several parts of the file could be one part of the model.
    #[error(
        "each of these could be the {layer}: {}; choose one with --key-map {}={layer}",
        candidates.join(", "),
        candidates.first().map_or("OLD", String::as_str)
    )]
    Ambiguous {
        /// The part's Rekindle name.
        layer: String,
        /// The names of the candidates.
        candidates: Vec<String>,
    },
    /// A weight is infinite or not a number.
    #[error("{name} has values that are not finite: training has diverged")]
    NotFinite {
        /// The tensor.
        name: String,
    },
}

fn without_product() -> String {
    let cells = Cell::ALL.into_iter().filter(|cell| !cell.has_recurrent_product());
    cells.map(Cell::name).collect::<Vec<_>>().join(" or ")
}
