use super::*;
use crate::cpu::{
    panels::Orientation,
    testing::{architectures, numbers},
};

/// `rows` of `a`, each to the place that it has there.
fn rows_of<'a>(
    a: &'a [f32],
    depth: usize,
    columns: usize,
    rows: &[usize],
    start: impl Fn(usize) -> Start<'a>,
) -> Vec<Row<'a>> {
    let row = |&r: &usize| Row { factors: &a[r * depth..][..depth], start: start(r), at: r * columns };
    rows.iter().map(row).collect()
}

#[test]
fn products_of_all_heights_and_odd_sizes_are_those_of_the_plain_sum() {
    for (depth, columns) in [(1, 1), (5, 17), (16, 16), (37, 100), (64, 33), (5, 300)] {
        let weight = numbers(depth * columns, 1);
        let transposed: Vec<f32> =
            (0..columns * depth).map(|index| weight[index % depth * columns + index / depth]).collect();
        for arch in architectures() {
            let plain = Panels::pack(arch, &weight, columns, Orientation::Plain);
            let turned = Panels::pack(arch, &transposed, depth, Orientation::Transposed);
            for height in 0..15 {
                // Every second row, so that the rows between must stay as they are.
                let rows: Vec<usize> = (0..height).map(|r| 2 * r).collect();
                let all = 2 * height;
                let (a, start) = (numbers(all * depth, 2), numbers(all * columns, 3));
                let before = numbers(all * columns, 4);
                // Some rows of each kind of start.
                let rows = rows_of(&a, depth, columns, &rows, |r| match r % 3 {
                    0 => Start::Zero,
                    1 => Start::Output,
                    _ => Start::From(&start[r * columns..][..columns]),
                });
                for panels in [&plain, &turned] {
                    let mut out = before.clone();
                    arch.dispatch(Product { panels, rows: &rows, out: &mut out });
                    for (index, (&seen, &before)) in out.iter().zip(&before).enumerate() {
                        let (r, column) = (index / columns, index % columns);
                        let sum: f64 = (0..depth)
                            .map(|k| f64::from(a[r * depth + k]) * f64::from(weight[k * columns + column]))
                            .sum();
                        let wanted = match r % 6 {
                            0 => sum,
                            4 => sum + f64::from(before),
                            2 => sum + f64::from(start[index]),
                            _ => f64::from(before),
                        };
                        // At most 64 additions of numbers below 0.25, each rounded.
                        assert!((f64::from(seen) - wanted).abs() < 5e-6, "{seen}, wanted {wanted}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_company() {
    let (depth, columns, height) = (37, 41, 13);
    let weight = numbers(depth * columns, 1);
    let (a, start) = (numbers(height * depth, 2), numbers(height * columns, 3));
    for arch in architectures() {
        let panels = Panels::pack(arch, &weight, columns, Orientation::Plain);
        let walk = |rows: &[usize]| {
            let mut out = vec![0.5; height * columns];
            let rows = rows_of(&a, depth, columns, rows, |r| Start::From(&start[r * columns..]));
            arch.dispatch(Product { panels: &panels, rows: &rows, out: &mut out });
            out
        };
        let together = walk(&(0..height).collect::<Vec<_>>());
        for r in 0..height {
            let row = r * columns..(r + 1) * columns;
            assert_eq!(walk(&[r])[row.clone()], together[row]);
        }
    }
}

#[test]
fn threads_that_share_a_product_give_its_bits() {
    // With fewer panels than threads, and with as many threads as panels and a narrow one.
    for (depth, columns, height) in [(5, 17, 3), (37, 300, 4), (16, 128, 1)] {
        let weight = numbers(depth * columns, 1);
        let (a, start) = (numbers(height * depth, 2), numbers(height * columns, 3));
        let all: Vec<usize> = (0..height).collect();
        let rows = rows_of(&a, depth, columns, &all, |r| match r % 3 {
            0 => Start::From(&start[r * columns..]),
            1 => Start::Output,
            _ => Start::Zero,
        });
        for arch in architectures() {
            let made = |threads| {
                let panels = Panels::pack(arch, &weight, columns, Orientation::Plain).shared_by(threads);
                let mut out = vec![0.5; height * columns];
                arch.dispatch(Product { panels: &panels, rows: &rows, out: &mut out });
                out
            };
            assert_eq!(made(1), made(3), "{depth} by {columns}");
        }
    }
}
