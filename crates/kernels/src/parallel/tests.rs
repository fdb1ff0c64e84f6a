use burn::tensor::Tensor;

use super::*;

#[test]
fn results_keep_the_order_of_the_items() {
    let device = Device::flex().autodiff();
    let sums = for_each(&device, (0..100).collect(), |i| Tensor::<1>::ones([i], &device).sum().into_scalar::<f32>());
    assert_eq!(sums, (0..100).map(|i| i as f32).collect::<Vec<_>>());
}

#[test]
fn parts_share_the_threads_and_keep_their_order() {
    for (threads, parts, wanted) in [(1, 3, vec![1, 1, 1]), (5, 2, vec![2, 3]), (4, 4, vec![1; 4]), (3, 1, vec![3])] {
        let part = |part: usize| move || (part, rayon::current_num_threads());
        let seen = rekindle_testing::on_threads(threads, || side_by_side((0..parts).map(part).collect()));
        assert_eq!(seen, wanted.into_iter().enumerate().collect::<Vec<_>>(), "{threads} threads");
    }
}

#[test]
#[should_panic(expected = "the second part")]
fn a_panic_of_a_part_is_one_of_all() {
    side_by_side((0..2).map(|part| move || assert!(part == 0, "the second part")).collect());
}
