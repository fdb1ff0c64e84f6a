//! What units do and how far gradients reach, computed when the page asks.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use rekindle_train::inside::{Activations, Ranking};
use rekindle_train::operation::{Observe, Output};
use rekindle_train::registry::{self, Open, Registered};
use rekindle_train::rekindle_settings::Table;
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::trainer::StopSignal;
use serde_json::json;

use super::Shared;
use super::api::{aside, number, parameters};
use super::error::{Failure, answer};
use super::folders::Folders;
use super::index::Known;
use super::play::openable;
use crate::gradients::gradient_chart;
use crate::neurons::described;

/// Time steps that are read unless others are asked for, and the most.
const LENGTH: usize = 10_000;
const LONGEST: usize = 20_000;
/// The most bytes of activations of an analysis.
const BYTES: usize = 256 << 20;
/// Analyses that are kept.
const KEPT: usize = 2;
/// Distances of gradients, and the most.
const DISTANCE: usize = 100;
const FARTHEST: usize = 1000;
/// Runs whose gradients are compared.
const COMPARED: usize = 8;
/// The most bytes of a text to read.
const TEXT: usize = 100_000;
/// Placeholders of the values of settings that name files.
const PATHS: [&str; 4] = ["PATH", "FILE", "FOLDER", "DIR"];

/// The last analyses, by run.
#[derive(Default)]
pub(super) struct Analyses(Mutex<VecDeque<(String, Arc<Activations>)>>);

impl Analyses {
    fn keep(&self, id: &str, activations: Arc<Activations>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| known != id);
        kept.push_front((id.to_owned(), activations));
        kept.truncate(KEPT);
    }

    fn find(&self, id: &str) -> Option<Arc<Activations>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == id).map(|(_, activations)| activations.clone())
    }
}

/// Stops work when the request that waits for it is gone.
struct StopWhenDropped(StopSignal);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Computes aside, when there is a place, until the request is gone.
async fn computed<R: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce() -> Result<R, Failure> + Send + 'static,
) -> Result<R, Failure> {
    let place = shared.players.place().await?;
    let stop = StopSignal::default();
    let _until_gone = StopWhenDropped(stop.clone());
    aside(move || {
        let _place = place;
        stop.during(work)
    })
    .await
}

pub(super) async fn neurons(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (known, length) = (shared.index.run(&id)?, number(query.as_deref(), "length", LENGTH, LONGEST)?);
    let own = shared.clone();
    computed(&shared, move || {
        let run = openable(&known, &own.index.folders)?;
        let task = registry::of_run(own.tasks, &run)?;
        check_data(&run, task, &own.index.folders)?;
        analysed(&own, &known, &run, task, None, length)
    })
    .await
}

/// The same of a text that was typed.
pub(super) async fn neurons_of_text(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    text: Bytes,
) -> Result<Response, Failure> {
    let (known, length) = (shared.index.run(&id)?, number(query.as_deref(), "length", LENGTH, LONGEST)?);
    if text.len() > TEXT {
        return Err(Failure(StatusCode::PAYLOAD_TOO_LARGE, format!("the text has more than {TEXT} bytes")));
    }
    let own = shared.clone();
    computed(&shared, move || {
        let run = openable(&known, &own.index.folders)?;
        let task = registry::of_run(own.tasks, &run)?;
        let failed = |e: io::Error| Failure::refused(format!("the text cannot be kept: {e}"));
        let folder = tempfile::Builder::new().prefix("rekindle-view").tempdir().map_err(failed)?;
        let file = folder.path().join("typed.txt");
        fs::write(&file, &text).map_err(failed)?;
        let data = file.to_str().map(str::to_owned);
        let Failure(status, sentence) = match analysed(&own, &known, &run, task, data, length) {
            Ok(response) => return Ok(response),
            Err(failure) => failure,
        };
        Err(Failure(status, sentence.replace(&*file.to_string_lossy(), "the text")))
    })
    .await
}

