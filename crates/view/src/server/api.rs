//! The runs: their list, curves, settings and files.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use rekindle_train::rekindle_settings::{Value, typed};
use rekindle_train::run::RunFolder;
use serde_json::{Map, json};

use super::Shared;
use super::error::{Failure, answer, with_type};
use super::folders::Folders;
use super::index::Known;

/// Points of a curve, unless others are asked for.
const POINTS: usize = 600;
/// The most runs whose settings are shown side by side.
const SIDE_BY_SIDE: usize = 100;
/// The most samples and pictures that are listed, and the most bytes of a sample and of a picture that are shown.
const SAMPLES: usize = 30;
const PICTURES: usize = 200;
const SAMPLE_BYTES: u64 = 20_000;
const PICTURE_BYTES: u64 = 32 << 20;
/// A picture may load nothing and run nothing, even as a page of its own.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";
/// The prefix of the names of pictures that are among the samples.
const AMONG_SAMPLES: &str = "samples:";

/// The first value of a parameter of the address. Values of this server's addresses need no escapes.
pub(super) fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<&'q str> {
    parameters(query, name).next()
}

/// All values of a parameter of the address.
pub(super) fn parameters<'q>(query: Option<&'q str>, name: &str) -> impl Iterator<Item = &'q str> {
    let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value)
}

/// A number in the address, within bounds.
pub(super) fn number(query: Option<&str>, name: &str, default: usize, most: usize) -> Result<usize, Failure> {
    let Some(text) = parameter(query, name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| Failure::refused(format!("{name}: must be a whole number from 1 to {most}")))
}

pub(super) async fn runs(State(shared): State<Arc<Shared>>) -> Response {
    let runs: Vec<_> = shared.index.all().iter().map(|known| known.shown()).collect();
    let folders: Vec<_> = shared.index.folders.given().iter().map(|folder| folder.display().to_string()).collect();
    answer(&json!({"folders": folders, "runs": runs}))
}

/// Runs work that may take long, or wait for the disk, beside the other requests.
pub(super) async fn aside<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Failure> + Send + 'static,
) -> Result<R, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(crashed()))
}

/// The answer where a program error ended the work.
pub(super) fn crashed() -> Failure {
    let sentence = "a program error ended this: see the terminal of `rekindle view`".to_owned();
    Failure(axum::http::StatusCode::INTERNAL_SERVER_ERROR, sentence)
}

pub(super) async fn curves(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (known, most) = (shared.index.run(&id)?, number(query.as_deref(), "points", POINTS, 2000)?);
    aside(move || {
        Ok(known.with_figures(|figures| {
            let evaluations: BTreeMap<_, _> =
                figures.evaluations.iter().map(|(name, curve)| (name, curve.points(most))).collect();
            answer(&json!({"training": {"loss": figures.training.points(most)}, "evaluations": evaluations}))
        }))
    })
    .await
}

pub(super) async fn settings(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let ids: Vec<String> = parameters(query.as_deref(), "run").take(SIDE_BY_SIDE).map(str::to_owned).collect();
    let runs = ids.iter().map(|id| shared.index.run(id)).collect::<Result<Vec<_>, _>>()?;
    aside(move || {
        let tables = runs.iter().map(|known| config(known, &shared.index.folders)).collect::<Result<Vec<_>, _>>()?;
        let keys: BTreeMap<(&str, &str), ()> = tables
            .iter()
            .flat_map(|table| table.keys())
            .map(|(table, key)| ((table.as_str(), key.as_str()), ()))
            .collect();
        let row = |(table, key): (&str, &str)| {
            let values: Vec<Option<&String>> =
                tables.iter().map(|run| run.get(&(table.to_owned(), key.to_owned()))).collect();
            let differs = values.windows(2).any(|pair| pair[0] != pair[1]);
            json!({"table": table, "key": key, "values": values, "differs": differs})
        };
        let rows: Vec<_> = keys.into_keys().map(row).collect();
        Ok(answer(&json!({"runs": ids, "rows": rows})))
    })
    .await
}

/// The settings of a run by table and key, as typed.
fn config(known: &Known, folders: &Folders) -> Result<BTreeMap<(String, String), String>, Failure> {
    let run = readable(known, folders)?;
    let mut settings = BTreeMap::new();
    for (table, value) in run.config()? {
        match value {
            Value::Table(values) => {
                settings.extend(values.into_iter().map(|(key, value)| ((table.clone(), key), typed(&value))));
            }
            value => {
                settings.insert((String::new(), table), typed(&value));
            }
        }
    }
    Ok(settings)
}

