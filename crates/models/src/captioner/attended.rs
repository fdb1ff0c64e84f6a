//! The captions of some pictures, side by side.

use burn::tensor::{Tensor, TensorData};

/// Captions as the loss reads them. Pictures with fewer captions than others have empty rows.
pub(super) struct Batch {
    /// Steps, `T`.
    pub time: usize,
    /// `B`
    pub pictures: usize,
    /// Rows of a picture, `C`.
    pub captions: usize,
    /// What is read, `[T * B * C]`, time-major: the captions behind their starts.
    pub read: Vec<u32>,
    /// The symbols that are wanted, the ends included, `[N]`.
    pub wanted: Vec<u32>,
    /// Where each of them stands among `[T * B * C]`.
    pub places: Vec<u32>,
    /// Symbols of each row, its end included; 0 for an empty row.
    lengths: Vec<usize>,
}

impl Batch {
    pub fn new(captions: &[Vec<&[u32]>], start: u32, end: u32) -> Self {
        let pictures = captions.len();
        let most = captions.iter().map(Vec::len).max().unwrap_or(0);
        assert!(most > 0, "at least one caption");
        let rows = pictures * most;
        let time = 1 + captions.iter().flatten().map(|caption| caption.len()).max().unwrap_or(0);
        let mut batch = Self {
            time,
            pictures,
            captions: most,
            read: vec![start; time * rows],
            wanted: Vec::new(),
            places: Vec::new(),
            lengths: vec![0; rows],
        };
        for (picture, captions) in captions.iter().enumerate() {
            for (number, caption) in captions.iter().enumerate() {
                let row = picture * most + number;
                batch.lengths[row] = caption.len() + 1;
                for (t, &symbol) in caption.iter().chain([&end]).enumerate() {
                    if t + 1 < time {
                        batch.read[(t + 1) * rows + row] = symbol;
                    }
                    batch.wanted.push(symbol);
                    batch.places.push((t * rows + row) as u32);
                }
            }
        }
        batch
    }

    /// `mean (1 - Σ_t α_tp)²` over places and captions, for attention `[T, B, C, P]`. Steps behind an end do not count.
    pub fn penalty(&self, weights: Tensor<4>) -> Tensor<1> {
        let rows = self.lengths.len();
        let steps =
            (0..self.time).flat_map(|t| self.lengths.iter().map(move |&length| f32::from(u8::from(t < length))));
        let shape = [self.time, self.pictures, self.captions, 1];
        let (device, dtype) = (weights.device(), weights.dtype());
        let steps = Tensor::<4>::from_data(TensorData::new(steps.collect(), shape), (&device, dtype));
        let filled: Vec<f32> = self.lengths.iter().map(|&length| f32::from(u8::from(length > 0))).collect();
        let count: f32 = filled.iter().sum();
        let filled = Tensor::<2>::from_data(TensorData::new(filled, [rows, 1]), (&device, dtype));
        let places = weights.dims()[3];
        let sums = (weights * steps).sum_dim(0).reshape([rows, places]);
        let missed = (sums.neg() + 1.0).square() * filled;
        missed.sum() / (f64::from(count) * places as f64)
    }
}
