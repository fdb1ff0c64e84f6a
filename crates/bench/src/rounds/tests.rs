use std::cell::RefCell;

use super::*;

#[test]
fn contestants_alternate_and_the_first_step_of_a_turn_is_not_counted() {
    let [rounds, steps] = [2, 3].map(|count| NonZeroUsize::new(count).unwrap());
    let log = RefCell::new(String::new());
    let figures = Turns { rounds, steps }.take(&mut [&mut 'a', &mut 'b'], |name, steps| {
        *log.borrow_mut() += &format!("{name}{steps} ");
        Ok(log.borrow().len() as f64)
    });
    assert_eq!(log.into_inner(), "a1 a3 b1 b3 a1 a3 b1 b3 ");
    assert_eq!(figures.unwrap(), [[6.0, 18.0], [12.0, 24.0]]);
}

#[test]
fn the_median_of_an_even_count_lies_between_the_middle_two() {
    assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 8.0]), Spread { median: 3.0, min: 1.0, max: 8.0 });
    assert_eq!(Spread::of(&[3.0, 1.0, 2.0]).median, 2.0);
}

#[test]
fn ratios_are_taken_round_by_round() {
    assert_eq!(Spread::of_ratios(&[2.0, 9.0], &[1.0, 3.0]), Spread { median: 2.5, min: 2.0, max: 3.0 });
}
