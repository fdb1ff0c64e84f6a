use rekindle_testing::on_threads;

use super::*;

fn extent(steps: usize, batch: usize, hidden: usize) -> Extent {
    Extent { arch: Arch::Scalar, steps, batch, gates: 4, hidden }
}

#[test]
fn blocks_cover_the_batch_evenly() {
    let blocks = on_threads(3, || extent(10, 7, 256).blocks());
    assert_eq!(blocks, [0..2, 2..4, 4..7]);
}

#[test]
fn there_are_no_more_blocks_than_rows() {
    assert_eq!(on_threads(3, || extent(100, 2, 256).blocks()), [0..1, 1..2]);
}

#[test]
fn little_work_stays_on_one_thread() {
    assert_eq!(on_threads(3, || extent(2, 7, 16).blocks()).len(), 1);
}

#[test]
fn few_rows_of_a_large_cell_stay_together_and_share_each_product() {
    for (batch, threads, blocks) in [(1, 3, 1), (14, 3, 1), (15, 1, 3)] {
        let (seen_threads, seen_blocks) = on_threads(3, || {
            let extent = extent(2, batch, 512);
            (extent.sharing_threads(), extent.blocks())
        });
        assert_eq!((seen_threads, seen_blocks.len()), (threads, blocks), "{batch} rows");
    }
}

#[test]
fn each_block_gets_its_rows_of_each_step() {
    let mut data: Vec<f32> = (0..12).map(|x| x as f32).collect();
    let parts = split_steps(&mut data, &extent(2, 3, 2), &[0..1, 1..3], 2);
    assert_eq!(parts[0], [[0.0, 1.0], [6.0, 7.0]]);
    assert_eq!(parts[1], [[2.0, 3.0, 4.0, 5.0], [8.0, 9.0, 10.0, 11.0]]);
}
