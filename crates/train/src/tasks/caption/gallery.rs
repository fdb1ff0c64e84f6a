//! A page of images with their captions and the attention of the model.

use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rekindle_pictures::{Thumbnail, attended, escaped, page};

use super::evaluation::Written;
use super::features::ImageSet;
use super::task::CaptionTask;
use crate::error::TaskError;
use crate::task::Trained;

/// Side of an image in a gallery, in pixels.
const THUMBNAIL: usize = 160;

/// `size` images of `set`, which `seed` chooses, as an HTML page. `written` is what the model wrote
/// about each of `set`.
pub(super) fn gallery(
    trained: &Trained<CaptionTask>,
    set: ImageSet<'_>,
    written: &[Written],
    size: usize,
    seed: u64,
) -> Result<String, TaskError> {
    let chosen = sample(&mut ChaCha8Rng::seed_from_u64(seed), set.images.len(), size.min(set.images.len()));
    let figures: Result<String, TaskError> =
        chosen.iter().map(|index| figure(trained, set, index, &written[index].caption)).collect();
    let style = "body { font-family: sans-serif; max-width: 60em; margin: 2em auto; }\nfigure { margin: 2em 0; }\n\
                 ul { color: #555; font-size: 0.9em; }\nsmall { color: #888; }\n";
    Ok(page("Captions", style, &figures?))
}

/// An image with the caption of the model, the references and the attention.
fn figure(trained: &Trained<CaptionTask>, set: ImageSet<'_>, index: usize, caption: &str) -> Result<String, TaskError> {
    let image = &set.images[index];
    let pixels = |side| set.pictures.pixels(&image.name, side, None);
    let features = trained.encode(&pixels(trained.image_side())?)?;
    let (words, weights) = trained.attention_weights(features, caption)?;
    let svg = attended(&format!("picture-{}", image.id), &Thumbnail::new(&pixels(THUMBNAIL)?), &words, &weights).svg;
    let references: String = image.captions.iter().map(|caption| format!("<li>{}</li>\n", escaped(caption))).collect();
    Ok(format!(
        "<figure>\n<figcaption><b>{}</b> <small>{}</small></figcaption>\n{svg}<ul>\n{references}</ul>\n</figure>\n",
        escaped(caption),
        escaped(&image.name)
    ))
}
