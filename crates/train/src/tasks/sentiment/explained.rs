//! Texts whose words are coloured by how much they speak for the class: green for it, red against it.

use super::prediction::Explanation;
use crate::pictures::escaped;

/// How a contribution is shown where text is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// As the colour behind the word.
    Colour,
    /// As a number after the word, where there are no colours.
    Number,
}

impl Shown {
    /// Colours on a terminal, unless <https://no-color.org> is asked for.
    pub fn here(terminal: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if terminal && !refused { Self::Colour } else { Self::Number }
    }
}

/// The text with its contributions, in a line.
pub(super) fn line(parts: &Explanation<'_>, how: Shown) -> String {
    coloured(parts, str::to_owned, |part, share, [red, green, blue]| match how {
        Shown::Number => format!("{part}[{share:+.2}]"),
        Shown::Colour => format!("\x1b[38;2;0;0;0;48;2;{red};{green};{blue}m{part}\x1b[0m"),
    })
}

/// A section of a [`page`]: the class, the probabilities of all classes, the text.
pub(super) fn section(class: &str, probabilities: &str, parts: &Explanation<'_>) -> String {
    let text = coloured(parts, escaped, |part, share, [red, green, blue]| {
        let word = escaped(part);
        format!("<span style=\"background: rgb({red}, {green}, {blue})\" title=\"{share:+.3}\">{word}</span>")
    });
    format!("<h2>{}</h2>\n<p>{}</p>\n<p>{text}</p>\n", escaped(class), escaped(probabilities))
}

/// A page of HTML with these sections.
pub(super) fn page(sections: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Why these classes</title>\n\
         <style>body {{ font: 16px/1.6 sans-serif; max-width: 50em; margin: 2em auto }} \
         p {{ white-space: pre-wrap }}</style>\n\
         <p>Green words speak for the predicted class, red ones against it (gradient times input, in nats).</p>\n\
         {sections}"
    )
}

/// All parts in a row: those without a contribution as `plain` shows them, the others as `word`
/// shows them with their contribution and their colour.
fn coloured(
    parts: &Explanation<'_>,
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
mod tests {
    use super::*;

    fn parts() -> Explanation<'static> {
        vec![("<b>", Some(1.0)), (" ", None), ("dull", Some(-0.5))]
    }

    #[test]
    fn words_have_numbers_where_there_are_no_colours() {
        assert_eq!(line(&parts(), Shown::Number), "<b>[+1.00] dull[-0.50]");
        assert_eq!(Shown::here(false), Shown::Number);
    }

    #[test]
    fn colours_end_after_each_word() {
        let shown = line(&parts(), Shown::Colour);
        assert_eq!(shown.matches("\x1b[0m").count(), 2);
        assert!(shown.contains("48;2;90;200;110m<b>"), "{shown:?}");
    }

    #[test]
    fn markup_in_a_text_is_text() {
        let page = page(&section("good & <so>", "good 0.9, bad 0.1", &parts()));
        let escaped = page.contains("&lt;b&gt;") && page.contains("good &amp; &lt;so&gt;");
        assert!(escaped && !page.contains("<b>"), "{page}");
    }
}
