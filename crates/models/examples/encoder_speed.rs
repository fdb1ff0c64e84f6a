//! Pictures a second of EfficientNet-Lite0 with random weights, without gradients:
//! `cargo run --release --example encoder_speed -- [flex|ndarray] [threads] [batch] [repetitions]`.
//!
//! With `MIMALLOC_PURGE_DELAY=-1` in the environment it keeps free memory, as the `rekindle` command does.
//! `crates/bench/python/encoder_reference.py` measures the same network in PyTorch.

use std::time::Instant;

use burn::tensor::{Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rekindle_models::captioner::encoder::{EncoderConfig, EncoderKind, View};

// As in the `rekindle` binary: the outputs are fresh memory in each step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut arguments = std::env::args().skip(1);
    // Flex first, ndarray last.
    let mut devices = rekindle_testing::cpus().into_iter();
    let device = if arguments.next().as_deref() == Some("ndarray") { devices.next_back() } else { devices.next() };
    let Some(device) = device else { return eprintln!("no CPU backend is compiled in: give --features flex") };
    let mut number = |default: usize| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let [threads, batch, repetitions] = [number(1), number(16), number(10)];
    rekindle_testing::on_threads(threads, || {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let encoder = EncoderConfig::new(EncoderKind::EfficientNetLite0).init_with(&mut rng, &device);
        let values: Vec<f32> = (0..batch * 3 * 224 * 224).map(|_| rng.random()).collect();
        let pictures = Tensor::from_data(TensorData::new(values, [batch, 3, 224, 224]), &device);
        let pass = || {
            let start = Instant::now();
            let mean = encoder.forward(pictures.clone(), View::Map).mean().into_scalar::<f32>();
            (start.elapsed().as_secs_f64(), mean)
        };
        let (_, mean) = pass();
        let best = (0..repetitions).map(|_| pass().0).fold(f64::INFINITY, f64::min);
        let speed = batch as f64 / best;
        println!("{threads} thread(s), batches of {batch}: {speed:.1} pictures/s; mean of the maps {mean:.6}");
    });
}
