//! The part of the loop that processes do together: see [`group`](crate::group).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Tensor, TensorData};
use rekindle_rnn::LossParts;
use rekindle_settings::{SettingError, Table};

use super::StopSignal;
use crate::carry::Carry;
use crate::error::TrainError;
use crate::event::{RankTimes, StepFigure};
use crate::group::{self, Flat, Greeting, Group, OfStep, Share, check_alike, digest, exchange};
use crate::optimizer::Optimizer;
use crate::run::checkpoint::{Progress, pack, unpack};
use crate::settings::RunSettings;
use crate::task::BatchLoss;

/// The processes that train a model; none but this one if there is no group.
pub(super) struct Together {
    group: Option<Rc<dyn Group>>,
    /// Steps between two means of the weights; gradients are summed at every step if 1.
    sync_every: u64,
    /// Whether a process was asked to stop.
    stopping: Cell<bool>,
    flat: RefCell<Flat>,
    /// Time of the steps since the last report, and time in sums.
    working: Cell<Duration>,
    summing: Cell<Duration>,
}

/// The loss of a batch, of all processes.
pub(super) struct WholeLoss {
    whole: Option<OfStep>,
    /// Items in the batch.
    pub items: u64,
    /// A figure of the batch.
    pub figure: Option<StepFigure>,
}

impl WholeLoss {
    /// What this process goes back from: its share of the loss, `[1]`; none if it has no rows.
    pub fn loss(&self, loss: LossParts) -> Option<Tensor<1>> {
        match &self.whole {
            Some(whole) => whole.share(loss),
            None => (!loss.parts().is_empty()).then(|| loss.sum()),
        }
    }
}

impl Together {
    /// The present group, if it can train with these settings.
    pub fn new<S: RunSettings>(settings: &S) -> Result<Self, TrainError> {
        let group = group::present();
        if let Some(group) = &group {
            check_batch(settings, group.size())?;
        }
        Ok(Self {
            group,
            sync_every: settings.training().sync_every,
            stopping: Cell::new(false),
            flat: RefCell::default(),
            working: Cell::default(),
            summing: Cell::default(),
        })
    }

    /// The share of this process in each batch.
    pub fn share(&self) -> Share {
        Share::of(self.group.as_deref())
    }

    /// Whether this process prints and writes.
    pub fn is_first(&self) -> bool {
        self.share().is_first()
    }

    /// Whether there is one process.
    pub fn is_alone(&self) -> bool {
        self.group.is_none()
    }

    /// `model` with the weights and the parameter ids of the first process.
    pub fn with_first_weights<M: Module>(&self, model: M) -> Result<M, TrainError> {
        let Some(group) = &self.group else { return Ok(model) };
        let malformed = |e: &dyn std::fmt::Display| TrainError::Task(format!("weights between ranks: {e}").into());
        let bytes = match group.rank() {
            0 => model.clone().into_record().into_bytes().map_err(|e| malformed(&e))?.to_vec(),
            _ => Vec::new(),
        };
        let first = group.gather(&bytes).swap_remove(0);
        ModuleRecord::from_bytes(Bytes::from_bytes_vec(first))
            .and_then(|record| model.try_load_record(record))
            .map_err(|e| malformed(&e))
    }

    /// Checks that all processes are about to do the same; returns warnings.
    pub fn check_alike<S: RunSettings, M: Module>(
        &self,
        settings: &S,
        progress: &Progress,
        model: &M,
    ) -> Result<Vec<String>, TrainError> {
        match &self.group {
            Some(group) => check_alike(&**group, &Greeting::of(&**group, settings, progress, model)?),
            None => Ok(Vec::new()),
        }
    }

    /// Whether the run is to stop. All processes of a group say the same.
    pub fn stopped(&self, stop: &StopSignal) -> bool {
        if self.is_alone() { stop.stopped() } else { self.stopping.get() }
    }

