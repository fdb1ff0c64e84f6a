//! Importing weights for every task: exports of runs, files of other programs, and files of the Hugging Face Hub from a
//! server on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A checkpoint of PyTorch, from `crates/weights/tests/fixtures/make.py`.
const CHECKPOINT: &[u8] = include_bytes!("../../crates/weights/tests/fixtures/char-lm.pt");
/// A tagger of PyTorch, from `crates/train/tests/fixtures/make_import.py`.
const TAGGER: &[u8] = include_bytes!("../../crates/train/tests/fixtures/import/frames.pt");

fn json(place: &Workplace, arguments: &[&str]) -> Value {
    place.json(&[arguments, &["--json"]].concat())
}

/// The figures of an evaluation, without the step of the checkpoint.
fn figures(place: &Workplace, arguments: &[&str]) -> Value {
    let mut figures = json(place, &[&["eval"], arguments].concat());
    figures.as_object_mut().unwrap().remove("checkpoint_step");
    figures
}

#[test]
fn the_export_of_a_run_of_every_task_comes_back_without_an_option_and_predicts_the_same() {
    let place = Workplace::new();
    for task in place.tasks() {
        let train = ["train", &task, "--out", &task, "--steps", "2", "--hidden", "8"];
        place.rekindle(&train).assert().success();
        let wanted = figures(&place, &[&task]);
        place.rekindle(&["export", &task]).assert().success();
        let (export, again, moved) = (format!("{task}/export"), format!("{task}-again"), format!("{task}-moved"));
        let imported = json(&place, &["import", &export, "--out", &again]);
        assert_eq!(
            (&imported["task"], &imported["missing"]),
            (&Value::from(task.as_str()), &Value::from(Vec::<i32>::new()))
        );
        assert_eq!(figures(&place, &[&again]), wanted, "{task}");
        // As JSON too, and by the name of the file.
        place.rekindle(&["export", &task, "--format", "json", "--out", &moved]).assert().success();
        let file = format!("{moved}/model.json");
        place.rekindle(&["import", &file, "--out", &again, "--force"]).assert().success();
        place.failure(&["train", "--resume", &again], 1, &["--init-from"]);
        // Away from the run it has no data.
        let config = fs::read_to_string(place.path(&task).join("config.toml")).unwrap();
        let config = config.parse::<toml::Table>().unwrap();
        let Some(data) = config["data"].get("data").and_then(toml::Value::as_str) else {
            assert_eq!(figures(&place, &[&again]), wanted, "{task}");
            continue;
        };
        place.failure(&["eval", &again], 1, &["--data PATH", "imported"]);
        let both = [&task, &again];
        let [here, there] = match task.as_str() {
            "translate" => both.map(|run| json(&place, &["predict", run, "12 March 1999"])),
            _ => both.map(|run| figures(&place, &[run, "--data", data])),
        };
        assert_eq!(here, there, "{task}");
    }
}

#[test]
fn exports_that_do_not_fit_are_refused() {
    let place = Workplace::new();
    place.rekindle(&["train", "draw", "--out", "run", "--steps", "1", "--hidden", "4"]).assert().success();
    place.rekindle(&["export", "run", "--out", "export"]).assert().success();
    place.failure(&["import", "export", "--task", "chars", "--out", "x"], 1, &["`draw`", "--task draw"]);
    place.failure(&["import", "export", "--task", "nothing", "--out", "x"], 1, &["--task nothing", "chars", "draw"]);
    let config = fs::read_to_string(place.path("export/config.json")).unwrap();
    let write = |text: &str| fs::write(place.path("export/config.json"), text).unwrap();
    write(&config.replace("\"version\": 1", "\"version\": 99"));
    place.failure(&["import", "export", "--out", "x"], 1, &["config.json", "99"]);
    write(&config.replace("\"hidden\": 4", "\"hidden\": 5"));
    place.failure(&["import", "export", "--out", "x"], 1, &["another shape", "encoder.weight_hh_l0"]);
    write(&config.replace("\"hidden\"", "\"hiden\""));
    place.failure(&["import", "export", "--out", "x"], 1, &["config.json", "hiden"]);
    write(&config.replace("\"images.json\"", "\"../images.json\""));
    place.failure(&["import", "export", "--out", "x"], 1, &["../images.json"]);
    write(&config);
    fs::remove_file(place.path("export/images.json")).unwrap();
    place.failure(&["import", "export", "--out", "x"], 1, &["images.json", "not beside"]);
    fs::remove_file(place.path("export/config.json")).unwrap();
    place.failure(&["import", "export", "--out", "x"], 1, &["config.json", "rekindle export"]);
    assert!(!place.path("x").exists() && !place.path("x.partial").exists());
}

