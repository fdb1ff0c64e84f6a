//! Changes of the runs, as server-sent events.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::Shared;
use super::error::{Failure, with_type};
use super::index::Change;

/// Time after which an empty comment shows that the connection is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The most pages that are told at the same time.
const PAGES: usize = 64;

pub(super) async fn events(State(shared): State<Arc<Shared>>) -> Result<Response, Failure> {
    static LISTENING: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(PAGES)));
    let busy = |_| Failure(StatusCode::SERVICE_UNAVAILABLE, format!("{PAGES} pages are open: close some"));
    let place = LISTENING.clone().try_acquire_owned().map_err(busy)?;
    let mut changes = shared.index.changes();
    let (sender, receiver) = mpsc::channel::<Result<String, Infallible>>(16);
    tokio::spawn(async move {
        let _place = place;
        let mut text = "retry: 2000\n\n".to_owned();
        loop {
            if sender.send(Ok(text)).await.is_err() {
                return;
            }
            text = match tokio::time::timeout(HEARTBEAT, changes.recv()).await {
                Ok(Ok(Change { event, data })) => format!("event: {event}\ndata: {data}\n\n"),
                Ok(Err(RecvError::Lagged(_))) => "event: resync\ndata: {}\n\n".to_owned(),
                Ok(Err(RecvError::Closed)) => return,
                Err(_) => ":\n\n".to_owned(),
            };
        }
    });
    Ok(with_type("text/event-stream", Body::from_stream(ReceiverStream::new(receiver))))
}
