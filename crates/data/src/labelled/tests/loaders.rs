//! Files and folders, whole and broken.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use rstest::rstest;

use super::{pairs, read, write};
use crate::ErrorKind;
use crate::labelled::{Encoding, LabelledSource, TextReader};

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

fn columns(text: &str, label: &str) -> TextReader {
    TextReader { text_column: Some(text.into()), label_column: Some(label.into()), ..TextReader::default() }
}

fn text_column(name: &str) -> TextReader {
    TextReader { text_column: Some(name.into()), ..TextReader::default() }
}

const FOUND: [(&str, &str); 2] = [("so \"good", "1"), ("bad", "0")];

#[rstest]
#[case::sst2("a.tsv", "so \"good\t1\nbad\t0\n")]
#[case::imdb("a.tsv", "1\t0_9\tso \"good\n0\t1_2\tbad\n")]
#[case::header("a.tsv", "id\tlabel\tsentence\n7\t1\tso \"good\n8\t0\tbad\n")]
#[case::quoted("a.csv", "text,label\n\"so \"\"good\",1\nbad,0\n")]
#[case::windows_lines("a.csv", "text,label\r\n\"so \"\"good\",1\r\nbad,0\r\n")]
#[case::byte_order_mark("a.csv", "\u{FEFF}text,label\n\"so \"\"good\",1\nbad,0\n")]
#[case::semicolons("a.csv", "text;label\n\"so \"\"good\";1\nbad;0\n")]
#[case::tabs("a.csv", "text\tlabel\n\"so \"\"good\"\t1\nbad\t0\n")]
#[case::json("a.jsonl", "{\"text\": \"so \\\"good\", \"label\": 1}\n\n{\"label\": \"0\", \"text\": \"bad\"}\n")]
fn every_kind_of_table_is_read(#[case] name: &str, #[case] content: &str) {
    assert_eq!(pairs(&read(name, content, &TextReader::default()).unwrap()), FOUND);
    let packed = read(&format!("{name}.gz"), gzip(content), &TextReader::default()).unwrap();
    assert_eq!(pairs(&packed), FOUND);
}

#[rstest]
#[case::sst2("a.tsv", "so \"good\t1\nbad\t\n")]
#[case::imdb("a.tsv", "1\t0_9\tso \"good\n\t1_2\tbad\n")]
#[case::one_column("a.tsv", "so \"good\nbad\n")]
#[case::header("a.tsv", "id\tsentence\n7\tso \"good\n8\tbad\n")]
#[case::json("a.jsonl", "{\"text\": \"so \\\"good\"}\n{\"text\": \"bad\", \"label\": null}\n")]
fn labels_are_not_needed_where_none_are_wanted(#[case] name: &str, #[case] content: &str) {
    let reader = TextReader { unlabelled: true, ..TextReader::default() };
    let texts = read(name, content, &reader).unwrap();
    let found: Vec<&str> = texts.texts.iter().map(|text| text.text.as_str()).collect();
    assert_eq!(found, FOUND.map(|(text, _)| text));
    assert!(read(name, content, &TextReader::default()).is_err());
}

#[test]
fn unlabelled_reviews_are_read_where_no_labels_are_wanted() {
    let place = tempfile::tempdir().unwrap();
    for class in ["neg", "pos", "unsup"] {
        fs::create_dir_all(place.path().join("train").join(class)).unwrap();
        fs::write(place.path().join("train").join(class).join("0_1.txt"), class).unwrap();
    }
    let source = LabelledSource::parse(&place.path().display().to_string()).unwrap();
    let count = |unlabelled| source.read(&TextReader { unlabelled, ..TextReader::default() }).unwrap().texts.len();
    assert_eq!((count(false), count(true)), (2, 3));
}

