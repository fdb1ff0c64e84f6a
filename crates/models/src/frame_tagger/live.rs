//! Online tagging, one frame at a time.

use burn::tensor::{Device, Tensor, TensorData};

use super::{FrameTagger, TaggerState};

/// A tagger that labels each frame as it arrives.
#[derive(Debug)]
pub struct LiveTagger<'a> {
    model: &'a FrameTagger,
    state: Option<TaggerState>,
    device: Device,
}

impl FrameTagger {
    /// A tagger for a new clip; none for a bidirectional model, which needs the whole clip.
    pub fn live(&self) -> Option<LiveTagger<'_>> {
        let device = self.output.weight.val().device();
        self.is_online().then_some(LiveTagger { model: self, state: None, device })
    }
}

impl LiveTagger<'_> {
    /// Log-probabilities of the classes of the next frame, given its numbers `frame`, `[F]`.
    ///
    /// # Panics
    ///
    /// When `F` is not that of the model.
    pub fn push(&mut self, frame: &[f32]) -> Vec<f32> {
        let frames = Tensor::from_data(TensorData::new(frame.to_vec(), [1, 1, frame.len()]), &self.device);
        let (log_probs, state) = self.model.forward(frames, self.state.take(), &[1]);
        self.state = state;
        crate::host::values(log_probs)
    }
}
