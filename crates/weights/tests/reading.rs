//! Files that PyTorch wrote, and files that nobody should have written. `fixtures/make.py` makes the fixtures.

use rekindle_weights::{Element, WeightError, WeightFile};
use rstest::rstest;

const ZIP: &[u8] = include_bytes!("fixtures/zip.pt");
const OLD: &[u8] = include_bytes!("fixtures/old.pt");

fn read(bytes: &[u8]) -> Result<WeightFile, WeightError> {
    WeightFile::from_bytes("model.pt", bytes)
}

/// `bytes` with the first `from` replaced by `to`, of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|window| window == from).expect("it is there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

const OLD_MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// The old format around a pickle, without storages.
fn old(pickle: &[u8]) -> Vec<u8> {
    [OLD_MAGIC, &b"K\x01."[..], b"}.", pickle, b"]."].concat()
}

/// A text of 300 bytes, then classes that it names: five bytes each, for a name of 600.
fn long_class() -> Vec<u8> {
    let text = [&b"X\x2c\x01\0\0"[..], &[b'a'; 300], b"q\x00"].concat();
    [text, b"h\x00h\x00\x93".repeat(100), b".".to_vec()].concat()
}

#[rstest]
#[case::f32("f32", &[2, 3], Element::F32, &[-0.5, -0.25, 0.0, 0.25, 0.5, 0.75])]
#[case::f64("f64", &[2, 3], Element::F64, &[-0.5, -0.25, 0.0, 0.25, 0.5, 0.75])]
#[case::f16("f16", &[2, 3], Element::F16, &[-0.5, -0.25, 0.0, 0.25, 0.5, 0.75])]
#[case::bf16("bf16", &[2, 3], Element::Bf16, &[-0.5, -0.25, 0.0, 0.25, 0.5, 0.75])]
#[case::strides("transposed", &[3, 2], Element::F32, &[-0.5, 0.25, -0.25, 0.5, 0.0, 0.75])]
#[case::offset("tail", &[3], Element::F32, &[0.25, 0.5, 0.75])]
#[case::parameter("parameter", &[2, 3], Element::F32, &[-0.5, -0.25, 0.0, 0.25, 0.5, 0.75])]
#[case::i64("i64", &[2], Element::I64, &[-7.0, 7.0])]
#[case::i32("i32", &[2], Element::I32, &[-7.0, 70_000.0])]
#[case::i16("i16", &[2], Element::I16, &[-7.0, 700.0])]
#[case::i8("i8", &[2], Element::I8, &[-7.0, 7.0])]
#[case::u8("u8", &[2], Element::U8, &[200.0, 7.0])]
#[case::bool("bool", &[2], Element::Bool, &[1.0, 0.0])]
fn both_formats_give_the_values_of_pytorch(
    #[values(ZIP, OLD)] bytes: &[u8],
    #[case] name: &str,
    #[case] shape: &[usize],
    #[case] element: Element,
    #[case] values: &[f32],
) {
    let file = read(bytes).unwrap();
    let tensor = &file.tensors()[&format!("model.{name}")];
    assert_eq!((tensor.shape(), tensor.element(), tensor.values()), (shape, element, values));
}

#[test]
fn a_weight_that_is_no_number_stays_so() {
    for bytes in [ZIP, OLD] {
        let file = read(bytes).unwrap();
        let values = file.tensors()["model.nan"].values();
        assert!(values[0].is_nan() && values[1] == 1.0);
    }
}

#[test]
fn tables_that_number_texts_are_found() {
    for bytes in [ZIP, OLD] {
        let file = read(bytes).unwrap();
        let tables: Vec<_> = file.tables().iter().map(|(name, texts)| (name.as_str(), texts.join(" "))).collect();
        let wanted = [("chars", "a b"), ("itos", "a b"), ("words", "to be")];
        let wanted = wanted.map(|(name, texts)| (format!("vocabulary.{name}"), texts.to_owned()));
        assert!(tables.iter().map(|(name, texts)| (name.to_string(), texts.clone())).eq(wanted), "{tables:?}");
    }
}

