use rekindle_testing::on_threads;

use super::*;

#[test]
fn every_method_computes_the_same_product() {
    for size in [[1, 1, 1], [64, 37, 50], [23, 300, 65]] {
        let [m, k, n] = size;
        for transposed in [Transposed::Neither, Transposed::A, Transposed::B] {
            let factors = Factors::new(size, transposed);
            let a = |i: usize, j: usize| factors.a[if transposed == Transposed::A { j * m + i } else { i * k + j }];
            let b = |i: usize, j: usize| factors.b[if transposed == Transposed::B { j * k + i } else { i * n + j }];
            let wanted = |i: usize, j: usize| (0..k).map(|index| a(i, index) * b(index, j)).sum::<f32>();
            for method in [Method::Linear, Method::Recurrent, Method::Gemm] {
                for threads in [1, 3] {
                    let mut product = Product::new(&factors, method);
                    on_threads(threads, || product.run(2));
                    for (index, &seen) in product.result().iter().enumerate() {
                        // Eighths with few digits: the sums are exact in any order.
                        assert_eq!(seen, wanted(index / n, index % n), "{method:?} {transposed:?} {size:?}");
                    }
                }
            }
        }
    }
}
