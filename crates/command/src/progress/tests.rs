use super::thousands;

#[test]
fn thousands_stand_apart() {
    for (number, text) in [(0.0, "0"), (999.4, "999"), (1000.0, "1,000"), (1_234_567.0, "1,234,567")] {
        assert_eq!(thousands(number).to_string(), text);
    }
}
