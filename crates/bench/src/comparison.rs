//! Rekindle beside PyTorch and Burn's own layers, at each shape.

use std::io::{self, Write};

use burn::tensor::Device;
use rekindle_kernels::launches;
use serde::Serialize;

use crate::burn_layers::BurnLm;
use crate::contestant::Contestant;
use crate::language_model::language_model;
use crate::memory::{self, Peak, Rerun};
use crate::pytorch::PyTorch;
use crate::rekindle::rekindle;
use crate::shape::{Shape, Work};
use crate::text_table::{self, cell};
use crate::{BenchError, Spread, Turns};

/// What is compared, and for how long.
pub struct Comparison<'a> {
    /// Name of the backend, for the table.
    pub backend: &'a str,
    /// Where Rekindle and Burn compute.
    pub device: &'a Device,
    /// Turns of each contestant.
    pub turns: Turns,
    /// PyTorch; none leaves it out.
    pub pytorch: Option<PyTorch>,
    /// Whether Burn's own layers are timed.
    pub burn: bool,
    /// How to run this program again, to measure its peak memory; none leaves memory out.
    pub rerun: Option<Rerun<'a>>,
}

/// The figures of all shapes.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The backend of Rekindle and Burn.
    pub backend: String,
    /// Threads of each contestant.
    pub threads: usize,
    /// The version of PyTorch, where it was compared.
    pub pytorch: Option<String>,
    /// Turns of each contestant.
    #[serde(flatten)]
    pub turns: Turns,
    /// The shapes, in the order in which they were given.
    pub rows: Vec<Row>,
}

/// The figures of one shape.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The shape.
    pub shape: Shape,
    /// Tokens that Rekindle reads or writes in a second.
    pub symbols_per_second: Spread,
    /// How many times as fast as PyTorch Rekindle is, round by round.
    pub to_pytorch: Option<Spread>,
    /// How many times as fast as Burn's own layers Rekindle is, round by round.
    pub to_burn: Option<Spread>,
    /// Peak memory in training.
    pub peak_bytes: Option<Peak>,
    /// Kernels that a training step launches; none on a CPU.
    pub kernels: Option<Kernels>,
}

/// Kernels that a training step launches on a GPU.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Kernels {
    /// In Rekindle.
    pub rekindle: usize,
    /// In Burn's own layers, where they were compared.
    pub burn: Option<usize>,
}

impl Comparison<'_> {
    /// Times all contestants at each shape; `progress` hears of a shape before it is timed.
    ///
    /// # Errors
    ///
    /// When a device, PyTorch's process or the measuring of memory fails.
    pub fn run(&mut self, shapes: &[Shape], mut progress: impl FnMut(&Shape)) -> Result<Table, BenchError> {
        let mut rows = Vec::with_capacity(shapes.len());
        for shape in shapes {
            progress(shape);
            rows.push(self.row(shape)?);
        }
        Ok(Table {
            backend: self.backend.to_owned(),
            threads: rayon::current_num_threads(),
            pytorch: self.pytorch.as_ref().map(|pytorch| pytorch.version.clone()),
            turns: self.turns,
            rows,
        })
    }

    fn row(&mut self, shape: &Shape) -> Result<Row, BenchError> {
        let python = self.pytorch.as_ref().map(|pytorch| pytorch.program.clone());
        let mut own = rekindle(shape, self.device);
        let pytorch = self.pytorch.as_mut();
        let mut pytorch =
            pytorch.map(|pytorch| -> Contestant<'_> { Box::new(|steps| Ok(pytorch.ask(shape, steps)?.seconds)) });
        let (symbols_per_second, to_pytorch) = pair(shape, self.turns, &mut own, pytorch.as_mut())?;
        // Burn has layers for a language model, but no translator and no captioner.
        let mut burn = (self.burn && matches!(shape.work, Work::Train | Work::Sample))
            .then(|| language_model::<BurnLm>(shape, self.device));
        let to_burn = match &mut burn {
            Some(burn) => pair(shape, self.turns, &mut own, Some(burn))?.1,
            None => None,
        };
        let (mut kernels, mut peak_bytes) = (None, None);
        if matches!(shape.work, Work::Train | Work::Translate | Work::Caption) {
            let rekindle = launches_of_a_step(&mut own)?;
            if rekindle > 0 {
                let burn = burn.as_mut().map(launches_of_a_step).transpose()?;
                kernels = Some(Kernels { rekindle, burn });
            }
            peak_bytes = self.rerun.map(|rerun| memory::measure(shape, rerun, python.as_deref())).transpose()?;
        }
        Ok(Row { shape: *shape, symbols_per_second, to_pytorch, to_burn, peak_bytes, kernels })
    }
}

