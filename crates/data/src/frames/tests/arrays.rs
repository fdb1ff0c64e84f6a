//! NumPy arrays of features and of labels.

use npyz::{Order, WriterBuilder};
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::frames::Frames;

/// The bytes of a `.npy` file.
fn npy<T: npyz::AutoSerialize + Clone>(shape: &[u64], values: &[T], order: Order) -> Vec<u8> {
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(shape).order(order);
    let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
    writer.extend(values.iter().cloned()).unwrap();
    writer.finish().unwrap();
    bytes
}

fn features(shape: &[u64]) -> Vec<u8> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|n| n as f32).collect();
    npy(shape, &values, Order::C)
}

fn labelled(data: Vec<u8>, labels: Vec<u8>) -> Result<FrameSet, DataError> {
    let files = Files::new();
    let (data, labels) = (files.with("x.npy", data), files.with("y.npy", labels));
    FrameSet::open(&FrameSource::parse(&data, Some(labels.as_ref()))?, None, &reader(), None)
}

#[test]
fn one_label_a_clip_is_spread_over_its_frames() {
    let set = labelled(features(&[2, 3, 2]), npy(&[2], &[7_i64, -1], Order::C)).unwrap();
    assert_eq!(set.schema.classes.names(), ["-1", "7"]);
    assert_eq!(set.train[0].labels, Some(vec![1; 3]));
    assert_eq!(set.train[1].labels, Some(vec![0; 3]));
    assert!(set.train.iter().all(|clip| clip.whole_clip && clip.len() == 3));
    assert_eq!(set.train[1].name, "x/1");
}

#[test]
fn labels_can_be_a_row_for_each_clip_or_a_column_for_one() {
    let set = labelled(features(&[2, 3, 1]), npy(&[2, 3], &[0_u8, 1, 1, 0, 0, 1], Order::C)).unwrap();
    assert_eq!(set.train[1].labels, Some(vec![0, 0, 1]));
    let set = labelled(features(&[3, 2]), npy(&[3], &[0_i32, 1, 1], Order::C)).unwrap();
    assert_eq!(set.train[0].labels, Some(vec![0, 1, 1]));
}

#[rstest]
#[case(npy(&[2, 2], &[1.0_f64, 2.0, 3.0, 4.0], Order::C))]
#[case(npy(&[2, 2], &[1_u8, 2, 3, 4], Order::C))]
#[case(npy(&[2, 2], &[1_i16, 2, 3, 4], Order::C))]
#[case(npy(&[2, 2], &[1_u64, 2, 3, 4], Order::C))]
#[case::big_endian([&header("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 2), }\n")[..], &[1.0_f32, 2.0, 3.0, 4.0].map(f32::to_be_bytes).concat()].concat())]
#[case::half([&header("{'descr': '<f2', 'fortran_order': False, 'shape': (2, 2), }\n")[..], &[1.0, 2.0, 3.0, 4.0].map(|x| half::f16::from_f32(x).to_le_bytes()).concat()].concat())]
fn numbers_of_every_common_type_are_read(#[case] data: Vec<u8>) {
    let set = labelled(data, npy(&[2], &[0_i8, 1], Order::C)).unwrap();
    assert_eq!(set.train[0].frames, Frames::Features { width: 2, values: vec![-1.0, -1.0, 1.0, 1.0] });
}

#[rstest]
#[case::order(npy(&[2, 2], &[1.0_f32; 4], Order::Fortran), &["x.npy", "Fortran order", "C order", "ascontiguousarray"])]
#[case::kind(npy(&[2, 2], &[true; 4], Order::C), &["x.npy", "'|b1'", "f2, f4, f8", "integers", "astype"])]
#[case::shape(features(&[4]), &["x.npy", "[4]", "[N, T, F]"])]
#[case::nothing(features(&[0, 3]), &["x.npy", "no frames"])]
#[case::nan(npy(&[2, 2], &[1.0_f32, f32::NAN, 1.0, 1.0], Order::C), &["x.npy", "number 1", "NaN"])]
#[case::cut(features(&[2, 2])[..90].to_vec(), &["x.npy", "not a NumPy array", "header"])]
#[case::cut_data(features(&[2, 20])[..200].to_vec(), &["x.npy", "[2, 20]", "160 bytes"])]
#[case::no_array(b"text".to_vec(), &["x.npy", "not a NumPy array"])]
fn a_broken_array_is_named_with_what_is_wanted(#[case] data: Vec<u8>, #[case] wanted: &[&str]) {
    assert_says(labelled(data, npy(&[2], &[0_i64, 1], Order::C)), wanted);
}

