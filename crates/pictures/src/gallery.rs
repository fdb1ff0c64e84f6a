//! A page of images with their captions.

use crate::text::{escaped, page};

/// An image of a gallery.
#[derive(Clone, Debug)]
pub struct Exhibit<'a> {
    /// Its name.
    pub name: &'a str,
    /// The caption of a model.
    pub caption: &'a str,
    /// The captions of people.
    pub references: &'a [String],
    /// The image, as [`attended`](crate::attended) draws it.
    pub svg: String,
}

impl Exhibit<'_> {
    /// The image with its captions, in HTML.
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

/// An HTML page of exhibits, each as [`Exhibit::html`] has it.
pub fn gallery(exhibits: &str) -> String {
    let style = "body { font-family: sans-serif; max-width: 60em; margin: 2em auto; }\nfigure { margin: 2em 0; }\n\
                 ul { color: #555; font-size: 0.9em; }\nsmall { color: #888; }\n";
    page("Captions", style, exhibits)
}

#[cfg(test)]
mod tests;
