//! Pages that are one file: no other file, no network.

use rekindle_pictures::escaped;
use serde::Serialize;

/// Colours and sizes that all pages share. A page is dark or light as the reader's system is.
const STYLE: &str = include_str!("page.css");

/// An HTML page with the heading `title`, the CSS rules `style` after the shared ones, the content `body` and the code
/// `script`. It may load nothing: its policy allows only what stands in it.
pub(crate) fn page(title: &str, style: &str, body: &str, script: &str) -> String {
    let title = escaped(title);
    let code = if script.is_empty() { String::new() } else { format!("<script type=\"module\">\n{script}</script>\n") };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; img-src data:\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}{code}</body>\n\
         </html>\n"
    )
}

/// Data for the page's script: JSON that no text in it can end.
pub(crate) fn data(id: &str, value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("plain numbers and strings can be written as JSON");
    format!("<script type=\"application/json\" id=\"{id}\">{}</script>\n", json.replace('<', "\\u003c"))
}
