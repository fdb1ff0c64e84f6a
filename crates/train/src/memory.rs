//! The memory that training needs, estimated before it is allocated.

use std::fmt;

use burn::module::Module;
use burn::tensor::Device;
use rekindle_kernels::device::is_cpu;
use rekindle_rnn::blank;
use serde::Serialize;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::error::TrainError;
use crate::settings::RunSettings;
use crate::task::Task;

/// Bytes per number.
const NUMBER: f64 = 4.0;

/// The least memory that training needs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Parameters of the model.
    pub parameters: usize,
    /// The weights, their gradients and their mean, if there is one.
    pub weights: f64,
    /// The optimizer's state.
    pub optimizer: f64,
    /// The values that a step keeps for its backward pass: see [`Task::kept`].
    pub activations: f64,
}

impl Estimate {
    /// The estimate for a run of `task` with these settings. Its model is not allocated: see [`blank`].
    pub fn of<T: Task>(task: &T, settings: &T::Settings, device: &Device) -> Self {
        let training = settings.training();
        let parameters = blank(|| T::model(settings, task.assets(), training.seed, device)).num_params();
        let bytes = NUMBER * parameters as f64;
        Self {
            parameters,
            weights: if training.average.wanted() { 3.0 } else { 2.0 } * bytes,
            optimizer: training.optimizer.moments() as f64 * bytes,
            activations: NUMBER * task.kept(),
        }
    }

    /// The total.
    pub fn total(&self) -> f64 {
        self.weights + self.optimizer + self.activations
    }

    /// Checks that enough memory is free. GPU memory is not known here, and passes.
    ///
    /// # Errors
    ///
    /// [`TrainError::TooLarge`].
    pub fn check(&self, device: &Device) -> Result<(), TrainError> {
        match free() {
            Some(free) if is_cpu(device) && self.total() > free => Err(TrainError::TooLarge { estimate: *self, free }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [total, weights, optimizer, activations] =
            [self.total(), self.weights, self.optimizer, self.activations].map(in_words);
        write!(f, "at least {total}: weights and gradients {weights}, optimizer {optimizer}, activations {activations}")
    }
}

/// The memory in bytes that this process can still allocate; none if the system does not report it.
fn free() -> Option<f64> {
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    let system = System::new_with_specifics(kind);
    // Within a container, the container's free memory.
    let machine = system.cgroup_limits().map_or(system.available_memory(), |limits| limits.free_memory);
    let machine = machine.saturating_add(system.free_swap());
    let free = address_space().map_or(machine, |space| machine.min(space));
    (free > 0).then_some(free as f64)
}

/// The address space in bytes that this process's limit (`ulimit -v`) leaves; none without a limit.
#[cfg(target_os = "linux")]
fn address_space() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::As).current?;
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').next()?.parse().ok()?;
    Some(limit.saturating_sub(pages * rustix::param::page_size() as u64))
}

#[cfg(not(target_os = "linux"))]
fn address_space() -> Option<u64> {
    None
}

/// A readable number of bytes: `1.2 GB`.
pub(crate) fn in_words(bytes: f64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB")];
    let (size, unit) = units.into_iter().find(|(size, _)| bytes >= *size).unwrap_or((1e3, "kB"));
    format!("{:.1} {unit}", bytes / size)
}

#[cfg(test)]
mod tests;
