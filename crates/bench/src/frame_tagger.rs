//! The frame tagger benchmark: the tagger of `rekindle train frames`, on images.
//!
//! All clips are longer than a chunk, so that nothing is padded.

use burn::tensor::{Device, Distribution, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::frame_tagger::{FrameInput, FrameTaggerSettings, Recurrence, TaggerState};

use crate::contestant::{Contestant, training};
use crate::shape::{FRAME, FRAME_CLASSES, Shape};
use crate::tokens::sequences;

/// Training steps, with the state carried from chunk to chunk, on a device with gradients.
pub(crate) fn tagging(shape: &Shape, device: &Device) -> Contestant<'static> {
    let usual = FrameTaggerSettings::default();
    let recurrent = shape.recurrent(usual.recurrent.dropout);
    let cell: Recurrence = recurrent.cell.into();
    let settings = FrameTaggerSettings { recurrent: recurrent.with_cell(cell), ..usual };
    let [channels, height, width] = FRAME;
    let input = FrameInput::Pixels { channels, height, width };
    let model = settings.init_with(input, FRAME_CLASSES, &mut ChaCha8Rng::seed_from_u64(1), device);
    // As pixels are read.
    let pixels = Distribution::Uniform(-2.0, 2.0);
    let frames = Tensor::<3>::random([shape.batch, shape.time, input.size()], pixels, device);
    let labels = sequences(shape.batch, shape.time, 0..FRAME_CLASSES as u32).concat();
    let lengths = vec![shape.time; shape.batch];
    training(model, device, move |model, state: Option<Option<TaggerState>>| {
        let (loss, state) = model.loss(frames.clone(), state.flatten(), &lengths, &labels, None);
        (loss, state.map(TaggerState::detach))
    })
}
