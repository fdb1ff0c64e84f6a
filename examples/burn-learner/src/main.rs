//! A model trained with Burn's own `Learner`: its data loaders, metrics and checkpoints, our network.
//!
//! ```text
//! cargo run --release --manifest-path examples/burn-learner/Cargo.toml -- [FILE] [EPOCHS]
//! ```
#![forbid(unsafe_code)]

use std::ops::Range;

use burn::data::dataloader::DataLoaderBuilder;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::InMemDataset;
use burn::optim::AdamConfig;
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_train::metric::{AccuracyMetric, LossMetric};
use burn_train::{Learner, SequenceOutput, SupervisedTraining};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::{Corpus, Split, TextSource, Unit, Vocabulary, VocabularyConfig};
use rekindle_models::char_lm::{CharLm, CharLmSettings};
use rekindle_models::learner::{Loss, WithLoss};
use rekindle_models::settings::RecurrentSettings;

const LENGTH: usize = 50;
const BATCH: usize = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let source = arguments.next().unwrap_or_else(|| "builtin:source".to_owned());
    let epochs: usize = arguments.next().map_or(Ok(2), |epochs| epochs.parse())?;

    let corpus = Corpus::open(&TextSource::parse(&source)?, Unit::Char)?;
    let vocabulary = Vocabulary::from_corpus(&corpus, &VocabularyConfig::default())?;
    let split = Split::by_fractions(&corpus, [0.9, 0.1, 0.0])?;
    let loader = |range: Range<usize>| -> Result<_, rekindle_data::DataError> {
        let symbols = corpus.ids(&vocabulary, range)?;
        let snippets = symbols.windows(LENGTH + 1).step_by(LENGTH).map(<[u32]>::to_vec).collect();
        let dataset = InMemDataset::new(snippets);
        Ok(DataLoaderBuilder::new(SnippetBatcher).batch_size(BATCH).shuffle(1).build(dataset))
    };

    let device = Device::flex().autodiff();
    let settings =
        CharLmSettings { recurrent: RecurrentSettings::default(), embedding: 64, ..CharLmSettings::default() };
    let model = settings.init_with(vocabulary.len(), &mut ChaCha8Rng::seed_from_u64(1), &device);
    let learner = Learner::new(WithLoss::new(model, NextSymbol), AdamConfig::new().init(), 2e-3);
    let result = SupervisedTraining::new("runs/burn-learner", loader(split.train)?, loader(split.validation)?)
        .metrics((AccuracyMetric::new(), LossMetric::new()))
        .num_epochs(epochs)
        .summary()
        .launch(learner);
    match result.error {
        Some(error) => Err(format!("the training ended early: {error}").into()),
        None => Ok(()),
    }
}

/// Rows of text, with the tokens that follow.
#[derive(Clone, Debug)]
struct TextBatch {
    /// `[B, T]`
    inputs: Tensor<2, Int>,
    /// `[B, T]`: the inputs, shifted by one token.
    targets: Tensor<2, Int>,
}

/// Cross-entropy of the next token.
#[derive(Clone, Debug)]
struct NextSymbol;

impl Loss<CharLm> for NextSymbol {
    type Batch = TextBatch;
    type Output = SequenceOutput;

    fn loss(&self, model: &CharLm, TextBatch { inputs, targets }: TextBatch) -> (Tensor<1>, SequenceOutput) {
        let [rows, time] = targets.dims();
        let (log_probs, _) = model.forward(inputs, None);
        let loss = log_probs.clone().gather(2, targets.clone().reshape([rows, time, 1])).mean().neg();
        (loss.clone(), SequenceOutput::new(loss, log_probs, None, targets))
    }
}

/// Batches snippets of `LENGTH + 1` tokens.
#[derive(Clone)]
struct SnippetBatcher;

impl Batcher<Vec<u32>, TextBatch> for SnippetBatcher {
    fn batch(&self, snippets: Vec<Vec<u32>>, device: &Device) -> TextBatch {
        let rows = |first: usize| -> Tensor<2, Int> {
            let symbols = snippets.iter().flat_map(|snippet| &snippet[first..first + LENGTH]);
            let symbols: Vec<i32> = symbols.map(|&s| s as i32).collect();
            Tensor::from_data(TensorData::new(symbols, [snippets.len(), LENGTH]), device)
        };
        TextBatch { inputs: rows(0), targets: rows(1) }
    }
}
