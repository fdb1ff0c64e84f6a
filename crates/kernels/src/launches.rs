//! Counting kernel launches, which dominate the time on a GPU with small batches, the time of a GPU by its own clock,
//! and the layers whose sequences run in one launch.

use std::time::Duration;
#[cfg(feature = "native-gpu")]
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

#[cfg(feature = "native-gpu")]
use burn::backend::DispatchDevice;
use burn::tensor::Device;
#[cfg(feature = "native-gpu")]
use cubecl::{
    benchmark::TimingMethod,
    future::block_on,
    logging::{LaunchObservation, LaunchObserver},
};

#[cfg(feature = "native-gpu")]
use crate::{
    cube::plan::{Limits, largest},
    device::runs_kernels,
    gru::Gru,
    lstm::Lstm,
    rnn::Rnn,
};

/// The launches of one kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launches {
    /// The kernel's name in its source, with the operation that it is generic over, unless that has a long name.
    pub kernel: String,
    /// How often it was launched.
    pub count: usize,
}

/// Runs `action` and counts the kernels launched meanwhile by the process, on all GPUs and by all
/// threads; none without a GPU backend.
///
/// Concurrent calls run one after the other.
pub fn count<R>(action: impl FnOnce() -> R) -> (R, usize) {
    let (result, launches) = by_kernel(action);
    (result, launches.iter().map(|launches| launches.count).sum())
}

/// As [`count`], for each kernel: the one with the most launches first.
#[cfg(feature = "native-gpu")]
pub fn by_kernel<R>(action: impl FnOnce() -> R) -> (R, Vec<Launches>) {
    // The observer belongs to the process, not to the thread.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let counts = Arc::new(Counts::default());
    let observation = LaunchObservation::new(counts.clone());
    let result = action();
    drop(observation);
    // Names that differ in their paths only are one kernel with several element types.
    let mut by_name = BTreeMap::<String, usize>::new();
    for (kernel, count) in counts.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        *by_name.entry(short(kernel)).or_default() += count;
    }
    let mut launches: Vec<_> = by_name.into_iter().map(|(kernel, count)| Launches { kernel, count }).collect();
    launches.sort_by_key(|launches| std::cmp::Reverse(launches.count));
    (result, launches)
}

/// Runs `action`; no GPU backend could launch a kernel.
#[cfg(not(feature = "native-gpu"))]
pub fn by_kernel<R>(action: impl FnOnce() -> R) -> (R, Vec<Launches>) {
    (action(), Vec::new())
}

/// Runs `action` and measures the time from the start of its first kernel on a GPU to the end of its last, by the
/// GPU's own clock: without what the host does before the first, with the gaps in which the GPU waits for the host.
/// `None` for a CPU, for a GPU without timestamps, and when no kernel ran.
///
/// The action runs on the thread of the device.
#[cfg(feature = "native-gpu")]
#[allow(unreachable_patterns, reason = "there are other devices when other backends are compiled in")]
pub fn device_time<R: Send>(device: &Device, action: impl FnOnce() -> R + Send) -> (R, Option<Duration>) {
    let client = match device.clone().inner().as_dispatch() {
        DispatchDevice::Cube(device) => device.client(),
        _ => return (action(), None),
    };
    let mut result = None;
    let profile = client.profile(|| result = Some(action()), "device_time");
    let duration = profile.ok().filter(|((), profile)| profile.timing_method() == TimingMethod::Device);
    let ticks = duration.and_then(|((), profile)| block_on(profile.resolve()));
    (result.expect("a profile runs its action"), ticks.map(|ticks| ticks.duration()))
}

/// Runs `action`; no GPU backend could compute.
#[cfg(not(feature = "native-gpu"))]
pub fn device_time<R: Send>(_device: &Device, action: impl FnOnce() -> R + Send) -> (R, Option<Duration>) {
    (action(), None)
}

/// Longer names lose what they are generic over.
#[cfg(feature = "native-gpu")]
const LONGEST: usize = 40;