fn analysed(
    shared: &Shared,
    known: &Known,
    run: &RunFolder,
    task: &dyn Registered,
    data: Option<String>,
    length: usize,
) -> Result<Response, Failure> {
    let config = run.config()?;
    let typed = data.is_some();
    let request = Observe { data, length: length.min(most_steps(&config)) };
    let open = Open { run, which: Which::Best, device: &shared.device, with: &[] };
    let mut notes = Vec::new();
    let mut activations = task.neurons(&open, &request, &mut Output::new(&mut io::sink(), &mut notes, true))?;
    if typed {
        activations.source = "typed text".to_owned();
    }
    let ranking = Ranking::of(&activations);
    let mut read = described(&activations, &ranking);
    read["notes"] = String::from_utf8_lossy(&notes).into();
    let response = answer(&read);
    shared.analyses.keep(&known.found.id, Arc::new(activations));
    Ok(response)
}

pub(super) async fn unit(
    State(shared): State<Arc<Shared>>,
    Path((id, series, unit)): Path<(String, usize, usize)>,
) -> Result<Response, Failure> {
    let gone = || Failure(StatusCode::GONE, "the analysis is not kept any more: read the text again".to_owned());
    let activations = shared.analyses.find(&id).ok_or_else(gone)?;
    let units = activations.series.get(series).and_then(|series| series.units.get(unit));
    let values = units.ok_or_else(|| Failure::not_found("the model has no such unit"))?;
    Ok(answer(&json!({"values": values})))
}

pub(super) async fn gradients(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let distance = number(query.as_deref(), "distance", DISTANCE, FARTHEST)?;
    let mut ids = vec![id];
    ids.extend(parameters(query.as_deref(), "run").map(str::to_owned));
    let mut seen = std::collections::BTreeSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    if ids.len() > COMPARED {
        return Err(Failure::refused(format!("gradients of at most {COMPARED} runs are compared")));
    }
    let runs = ids.iter().map(|id| shared.index.run(id)).collect::<Result<Vec<_>, _>>()?;
    let own = shared.clone();
    computed(&shared, move || {
        let (mut named, mut flows) = (Vec::new(), Vec::new());
        for known in &runs {
            rekindle_train::trainer::check_stop().map_err(|stopped| Failure::refused(stopped.to_string()))?;
            let run = openable(known, &own.index.folders)?;
            let task = registry::of_run(own.tasks, &run)?;
            check_data(&run, task, &own.index.folders)?;
            let open = Open { run: &run, which: Which::Best, device: &own.device, with: &[] };
            let request = Observe { data: None, length: distance };
            let flow = task.gradients(&open, &request, &mut Output::new(&mut io::sink(), &mut io::sink(), true))?;
            flows.push(json!({"id": known.found.id, "name": known.found.name, "flow": flow}));
            named.push((format!("{} ({})", known.found.name, flow.model), flow));
        }
        Ok(answer(&json!({"svg": gradient_chart(&named), "runs": flows})))
    })
    .await
}

/// The most time steps whose activations are kept in memory: of hidden and cell states, in two directions.
fn most_steps(config: &Table) -> usize {
    let number = |key: &str| config.get("model").and_then(|model| model.get(key)).and_then(|value| value.as_integer());
    let units = number("layers").unwrap_or(1).max(1) as usize * number("hidden").unwrap_or(1).max(1) as usize;
    (BYTES / units.saturating_mul(4 * size_of::<f32>())).max(1)
}

/// Checks that the data of a run is in the folders: its settings name files that it may read.
fn check_data(run: &RunFolder, task: &dyn Registered, folders: &Folders) -> Result<(), Failure> {
    let config = run.config()?;
    for section in task.sections() {
        for field in section.settings.iter().filter(|field| field.value_name.is_some_and(|name| PATHS.contains(&name)))
        {
            let value = config.get(section.table).and_then(|table| table.get(field.key));
            for path in value.and_then(|value| value.as_str()).unwrap_or_default().split(',') {
                let there = !path.is_empty() && fs::symlink_metadata(path).is_ok();
                if there && !folders.hold(path.as_ref()) {
                    let option = &field.option;
                    return Err(Failure::refused(format!(
                        "the run's --{option} {path} is outside of the folders of this page, and is not read: start \
                         `rekindle view` with its folder too"
                    )));
                }
            }
        }
    }
    Ok(())
}