#[test]
fn the_parts_of_a_whole_module_are_found() {
    let file = read(include_bytes!("fixtures/whole-module.pt")).unwrap();
    let names: Vec<_> = file.tensors().keys().map(String::as_str).collect();
    let norm =
        ["bias", "num_batches_tracked", "running_mean", "running_var", "weight"].map(|name| format!("net.1.{name}"));
    assert_eq!(names, [&["net.0.bias", "net.0.weight"][..], &norm.each_ref().map(String::as_str)].concat());
    assert!(file.tables().contains_key("symbols"));
}

/// A text that was encoded and saved beside the weights: two bytes a number, under a long name.
#[test]
fn a_long_list_of_numbers_is_no_burden() {
    let numbers = [&b"X\x28\0\0\0"[..], &[b'n'; 40], b"]("].concat();
    let numbers = [numbers, b"K\x07".repeat(100_000), b"es.".to_vec()].concat();
    let whole = tensor(0, 3, 1);
    let at = whole.windows(3).position(|window| window == b"Rs.").unwrap();
    let whole = [&whole[..at + 2], &numbers, &whole[at + 3..]].concat();
    assert_eq!(read(&whole).unwrap().tensors().len(), 1);
}

const KINDS: [&[u8]; 2] = [include_bytes!("fixtures/kinds.pt"), include_bytes!("fixtures/kinds-old.pt")];
const NUMBERS: [f32; 6] = [-0.5, -0.25, 0.0, 0.25, 0.5, 0.75];

#[rstest]
#[case::f8_e4m3("f8_e4m3", &[0.0, -0.001953125, 1.125, 448.0])]
#[case::f8_e5m2("f8_e5m2", &[0.0, -0.000_015_258_789, 1.25, 57344.0])]
#[case::u16("u16", &[7.0, 65_535.0])]
#[case::u32("u32", &[7.0, 4_294_967_296.0])]
#[case::u64("u64", &[7.0, 1_099_511_627_776.0])]
#[case::parameter_with_attributes("attributes", &NUMBERS)]
#[case::subclass_of_tensors("subclass", &NUMBERS)]
#[case::buffer("buffer", &NUMBERS)]
#[case::other_sign("negative", &[0.5, 0.25, 0.0, -0.25, -0.5, -0.75])]
#[case::default_dictionary("default.a", &NUMBERS)]
#[case::subclass_of_dictionaries("names.a", &NUMBERS)]
#[case::elements_of_an_unknown_list("pair.0", &NUMBERS)]
#[case::tuple_as_key("(a, 1)", &NUMBERS)]
#[case::number_as_key("2", &NUMBERS)]
#[case::after_what_is_not_read("last", &[0.5, 0.75, 1.0, 1.25, 1.5, 1.75])]
fn tensors_of_every_kind_are_read(#[values(0, 1)] format: usize, #[case] name: &str, #[case] values: &[f32]) {
    let file = read(KINDS[format]).unwrap();
    let tensor = file.tensors().get(name).unwrap_or_else(|| panic!("{name}: {:?}", file.unread()));
    assert_eq!(tensor.values(), values);
}

#[rstest]
#[case("sparse", "a sparse tensor")]
#[case("rows", "a sparse tensor")]
#[case("complex", "Complex")]
#[case("quantised", "a quantised tensor")]
#[case("channels", "a quantised tensor")]
#[case("storage", "a storage without a shape")]
#[case("bytes", "a storage without a shape")]
#[case("numpy", "NumPy")]
#[case("meta", "no values")]
#[case("e8m0", "float8_e8m0fnu is not supported")]
#[case("expanded", "larger than the file")]
fn what_is_not_read_is_named(#[values(0, 1)] format: usize, #[case] name: &str, #[case] reason: &str) {
    let file = read(KINDS[format]).unwrap();
    assert!(file.unread()[name].contains(reason), "{:?}", file.unread());
}

#[test]
fn every_tensor_is_read_or_named() {
    for bytes in KINDS {
        let file = read(bytes).unwrap();
        assert_eq!((file.tensors().len(), file.unread().len()), (15, 11), "{:?}", file.unread());
    }
}

