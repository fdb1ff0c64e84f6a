use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rstest::rstest;

use super::*;

/// 200,000 bytes without a short period: more than one buffer of the reader.
fn content() -> Vec<u8> {
    (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A server on loopback that gives each connection the next of its answers and closes it.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                seen.lock().unwrap().push(read_head(&stream));
                // A client that has seen enough may hang up before the end.
                let _ = stream.write_all(&answer);
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// The request up to its empty line, in lower case.
fn read_head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map(|line| line.unwrap().to_lowercase());
    lines.take_while(|line| !line.is_empty()).map(|line| line + "\n").collect()
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn whole(body: &[u8]) -> Vec<u8> {
    answer(&format!("200 OK\r\nContent-Length: {}", body.len()), body)
}

fn rest(body: &[u8], from: usize) -> Vec<u8> {
    let head = format!(
        "206 Partial Content\r\nContent-Range: bytes {from}-{}/{}\r\nContent-Length: {}",
        body.len() - 1,
        body.len(),
        body.len() - from
    );
    answer(&head, &body[from..])
}

fn not_found() -> Vec<u8> {
    answer("404 Not Found\r\nContent-Length: 4", b"gone")
}

/// A data set of one file, a folder to put it in, and what a download of it said.
struct Case {
    folder: tempfile::TempDir,
    entry: Entry,
    heard: Vec<u64>,
}

impl Case {
    fn new(server: &Server) -> Self {
        let content = content();
        let sha256 = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        let file = RemoteFile {
            path: "in/put.bin".into(),
            url: format!("{}/public/put.bin", server.address),
            bytes: content.len() as u64,
            sha256,
        };
        let entry = Entry {
            name: "noise".into(),
            task: "chars".into(),
            description: String::new(),
            licence: String::new(),
            source: String::new(),
            files: vec![file],
        };
        Self { folder: tempfile::tempdir().unwrap(), entry, heard: Vec::new() }
    }

    fn get(&mut self, mirror: Option<&str>) -> Result<Outcome, DataError> {
        let heard = &mut self.heard;
        let file = &self.entry.files[0];
        let folder = self.folder.path();
        Downloader::new(mirror).get(&self.entry, file, folder, &mut |bytes| heard.push(bytes))
    }

    fn target(&self) -> PathBuf {
        self.entry.local_path(&self.entry.files[0], self.folder.path())
    }

    fn part(&self) -> PathBuf {
        self.target().with_added_extension("part")
    }

    /// Leaves a `.part` as an interrupted download would.
    fn leave(&self, part: &[u8]) {
        fs::create_dir_all(self.target().parent().unwrap()).unwrap();
        fs::write(self.part(), part).unwrap();
    }

    fn assert_complete(&self) {
        assert_eq!(fs::read(self.target()).unwrap(), content());
        assert!(!self.part().exists());
    }

    fn assert_nothing_kept(&self) {
        assert!(!self.target().exists() && !self.part().exists());
    }
}

#[test]
fn a_file_is_downloaded_and_its_progress_told() {
    let server = Server::start(vec![whole(&content())]);
    let mut case = Case::new(&server);
    assert_eq!(case.get(None).unwrap(), Outcome::Downloaded { resumed_from: 0 });
    case.assert_complete();
    assert!(case.entry.is_present(case.folder.path()));
    assert!(case.heard.is_sorted());
    assert_eq!((case.heard[0], case.heard.last()), (0, Some(&200_000)));
    let requests = server.requests();
    assert!(requests[0].starts_with("get /public/put.bin "), "{requests:?}");
    assert!(!requests[0].contains("range:"), "{requests:?}");
}

#[test]
fn a_file_of_unknown_length_is_downloaded() {
    let server = Server::start(vec![answer("200 OK", &content())]);
    let mut case = Case::new(&server);
    case.get(None).unwrap();
    case.assert_complete();
}

#[test]
fn a_mirror_is_asked_for_the_name_and_path_of_the_file() {
    let server = Server::start(vec![whole(&content())]);
    let mut case = Case::new(&server);
    case.get(Some(&format!("{}/mirror/", server.address))).unwrap();
    case.assert_complete();
    let requests = server.requests();
    assert!(requests[0].starts_with("get /mirror/noise/in/put.bin "), "{requests:?}");
}

#[test]
fn a_part_is_continued() {
    let content = content();
    let server = Server::start(vec![rest(&content, 150_000)]);
    let mut case = Case::new(&server);
    case.leave(&content[..150_000]);
    assert_eq!(case.get(None).unwrap(), Outcome::Downloaded { resumed_from: 150_000 });
    case.assert_complete();
    assert_eq!(case.heard[0], 150_000);
    assert!(server.requests()[0].contains("range: bytes=150000-"), "{:?}", server.requests());
}

#[rstest]
#[case::ignored(vec![whole(&content())])]
#[case::refused(vec![
    answer("416 Range Not Satisfiable\r\nContent-Length: 0", b""), whole(&content())
])]
#[case::other_range(vec![rest(&content(), 100), whole(&content())])]
fn a_server_without_ranges_begins_anew(#[case] answers: Vec<Vec<u8>>) {
    let count = answers.len();
    let server = Server::start(answers);
    let mut case = Case::new(&server);
    case.leave(&content()[..150_000]);
    assert_eq!(case.get(None).unwrap(), Outcome::Downloaded { resumed_from: 0 });
    case.assert_complete();
    assert_eq!(server.requests().len(), count);
}

