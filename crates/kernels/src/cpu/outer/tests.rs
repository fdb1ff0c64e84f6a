use rekindle_testing::on_threads;

use super::*;
use crate::cpu::testing::{architectures, numbers};

#[test]
fn sums_of_odd_sizes_and_several_blocks_are_those_of_the_definition() {
    // Less than a tile, no multiple of one, and enough work for two threads.
    for (depth, columns, width) in [(1, 1, 1), (5, 7, 17), (2 * DEPTH + 3, 25, 41), (DEPTH, 44, 64)] {
        let (first, a_width) = (2, columns + 3);
        let (a, b) = (numbers(depth * a_width, 1), numbers(depth * width, 2));
        let part = Columns { data: &a, width: a_width, first, columns };
        for arch in architectures() {
            // What is there already must not show through.
            let mut out = vec![9.0; columns * width];
            outer_products(arch, [depth, columns], |k| part.row(k), |k| &b[k * width..][..width], &mut out);
            for (index, &seen) in out.iter().enumerate() {
                let (m, n) = (index / width, index % width);
                let product = |k: usize| f64::from(a[k * a_width + first + m]) * f64::from(b[k * width + n]);
                let wanted: f64 = (0..depth).map(product).sum();
                // Hundreds of numbers below 0.25, each rounded.
                assert!((f64::from(seen) - wanted).abs() < 5e-6, "{depth}, {m}, {n}: {seen}, wanted {wanted}");
            }
        }
    }
}

#[test]
fn sums_in_some_columns_leave_the_others_as_they_are() {
    for (depth, high, first, wide, width) in [(1, 1, 0, 1, 2), (5, 7, 3, 17, 23), (DEPTH + 3, 25, 5, 41, 46)] {
        let (a, b) = (numbers(depth * high, 1), numbers(depth * wide, 2));
        let (a, b) = (|k: usize| &a[k * high..][..high], |k: usize| &b[k * wide..][..wide]);
        for arch in architectures() {
            let (mut alone, mut within) = (vec![0.0; high * wide], vec![9.0; high * width]);
            outer_products(arch, [depth, high], a, b, &mut alone);
            outer_products_in_columns(arch, [depth, high], a, b, &mut within, first..first + wide);
            for (row, alone) in within.chunks(width).zip(alone.chunks(wide)) {
                assert_eq!(&row[first..first + wide], alone);
                assert!(row[..first].iter().chain(&row[first + wide..]).all(|&other| other == 9.0));
            }
        }
    }
}

#[test]
fn the_sums_do_not_depend_on_the_threads() {
    let (depth, columns, width) = (300, 50, 40);
    let (a, b) = (numbers(depth * columns, 1), numbers(depth * width, 2));
    let made = |threads| {
        let mut out = vec![0.0; columns * width];
        on_threads(threads, || {
            let (a, b) = (|k: usize| &a[k * columns..][..columns], |k: usize| &b[k * width..][..width]);
            outer_products(Arch::new(), [depth, columns], a, b, &mut out);
        });
        out
    };
    assert_eq!(made(1), made(3));
}
