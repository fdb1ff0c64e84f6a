//! Work on all CPU threads, with the same result for any number of them.

use rayon::prelude::*;

/// Runs `task` on each item on all threads, and `merge` on the results in the order of the items.
///
/// Results are merged while the next ones are computed, as many as there are threads, so that few are in memory.
pub(crate) fn in_order<'a, T: Sync, R: Send>(
    items: &'a [T],
    task: impl Fn(&'a T) -> R + Sync,
    mut merge: impl FnMut(R) + Send,
) {
    let mut computed = Vec::new();
    for group in items.chunks(rayon::current_num_threads()) {
        let before = std::mem::take(&mut computed);
        let compute = || group.par_iter().map(&task).collect::<Vec<R>>();
        (computed, ()) = rayon::join(compute, || before.into_iter().for_each(&mut merge));
    }
    computed.into_iter().for_each(merge);
}

/// Runs `action` in a pool with this many threads.
#[cfg(test)]
pub(crate) fn on_threads<R: Send>(threads: usize, action: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_merged_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        for threads in [1, 2, 3, 7] {
            let mut merged = Vec::new();
            on_threads(threads, || in_order(&items, |item| item * 2, |double| merged.push(double)));
            assert_eq!(merged, items.iter().map(|item| item * 2).collect::<Vec<_>>(), "{threads} threads");
        }
    }
}