/// `_flat_weights` lists the parameters a second time.
#[test]
fn a_network_in_a_whole_module_is_there_once() {
    let file = read(include_bytes!("fixtures/whole-lstm.pt")).unwrap();
    let rnn = (0..2)
        .flat_map(|layer| ["bias_hh", "bias_ih", "weight_hh", "weight_ih"].map(|name| format!("rnn.{name}_l{layer}")));
    let others = ["embedding.weight", "fc.bias", "fc.weight"].map(str::to_owned);
    let mut wanted: Vec<_> = others.into_iter().chain(rnn).collect();
    wanted.sort();
    assert_eq!(file.tensors().keys().cloned().collect::<Vec<_>>(), wanted);
    assert!(file.tables().is_empty() && file.unread().is_empty(), "{:?}", file.tables());
}

#[test]
fn one_state_dict_of_two_is_chosen_by_its_name() {
    let file = || read(include_bytes!("fixtures/no-bias.pt")).unwrap();
    let (both, ema) = (file(), file().within("ema").unwrap());
    assert_eq!(2 * ema.tensors().len(), both.tensors().len());
    assert_eq!(ema.tensors()["fc.weight"], both.tensors()["ema.fc.weight"]);
    assert_eq!(ema.tables(), both.tables());
    let error = file().within("em").unwrap_err();
    assert!(matches!(error, WeightError::NoSuchName { .. }) && error.to_string().contains("ema.fc.weight"), "{error}");
}

/// `OrderedDict([[key, value]])` with texts of one byte a character, as Python 2 writes it.
#[test]
fn a_file_of_python_2_is_read() {
    let whole = tensor(0, 3, 1);
    let from = whole.windows(7).position(|window| window == b"ctorch.").unwrap();
    let to = whole.windows(3).position(|window| window == b"Rs.").unwrap();
    let pickle = [b"ccollections\nOrderedDict\n]]U\x01wa", &whole[from..=to], b"aa\x85R."].concat();
    let pickle = [&pickle[..], b"]X\x01\0\0\x000a.\x03\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40"].concat();
    let file = old(&pickle);
    assert_eq!(read(&file[..file.len() - 2]).unwrap().tensors()["w"].values(), [1.0, 2.0, 3.0]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = WeightFile::open("nowhere/model.pt").unwrap_err();
    assert!(matches!(&error, WeightError::Read { .. }) && error.to_string().contains("nowhere"), "{error}");
}

#[rstest]
#[case::empty(vec![])]
#[case::wrong_magic(b"not weights".to_vec())]
fn another_format_is_told_apart(#[case] bytes: Vec<u8>) {
    assert!(matches!(read(&bytes), Err(WeightError::UnknownFormat { .. })));
}

#[rstest]
#[case::cut_zip(ZIP[..ZIP.len() / 2].to_vec(), "cut short")]
#[case::cut_old(OLD[..OLD.len() - 1].to_vec(), "beyond the end")]
#[case::another_device_is_read_but_not_another_class(
    replaced(OLD, b"torch\nFloatStorage", b"torch\nQuintStorage"),
    "not supported"
)]
#[case::os_system_is_not_run(old(b"cos\nsystem\nX\x0d\0\0\0touch run-me!\x85R."), "no supported tensor")]
#[case::a_class_named_by_long_texts(old(&long_class()), "longer than 256")]
#[case::big_endian(
    [OLD_MAGIC, &b"K\x01."[..], b"}X\x0d\0\0\0little_endian\x89s.", b"}.", b"]."].concat(),
    "big-endian"
)]
#[case::negative_memo(old(b"h\x05."), "memo entry 5 is not set")]
#[case::unknown_opcode(old(b"\xff."), "0xff")]
#[case::no_stop(old(b"}"), "")]
#[case::huge_text(old(b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f."), "ends too early")]
#[case::itself_within_itself(old(b"]q\x00h\x00a."), "too often")]
fn a_bad_file_is_refused_with_a_reason(#[case] bytes: Vec<u8>, #[case] reason: &str) {
    let error = read(&bytes).unwrap_err();
    assert!(matches!(error, WeightError::Malformed { .. } | WeightError::NoTensors { .. }), "{error:?}");
    assert!(error.to_string().contains(reason), "{error}");
}