#[test]
fn a_tagger_of_pytorch_labels_the_frames_of_a_table() {
    let place = Workplace::new();
    fs::write(place.path("tagger.pt"), TAGGER).unwrap();
    let imported = json(&place, &["import", "tagger.pt", "--task", "frames", "--out", "run"]);
    assert_eq!((&imported["frame"], &imported["model"]["head"]), (&34.into(), &vec![8].into()), "{imported}");
    assert_eq!(imported["classes"][1], "raise");
    let header = (1..=34).map(|i| format!("f{i}")).collect::<Vec<_>>().join(",");
    let row = |frame: i32| (0..34).map(|i| f64::from(frame * 34 + i).sin().to_string()).collect::<Vec<_>>().join(",");
    let table = [header].into_iter().chain((0..5).map(row)).collect::<Vec<_>>().join("\n");
    fs::write(place.path("clip.csv"), table + "\n").unwrap();
    place.rekindle(&["predict", "run", "clip.csv"]).assert().success();
    let labelled = ["import", "tagger.pt", "--task", "frames", "--out", "named", "--labels", "a,b,c,d"];
    place.rekindle(&labelled).assert().success().stdout(contains("a, b, c, d").and(contains("no encoder")));
    let wrong = ["import", "tagger.pt", "--task", "frames", "--out", "x", "--vocab", "v.json"];
    place.failure(&wrong, 1, &["--vocab is for runs of", "`frames`"]);
    let wrong = ["import", "tagger.pt", "--task", "sentiment", "--out", "x"];
    place.failure(&wrong, 1, &["tagger.pt", "embedding", "--key-map"]);
    assert!(!place.path("x").exists());
}

/// A file of the hub.
#[derive(Clone, Default)]
struct Remote {
    content: Vec<u8>,
    /// The name of its content.
    etag: String,
    /// Bytes after which the first download breaks off.
    cut: Option<usize>,
}

impl Remote {
    /// A large file, which is named by its SHA-256.
    fn large(content: &[u8]) -> Self {
        let etag = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { content: content.to_vec(), etag, cut: None }
    }

    fn small(content: &[u8], etag: &str) -> Self {
        Self { content: content.to_vec(), etag: etag.to_owned(), cut: None }
    }
}

type Files = Arc<Mutex<BTreeMap<String, Remote>>>;

/// A server that answers as the hub does, and the heads of its requests.
struct Hub {
    address: String,
    files: Files,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Hub {
    fn start(files: &[(&str, Remote)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let files: BTreeMap<_, _> = files.iter().map(|(name, file)| ((*name).to_owned(), file.clone())).collect();
        let hub = Self { address, files: Arc::new(Mutex::new(files)), requests: Arc::default() };
        let (files, requests) = (Arc::clone(&hub.files), Arc::clone(&hub.requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that has seen enough hangs up.
                let _ = answer(stream.unwrap(), &files, &requests);
            }
        });
        hub
    }

    /// Replaces a file.
    fn set(&self, name: &str, file: Remote) {
        self.files.lock().unwrap().insert(name.to_owned(), file);
    }

    /// The command, with this server as the hub and a cache in the folder `cache`.
    fn rekindle(&self, place: &Workplace, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = place.rekindle(arguments);
        command.env("HF_ENDPOINT", &self.address).env("HF_HOME", place.path("cache")).env_remove("HF_TOKEN");
        command
    }
}

fn answer(mut stream: TcpStream, files: &Files, requests: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    requests.lock().unwrap().push(head.join("\n").to_lowercase());
    let path = head[0].split(' ').nth(1).unwrap_or_default().to_owned();
    let mut files = files.lock().unwrap();
    let Some(file) = files.get_mut(&path) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let range = head.iter().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let (from, to) = range.as_deref().and_then(|range| range.split_once('-')).unwrap_or_default();
    let from: usize = from.parse().unwrap_or(0);
    let last = file.content.len() - 1;
    let to = to.parse().unwrap_or(last).min(last);
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{to}/{}\r\nContent-Length: {}\r\nETag: \"{}\"\r\n\
         X-Repo-Commit: 0123456789abcdef\r\nConnection: close\r\n\r\n",
        file.content.len(),
        to + 1 - from,
        file.etag
    );
    let mut body = &file.content[from..=to];
    if to == last
        && let Some(cut) = file.cut.take()
    {
        body = &body[..cut];
    }
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

/// The files of the cache, without links.
fn cached(place: &Workplace) -> Vec<String> {
    let Ok(entries) = fs::read_dir(place.path("cache/hub/models--owner--model/blobs")) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.ends_with(".lock")).collect()
}

const IMPORT: [&str; 6] = ["import", "hf:owner/model/model.pt", "--task", "chars", "--out", "run"];
const FILE: &str = "/owner/model/resolve/main/model.pt";

