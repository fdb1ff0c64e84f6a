use super::*;

#[test]
fn a_column_is_as_wide_as_its_widest_cell() {
    let rows = [["train", "7"], ["sample", &cell(None::<u8>)]].map(|row| row.map(str::to_owned).to_vec());
    let mut text = Vec::new();
    write(&mut text, &["", "steps"], rows.to_vec()).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), "        steps\ntrain       7\nsample      -\n");
}
