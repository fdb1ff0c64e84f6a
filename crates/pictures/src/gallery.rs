//! An HTML page of images with their captions.

use crate::text::{escaped, page};

/// An image of a gallery, with its captions.
#[derive(Clone, Debug)]
pub struct Exhibit<'a> {
    /// Its name.
    pub name: &'a str,
    /// The model's caption.
    pub caption: &'a str,
    /// The reference captions.
    pub references: &'a [String],
    /// The image, drawn by [`attended`](crate::attended).
    pub svg: String,
}

impl Exhibit<'_> {
    /// The image with its captions, as HTML.
    pub fn html(&self) -> String {
        let Self { name, caption, references, svg } = self;
        let references: String = references.iter().map(|text| format!("<li>{}</li>\n", escaped(text))).collect();
        let (caption, name) = (escaped(caption), escaped(name));
        format!(
            "<figure>\n<figcaption><b>{caption}</b> <small>{name}</small></figcaption>\n{svg}<ul>\n{references}</ul>\n\
             </figure>\n"
        )
    }
}

/// An HTML page of exhibits, each from [`Exhibit::html`].
pub fn gallery(exhibits: &str) -> String {
    let style = "body { font-family: sans-serif; max-width: 60em; margin: 2em auto; }\nfigure { margin: 2em 0; }\n\
                 ul { color: #555; font-size: 0.9em; }\nsmall { color: #888; }\n";
    page("Captions", style, exhibits)
}

#[cfg(test)]
mod tests;
