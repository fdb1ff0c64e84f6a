//! Batches of images.

use rand::seq::SliceRandom;

use super::{Binarization, Images};
use crate::batches::epoch_rng;
use crate::{DataError, ErrorKind};

/// Keeps the numbers drawn here apart from those that a model draws from the same seed.
const ORDER: u64 = 0x6f72_6465_7200_0000;
const BINARIZATION: u64 = 0x6269_6e61_7200_0000;

/// The batches of every epoch. A batch is a function of the seed, the epoch and its number alone.
#[derive(Clone, Copy, Debug)]
pub struct Batches {
    images: usize,
    batch_size: usize,
    seed: u64,
}

impl Batches {
    /// Batches of `batch_size` out of `images`; of all of them where there are fewer.
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

    /// Batches in an epoch. Images that fill no batch are left out of the epoch; others are in the next.
    pub fn count(&self) -> usize {
        self.images / self.batch_size
    }

    /// `B`
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The images of an epoch in their order.
    pub fn order(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.images).collect();
        order.shuffle(&mut epoch_rng(self.seed ^ ORDER, epoch));
        order
    }

    /// `[B, C * H * W]`: batch `batch` of epoch `epoch`.
    ///
    /// # Panics
    ///
    /// When `images` is not of the count given before, or `batch` not below [`count`](Self::count).
    pub fn batch(&self, images: &Images, binarization: Binarization, epoch: u64, batch: usize) -> Vec<f32> {
        assert_eq!(images.len(), self.images, "the images that the batches were made for");
        let order = self.order(epoch);
        let rows = &order[batch * self.batch_size..(batch + 1) * self.batch_size];
        self.rows(images, binarization, rows, epoch)
    }

    /// `[N, C * H * W]`: these images as they are seen in `epoch`. An image is the same whichever batch it stands in.
    ///
    /// # Panics
    ///
    /// When a row is not below the count of the images.
    pub fn rows(&self, images: &Images, binarization: Binarization, rows: &[usize], epoch: u64) -> Vec<f32> {
        let mut values = Vec::with_capacity(rows.len() * images.size());
        for &row in rows {
            // 2^24 images an epoch; the streams of two epochs do not meet.
            let mut rng = epoch_rng(self.seed ^ BINARIZATION, (epoch << 24) ^ row as u64);
            values.extend(images.image(row).iter().map(|&grey| binarization.apply(grey, &mut rng)));
        }
        values
    }
}
