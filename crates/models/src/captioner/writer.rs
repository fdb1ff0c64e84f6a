//! Generating captions, a token at a time.

use burn::tensor::Tensor;
use rekindle_kernels::rows::Lines;

use super::Captioner;
use crate::decode::{
    DecodeError, DecoderState, Hypothesis, Sampling, Search, Step, StepDecoder, StepRows, Symbols, Together,
    TogetherState, sample, search,
};
use crate::host::ids;

impl StepDecoder for Captioner {
    type State = DecoderState;

    /// Without attention, the projected image is read along with the first token, or with every token.
    fn step<'s>(&self, symbols: &[u32], state: &'s mut DecoderState) -> Step<'s> {
        let words = self.words(ids(symbols.iter().copied(), &self.device()), symbols.len());
        let DecoderState { recurrent, memory, beside, .. } = state;
        if let (Some(places), Some(before)) = (memory, recurrent.clone()) {
            let (network, word) = self.recurrent.unrolled(words.clone().unsqueeze_dim(0));
            let word = word.into_iter().next().expect("one step");
            let attended = self.attend(word, before, places, &network);
            let outputs =
                self.combined([words, attended.hidden, attended.context], Lines::TimeMajor { rows: symbols.len() });
            *recurrent = Some(attended.state);
            let attention = Some(StepRows::Device(attended.weights.squeeze_dim(1)));
            return Step { logits: StepRows::Device(self.logits(outputs)), attention };
        }
        let depth = self.image.weight.dims()[1];
        let nothing = || Tensor::zeros([symbols.len(), depth], (&words.device(), words.dtype()));
        let image = beside.clone().unwrap_or_else(nothing);
        let input = Tensor::cat(vec![words.clone(), image], 1).unsqueeze_dim::<3>(0);
        let (hidden, after) = self.recurrent.forward_time_major(input, recurrent.take(), None);
        *recurrent = Some(after);
        if !self.every {
            *beside = None;
        }
        Step { logits: StepRows::Device(self.logits(hidden.squeeze_dim(0))), attention: None }
    }

    fn select_rows(&self, state: &mut DecoderState, rows: &[usize]) {
        state.select_rows(rows, &self.device());
    }
}

/// For decoders that generate together.
impl StepDecoder for &Captioner {
    type State = DecoderState;

    fn step<'s>(&self, symbols: &[u32], state: &'s mut DecoderState) -> Step<'s> {
        <Captioner as StepDecoder>::step(self, symbols, state)
    }

    fn select_rows(&self, state: &mut DecoderState, rows: &[usize]) {
        <Captioner as StepDecoder>::select_rows(self, state, rows);
    }
}

impl Captioner {
    /// [`write`](Self::write) of several models with the same tokens, each with its own features of the images: their
    /// probabilities are averaged at each token.
    ///
    /// # Errors
    ///
    /// When a setting is invalid, or the device fails.
    ///
    /// # Panics
    ///
    /// When there is no model.
    pub fn write_together(
        members: &[(&Self, Tensor<3>)],
        never: &[u32],
        settings: &Search,
    ) -> Result<Vec<Vec<Hypothesis>>, DecodeError> {
        if let [(model, features)] = members {
            return model.write(features.clone(), never, settings);
        }
        let (models, state, pictures) = Self::begin_together(members);
        search(&Together(&models), state, pictures, &models[0].symbols(never), settings)
    }

    /// [`draw`](Self::draw) of several models with the same tokens, each with its own features of the images.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` is invalid, or the device fails.
    ///
    /// # Panics
    ///
    /// When there is no model.
    pub fn draw_together(
        members: &[(&Self, Tensor<3>)],
        never: &[u32],
        longest: usize,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Vec<Hypothesis>, DecodeError> {
        let drawn = Self::draw_several_together(members, 1, never, longest, sampling, seed)?;
        Ok(drawn.into_iter().flatten().collect())
    }

    pub(super) fn begin_together<'m>(
        members: &[(&'m Self, Tensor<3>)],
    ) -> (Vec<&'m Self>, TogetherState<DecoderState>, usize) {
        let models = members.iter().map(|(model, _)| *model).collect();
        let states = members.iter().map(|(model, features)| model.begin(features.clone())).collect();
        (models, TogetherState::new(states), members[0].1.dims()[0])
    }

    /// The best captions of each of `B` images, best first. `features` is `[B, P, F]`; tokens of `never` are excluded.
    ///
    /// # Errors
    ///
    /// When a setting is invalid, or the device fails.
    pub fn write(
        &self,
        features: Tensor<3>,
        never: &[u32],
        settings: &Search,
    ) -> Result<Vec<Vec<Hypothesis>>, DecodeError> {
        let pictures = features.dims()[0];
        search(self, self.begin(features), pictures, &self.symbols(never), settings)
    }

    /// Samples a caption for each of `B` images.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` is invalid, or the device fails.
    pub fn draw(
        &self,
        features: Tensor<3>,
        never: &[u32],
        longest: usize,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Vec<Hypothesis>, DecodeError> {
        let pictures = features.dims()[0];
        sample(self, self.begin(features), pictures, &self.symbols(never), longest, sampling, seed)
    }

    pub(super) fn symbols(&self, never: &[u32]) -> Symbols {
        Symbols { start: self.start, end: self.end, forbidden: never.to_vec() }
    }

    /// The initial decoder state of `B` images, for [`search`] and [`sample`]. `features` is `[B, P, F]`.
    pub fn begin(&self, features: Tensor<3>) -> DecoderState {
        let inputs = (0..features.dims()[0]).collect();
        let image = self.image(features);
        let Some(attention) = &self.attention else {
            return DecoderState { recurrent: None, memory: None, beside: Some(image.squeeze_dim(1)), inputs };
        };
        let recurrent = Some(self.first_state(image.clone()));
        DecoderState { recurrent, memory: Some(attention.memory(image, None)), beside: None, inputs }
    }
}
