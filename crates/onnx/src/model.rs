//! A finished model.

use std::fs;
use std::path::Path;

use prost::Message;

use crate::graph::Graph;
use crate::proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto, ValueInfoProto};
use crate::{OnnxError, Opset};

/// The largest message that a reader of Protocol Buffers takes.
const LARGEST: usize = i32::MAX as usize;

/// A model as it stands in an ONNX file.
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxModel(ModelProto);

impl OnnxModel {
    /// A model of this graph, described in a sentence.
    pub fn new(name: &str, about: &str, graph: Graph) -> Self {
        let opset = graph.opset();
        let domain = Some(String::new());
        Self(ModelProto {
            ir_version: opset.file_format(),
            producer_name: "rekindle".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            doc_string: about.to_owned(),
            graph: Some(graph.finish(name)),
            opset_import: vec![OperatorSetIdProto { domain, version: opset.version().into() }],
            metadata_props: Vec::new(),
        })
    }

    /// With an entry of metadata, which a runtime shows to its user.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.metadata_props.push(StringStringEntryProto { key: key.into(), value: value.into() });
        self
    }

    /// The metadata, in the order in which it was given.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.metadata_props.iter().map(|entry| (&entry.key[..], &entry.value[..]))
    }

    /// The names of its inputs.
    pub fn inputs(&self) -> Vec<&str> {
        self.0.graph.iter().flat_map(|graph| names(&graph.input)).collect()
    }

    /// The names of its outputs.
    pub fn outputs(&self) -> Vec<&str> {
        self.0.graph.iter().flat_map(|graph| names(&graph.output)).collect()
    }

    /// The operators of its nodes, those of loops not included, in the order of their execution.
    pub fn operators(&self) -> Vec<&str> {
        self.0.graph.iter().flat_map(|graph| &graph.node).map(|node| &node.op_type[..]).collect()
    }

    /// The bytes of the file.
    ///
    /// # Errors
    ///
    /// [`OnnxError::TooLarge`] at 2 GiB and above.
    pub fn to_bytes(&self) -> Result<Vec<u8>, OnnxError> {
        let bytes = self.0.encoded_len();
        if bytes > LARGEST { Err(OnnxError::TooLarge { bytes }) } else { Ok(self.0.encode_to_vec()) }
    }

    /// Writes the file `path`.
    ///
    /// # Errors
    ///
    /// As [`to_bytes`](Self::to_bytes), and when the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), OnnxError> {
        let path = path.as_ref();
        fs::write(path, self.to_bytes()?).map_err(|source| OnnxError::Write { path: path.to_owned(), source })
    }
}

fn names(values: &[ValueInfoProto]) -> impl Iterator<Item = &str> {
    values.iter().map(|value| &value.name[..])
}

/// A model of several that belong together, and the name of its file without `.onnx`.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedModel {
    /// The name.
    pub name: &'static str,
    /// The model.
    pub model: OnnxModel,
}

impl NamedModel {
    /// A model of this graph, described in a sentence.
    pub fn new(name: &'static str, about: &str, graph: Graph) -> Self {
        Self { name, model: OnnxModel::new(name, about, graph) }
    }
}

/// How a model is exported.
pub trait ToOnnx {
    /// Its graphs, each in a file of its own.
    ///
    /// # Errors
    ///
    /// When the device fails, or a weight is not finite.
    fn to_onnx(&self, opset: Opset) -> Result<Vec<NamedModel>, OnnxError>;
}
