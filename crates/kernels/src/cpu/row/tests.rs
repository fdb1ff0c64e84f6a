use super::*;
use crate::cpu::{
    panels::Orientation,
    testing::{architectures, numbers},
    tiles::Product,
};

#[test]
fn a_row_packed_for_alone_has_the_bits_of_the_product_of_many() {
    // The last is large enough for two threads.
    for (depth, columns) in [(1, 1), (5, 17), (37, 100), (64, 129), (700, 1000)] {
        let weight = numbers(depth * columns, 1);
        let (row, start) = (numbers(depth, 2), numbers(columns, 3));
        for arch in architectures() {
            let panels = Panels::pack(arch, &weight, depth, Orientation::Transposed);
            let mut among = start.clone();
            let rows = [Row { factors: &row, start: Start::Output, at: 0 }];
            arch.dispatch(Product { panels: &panels, rows: &rows, out: &mut among });
            let mut alone = start.clone();
            Panels::pack_for_row(arch, &weight, depth, Orientation::Transposed).times_row(arch, &row, &mut alone);
            assert_eq!(alone, among, "{depth} by {columns}");
        }
    }
}
