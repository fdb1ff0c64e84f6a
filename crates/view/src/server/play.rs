//! The playground: trying the models of runs.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::multipart::Field as Part;
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use rekindle_data::picture_pixels;
use rekindle_train::TrainError;
use rekindle_train::playground::{Answers, Input, Play, Playable, Playground};
use rekindle_train::registry::{self, Open, Registered};
use rekindle_train::rekindle_settings::{Field, Kind, Table, Value};
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::{self, Which};
use rekindle_train::trainer::{StopSignal, Stopped};
use serde_json::{Map, Value as Json, json};
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::Shared;
use super::api::crashed;
use super::error::{Failure, answer, sentence, with_type};
use super::folders::Folders;
use super::index::Known;

/// Requests that compute side by side; more wait.
const SIDE_BY_SIDE: usize = 2;
/// Requests that wait at most.
const WAITING: usize = 16;
/// Models that stay open.
const OPEN: usize = 2;
/// The most bytes of a text.
const TEXT: usize = 100_000;
/// The most files of a request, and pixels of an image.
const FILES: usize = 2000;
const PIXELS: u64 = 40_000_000;
/// Pieces of an answer that wait for a slow page.
const PIECES: usize = 32;
/// Bytes that are sent in one piece, about, and the time for which lines wait for one.
const PIECE: usize = 1 << 15;
const MOMENT: Duration = Duration::from_millis(10);

/// Endings of pictures; several of them, or a GIF, are a clip.
const PICTURES: [&str; 9] = ["png", "jpg", "jpeg", "bmp", "webp", "gif", "ppm", "pgm", "pbm"];
/// Endings of clips that are no pictures.
const FEATURES: [&str; 2] = ["npy", "csv"];

/// The most files that an input takes, and their endings; none if it takes no files.
fn files_of(input: Input) -> Option<(usize, Vec<&'static str>)> {
    match input {
        Input::Picture => Some((1, PICTURES.to_vec())),
        Input::Clip => Some((FILES, [&PICTURES[..], &FEATURES].concat())),
        Input::None | Input::Text => None,
    }
}

/// Open models, and the places of requests.
pub(super) struct Players {
    models: Mutex<VecDeque<Player>>,
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

/// A model that is open.
struct Player {
    run: String,
    /// The checkpoints that were there, and the settings' file: another one is read anew.
    state: (Vec<u64>, String),
    model: Arc<dyn Playable>,
}

impl Default for Players {
    fn default() -> Self {
        Self {
            models: Mutex::default(),
            places: Arc::new(Semaphore::new(SIDE_BY_SIDE)),
            queue: Arc::new(Semaphore::new(SIDE_BY_SIDE + WAITING)),
        }
    }
}

impl Players {
    /// A place for a computation, when there is one.
    pub async fn place(&self) -> Result<Place, Failure> {
        let busy = |_| Failure(StatusCode::SERVICE_UNAVAILABLE, "too many requests are waiting: try again".to_owned());
        let queued = self.queue.clone().try_acquire_owned().map_err(busy)?;
        let place = self.places.clone().acquire_owned().await.map_err(|_| crashed())?;
        Ok(Place { _queued: queued, _place: place })
    }

