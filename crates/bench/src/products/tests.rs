use super::*;

#[test]
fn a_step_is_at_least_one_product_and_otherwise_as_many_as_its_operations() {
    let square = |size: usize| Product { purpose: Purpose::Square, size: [size; 3] };
    // 2 x 10^6 operations each.
    assert_eq!(square(100).repetitions(3), 3000);
    assert_eq!(square(4096).repetitions(3), 1);
}

#[test]
fn the_products_of_a_recurrence_follow_the_squares() {
    let names: Vec<_> = Product::all(&[8]).iter().map(Product::to_string).collect();
    let of_256 = ["forward 64x256x1024", "backward 64x1024x256", "gradient 1024x4096x256"];
    assert_eq!(names[..4], [&["square 8x8x8"], &of_256[..]].concat());
    assert_eq!(Product::all(&[]).len(), SQUARES.len() + 3 * HIDDEN.len());
}

#[test]
fn shares_are_relative_to_the_best_and_to_the_peak_round_by_round() {
    let product = Product::all(&[8])[0];
    let gflops = [vec![200.0, 100.0], vec![50.0, 50.0], vec![100.0, 100.0]];
    let row = Row::of(product, &[PEAK, "a", "b"], &gflops);
    let shares: Vec<_> = row.contestants.iter().map(|figures| (figures.of_best.median, figures.of_peak.max)).collect();
    assert_eq!(shares, [(0.5, 0.5), (1.0, 1.0)]);
    assert_eq!(row.contestants.iter().map(|figures| figures.name).collect::<Vec<_>>(), ["a", "b"]);
}
