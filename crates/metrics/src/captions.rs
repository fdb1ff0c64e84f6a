//! Figures of captions, as the COCO caption evaluation counts them.

mod bleu;
mod cider;
mod ptb;
mod rouge;

pub use bleu::bleu;
pub use cider::cider_d;
pub use ptb::words;
pub use rouge::rouge_l;