    /// The number of open models.
    #[cfg(test)]
    pub fn open(&self) -> usize {
        self.models.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The model of a run, opened unless it is.
    pub fn model(&self, shared: &Shared, known: &Known) -> Result<Arc<dyn Playable>, Failure> {
        let run = openable(known, &shared.index.folders)?;
        let task = registry::of_run(shared.tasks, &run)?;
        let state = (checkpoint::steps(&run)?, fs::read_to_string(run.config_path()).unwrap_or_default());
        {
            let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = models.iter().position(|player| player.run == known.found.id && player.state == state) {
                let player = models.remove(at).expect("it was found there");
                let model = player.model.clone();
                models.push_front(player);
                return Ok(model);
            }
        }
        let open = Open { run: &run, which: Which::Best, device: &shared.device, with: &[] };
        let model: Arc<dyn Playable> = task.open_playground(&open)?.into();
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        models.retain(|player| player.run != known.found.id);
        models.push_front(Player { run: known.found.id.clone(), state, model: model.clone() });
        models.truncate(OPEN);
        Ok(model)
    }
}

/// Held while a request computes.
pub(super) struct Place {
    _queued: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

/// The folder of a run that may be opened: no link in it leads out of the folders.
pub(super) fn openable(known: &Known, folders: &Folders) -> Result<RunFolder, Failure> {
    let run = RunFolder::at(&known.found.path);
    if let Some(out) = folders.link_out(run.path()) {
        return Err(Failure::refused(format!(
            "{} leads out of the folders of this page: it is not read",
            out.display()
        )));
    }
    if let Some(problem) = known.shown().problem {
        return Err(Failure::refused(problem));
    }
    Ok(run)
}

/// The task of a run; an error where it has none that is known.
fn task_of(shared: &Shared, known: &Known) -> Result<&'static dyn Registered, Failure> {
    let run = known.shown();
    registry::find(shared.tasks, &run.task)
        .ok_or_else(|| Failure::refused(run.problem.unwrap_or_else(|| "the run has not been read yet".to_owned())))
}

pub(super) async fn playground(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Result<Response, Failure> {
    let known = shared.index.run(&id)?;
    let task = task_of(&shared, &known)?;
    let Some(Playground { input, optional, options, note }) = task.playground() else {
        return Ok(answer(
            &json!({"task": task.name(), "input": "none", "controls": [], "note": "This task has none."}),
        ));
    };
    let files = files_of(input).map(|(most, endings)| {
        let accept = endings.iter().map(|ending| format!(".{ending}")).collect::<Vec<_>>().join(",");
        json!({"most": most, "accept": accept})
    });
    let series = match known.shown().problem {
        Some(_) => Vec::new(),
        None => {
            let (own, known) = (shared.clone(), known.clone());
            super::api::aside(move || Ok(own.players.model(&own, &known)?.series())).await?
        }
    };
    let series: Vec<Json> = series.iter().map(|(name, count)| json!({"name": name, "count": count})).collect();
    Ok(answer(&json!({
        "series": series,
        "task": task.name(),
        "input": input,
        "optional": optional,
        "files": files,
        "controls": options.iter().map(control).collect::<Vec<_>>(),
        "note": note,
    })))
}

/// An option as a control of the page.
fn control(field: &Field) -> Json {
    let kind = match field.kind {
        _ if !field.choices.is_empty() => "choice",
        Kind::Flag => "flag",
        Kind::Integer => "integer",
        Kind::Number => "number",
        Kind::Text | Kind::List => "text",
    };
    let bound = |bound: Option<rekindle_train::rekindle_settings::Bound>| bound.map(|bound| bound.at);
    let choices = Some(&field.choices).filter(|choices| !choices.is_empty());
    json!({
        "name": field.key, "help": field.help, "kind": kind, "default": field.default, "unset": field.unset,
        "least": bound(field.range.from), "most": bound(field.range.to), "choices": choices,
    })
}

pub(super) async fn play(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let known = shared.index.run(&id)?;
    let task = task_of(&shared, &known)?;
    let Some(playground) = task.playground() else {
        return Err(TrainError::NoPlayground { task: task.name() }.into());
    };
    let given = Given::read(request, playground.input).await?;
    let (options, watch) = given.options(&playground.options)?;
    given.check(&playground)?;
    let (sender, receiver) = mpsc::channel::<String>(PIECES);
    let place = shared.players.place().await?;
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let stop = StopSignal::default();
        let _watcher = Watcher::start(sender.clone(), stop.clone());
        let mut pieces = Pieces::new(sender);
        let mut send = |line: String| pieces.add(line);
        let Given { text, files, folder, .. } = given;
        let work = AssertUnwindSafe(|| {
            let model = shared.players.model(&shared, &known)?;
            let play = Play { text, files, watch };
            model.play(play, options, &mut Answers::new(&mut send)).map_err(Failure::from)
        });
        let played = catch_unwind(|| stop.during(work)).unwrap_or_else(|_| Err(crashed()));
        if let Err(Failure(_, sentence)) = played {
            let _ = send(json!({"error": without_folder(&sentence, folder.as_ref())}).to_string() + "\n");
        }
        // Nobody is told if the connection is closed by now.
        let _ = pieces.send();
    });
    let pieces = ReceiverStream::new(receiver).map(Ok::<_, Infallible>);
    Ok(with_type("application/x-ndjson", Body::from_stream(pieces)))
}

/// The lines of an answer, sent in pieces. A line is sent at once unless the last piece was sent a moment ago: waking
/// the server for each token of a small model would take as long as the token.
struct Pieces {
    sender: mpsc::Sender<String>,
    waiting: String,
    sent: Option<Instant>,
}

impl Pieces {
    fn new(sender: mpsc::Sender<String>) -> Self {
        Self { sender, waiting: String::new(), sent: None }
    }

