//! Safetensors: what is written is read, to the bit, and damaged files are refused.

use std::collections::BTreeMap;

use rekindle_weights::{Element, WeightError, WeightFile, WeightTensor, save_json, save_safetensors};
use rstest::rstest;

fn read(bytes: &[u8]) -> Result<WeightFile, WeightError> {
    WeightFile::from_bytes("model.safetensors", bytes)
}

/// A file with this header and these values.
fn file(header: &str, values: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), values].concat()
}

fn one(kind: &str, shape: &str, offsets: &str) -> String {
    format!(r#"{{"w":{{"dtype":"{kind}","shape":{shape},"data_offsets":{offsets}}}}}"#)
}

#[test]
fn what_is_written_is_read_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let values = vec![0.1, -0.0, f32::INFINITY, f32::MIN_POSITIVE / 2.0, f32::NAN, 3.0];
    let tensors = BTreeMap::from([
        ("rnn.weight_ih_l0".to_owned(), WeightTensor::new(vec![2, 3], values).unwrap()),
        ("scale".to_owned(), WeightTensor::new(vec![], vec![2.0]).unwrap()),
        ("nothing".to_owned(), WeightTensor::new(vec![0, 3], vec![]).unwrap()),
    ]);
    save_safetensors(&path, &tensors, &BTreeMap::from([("task".to_owned(), "chars".to_owned())])).unwrap();
    let back = WeightFile::open(&path).unwrap();
    assert_eq!(back.tensors().len(), 3);
    for (name, tensor) in &tensors {
        let bits = |tensor: &WeightTensor| tensor.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let read = &back.tensors()[name];
        assert_eq!((read.shape(), bits(read)), (tensor.shape(), bits(tensor)), "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = save_safetensors("nowhere/model.safetensors", &BTreeMap::new(), &BTreeMap::new()).unwrap_err();
    assert!(matches!(&error, WeightError::Write { .. }) && error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn a_shape_wants_its_number_of_values() {
    for shape in [vec![2, 3], vec![usize::MAX, 2]] {
        assert!(matches!(WeightTensor::new(shape, vec![0.0; 5]), Err(WeightError::Shape { values: 5, .. })));
    }
}

#[rstest]
#[case::f16("F16", Element::F16, &[0x00, 0xb8, 0x00, 0x3a])]
#[case::bf16("BF16", Element::Bf16, &[0x00, 0xbf, 0x40, 0x3f])]
#[case::f32("F32", Element::F32, &[0, 0, 0, 0xbf, 0, 0, 0x40, 0x3f])]
#[case::f64("F64", Element::F64, &[0, 0, 0, 0, 0, 0, 0xe0, 0xbf, 0, 0, 0, 0, 0, 0, 0xe8, 0x3f])]
fn every_type_of_float_gives_its_values(#[case] kind: &str, #[case] element: Element, #[case] values: &[u8]) {
    let header = one(kind, "[2]", &format!("[0,{}]", values.len()));
    let file = read(&file(&header, values)).unwrap();
    let tensor = &file.tensors()["w"];
    assert_eq!((tensor.element(), tensor.values()), (element, &[-0.5, 0.75][..]));
}

#[rstest]
#[case::i64("I64", Element::I64, &[0xf9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 7, 0, 0, 0, 0, 0, 0, 0], [-7.0, 7.0])]
#[case::i32("I32", Element::I32, &[0xf9, 0xff, 0xff, 0xff, 7, 0, 0, 0], [-7.0, 7.0])]
#[case::i16("I16", Element::I16, &[0xf9, 0xff, 7, 0], [-7.0, 7.0])]
#[case::i8("I8", Element::I8, &[0xf9, 7], [-7.0, 7.0])]
#[case::u8("U8", Element::U8, &[0xf9, 7], [249.0, 7.0])]
#[case::bool("BOOL", Element::Bool, &[1, 0], [1.0, 0.0])]
fn whole_numbers_give_their_values(
    #[case] kind: &str,
    #[case] element: Element,
    #[case] stored: &[u8],
    #[case] values: [f32; 2],
) {
    let file = read(&file(&one(kind, "[2]", &format!("[0,{}]", stored.len())), stored)).unwrap();
    let tensor = &file.tensors()["w"];
    assert_eq!((tensor.element(), tensor.values()), (element, &values[..]));
}

#[test]
fn weights_that_are_no_numbers_are_no_json() {
    let folder = tempfile::tempdir().unwrap();
    let tensors = BTreeMap::from([("w".to_owned(), WeightTensor::new(vec![1], vec![f32::NAN]).unwrap())]);
    let error = save_json(folder.path().join("model.json"), &tensors).unwrap_err();
    assert!(matches!(&error, WeightError::NotANumber { name } if name == "w"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_written_file_is_not_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (plain, written) = (folder.path().join("plain"), folder.path().join("model.safetensors"));
    std::fs::write(&plain, "").unwrap();
    save_safetensors(&written, &BTreeMap::new(), &BTreeMap::new()).unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&written), mode(&plain));
}

#[rstest]
#[case::cut_short(file(&one("F32", "[2]", "[0,8]"), &[0; 7]), "")]
#[case::longer_than_its_tensors(file(&one("F32", "[2]", "[0,8]"), &[0; 9]), "")]
#[case::header_beyond_the_end([&[0xff; 8][..], b"{}"].concat(), "header")]
#[case::no_json(file("{nonsense}", &[]), "")]
#[case::offsets_of_another_size(file(&one("F32", "[2]", "[0,4]"), &[0; 4]), "")]
#[case::offsets_out_of_range(file(&one("F32", "[2]", "[8,16]"), &[0; 8]), "w")]
#[case::backward_offsets(file(&one("F32", "[2]", "[8,0]"), &[0; 8]), "")]
#[case::shape_beyond_all_bounds(file(&one("F32", "[4294967296,4294967296,2]", "[0,8]"), &[0; 8]), "")]
#[case::overlap(
    file(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, &[0; 12]),
    "b"
)]
#[case::name_twice(
    file(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, &[0; 4]),
    "the tensor a is there twice"
)]
fn a_bad_file_is_refused_with_a_reason(#[case] bytes: Vec<u8>, #[case] reason: &str) {
    let error = read(&bytes).unwrap_err();
    assert!(matches!(error, WeightError::Malformed { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.starts_with("model.safetensors: ") && message.contains(reason), "{message}");
}

#[test]
fn values_of_a_type_that_is_not_read_are_named_and_block_no_others() {
    let bytes = file(&one("C64", "[1]", "[0,8]"), &[0; 8]);
    let error = read(&bytes).unwrap_err();
    assert!(matches!(error, WeightError::NoTensors { .. }), "{error:?}");
    assert!(error.to_string().contains("w: values of type C64"), "{error}");
    let two = r#"{"a":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[1,2]}}"#;
    let read = read(&file(two, &[0x38; 2])).unwrap();
    assert_eq!(read.tensors()["b"].values(), [1.0]);
    assert_eq!(read.unread().keys().collect::<Vec<_>>(), ["a"]);
}

/// The notes are kept in a map whose order changes from one to the next.
#[test]
fn the_same_tensors_and_notes_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let notes: BTreeMap<_, _> = (0..9).map(|note| (format!("note {note}"), note.to_string())).collect();
    let tensors = BTreeMap::from([("w".to_owned(), WeightTensor::new(vec![2], vec![1.0, -2.0]).unwrap())]);
    let written = |name: &str| {
        save_safetensors(folder.path().join(name), &tensors, &notes).unwrap();
        std::fs::read(folder.path().join(name)).unwrap()
    };
    let first = written("first");
    assert_eq!(first, written("second"));
    assert_eq!(read(&first).unwrap().into_tensors(), tensors);
}

#[test]
fn a_file_without_tensors_is_told() {
    assert!(matches!(read(&file("{}", &[])), Err(WeightError::NoTensors { .. })));
}
