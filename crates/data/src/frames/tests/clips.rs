//! CSV tables, folders of images, labels, and how they go together.

use std::fs;
use std::num::NonZeroUsize;

use image::{GrayImage, Luma};
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::frames::Clip;
use crate::frames::{FrameFormat, FrameSchema, Frames, Statistics, Transitions};

const TABLE: &str = "x,y,label\n1,10,up\n3,10,down\n";

#[test]
fn features_have_mean_0_and_deviation_1_over_the_training_clips_and_a_constant_becomes_0() {
    let files = Files::new();
    let set = open(&files.with("a.csv", TABLE)).unwrap();
    assert_eq!(set.schema.format, FrameFormat::Features { width: 2 });
    assert_eq!(set.schema.classes.names(), ["down", "up"]);
    assert_eq!(set.train[0].frames, Frames::Features { width: 2, values: vec![-1.0, 0.0, 1.0, 0.0] });
    assert_eq!(set.train[0].labels, Some(vec![1, 0]));
}

#[test]
fn held_out_clips_are_standardised_by_the_training_clips() {
    let files = Files::new();
    let (train, other) = (files.with("a.csv", TABLE), files.with("b.csv", "y,label,x\n11,up,5\n"));
    let set = FrameSet::open(&source(&train), Some(&source(&other)), &reader(), None).unwrap();
    // x = (5 - 2) / 1 although it stands in another column; y never changed in training, and stays 0.
    assert_eq!(set.validation[0].frames, Frames::Features { width: 2, values: vec![3.0, 0.0] });
    assert_eq!(set.train.len(), 1);
}

#[rstest]
#[case::list("a.csv,b.csv")]
#[case::manifest("clip,path,split\nc,c.csv,test\na,a.csv,train\nb,b.csv,train\n")]
fn columns_of_the_first_table_to_train_on_are_found_by_name_in_the_others(#[case] data: &str) {
    let files = Files::new();
    let other = "z,y,label,x\n-1,10,up,1\n-1,10,down,3\n";
    let (a, b, _) = (files.with("a.csv", TABLE), files.with("b.csv", other), files.with("c.csv", other));
    let data = if data.starts_with("clip") { files.with("all.csv", data) } else { format!("{a},{b}") };
    let set = open(&data).unwrap();
    assert_eq!(set.schema.columns.as_deref().unwrap(), ["x", "y"]);
    assert_eq!(set.train[0].frames, Frames::Features { width: 2, values: vec![-1.0, 0.0, 1.0, 0.0] });
    assert_eq!(set.train[1].frames, set.train[0].frames);
    let again = FrameSet::reopen(&source(&data), None, &reader(), None, set.schema).unwrap();
    assert_eq!((again.train, again.test), (set.train, set.test));
}

#[test]
fn a_table_without_a_column_of_the_first_is_named() {
    let files = Files::new();
    let (a, b) = (files.with("a.csv", TABLE), files.with("b.csv", "foo,bar,label\n1,2,up\n"));
    let error = open(&format!("{a},{b}")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Column);
    assert_says(Err::<(), _>(error), &["b.csv", "no column `x`", "foo, bar, label"]);
}

#[test]
fn changes_take_the_place_of_features_and_travel_with_the_schema() {
    let files = Files::new();
    let path = files.with("a.csv", "x,label\n1,a\n3,b\n3,a\n");
    let reader = ClipReader { changes: NonZeroUsize::new(1), ..reader() };
    let set = FrameSet::open(&source(&path), None, &reader, None).unwrap();
    // 0, 2 and 0: mean 2/3, deviation √8/3.
    let wanted = [0.0_f32, 2.0, 0.0].map(|change| (change - 2.0 / 3.0) / (8.0_f32.sqrt() / 3.0));
    let Frames::Features { values, .. } = &set.train[0].frames else { panic!("features are read") };
    values.iter().zip(wanted).for_each(|(seen, wanted)| assert!((seen - wanted).abs() < 1e-6, "{values:?}"));
    assert_eq!(set.schema.reader(&super::reader()).changes, NonZeroUsize::new(1));
    let error = FrameSet::open(&source("builtin:moving-shapes"), None, &reader, None).unwrap_err().to_string();
    assert!(error.contains("--changes: only for feature clips"), "{error}");
}