/// The speed of `own` in tokens a second, and how many times that of `other` it is. Contestants come in pairs: Burn's
/// layers leave the memory of this process in a state in which the next turn is slower.
fn pair<'a>(
    shape: &Shape,
    turns: Turns,
    own: &mut Contestant<'a>,
    other: Option<&mut Contestant<'a>>,
) -> Result<(Spread, Option<Spread>), BenchError> {
    let mut contestants = vec![own];
    contestants.extend(other);
    let speeds =
        turns.take(&mut contestants, |contestant, steps| Ok(shape.tokens(steps) as f64 / contestant(steps)?))?;
    let ratio = speeds.get(1).map(|other| Spread::of_ratios(&speeds[0], other));
    Ok((Spread::of(speeds[0].iter().copied()), ratio))
}

/// The kernels of one step; 0 on a CPU.
fn launches_of_a_step(contestant: &mut Contestant<'_>) -> Result<usize, BenchError> {
    let (round, kernels) = launches::count(|| contestant(1));
    round.map(|_| kernels)
}

impl Table {
    /// Writes the figures as text.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let headings = ["", "symbols/s", "x PyTorch", "x Burn", "peak MiB", "of PyTorch", "kernels", "Burn's"];
        let rows = self.rows.iter().map(|row| {
            let (own, other) = row.peak_bytes.map_or((None, None), |peak| (peak.rekindle, peak.pytorch));
            vec![
                row.shape.to_string(),
                format!("{:.0}", row.symbols_per_second.median),
                cell(row.to_pytorch),
                cell(row.to_burn),
                cell(own.map(|own| format!("{:.0}", own as f64 / f64::from(1 << 20)))),
                cell(own.zip(other).map(|(own, other)| format!("{:.2}", own as f64 / other as f64))),
                cell(row.kernels.map(|kernels| kernels.rekindle)),
                cell(row.kernels.and_then(|kernels| kernels.burn)),
            ]
        });
        text_table::write(out, &headings, rows.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turns::ONE_STEP;

    #[test]
    fn every_kind_of_work_is_timed_and_burn_has_language_models_only() {
        let names = ["train-gru-2x4-b2-t3", "sample-lstm-2x4", "translate-rnn-1x4-b2-t3", "decode-gru-2x4-b2-t3"];
        let names = names.into_iter().chain(["caption-lstm-1x4-b2-t3-apart", "train-rnn-1x4-b1-t1"]);
        let shapes: Vec<_> = names.map(|name| name.parse().unwrap()).collect();
        for device in &rekindle_testing::cpus() {
            let (turns, pytorch, rerun) = (ONE_STEP, None, None);
            let mut comparison = Comparison { backend: "cpu", device, turns, pytorch, burn: true, rerun };
            let rows = comparison.run(&shapes, |_| ()).unwrap().rows;
            let with_burn: Vec<_> = rows.iter().map(|row| row.to_burn.is_some()).collect();
            assert_eq!(with_burn, [true, true, false, false, false, true]);
            assert!(rows.iter().all(|row| row.symbols_per_second.min > 0.0 && row.to_pytorch.is_none()));
        }
    }
}