/// The pickle of a tensor of 3 elements at an offset, with a shape and a stride that are bytes.
fn tensor(offset: u8, shape: u8, stride: u8) -> Vec<u8> {
    let head = b"}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0mpsK\x03tQ";
    let body = [&head[..], b"K", &[offset], b"K", &[shape], b"\x85K", &[stride], b"\x85\x89}tRs."].concat();
    let keys_and_storage = b"]X\x01\0\0\x000a.\x03\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40";
    let file = old(&body);
    [&file[..file.len() - 2], keys_and_storage].concat()
}

/// The same under two paths that are one: `{"a": {"b": tensor}, "a.b": tensor}`.
#[test]
fn two_tensors_of_one_name_are_refused() {
    let one = tensor(0, 3, 1);
    let body = |name: &[u8], more: &[u8]| {
        let from = one.windows(7).position(|window| window == b"ctorch.").unwrap();
        let to = one.windows(3).position(|window| window == b"Rs.").unwrap();
        [b"X", &(name.len() as u32).to_le_bytes()[..], name, more, &one[from..to], b"Rs"].concat()
    };
    let pickle = [&b"}"[..], &body(b"a", b"}X\x01\0\0\0b"), b"s", &body(b"a.b", b""), b"."].concat();
    let file = old(&pickle);
    let error = read(&file).unwrap_err().to_string();
    assert!(error.contains("the tensor a.b is there twice"), "{error}");
}

#[test]
fn a_storage_within_another_is_refused() {
    let bytes = tensor(0, 3, 1);
    let at = bytes.windows(4).position(|window| window == b"K\x03tQ").unwrap();
    let bytes = [&bytes[..at + 2], b")tQ", &bytes[at + 4..]].concat();
    let error = read(&bytes).unwrap_err().to_string();
    assert!(error.contains("part of another one"), "{error}");
}

#[test]
fn a_tensor_of_another_device_is_read() {
    assert_eq!(read(&tensor(0, 3, 1)).unwrap().tensors()["w"].values(), [1.0, 2.0, 3.0]);
}

#[rstest]
#[case::storage_shorter_than_shape(0, 4, 1)]
#[case::offset_out_of_range(1, 3, 1)]
#[case::stride_out_of_range(0, 2, 3)]
fn a_tensor_beyond_its_storage_is_refused(#[case] offset: u8, #[case] shape: u8, #[case] stride: u8) {
    let error = read(&tensor(offset, shape, stride)).unwrap_err().to_string();
    assert!(error.contains("w: ") && error.contains("beyond its storage of 3"), "{error}");
}

#[test]
fn a_tensor_that_repeats_one_element_may_not_outgrow_the_file() {
    let file = tensor(0, 255, 0);
    let grown = read(&file).unwrap_err().to_string();
    assert!(file.len() < 255 && grown.contains("larger than the file"), "{grown}");
}

/// The zip with other bytes at a place of its first entry in the list.
fn listed(at: usize, other: &[u8]) -> Vec<u8> {
    let entry = ZIP.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let mut bytes = ZIP.to_vec();
    bytes[entry + at..entry + at + other.len()].copy_from_slice(other);
    bytes
}

#[rstest]
#[case::compressed(listed(10, &[8]), "compressed")]
#[case::bomb(listed(10, &[[8, 0].as_slice(), &[0; 8], &[16, 0, 0, 0], &[0xff; 4]].concat()), "compressed")]
#[case::larger_than_the_file(listed(20, &[0xff; 8]), "beyond the end")]
#[case::elsewhere(listed(42, &[7, 0, 0, 0]), "not where the zip says")]
#[case::out_of_range(listed(42, &[0xff; 4]), "not where the zip says")]
#[case::name_without_end(listed(28, &[0xff, 0xff]), "cut short")]
fn a_zip_that_torch_would_not_write_is_refused(#[case] bytes: Vec<u8>, #[case] reason: &str) {
    let error = read(&bytes).unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn a_record_that_is_there_twice_is_refused() {
    let (mut bytes, name) = (ZIP.to_vec(), &b"/data/0"[..]);
    while let Some(at) = bytes.windows(name.len()).position(|window| window == name) {
        bytes[at + name.len() - 1] = b'1';
    }
    let error = read(&bytes).unwrap_err().to_string();
    assert!(error.contains("data/1 is there twice"), "{error}");
}
