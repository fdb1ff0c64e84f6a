use burn::tensor::Device;
use rekindle_models::char_lm::CharLmSettings;
use rekindle_models::translator::{TranslatorSettings, TranslatorSizes};

use super::*;
use crate::seeds::seeded;

fn settings(layer_rate: f64, unfreeze_every: Option<u64>) -> DepthSettings {
    DepthSettings { layer_rate, unfreeze_every }
}

fn sizes(depths: &Depths) -> Vec<(usize, usize)> {
    depths.by_depth.iter().map(|(depth, ids)| (*depth, ids.len())).collect()
}

#[test]
fn depths_are_those_of_the_layers() {
    let device = Device::flex().autodiff();
    let mut of_model = CharLmSettings::default();
    (of_model.recurrent.layers, of_model.recurrent.hidden, of_model.embedding) = (3, 4, 4);
    let model = of_model.init_with(5, &mut seeded(1), &device);
    let depths = Depths::of(settings(0.5, None), &model);
    // The embedding, four weights of each layer, and two of the output.
    assert_eq!(sizes(&depths), [(0, 1), (1, 4), (2, 4), (3, 4), (4, 2)]);
    let factors: Vec<f64> = depths.rates(&device).into_iter().map(|(_, factor)| factor).collect();
    assert_eq!(factors, [0.0625, 0.125, 0.25, 0.5]);
    assert_eq!(depths.lowest_rate(), 0.0625);
    assert!(Depths::of(settings(1.0, None), &model).rates(&device).is_empty());
    let mut of_model = TranslatorSettings { embedding: 4, ..Default::default() };
    (of_model.recurrent.layers, of_model.recurrent.hidden) = (1, 4);
    let model = of_model.init_with(&TranslatorSizes::new(5, 6), &mut seeded(1), &device);
    // Two tables; both directions of the encoder and the decoder; the rest.
    let found = sizes(&Depths::of(settings(0.5, None), &model));
    assert_eq!(found.iter().map(|(depth, _)| *depth).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(&found[..2], [(0, 2), (1, 12)]);
}

#[test]
fn layers_unfreeze_one_after_the_other() {
    let device = Device::flex().autodiff();
    let mut of_model = CharLmSettings::default();
    (of_model.recurrent.layers, of_model.recurrent.hidden, of_model.embedding) = (2, 4, 4);
    let model = of_model.init_with(5, &mut seeded(1), &device);
    let depths = Depths::of(settings(1.0, Some(10)), &model);
    let tokens = || Tensor::<2, burn::tensor::Int>::from_data([[0, 1, 2, 3]], &device);
    let trained = |step: u64| {
        let (loss, _) = model.loss(tokens(), tokens(), None);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        depths.unfrozen(step, &model, gradients).len()
    };
    // The output; the second layer with it; the first; the embedding.
    assert_eq!([0, 9, 10, 19, 20, 30, 1000].map(trained), [2, 2, 6, 6, 10, 11, 11]);
}