#[test]
fn a_part_longer_than_the_file_is_thrown_away() {
    let server = Server::start(vec![whole(&content())]);
    let mut case = Case::new(&server);
    case.leave(&[7; 200_001]);
    case.get(None).unwrap();
    case.assert_complete();
}

#[test]
fn a_complete_part_needs_no_request() {
    let server = Server::start(Vec::new());
    let mut case = Case::new(&server);
    case.leave(&content());
    assert_eq!(case.get(None).unwrap(), Outcome::Downloaded { resumed_from: 200_000 });
    case.assert_complete();
}

#[rstest]
#[case::announced(whole(&content()))]
#[case::unannounced(answer("200 OK", &content()))]
fn a_cut_connection_keeps_what_has_come_and_the_next_call_goes_on(#[case] answer: Vec<u8>) {
    let cut = answer[..answer.len() - 80_000].to_vec();
    let server = Server::start(vec![cut, rest(&content(), 120_000)]);
    let mut case = Case::new(&server);
    let error = case.get(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(error.to_string().contains("at 120000 of 200000 bytes"), "{error}");
    assert!(!case.target().exists());
    assert_eq!(case.get(None).unwrap(), Outcome::Downloaded { resumed_from: 120_000 });
    case.assert_complete();
}

#[rstest]
#[case::too_short(whole(&content()[..100]), 100)]
#[case::too_long(whole(&[content(), vec![1]].concat()), 200_001)]
fn another_size_is_refused(#[case] answer: Vec<u8>, #[case] size: u64) {
    let server = Server::start(vec![answer]);
    let mut case = Case::new(&server);
    let error = case.get(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    let wanted = format!("{size} bytes or more, and the catalogue says 200000");
    assert!(error.to_string().contains(&wanted), "{error}");
    case.assert_nothing_kept();
}

#[test]
fn a_body_that_does_not_end_in_time_is_refused() {
    let server = Server::start(vec![answer("200 OK", &content().repeat(2))]);
    let mut case = Case::new(&server);
    assert!(case.get(None).is_err_and(|error| error.kind() == ErrorKind::Changed));
    case.assert_nothing_kept();
}

#[test]
fn another_content_is_refused() {
    let mut damaged = content();
    damaged[1234] ^= 1;
    let server = Server::start(vec![whole(&damaged)]);
    let mut case = Case::new(&server);
    let error = case.get(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed, "{error:?}");
    case.assert_nothing_kept();
}

#[rstest]
#[case::at_first(None)]
#[case::at_a_continuation(Some(10))]
fn a_file_that_is_not_there_is_an_http_error(#[case] part: Option<usize>) {
    let server = Server::start(vec![not_found()]);
    let mut case = Case::new(&server);
    if let Some(length) = part {
        case.leave(&content()[..length]);
    }
    let error = case.get(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.to_string().contains("HTTP status 404"), "{error}");
    assert!(error.to_string().contains("/public/put.bin"), "{error}");
    assert!(!case.target().exists());
    assert_eq!(case.part().metadata().ok().map(|part| part.len() as usize), part);
}

#[rstest]
#[case::silence(b"")]
#[case::noise(b"220 mail.example.org SMTP\r\n\r\n")]
fn what_is_no_http_server_is_named(#[case] answer: &[u8]) {
    let server = Server::start(vec![answer.to_vec()]);
    let mut case = Case::new(&server);
    let error = case.get(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error:?}");
    case.assert_nothing_kept();
}

#[test]
fn a_file_that_is_there_already_needs_no_request() {
    let server = Server::start(Vec::new());
    let mut case = Case::new(&server);
    fs::create_dir_all(case.target().parent().unwrap()).unwrap();
    fs::write(case.target(), content()).unwrap();
    assert_eq!(case.get(None).unwrap(), Outcome::AlreadyThere);
}

#[test]
fn a_file_of_the_user_is_not_overwritten() {
    let server = Server::start(Vec::new());
    let mut case = Case::new(&server);
    fs::create_dir_all(case.target().parent().unwrap()).unwrap();
    for mine in [b"mine".to_vec(), vec![7; 200_000]] {
        fs::write(case.target(), &mine).unwrap();
        assert!(case.get(None).is_err_and(|error| error.kind() == ErrorKind::Changed));
        assert_eq!(fs::read(case.target()).unwrap(), mine);
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let server = Server::start(Vec::new());
    let mut case = Case::new(&server);
    fs::write(case.folder.path().join("noise"), "a file where a folder is wanted").unwrap();
    let error = case.get(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Write, "{error:?}");
}
