//! Frames that come one by one, a line of text each.

use std::collections::VecDeque;
use std::path::Path;

use super::clip::normalize;
use super::{FrameFormat, FrameSchema, FramesError, images};
use crate::Error;

/// Reads the frames of one clip as they come.
#[derive(Clone, Debug)]
pub struct LiveFrames<'a> {
    schema: &'a FrameSchema,
    /// The features of the last frames, as many as changes go back.
    before: VecDeque<Vec<f32>>,
}

impl FrameSchema {
    /// Reads the frames of a new clip as they come.
    pub fn live(&self) -> LiveFrames<'_> {
        LiveFrames { schema: self, before: VecDeque::new() }
    }
}

impl LiveFrames<'_> {
    /// The numbers `[F]` of the next frame, which `line` gives, as the model reads them: the features with commas between, in the
    /// order of training, or the path of an image. `source` and `number`, from 1, say where the line stands.
    ///
    /// # Errors
    ///
    /// When there are more or fewer features than the model reads, one is not a finite number, or the image cannot be read.
    pub fn frame(&mut self, line: &str, source: &str, number: u64) -> Result<Vec<f32>, Error> {
        let width = match self.schema.format {
            FrameFormat::Features { width } => width,
            FrameFormat::Pixels { channels, height, width } => {
                let pixels = images::decode(Path::new(line.trim()), channels, height, width)?;
                let mut values = vec![0.0; pixels.len()];
                normalize(&pixels, &mut values);
                return Ok(values);
            }
        };
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        if fields.len() != width {
            let (found, wanted) = (fields.len() as u64, width as u64);
            return Err(
                FramesError::LiveFeatures { source_name: source.to_owned(), line: number, found, wanted }.into()
            );
        }
        let feature = |(place, field): (usize, &&str)| match field.parse::<f32>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(FramesError::NotANumber {
                path: source.into(),
                line: number,
                column: self
                    .schema
                    .columns
                    .as_ref()
                    .map_or_else(|| (place + 1).to_string(), |names| names[place].clone()),
                value: (*field).to_owned(),
            }),
        };
        let mut values = fields.iter().enumerate().map(feature).collect::<Result<Vec<f32>, FramesError>>()?;
        if let Some(frames) = self.schema.changes {
            self.before.push_back(values.clone());
            values.iter_mut().zip(&self.before[0]).for_each(|(value, before)| *value -= before);
            if self.before.len() > frames.get() {
                self.before.pop_front();
            }
        }
        if let Some(standardization) = &self.schema.standardization {
            standardization.apply(&mut values);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::frames::{Classes, Standardization};

    fn schema(format: FrameFormat) -> FrameSchema {
        FrameSchema {
            format,
            columns: Some(vec!["x".into(), "y".into()]),
            classes: Classes::new(vec!["a".into(), "b".into()]),
            changes: None,
            standardization: Some(Standardization { mean: vec![1.0, 0.0], deviation: vec![2.0, 1.0] }),
        }
    }

    #[test]
    fn features_are_standardised() {
        let schema = schema(FrameFormat::Features { width: 2 });
        assert_eq!(schema.live().frame(" 5, -1 ", "standard input", 1).unwrap(), [2.0, -1.0]);
    }

    #[test]
    fn changes_are_those_of_the_last_frames_and_the_first_frame_has_none() {
        for (frames, wanted) in
            [(1, [[-0.5, 0.0], [1.0, 0.0], [-1.5, 1.0]]), (2, [[-0.5, 0.0], [1.0, 0.0], [0.0, 1.0]])]
        {
            let changes = NonZeroUsize::new(frames);
            let schema = FrameSchema { changes, ..schema(FrameFormat::Features { width: 2 }) };
            let mut live = schema.live();
            assert_eq!(["5,-1", "8,-1", "6,0"].map(|line| live.frame(line, "standard input", 1).unwrap()), wanted);
        }
    }

    #[test]
    fn a_line_that_is_no_frame_is_named() {
        let schema = schema(FrameFormat::Features { width: 2 });
        for (line, wanted) in [
            ("1", "standard input, line 7: 1 features, and the model reads 2"),
            ("1,2,3", "standard input, line 7: 3 features"),
            ("1,high", "standard input, line 7: `high` in the column `y`"),
            ("nan,2", "standard input, line 7: `nan` in the column `x`"),
        ] {
            let error = schema.live().frame(line, "standard input", 7).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        let pixels = FrameFormat::Pixels { channels: 1, height: 4, width: 4 };
        assert!(FrameSchema { format: pixels, ..schema }.live().frame("no-such.png", "standard input", 1).is_err());
    }
}
