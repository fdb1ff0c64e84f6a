use burn::tensor::Tensor;

use super::*;

#[test]
fn results_keep_the_order_of_the_items() {
    let device = Device::flex().autodiff();
    let sums = for_each(&device, (0..100).collect(), |i| Tensor::<1>::ones([i], &device).sum().into_scalar::<f32>());
    assert_eq!(sums, (0..100).map(|i| i as f32).collect::<Vec<_>>());
}
