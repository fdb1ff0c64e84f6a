//! The plans of layers on devices of many kinds.

use super::{Layer, Limits, MOST_SUMS, MOST_SUMS_OF_SOFTWARE, Plan, Tile, largest};
use crate::{gru::Gru, lstm::Lstm, rnn::Rnn};

/// A large GPU through `wgpu`, which does not state its multiprocessors.
const GPU: Limits = Limits {
    shared_memory: 48 << 10,
    threads: 1024,
    workgroups: 65_535,
    bindings: 16,
    multiprocessors: None,
    software: false,
};

fn lstm(limits: &Limits, batch: usize, hidden: usize) -> Option<Plan> {
    Plan::new(limits, Layer::of::<Lstm>(batch, hidden, false))
}

fn assert_fits(limits: &Limits, tile: Tile) {
    let seen = format!("{tile:?} on {limits:?}");
    assert!(tile.threads() <= limits.threads, "{seen}");
    assert!(tile.shared_bytes() <= limits.shared_memory, "{seen}");
    // A row that stands alone is not given up, whatever its sums.
    let most_sums = if limits.software { MOST_SUMS_OF_SOFTWARE } else { MOST_SUMS };
    assert!(tile.rows == 1 || tile.sums() <= most_sums, "{seen}");
    // Every unit has a thread, and every term a slice.
    assert!(tile.columns() * tile.units >= tile.hidden, "{seen}");
    assert_eq!(tile.terms % tile.slices, 0, "{seen}");
}

#[test]
fn every_plan_is_within_the_limits_of_the_device() {
    for (shared_memory, threads) in [(16 << 10, 128), (16 << 10, 256), (32 << 10, 1024), (48 << 10, 1024), (1 << 10, 8)]
    {
        for software in [false, true] {
            for multiprocessors in [None, Some(1), Some(132)] {
                let limits = Limits { shared_memory, threads, software, multiprocessors, ..GPU };
                for hidden in [1, 3, 5, 17, 64, 130, 255, 256, 512, 640] {
                    for batch in [1, 2, 63, 64, 1000] {
                        let layers = [
                            Layer::of::<Rnn>(batch, hidden, true),
                            Layer::of::<Gru>(batch, hidden, true),
                            Layer::of::<Lstm>(batch, hidden, true),
                        ];
                        for plan in layers.into_iter().filter_map(|layer| Plan::new(&limits, layer)) {
                            assert_fits(&limits, plan.forward);
                            assert_fits(&limits, plan.backward);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_gpu_walks_a_usual_layer_in_one_launch_with_full_workgroups() {
    let plan = lstm(&GPU, 64, 256).expect("it fits");
    assert_eq!((plan.forward.rows, plan.backward.rows), (2, 2), "{plan:?}");
    assert_eq!((plan.forward.threads(), plan.backward.threads()), (1024, 1024), "{plan:?}");
}

#[test]
fn a_device_that_states_its_multiprocessors_gets_a_workgroup_for_each() {
    let plan = lstm(&Limits { multiprocessors: Some(64), ..GPU }, 64, 256).expect("it fits");
    assert_eq!(plan.backward.rows, 1, "{plan:?}");
}

#[test]
fn what_does_not_fit_falls_back() {
    // Weights of more bytes than the bound.
    assert!(lstm(&GPU, 64, 640).is_some());
    assert_eq!(lstm(&GPU, 64, 641), None);
    // The gradients of a row's products are 4 x 4 x 256 bytes.
    assert!(lstm(&Limits { shared_memory: 4 << 10, ..GPU }, 64, 256).is_some());
    assert_eq!(lstm(&Limits { shared_memory: (4 << 10) - 1, ..GPU }, 64, 256), None);
    // Eight units to a thread.
    assert!(lstm(&Limits { threads: 32, ..GPU }, 64, 256).is_some());
    assert_eq!(lstm(&Limits { threads: 31, ..GPU }, 64, 256), None);
    assert_eq!(lstm(&Limits { workgroups: 3, ..GPU }, 64, 256), None);
    let buffers = Layer::of::<Lstm>(64, 256, false).buffers;
    assert!(lstm(&Limits { bindings: buffers, ..GPU }, 64, 256).is_some());
    assert_eq!(lstm(&Limits { bindings: buffers - 1, ..GPU }, 64, 256), None);
    assert_eq!((lstm(&GPU, 0, 256), lstm(&GPU, 64, 0)), (None, None));
}

#[test]
fn the_largest_layer_is_the_last_that_fits() {
    assert_eq!(largest::<Lstm>(&GPU), Some(640));
    assert_eq!(largest::<Gru>(&GPU), Some(739));
    assert_eq!(largest::<Rnn>(&GPU), Some(1280));
    // Eight units to a thread.
    assert_eq!(largest::<Lstm>(&Limits { threads: 16, ..GPU }), Some(128));
    assert_eq!(largest::<Lstm>(&Limits { bindings: 7, ..GPU }), None);
}

#[test]
fn a_software_device_gets_long_threads_but_whole_vectors() {
    let software = Limits { shared_memory: 32 << 10, software: true, ..GPU };
    let plan = lstm(&software, 64, 256).expect("it fits");
    assert_eq!((plan.forward.sums(), plan.backward.sums()), (64, 64), "{plan:?}");
    assert_eq!((plan.forward.slices, plan.backward.slices), (1, 1), "{plan:?}");
    assert_eq!(lstm(&software, 64, 5).expect("it fits").backward.units, 1);
}
