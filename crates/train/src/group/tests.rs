use super::threads::run;
use super::*;

#[test]
fn sums_and_bytes_of_all_processes_are_known_to_each() {
    let seen = run(3, |rank| {
        let group = present().expect("three processes");
        let mut values = [rank as f32, 1.0];
        group.sum(&mut values);
        let mut exact = [0.5 * rank as f64];
        group.sum_exact(&mut exact);
        (values, exact, group.gather(&vec![rank as u8; rank]))
    });
    for (values, exact, bytes) in seen {
        assert_eq!((values, exact), ([3.0, 3.0], [1.5]));
        assert_eq!(bytes, [vec![], vec![1], vec![2, 2]]);
    }
}

#[test]
fn pieces_are_shared_and_come_back_in_order() {
    let alone = shared(7, |piece| Ok(piece * piece)).unwrap();
    for size in [1, 2, 3, 9] {
        let done = run(size, |_| {
            let mut pieces = Vec::new();
            let all = shared(7, |piece| {
                pieces.push(piece);
                Ok(piece * piece)
            });
            (all.unwrap(), pieces)
        });
        let mut pieces: Vec<usize> = done.iter().flat_map(|(_, pieces)| pieces.clone()).collect();
        pieces.sort_unstable();
        assert_eq!(pieces, (0..7).collect::<Vec<_>>());
        assert!(done.iter().all(|(all, _)| *all == alone));
    }
}

#[test]
fn one_process_is_no_group() {
    assert!(run(1, |_| present().is_none())[0]);
    assert_eq!(Share::present(), Share::ALL);
}
