//! Errors of a run of `frames`.

/// An error of a run of `frames`, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramesError {
    /// Options for other clips, without other clips.
    #[error("--labels and --alias: use them with --data")]
    WithoutData,
    /// Options for a clip, without a clip.
    #[error("--labels, --alias and --timeline: give a clip after the run")]
    WithoutClip,
    /// More than one clip.
    #[error("predict takes one clip at a time; evaluate several with `rekindle eval --data`")]
    SeveralClips,
    /// The units of a model that has none.
    #[error("--neurons: this model was trained with --cell none and has no recurrent units")]
    NoRecurrence,
    /// Single frames for a model that needs whole clips.
    #[error("this model is bidirectional and needs the whole clip: give the clip after the run")]
    NotOnline,
}
