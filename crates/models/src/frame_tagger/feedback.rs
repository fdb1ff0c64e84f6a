//! Feedback: the class predicted for the previous frame is part of the next input.
//!
//! ```text
//! h_t = f(h_{t-1}, [e_t, s_{t-1}])      s: one-hot, the class of the frame before; zeros before the first frame
//! ```
//!
//! In use, `s` is the model's most probable class. In training it is the label (teacher forcing), so that a clip is
//! one whole-sequence operation. With scheduled sampling (Bengio et al. 2015, arXiv 1506.03099) it is the model's
//! prediction for some of the frames, made in one pass from the labels.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rekindle_kernels::pointwise::dropout_of_rows;
use rekindle_kernels::rows::Lines;
use rekindle_rnn::{Cell, Recurrent, State, reset_rows};

use super::{FrameTagger, Read};
use crate::decode::forced::with_guesses;

/// The state of a [`FrameTagger`] between two chunks of a clip.
#[derive(Clone, Debug)]
pub struct TaggerState {
    /// State of the recurrence.
    pub recurrent: State,
    /// Classes predicted for the last frames, one-hot, `[B, C]`; none without feedback.
    pub said: Option<Tensor<2>>,
}

impl TaggerState {
    /// Detaches the state from the autodiff graph.
    pub fn detach(self) -> Self {
        Self { recurrent: self.recurrent.detach(), said: self.said.map(Tensor::detach) }
    }

    /// Sets these rows to the initial state.
    ///
    /// # Panics
    ///
    /// If a row is not in the batch.
    pub fn reset_rows(self, rows: &[usize]) -> Self {
        Self { recurrent: self.recurrent.reset_rows(rows), said: self.said.map(|said| reset_rows(said, rows)) }
    }

    /// The tensors for a checkpoint: those of the recurrence, then the predicted classes.
    pub fn to_data(&self) -> Vec<TensorData> {
        let mut data = self.recurrent.to_data();
        data.extend(self.said.as_ref().map(Tensor::to_data));
        data
    }

    /// The inverse of [`to_data`](Self::to_data) for a model with this cell, and with or without feedback; none if the
    /// tensors do not fit.
    pub fn from_data(mut data: Vec<TensorData>, cell: Cell, feedback: bool, device: &Device) -> Option<Self> {
        let said = if feedback { Some(data.pop().filter(|said| said.shape().len() == 2)?) } else { None };
        let said = said.map(|said| Tensor::from_data(said, device));
        Some(Self { recurrent: State::from_data(data, cell, device).ok()?, said })
    }
}

impl FrameTagger {
    /// [`forward`](Self::forward) with feedback, for encoded frames `[B, T, E]`.
    pub(super) fn answer(
        &self,
        recurrent: &Recurrent,
        encoded: Tensor<3>,
        state: Option<TaggerState>,
    ) -> (Tensor<3>, TaggerState) {
        let (batch, device) = (encoded.dims()[0], encoded.device());
        let mut state = state.unwrap_or_else(|| self.before(recurrent, batch, &device));
        let (recurrent, frames) = recurrent.unrolled(encoded.swap_dims(0, 1));
        let mut answers = Vec::with_capacity(frames.len());
        for frame in frames {
            let (hidden, after) = recurrent.step(frame, state.said, state.recurrent);
            let hidden = dropout_of_rows(&self.dropout, hidden, Lines::TimeMajor { rows: batch });
            let log_probs = log_softmax(self.logits(hidden), 1);
            let said = self.one_hot(log_probs.clone().argmax(1).squeeze_dim(1));
            state = TaggerState { recurrent: after, said: Some(said) };
            answers.push(log_probs);
        }
        (Tensor::stack(answers, 1), state)
    }

    /// Encoded frames `[B, T, E]`, each with the class that is predicted for the frame before: the recurrence's input.
    pub(super) fn with_answers(&self, recurrent: &Recurrent, encoded: Tensor<3>) -> Tensor<3> {
        let [batch, time, _] = encoded.dims();
        let (log_probs, _) = self.answer(recurrent, encoded.clone(), None);
        let said = self.one_hot(log_probs.argmax(2).reshape([batch * time])).reshape([batch, time, self.classes()]);
        let before = Tensor::zeros([batch, 1, self.classes()], (&said.device(), said.dtype()));
        Tensor::cat(vec![encoded, Tensor::cat(vec![before, said], 1).narrow(1, 0, time)], 2)
    }

    /// The same in training, with the `labels` `[B · T]` of the frames.
    pub(super) fn learn_forced(
        &self,
        recurrent: &Recurrent,
        encoded: Tensor<3>,
        state: Option<TaggerState>,
        lengths: &[usize],
        labels: Tensor<1, Int>,
    ) -> Read {
        let [batch, time, _] = encoded.dims();
        let device = encoded.device();
        let TaggerState { recurrent: before, said } = state.unwrap_or_else(|| self.before(recurrent, batch, &device));
        let said = said.expect("a model with feedback has said something").unsqueeze_dim::<3>(1);
        let read = |said_of: Tensor<3>| {
            let previous = Tensor::cat(vec![said.clone(), said_of], 1).narrow(1, 0, time);
            self.read(recurrent, Tensor::cat(vec![encoded.clone(), previous], 2), Some(before.clone()), lengths)
        };
        let truth = self.one_hot(labels.clone()).reshape([batch, time, self.classes()]);
        let mut said_of = truth.clone();
        if self.scheduled_sampling > 0.0 {
            let guesses = read(truth.clone()).log_probs.detach().argmax(2).reshape([batch * time]);
            let read = with_guesses(labels, guesses, self.scheduled_sampling, Lines::BatchMajor { time });
            said_of = self.one_hot(read).reshape(truth.dims());
        }
        let mut read = read(said_of);
        let last = truth.narrow(1, time - 1, 1).squeeze_dim(1);
        if let Some(state) = &mut read.state {
            state.said = Some(last);
        }
        read
    }

    /// The initial state.
    fn before(&self, recurrent: &Recurrent, batch: usize, device: &Device) -> TaggerState {
        let said = Tensor::zeros([batch, self.classes()], device);
        TaggerState { recurrent: recurrent.zero_state(batch, device), said: Some(said) }
    }

    /// One-hot vectors `[N, C]` of `N` classes.
    fn one_hot(&self, classes: Tensor<1, Int>) -> Tensor<2> {
        classes.one_hot::<2>(self.classes()).float().cast(self.output.weight.val().dtype())
    }
}
