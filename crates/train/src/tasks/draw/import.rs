//! Finding a DRAW model in a file of weights, for `rekindle import`.
//!
//! ```python
//! class Draw(nn.Module):
//!     def __init__(self):
//!         self.encoder = nn.LSTMCell(2 * pixels + hidden, hidden)      # or 2 * n * n + hidden through a window
//!         self.decoder = nn.LSTMCell(latent, hidden)
//!         self.latent = nn.Linear(hidden, 2 * latent)                  # means, then logarithms of variances
//!         self.write = nn.Linear(hidden, pixels)                       # or n * n through a window
//! ```

use rekindle_data::images::Binarization;
use rekindle_kernels::glimpse::WINDOW;
use rekindle_models::draw::{DrawModelSettings, ImageShape};
use rekindle_rnn::Cell;
use rekindle_weights::{Matrix, Network, Parts, Wanted};

use super::settings::DrawSettings;
use super::task::DrawTask;
use crate::import::{DataOptions, Fact, Found, ImportError, Importable, Opened, PictureOptions, WeightOptions};
use crate::prelude::*;

settings! {
    /// Options of `import`.
    pub struct ImportOptions {
        /// Which tensors, and their names.
        @flatten weights: WeightOptions;
        /// The size of the images.
        @flatten images: PictureOptions;
        /// The images are in colour
        colour: bool;
        /// Glimpses: how often the image is read and written
        glimpses: usize = 10 => value("COUNT").at_least(1);
        /// Standard deviation of a pixel, for grey levels and colours
        gaussian: Option<f64> => value("DEVIATION").above(0).at_most(1).unset("pixels are black or white");
        /// The images that the model was trained on.
        @flatten set: DataOptions;
    }
}

impl Importable for DrawTask {
    type ImportOptions = ImportOptions;

    fn weight_options(options: &ImportOptions) -> &WeightOptions {
        &options.weights
    }

    fn find(file: Opened, options: &ImportOptions, _: &Device) -> Result<Found<Self>, TaskError> {
        let mut parts = Parts::of(&file.tensors).map_err(ImportError::from)?;
        let lstm = |network: &Network| network.cell == Cell::Lstm && network.layers == 1 && !network.bidirectional;
        let encoder = parts.network("encoder", &["enc"], None, lstm).map_err(ImportError::from)?;
        let decoder = parts.network("decoder", &["dec"], None, lstm).map_err(ImportError::from)?;
        let (hidden, latent) = (decoder.hidden, decoder.input);
        // The encoder reads the image, what the canvas lacks, and the decoder's state.
        let read =
            encoder.input.checked_sub(hidden).filter(|numbers| numbers.is_multiple_of(2) && encoder.hidden == hidden);
        let read =
            read.ok_or_else(|| unlike("the encoder does not read two images and the decoder's hidden state"))? / 2;
        let shape = format!("[{}, {hidden}]", 2 * latent);
        let wanted = Wanted::new("latent", &shape, &["latent", "mu"]);
        let fits = |matrix: &Matrix<'_>| [matrix.rows, matrix.columns] == [2 * latent, hidden];
        parts.linear(wanted, fits).map_err(ImportError::from)?;
        let [reads, writes] = windows(&mut parts, hidden)?;
        let shape = format!("[pixels of the canvas or of the window, {hidden}]");
        let wanted = Wanted::new("write", &shape, &["write"]);
        let [written, _] = parts.linear(wanted, |matrix| matrix.columns == hidden).map_err(ImportError::from)?;

        let channels = if options.colour { 3 } else { 1 };
        let given = options.images.image_size.map(|side| channels * side * side);
        let canvas = parts.left().get("canvas").map(|canvas| canvas.values().len());
        let seen = [(!reads).then_some(read), (!writes).then_some(written)].into_iter().flatten().next();
        let pixels = seen.or(canvas).or(given);
        let pixels =
            pixels.ok_or_else(|| unlike("the shapes do not decide the size of the images: give --image-size"))?;
        if let (Some(side), true) = (options.images.image_size, given.is_some_and(|given| given != pixels)) {
            let reason = format!("--image-size {side}: the weights are of images of {pixels} numbers");
            return Err(ImportError::Unlike(reason).into());
        }
        let side = |pixels: usize| square(pixels, channels);
        let size = side(pixels).ok_or_else(|| {
            unlike(&format!("{pixels} numbers are not a square image of {}", counted(channels, "channels")))
        })?;
        let grid = |numbers| side(numbers).ok_or_else(|| unlike("a window is not a square"));
        let image = ImageShape { channels, height: size, width: size };
        for (name, shape) in [("canvas", [1, pixels]), ("encoder_start", [2, hidden]), ("decoder_start", [2, hidden])] {
            match parts.remove(name) {
                Some(tensor) => parts.set(name, tensor),
                None => parts.zeros(name, &shape),
            }
        }
        let model = DrawModelSettings {
            glimpses: options.glimpses,
            hidden,
            latent,
            read: if reads { grid(read)? } else { 0 },
            write: if writes { grid(written)? } else { 0 },
            gaussian: options.gaussian,
            ..DrawModelSettings::default()
        };
        let settings = DrawSettings { model, ..DrawSettings::default() };
        let notes =
            vec![format!("{}; the shapes do not decide it, --glimpses does", counted(options.glimpses, "glimpses"))];
        Ok(Found { settings, assets: image, parts: parts.finish(), notes })
    }

