use std::sync::mpsc;

use serde_json::json;

use super::*;

/// Opens a file that no other process writes.
fn writer(path: &Path, head: &Value) -> (RowWriter, usize) {
    let alone = || Err(ErrorKind::Write.error("another process writes it"));
    RowWriter::open(path, head, 2, alone).unwrap().unwrap()
}

fn written(path: &Path) -> Value {
    let head = json!({"weights": "a", "images": "b"});
    let (mut writer, done) = writer(path, &head);
    assert_eq!(done, 0);
    writer.push(&[0.5, -2.0, 3.0, 0.0]).unwrap();
    writer.push(&[1.0, 65504.0]).unwrap();
    writer.finish().unwrap();
    head
}

#[test]
fn rows_come_back_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er.rows");
    let head = written(&path);
    let file = RowFile::open(&path, &head, 3, 2).unwrap().unwrap();
    assert_eq!(file.rows(&[2, 0, 2]).unwrap(), [1.0, 65504.0, 0.5, -2.0, 1.0, 65504.0]);
    assert!(RowFile::open(&folder.path().join("none"), &head, 3, 2).unwrap().is_none());
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "the file has its name");
}

#[test]
fn every_flipped_bit_and_every_cut_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let head = written(&path);
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut other = whole.clone();
        other[at] ^= 1;
        fs::write(&path, &other).unwrap();
        assert_eq!(RowFile::open(&path, &head, 3, 2).unwrap_err().kind(), ErrorKind::Mismatch, "byte {at}");
        fs::write(&path, &whole[..at]).unwrap();
        assert_eq!(RowFile::open(&path, &head, 3, 2).unwrap_err().kind(), ErrorKind::Mismatch, "cut at {at}");
    }
}

#[test]
fn rows_of_something_else_say_of_what() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let mut head = written(&path);
    head["weights"] = "other".into();
    let error = RowFile::open(&path, &head, 3, 2).unwrap_err().to_string();
    assert!(error.ends_with("it is of other weights"), "{error}");
}

#[test]
fn an_interrupted_file_is_gone_on_with_by_whole_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let head = json!({"weights": "a"});
    let (mut first, _) = writer(&path, &head);
    first.push(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    drop(first);
    assert!(RowFile::open(&path, &head, 3, 2).unwrap().is_none(), "half a file has no name");
    let (mut second, done) = writer(&path, &head);
    assert_eq!(done, 2);
    second.push(&[6.0, 7.0]).unwrap();
    second.finish().unwrap();
    let file = RowFile::open(&path, &head, 3, 2).unwrap().unwrap();
    assert_eq!(file.rows(&[0, 1, 2]).unwrap(), [1.0, 2.0, 3.0, 4.0, 6.0, 7.0]);
    let (_, done) = writer(&path, &json!({"weights": "b"}));
    assert_eq!(done, 0, "what is left of another file is not taken up");
}

/// Opens a file that `first` is writing, in another thread; when it waits, lets `end` end the first writer.
fn opened_second(
    path: &Path,
    head: &Value,
    first: RowWriter,
    end: impl FnOnce(RowWriter),
) -> Option<(RowWriter, usize)> {
    let (wait, waits) = mpsc::channel();
    thread::scope(|scope| {
        let second = scope.spawn(move || {
            RowWriter::open(path, head, 2, || {
                // The other side is gone once it has heard of the first wait.
                let _ = wait.send(());
                Ok::<_, DataError>(())
            })
        });
        waits.recv().unwrap();
        drop(waits);
        end(first);
        second.join().unwrap().unwrap()
    })
}

#[test]
fn a_second_writer_waits_and_finds_the_file_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let head = json!({"weights": "a"});
    let (mut first, _) = writer(&path, &head);
    first.push(&[1.0, 2.0]).unwrap();
    let second = opened_second(&path, &head, first, |mut first| {
        first.push(&[3.0, 4.0]).unwrap();
        first.finish().unwrap();
    });
    assert!(second.is_none());
    let file = RowFile::open(&path, &head, 2, 2).unwrap().unwrap();
    assert_eq!(file.rows(&[0, 1]).unwrap(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_second_writer_goes_on_where_the_first_was_interrupted_and_can_give_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let head = json!({"weights": "a"});
    let (mut first, _) = writer(&path, &head);
    first.push(&[1.0, 2.0]).unwrap();
    let error = RowWriter::open(&path, &head, 2, || Err(ErrorKind::Interrupted.error("stop"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    let (_, pieces) = opened_second(&path, &head, first, drop).unwrap();
    assert_eq!(pieces, 1);
}
