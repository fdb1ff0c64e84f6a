use super::*;

/// A pool of its own: the other tests use the shared one.
fn pool_of(lengths: &[usize]) -> Pool {
    let waiting = lengths.iter().map(|&len| Waiting { data: Vec::with_capacity(len), since: 0 });
    Pool { waiting: waiting.collect(), requests: 0 }
}

fn capacities(pool: &Pool) -> Vec<usize> {
    pool.waiting.iter().map(|buffer| buffer.data.capacity()).collect()
}

#[test]
fn the_smallest_buffer_that_fits_is_used_again() {
    let mut pool = pool_of(&[400, 100, 150, 90]);
    let buffer = pool.best_fit(95).expect("there is one of 100");
    assert_eq!(buffer.capacity(), 100);
    assert_eq!(capacities(&pool).len(), 3);
}

#[test]
fn a_small_request_does_not_hold_a_large_buffer() {
    let mut pool = pool_of(&[400]);
    assert!(pool.best_fit(100).is_none());
}

#[test]
fn a_buffer_that_nobody_asks_for_is_freed() {
    let mut pool = pool_of(&[1000, 50]);
    for _ in 0..=IDLE_REQUESTS {
        let data = pool.best_fit(50).expect("the small one is in use all the time");
        let since = pool.requests;
        pool.waiting.push(Waiting { data, since });
    }
    assert_eq!(pool.expire().len(), 1);
    assert_eq!(capacities(&pool), [50]);
}

#[test]
fn a_buffer_has_the_length_that_was_asked_for() {
    for len in [0, 1, 1000, 700] {
        assert_eq!(Buffer::take(len).len(), len);
    }
}