/// The folder of a run whose `config.toml` may be read.
fn readable(known: &Known, folders: &Folders) -> Result<RunFolder, Failure> {
    let run = RunFolder::at(&known.found.path);
    if folders.hold_file(&run.config_path()) {
        return Ok(run);
    }
    Err(known.shown().problem.map_or_else(|| Failure::not_found("the run is gone"), Failure::refused))
}

pub(super) async fn files(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Result<Response, Failure> {
    let known = shared.index.run(&id)?;
    aside(move || {
        let run = readable(&known, &shared.index.folders)?;
        let pictures: Vec<_> = pictures_of(&run, &shared.index.folders)
            .into_iter()
            .map(|(name, path)| json!({"name": name, "label": label(&path), "modified": modified(&path)}))
            .collect();
        let mut samples = listed(&run.samples(), &["txt"], &shared.index.folders);
        let newest = samples.split_off(samples.len().saturating_sub(SAMPLES));
        let samples: Vec<_> = newest.iter().rev().filter_map(|path| sample(path)).collect();
        let evaluations = known.with_figures(|figures| figures.recent.clone());
        Ok(answer(&json!({"pictures": pictures, "samples": samples, "evaluations": evaluations})))
    })
    .await
}

pub(super) async fn picture(
    State(shared): State<Arc<Shared>>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let known = shared.index.run(&id)?;
    aside(move || {
        let run = readable(&known, &shared.index.folders)?;
        let found = pictures_of(&run, &shared.index.folders).into_iter().find(|(known, _)| *known == name);
        let (_, path) = found.ok_or_else(|| Failure::not_found("the run has no such picture"))?;
        let kind = match ending(&path) {
            "png" => "image/png",
            "gif" => "image/gif",
            _ => "image/svg+xml",
        };
        let bytes = head(&path, PICTURE_BYTES + 1).ok_or_else(|| Failure::not_found("the picture cannot be read"))?;
        if bytes.len() as u64 > PICTURE_BYTES {
            return Err(Failure::refused("the picture is too large to show"));
        }
        let mut response = with_type(kind, bytes);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PICTURE_POLICY));
        Ok(response)
    })
    .await
}

/// The pictures of a run, by their names in addresses.
fn pictures_of(run: &RunFolder, folders: &Folders) -> Vec<(String, PathBuf)> {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let drawn = listed(&run.pictures(), &["svg", "png"], folders);
    let sampled = listed(&run.samples(), &["png", "gif"], folders);
    let drawn = drawn.into_iter().map(|path| (name(&path), path));
    let sampled = sampled.into_iter().map(|path| (format!("{AMONG_SAMPLES}{}", name(&path)), path));
    drawn.chain(sampled).take(PICTURES).collect()
}

/// The files of a folder with one of these endings, by name; none of a folder that leads elsewhere.
fn listed(folder: &FilePath, endings: &[&str], folders: &Folders) -> Vec<PathBuf> {
    let Some(entries) = folders.hold(folder).then(|| fs::read_dir(folder).ok()).flatten() else { return Vec::new() };
    let files = entries.flatten().map(|entry| entry.path()).filter(|path| endings.contains(&ending(path)));
    let mut files: Vec<PathBuf> = files.filter(|path| folders.hold_file(path)).collect();
    files.sort();
    files
}

fn ending(path: &FilePath) -> &str {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default()
}

/// A file's name as words.
fn label(path: &FilePath) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().replace(['-', '_'], " ")
}

/// Seconds since 1970.
fn modified(path: &FilePath) -> u64 {
    let time = fs::metadata(path).and_then(|file| file.modified()).unwrap_or(UNIX_EPOCH);
    time.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// The first bytes of a file.
fn head(path: &FilePath, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn sample(path: &FilePath) -> Option<Map<String, serde_json::Value>> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let step: Option<u64> = name.strip_prefix("step-").and_then(|name| name.strip_suffix(".txt")?.parse().ok());
    let text = String::from_utf8_lossy(&head(path, SAMPLE_BYTES)?).into_owned();
    let mut sample = Map::new();
    sample.insert("name".to_owned(), name.into());
    sample.insert("step".to_owned(), step.into());
    sample.insert("text".to_owned(), text.into());
    Some(sample)
}
