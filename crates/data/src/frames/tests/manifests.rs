//! Manifests, and clips that are held out.

use rstest::rstest;

use super::*;

fn files() -> Files {
    let files = Files::new();
    files.with("clips/a.csv", "x,label\n1,up\n2,down\n");
    files.with("clips/b.csv", "x\n1\n2\n");
    files.with("b.txt", "up\nup\n");
    files
}

#[test]
fn a_manifest_ties_clips_labels_and_parts() {
    let files = files();
    let manifest = "clip,path,labels,split\na,clips/a.csv,,train\nb,clips/b.csv,b.txt,val\nc,clips/b.csv,down,test\n";
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
    let rows = (0..10).map(|n| format!("{n},clips/b.csv,{}\n", if n < 4 { "rare" } else { "often" }));
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
