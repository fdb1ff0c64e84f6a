//! The generated sets of clips.

use super::moving_shapes::MovingShapes;
use super::occluded_shapes::OccludedShapes;
use super::schema::mixed;
use super::{Classes, Clip, FrameFormat, FrameSchema, Normalization};
use crate::split::Part;
use crate::{DataError, ErrorKind, builtin};

/// A generated set of clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generator {
    /// [`MovingShapes`].
    MovingShapes,
    /// [`OccludedShapes`].
    OccludedShapes,
}

impl Generator {
    /// All generators, with their names after `builtin:`.
    const NAMES: [(&str, Self); 2] =
        [(MovingShapes::NAME, Self::MovingShapes), (OccludedShapes::NAME, Self::OccludedShapes)];

    /// The set that `builtin:NAME` names, with the number of a test clip in `builtin:NAME/NUMBER`; none for a text
    /// without the prefix.
    ///
    /// # Errors
    ///
    /// When there is no such set, or no such clip.
    pub fn parse(text: &str) -> Result<Option<(Self, Option<usize>)>, DataError> {
        let clip = text.rsplit_once('/').and_then(|(set, number)| Some((set, number.parse().ok()?)));
        let known =
            |name: &str| Self::NAMES.into_iter().find(|(known, _)| name.strip_prefix(builtin::PREFIX) == Some(known));
        if let Some((set, number)) = clip
            && let Some((_, generator)) = known(set)
            && number < generator.count(Part::Test)
        {
            return Ok(Some((generator, Some(number))));
        }
        let what = "built-in set of clips (or test clip: NAME/NUMBER)";
        Ok(builtin::parse(text, what, &Self::NAMES)?.map(|generator| (generator, None)))
    }

    /// `builtin:NAME`.
    pub fn source(self) -> String {
        let name = match self {
            Self::MovingShapes => MovingShapes::NAME,
            Self::OccludedShapes => OccludedShapes::NAME,
        };
        format!("{}{name}", builtin::PREFIX)
    }

    /// Number of clips in a split.
    fn count(self, part: Part) -> usize {
        match self {
            Self::MovingShapes => MovingShapes::count(part),
            Self::OccludedShapes => OccludedShapes::count(part),
        }
    }

    /// A clip of a split, by its number from 0.
    pub fn clip(self, part: Part, number: usize) -> Clip {
        match self {
            Self::MovingShapes => MovingShapes::clip(part, number),
            Self::OccludedShapes => OccludedShapes::clip(part, number),
        }
    }

    /// All clips of a split.
    pub fn clips(self, part: Part) -> Vec<Clip> {
        match self {
            Self::MovingShapes => MovingShapes::clips(part),
            Self::OccludedShapes => OccludedShapes::clips(part),
        }
    }

    /// The schema of a model that is trained on the set.
    pub fn schema(self) -> FrameSchema {
        let (format, classes): (FrameFormat, Classes) = match self {
            Self::MovingShapes => (MovingShapes::FORMAT, MovingShapes::classes()),
            Self::OccludedShapes => (OccludedShapes::FORMAT, OccludedShapes::classes()),
        };
        FrameSchema {
            format,
            columns: None,
            classes,
            changes: None,
            normalization: Normalization::default(),
            standardization: None,
            transitions: None,
        }
    }

    /// `clips` of this set, for a model of `schema`.
    ///
    /// # Errors
    ///
    /// When the model was trained on something else.
    pub fn fitting(self, clips: Vec<Clip>, schema: &FrameSchema) -> Result<Vec<Clip>, DataError> {
        let own = self.schema();
        if schema.format != own.format {
            return Err(mixed(self.source(), "the built-in pictures", schema.format, "the model"));
        }
        if schema.classes != own.classes {
            let [found, wanted] = [&own, schema].map(|schema| schema.classes.names().join(", "));
            let message = format!("its labels are {found}, and the model has {wanted}");
            return Err(ErrorKind::Mismatch.error(message).within(self.source()));
        }
        Ok(clips)
    }
}
