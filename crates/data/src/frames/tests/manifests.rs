//! Manifests, and clips that are held out.

use rstest::rstest;

use super::*;

fn files() -> Files {
    let files = Files::new();
    files.with("clips/a.csv", "x,label\n1,up\n2,down\n");
    files.with("clips/b.csv", "x\n1\n2\n");
    files.with("clips/c.csv", "x\n1\n2\n");
    files.with("b.txt", "up\nup\n");
    files
}

#[test]
fn a_manifest_ties_clips_labels_and_parts() {
    let files = files();
    let manifest = "clip,path,labels,split\na,clips/a.csv,,train\nb,clips/b.csv,b.txt,val\nc,clips/c.csv,down,test\n";
    let set = open(&files.with("all.csv", manifest)).unwrap();
    let shown = |clips: &[crate::frames::Clip]| {
        let clips = clips.iter().map(|clip| (clip.name.clone(), clip.labels.clone().unwrap(), clip.whole_clip));
        clips.collect::<Vec<_>>()
    };
    assert_eq!(shown(&set.train), [("a".to_owned(), vec![1, 0], false)]);
    assert_eq!(shown(&set.validation), [("b".to_owned(), vec![1, 1], false)]);
    assert_eq!(shown(&set.test), [("c".to_owned(), vec![0, 0], true)]);
}

#[rstest]
#[case::split("clip,path,split\na,clips/a.csv,training\n", &["all.csv", "line 2", "`training`", "validation"])]
#[case::missing("clip,path\na,clips/z.csv\n", &["z.csv"])]
#[case::no_labels("clip,path\na,clips/a.csv\nb,clips/b.csv\n", &["b", "no labels"])]
#[case::fields("clip,path\na\n", &["all.csv", "line 2", "1 field,"])]
#[case::nothing("clip,path\n", &["no clip to train on"])]
fn a_broken_manifest_is_named(#[case] manifest: &str, #[case] wanted: &[&str]) {
    let files = files();
    assert_says(open(&files.with("all.csv", manifest)), wanted);
}

/// Ten clips, four of them labelled `rare`.
fn ten(files: &Files) -> String {
    let rows = (0..10).map(|n| {
        files.with(&format!("clips/{n}.csv"), "x\n1\n2\n");
        format!("{n},clips/{n}.csv,{}\n", if n < 4 { "rare" } else { "often" })
    });
    files.with("all.csv", format!("clip,path,labels\n{}", rows.collect::<String>()))
}

#[test]
fn folds_hold_each_clip_out_once_and_share_the_labels_out_evenly() {
    let files = files();
    let manifest = ten(&files);
    let mut seen = Vec::new();
    for fold in 0..2 {
        let set = open_fold(&manifest, None, 2, fold).unwrap();
        assert_eq!((set.train.len(), set.validation.len()), (5, 5));
        let rare = set.validation.iter().filter(|clip| clip.labels.as_ref().unwrap()[0] == 1).count();
        assert_eq!(rare, 2);
        seen.extend(set.validation.into_iter().map(|clip| clip.name));
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[rstest]
#[case(2, 2, &["--fold 2 of --folds 2"])]
#[case(11, 0, &["10 clips"])]
#[case(1, 0, &["at least 2 folds"])]
fn a_fold_that_cannot_be_is_refused(#[case] folds: usize, #[case] fold: usize, #[case] wanted: &[&str]) {
    let files = files();
    assert_says(open_fold(&ten(&files), None, folds, fold), wanted);
}

#[test]
fn other_clips_to_validate_on_replace_those_of_the_manifest() {
    let files = files();
    let manifest = "clip,path,labels,split\na,clips/a.csv,,train\nb,clips/b.csv,b.txt,val\n";
    let (manifest, dev) = (files.with("all.csv", manifest), files.with("dev.csv", "x,label\n3,up\n"));
    let set = FrameSet::open(&source(&manifest), Some(&source(&dev)), &reader(), None).unwrap();
    assert_eq!(set.validation.iter().map(|clip| clip.name.as_str()).collect::<Vec<_>>(), ["dev"]);
}

#[test]
fn folds_of_a_built_in_set_are_refused_but_a_run_with_them_opens() {
    let builtin = "builtin:moving-shapes";
    assert_says(open_fold(builtin, None, 2, 0), &["--folds 2", "built-in"]);
    let (schema, hold_out) = (open(builtin).unwrap().schema, Some(HoldOut { folds: 2, fold: 0 }));
    assert!(FrameSet::reopen(&source(builtin), None, &reader(), hold_out, schema).is_ok());
}

#[rstest]
#[case::in_two_splits(
    "clip,path,labels,split\na,clips/a.csv,,train\nb,clips/b.csv,up,val\nc,./clips/../clips/a.csv,,val\n",
    &["all.csv, line 4", "a.csv is on line 2 too"]
)]
#[case::with_two_labels(
    "clip,path,labels\na,clips/b.csv,up\nb,clips/b.csv,down\n",
    &["all.csv, line 3", "b.csv is on line 2 too"]
)]
#[case::one_name(
    "clip,path,labels\na,clips/a.csv,\na,clips/b.csv,up\n",
    &["all.csv, line 3", "`a` is on line 2 too"]
)]
fn a_clip_that_is_listed_twice_is_named_with_both_lines(#[case] manifest: &str, #[case] wanted: &[&str]) {
    let files = files();
    let manifest = files.with("all.csv", manifest);
    assert_says(open(&manifest), wanted);
    // Runs of earlier versions have such manifests, and open.
    let schema = open(&files.path("clips/a.csv").display().to_string()).unwrap().schema;
    FrameSet::reopen(&source(&manifest), None, &reader(), None, schema).unwrap();
}