#[test]
fn columns_are_found_by_name_or_by_number() {
    let named = read("a.csv", "x,words,verdict\n1,good,yes\n2,bad,no\n", &columns("words", "verdict")).unwrap();
    let numbered = read("a.csv", "1,good,yes\n2,bad,no\n", &columns("2", "3")).unwrap();
    assert_eq!(pairs(&named), [("good", "yes"), ("bad", "no")]);
    assert_eq!(pairs(&numbered), pairs(&named));
    let half_named = read("a.csv", "text,target\ngood,yes\nbad,no\n", &columns("text", "2")).unwrap();
    assert_eq!(pairs(&half_named), pairs(&named));
    let equal_names = read("a.csv", "text,label,text\nx,yes,good\nx,no,bad\n", &columns("3", "2")).unwrap();
    assert_eq!(pairs(&equal_names), pairs(&named));
    let json = read("a.jsonl", r#"{"words": "good", "verdict": true}"#, &columns("words", "verdict")).unwrap();
    assert_eq!(pairs(&json), [("good", "true")]);
}

#[rstest]
#[case::no_header("5,3,good film\n3,1,bad film\n", "3", "2", &[("good film", "3"), ("bad film", "1")])]
#[case::number_in_the_first_row("a.b,3,good\nc.d,1,bad\n", "3", "2", &[("good", "3"), ("bad", "1")])]
#[case::known_name("1,text,2\nyes,good,x\nno,bad,x\n", "text", "1", &[("good", "yes"), ("bad", "no")])]
#[case::given_name("2,words,1\nx,good,yes\nx,bad,no\n", "words", "1", &[("good", "yes"), ("bad", "no")])]
#[case::position_in_a_header("words,verdict\ngood,yes\nbad,no\n", "words", "2", &[("good", "yes"), ("bad", "no")])]
fn a_number_is_a_position_unless_the_first_row_is_a_header(
    #[case] content: &str,
    #[case] text: &str,
    #[case] label: &str,
    #[case] wanted: &[(&str, &str)],
) {
    assert_eq!(pairs(&read("a.csv", content, &columns(text, label)).unwrap()), wanted);
}

#[test]
fn a_second_known_name_does_not_matter_where_one_is_given() {
    let content = "review,text,label,class\nx,good,yes,1\nx,bad,no,2\n";
    let found = read("a.csv", content, &columns("text", "label")).unwrap();
    assert_eq!(pairs(&found), [("good", "yes"), ("bad", "no")]);
    let unlabelled = TextReader { unlabelled: true, ..text_column("review") };
    assert_eq!(read("a.csv", content, &unlabelled).unwrap().texts[0].text, "x");
}

#[rstest]
#[case::two_texts(
    "a.csv",
    "review,text,label\na,b,1\n",
    TextReader::default(),
    &["line 1", "`review` or the column `text`", "--text-column review"]
)]
#[case::two_labels(
    "a.csv",
    "text,label,Sentiment\na,b,1\n",
    TextReader::default(),
    &["line 1", "`label` or the column `Sentiment`", "--label-column label"]
)]
#[case::number_of_no_column("a.csv", "good,5\nbad,3\n", columns("1", "5"), &["`5`", "a position from 1"])]
#[case::negative_number("a.csv", "good,-1\nbad,1\n", columns("1", "-1"), &["no column `-1`", "position"])]
#[case::missing_column("a.csv", "words,verdict\ngood,yes\n", columns("text", "verdict"), &["`text`", "words, verdict"])]
#[case::column_number("a.csv", "good,yes\n", columns("1", "3"), &["`3`", "good, yes"])]
#[case::unknown_columns("a.csv", "a,b,c,d\n", TextReader::default(), &["4 columns", "--text-column"])]
#[case::one_known_name("a.csv", "text,target\ngood,1\n", TextReader::default(), &["`label`", "text, target", "--label-column"])]
#[case::equal_names("a.csv", "text,label,text\na,1,b\n", TextReader::default(), &["line 1", "`text` (columns 1, 3)"])]
#[case::one_column_twice("a.csv", "good,yes\n", columns("2", "2"), &["column 2 would be both"])]
#[case::one_name_twice("a.csv", "words,verdict\ngood,yes\n", columns("verdict", "verdict"), &["column 2", "--label-column"])]
#[case::name_and_number("a.csv", "words,verdict\ngood,yes\n", columns("words", "1"), &["column 1 would be both"])]
#[case::label_as_text("a.csv", "id,label\n1,yes\n", text_column("label"), &["column 2 would be both"])]
#[case::json_field_twice("a.jsonl", r#"{"label": "a"}"#, text_column("label"), &["`label` would be both"])]
#[case::open_quote("a.csv", "text,label\n\"good,1\nbad,0\n", TextReader::default(), &["line 2", "quotation mark"])]
#[case::too_few_fields("a.tsv", "good\t1\nbad\n", TextReader::default(), &["line 2", "1 field,", "has 2"])]
#[case::too_many_fields("a.tsv", "good\t1\nbad\t0\t0\n", TextReader::default(), &["line 2", "3 fields"])]
#[case::empty_label("a.tsv", "good\t1\nbad\t\n", TextReader::default(), &["line 2", "label is empty"])]
#[case::empty_file("a.tsv", "", TextReader::default(), &["no text"])]
#[case::header_alone("a.csv", "text,label\n", TextReader::default(), &["no text"])]
#[case::no_json("a.jsonl", "{\"text\": \"a\", \"label\": 1}\nnot json\n", TextReader::default(), &["line 2", "not a JSON object"])]
#[case::json_column("a.jsonl", r#"{"review": "a", "label": 1}"#, TextReader::default(), &["`text`", "label, review"])]
#[case::json_text("a.jsonl", r#"{"text": 3, "label": 1}"#, TextReader::default(), &["line 1", "`text` is not a string"])]
#[case::json_label("a.jsonl", r#"{"text": "a", "label": [1]}"#, TextReader::default(), &["line 1", "`label` is neither"])]
#[case::no_gzip("a.tsv.gz", "good\t1\n", TextReader::default(), &["gzip"])]
#[case::unknown_kind("a.pdf", "good", TextReader::default(), &[".csv", ".jsonl"])]
fn broken_input_is_named(
    #[case] name: &str,
    #[case] content: &str,
    #[case] reader: TextReader,
    #[case] wanted: &[&str],
) {
    let error = read(name, content, &reader).unwrap_err().to_string();
    assert!(error.contains(name) && wanted.iter().all(|wanted| error.contains(wanted)), "{error}");
}