#[test]
fn live_frames_are_those_of_the_file() {
    let rows = [[1, 5], [3, 4], [4, 8], [4, 9], [9, 9]];
    let files = Files::new();
    let table: String = rows.iter().enumerate().map(|(t, [x, y])| format!("{x},{y},{}\n", t % 2)).collect();
    let path = files.with("a.csv", format!("x,y,label\n{table}"));
    let all = [Statistics::Training, Statistics::Running, Statistics::Robust];
    let normalizations =
        all.iter().flat_map(|&statistics| [None, Some(0.5)].map(|clip| Normalization { statistics, clip }));
    let changes = [None, NonZeroUsize::new(1), NonZeroUsize::new(3), NonZeroUsize::new(99)];
    for (normalization, changes) in normalizations.flat_map(|one| changes.map(|changes| (one, changes))) {
        let set =
            FrameSet::open(&source(&path), None, &ClipReader { changes, normalization, ..reader() }, None).unwrap();
        let mut live = set.schema.live().unwrap();
        let frames = rows.iter().flat_map(|[x, y]| live.frame(&format!("{x},{y}"), "standard input", 1).unwrap());
        assert_eq!(set.train[0].frames, Frames::Features { width: 2, values: frames.collect() }, "{changes:?}");
        let (again, other) = (set.schema.reader(&reader()), files.path("vocab.json"));
        assert_eq!((again.changes, again.normalization), (changes, normalization));
        set.schema.save(&other).unwrap();
        assert_eq!(FrameSchema::load(&other).unwrap(), set.schema);
    }
}

#[test]
fn statistics_of_the_whole_recording_are_those_of_each_clip_and_need_its_end() {
    let files = Files::new();
    let path = files.with("a.csv", "x,y,label\n1,5,a\n3,5,b\n2,5,a\n");
    // In another unit, with another zero.
    let other = files.with("b.csv", "x,y,label\n-10,5,a\n10,5,b\n0,7,a\n");
    let normalization = Normalization { statistics: Statistics::Recording, clip: Some(10.0) };
    let reader = ClipReader { normalization, ..reader() };
    let set = FrameSet::open(&source(&path), Some(&source(&other)), &reader, None).unwrap();
    let one = 1.5_f32.sqrt();
    let values = |clip: &Clip| clip.values(FrameFormat::Features { width: 2 }).unwrap();
    for clip in [&set.train[0], &set.validation[0]] {
        let x: Vec<f32> = values(clip).iter().copied().step_by(2).collect();
        x.iter().zip([-one, one, 0.0]).for_each(|(found, wanted)| assert!((found - wanted).abs() < 1e-6, "{x:?}"));
    }
    // y never changed in training.
    assert!(values(&set.validation[0]).iter().skip(1).step_by(2).all(|&y| y == 0.0));
    let error = set.schema.live().unwrap_err().to_string();
    assert!(error.contains("--normalization recording") && error.contains("give the clip"), "{error}");
    let pixels = FrameFormat::Pixels { channels: 1, height: 2, width: 2 };
    assert!(FrameSchema { format: pixels, ..set.schema }.live().is_ok());
}

