//! The mean of the weights of several checkpoints, of one run or of several.
//!
//! Checkpoints of one run: Junczys-Dowmunt et al. 2016 ("The AMU-UEDIN submission to the WMT16 news translation task").
//! Runs that were fine-tuned from the same weights: Wortsman et al. 2022 (arXiv 2203.05482). Runs that started from
//! other weights have no useful mean: their units do not correspond. They can answer together instead.

use std::collections::BTreeMap;
use std::path::Path;

use rekindle_settings::Table;
use rekindle_weights::{StateDict, Strictness, WeightTensor};

use crate::error::TrainError;
use crate::operation::{Operate, Output};
use crate::optimizer;
use crate::registry::{Averaged, Open};
use crate::run::checkpoint::{self, Progress};
use crate::run::{RunFolder, other_model};
use crate::settings::RunSettings;
use crate::task::Trained;

/// The sums of weights, in double precision.
struct Sums(BTreeMap<String, (Vec<usize>, Vec<f64>)>);

impl Sums {
    /// Adds weights; an error names the first parameter that differs in shape, with both shapes.
    fn add(&mut self, weights: &BTreeMap<String, WeightTensor>) -> Result<(), Differs> {
        let missing = self.0.keys().find(|name| !weights.contains_key(*name));
        if let Some(name) = missing {
            return Err((name.clone(), Some(self.0[name].0.clone()), None));
        }
        for (name, tensor) in weights {
            let found = Some(tensor.shape().to_vec());
            let Some((shape, sums)) = self.0.get_mut(name) else { return Err((name.clone(), None, found)) };
            if *shape != tensor.shape() {
                return Err((name.clone(), Some(shape.clone()), found));
            }
            sums.iter_mut().zip(tensor.values()).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        Ok(())
    }

    /// The means of `count` weights.
    fn means(self, count: usize) -> BTreeMap<String, WeightTensor> {
        let mean = |sum: f64| (sum / count as f64) as f32;
        let means = self.0.into_iter().map(|(name, (shape, sums))| {
            let values = sums.into_iter().map(mean).collect();
            (name, WeightTensor::new(shape, values).expect("the shape is that of the weights"))
        });
        means.collect()
    }
}

/// A parameter and its shapes in two models.
type Differs = (String, Option<Vec<usize>>, Option<Vec<usize>>);

/// Creates the run `out` with the mean of the weights of `checkpoints`, and the settings and assets of the first. It
/// can be opened like any other; a training that resumes it begins with a new optimizer. Warns of checkpoints that were
/// skipped.
pub(crate) fn mean_run<T: Operate>(
    checkpoints: &[Open<'_>],
    out: &Path,
    replace: bool,
    output: &mut Output<'_>,
) -> Result<Averaged, TrainError> {
    let (first, others) = checkpoints.split_first().expect("at least one checkpoint");
    let trained = Trained::<T>::open(first.run, first.which, first.device)?;
    output.skipped(&trained.rejected);
    let alike = T::operations().together;
    let weights = trained.model.state_dict();
    let zeros = weights
        .iter()
        .map(|(name, tensor)| (name.clone(), (tensor.shape().to_vec(), vec![0.0; tensor.values().len()])));
    let mut sums = Sums(zeros.collect());
    let paths = |other: &Open<'_>| [first.run, other.run].map(|run| run.path().to_owned());
    let add = |sums: &mut Sums, weights: &_, other: &Open<'_>| {
        sums.add(weights).map_err(|(parameter, wanted, found)| {
            let [run, with] = paths(other);
            TrainError::OtherShape { run, with, parameter, wanted, found }
        })
    };
    add(&mut sums, &weights, first)?;
    let mut steps = vec![trained.progress.step];
    for other in others {
        let next = Trained::<T>::open(other.run, other.which, other.device)?;
        output.skipped(&next.rejected);
        if alike.is_some_and(|alike| !alike(&trained, &next)) {
            let [run, with] = paths(other);
            return Err(TrainError::NotAlike { run, with });
        }
        add(&mut sums, &next.model.state_dict(), other)?;
        let [ours, theirs] = [&trained.settings, &next.settings].map(|of| Table::try_from(of).unwrap_or_default());
        if let Some((setting, values)) = other_model(&ours, &theirs).next() {
            let [run, with] = paths(other);
            return Err(TrainError::OtherModel { run, with, setting, values: values.into() });
        }
        steps.push(next.progress.step);
    }
    let Trained { model, assets, settings, progress, .. } = trained;
    let means = sums.means(checkpoints.len());
    let (model, _) = model.load_state_dict(&means, Strictness::Strict).expect("names and shapes are this model's");
    let Progress { data, data_sha256, settings: tables, .. } = progress;
    let step = steps.iter().copied().max().unwrap_or_default();
    let progress = Progress { data, data_sha256, settings: tables, step, ..Progress::default() };
    let save = |run: &RunFolder| {
        let optimizer = optimizer::build(settings.training());
        checkpoint::save(run, &progress, &model, &optimizer, None).map(drop)
    };
    Ok(Averaged { run: RunFolder::create(out, T::NAME, &settings, &assets, replace, save)?, steps })
}
