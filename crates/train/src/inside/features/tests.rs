use super::*;

/// The characters at which the feature `name` is 1, each as it is and all others as `.`.
fn marked(text: &str, name: &str) -> String {
    // Enough of each, so that no feature is left out.
    let (before, after) = ("word. (a) [b] {c} \"d\" /*e*/ X 1 ABC\n  in\n", "\n\n");
    let whole = format!("{}{text}{after}", before.repeat(FEWEST));
    let tokens: Vec<String> = whole.chars().map(String::from).collect();
    let features = of_text(&tokens);
    let feature = features.iter().find(|feature| feature.name == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(feature.values.len(), tokens.len());
    let from = before.chars().count() * FEWEST;
    let of = text.chars().zip(&feature.values[from..]);
    of.map(|(character, value)| if *value > 0.5 { character } else { '.' }).collect()
}

#[test]
fn comments_strings_and_brackets_of_source_code_are_those_of_a_compiler() {
    let text = "a(b); /* (c */ \"d\\\"(\"; 'x' e // f\ng";
    assert_eq!(marked(text, "inside a comment").replace('.', ""), "* (c */ f");
    let strings = marked(text, "inside a string");
    assert_eq!(strings.replace('.', ""), "\"d\\\"('x");
    assert_eq!(marked(text, "inside ( )").replace('.', ""), "(b");
}

#[test]
fn a_quotation_of_prose_ends_at_an_empty_line() {
    let text = "He said \"yes, sir\" and “no” and \"never\n\nended. ".repeat(FEWEST);
    let tokens: Vec<String> = text.chars().map(String::from).collect();
    let quotes = of_text(&tokens).into_iter().find(|feature| feature.name == "inside quotes").unwrap();
    let inside: String = text.chars().zip(&quotes.values).filter(|(_, value)| **value > 0.5).map(|(c, _)| c).collect();
    assert_eq!(inside, "\"yes, sir“no\"never\n".repeat(FEWEST));
}

#[test]
fn lines_words_and_sentences_are_counted() {
    let text = "\n  One two. \n\tB2 X1\n";
    assert_eq!(marked(text, "in the indentation").chars().filter(|c| *c != '.').collect::<String>(), "  \t");
    assert_eq!(marked(text, "capital letter").replace('.', ""), "OBX");
    assert_eq!(marked(text, "digit").replace('.', ""), "21");
    assert_eq!(marked(text, "inside a word").replace('.', ""), "OnetwoB2X1");
    assert_eq!(marked(text, "start of a line").replace('.', ""), "\n\n\n");
    let tokens: Vec<String> = text.chars().map(String::from).collect();
    let of = |name: &str| of_text(&tokens).into_iter().find(|feature| feature.name == name).unwrap().values;
    assert_eq!(of("position in the line")[..5], [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(of("length of the word so far")[2..7], [0.0, 1.0, 2.0, 3.0, 0.0]);
    assert_eq!(of("indentation of the line")[11..15], [2.0, 0.0, 8.0, 8.0]);
}

#[test]
fn features_that_hardly_occur_are_left_out() {
    let tokens: Vec<String> = "some words, and no more".chars().map(String::from).collect();
    let names: Vec<_> = of_text(&tokens).into_iter().map(|feature| feature.name).collect();
    assert_eq!(names, ["position in the line", "length of the word so far"]);
}

#[test]
fn a_token_of_several_characters_has_the_value_after_its_last() {
    let tokens: Vec<String> = ["one ", "(two", ") ", "three"].map(str::to_owned).to_vec();
    let features = of_text(&tokens);
    let words = features.iter().find(|feature| feature.name == "length of the word so far").unwrap();
    assert_eq!(words.values, [0.0, 3.0, 0.0, 5.0]);
}
