//! Metrics for sequence models.
//!
//! * [`association`]: the area under the ROC curve, and the correlation.
//! * [`captions`]: the metrics of the COCO caption evaluation.
//! * [`classification`]: the confusion matrix, accuracy, precision, recall and F1.
//! * [`corpus`]: any of the metrics of texts, by name.
//! * [`importance`]: importance-weighted estimates of a likelihood.
//! * [`language`]: bits per token and perplexity of a language model.
//! * [`segments`]: the edit score of labelled frames.
//! * [`significance`]: whether two systems differ by more than chance.
//! * [`tagging`]: the metrics of a frame tagger.
//! * [`translation`]: corpus BLEU, chrF and TER.
//!
//! ```
//! use rekindle_metrics::language::{bits, perplexity};
//!
//! // A model that gives every next symbol a probability of 1/8.
//! let nats = 8.0_f64.ln();
//! assert!((bits(nats) - 3.0).abs() < 1e-12);
//! assert!((perplexity(nats) - 8.0).abs() < 1e-12);
//! ```
#![forbid(unsafe_code)]

pub mod association;
pub mod captions;
pub mod classification;
pub mod corpus;
pub mod importance;
pub mod language;
pub mod segments;
pub mod significance;
pub mod tagging;
pub mod translation;