#[test]
fn values_that_are_normalised_by_the_recording_are_standardised_by_training() {
    let files = Files::new();
    let path = files.with("a.csv", "x,y,label\n1,4,a\n3,4,b\n3,4,a\n");
    let other = files.with("b.csv", "x,y,label\n20,9,a\n40,8,b\n");
    let normalization = Normalization { statistics: Statistics::Running, clip: None };
    let reader = ClipReader { normalization, ..reader() };
    let set = FrameSet::open(&source(&path), Some(&source(&other)), &reader, None).unwrap();
    // 0, then 1 deviation above the mean of two frames, then (3 - 7/3) / √(8/9).
    let running = [0.0, 1.0, 1.0 / 2.0_f32.sqrt()];
    let mean = running.iter().sum::<f32>() / 3.0;
    let deviation = (running.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 3.0).sqrt();
    let wanted = |x: f32| (x - mean) / deviation;
    let assert_values = |frames: &Frames, wanted: &[f32]| {
        let Frames::Features { values, .. } = frames else { panic!("features are read") };
        assert_eq!(values.len(), wanted.len());
        values.iter().zip(wanted).for_each(|(seen, wanted)| assert!((seen - wanted).abs() < 1e-5, "{values:?}"));
    };
    assert_values(&set.train[0].frames, &running.map(|x| [wanted(x), 0.0]).concat());
    // y never changed in training.
    assert_values(&set.validation[0].frames, &[wanted(0.0), 0.0, wanted(1.0), 0.0]);
}

#[test]
fn a_value_too_large_for_the_model_is_named() {
    let files = Files::new();
    let path = files.with("a.csv", "x,y,label\n1,0,a\n1.001,0.1,b\n");
    let set = open(&path).unwrap();
    let large = files.with("b.csv", "x,y,label\n1,0,a\n3e38,0,b\n");
    let wanted = ["b, frame 1", "the column `x`", "--clip-features"];
    assert_says(source(&large).clips(&reader(), &set.schema, true), &wanted);
    let mut live = set.schema.live().unwrap();
    assert_says(live.frame("3e38,0", "standard input", 7), &["standard input, line 7", "the column `x`"]);
    let normalization = Normalization { clip: Some(9.0), ..Normalization::default() };
    let set = FrameSet::open(&source(&path), Some(&source(&large)), &ClipReader { normalization, ..reader() }, None);
    assert_eq!(set.unwrap().validation[0].values(FrameFormat::Features { width: 2 }).unwrap()[2], 9.0);
    // The change of two numbers can be too large where they are not.
    let jump = files.with("c.csv", "x,y,label\n-3e38,0,a\n3e38,0,b\n");
    let reader = ClipReader { changes: NonZeroUsize::new(1), ..reader() };
    assert_says(FrameSet::open(&source(&jump), None, &reader, None), &["c, frame 1", "the column `x`"]);
}

#[test]
fn labels_are_counted_as_they_follow_each_other_in_training() {
    let files = Files::new();
    let (one, two) = (files.with("a.csv", "x,label\n1,b\n2,b\n3,a\n4,b\n"), files.with("b.csv", "x,label\n1,a\n"));
    let held_out = files.with("c.csv", "x,label\n1,a\n1,a\n");
    let set = FrameSet::open(&source(&format!("{one},{two}")), Some(&source(&held_out)), &reader(), None).unwrap();
    let wanted = Transitions { starts: vec![1, 1], pairs: vec![vec![0, 1], vec![1, 1]] };
    assert_eq!(set.schema.transitions, Some(wanted));
    // A run keeps those that it was trained with, or that it has none.
    let schema = FrameSchema { transitions: None, ..set.schema };
    let again = FrameSet::reopen(&source(&one), None, &reader(), None, schema).unwrap();
    assert_eq!(again.schema.transitions, None);
}

#[test]
fn counts_of_another_number_of_classes_are_refused() {
    let files = Files::new();
    let mut schema = open(&files.with("a.csv", TABLE)).unwrap().schema;
    let path = files.path("vocab.json");
    for (starts, pairs) in [(vec![1], vec![vec![1]]), (vec![1, 0], vec![vec![1, 2], vec![3]])] {
        schema.transitions = Some(Transitions { starts, pairs });
        schema.save(&path).unwrap();
        assert_says(FrameSchema::load(&path), &["vocab.json", "counts of transitions"]);
    }
    schema.transitions = None;
    schema.normalization.clip = Some(-1.0);
    schema.save(&path).unwrap();
    assert_says(FrameSchema::load(&path), &["clipped at"]);
}