    fn add(&mut self, line: String) -> Result<(), Stopped> {
        self.waiting += &line;
        let recent = self.sent.is_some_and(|sent| sent.elapsed() < MOMENT);
        if recent && self.waiting.len() < PIECE { Ok(()) } else { self.send() }
    }

    /// Sends the lines that wait.
    fn send(&mut self) -> Result<(), Stopped> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.sent = Some(Instant::now());
        self.sender.blocking_send(std::mem::take(&mut self.waiting)).map_err(|_| Stopped)
    }
}

/// Stops work whose connection was closed, even while it sends nothing.
struct Watcher(tokio::task::JoinHandle<()>);

impl Watcher {
    fn start(sender: mpsc::Sender<String>, stop: StopSignal) -> Self {
        Self(tokio::runtime::Handle::current().spawn(async move {
            sender.closed().await;
            stop.stop();
        }))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A sentence that names files by their own names: the folder that they were put in means nothing to the user.
fn without_folder(sentence: &str, folder: Option<&TempDir>) -> String {
    match folder.and_then(|folder| folder.path().to_str()) {
        Some(folder) => sentence.replace(&format!("{folder}/clip/"), "").replace(&format!("{folder}/"), ""),
        None => sentence.to_owned(),
    }
}

/// What a request brings.
#[derive(Default)]
struct Given {
    text: String,
    options: Map<String, Json>,
    files: Vec<PathBuf>,
    /// Where the files are.
    folder: Option<TempDir>,
}

impl Given {
    /// Reads the body of a request: JSON, or parts with files.
    async fn read(request: Request, input: Input) -> Result<Self, Failure> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("multipart/form-data") {
            let refused = |e: &dyn std::fmt::Display| Failure::refused(format!("the upload cannot be read: {e}"));
            let mut parts = Multipart::from_request(request, &()).await.map_err(|e| refused(&e.body_text()))?;
            let mut given = Self::default();
            while let Some(part) = parts.next_field().await.map_err(|e| too_large(e.status(), &e.body_text()))? {
                given.add(part, input).await?;
            }
            return Ok(given);
        }
        if !kind.starts_with("application/json") {
            return Err(Failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send JSON, or a form with files".to_owned()));
        }
        let body = Bytes::from_request(request, &()).await.map_err(|e| too_large(e.status(), &e.body_text()))?;
        let mut body: Map<String, Json> =
            serde_json::from_slice(&body).map_err(|e| Failure::refused(format!("the request is no JSON: {e}")))?;
        let text = match body.remove("text") {
            None | Some(Json::Null) => String::new(),
            Some(Json::String(text)) => text,
            Some(_) => return Err(Failure::refused("text: must be a text")),
        };
        Ok(Self { text, options: object(body.remove("options"))?, ..Self::default() })
    }

    /// Reads a part of a form.
    async fn add(&mut self, part: Part<'_>, input: Input) -> Result<(), Failure> {
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.file_name().map(str::to_owned);
        let bytes = part.bytes().await.map_err(|e| too_large(e.status(), &e.body_text()))?;
        match (&name[..], file) {
            ("options", _) => {
                let options = serde_json::from_slice(&bytes);
                self.options = object(options.map_err(|e| Failure::refused(format!("options: no JSON: {e}")))?)?;
            }
            ("text", _) => self.text = String::from_utf8_lossy(&bytes).into_owned(),
            ("file", file) => self.keep(&file.unwrap_or_default(), &bytes, input)?,
            _ => return Err(Failure::refused(format!("{name}: there is no such part"))),
        }
        Ok(())
    }

    /// Writes an uploaded file to a folder of this request, under a name of its own.
    fn keep(&mut self, name: &str, bytes: &[u8], input: Input) -> Result<(), Failure> {
        let Some((most, endings)) = files_of(input) else {
            return Err(Failure::refused("this model reads no files"));
        };
        let ending = FilePath::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let ending = ending.to_ascii_lowercase();
        if !endings.contains(&&ending[..]) {
            let endings = endings.join(", ");
            return Err(Failure::refused(format!("{name:?} is no file that this model reads: give one of {endings}")));
        }
        if self.files.len() == most {
            return Err(Failure::refused(format!("too many files: give at most {most}")));
        }
        let failed = |e: std::io::Error| {
            Failure(StatusCode::INTERNAL_SERVER_ERROR, format!("the upload cannot be written: {e}"))
        };
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => {
                let folder = tempfile::Builder::new().prefix("rekindle-view").tempdir().map_err(failed)?;
                fs::create_dir(folder.path().join("clip")).map_err(failed)?;
                folder
            }
        };
        // The order of a clip's images is that of the upload.
        let path = folder.path().join("clip").join(format!("{:06}.{ending}", self.files.len()));
        fs::write(&path, bytes).map_err(failed)?;
        self.folder = Some(folder);
        let picture = !["npy", "csv"].contains(&&ending[..]);
        if picture
            && picture_pixels(&path)
                .map_err(|e| Failure::refused(without_folder(&sentence(&e), self.folder.as_ref())))?
                > PIXELS
        {
            let most = PIXELS / 1_000_000;
            return Err(Failure::refused(format!("{name:?} has more than {most} megapixels: make it smaller first")));
        }
        self.files.push(path);
        Ok(())
    }

    /// Checks that there is what the model reads.
    fn check(&self, playground: &Playground) -> Result<(), Failure> {
        if self.text.len() > TEXT {
            return Err(Failure(StatusCode::PAYLOAD_TOO_LARGE, format!("the text has more than {TEXT} bytes")));
        }
        let missing = match playground.input {
            Input::Text => self.text.trim().is_empty(),
            Input::Picture | Input::Clip => self.files.is_empty(),
            Input::None => false,
        };
        if missing && !playground.optional {
            let what = if playground.input == Input::Text { "a text" } else { "a file" };
            return Err(Failure::refused(format!("give {what}")));
        }
        Ok(())
    }

    /// The options of the task, and the unit to observe.
    fn options(&self, fields: &[Field]) -> Result<(Table, Option<[usize; 2]>), Failure> {
        let (mut table, mut watch) = (Table::new(), None);
        for (name, value) in &self.options {
            if value.is_null() {
                continue;
            }
            if name == "neuron" {
                let number = |key: &str| value[key].as_u64().map(|number| number as usize);
                let unit = number("series").zip(number("unit"));
                watch =
                    Some(unit.map(|(series, unit)| [series, unit]).ok_or_else(|| {
                        Failure::refused("neuron: must be an object with the numbers series and unit")
                    })?);
                continue;
            }
            let field = fields.iter().find(|field| field.key == name);
            let field = field.ok_or_else(|| Failure::refused(format!("{name}: there is no such option")))?;
            let value = of_json(field, value).ok_or_else(|| {
                Failure::refused(format!("{name}: {} is not of the kind of this option", shortened(&value.to_string())))
            })?;
            field.check(&value).map_err(|e| Failure::refused(sentence(&e)))?;
            table.insert(name.clone(), value);
        }
        Ok((table, watch))
    }
}

/// The start of a text in an error.
fn shortened(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    if start.len() < text.len() { start + "…" } else { start }
}

fn object(value: Option<Json>) -> Result<Map<String, Json>, Failure> {
    match value {
        None | Some(Json::Null) => Ok(Map::new()),
        Some(Json::Object(object)) => Ok(object),
        Some(_) => Err(Failure::refused("options: must be an object")),
    }
}

/// A JSON value as the value of an option; none if it is of another kind.
fn of_json(field: &Field, value: &Json) -> Option<Value> {
    match (field.kind, value) {
        (Kind::Flag, Json::Bool(flag)) => Some(Value::Boolean(*flag)),
        (Kind::Integer, Json::Number(number)) => number.as_i64().map(Value::Integer),
        (Kind::Number, Json::Number(number)) => number.as_f64().map(Value::Float),
        (Kind::Text, Json::String(text)) => Some(Value::String(text.clone())),
        _ => None,
    }
}

fn too_large(status: StatusCode, words: &str) -> Failure {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return Failure(status, format!("the upload is larger than {} MiB", super::LARGEST_BODY >> 20));
    }
    Failure(status, format!("the request cannot be read: {words}"))
}
