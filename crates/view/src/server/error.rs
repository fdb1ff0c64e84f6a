//! Errors of the server, and answers to requests that fail.

use std::io;
use std::path::PathBuf;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rekindle_train::TrainError;
use serde::Serialize;
use serde_json::json;

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// A folder cannot be read.
    #[error("cannot read {}: give the folder of a run, or one with runs in it", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: choose another --port or --host")]
    Listen {
        /// The address.
        address: String,
        /// The cause.
        source: io::Error,
    },
    /// The system refuses what a server needs.
    #[error("cannot serve the page")]
    Start(#[source] io::Error),
}

/// A request that fails: the status and a sentence.
#[derive(Debug)]
pub(super) struct Failure(pub StatusCode, pub String);

impl Failure {
    pub fn not_found(sentence: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, sentence.into())
    }

    pub fn refused(sentence: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, sentence.into())
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, sentence(&error))
    }
}

/// An error with its causes.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(source) = cause {
        let more = source.to_string();
        if !text.ends_with(&more) {
            text += &format!(": {more}");
        }
        cause = source.source();
    }
    text
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, answer(&json!({"error": self.1}))).into_response()
    }
}

/// A value as a JSON answer.
pub(super) fn answer(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(json) => with_type("application/json", json),
        Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
    }
}

/// An answer of this type.
pub(super) fn with_type(kind: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
