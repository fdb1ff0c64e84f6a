//! Matrix products are Burn's, with their gradients.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::prelude::*;
use rekindle_kernels::matmul::matmul;
use rekindle_testing::{Numbers, assert_close, cpus, devices, values};
use rstest::rstest;

/// The dimensions before the matrices of both operands, rows, columns of the first, and columns of the second.
#[rstest]
#[case::one([1, 1], [1, 1], [1, 1, 1])]
#[case::a_batch([5, 3], [5, 3], [7, 4, 9])]
#[case::more_than_one_thread_has([40, 2], [40, 2], [33, 17, 20])]
#[case::the_first_is_shared([1, 1], [3, 2], [4, 6, 5])]
#[case::the_second_is_shared_in_part([3, 2], [3, 1], [4, 6, 5])]
#[case::large([1, 1], [1, 1], [200, 150, 120])]
fn a_product_is_that_of_burn(
    #[case] batch_a: [usize; 2],
    #[case] batch_b: [usize; 2],
    #[case] sizes: [usize; 3],
    #[values(false, true)] transposed_a: bool,
    #[values(false, true)] transposed_b: bool,
) {
    let [rows, inner, columns] = sizes;
    for device in devices() {
        let device = device.clone().autodiff();
        let mut numbers = Numbers::new(1);
        let mut random = |shape: [usize; 4]| numbers.uniform(shape, -1.0..1.0, &device);
        let mut leaf = |[first, second]: [usize; 2], [rows, columns]: [usize; 2], transposed: bool| {
            let shape = if transposed { [first, second, columns, rows] } else { [first, second, rows, columns] };
            random(shape).require_grad()
        };
        let (a, b) = (leaf(batch_a, [rows, inner], transposed_a), leaf(batch_b, [inner, columns], transposed_b));
        let view = |leaf: &Tensor<4>, transposed| if transposed { leaf.clone().swap_dims(2, 3) } else { leaf.clone() };
        let shape: [usize; 4] = std::array::from_fn(|axis| match axis {
            2 => rows,
            3 => columns,
            axis => batch_a[axis].max(batch_b[axis]),
        });
        let upstream: Tensor<4> = random(shape);
        let run = |product: fn(Tensor<4>, Tensor<4>) -> Tensor<4>| {
            let output = product(view(&a, transposed_a), view(&b, transposed_b));
            let gradients = (output.clone() * upstream.clone()).sum().backward();
            [values(output), values(a.grad(&gradients).unwrap()), values(b.grad(&gradients).unwrap())]
        };
        let (native, burns) = (run(matmul), run(Tensor::matmul));
        for (what, (native, burns)) in ["product", "a", "b"].iter().zip(native.iter().zip(&burns)) {
            // Sums of up to 600 products of order 1, in another order.
            assert_close(&format!("{what}, {device:?}"), native, burns, 1e-5);
        }
    }
}

#[test]
fn matrices_may_be_empty() {
    for device in cpus() {
        let device = device.autodiff();
        for [rows, inner, columns] in [[0, 3, 2], [2, 3, 0], [2, 0, 3]] {
            let a = Tensor::<2>::ones([rows, inner], &device).require_grad();
            let b = Tensor::<2>::ones([inner, columns], &device).require_grad();
            let product = matmul(a.clone(), b.clone());
            assert_eq!((product.dims(), values(product.clone().sum())), ([rows, columns], vec![0.0]));
            let gradients = product.sum().backward();
            assert_eq!(a.grad(&gradients).unwrap().dims(), [rows, inner]);
            assert_eq!(b.grad(&gradients).unwrap().dims(), [inner, columns]);
        }
    }
}
