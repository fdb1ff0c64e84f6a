//! Texts whose words are coloured by how much they speak for the class: green for it, red against it.

use std::fmt::Write;

/// A text with what its words contribute.
pub struct Explained {
    /// The class that was found.
    pub class: String,
    /// The classes with their probabilities, in words.
    pub probabilities: String,
    /// The text in parts; white space and what was not read have no contribution.
    pub parts: Vec<(String, Option<f32>)>,
}

/// How a contribution is shown where text is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
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

impl Explained {
    /// The text with its contributions, in a line.
    pub fn shown(&self, how: Shown) -> String {
        let largest = self.largest();
        let mut text = String::new();
        for (part, contribution) in &self.parts {
            match (contribution, how) {
                (None, _) => text.push_str(part),
                (Some(share), Shown::Number) => append(&mut text, format_args!("{part}[{share:+.2}]")),
                (Some(share), Shown::Colour) => {
                    let [red, green, blue] = colour(share / largest);
                    append(&mut text, format_args!("\x1b[38;2;0;0;0;48;2;{red};{green};{blue}m{part}\x1b[0m"));
                }
            }
        }
        text
    }

    fn largest(&self) -> f32 {
        let shares = self.parts.iter().filter_map(|(_, share)| share.map(f32::abs));
        shares.fold(f32::MIN_POSITIVE, f32::max)
    }
}

/// A page with every text.
pub fn html(texts: &[Explained]) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Why these classes</title>\n\
         <style>body { font: 16px/1.6 sans-serif; max-width: 50em; margin: 2em auto } p { white-space: pre-wrap }</style>\n\
         <p>Green words speak for the class that was found, red ones against it (gradient times input, in nats).</p>\n",
    );
    for text in texts {
        let largest = text.largest();
        append(&mut page, format_args!("<h2>{}</h2>\n", escaped(&text.class)));
        append(&mut page, format_args!("<p>{}</p>\n<p>", escaped(&text.probabilities)));
        for (part, contribution) in &text.parts {
            match contribution {
                None => page.push_str(&escaped(part)),
                Some(share) => {
                    let [red, green, blue] = colour(share / largest);
                    let word = escaped(part);
                    append(
                        &mut page,
                        format_args!(
                            "<span style=\"background: rgb({red}, {green}, {blue})\" title=\"{share:+.3}\">{word}</span>"
                        ),
                    );
                }
            }
        }
        page.push_str("</p>\n");
    }
    page
}

/// From red (-1) over white (0) to green (1).
fn colour(share: f32) -> [u8; 3] {
    let faded = |strongest: f32| (255.0 - (255.0 - strongest) * share.abs().min(1.0)) as u8;
    if share >= 0.0 { [faded(90.0), faded(200.0), faded(110.0)] } else { [faded(235.0), faded(100.0), faded(90.0)] }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn append(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained() -> Explained {
        let part = |text: &str, share| (text.to_owned(), share);
        let parts = vec![part("<b>", Some(1.0)), part(" ", None), part("dull", Some(-0.5))];
        Explained { class: "good & <so>".to_owned(), probabilities: "good 0.9, bad 0.1".to_owned(), parts }
    }

    #[test]
    fn words_have_numbers_where_there_are_no_colours() {
        assert_eq!(explained().shown(Shown::Number), "<b>[+1.00] dull[-0.50]");
        assert_eq!(Shown::here(false), Shown::Number);
    }

    #[test]
    fn colours_end_after_each_word() {
        let shown = explained().shown(Shown::Colour);
        assert_eq!(shown.matches("\x1b[0m").count(), 2);
        assert!(shown.contains("48;2;90;200;110m<b>"), "{shown:?}");
    }

    #[test]
    fn markup_in_a_text_is_text() {
        let page = html(&[explained()]);
        assert!(
            page.contains("&lt;b&gt;") && page.contains("good &amp; &lt;so&gt;") && !page.contains("<b>"),
            "{page}"
        );
    }
}
