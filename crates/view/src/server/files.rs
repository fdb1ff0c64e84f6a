//! Serving the files of the page, which are part of the program.

use axum::extract::Path;
use axum::response::Response;

use super::error::{Failure, with_type};
use super::page::{FILES, PageFile};

pub(super) async fn index() -> Result<Response, Failure> {
    named("/")
}

pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Failure> {
    named(&format!("/{name}"))
}

fn named(path: &str) -> Result<Response, Failure> {
    let file = FILES.iter().find(|file| file.path == path);
    let PageFile { kind, text, .. } = file.ok_or_else(|| Failure::not_found("the page has no such file"))?;
    Ok(with_type(kind, *text))
}