    fn set_data(settings: &mut DrawSettings, image: &ImageShape, options: &ImportOptions) -> Result<(), TaskError> {
        settings.data.data = options.set.data.clone().unwrap_or_default();
        settings.data.image_size = Some(image.height).filter(|height| *height == image.width);
        settings.data.colour = image.channels == 3;
        if settings.model.gaussian.is_some() {
            settings.data.binarize = Binarization::None;
        }
        Ok(())
    }

    fn facts(settings: &DrawSettings, image: &ImageShape) -> Vec<Fact> {
        let DrawModelSettings { glimpses, hidden, latent, .. } = settings.model;
        let ImageShape { channels, height, width } = *image;
        let colour = if channels == 1 { "grey" } else { "colour" };
        vec![
            Fact::new(
                "model",
                format!("lstm, hidden {hidden}, latent {latent}, {}", counted(glimpses, "glimpses")),
                Value::Null,
            ),
            Fact::new("image", format!("{height} x {width} pixels, {colour}"), vec![channels, height, width]),
        ]
    }
}

fn unlike(reason: &str) -> TaskError {
    ImportError::Unlike(format!("{reason}; docs/draw.md says which models `draw` has")).into()
}

/// The side of a square image of as many numbers.
fn square(numbers: usize, channels: usize) -> Option<usize> {
    let side = (numbers / channels).isqrt();
    (side > 0 && channels * side * side == numbers).then_some(side)
}

/// Takes the layers of the windows, if there are any: to read and to write.
fn windows(parts: &mut Parts, hidden: usize) -> Result<[bool; 2], TaskError> {
    let mut found = [false; 2];
    let shape = format!("[{WINDOW}, {hidden}]");
    let fits = |matrix: &Matrix<'_>| [matrix.rows, matrix.columns] == [WINDOW, hidden];
    let hints: [(&str, &[&str]); 2] = [("read", &["read"]), ("window", &["window", "write"])];
    for ((part, hints), found) in hints.into_iter().zip(&mut found) {
        let matrices = parts.matrices();
        let hinted =
            |matrix: &&Matrix<'_>| fits(matrix) && hints.iter().any(|hint| matrix.name.to_lowercase().contains(hint));
        let hinted: Vec<&str> = matrices.iter().filter(hinted).map(|matrix| matrix.name).collect();
        // A window of another name may be either.
        if hinted.is_empty() && matrices.iter().any(fits) && part == "window" {
            let candidates =
                matrices.iter().filter(|matrix| fits(matrix)).map(|matrix| matrix.name.to_owned()).collect();
            let layer = "read or the window".to_owned();
            return Err(ImportError::from(rekindle_weights::ShapeError::Ambiguous { layer, candidates }).into());
        }
        if hinted.is_empty() {
            continue;
        }
        let wanted = Wanted::new(if part == "read" { "read" } else { "window" }, &shape, hints);
        if let Some(name) = parts.find(wanted, fits).map_err(ImportError::from)? {
            parts.take_linear(&name, part);
            *found = true;
        }
    }
    Ok(found)
}
