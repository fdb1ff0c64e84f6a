//! Caption metrics, as computed by the COCO caption evaluation.

mod attention;
mod bleu;
mod cider;
mod meteor;
mod ptb;
mod rouge;

pub use attention::AttentionCorrectness;
pub use bleu::{bleu, bleu_of};
pub use cider::{CiderD, cider_d};
pub use meteor::{Meteor, MeteorStatistics, TableError, Tables, meteor};
pub use ptb::words;
pub use rouge::rouge_l;
