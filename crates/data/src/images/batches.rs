//! Batches of images.

use rand::seq::SliceRandom;

use super::{Binarization, Images};
use crate::batches::epoch_rng;
use crate::{DataError, ErrorKind};

/// Separates the random numbers here from a model's with the same seed.
const ORDER: u64 = 0x6f72_6465_7200_0000;
const BINARIZATION: u64 = 0x6269_6e61_7200_0000;

/// The batches of every epoch. A batch is a function of the seed, the epoch and its number only.
#[derive(Clone, Copy, Debug)]
pub struct Batches {
    images: usize,
    batch_size: usize,
    seed: u64,
}

impl Batches {
    /// Batches of `batch_size` of the `images`, or of all if there are fewer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Setting`] for a size of 0.
    pub fn new(images: usize, batch_size: usize, seed: u64) -> Result<Self, DataError> {
        for (what, size) in [("batch size", batch_size), ("number of images to train on", images)] {
            if size == 0 {
                return Err(ErrorKind::Setting.error(format!("the {what} is 0, and must be 1 or more")));
            }
        }
        Ok(Self { images, batch_size: batch_size.min(images), seed })
    }

    /// Batches per epoch. The images left over at the end of an epoch are omitted; the next omits others.
    pub fn count(&self) -> usize {
        self.images / self.batch_size
    }

    /// `B`
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The image indices of an epoch, in order.
    pub fn order(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.images).collect();
        order.shuffle(&mut epoch_rng(self.seed ^ ORDER, epoch));
        order
    }

    /// Batch `batch` of epoch `epoch`, `[B, C * H * W]`.
    ///
    /// # Panics
    ///
    /// When `images` has another number of images, or `batch` is not below [`count`](Self::count).
    pub fn batch(&self, images: &Images, binarization: Binarization, epoch: u64, batch: usize) -> Vec<f32> {
        assert_eq!(images.len(), self.images, "the images that the batches were made for");
        let order = self.order(epoch);
        let rows = &order[batch * self.batch_size..(batch + 1) * self.batch_size];
        self.rows(images, binarization, rows, epoch)
    }

    /// These images in `epoch`, `[N, C * H * W]`. An image does not depend on the batch.
    ///
    /// # Panics
    ///
    /// When a row is not below the number of images.
    pub fn rows(&self, images: &Images, binarization: Binarization, rows: &[usize], epoch: u64) -> Vec<f32> {
        let mut values = Vec::with_capacity(rows.len() * images.size());
        for &row in rows {
            // 2^24 images an epoch, so that the streams of two epochs differ.
            let mut rng = epoch_rng(self.seed ^ BINARIZATION, (epoch << 24) ^ row as u64);
            values.extend(images.image(row).iter().map(|&grey| binarization.apply(grey, &mut rng)));
        }
        values
    }
}