/// A type's name without the paths of modules.
#[cfg(feature = "native-gpu")]
fn short(name: &str) -> String {
    let mut short = String::new();
    for part in name.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        short.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    if short.len() > LONGEST {
        short.truncate(short.find('<').unwrap_or(short.len()));
    }
    short
}

#[cfg(feature = "native-gpu")]
#[derive(Default)]
struct Counts(Mutex<BTreeMap<&'static str, usize>>);

#[cfg(feature = "native-gpu")]
impl LaunchObserver for Counts {
    fn launched(&self, kernel: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(kernel).or_default() += 1;
    }
}

/// The layers of a cell whose sequences run in one launch forward and one backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneLaunch {
    /// The name of the cell: `rnn`, `gru` or `lstm`.
    pub cell: &'static str,
    /// The largest hidden size of such a layer; `None` if there is none. A larger layer takes two
    /// launches for each time step.
    pub hidden: Option<usize>,
}

/// The layers whose sequences run in one launch on a GPU, by cell; empty for a device that runs no
/// kernels of this crate.
///
/// It depends on the device's shared memory, workgroup size and number of bindings, and on how many
/// bytes of weights its caches can be expected to hold.
#[cfg(feature = "native-gpu")]
#[allow(unreachable_patterns, reason = "there are other devices when other backends are compiled in")]
pub fn one_launch(device: &Device) -> Vec<OneLaunch> {
    let limits = match device.clone().inner().as_dispatch() {
        DispatchDevice::Cube(device) if runs_kernels() => Limits::of(&device.client()),
        _ => return Vec::new(),
    };
    let cells =
        [("rnn", largest::<Rnn>(&limits)), ("gru", largest::<Gru>(&limits)), ("lstm", largest::<Lstm>(&limits))];
    cells.into_iter().map(|(cell, hidden)| OneLaunch { cell, hidden }).collect()
}

/// No GPU backend is compiled in.
#[cfg(not(feature = "native-gpu"))]
pub fn one_launch(_device: &Device) -> Vec<OneLaunch> {
    Vec::new()
}

/// The form of the kernels of a sequence.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A product and a kernel for each time step.
    PerStep,
    /// One kernel, planned for a software device or for a real one.
    PerSequence { software: bool },
}

std::thread_local! {
    static FORM: std::cell::Cell<Option<Form>> = const { std::cell::Cell::new(None) };
}

/// Runs `action`; sequences that this thread begins meanwhile have a given form, where they fit.
/// For tests, which have one device and check all forms on it.
#[doc(hidden)]
pub fn with_form<R>(form: Form, action: impl FnOnce() -> R) -> R {
    let before = FORM.replace(Some(form));
    let result = action();
    FORM.set(before);
    result
}

#[cfg(feature = "native-gpu")]
pub(crate) fn form() -> Option<Form> {
    FORM.get()
}

#[cfg(all(test, feature = "native-gpu"))]
mod tests {
    use std::time::{Duration, Instant};

    use burn::tensor::Tensor;
    use rekindle_testing::{cpus, devices};

    use super::{device_time, short};

    #[test]
    fn the_time_of_a_gpu_is_a_part_of_the_time_that_passes() {
        for (index, device) in devices().into_iter().enumerate() {
            let ones = Tensor::<2>::ones([64, 64], &device);
            let started = Instant::now();
            let (sum, time) = device_time(&device, || ones.clone().matmul(ones).sum().into_scalar::<f32>());
            let passed = started.elapsed();
            assert_eq!(sum, 64.0 * 64.0 * 64.0);
            match time {
                // The clocks need not run alike.
                Some(time) => assert!(time > Duration::ZERO && time < 2 * passed, "{time:?} of {passed:?}"),
                None => eprintln!("{device:?} has no clock of its own"),
            }
            assert!(index >= cpus().len() || time.is_none(), "{device:?}");
        }
    }

    #[test]
    fn a_name_loses_the_paths_of_its_modules() {
        assert_eq!(short("a::b::kernel::Kernel<a::ops::Add, f32>"), "Kernel<Add, f32>");
        assert_eq!(short("Kernel"), "Kernel");
        assert_eq!(short(&format!("a::Kernel<{}>", "b::Type, ".repeat(9))), "Kernel");
    }
}
