//! Generating captions, a token at a time.

use burn::tensor::Tensor;
use rekindle_kernels::linear::apply;

use super::Captioner;
use crate::decode::{
    DecodeError, DecoderState, Hypothesis, Sampling, Search, Step, StepDecoder, Symbols, sample, search,
};
use crate::host::ids;

impl StepDecoder for Captioner {
    type State = DecoderState;

    /// Without attention, the projected image is read along with the first token, or with every token.
    fn step(&self, symbols: &[u32], state: DecoderState) -> (Step, DecoderState) {
        let words = self.words(ids(symbols.iter().copied(), &self.device()));
        let DecoderState { recurrent, memory, beside, inputs } = state;
        if let (Some(seen), Some(state)) = (&memory, recurrent.clone()) {
            let (recurrent, word) = self.recurrent.unrolled(words.clone().unsqueeze_dim(0));
            let word = word.into_iter().next().expect("one step");
            let looked = self.attend(word, state, seen, &recurrent);
            let outputs = self.combined([words, looked.hidden, looked.context]);
            let attention = Some(looked.weights.squeeze_dim(1));
            let step = Step { logits: self.logits(outputs), attention };
            return (step, DecoderState { recurrent: Some(looked.state), memory, beside, inputs });
        }
        let depth = self.image.weight.dims()[1];
        let nothing = || Tensor::zeros([symbols.len(), depth], (&words.device(), words.dtype()));
        let image = beside.clone().unwrap_or_else(nothing);
        let input = Tensor::cat(vec![words.clone(), image], 1).unsqueeze_dim::<3>(0);
        let (hidden, recurrent) = self.recurrent.forward_time_major(input, recurrent, None);
        let step = Step { logits: self.logits(hidden.squeeze_dim(0)), attention: None };
        (step, DecoderState { recurrent: Some(recurrent), memory, beside: beside.filter(|_| self.every), inputs })
    }

    fn select_rows(&self, state: DecoderState, rows: &[usize]) -> DecoderState {
        state.select_rows(rows, &self.device())
    }
}

impl Captioner {
    /// The best captions of each of `B` images, best first. `seen` is `[B, P, F]`; tokens of `never` are excluded.
    ///
    /// # Errors
    ///
    /// When a setting is invalid, or the device fails.
    pub fn write(
        &self,
        seen: Tensor<3>,
        never: &[u32],
        settings: &Search,
    ) -> Result<Vec<Vec<Hypothesis>>, DecodeError> {
        let pictures = seen.dims()[0];
        search(self, self.begin(seen), pictures, &self.symbols(never), settings)
    }

    /// Samples a caption for each of `B` images.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` is invalid, or the device fails.
    pub fn draw(
        &self,
        seen: Tensor<3>,
        never: &[u32],
        longest: usize,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Vec<Hypothesis>, DecodeError> {
        let pictures = seen.dims()[0];
        sample(self, self.begin(seen), pictures, &self.symbols(never), longest, sampling, seed)
    }

    fn symbols(&self, never: &[u32]) -> Symbols {
        Symbols { start: self.start, end: self.end, forbidden: never.to_vec() }
    }

    /// The initial decoder state of images.
    fn begin(&self, seen: Tensor<3>) -> DecoderState {
        let inputs = (0..seen.dims()[0]).collect();
        let image = apply(&self.image, seen);
        let Some(attention) = &self.attention else {
            return DecoderState { recurrent: None, memory: None, beside: Some(image.squeeze_dim(1)), inputs };
        };
        let recurrent = Some(self.first_state(image.clone()));
        DecoderState { recurrent, memory: Some(attention.memory(image, None)), beside: None, inputs }
    }
}
