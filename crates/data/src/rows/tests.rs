use serde_json::json;

use super::*;

fn written(path: &Path) -> Value {
    let head = json!({"weights": "a", "images": "b"});
    let (mut writer, done) = RowWriter::open(path, &head, 2).unwrap();
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
    let (mut writer, _) = RowWriter::open(&path, &head, 2).unwrap();
    writer.push(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    drop(writer);
    assert!(RowFile::open(&path, &head, 3, 2).unwrap().is_none(), "half a file has no name");
    let (mut writer, done) = RowWriter::open(&path, &head, 2).unwrap();
    assert_eq!(done, 2);
    writer.push(&[6.0, 7.0]).unwrap();
    writer.finish().unwrap();
    let file = RowFile::open(&path, &head, 3, 2).unwrap().unwrap();
    assert_eq!(file.rows(&[0, 1, 2]).unwrap(), [1.0, 2.0, 3.0, 4.0, 6.0, 7.0]);
    let (_, done) = RowWriter::open(&path, &json!({"weights": "b"}), 2).unwrap();
    assert_eq!(done, 0, "what is left of another file is not taken up");
}
