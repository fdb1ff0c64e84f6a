//! Texts for an evaluation.

use std::fs;

use rekindle_data::{DataError, ErrorKind};

use super::*;

#[test]
fn a_folder_of_splits_is_not_evaluated_and_one_split_is() {
    let folder = tempfile::tempdir().unwrap();
    for (split, class) in [("train", "neg"), ("train", "pos"), ("test", "neg")] {
        let class = folder.path().join(split).join(class);
        fs::create_dir_all(&class).unwrap();
        fs::write(class.join("0_1.txt"), split).unwrap();
    }
    let read = |folder: &std::path::Path| {
        let on = On::Data(folder.display().to_string());
        texts(&LabelledSettings::default(), &on, EvalOptions::default())
    };
    let error = read(folder.path()).unwrap_err();
    let kind = error.downcast_ref::<DataError>().map(DataError::kind);
    assert_eq!(kind, Some(ErrorKind::Setting), "{error}");
    let test = folder.path().join("test");
    assert!(error.to_string().contains(&format!("--data {} or ", test.display())), "{error}");
    assert_eq!(read(&test).unwrap().texts[0].text, "test");
}