#[test]
fn a_file_of_the_hub_is_fetched_once_and_imported() {
    let place = Workplace::new();
    let hub = Hub::start(&[(FILE, Remote::large(CHECKPOINT))]);
    hub.rekindle(&place, &IMPORT).env("HF_TOKEN", "secret").assert().success();
    place.rekindle(&["sample", "run", "--length", "5"]).assert().success();
    let requests = hub.requests.lock().unwrap().clone();
    assert!(requests.iter().all(|request| request.contains("authorization: bearer secret")), "{requests:?}");
    // From the cache, without the server but for files that are not there.
    hub.files.lock().unwrap().clear();
    let again = [&IMPORT[..], &["--force"]].concat();
    hub.rekindle(&place, &again).assert().success().stderr(contains("from the cache"));
    // Another revision is another file.
    let other = ["import", "hf:owner/model/model.pt@v2", "--task", "chars", "--out", "other"];
    hub.rekindle(&place, &other).assert().code(1).stderr(contains("/resolve/v2/model.pt").and(contains("404")));
    assert!(!place.path("other").exists());
}

#[test]
fn an_export_in_the_hub_is_imported_with_the_files_beside_it() {
    let place = Workplace::new();
    place.rekindle(&["train", "sentiment", "--out", "run", "--steps", "1", "--hidden", "4"]).assert().success();
    place.rekindle(&["export", "run"]).assert().success();
    let read = |name: &str| fs::read(place.path("run/export").join(name)).unwrap();
    let hub = Hub::start(&[
        ("/owner/model/resolve/main/sub/model.safetensors", Remote::large(&read("model.safetensors"))),
        ("/owner/model/resolve/main/sub/config.json", Remote::small(&read("config.json"), "c0")),
        ("/owner/model/resolve/main/sub/vocab.json", Remote::small(&read("vocab.json"), "c1")),
    ]);
    let import = ["import", "hf:owner/model/sub/model.safetensors", "--out", "again"];
    hub.rekindle(&place, &import).assert().success().stdout(contains("words"));
    let [here, there] = ["run", "again"].map(|run| figures(&place, &[run, "--data", "builtin:reviews"]));
    assert_eq!(here, there);
}

#[test]
fn a_file_that_the_hub_does_not_have_is_named() {
    let place = Workplace::new();
    let hub = Hub::start(&[]);
    let missing = contains("/owner/model/resolve/main/model.pt").and(contains("404"));
    hub.rekindle(&place, &IMPORT).assert().code(1).stdout("").stderr(missing);
    place.failure(&["import", "hf:owner/model", "--task", "chars"], 1, &["hf:owner/model", "hf:OWNER/NAME/FILE"]);
    // No server.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = hub.rekindle(&place, &IMPORT);
    command.env("HF_ENDPOINT", format!("http://{closed}"));
    command.assert().code(1).stdout("").stderr(contains("cannot fetch").and(contains("HF_ENDPOINT")));
    assert!(!place.path("run").exists() && cached(&place).is_empty());
}

#[test]
fn a_download_that_breaks_off_is_resumed() {
    let place = Workplace::new();
    let hub = Hub::start(&[(FILE, Remote { cut: Some(1000), ..Remote::large(CHECKPOINT) })]);
    hub.rekindle(&place, &IMPORT).assert().code(1).stdout("").stderr(contains("broke off").and(contains("model.pt")));
    assert!(!place.path("run").exists());
    assert!(cached(&place).iter().all(|name| Path::new(name).extension().is_some_and(|ending| ending == "part")));
    hub.rekindle(&place, &IMPORT).assert().success();
    let requests = hub.requests.lock().unwrap().clone();
    assert!(requests.iter().any(|request| request.contains("range: bytes=1000-")), "{requests:?}");
}

#[test]
fn a_file_with_another_hash_is_refused_and_not_kept() {
    let place = Workplace::new();
    let mut damaged = CHECKPOINT.to_vec();
    damaged[3000] ^= 1;
    let right = Remote::large(CHECKPOINT);
    let hub = Hub::start(&[(FILE, Remote { content: damaged, ..right.clone() })]);
    let refused = contains("SHA-256").and(contains(&right.etag[..])).and(contains("model.pt"));
    hub.rekindle(&place, &IMPORT).assert().code(1).stdout("").stderr(refused);
    assert!(!place.path("run").exists() && cached(&place).is_empty(), "{:?}", cached(&place));
    hub.set(FILE, right.clone());
    hub.rekindle(&place, &IMPORT).assert().success();
    // Nor is a file of the cache that was damaged later.
    let blob = place.path("cache/hub/models--owner--model/blobs").join(&right.etag);
    fs::write(&blob, b"short").unwrap();
    let again = [&IMPORT[..], &["--force"]].concat();
    hub.rekindle(&place, &again).assert().code(1).stderr(contains("SHA-256"));
    hub.rekindle(&place, &again).assert().success();
}
