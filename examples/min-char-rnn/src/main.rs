//! The lecture's `min-char-rnn` with Rekindle's crates: a vanilla RNN reads a text 25 characters at a time, one-hot,
//! learns with Adagrad and gradients clipped to ±5, and generates 200 characters every 100 steps.
//!
//! ```text
//! cargo run --release -p min-char-rnn -- [FILE] [STEPS]
//! ```
#![forbid(unsafe_code)]

use burn::module::Module;
use burn::optim::{AdaGradConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::{Corpus, Streams, TextSource, Unit, Vocabulary, VocabularyConfig};
use rekindle_models::char_lm::CharLmSettings;
use rekindle_models::decode::{Sampler, Sampling};
use rekindle_models::settings::RecurrentSettings;
use rekindle_rnn::Cell;
use rekindle_train::clipping::Clip;
use rekindle_train::settings::ClipKind;

const HIDDEN_SIZE: usize = 100;
const SEQUENCE_LENGTH: usize = 25;
const LEARNING_RATE: f64 = 1e-1;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let source = arguments.next().unwrap_or_else(|| "builtin:source".to_owned());
    let steps: usize = arguments.next().map_or(Ok(2000), |steps| steps.parse())?;

    // The text, and an id for each of its characters.
    let corpus = Corpus::open(&TextSource::parse(&source)?, Unit::Char)?;
    let vocabulary = Vocabulary::from_corpus(&corpus, &VocabularyConfig::default())?;
    let mut text = Streams::new(&corpus, &vocabulary, 0..corpus.tokens(), 1, SEQUENCE_LENGTH)?;
    println!("{} characters, {} unique", corpus.tokens(), vocabulary.len());

    // One-hot inputs: W_xh is [V, H], W_hh [H, H] and W_hy [H, V].
    let device = Device::flex().autodiff();
    let recurrent = RecurrentSettings { cell: Cell::Rnn, hidden: HIDDEN_SIZE, ..RecurrentSettings::default() };
    let settings = CharLmSettings { recurrent, embedding: 0, ..CharLmSettings::default() };
    let mut model = settings.init_with(vocabulary.len(), &mut ChaCha8Rng::seed_from_u64(0), &device);
    let mut adagrad = AdaGradConfig::new().with_epsilon(1e-8).init();
    let clip = Clip { kind: ClipKind::Value, at: 5.0 };

    let mut hidden = None;
    let mut smooth_loss = (vocabulary.len() as f64).ln();
    for step in 0..steps {
        if step % text.steps() == 0 {
            hidden = None; // at the beginning of the text, a hidden state of zeros
        }
        let batch = text.batch(step % text.steps());
        let [inputs, targets] = [batch.inputs, batch.targets].map(|characters| one_row(characters, &device));

        // Forward through 25 time steps, backward through the same 25 only: the state is detached.
        let (loss, last_hidden) = model.loss(inputs, targets, hidden);
        hidden = Some(last_hidden.detach());
        smooth_loss = 0.999 * smooth_loss + 0.001 * loss.clone().into_scalar::<f64>();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let (gradients, _norm) = clip.apply(&model, gradients);
        model = adagrad.step(LEARNING_RATE, model, gradients);

        if step % 100 == 0 {
            let sampler = Sampler::new(Sampling::default(), step as u64)?;
            let sample = model.valid().generate(&[], None, sampler).take(200).collect::<Result<Vec<_>, _>>()?;
            println!("----\n{}\n----\nstep {step}, loss {smooth_loss:.4} nats a character", vocabulary.decode(&sample));
        }
    }
    Ok(())
}

/// `[1, T]`
fn one_row(characters: Vec<u32>, device: &Device) -> Tensor<2, Int> {
    let characters: Vec<i32> = characters.into_iter().map(|c| c as i32).collect();
    Tensor::from_data(TensorData::new(characters, [1, SEQUENCE_LENGTH]), device)
}