#[test]
fn a_schema_of_version_0_1_is_read() {
    let files = Files::new();
    let path = files.with(
        "vocab.json",
        r#"{"version": 1, "frames": {"format": {"features": {"width": 1}}, "columns": ["x"], "classes": ["a", "b"],
            "standardization": {"mean": [2.0], "deviation": [0.5]}}}"#,
    );
    let schema = FrameSchema::load(path).unwrap();
    assert_eq!((schema.normalization, &schema.transitions), (Normalization::default(), &None));
    assert_eq!(schema.live().unwrap().frame("1e4", "standard input", 1).unwrap(), [19996.0]);
}

#[test]
fn a_byte_order_mark_and_columns_to_ignore_are_no_features() {
    let files = Files::new();
    let path = files.with("a.csv", "\u{feff}x,time,label\n1,500,a\n2,501,b\n");
    let reader = ClipReader { ignore: vec!["time".into()], ..reader() };
    let set = FrameSet::open(&source(&path), None, &reader, None).unwrap();
    assert_eq!(set.schema.columns, Some(vec!["x".to_owned()]));
}

#[test]
fn a_column_to_ignore_must_be_in_the_first_table_to_train_on_alone() {
    let files = Files::new();
    let with = files.with("a.csv", "x,time,label\n1,500,a\n2,501,b\n");
    let without = files.with("b.csv", "x,label\n1,a\n2,b\n");
    let reader = ClipReader { ignore: vec!["time".into()], ..reader() };
    let set = FrameSet::open(&source(&format!("{with},{without}")), None, &reader, None).unwrap();
    assert_eq!(set.train[0].frames, set.train[1].frames);
    assert_eq!(source(&without).clips(&reader, &set.schema, true).unwrap()[0].frames, set.train[1].frames);
    let held_out = FrameSet::open(&source(&with), Some(&source(&without)), &reader, None).unwrap().validation;
    assert_eq!(held_out[0].frames, set.train[1].frames);
    assert_says(FrameSet::open(&source(&without), None, &reader, None), &["b.csv", "no column `time`"]);
}

#[rstest]
#[case::no_label("x,y\n1,2\n", &["a.csv", "no column `label`", "x, y"])]
#[case::not_a_number("x,label\n1,a\nn/a,b\n", &["a.csv", "line 3", "`n/a`", "column `x`", "`train frames --ignore x`"])]
#[case::infinite("x,label\n1,a\ninf,b\n", &["line 3", "inf"])]
#[case::fields("x,label\n1,a\n2,b,c\n", &["a.csv", "line 3", "3 fields", "has 2"])]
#[case::empty_label("x,label\n1,a\n2,\n", &["line 3", "no label"])]
#[case::no_rows("x,label\n", &["a.csv", "no frames"])]
#[case::empty("", &["a.csv", "no column `label`"])]
#[case::one_class("x,label\n1,a\n2,a\n", &["labelled `a`", "at least two labels"])]
#[case::not_utf8(b"x,label\n1,\xff\n", &["a.csv", "UTF-8"])]
fn a_broken_table_is_named(#[case] content: impl AsRef<[u8]>, #[case] wanted: &[&str]) {
    let files = Files::new();
    assert_says(open(&files.with("a.csv", content)), wanted);
}

#[test]
fn an_unknown_label_is_named_with_the_alias_that_would_map_it() {
    let files = Files::new();
    let train = files.with("a.csv", "x,label\n1,Preparation\n2,Rest\n");
    let other = files.with("b.csv", "x,label\n1,Rest\n2,Preparação\n");
    let open = |reader: &ClipReader| FrameSet::open(&source(&train), Some(&source(&other)), reader, None);
    let wanted = ["b.csv, line 3", "`Preparação`", "Preparation, Rest", "--alias Preparação=Preparation"];
    assert_says(open(&reader()), &wanted);
    let set = open(&aliased("Preparação=Preparation")).unwrap();
    assert_eq!(set.validation[0].labels, Some(vec![1, 0]));
    assert!("Preparação".parse::<Alias>().is_err() && "=x".parse::<Alias>().is_err());
}

