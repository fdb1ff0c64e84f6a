//! The files of the page: plain HTML, CSS and ES modules, served as they stand in the repository.

/// A file of the page.
pub(crate) struct PageFile {
    /// Its address.
    pub path: &'static str,
    /// Its content type.
    pub kind: &'static str,
    /// Its content.
    pub text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($path:literal $kind:ident $file:literal,)*) => {
        &[$(PageFile { path: $path, kind: $kind, text: include_str!($file) }),*]
    };
}

/// All files of the page.
pub(crate) const FILES: &[PageFile] = files![
    "/" HTML "page/index.html",
    "/icon.svg" SVG "page/icon.svg",
    "/page.css" CSS "../page.css",
    "/reader.css" CSS "../neurons/page.css",
    "/style.css" CSS "page/style.css",
    "/app.js" JAVASCRIPT "page/app.js",
    "/chart.js" JAVASCRIPT "page/chart.js",
    "/choice.js" JAVASCRIPT "page/choice.js",
    "/controls.js" JAVASCRIPT "page/controls.js",
    "/details.js" JAVASCRIPT "page/details.js",
    "/inside.js" JAVASCRIPT "page/inside.js",
    "/pictures.js" JAVASCRIPT "page/pictures.js",
    "/playground.js" JAVASCRIPT "page/playground.js",
    "/reader.js" JAVASCRIPT "../neurons/reader.js",
    "/runs.js" JAVASCRIPT "page/runs.js",
    "/server.js" JAVASCRIPT "page/server.js",
    "/shown.js" JAVASCRIPT "page/shown.js",
    "/texts.js" JAVASCRIPT "page/texts.js",
];

#[cfg(test)]
mod tests;
