//! A frame tagger: a label for every frame of a clip, from that frame and those before it.
//!
//! ```text
//! e_t = encode(x_t)                     a linear layer for features, a small convolutional network for pixels
//! h_t = f(h_{t-1}, e_t)                 a recurrent stack of any cell
//! y_t = log softmax(W h_t + b)          log-probabilities of the classes of frame t
//! ```
//!
//! Features may be read as they are, `e_t = x_t`, and the head may have layers before the last one, each
//! `relu(W h + b)`: so are many taggers of other programs built.
//!
//! The recurrence runs **online**: the label of frame `t` depends on frames `1..=t` only, so that a clip can be tagged
//! while it is being filmed ([`LiveTagger`]). With `bidirectional` it also depends on later frames of the same chunk.
//! Without a cell every frame is classified by itself, a baseline without memory. With feedback the class predicted
//! for the previous frame is part of the input: see [`TaggerState`]. A [`TransitionModel`] smooths the labels.

mod encoder;
mod feedback;
mod live;
mod recurrence;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
mod transfer;
mod transitions;

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rekindle_kernels::linear::apply;
use rekindle_kernels::pointwise::dropout_of_rows;
use rekindle_kernels::rows::Lines;
use rekindle_rnn::{Cell, LayerTrace, LossParts, Penalties, Recurrent, State};
use rekindle_settings::{SettingError, settings};

pub use encoder::{FrameEncoder, FrameInput, PixelEncoder};
pub use feedback::TaggerState;
pub use live::LiveTagger;
pub use recurrence::Recurrence;
pub use transitions::{LabelFilter, ScoreWeights, TransitionModel};

use crate::host::ids;
use crate::settings::{PenaltySettings, RecurrentSettings, Widths};

settings! {
    /// Settings of a [`FrameTagger`]. In the letters of the [module](self), `hidden` is `H` and
    /// `encoder` is `E`.
    ///
    /// The model does not use `balanced`: it asks for class weights in [`FrameTagger::loss`].
    #[check(Self::consistent)]
    pub struct FrameTaggerSettings {
        /// The recurrent stack.
        @flatten recurrent: RecurrentSettings<Recurrence> =
            RecurrentSettings { cell: Cell::Gru.into(), ..RecurrentSettings::default() } =>
            help("cell", "Recurrent cell; none classifies each frame by itself")
            .help("hidden", "Width of the hidden state, in each direction")
            .help("dropout", "Dropout probability, of encoded frames, between layers and before the output");
        /// Width of an encoded frame; 0 reads features as they are
        encoder: usize = 128 => value("WIDTH").at_least(0);
        /// Widths of the layers with ReLU between the hidden state and the output, with commas between
        head: Widths => value("WIDTHS").separated_by(',').unset("no such layer");
        /// Read each chunk in both directions; such a model cannot run live
        bidirectional: bool;
        /// Read the class of the previous frame along with each frame
        feedback: bool;
        /// With --feedback: share of the labels that training replaces by the model's own answers
        scheduled_sampling: f64 => value("SHARE").at_least(0).below(1);
        /// Give every class the same weight in the loss, however rare it is
        balanced: bool;
        /// Penalties on the hidden states.
        @flatten penalties: PenaltySettings;
    }
}

/// A recurrent tagger of frames.
#[derive(Module, Debug)]
pub struct FrameTagger {
    /// The frame encoder; none where features are read as they are.
    pub encoder: Option<FrameEncoder>,
    /// The recurrent stack, if there is one.
    pub recurrent: Option<Recurrent>,
    /// Layers with ReLU after the hidden state; usually none.
    pub head: Vec<Linear>,
    /// To the classes, from the hidden state or from the last layer of the head.
    pub output: Linear,
    dropout: Dropout,
    feedback: bool,
    scheduled_sampling: f64,
    #[module(skip)]
    penalties: Penalties,
}

/// What a tagger reads in a chunk.
pub(crate) struct Read {
    /// Log-probabilities of the classes, `[B, T, C]`.
    pub log_probs: Tensor<3>,
    /// The state to continue from.
    pub state: Option<TaggerState>,
    /// The penalties on the hidden states, in training.
    pub penalty: LossParts,
}

impl FrameTaggerSettings {
    fn consistent(&self) -> Result<(), SettingError> {
        if self.feedback && (self.recurrent.cell.0.is_none() || self.bidirectional) {
            return Err(SettingError::invalid("feedback", true, "used with a cell, and without --bidirectional"));
        }
        if !self.feedback && self.scheduled_sampling > 0.0 {
            let share = self.scheduled_sampling;
            return Err(SettingError::invalid("scheduled-sampling", share, "used with --feedback"));
        }
        let PenaltySettings { activation_penalty, slowness_penalty } = self.penalties;
        for (option, weight) in [("activation-penalty", activation_penalty), ("slowness-penalty", slowness_penalty)] {
            if weight > 0.0 && self.recurrent.cell.0.is_none() {
                return Err(SettingError::invalid(option, weight, "0 with --cell none, which has no hidden states"));
            }
        }
        Ok(())
    }

