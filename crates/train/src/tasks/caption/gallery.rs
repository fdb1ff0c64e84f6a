//! An HTML page of images with their captions and attention weights.

use rand::seq::index::sample;
use rekindle_pictures::{Exhibit, Thumbnail, attended};

use super::evaluation::Written;
use super::features::ImageSet;
use super::task::CaptionTask;
use crate::prelude::*;

/// Side of an image in a gallery, in pixels.
const THUMBNAIL: usize = 160;

/// An HTML page of `size` images of `set`, chosen by `seed`. `written` has the generated caption of each image of
/// `set`.
pub(super) fn gallery(
    trained: &Trained<CaptionTask>,
    set: ImageSet<'_>,
    written: &[Written],
    size: usize,
    seed: u64,
) -> Result<String, TaskError> {
    let chosen = sample(&mut seeded(seed), set.images.len(), size.min(set.images.len()));
    let exhibit = |index: usize| -> Result<String, TaskError> {
        let (image, caption) = (&set.images[index], &written[index].caption);
        let pixels = |side| set.pictures.pixels(&image.name, side, None);
        let features = trained.encode(&pixels(trained.image_side())?)?;
        let (words, weights) = trained.attention_weights(features, caption)?;
        let svg = attended(&format!("picture-{}", image.id), &Thumbnail::new(&pixels(THUMBNAIL)?), &words, &weights).svg;
        Ok(Exhibit { name: &image.name, caption, references: &image.captions, svg }.html())
    };
    Ok(rekindle_pictures::gallery(&chosen.iter().map(exhibit).collect::<Result<String, _>>()?))
}
