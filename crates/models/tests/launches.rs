//! Sampling and search with a model on a GPU: the weights are read back once, and a step launches nothing. Where native
//! code does not cover the model, a step of search launches as many kernels as any other, whatever the beam.
#![cfg(all(feature = "wgpu", any(feature = "flex", feature = "ndarray")))]

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_kernels::launches::count;
use rekindle_models::attention::AttentionKind;
use rekindle_models::char_lm::CharLmSettings;
use rekindle_models::decode::{Sampler, Sampling, Search};
use rekindle_models::settings::RecurrentSettings;
use rekindle_models::translator::{TranslatorSettings, TranslatorSizes};
use rekindle_testing::{cpus, devices};

/// The launches of sampling `symbols` symbols.
fn of_sampling(symbols: usize, device: &Device) -> usize {
    let recurrent = RecurrentSettings { hidden: 16, layers: 2, ..RecurrentSettings::default() };
    let settings = CharLmSettings { recurrent, embedding: 4, ..CharLmSettings::default() };
    let model = settings.init_with(11, &mut ChaCha8Rng::seed_from_u64(1), device);
    let sampler = Sampler::new(Sampling::default(), 1).unwrap();
    let (text, launches) =
        count(|| model.generate(&[3], None, sampler).take(symbols).collect::<Result<Vec<_>, _>>().unwrap());
    assert_eq!(text.len(), symbols);
    launches
}

/// The launches of a search of `length` steps for the translation of two sentences.
fn of_search(length: usize, beam: usize, attention: AttentionKind, device: &Device) -> usize {
    let recurrent = RecurrentSettings { hidden: 16, ..RecurrentSettings::default() };
    let settings = TranslatorSettings { recurrent, embedding: 8, attention, ..TranslatorSettings::default() };
    let model = settings.init_with(&TranslatorSizes::new(12, 13), &mut ChaCha8Rng::seed_from_u64(1), device).prepared();
    let search = Search { beam, min_length: length, max_length: length, ..Search::default() };
    let (found, launches) = count(|| model.translate(&[&[5, 6, 7], &[8, 9, 10]], &[0, 1], &search).unwrap());
    assert!(found.iter().all(|found| found[0].symbols.len() == length));
    launches
}

// One test: the counts are of the whole process.
#[test]
fn a_step_of_sampling_launches_nothing_and_one_of_search_a_constant_number() {
    for gpu in &devices()[cpus().len()..] {
        assert_eq!(of_sampling(5, gpu), of_sampling(50, gpu), "{gpu:?}");
        assert_eq!(
            of_search(3, 2, AttentionKind::General, gpu),
            of_search(9, 5, AttentionKind::General, gpu),
            "{gpu:?}"
        );
        let [short, middle, long] = [3, 5, 7].map(|length| of_search(length, 3, AttentionKind::Additive, gpu));
        assert_eq!(long - middle, middle - short, "{gpu:?}: {short}, {middle}, {long}");
        let wide = of_search(5, 6, AttentionKind::Additive, gpu);
        assert_eq!(wide, middle, "{gpu:?}: a wider beam");
        // A software GPU that still compiles a kernel when the process ends may crash.
        gpu.sync().expect("the device has run the kernels");
    }
}
