//! What can go wrong with a run of `frames`.

/// What can go wrong with a run of `frames`, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramesError {
    /// Options of other clips, without other clips.
    #[error("--labels and --alias: use them with --data")]
    WithoutData,
    /// Options of a clip, without a clip.
    #[error("--labels, --alias and --timeline: give a clip after the run")]
    WithoutClip,
    /// Several clips.
    #[error("predict takes one clip at a time; evaluate several with `rekindle eval --data`")]
    SeveralClips,
    /// Frames one by one, for a model that needs them all.
    #[error("this model is bidirectional and needs the whole clip: give the clip after the run")]
    NotOnline,
}
