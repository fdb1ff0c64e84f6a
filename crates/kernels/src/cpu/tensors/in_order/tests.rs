use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn every_order_of_the_dimensions_is_copied(
        shape in prop::collection::vec(1usize..40, 1..5),
        order in Just(vec![0usize, 1, 2, 3]).prop_shuffle(),
    ) {
        let rank = shape.len();
        // `order[i]` is the dimension that is the i-th in memory.
        let order: Vec<usize> = order.into_iter().filter(|&axis| axis < rank).collect();
        let mut strides = vec![0; rank];
        let mut stride = 1;
        for &axis in order.iter().rev() {
            strides[axis] = stride as isize;
            stride *= shape[axis];
        }
        let elements: Vec<f32> = (0..stride).map(|index| index as f32).collect();
        let wanted: Vec<f32> = (0..stride)
            .map(|number| {
                let plain: Vec<usize> = strides.iter().map(|&stride| stride as usize).collect();
                elements[offset(number, &shape, &plain)]
            })
            .collect();
        prop_assert_eq!(in_order(&elements, &shape, &strides), wanted);
    }
}
