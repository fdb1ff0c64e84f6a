//! Text for browsers and terminals.

/// Escapes a text for XML and HTML. Control characters, which are invalid in XML, become `�`.
pub fn escaped(text: &str) -> String {
    without_controls(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn without_controls(text: &str) -> String {
    text.replace(|c: char| c.is_control() && !['\n', '\t'].contains(&c), "\u{fffd}")
}

/// The first characters of `name`, with a mark if it is truncated.
pub(crate) fn cut(name: &str, longest: usize) -> String {
    let name = without_controls(name);
    if name.chars().count() <= longest {
        return name;
    }
    name.chars().take(longest - 1).chain(['…']).collect()
}

/// Escapes control characters that would affect a terminal: Escape becomes `\u{1b}`.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            control if control.is_control() => shown.extend(control.escape_default()),
            other => shown.push(other),
        }
    }
    shown
}

/// An HTML page with the CSS rules `style` and the content `body`.
pub fn page(title: &str, style: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n\
         <style>\n{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        escaped(title)
    )
}

#[cfg(test)]
mod tests;
