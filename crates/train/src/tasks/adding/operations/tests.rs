use super::*;

#[test]
fn a_sequence_is_read_with_its_marks() {
    let sequence = parse(" 0.5 0.25*  1 0.5*").unwrap();
    assert_eq!(sequence.inputs, [0.5, 0.0, 0.25, 1.0, 1.0, 0.0, 0.5, 1.0]);
    assert_eq!(sequence.targets, [0.75]);
    for (input, words) in [("", "0 marked"), ("1* 2* 3*", "3 marked"), ("1* x 2*", "\"x\" is not a number")] {
        assert!(parse(input).unwrap_err().to_string().contains(words), "{input:?}");
    }
    for number in ["nan", "inf", "-inf", "1e39"] {
        let error = parse(&format!("1* {number} 2*")).unwrap_err().to_string();
        assert!(error.contains(&format!("{number:?} is not a number")), "{error}");
    }
}
