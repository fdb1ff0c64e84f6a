use proptest::prelude::*;

use super::*;

/// By its definition: over all pairs.
fn auc_of_pairs(values: &[f32], positive: &[bool]) -> Option<f64> {
    let of = |wanted: bool| values.iter().zip(positive).filter(move |(_, p)| **p == wanted).map(|(v, _)| *v);
    let pairs: Vec<f64> = of(true)
        .flat_map(|p| {
            of(false).map(move |n| {
                if p > n {
                    1.0
                } else if p == n {
                    0.5
                } else {
                    0.0
                }
            })
        })
        .collect();
    (!pairs.is_empty()).then(|| pairs.iter().sum::<f64>() / pairs.len() as f64)
}

proptest! {
    #[test]
    fn the_area_is_the_share_of_pairs_in_order(items in prop::collection::vec((0_i8..6, any::<bool>()), 0..40)) {
        let (values, positive): (Vec<f32>, Vec<bool>) = items.into_iter().map(|(v, p)| (f32::from(v), p)).unzip();
        match (Ranks::of(&values).auc(&positive), auc_of_pairs(&values, &positive)) {
            (Some(found), Some(wanted)) => prop_assert!((found - wanted).abs() < 1e-12, "{found} and {wanted}"),
            (found, wanted) => prop_assert_eq!(found, wanted),
        }
    }
}

#[test]
fn a_constant_tells_nothing() {
    assert_eq!(Ranks::of(&[2.0; 4]).auc(&[true, false, true, false]), Some(0.5));
    assert_eq!(correlation(&[2.0; 3], &[1.0, 2.0, 3.0]), None);
    assert_eq!(correlation(&[], &[]), None);
}

/// `numpy.corrcoef([1, 2, 4, 3], [2, 1, 5, 9])[0, 1]`
#[test]
fn the_correlation_is_that_of_numpy() {
    let found = correlation(&[1.0, 2.0, 4.0, 3.0], &[2.0, 1.0, 5.0, 9.0]).unwrap();
    assert!((found - 0.610_658_026_891_034_7).abs() < 1e-9, "{found}");
}
