//! The loaders on real recordings, where there are some: the folder named by `REKINDLE_DATA`, else `../shared/data`.

use std::path::PathBuf;

use rekindle_data::frames::{ClipReader, FrameFormat, FrameSet, FrameSource, ImageShape, Normalization};

fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let folder = std::env::var_os("REKINDLE_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from).join("frames");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there is no {}", folder.display());
    None
}

fn reader(label_column: &str, ignore: &[&str], aliases: &[&str]) -> ClipReader {
    ClipReader {
        label_column: label_column.into(),
        ignore: ignore.iter().map(|&name| name.into()).collect(),
        aliases: aliases.iter().map(|alias| alias.parse().unwrap()).collect(),
        image: ImageShape { channels: 3, size: 32 },
        columns: None,
        changes: None,
        normalization: Normalization::default(),
    }
}

#[test]
fn gestures_are_read_and_the_misspelt_label_needs_an_alias() {
    let Some(folder) = folder() else { return };
    let source = |names: &[&str]| {
        let paths = names.iter().map(|name| folder.join("gesture_phase").join(name).to_str().unwrap().to_owned());
        FrameSource::parse(&paths.collect::<Vec<_>>().join(","), None).unwrap()
    };
    let (train, test) = (source(&["a1_raw.csv", "a2_raw.csv", "a3_raw.csv"]), source(&["b1_raw.csv"]));
    let error =
        FrameSet::open(&train, Some(&test), &reader("phase", &["timestamp"], &[]), None).unwrap_err().to_string();
    assert!(error.contains("--alias Preparação=Preparation"), "{error}");
    let reader_raw = reader("phase", &["timestamp"], &["Preparação=Preparation"]);
    let set = FrameSet::open(&train, Some(&test), &reader_raw, None).unwrap();
    assert_eq!(set.schema.format, FrameFormat::Features { width: 18 });
    assert_eq!(set.schema.classes.names(), ["Hold", "Preparation", "Rest", "Retraction", "Stroke"]);
    assert_eq!(set.train.iter().map(|clip| clip.len()).collect::<Vec<_>>(), [1747, 1264, 1834]);
    assert_eq!(set.validation[0].len(), 1073);

    let (train, test) = (source(&["a1_va3.csv", "a2_va3.csv", "a3_va3.csv"]), source(&["b1_va3.csv"]));
    let set = FrameSet::open(&train, Some(&test), &reader("Phase", &[], &[]), None).unwrap();
    assert_eq!(set.schema.format, FrameFormat::Features { width: 32 });
    assert_eq!(set.validation[0].len(), 1069);
}

#[test]
fn key_points_have_a_label_a_clip() {
    let Some(folder) = folder() else { return };
    let path = |name: &str| folder.join("fall_keypoints").join(name);
    let data = path("keypoints_sequences.npy");
    let source = FrameSource::parse(data.to_str().unwrap(), Some(&path("labels.npy"))).unwrap();
    let set = FrameSet::open(&source, None, &reader("label", &[], &[]), None).unwrap();
    assert_eq!((set.train.len(), set.schema.format), (111, FrameFormat::Features { width: 34 }));
    assert!(set.train.iter().all(|clip| clip.whole_clip && clip.len() == 20));
}
