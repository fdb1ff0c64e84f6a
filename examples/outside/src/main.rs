//! Trains the task in a run folder, or resumes the run in it, then forecasts.
//!
//! ```text
//! cargo run --release -- FOLDER [WEIGHTS]
//! ```
#![forbid(unsafe_code)]

use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use outside::series::series;
use outside::task::{ForecastSettings, ForecastTask};
use rekindle_train::prelude::{TaskError, seeded};
use rekindle_train::rekindle_settings::Sections;
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::task::{Task, Trained};
use rekindle_train::trainer::{NewRun, StopSignal, Trainer};

fn main() -> Result<(), TaskError> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("give the run folder, such as runs/sines")?;
    let (folder, device) = (Path::new(&folder), outside::device());

    let trainer = if folder.exists() {
        Trainer::<ForecastTask>::resume(RunFolder::open(folder)?, |_| (), false, &device)?
    } else {
        let mut settings = ForecastSettings::default();
        settings.model.weights = arguments.next();
        settings.validate()?;
        let task = ForecastTask::open(&settings, None, &device)?;
        let new = NewRun { out: folder.to_owned(), ..NewRun::default() };
        Trainer::create(task, &settings, &new, &device)?
    };
    let outcome = trainer.train(&mut (), &StopSignal::default())?;
    println!("{} steps", outcome.steps);
    if let Some(report) = outcome.evaluation {
        print!("{}", report.to_text());
    }

    let trained = Trained::<ForecastTask>::open(&RunFolder::open(folder)?, Which::Best, &device)?;
    let known = series(100, 0.0, &mut seeded(7));
    let (past, future) = known.split_at(90);
    let past = Tensor::<3>::from_data(TensorData::new(past.to_vec(), [1, 90, 1]), &device);
    println!("predicted\ttrue");
    for (predicted, value) in trained.model.forecast(past, 10).iter().zip(future) {
        println!("{predicted:9.3}\t{value:.3}");
    }
    Ok(())
}