#[test]
fn a_gzip_file_that_is_cut_off_is_named() {
    let mut packed = gzip(&"good\t1\nbad\t0\n".repeat(50));
    packed.truncate(packed.len() - 9);
    let error = read("a.tsv.gz", packed, &TextReader::default()).unwrap_err().to_string();
    assert!(error.contains("a.tsv.gz") && error.contains("not a whole gzip file"), "{error}");
}

#[rstest]
#[case::nothing("", "does not name")]
#[case::empty_part("a,,b", "does not name")]
#[case::builtin("builtin:films", "reviews")]
#[case::no_file("nowhere.csv", "no such file")]
#[case::no_file_of_odd_name("nowhere", "no such file")]
#[case::no_file_of_lines("nowhere.pos,nowhere.neg", "no such file")]
fn a_source_that_is_not_there_is_named(#[case] source: &str, #[case] wanted: &str) {
    let read = || -> Result<_, crate::DataError> { LabelledSource::parse(source)?.read(&TextReader::default()) };
    let error = read().unwrap_err().to_string();
    assert!(error.contains(wanted), "{error}");
}

#[test]
fn lines_of_a_file_for_each_class_are_read_and_windows_1252_is_detected() {
    let folder = tempfile::tempdir().unwrap();
    let (pos, neg) = (b"a clich\xe9 , but good \nfine\n", "bad\n");
    let files = [write(folder.path(), "rt.pos", pos), write(folder.path(), "rt.neg", neg)];
    write(folder.path(), "README.1.0", "notes");
    let wanted = [("a cliché , but good ", "pos"), ("fine", "pos"), ("bad", "neg")];
    let list = format!("{},{}", files[0].display(), files[1].display());
    let found = LabelledSource::parse(&list).unwrap().read(&TextReader::default()).unwrap();
    assert_eq!(pairs(&found), wanted);
    assert_eq!(found.texts[1].place, "rt.pos, line 2");
    let folder = LabelledSource::parse(&folder.path().display().to_string()).unwrap();
    let mut found = folder.read(&TextReader::default()).unwrap();
    found.texts.rotate_left(1);
    assert_eq!(pairs(&found), wanted);

    let latin = TextReader { encoding: "iso-8859-5".parse().unwrap(), ..TextReader::default() };
    assert!(LabelledSource::parse(&list).unwrap().read(&latin).unwrap().texts[0].text.starts_with("a clichщ"));
    let utf8 = TextReader { encoding: "utf-8".parse().unwrap(), ..TextReader::default() };
    let error = LabelledSource::parse(&list).unwrap().read(&utf8).unwrap_err().to_string();
    assert!(error.contains("rt.pos, line 1") && error.contains("UTF-8"), "{error}");
    let error = "utf-9".parse::<Encoding>().unwrap_err().to_string();
    assert!(error.contains("utf-9"), "{error}");
}

#[test]
fn the_folders_of_classes_are_read_in_order_and_those_without_labels_are_not() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("neg/10_1.txt", "b"), ("neg/2_1.txt", "a"), ("pos/0_9.txt", "c"), ("unsup/0_0.txt", "d")] {
        write(folder.path(), &format!("aclImdb/train/{name}"), text);
    }
    write(folder.path(), "aclImdb/test/pos/0_9.txt", "e");
    write(folder.path(), "aclImdb/README", "notes");
    let source = |path: &str| LabelledSource::parse(&folder.path().join(path).display().to_string()).unwrap();
    let found = source("aclImdb").read(&TextReader::default()).unwrap();
    assert_eq!(pairs(&found), [("a", "neg"), ("b", "neg"), ("c", "pos")]);
    assert_eq!(found.texts[0].place, "neg/2_1.txt");
    let test = source("aclImdb/test").read(&TextReader::default()).unwrap();
    assert_eq!(pairs(&test), [("e", "pos")]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    let error = source("empty").read(&TextReader::default()).unwrap_err().to_string();
    assert!(error.contains("empty") && error.contains("sub-folder"), "{error}");
}

