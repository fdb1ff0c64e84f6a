//! The translator benchmarks: general attention and embeddings of width 256, as in
//! `rekindle train translate`.
//!
//! All sentences have `T` tokens with their ends, source and target: batches of similar lengths
//! nearly do.

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::decode::Search;
use rekindle_models::translator::{Translator, TranslatorSettings, TranslatorSizes};

use crate::contestant::{Contestant, timed, training};
use crate::shape::{Shape, WORDS};
use crate::tokens::{sequences, slices, words};

/// Training steps, with dropout and label smoothing, on a device with gradients.
pub(crate) fn translating(shape: &Shape, device: &Device) -> Contestant<'static> {
    let [sources, targets] = WORDS.map(|vocabulary| sentences(shape, vocabulary));
    training(model(shape, device), device, move |model, _: Option<()>| {
        (model.loss(&slices(&sources), &slices(&targets)), ())
    })
}

/// Greedy decoding of translations of exactly `T` words, with weights prepared beforehand.
pub(crate) fn decoding(shape: &Shape, device: &Device) -> Contestant<'static> {
    let (model, sources) = (model(shape, device).prepared(), sentences(shape, WORDS[0]));
    let search = Search { min_length: shape.time, max_length: shape.time, ..Search::default() };
    timed(move |steps| {
        for _ in 0..steps {
            model.translate(&slices(&sources), &[0, 1], &search)?;
        }
        Ok(())
    })
}

fn model(shape: &Shape, device: &Device) -> Translator {
    let recurrent = shape.recurrent(0.3);
    let settings =
        TranslatorSettings { recurrent, embedding: 256, label_smoothing: 0.1, ..TranslatorSettings::default() };
    let sizes = TranslatorSizes::new(WORDS[0], WORDS[1]);
    settings.init_with(&sizes, &mut ChaCha8Rng::seed_from_u64(1), device)
}

/// Sentences of `T - 1` words, without the end.
fn sentences(shape: &Shape, vocabulary: usize) -> Vec<Vec<u32>> {
    sequences(shape.batch, shape.time - 1, words(vocabulary))
}