    /// What all processes have of the batch of `outcome`. With local steps, each goes by its own rows, and they
    /// exchange only whether to stop, before a mean of the weights.
    pub fn whole<C>(&self, outcome: &BatchLoss<C>, step: u64, stop: &StopSignal) -> WholeLoss {
        let alone = WholeLoss { whole: None, items: outcome.items, figure: outcome.figure };
        let Some(group) = &self.group else { return alone };
        if self.sync_every > 1 && !(step + 1).is_multiple_of(self.sync_every) {
            return WholeLoss { items: outcome.items * group.size() as u64, ..alone };
        }
        let ours = OfStep::of(outcome, stop.stopped());
        let whole = self.timed(|| ours.whole(&**group));
        self.stopping.set(self.stopping.get() || whole.stopped);
        let (items, figure) = (whole.items(), whole.figure(outcome.figure));
        WholeLoss { whole: (self.sync_every == 1).then_some(whole), items, figure }
    }

    /// The sums over all processes of the gradients of `model`, and of the loss `[1]`.
    pub fn sum<M: Module>(
        &self,
        model: &M,
        gradients: GradientsParams,
        loss: Tensor<1>,
    ) -> Result<(GradientsParams, Tensor<1>), TrainError> {
        match &self.group {
            Some(group) if self.sync_every == 1 => {
                let mut flat = self.flat.borrow_mut();
                flat.take(model, gradients, &loss)?;
                self.timed(|| flat.sum(&**group));
                Ok(flat.give(model, &loss.device()))
            }
            _ => Ok((gradients, loss)),
        }
    }

    /// Whether the processes take the mean of their weights after this step.
    pub fn is_due(&self, step: u64, shown: bool) -> bool {
        !self.is_alone() && self.sync_every > 1 && (shown || step.is_multiple_of(self.sync_every))
    }

    /// `model` and `optimizer` with the means over all processes of their weights and running means.
    pub fn mean<M: Module>(&self, model: M, optimizer: Optimizer) -> Result<(M, Optimizer), TrainError> {
        let Some(group) = &self.group else { return Ok((model, optimizer)) };
        let mut flat = self.flat.borrow_mut();
        let model = self.timed(|| flat.mean(&**group, model))?;
        let malformed = |e: String| TrainError::Task(format!("the optimizer between ranks: {e}").into());
        let bytes = optimizer.into_bytes().map_err(|e| malformed(e.to_string()))?;
        let share = 1.0 / group.size() as f32;
        let mean = |data: TensorData| {
            let (shape, kind) = (data.shape().clone(), data.dtype());
            let mut values: Vec<f32> = data.convert::<f32>().try_into_vec().map_err(|e| format!("{e:?}"))?;
            group.sum(&mut values);
            values.iter_mut().for_each(|value| *value *= share);
            Ok(TensorData::new(values, shape).convert_dtype(kind))
        };
        let bytes = crate::run::checkpoint::mapped(bytes, mean).map_err(malformed)?;
        Ok((model, optimizer.from_bytes(bytes).map_err(|e| malformed(e.to_string()))?))
    }

    /// Adds the time of a step; the times of all processes since the last report, if one is wanted.
    pub fn worked(&self, time: Duration, report: bool) -> Result<Option<Vec<RankTimes>>, TrainError> {
        let Some(group) = &self.group else { return Ok(None) };
        self.working.set(self.working.get() + time);
        if !report {
            return Ok(None);
        }
        let (working, summing) = (self.working.take(), self.summing.take());
        let ours = RankTimes { host: group.host(), computing: working.saturating_sub(summing), summing };
        Ok(Some(exchange(&**group, &ours)?))
    }

