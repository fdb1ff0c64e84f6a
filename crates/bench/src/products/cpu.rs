//! The contestants that run in this process.

use std::iter;
use std::time::Instant;

pub(super) use rekindle_kernels::products::Factors;
use rekindle_kernels::products::{Method, Product as Computed, Transposed, multiply_adds};

use super::{Contestant, PEAK, Product, Purpose, STEP_FLOPS};
use crate::BenchError;

/// The factors of `product`.
pub(super) fn factors(product: &Product) -> Result<Factors, BenchError> {
    Ok(Factors::new(product.size, transposed(product.purpose)))
}

/// The peak, and the code that computes `product` in this process.
pub(super) fn contestants<'a>(product: &Product, factors: &'a Factors) -> Vec<Contestant<'a>> {
    let methods = [("linear", Method::Linear), ("recurrent", Method::Recurrent), ("gemm", Method::Gemm)];
    let contestant = |(name, method)| {
        let mut computed = Computed::new(factors, method);
        let seconds = move |repetitions| {
            let started = Instant::now();
            computed.run(repetitions);
            Ok(started.elapsed().as_secs_f64())
        };
        (name, product.gflops(seconds))
    };
    let peak: Contestant<'a> = (PEAK, Box::new(|steps| Ok(peak(steps))));
    iter::once(peak).chain(methods.into_iter().map(contestant)).collect()
}

/// The factor that is stored transposed, as in a recurrence.
fn transposed(purpose: Purpose) -> Transposed {
    match purpose {
        Purpose::Square | Purpose::Backward => Transposed::Neither,
        Purpose::Forward => Transposed::B,
        Purpose::Gradient => Transposed::A,
    }
}

/// GFLOP/s of the multiply-adds of this many steps.
fn peak(steps: usize) -> f64 {
    let (started, mut flops) = (Instant::now(), 0.0);
    while flops < steps as f64 * STEP_FLOPS {
        flops += 2.0 * multiply_adds();
    }
    flops / started.elapsed().as_secs_f64() / 1e9
}
