//! Every benchmark, as short as it can be.

use std::error::Error;
use std::num::NonZeroUsize;
use std::process::Command;

use burn::tensor::Device;
use rekindle_bench::backends::{self, Task};
use rekindle_bench::comparison::Comparison;
use rekindle_bench::products::Product;
use rekindle_bench::{BenchError, Failure, PyTorch, Shape, Turns, Work, growth, products};
use rekindle_testing::cpus;
use rekindle_train::trainer::Steps;

const ONE_STEP: Turns = Turns { rounds: NonZeroUsize::MIN, steps: NonZeroUsize::MIN };

fn comparison(device: &Device) -> Comparison<'_> {
    Comparison { backend: "cpu", device, turns: ONE_STEP, pytorch: None, burn: true, rerun: None }
}

#[test]
fn every_kind_of_work_is_timed_and_burn_has_language_models_only() {
    let names = "train-gru-2x4-b2-t3 train-rnn-1x4-b1-t1 sample-lstm-2x4 \
        translate-rnn-1x4-b2-t3 decode-gru-2x4-b2-t3 caption-lstm-1x4-b2-t3-apart \
        sentiment-gru-2x4-b3-t9-packed frames-lstm-1x4-b2-t3 draw-lstm-1x4-b2-t2 draw-lstm-1x4-b2-t2-r2-w3";
    let shapes: Vec<Shape> = names.split(' ').map(|name| name.parse().unwrap()).collect();
    for device in &cpus() {
        let table = comparison(device).run(&shapes, |_| ()).unwrap();
        let with_burn: Vec<_> = table.rows.iter().map(|row| row.to_burn.is_some()).collect();
        let has_burn = |shape: &Shape| matches!(shape.work, Work::Train | Work::Sample);
        assert_eq!(with_burn, shapes.iter().map(has_burn).collect::<Vec<_>>());
        assert!(table.rows.iter().all(|row| row.symbols_per_second.min > 0.0 && row.to_pytorch.is_none()));
        let mut text = Vec::new();
        table.write(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(names.split(' ').all(|name| text.contains(name)), "{text}");
    }
}

#[test]
fn a_python_or_a_program_run_again_that_fails_is_named() {
    let error = PyTorch::start("/nonexistent/python").err().unwrap();
    assert_eq!(error.to_string(), "cannot start PyTorch in /nonexistent/python");
    assert!(error.source().is_some());
    for device in &cpus() {
        for program in ["false", "true", "/nonexistent/rekindle"] {
            let mut comparison = Comparison { rerun: Some(&|_| Ok(Command::new(program))), ..comparison(device) };
            let error = comparison.run(&["train-gru-1x4-b2-t3".parse().unwrap()], |_| ()).unwrap_err();
            assert_eq!(error.to_string(), "cannot measure the memory of train-gru-1x4-b2-t3", "{program}");
        }
    }
}

#[test]
fn growth_counts_the_operations_of_a_step() {
    for device in &cpus() {
        let table = growth::measure(ONE_STEP, device, |_| ()).unwrap();
        assert_eq!(table.rows.len(), 16);
        for row in table.rows {
            // 6 a token and weight: 4 x 256 x 256 of `W_hh`, 256 x 65 of `W_hy`.
            let flops = (6 * row.batch * row.time * (4 * 256 * 256 + 256 * 65)) as f64;
            assert!((row.share_of_peak * table.peak_gflops * 1e9 * row.step_seconds / flops - 1.0).abs() < 1e-9);
        }
    }
}

#[test]
fn products_are_compared_with_the_best_of_them_and_with_the_peak() {
    let square = Product::all(&[32])[0];
    let table = products::measure(&[square], ONE_STEP, None, |_| ()).unwrap();
    let [row] = &table.rows[..] else { panic!("a row for the product") };
    assert_eq!(row.contestants.iter().map(|figures| figures.name).collect::<Vec<_>>(), ["linear", "recurrent", "gemm"]);
    assert_eq!(row.contestants.iter().map(|figures| figures.of_best.median).fold(0.0, f64::max), 1.0);
    for figures in &row.contestants {
        assert!((figures.gflops.median / row.peak_gflops.median / figures.of_peak.median - 1.0).abs() < 1e-9);
    }
    let mut text = Vec::new();
    table.write(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("square 32x32x32") && text.contains("recurrent") && text.contains(" %"), "{text}");
}

/// Ten items at each of two calls; then it fails.
struct Counter(usize);

impl Steps for Counter {
    fn steps(&mut self, _: usize) -> Result<u64, Failure> {
        self.0 += 1;
        if self.0 < 3 { Ok(10) } else { Err("enough".into()) }
    }

    fn unit(&self) -> &'static str {
        "items"
    }
}

#[test]
fn every_task_is_timed_on_every_device_and_a_failure_names_both() {
    let tasks: [Task<'_>; 1] = [("count", &|_| Ok(Box::new(Counter(0))))];
    assert!(matches!(backends::compare(&tasks, &[], ONE_STEP), Err(BenchError::NoDevice)));
    for device in cpus() {
        let devices = ["a", "b"].map(|name| (name, device.clone()));
        let row = backends::compare(&tasks, &devices, ONE_STEP).unwrap().rows.remove(0);
        assert_eq!((row.task, row.unit, row.per_second.len(), row.to_first[0].median), ("count", "items", 2, 1.0));
        let twice = Turns { rounds: 2.try_into().unwrap(), ..ONE_STEP };
        let error = backends::compare(&tasks, &devices, twice).unwrap_err();
        assert_eq!(error.to_string(), "cannot time the task count on a");
        assert_eq!(error.source().unwrap().to_string(), "enough");
    }
}
