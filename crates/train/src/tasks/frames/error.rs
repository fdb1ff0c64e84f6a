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
    /// Weights that were trained on other columns, or on the same in another order.
    #[error(
        "--init-from: that run reads the columns {}, and this one would read {}: give the first table in --data the \
         same columns in the same order",
        there.join(", "),
        here.join(", ")
    )]
    OtherColumns {
        /// The columns of the new run.
        here: Vec<String>,
        /// Those of the run that it starts from.
        there: Vec<String>,
    },
    /// Smoothing by a run that has not counted how labels follow each other.
    #[error(
        "--smoothing: this run was trained by an earlier version, which did not count how labels follow each other; \
         train it again, or pass a newer run first and this one with --with"
    )]
    NoTransitions,
    /// Smoothing by runs whose probabilities have other priors.
    #[error("--smoothing: some of these runs were trained with --balanced and some without: pass --prior-weight")]
    Priors,
    /// The best sequence of frames that have yet to come.
    #[error("--smoothing viterbi needs the whole clip: pass the clip after the run, or use --smoothing filter")]
    ViterbiLive,
    /// Single frames for a model that needs whole clips.
    #[error("this model is bidirectional and needs the whole clip: give the clip after the run")]
    NotOnline,
}
