//! Images for DRAW: handwritten digits, any folder of images, or generated strokes and shapes.
//!
//! ```
//! use rekindle_data::images::{Batches, Binarization, ImageReader, ImageSet};
//!
//! let set = ImageSet::open("builtin:strokes", &ImageReader::default())?;
//! let batches = Batches::new(set.train.len(), 100, 1)?;
//! let batch = batches.batch(&set.train, Binarization::Stochastic, 0, 3);
//! assert_eq!(batch.len(), 100 * 28 * 28);
//! assert!(batch.iter().all(|&pixel| pixel == 0.0 || pixel == 1.0));
//! # Ok::<(), rekindle_data::DataError>(())
//! ```

mod amat;
mod batches;
mod binarization;
mod generated;
mod idx;
mod pixels;
mod set;
#[cfg(test)]
mod tests;

pub use batches::Batches;
pub use binarization::Binarization;
pub use generated::Generator;
pub use pixels::Images;
pub use set::{ImageReader, ImageSet, WholeSource};
