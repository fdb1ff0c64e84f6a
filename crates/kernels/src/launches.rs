//! Counting kernel launches, which dominate the time on a GPU with small batches.

#[cfg(feature = "native-gpu")]
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

#[cfg(feature = "native-gpu")]
use cubecl::logging::{LaunchObservation, LaunchObserver};

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

#[cfg(all(test, feature = "native-gpu"))]
mod tests {
    use super::short;

    #[test]
    fn a_name_loses_the_paths_of_its_modules() {
        assert_eq!(short("a::b::kernel::Kernel<a::ops::Add, f32>"), "Kernel<Add, f32>");
        assert_eq!(short("Kernel"), "Kernel");
        assert_eq!(short(&format!("a::Kernel<{}>", "b::Type, ".repeat(9))), "Kernel");
    }
}
