//! The DRAW benchmark: the model of `rekindle train draw`, on images of black and white pixels, with fresh noise for
//! each step.

use burn::tensor::{Device, Distribution, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::draw::{DrawModelSettings, ImageShape};
use rekindle_train::tasks::draw::{DrawSettings, noise};

use crate::contestant::{Contestant, training_with};
use crate::shape::{SIDE, Shape};

/// Training steps, on a device with gradients.
pub(crate) fn drawing(shape: &Shape, device: &Device) -> Contestant<'static> {
    let DrawSettings { model: usual, training, .. } = DrawSettings::default();
    let &Shape { hidden, batch, time, grids: [read, write], .. } = shape;
    let settings = DrawModelSettings { glimpses: time, hidden, read, write, ..usual };
    let image = ImageShape { channels: 1, height: SIDE, width: SIDE };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let model = settings.init_with(image, &mut rng, device);
    let images = Tensor::<2>::random([batch, image.pixels()], Distribution::Bernoulli(0.2), device);
    training_with(training, model, device, move |model, _: Option<()>| {
        (model.training_loss(images.clone(), noise(model, batch, &mut rng), 1.0), ())
    })
}