#[test]
fn clips_of_other_widths_and_kinds_are_refused() {
    let files = Files::new();
    let train = files.with("a.csv", TABLE);
    let narrow = files.with("b.csv", "x,label\n1,up\n");
    let wanted = ["b.csv", "no column `y`", "x, label"];
    assert_says(open(&format!("{train},{narrow}")), &wanted);
    assert_says(FrameSet::open(&source(&train), Some(&source(&narrow)), &reader(), None), &wanted);
    pictures(&files, "film", 2);
    let labels = files.with("film.txt", "up\ndown\n");
    let film = FrameSource::parse(files.path("film").to_str().unwrap(), Some(labels.as_ref())).unwrap();
    assert_says(FrameSet::open(&source(&train), Some(&film), &reader(), None), &["film", "images", "features"]);
}

#[rstest]
#[case::text("labels.txt", "up\n \n", "labels.txt, line 2: there is no label")]
#[case::table("labels.csv", "time,label\n1,up\n2,\n", "labels.csv, line 3: there is no label")]
fn a_blank_label_in_a_file_of_labels_is_no_class(#[case] name: &str, #[case] text: &str, #[case] wanted: &str) {
    let files = Files::new();
    let (clip, labels) = (files.with("a.csv", "x\n1\n2\n"), files.with(name, text));
    let source = FrameSource::parse(&clip, Some(labels.as_ref())).unwrap();
    assert_says(FrameSet::open(&source, None, &reader(), None), &[wanted]);
}

#[rstest]
#[case("", &["does not name clips"])]
#[case("missing.csv", &["missing.csv"])]
#[case("builtin:nothing", &["nothing", "moving-shapes", "occluded-shapes"])]
#[case("builtin:occluded-shapes/x", &["occluded-shapes/x", "NAME/NUMBER"])]
#[case("builtin:occluded-shapes/100", &["occluded-shapes/100"])]
#[case("builtin:occluded-shapes/3", &["predict", "builtin:occluded-shapes"])]
#[case("builtin:moving-shapes/100", &["moving-shapes/100"])]
#[case("builtin:moving-shapes/3", &["predict"])]
fn a_source_that_names_nothing_is_refused(#[case] text: &str, #[case] wanted: &[&str]) {
    assert_says(FrameSource::parse(text, None).and_then(|s| FrameSet::open(&s, None, &reader(), None)), wanted);
}

#[test]
fn a_file_of_another_kind_is_no_clip() {
    let files = Files::new();
    assert_says(open(&files.with("a.mp4", "")), &["a.mp4", "not a clip", ".npy"]);
}

/// Images of 4 by 4, each as bright as its number says.
fn pictures(files: &Files, folder: &str, count: u8) {
    fs::create_dir_all(files.path(folder)).unwrap();
    for number in 0..count {
        let image = GrayImage::from_pixel(4, 4, Luma([number]));
        image.save(files.path(folder).join(format!("frame{number}.png"))).unwrap();
    }
}

#[test]
fn images_are_read_in_natural_order_and_other_files_passed_over() {
    let files = Files::new();
    pictures(&files, "film", 12);
    files.with("film/.hidden.png", "no image");
    files.with("film/notes.txt", "no image");
    let labels = files.with("labels.txt", "a\nb\na\nb\na\nb\na\nb\na\nb\na\nb\n");
    let source = FrameSource::parse(files.path("film").to_str().unwrap(), Some(labels.as_ref())).unwrap();
    let set = FrameSet::open(&source, None, &reader(), None).unwrap();
    let values = set.train[0].values(set.schema.format).unwrap();
    for (number, frame) in values.chunks(16).enumerate() {
        assert!(frame.iter().all(|&x| x == (number as f32 / 255.0 - 0.5) * 4.0), "frame {number}");
    }
    assert_eq!(set.train[0].len(), 12);
}