    /// A model of frames like `input` and `classes` classes with weights drawn at random.
    ///
    /// # Panics
    ///
    /// See [`init_with`](Self::init_with).
    pub fn init(&self, input: FrameInput, classes: usize, device: &Device) -> FrameTagger {
        self.init_with(input, classes, &mut rand::rng(), device)
    }

    /// A model of frames like `input` and `classes` classes with weights drawn from `rng`: the same
    /// state of `rng` gives the same weights on every backend.
    ///
    /// # Panics
    ///
    /// If a size is 0 other than that of the encoder of features, or a probability is not in `[0, 1)`; with feedback,
    /// if there is no cell or `bidirectional` is set.
    pub fn init_with(&self, input: FrameInput, classes: usize, rng: &mut impl Rng, device: &Device) -> FrameTagger {
        let cell = self.recurrent.cell.0;
        assert!(classes > 0 && input.size() > 0, "classes and the size of a frame must be above 0");
        assert!(self.encoder > 0 || input.may_be_raw(), "pixels need an encoder");
        assert!(!self.feedback || cell.is_some() && !self.bidirectional, "feedback needs an online recurrence");
        assert!((0.0..1.0).contains(&self.scheduled_sampling), "scheduled_sampling must be in [0, 1)");
        let encoder = (self.encoder > 0).then(|| input.encoder(self.encoder, rng, device));
        let encoded = if self.encoder > 0 { self.encoder } else { input.size() };
        let recurrent = cell.map(|cell| {
            let said = if self.feedback { classes } else { 0 };
            let recurrent = self.recurrent.with_cell(cell).config(encoded + said);
            recurrent.with_bidirectional(self.bidirectional).init_with(rng, device)
        });
        let mut features = recurrent.as_ref().map_or(encoded, Recurrent::output_size);
        let layer = |&width| crate::init::linear(std::mem::replace(&mut features, width), width, rng, device);
        let head = self.head.0.iter().map(layer).collect();
        FrameTagger {
            encoder,
            recurrent,
            head,
            output: crate::init::linear(features, classes, rng, device),
            dropout: DropoutConfig::new(self.recurrent.dropout).init(),
            feedback: self.feedback,
            scheduled_sampling: self.scheduled_sampling,
            penalties: self.penalties.penalties(),
        }
    }
}

impl FrameTagger {
    /// Number of classes `C`.
    pub fn classes(&self) -> usize {
        self.output.weight.dims()[1]
    }

    /// The frames that the model reads.
    pub fn input(&self) -> FrameInput {
        if let Some(encoder) = &self.encoder {
            return encoder.input();
        }
        let width = match &self.recurrent {
            Some(recurrent) if self.feedback => recurrent.input_size() - self.classes(),
            Some(recurrent) => recurrent.input_size(),
            None => self.head.first().unwrap_or(&self.output).weight.dims()[0],
        };
        FrameInput::Features { width }
    }

    /// Whether the class predicted for the previous frame is part of the input.
    pub fn has_feedback(&self) -> bool {
        self.feedback
    }

    /// Whether the label of a frame depends on that frame and those before it only.
    pub fn is_online(&self) -> bool {
        !self.recurrent.as_ref().is_some_and(Recurrent::is_bidirectional)
    }

    /// Log-probabilities `[B, T, C]` of the classes of `frames` `[B, T, F]`, and the state to continue from. Row `b`
    /// has `lengths[b]` frames; outputs past them are meaningless, and so is the state of a row of length 0.
    ///
    /// A model without recurrence has no state. A bidirectional model ignores `state` and starts from zeros: its
    /// reverse direction starts at the last frame. With feedback all rows are read to the end: the state of a shorter
    /// row cannot be continued.
    ///
    /// # Panics
    ///
    /// When `F` is not that of the encoder, there are not as many lengths as rows, or one is above `T`.
    pub fn forward(
        &self,
        frames: Tensor<3>,
        state: Option<TaggerState>,
        lengths: &[usize],
    ) -> (Tensor<3>, Option<TaggerState>) {
        let Read { log_probs, state, .. } = self.read_frames(frames, state, lengths);
        (log_probs, state)
    }

    /// The same, with the penalties on the hidden states.
    fn read_frames(&self, frames: Tensor<3>, state: Option<TaggerState>, lengths: &[usize]) -> Read {
        let encoded = self.encoded(frames);
        let Some(recurrent) = &self.recurrent else {
            return Read {
                log_probs: log_softmax(self.logits(encoded), 2),
                state: None,
                penalty: LossParts::default(),
            };
        };
        if self.feedback {
            let (log_probs, state) = self.answer(recurrent, encoded, state);
            return Read { log_probs, state: Some(state), penalty: LossParts::default() };
        }
        let state = state.filter(|_| self.is_online()).map(|state| state.recurrent);
        let read = self.read(recurrent, encoded, state, lengths);
        Read { state: read.state.filter(|_| self.is_online()), ..read }
    }

