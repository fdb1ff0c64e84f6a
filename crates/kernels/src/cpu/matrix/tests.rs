use super::*;

#[test]
fn products_are_those_of_the_definition() {
    let numbers = |len: usize, factor: usize| (0..len).map(|i| (i * factor % 11) as f32 - 5.0).collect::<Vec<_>>();
    // One row, odd sizes, and enough work for every thread.
    for [m, k, n] in [[1, 1, 1], [3, 7, 5], [130, 61, 70]] {
        let (a, b) = (numbers(m * k, 7), numbers(k * n, 3));
        let wanted = |i: usize, j: usize| (0..k).map(|k_| a[i * k + k_] * b[k_ * n + j]).sum::<f32>();
        let turned = |data: &[f32], columns: usize| {
            (0..data.len()).map(|i| data[i % (data.len() / columns) * columns + i / (data.len() / columns)]).collect()
        };
        let (a_turned, b_turned): (Vec<f32>, Vec<f32>) = (turned(&a, k), turned(&b, n));
        let ways = [
            (Matrix::filling(&a, k), Matrix::filling(&b, n)),
            (Matrix::filling(&a_turned, m).transpose(), Matrix::filling(&b_turned, k).transpose()),
        ];
        for (a, b) in ways {
            let (row, plain) = (numbers(n, 5), product(a, b, None));
            for (index, (&seen, plain)) in product(a, b, Some(&row)).iter().zip(plain).enumerate() {
                // Whole numbers below 2^24 are exact.
                let wanted = wanted(index / n, index % n);
                assert_eq!([plain, seen], [wanted, wanted + row[index % n]], "{m} x {k} x {n} at {index}");
            }
        }
    }
}
