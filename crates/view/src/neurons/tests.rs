use rekindle_train::inside::{Feature, Series};

use super::*;

fn activations(tokens: &[&str]) -> Activations {
    let values = |scale: f32| tokens.iter().enumerate().map(|(t, _)| scale * (t as f32 - 1.0)).collect();
    Activations {
        source: "<b>".to_owned(),
        unit: "characters",
        tokens: tokens.iter().map(|&token| token.to_owned()).collect(),
        starts: vec![0],
        features: vec![Feature::number("a < b", (0..tokens.len()).map(|t| t as f32))],
        series: vec![Series {
            layer: 0,
            reverse: false,
            state: "h",
            units: vec![values(0.5), values(0.0), values(f32::NAN)],
        }],
        gates: vec![Saturation { layer: 0, reverse: false, gate: "f", left: vec![0.25; 3], right: vec![0.5; 3] }],
    }
}

#[test]
fn no_text_of_the_data_is_code_of_the_page() {
    let tokens = ["</script><script>alert(1)</script>", "\"'&\u{1b}", "<img src=x onerror=alert(1)>"];
    let read = activations(&tokens);
    let page = neurons_page("<i>run</i>", &read, &Ranking::of(&read));
    assert_eq!(page.matches("<script").count(), 2, "the data and the code");
    assert_eq!(page.matches("</script>").count(), 2);
    for text in ["alert(1)</", "<img", "<b>", "<i>", "a < b", "\u{1b}"] {
        assert!(!page.contains(text), "{text:?}");
    }
    let json = page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    let stored: Value = serde_json::from_str(json).unwrap();
    assert_eq!(stored["tokens"], json!(tokens));
    assert!(
        !page.contains("http://")
            || page.matches("http://").count() == page.matches("http://www.w3.org/2000/svg").count()
    );
    assert!(!page.contains("https://"));
}

#[test]
fn activations_are_stored_to_a_thirtieth_of_the_largest() {
    let values: Vec<f32> = (-40..=40).map(|value| value as f32 / 80.0).collect();
    let (scale, stored) = digits(&values);
    assert_eq!(scale, 0.5);
    for (value, digit) in values.iter().zip(stored.chars()) {
        let level = DIGITS.find(digit).unwrap() as f32;
        let back = (level - ZERO) / ZERO * scale;
        assert!((back - value).abs() <= 0.5 * scale / ZERO + 1e-6, "{value} {back}");
    }
    assert_eq!(digits(&[0.0, f32::NAN]).1, "ff");
}

#[test]
fn every_unit_is_a_point_of_the_scatter_plot() {
    let svg = saturation(&activations(&["a"]).gates);
    assert_eq!(svg.matches("<circle").count(), 3);
    assert!(svg.contains("25 % of the time closed, 50 % open"));
}