#[test]
fn a_clip_that_is_given_twice_or_is_also_held_out_is_refused() {
    let files = files();
    let (a, b) = (files.with("a.csv", "x,label\n1,up\n2,down\n"), files.with("b.csv", "x,label\n1,up\n2,down\n"));
    assert_says(open(&format!("{a},{b},{a}")), &["a.csv", "named twice"]);
    let with = |data: &str, dev: &str| FrameSet::open(&source(data), Some(&source(dev)), &reader(), None);
    for dev in [&b, &format!("{b},{b}"), &files.with("dev.csv", "clip,path\nb,b.csv\n")] {
        assert_says(with(&format!("{a},{b}"), dev), &["b.csv"]);
    }
    assert_says(with(&a, &a), &["a.csv", "--dev", "--data"]);
    // A clip that the manifest holds out is no clip to train on.
    let manifest = files.with("all.csv", "clip,path,split\na,a.csv,train\nb,b.csv,val\n");
    assert_eq!(with(&manifest, &b).unwrap().validation.len(), 1);
    assert_says(with(&manifest, &manifest), &["a.csv", "--dev"]);
}

#[rstest]
#[case::no_tables("film.npy", None, Some("--ignore time"), Some("--label-column phase"))]
#[case::built_in("builtin:moving-shapes", None, Some("--ignore time"), Some("--label-column phase"))]
#[case::table_of_labels("film.npy", Some("labels.csv"), Some("--ignore time"), None)]
fn columns_are_refused_where_no_table_is_read(
    #[case] data: &str,
    #[case] labels: Option<&str>,
    #[case] ignore: Option<&str>,
    #[case] label_column: Option<&str>,
) {
    let files = files();
    files.with("labels.csv", "phase\nup\n");
    let data = if data.starts_with("builtin") { data.to_owned() } else { files.with(data, "no array") };
    let source = FrameSource::parse(&data, labels.map(|name| files.path(name)).as_deref()).unwrap();
    let readers = [
        (ClipReader { ignore: vec!["time".into()], ..reader() }, ignore),
        (ClipReader { label_column: "phase".into(), ..reader() }, label_column),
    ];
    for (reader, wanted) in readers {
        let error = FrameSet::open(&source, None, &reader, None).err().map(|error| error.to_string());
        match wanted {
            Some(wanted) => assert!(error.is_some_and(|error| error.starts_with(wanted))),
            None => assert!(error.is_none_or(|error| !error.contains("--label-column"))),
        }
    }
}
