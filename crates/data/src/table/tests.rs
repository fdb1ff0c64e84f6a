//! Tables whose rows cannot be told apart.

use rstest::rstest;

use super::*;

fn rows(text: &str, dialect: Dialect) -> Result<Vec<Vec<String>>, DataError> {
    let mut table = Table::new(Path::new("a.csv"), text.to_owned(), dialect)?;
    let mut rows = Vec::new();
    while let Some(row) = table.row()? {
        rows.push(row.fields.iter().map(str::to_owned).collect());
    }
    Ok(rows)
}

#[rstest]
#[case::never_closed("a,b\n1,\"two\n3,4\n", 2)]
#[case::closed_by_the_next_one("a,b\n\"x,1\ny,\"2\"\n", 2)]
#[case::at_the_end("a,b\n1,\"", 2)]
fn an_open_quotation_mark_is_named_with_its_line(#[case] text: &str, #[case] line: u64) {
    let error = rows(text, Dialect::CSV).unwrap_err();
    assert_eq!(error.place(), Some(&crate::Place::Line(line)));
    assert!(error.to_string().starts_with(&format!("a.csv, line {line}: a quotation mark")), "{error}");
    assert!(rows(text, Dialect { quoting: false, ..Dialect::CSV }).is_ok());
}

#[rstest]
#[case("\"a \"\"b\"\"\",2\n", &["a \"b\"", "2"])]
#[case("\"two\nlines\",2\r\n", &["two\nlines", "2"])]
#[case("5\" nail,2\n", &["5\" nail", "2"])]
#[case("\"so\" good,2\n", &["so good", "2"])]
fn quotation_marks_that_are_closed_are_read(#[case] text: &str, #[case] wanted: &[&str]) {
    assert_eq!(rows(text, Dialect::CSV).unwrap(), [wanted]);
}

#[test]
fn equal_names_are_refused_where_one_is_asked_for() {
    let mut table = Table::new(Path::new("a.csv"), "x,y,x,,\n".to_owned(), Dialect::CSV).unwrap();
    let header = table.header().unwrap();
    let error = header.column("x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Column);
    assert!(error.to_string().contains("2 columns have the name `x` (columns 1, 3)"), "{error}");
    assert_eq!(header.column("y").unwrap(), 1);
    assert!(header.column("z").unwrap_err().to_string().contains("there is no column `z`; there are: x, y, x"));
}