    /// The values of the state that all processes carry.
    pub fn carry_of_all<C: Carry>(&self, carry: Option<&C>) -> Result<Option<Vec<TensorData>>, TrainError> {
        let ours = carry.map(Carry::to_data);
        let (Some(group), Some(ours)) = (&self.group, &ours) else { return Ok(ours) };
        let malformed = |e: String| TrainError::Task(format!("hidden states between ranks: {e}").into());
        let bytes = pack(ours.clone()).map_err(malformed)?;
        let all = group.gather(&bytes).into_iter().map(|bytes| unpack(Bytes::from_bytes_vec(bytes)));
        let all = all.collect::<Result<Vec<_>, _>>().map_err(malformed)?;
        Ok(Some((0..ours.len()).map(|tensor| rows_of_all(all.iter().map(|data| &data[tensor]))).collect()))
    }

    /// A warning if the weights of the processes are no longer the same, which they stay where all compute alike.
    pub fn drift<M: Module>(&self, model: &M) -> Result<Option<String>, TrainError> {
        let Some(group) = &self.group else { return Ok(None) };
        let all = group.gather(digest(model)?.as_bytes());
        let other = (1..all.len()).find(|&rank| all[rank] != all[0]);
        Ok(other.map(|rank| {
            format!(
                "the weights of rank {rank} are no longer those of rank 0, to the last bit: the machines compute \
                 differently. The checkpoint has those of rank 0"
            )
        }))
    }

    /// Runs `action` on the first process, and then on the others, which find what it has written.
    pub fn first_then_others<R>(&self, action: impl FnOnce() -> R) -> R {
        if !self.is_first() {
            self.wait();
        }
        let done = action();
        if self.is_first() {
            self.wait();
        }
        done
    }

    /// Waits for all processes.
    pub fn wait(&self) {
        if let Some(group) = &self.group {
            group.gather(&[]);
        }
    }

    fn timed<R>(&self, action: impl FnOnce() -> R) -> R {
        let started = Instant::now();
        let done = action();
        self.summing.set(self.summing.get() + started.elapsed());
        done
    }
}

/// Refuses batches that cannot be shared by `ranks` processes in equal parts.
fn check_batch<S: RunSettings>(settings: &S, ranks: usize) -> Result<(), SettingError> {
    let tables = Table::try_from(settings).unwrap_or_default();
    let number = |key: &str| tables.get("data").and_then(|data| data.get(key)).and_then(|value| value.as_integer());
    let (Some(size), None) = (number("batch_size"), number("batch_tokens")) else { return Ok(()) };
    let (size, ranks) = (size.max(1) as usize, ranks.max(1));
    if size.is_multiple_of(ranks) {
        return Ok(());
    }
    let below = size / ranks * ranks;
    let nearest = if below > 0 && size - below <= ranks - size % ranks { below } else { below + ranks };
    let wanted = format!("a multiple of {ranks}, the number of ranks, such as {nearest}");
    Err(SettingError::invalid("batch-size", size, wanted))
}

/// Tensors of rows, one below the other.
fn rows_of_all<'a>(parts: impl Iterator<Item = &'a TensorData>) -> TensorData {
    let mut bytes = Vec::new();
    let (mut rows, mut like) = (0, None);
    for part in parts {
        rows += part.shape()[0];
        bytes.extend_from_slice(part.as_bytes());
        like = Some(part);
    }
    let like = like.expect("at least one process");
    let mut shape = like.shape().to_vec();
    shape[0] = rows;
    TensorData::from_bytes_vec(bytes, shape, like.dtype())
}

/// The rows of a share of tensors `[B, ..]`.
pub(super) fn data_of_rows(data: Vec<TensorData>, share: Share) -> Vec<TensorData> {
    if share == Share::ALL {
        return data;
    }
    let ours = |data: TensorData| {
        let mut shape = data.shape().to_vec();
        let rows = share.rows(shape[0]);
        let row = data.as_bytes().len() / shape[0].max(1);
        shape[0] = rows.count;
        TensorData::from_bytes_vec(
            data.as_bytes()[rows.first * row..][..rows.count * row].to_vec(),
            shape,
            data.dtype(),
        )
    };
    data.into_iter().map(ours).collect()
}
