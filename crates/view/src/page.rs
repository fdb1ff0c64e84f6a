//! Pages that are one file: no other file, no network.

use rekindle_pictures::escaped;
use serde::Serialize;

/// Colours and sizes that all pages share. A page is dark or light as the reader's system is.
const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fdfdfc; --faint: #6b6b6b; --line: #d5d5d2; --panel: #f3f3f0 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e6; --paper: #151515; --faint: #a0a09c; --line: #3a3a38; --panel: #202020 }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 80rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--paper) }
h1 { font-size: 1.4rem; margin: 0 0 .5rem } h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem }
p { margin: .5rem 0 } .faint { color: var(--faint) }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem } caption { text-align: left; color: var(--faint) }
th, td { padding: .2rem .8rem .2rem 0; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
svg { max-width: 100%; height: auto; color: var(--ink) }
button, select, input { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line);
  border-radius: 4px; padding: .25rem .5rem }
button { cursor: pointer }
button:focus-visible, select:focus-visible, input:focus-visible { outline: 2px solid #4c8fd6; outline-offset: 1px }
";

/// An HTML page with the heading `title`, the CSS rules `style` after the shared ones, the content `body` and the code
/// `script`. It may load nothing: its policy allows only what stands in it.
pub(crate) fn page(title: &str, style: &str, body: &str, script: &str) -> String {
    let title = escaped(title);
    let code = if script.is_empty() { String::new() } else { format!("<script>\n{script}</script>\n") };
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