    /// Logits `[.., C]` of the classes, from hidden states `[.., H]`.
    fn logits<const D: usize>(&self, hidden: Tensor<D>) -> Tensor<D> {
        let last = self.head.iter().fold(hidden, |hidden, layer| relu(apply(layer, hidden)));
        apply(&self.output, last)
    }

    /// Encoded frames `[B, T, E]`; the features themselves without an encoder.
    fn encode(&self, frames: Tensor<3>) -> Tensor<3> {
        match &self.encoder {
            Some(encoder) => encoder.forward(frames),
            None => frames,
        }
    }

    /// Encoded frames `[B, T, E]`, with dropout.
    fn encoded(&self, frames: Tensor<3>) -> Tensor<3> {
        let time = frames.dims()[1];
        dropout_of_rows(&self.dropout, self.encode(frames), Lines::BatchMajor { time })
    }

    /// The activations of every layer and direction while it reads `frames` `[B, T, F]` from a state of zeros,
    /// time-major; none for a model without recurrence.
    ///
    /// # Panics
    ///
    /// When there is no frame, or `F` is not that of the encoder.
    pub fn trace(&self, frames: Tensor<3>) -> Option<Vec<LayerTrace>> {
        let recurrent = self.recurrent.as_ref()?;
        let encoded = self.encode(frames);
        let input = if self.feedback { self.with_answers(recurrent, encoded) } else { encoded };
        Some(recurrent.trace(input.swap_dims(0, 1), None).0)
    }

    /// Runs the recurrence over its input `[B, T, I]`.
    fn read(&self, recurrent: &Recurrent, input: Tensor<3>, state: Option<State>, lengths: &[usize]) -> Read {
        // A length must be at least 1: a row that has ended reads one frame of zeros.
        let at_least_one: Vec<usize> = lengths.iter().map(|&length| length.max(1)).collect();
        let (raw, hidden, state) = recurrent.forward_with_raw(input.swap_dims(0, 1), state, Some(&at_least_one));
        let penalty = recurrent.penalty(raw, hidden.clone(), Some(lengths), self.penalties);
        let hidden = hidden.swap_dims(0, 1);
        let time = hidden.dims()[1];
        let hidden = dropout_of_rows(&self.dropout, hidden, Lines::BatchMajor { time });
        let log_probs = log_softmax(self.logits(hidden), 2);
        Read { log_probs, state: Some(TaggerState { recurrent: state, said: None }), penalty }
    }

    /// Mean cross-entropy in nats of `labels` `[B, T]` over the valid frames, `[1]`, and the state to continue from.
    /// With `weights` each frame is weighted by its class, as in PyTorch's `cross_entropy`: `Σ w_y · nll / Σ w_y`.
    /// With feedback the labels are the classes of the previous frames. In training, it includes the penalties on the
    /// hidden states. See [`forward`](Self::forward).
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward), and when there are not `B · T` labels, a label is not a class, or `weights` does
    /// not have one for each class.
    pub fn loss(
        &self,
        frames: Tensor<3>,
        state: Option<TaggerState>,
        lengths: &[usize],
        labels: &[u32],
        weights: Option<&[f32]>,
    ) -> (Tensor<1>, Option<TaggerState>) {
        let (parts, state) = self.loss_parts(frames, state, lengths, labels, weights);
        (parts.sum(), state)
    }

    /// The same as [means](LossParts) over frames and hidden values.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    pub fn loss_parts(
        &self,
        frames: Tensor<3>,
        state: Option<TaggerState>,
        lengths: &[usize],
        labels: &[u32],
        weights: Option<&[f32]>,
    ) -> (LossParts, Option<TaggerState>) {
        let [batch, time, _] = frames.dims();
        assert_eq!(labels.len(), batch * time, "each frame needs a label");
        let device = frames.device();
        let classes = ids(labels.iter().copied(), &device);
        let Read { log_probs, state, penalty } = match &self.recurrent {
            Some(recurrent) if self.feedback => {
                let encoded = self.encoded(frames);
                self.learn_forced(recurrent, encoded, state, lengths, classes.clone())
            }
            _ => self.read_frames(frames, state, lengths),
        };
        let counts = |place: usize| place % time < lengths[place / time];
        let weight = |(place, &label): (usize, &u32)| match weights {
            _ if !counts(place) => 0.0,
            Some(weights) => weights[label as usize],
            None => 1.0,
        };
        let shares: Vec<f32> = labels.iter().enumerate().map(weight).collect();
        let count: f32 = shares.iter().sum();
        let total = count.max(f32::MIN_POSITIVE);
        let shares: Vec<f32> = shares.into_iter().map(|share| share / total).collect();
        let shares = Tensor::<3>::from_data(TensorData::new(shares, [batch, time, 1]), &device);
        let loss = (log_probs.gather(2, classes.reshape([batch, time, 1])) * shares).sum().neg();
        (LossParts::of(loss, count.into()).and(penalty), state)
    }
}