#[rstest]
#[case::text("not an image", &["a text file"])]
#[case::empty("", &["empty"])]
#[case::damaged(b"\x89PNG\r\n\x1a\n\0\0", &["damaged", "PNG"])]
#[case::unknown(b"\0\x01\x02\xff", &["no known format", "00 01 02 ff"])]
fn an_image_that_does_not_decode_is_named_with_what_it_is(#[case] content: impl AsRef<[u8]>, #[case] wanted: &[&str]) {
    let files = Files::new();
    pictures(&files, "film", 2);
    files.with("film/frame1.png", content);
    let labels = files.with("labels.txt", "a\nb\n");
    let source = FrameSource::parse(files.path("film").to_str().unwrap(), Some(labels.as_ref())).unwrap();
    let set = FrameSet::open(&source, None, &reader(), None).unwrap();
    let values = set.train[0].values(set.schema.format);
    assert_says(values, &[wanted, &["frame1.png"]].concat());
}

#[test]
fn a_folder_without_images_and_labels_of_another_count_are_named() {
    let files = Files::new();
    files.with("film/notes.txt", "");
    let labels = files.with("labels.txt", "a\nb\n");
    let film = FrameSource::parse(files.path("film").to_str().unwrap(), Some(labels.as_ref())).unwrap();
    assert_says(FrameSet::open(&film, None, &reader(), None), &["film", "no frames", ".png"]);
    pictures(&files, "film", 3);
    assert_says(FrameSet::open(&film, None, &reader(), None), &["labels.txt", "2 labels", "3 frames"]);
    assert_says(open(files.path("film").to_str().unwrap()), &["film", "no labels", "--labels"]);
}

