use super::*;

#[test]
fn each_half_has_a_mark_and_the_target_is_the_sum_of_the_marked_values() {
    for length in [2, 3, 50] {
        let sequences = Sequences::generate(20, length, 1, 0);
        for (steps, target) in sequences.inputs.chunks(2 * length).zip(&sequences.targets) {
            let (first, second) = steps.split_at(length / 2 * 2);
            let marks = |half: &[f32]| half.chunks(2).map(|step| step[1]).sum::<f32>();
            assert_eq!((marks(first), marks(second)), (1.0, 1.0));
            let sum: f32 = steps.chunks(2).map(|step| step[0] * step[1]).sum();
            assert_eq!(sum, *target);
        }
    }
}

#[test]
fn streams_differ_and_repeat() {
    let generate = |stream| Sequences::generate(4, 10, 1, stream);
    assert_eq!(generate(3), generate(3));
    assert_ne!(generate(3), generate(4));
}
