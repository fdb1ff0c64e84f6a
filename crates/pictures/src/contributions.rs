//! A text with words coloured by their contributions to a prediction: green for it, red against it.

use crate::text::{escaped, page, visible};

/// The parts of a text in order, each with its contribution; none for text between words.
pub type Contributions<'a> = [(&'a str, Option<f32>)];

/// How contributions are shown in printed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As the background colour of the word.
    Colour,
    /// As a number after the word, for output without colours.
    Number,
}

impl Shown {
    /// Colour on a terminal, unless <https://no-color.org> is requested.
    pub fn here(terminal: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if terminal && !refused { Self::Colour } else { Self::Number }
    }
}

/// The text with its contributions, in a line. With colours it is for a terminal: control characters of the text
/// itself are [`visible`].
pub fn line(parts: &Contributions<'_>, how: Shown) -> String {
    match how {
        Shown::Number => coloured(parts, str::to_owned, |part, share, _| format!("{part}[{share:+.2}]")),
        Shown::Colour => coloured(parts, visible, |part, _, [red, green, blue]| {
            format!("\x1b[38;2;0;0;0;48;2;{red};{green};{blue}m{}\x1b[0m", visible(part))
        }),
    }
}

/// A section of a [`contributions_page`]: the class, the probabilities of all classes, the text.
pub fn section(class: &str, probabilities: &str, parts: &Contributions<'_>) -> String {
    let text = coloured(parts, escaped, |part, share, [red, green, blue]| {
        let word = escaped(part);
        format!("<span style=\"background: rgb({red}, {green}, {blue})\" title=\"{share:+.3}\">{word}</span>")
    });
    format!("<h2>{}</h2>\n<p>{}</p>\n<p>{text}</p>\n", escaped(class), escaped(probabilities))
}

/// An HTML page with these sections.
pub fn contributions_page(sections: &str) -> String {
    let style = "body { font: 16px/1.6 sans-serif; max-width: 50em; margin: 2em auto }\np { white-space: pre-wrap }\n";
    let legend = "Green words contribute to the predicted class, red ones against it (gradient times input, in nats).";
    page("Contributions of words", style, &format!("<p>{legend}</p>\n{sections}"))
}

/// Concatenates all parts: those without a contribution are formatted by `plain`, the others by
/// `word` with their contribution and their colour.
fn coloured(
    parts: &Contributions<'_>,
    plain: impl Fn(&str) -> String,
    word: impl Fn(&str, f32, [u8; 3]) -> String,
) -> String {
    let largest = parts.iter().filter_map(|(_, share)| share.map(f32::abs)).fold(f32::MIN_POSITIVE, f32::max);
    let shown = |&(part, share): &(&str, Option<f32>)| match share {
        Some(share) => word(part, share, colour(share / largest)),
        None => plain(part),
    };
    parts.iter().map(shown).collect()
}

/// From red (-1) over white (0) to green (1).
fn colour(share: f32) -> [u8; 3] {
    let faded = |strongest: f32| (255.0 - (255.0 - strongest) * share.abs().min(1.0)) as u8;
    if share >= 0.0 { [faded(90.0), faded(200.0), faded(110.0)] } else { [faded(235.0), faded(100.0), faded(90.0)] }
}

#[cfg(test)]
mod tests;
