//! Requests to the whole server, without a network.

use std::fs;
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use rekindle_train::registry;
use rekindle_train::rekindle_settings::{Table, Tables, Value};
use rekindle_train::run::RunFolder;
use rekindle_train::tasks;
use rekindle_train::trainer::{NewRun, StopSignal};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::*;

mod inside;
mod playground;
mod runs;

const HOST: &str = "127.0.0.1:7007";

/// A server over a folder.
pub(super) struct Place {
    pub folder: TempDir,
    pub shared: Arc<Shared>,
    router: Router,
    runtime: tokio::runtime::Runtime,
}

/// An answer.
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn lines(&self) -> Vec<Json> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The sentence of a failure with this status.
    pub fn failure(&self, status: u16) -> String {
        let json = self.json();
        assert_eq!(self.status.as_u16(), status, "{json}");
        json["error"].as_str().unwrap().to_owned()
    }
}

impl Place {
    /// A server over what `make` puts in its folder.
    pub fn new(make: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("runs")).unwrap();
        make(&folder.path().join("runs"));
        let folders = Folders::open(&[folder.path().join("runs")]).unwrap();
        let index = Arc::new(Index::new(folders, tasks::ALL));
        index.find();
        index.look();
        let shared = Arc::new(Shared {
            tasks: tasks::ALL,
            device: Device::flex(),
            index,
            players: Players::default(),
            analyses: Analyses::default(),
        });
        let router = router(shared.clone(), Arc::new(Guard::new(None, HOST.parse().unwrap())));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { folder, shared, router, runtime }
    }

    pub fn runs(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    /// Looks at the runs once more.
    pub fn look(&self) {
        self.shared.index.find();
        self.shared.index.look();
    }

    pub fn ask(&self, request: Request<Body>) -> Answer {
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (head, body) = response.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
            Answer { status: head.status, headers: head.headers, body }
        })
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).header("host", HOST).body(Body::empty()).unwrap())
    }

    pub fn post(&self, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        self.ask(Request::post(path).header("host", HOST).header("content-type", kind).body(body.into()).unwrap())
    }

    /// The run with this name.
    pub fn run(&self, name: &str) -> Json {
        let runs = self.get("/api/runs").json();
        let found = runs["runs"].as_array().unwrap().iter().find(|run| run["name"] == name);
        found.unwrap_or_else(|| panic!("{name} in {runs}")).clone()
    }

    /// The address of something of the run with this name.
    pub fn of(&self, name: &str, what: &str) -> String {
        format!("/api/runs/{}/{what}", self.run(name)["id"].as_str().unwrap())
    }
}

/// Trains a run of a task for a step, with some settings in TOML.
pub(super) fn train(out: &Path, task: &str, settings: &str) {
    let mut given: Table = settings.parse().unwrap();
    let training = given.entry("training".to_owned()).or_insert_with(|| Value::Table(Table::new()));
    training.as_table_mut().unwrap().entry("steps".to_owned()).or_insert(Value::Integer(1));
    let tables = Tables { file: Table::new(), given };
    let new = NewRun { out: out.to_owned(), ..NewRun::default() };
    let task = registry::find(tasks::ALL, task).unwrap();
    let session = task.start(tables, &new, &Device::flex()).unwrap();
    session.train(&mut (), &StopSignal::default()).unwrap();
}

/// A run that was written by hand.
pub(super) fn written(path: &Path, task: &str, config: &str, metrics: &str) {
    fs::create_dir_all(path).unwrap();
    let head = format!("format = 2\ntask = \"{task}\"\nrekindle = \"0.1.0\"\n");
    fs::write(path.join("config.toml"), head + config).unwrap();
    fs::write(path.join("metrics.jsonl"), metrics).unwrap();
}

/// A line of steps.
pub(super) fn step(number: u64) -> String {
    let (epoch, loss) = (number as f64 / 100.0, 4.0 / number as f64);
    json!({"kind": "step", "step": number, "epoch": epoch, "loss": loss, "seconds": number}).to_string() + "\n"
}

#[test]
fn the_page_is_served_with_its_policy_and_nothing_else_is() {
    let place = Place::new(|_| {});
    for file in page::FILES {
        let answer = place.get(file.path);
        assert_eq!(answer.status, StatusCode::OK, "{}", file.path);
        assert_eq!(
            (answer.text(), &answer.headers["content-type"]),
            (file.text.to_owned(), &file.kind.parse().unwrap())
        );
    }
    for path in ["/nothing.js", "/api", "/api/nothing", "/api/runs/x/nothing", "/../Cargo.toml", "/%2e%2e/Cargo.toml"] {
        place.get(path).failure(404);
    }
    let answer = place.get("/");
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert!(place.get("/api/nothing").headers.contains_key("content-security-policy"));
}

#[test]
fn foreign_hosts_are_refused_on_every_address() {
    let place = Place::new(|_| {});
    for path in ["/", "/app.js", "/api/runs", "/api/events"] {
        let request = Request::get(path).header("host", "example.com").body(Body::empty()).unwrap();
        assert!(place.ask(request).failure(403).contains("another host"), "{path}");
    }
}

#[test]
fn a_server_listens_on_loopback_and_streams_changes() {
    use std::io::{BufRead, BufReader, Write};
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    written(&run, "chars", "", &step(1));
    let options = ViewOptions {
        folders: vec![folder.path().to_owned()],
        host: None,
        port: None,
        tasks: tasks::ALL,
        device: Device::flex(),
    };
    let server = Server::bind(options.clone()).unwrap();
    let second = Server::bind(options.clone()).unwrap();
    assert_ne!(server.address(), second.address(), "the next free port");
    let address = server.address();
    let host = address.strip_prefix("http://").unwrap().strip_suffix('/').unwrap().to_owned();
    let port = host.strip_prefix("127.0.0.1:").unwrap().parse().unwrap();
    let taken = Server::bind(ViewOptions { port: Some(port), ..options.clone() });
    assert!(taken.err().unwrap().to_string().contains(&host));
    assert!(Server::bind(ViewOptions { host: Some("no such host".to_owned()), ..options }).is_err());
    std::thread::spawn(move || server.run());
    let mut stream = std::net::TcpStream::connect(&host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET /api/events HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap());
    assert_eq!(lines.next().unwrap(), "HTTP/1.1 200 OK");
    let mut data = |event: &str, has: &str| {
        lines.find(|line| line == &format!("event: {event}")).unwrap();
        let line = lines.next().unwrap();
        if line.contains(has) { Some(line) } else { None }
    };
    fs::write(run.join("metrics.jsonl"), step(1) + &step(2)).unwrap();
    // The first look may be told first.
    assert!((0..2).any(|_| data("runs", "\"steps\":2").is_some()));
    fs::remove_dir_all(&run).unwrap();
    assert!(data("gone", "\"id\"").is_some());
}
