//! Reading frames as they arrive, a line of text each.

use std::collections::VecDeque;
use std::path::Path;

use super::clip::normalize;
use super::normalization::Normalizer;
use super::{FrameFormat, FrameSchema, table};
use crate::{DataError, ErrorKind, counted, pictures};

/// Reads the frames of one clip as they arrive.
#[derive(Clone, Debug)]
pub struct LiveFrames<'a> {
    schema: &'a FrameSchema,
    /// The features of the last frames, as many as changes span.
    before: VecDeque<Vec<f32>>,
    normalizer: Normalizer<'a>,
}

impl FrameSchema {
    /// Starts reading a new clip, frame by frame.
    ///
    /// # Errors
    ///
    /// When features are normalised by the whole recording.
    pub fn live(&self) -> Result<LiveFrames<'_>, DataError> {
        let message = "this model normalises features by the whole recording (--normalization recording): give the clip \
             after the run";
        let normalizer = self.normalizer().ok_or_else(|| ErrorKind::Setting.error(message))?;
        Ok(LiveFrames { schema: self, before: VecDeque::new(), normalizer })
    }
}

impl LiveFrames<'_> {
    /// The values `[F]` of the next frame, as the model reads them. `line` has the features separated by commas, in
    /// the order of training, or the path of an image. `source` and `number`, from 1, identify the line in errors.
    ///
    /// # Errors
    ///
    /// When the number of features is not the model's, one is not a finite number or is too large once
    /// normalised, or the image cannot be read.
    pub fn frame(&mut self, line: &str, source: &str, number: u64) -> Result<Vec<f32>, DataError> {
        let width = match self.schema.format {
            FrameFormat::Features { width } => width,
            FrameFormat::Pixels { channels, height, width } => {
                let pixels = pictures::pixels(Path::new(line.trim()), channels, height, width)?;
                let mut values = vec![0.0; pixels.len()];
                normalize(&pixels, &mut values);
                return Ok(values);
            }
        };
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        if fields.len() != width {
            let found = counted(fields.len(), "features");
            let message = format!("{found}, and the model reads {width}, with commas between");
            return Err(ErrorKind::Mismatch.error(message).within(source).line(number));
        }
        let feature = |(place, field): (usize, &&str)| {
            table::number(field, &self.schema.column(place), String::new)
                .map_err(|error| error.within(source).line(number))
        };
        let mut values = fields.iter().enumerate().map(feature).collect::<Result<Vec<f32>, DataError>>()?;
        if let Some(frames) = self.schema.changes {
            self.before.push_back(values.clone());
            values.iter_mut().zip(&self.before[0]).for_each(|(value, before)| *value -= before);
            if self.before.len() > frames.get() {
                self.before.pop_front();
            }
        }
        let normalized = self.normalizer.frame(&mut values);
        normalized.map_err(|feature| self.schema.too_large(feature).within(source).line(number))?;
        Ok(values)
    }
}

#[cfg(test)]
mod tests;