#[test]
fn a_schema_is_read_back_and_a_damaged_one_refused() {
    let files = Files::new();
    let schema = open(&files.with("a.csv", TABLE)).unwrap().schema;
    let path = files.path("vocab.json");
    schema.save(&path).unwrap();
    assert_eq!(FrameSchema::load(&path).unwrap(), schema);
    let text = fs::read_to_string(&path).unwrap();
    for (old, new, wanted) in [
        ("\"version\": 2", "\"version\": 9", "version 9"),
        ("\"width\": 2", "\"width\": 3", "columns"),
        ("\"up\"", "\"up\", 5", "vocabulary"),
    ] {
        let damaged = text.replace(old, new);
        assert_ne!(damaged, text);
        fs::write(&path, damaged).unwrap();
        assert_says(FrameSchema::load(&path), &["vocab.json", wanted]);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_table_or_an_error(content in proptest::collection::vec(any::<u8>(), 0..200)) {
        let files = Files::new();
        let _ = open(&files.with("a.csv", [b"x,label\n".to_vec(), content.clone()].concat()));
        let _ = open(&files.with("a.csv", content));
    }
}

#[test]
fn equal_column_names_are_refused_unless_they_are_left_out() {
    let files = Files::new();
    let path = files.with("a.csv", "x,y,x,label\n1,10,7,up\n3,10,8,down\n");
    assert_says(open(&path), &["a.csv, line 1", "2 columns have the name `x` (columns 1, 3)"]);
    let ignoring = ClipReader { ignore: vec!["x".into()], ..reader() };
    let set = FrameSet::open(&source(&path), None, &ignoring, None).unwrap();
    assert_eq!(set.schema.columns.as_deref(), Some(&["y".to_owned()][..]));
}

#[rstest]
#[case::semicolons("x;y;label\n1;10;up\n3;10;down\n")]
#[case::tabs("x\ty\tlabel\n1\t10\tup\n3\t10\tdown\n")]
#[case::byte_order_mark("\u{FEFF}x,y,label\n1,10,up\n3,10,down\n")]
fn a_table_is_read_whatever_divides_its_fields(#[case] text: &str) {
    let files = Files::new();
    let set = open(&files.with("a.csv", text)).unwrap();
    assert_eq!(set.train[0].frames, open(&files.with("b.csv", TABLE)).unwrap().train[0].frames);
    assert_eq!(set.schema.columns.unwrap(), ["x", "y"]);
}

#[test]
fn an_open_quotation_mark_is_named_with_its_line() {
    let files = Files::new();
    assert_says(open(&files.with("a.csv", "x,label\n1,\"up\n2,down\n")), &["a.csv, line 2", "quotation mark"]);
}

/// A GIF with a frame for each grey level.
fn animation(path: &std::path::Path, levels: &[u8], size: u32) {
    let file = fs::File::create(path).unwrap();
    let mut encoder = image::codecs::gif::GifEncoder::new(file);
    let frame = |&level: &u8| {
        image::Frame::new(image::RgbaImage::from_pixel(size, size, image::Rgba([level, level, level, 255])))
    };
    encoder.encode_frames(levels.iter().map(frame)).unwrap();
}

#[test]
fn an_animated_gif_is_a_clip() {
    let files = Files::new();
    let set = FrameSet::open(&source("builtin:moving-shapes"), None, &reader(), None).unwrap();
    let FrameFormat::Pixels { channels, height, width } = set.schema.format else { panic!("images") };
    let path = files.path("clip.gif");
    animation(&path, &[0, 255, 0], 12);
    let clips = FrameSource::of_clip(&path).clips(&reader(), &set.schema, false).unwrap();
    let Frames::Pixels { size, values } = &clips[0].frames else { panic!("{:?}", clips[0].frames) };
    assert_eq!((clips.len(), clips[0].len(), *size), (1, 3, channels * height * width));
    for (frame, level) in values.chunks_exact(*size).zip([0, 255, 0]) {
        assert!(frame.iter().all(|&pixel| pixel.abs_diff(level) < 8), "{level}: {frame:?}");
    }
    let bytes = fs::read(&path).unwrap();
    for damaged in [&bytes[..bytes.len() / 2], &bytes[..6], b"not a GIF"] {
        fs::write(&path, damaged).unwrap();
        let clips = FrameSource::of_clip(&path).clips(&reader(), &set.schema, false);
        assert!(clips.is_err() || clips.unwrap()[0].len() < 3);
    }
    // 65,535 by 65,535 pixels, from the head alone.
    let huge = [b"GIF89a", &[255; 4][..], &[0, 0, 0], &bytes[13..]].concat();
    fs::write(&path, huge).unwrap();
    let error = FrameSource::of_clip(&path).clips(&reader(), &set.schema, false).unwrap_err().to_string();
    assert!(error.contains("megapixels") && error.contains("clip.gif"), "{error}");
    // An animation of 2 by 2 pixels whose frame claims as many.
    let head = [&b"GIF89a"[..], &[2, 0, 2, 0, 0x80, 0, 0], &[255, 0, 0, 0, 0, 255]].concat();
    let frame = [&[0x2c, 0, 0, 0, 0], &[255; 4][..], &[0, 2, 3, 4, 0x12, 2, 0, 0x3b]].concat();
    fs::write(&path, [head, frame].concat()).unwrap();
    let error = FrameSource::of_clip(&path).clips(&reader(), &set.schema, false).unwrap_err();
    assert!(error.to_string().contains("clip.gif"), "{error}");
}

#[test]
fn a_table_that_is_given_as_a_clip_names_no_other_files() {
    let files = Files::new();
    let other = files.with("other.csv", TABLE);
    let list = files.with("list.csv", format!("clip,path\na,{other}\n"));
    let set = open(&other).unwrap();
    assert_eq!(source(&list).clips(&reader(), &set.schema, false).unwrap().len(), 1);
    assert!(FrameSource::of_clip(&list).clips(&reader(), &set.schema, false).is_err());
}
