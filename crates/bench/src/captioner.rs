//! The captioner benchmark: soft attention over the map of a frozen image encoder, as in
//! `rekindle train caption`.
//!
//! All captions have `T` tokens, end included: batches of similar lengths nearly do.

use burn::tensor::{Device, Distribution, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::captioner::{CaptionerSettings, CaptionerSizes};

use crate::contestant::{Contestant, training};
use crate::shape::{CAPTIONS, MAP, Shape, VOCABULARY};
use crate::tokens::{sequences, slices, words};

/// Training steps, with dropout and the doubly stochastic penalty, on a device with gradients.
pub(crate) fn captioning(shape: &Shape, device: &Device) -> Contestant<'static> {
    let settings = CaptionerSettings {
        recurrent: shape.recurrent(0.5),
        embedding: shape.hidden,
        pillar: shape.hidden,
        doubly_stochastic: 1.0,
        ..CaptionerSettings::default()
    };
    let sizes = CaptionerSizes::new(VOCABULARY, MAP[1]);
    let model = settings.init_with(&sizes, &mut ChaCha8Rng::seed_from_u64(1), device);
    let images = Tensor::<3>::random([shape.batch, MAP[0], MAP[1]], Distribution::Default, device);
    // All captions of the first image, then those of the next.
    let captions = sequences(shape.batch * CAPTIONS, shape.time - 1, words(VOCABULARY));
    training(model, device, move |model, _: Option<()>| {
        let captions: Vec<_> = captions.chunks(CAPTIONS).map(slices).collect();
        (model.loss(images.clone(), &captions), ())
    })
}
