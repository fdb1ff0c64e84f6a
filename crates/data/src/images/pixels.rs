//! Images in memory.

use image::imageops::{FilterType, resize};
use image::{ImageBuffer, Luma};

use super::Binarization;

/// Images of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// `C`: 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// `H`
    pub height: usize,
    /// `W`
    pub width: usize,
    /// `[N, C, H, W]`, 0 to 255.
    pub values: Vec<u8>,
}

impl Images {
    /// Size of one image: `C * H * W`.
    pub fn size(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// `N`.
    pub fn len(&self) -> usize {
        self.values.len() / self.size().max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pixels `[C, H, W]` of an image.
    ///
    /// # Panics
    ///
    /// When `index` is not below [`len`](Self::len).
    pub fn image(&self, index: usize) -> &[u8] {
        &self.values[index * self.size()..(index + 1) * self.size()]
    }

    /// The mean of each pixel over all images, as the model reads them, `[C, H, W]`, from 0 to 1. As if half an image
    /// more were black and half a one white: no mean is 0 or 1.
    pub fn means(&self, binarization: Binarization) -> Vec<f64> {
        let of_grey: Vec<f64> = (0..=u8::MAX).map(|grey| binarization.mean(grey)).collect();
        let mut sums = vec![0.5; self.size()];
        for image in self.values.chunks_exact(self.size().max(1)) {
            sums.iter_mut().zip(image).for_each(|(sum, &grey)| *sum += of_grey[usize::from(grey)]);
        }
        sums.into_iter().map(|sum| sum / (self.len() + 1) as f64).collect()
    }

    /// Selects these images, in this order.
    pub(super) fn select(&self, indices: &[usize]) -> Self {
        let values = indices.iter().flat_map(|&index| self.image(index)).copied().collect();
        Self { values, ..*self }
    }

    /// Resizes the images to sides of `size` pixels.
    pub(super) fn resized(self, size: usize) -> Self {
        if (self.height, self.width) == (size, size) {
            return self;
        }
        let (height, width) = (self.height as u32, self.width as u32);
        let planes = self.values.chunks_exact((self.height * self.width).max(1));
        let values = planes.flat_map(|plane| {
            let plane: ImageBuffer<Luma<u8>, Vec<u8>> =
                ImageBuffer::from_raw(width, height, plane.to_vec()).expect("a plane has height * width pixels");
            resize(&plane, size as u32, size as u32, FilterType::Triangle).into_raw()
        });
        Self { values: values.collect(), height: size, width: size, channels: self.channels }
    }
}
