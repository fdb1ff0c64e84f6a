use super::*;

#[test]
fn loss_decides_between_equal_figures_only() {
    assert!(objective(0.1, 1.0) < objective(0.1, 2.0));
    assert!(objective(0.1, 9.0) < objective(0.2, 0.0));
}

#[test]
fn text_and_json_have_the_same_figures() {
    let mut matrix = ConfusionMatrix::new(2);
    matrix.add(0, 1);
    let labels = ["good".to_owned(), "bad".to_owned()];
    let series = Detail::Series { name: "kl_by_step", unit: "nats", values: vec![0.5; 9] };
    let report = Report::named("bound", 1.25, "nats")
        .fact("clips", vec!["a", "b"])
        .higher("macro_f1", 0.5)
        .classes(&matrix, &labels)
        .detail(series);
    let json = report.to_json();
    assert_eq!((json["bound_nats"].as_f64(), json["macro_f1"].as_f64()), (Some(1.25), Some(0.5)));
    assert_eq!((json["clips"][1].as_str(), json["classes"][0]["support"].as_u64()), (Some("b"), Some(1)));
    assert_eq!(json["confusion"], json!([[0, 1], [0, 0]]));
    assert_eq!(json["kl_by_step_nats"].as_array().unwrap().len(), 9);
    let text = report.to_text();
    for words in ["clips", "bound", "1.2500 nats", "macro f1", "precision", "good       good 0, bad 1"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(text.matches("0.50 0.50").count(), 4, "eight numbers on one line and one on the next: {text}");
}