#[test]
fn hidden_files_and_folders_are_no_classes_and_no_texts() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["neg/1.txt", "neg/._1.txt", "pos/1.txt", ".ipynb_checkpoints/1.txt"] {
        write(folder.path(), name, "a");
    }
    let source = |folder: &Path| LabelledSource::parse(&folder.display().to_string()).unwrap();
    let found = source(folder.path()).read(&TextReader::default()).unwrap();
    assert_eq!(pairs(&found), [("a", "neg"), ("a", "pos")]);
    let lines = tempfile::tempdir().unwrap();
    for name in ["rt.neg", "rt.pos", "._rt.neg", "._rt.pos"] {
        write(lines.path(), name, "a");
    }
    assert_eq!(pairs(&source(lines.path()).read(&TextReader::default()).unwrap()), pairs(&found));
}

#[rstest]
#[case::tables(&["reviews.jsonl", "reviews.tsv"], "reviews.jsonl: `jsonl` is")]
#[case::a_copy(&["reviews.bak", "reviews.tsv"], "reviews.bak: `bak` is")]
#[case::packed(&["reviews.CSV", "reviews.tsv.gz"], "reviews.CSV: `CSV` is")]
#[case::a_copy_of_lines(&["rt.neg", "rt.pos", "rt.pos.bak", "rt.pos.orig"], "rt.pos.bak: `bak` is")]
fn extensions_of_tables_and_copies_are_no_classes(#[case] files: &[&str], #[case] wanted: &str) {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<String> =
        files.iter().map(|file| write(folder.path(), file, "a\t1\n").display().to_string()).collect();
    for source in [folder.path().display().to_string(), paths.join(",")] {
        let error = LabelledSource::parse(&source).unwrap().read(&TextReader::default()).unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains("train.tsv"), "{error}");
    }
}

#[test]
fn a_folder_with_a_table_to_train_on_is_read() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "train.tsv", "so good\t1\nbad\t0\n");
    write(folder.path(), "dev.tsv", "fine\t1\n");
    let source = LabelledSource::parse(&folder.path().display().to_string()).unwrap();
    let found = source.read(&TextReader::default()).unwrap();
    assert_eq!(pairs(&found), [("so good", "1"), ("bad", "0")]);
    assert!(found.name.ends_with("train.tsv"), "{}", found.name);
}

#[rstest]
#[case::tables(&["train.tsv", "dev.tsv", "test.csv.gz"], &["dev.tsv", "test.csv.gz", "train.tsv"])]
#[case::one_table(&["train.jsonl"], &["train.jsonl"])]
#[case::folders(&["train/pos/0_9.txt", "test/pos/0_9.txt"], &["test", "train"])]
#[case::classes(&["pos/0_9.txt", "neg/0_1.txt"], &[])]
#[case::lines(&["rt.pos", "rt.neg"], &[])]
fn a_folder_of_splits_is_divided_and_its_splits_are_not(#[case] files: &[&str], #[case] splits: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|file| drop(write(folder.path(), file, "a")));
    let undivided = |path: &Path| LabelledSource::parse(&path.display().to_string()).unwrap().undivided("--data");
    let paths = splits.iter().map(|split| folder.path().join(split));
    assert!(paths.clone().all(|path| undivided(&path).is_ok()));
    match undivided(folder.path()) {
        Ok(_) => assert!(splits.is_empty()),
        Err(error) => {
            let options: Vec<String> = paths.map(|path| format!("--data {}", path.display())).collect();
            let wanted = format!("{}: this folder is divided", folder.path().display());
            assert_eq!(error.kind(), ErrorKind::Setting);
            assert!(error.to_string().starts_with(&wanted) && !splits.is_empty(), "{error}");
            assert!(error.to_string().ends_with(&format!(": {}", options.join(" or "))), "{error}");
        }
    }
    assert!(LabelledSource::parse("builtin:reviews").unwrap().undivided("--data").is_ok());
}

#[test]
fn the_built_in_reviews_are_even_and_no_word_tells_their_class() {
    let texts = LabelledSource::parse("builtin:reviews").unwrap().read(&TextReader::default()).unwrap();
    let balance = texts.balance();
    assert_eq!(balance.len(), 2);
    assert!(balance.iter().all(|(_, count)| count.abs_diff(2000) < 150), "{balance:?}");
    for word in ["good", "awful", "not", "film"] {
        let with: Vec<_> = texts.texts.iter().filter(|text| text.text.contains(word)).collect();
        let positive = with.iter().filter(|text| text.label == "positive").count() as f64 / with.len() as f64;
        assert!((0.35..0.65).contains(&positive), "{word}: {positive}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..200)) {
        for name in ["a.csv", "a.tsv", "a.jsonl", "a.tsv.gz"] {
            if let Ok(found) = read(name, &content, &TextReader::default()) {
                prop_assert!(!found.texts.is_empty());
            }
        }
    }
}