#[rstest]
#[case::count(npy(&[3], &[0_i64, 1, 0], Order::C), &["y.npy"])]
#[case::floats(npy(&[2], &[0.0_f32, 1.0], Order::C), &["y.npy", "'<f4'", "integers"])]
#[case::rows(npy(&[2, 4], &[0_i64; 8], Order::C), &["y.npy", "4 labels", "3 frames"])]
#[case::shape(npy(&[2, 3, 1], &[0_i64; 6], Order::C), &["y.npy", "[2, 3, 1]", "[N, T]"])]
fn labels_that_do_not_go_with_the_clips_are_named(#[case] labels: Vec<u8>, #[case] wanted: &[&str]) {
    assert_says(labelled(features(&[2, 3, 2]), labels), wanted);
}

/// A header as NumPy writes it around `text`.
fn header(text: &str) -> Vec<u8> {
    [b"\x93NUMPY\x01\0", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat()
}

#[test]
fn shapes_and_brackets_beyond_all_bounds_are_errors() {
    let labels = || npy(&[2], &[0_i64, 1], Order::C);
    let huge = "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9223372036854775807), }\n";
    assert_says(labelled(header(huge), labels()), &["x.npy", "2^64"]);
    let beside_nothing = "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9223372036854775807), }\n";
    assert_says(labelled(header(beside_nothing), labels()), &["x.npy", "no frames"]);
    assert_says(labelled(header(&"(".repeat(15_000)), labels()), &["x.npy", "its header is not"]);
    let nested = format!("{{'descr': {}, }}\n", "[".repeat(15_000));
    assert_says(labelled(header(&nested), labels()), &["x.npy", "its header is not"]);
    let text = [&header("{'descr': '<U3', 'fortran_order': False, 'shape': (2, 1), }\n")[..], &[0; 24]].concat();
    assert_says(labelled(text, labels()), &["x.npy", "'<U3'", "astype"]);
    let records = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (0, 2), }\n";
    assert_says(labelled(header(records), labels()), &["x.npy", "[('a', '<f4')]", "astype"]);
    let long = [b"\x93NUMPY\x02\0\xff\xff\xff\xff".to_vec(), vec![b' '; 100]].concat();
    assert_says(labelled(long, labels()), &["x.npy", "header"]);
}

proptest! {
    #[test]
    fn a_changed_byte_gives_an_array_or_an_error(place in 0_usize..176, byte: u8, cut in 0_usize..176) {
        let mut data = features(&[2, 3, 2]);
        prop_assert_eq!(data.len(), 176);
        data[place] = byte;
        let labels = || npy(&[2], &[0_i64, 1], Order::C);
        let _ = labelled(data.clone(), labels());
        data.truncate(cut);
        // Another length of the header, in bytes 8 and 9, moves the data: a part of the file may then be an array.
        prop_assert!([8, 9].contains(&place) || labelled(data, labels()).is_err());
    }
}

#[test]
fn clips_of_other_widths_are_named_by_their_files() {
    let files = Files::new();
    let wide = files.with("a/rec.npy", features(&[2, 3]));
    let narrow = files.with("b/rec.npy", features(&[2, 2]));
    let labels = files.with("labels.txt", "up\ndown\n");
    let rows = [&wide, &narrow].map(|clip| format!("{clip},{clip},{labels}\n")).concat();
    let error = open(&files.with("all.csv", format!("clip,path,labels\n{rows}"))).unwrap_err().to_string();
    assert_eq!(error, format!("{narrow}: its frames have 2 features, and those of {wide} have 3"));
}

#[test]
fn an_array_between_tables_is_read_by_position() {
    let files = Files::new();
    let clips =
        [("a.npy", features(&[2, 2])), ("b.csv", b"x,y\n0,1\n2,3\n".to_vec()), ("c.csv", b"y,x\n1,0\n3,2\n".to_vec())];
    let labels = files.with("labels.txt", "up\ndown\n");
    let row = |(name, content): (&str, Vec<u8>)| format!("{name},{},{labels}\n", files.with(name, content));
    let manifest = format!("clip,path,labels\n{}", clips.map(row).concat());
    let set = open(&files.with("all.csv", manifest)).unwrap();
    assert_eq!(set.schema.columns.as_deref().unwrap(), ["x", "y"]);
    assert!(set.train.iter().all(|clip| clip.frames == set.train[0].frames), "{:?}", set.train);
}
