use pulp::Arch;

use super::*;
use crate::{Direction, cpu::testing::numbers};

/// `T = 3`, `B = 2`, `H = 5`; the first row has two valid steps.
const EXTENT: Extent = Extent { arch: Arch::Scalar, steps: 3, batch: 2, gates: 1, hidden: 5 };

fn scan(direction: Direction) -> Scan {
    Scan { direction, lengths: Some(vec![2, 3]), ..Scan::default() }
}

/// Gradients of the gates, 0 in the padding.
fn gates(width: usize) -> Vec<f32> {
    let mut d = numbers(6 * width, 1);
    d[4 * width..5 * width].fill(0.0);
    d
}

#[test]
fn the_weight_gradient_pairs_each_step_with_the_state_it_read() {
    let (width, hidden) = (7, EXTENT.hidden);
    let d = gates(width);
    let mut states = numbers(6 * hidden, 2);
    states[4 * hidden..5 * hidden].fill(0.0);
    let h0 = numbers(2 * hidden, 3);
    for direction in [Direction::Forward, Direction::Reverse] {
        let scan = scan(direction);
        let columns = Columns { columns: 3, first: 2, ..Columns::all(&d, width) };
        // What is there already must not show through.
        let mut seen = vec![9.0; 3 * hidden];
        weight_gradient(&EXTENT, &scan, columns, States { sequence: &states, initial: &h0 }, &mut seen);
        for (index, &seen) in seen.iter().enumerate() {
            let (gate, unit) = (index / hidden + 2, index % hidden);
            let mut wanted = 0.0;
            for (t, b) in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1)] {
                let h = match scan.previous(t, b, 3) {
                    Some(t) => states[(2 * t + b) * hidden + unit],
                    None => h0[b * hidden + unit],
                };
                wanted += d[(2 * t + b) * width + gate] * h;
            }
            // Five products of order 0.1.
            assert!((seen - wanted).abs() < 1e-6, "{direction:?}: {seen}, wanted {wanted}");
        }
    }
}

#[test]
fn the_table_gradient_sums_the_valid_positions_of_each_symbol() {
    let d = gates(2);
    let symbols = Symbols { ids: [3, 1, 3, 3, 1, 0].into(), vocabulary: 5 };
    let mut table = vec![9.0; 10];
    table_gradient(&EXTENT, &scan(Direction::Forward), &symbols, &d, &mut table);
    let at = |position: usize, column: usize| d[2 * position + column];
    for column in 0..2 {
        let wanted = [at(5, column), at(1, column), 0.0, at(0, column) + at(2, column) + at(3, column), 0.0];
        let seen: Vec<f32> = table.iter().skip(column).step_by(2).copied().collect();
        assert_eq!(seen, wanted);
    }
}
