//! The captioner, a word at a time.

use burn::tensor::Tensor;
use rekindle_rnn::State;

use super::Captioner;
use crate::attention::Memory;
use crate::decode::{DecodeError, Hypothesis, Sampling, Search, Step, StepDecoder, Symbols, sample, search};

/// A [`Captioner`] as a [`StepDecoder`].
#[derive(Clone, Copy, Debug)]
pub struct Captions<'m>(pub &'m Captioner);

/// What a captioner keeps of what it has written.
#[derive(Clone, Debug)]
pub struct Writing {
    /// None before the first word of a plain model, which begins with zeros.
    recurrent: Option<State>,
    /// What attention sees, with a row for each row.
    memory: Option<Memory>,
    /// The projected picture, `[N, D]`, where it enters beside the next word of a plain model.
    image: Option<Tensor<2>>,
    /// The picture that each row belongs to: rows of one picture see the same, and need no new memory to change places.
    pictures: Vec<usize>,
}

impl StepDecoder for Captions<'_> {
    type State = Writing;

    fn step(&self, symbols: &[u32], state: Writing) -> (Step, Writing) {
        let model = self.0;
        let words = model.words(symbols);
        let Writing { recurrent, memory, image, pictures } = state;
        if let (Some(seen), Some(state)) = (&memory, recurrent.clone()) {
            let (recurrent, word) = model.recurrent.unrolled(words.clone().unsqueeze_dim(0));
            let word = word.into_iter().next().expect("one step");
            let looked = model.look(word, state, seen, &recurrent);
            let outputs = model.combined(vec![words, looked.hidden, looked.context]);
            let attention = Some(looked.weights.squeeze_dim(1));
            let step = Step { logits: model.logits(outputs), attention };
            return (step, Writing { recurrent: Some(looked.state), memory, image, pictures });
        }
        let depth = model.image.weight.dims()[1];
        let nothing = || Tensor::zeros([symbols.len(), depth], (&words.device(), words.dtype()));
        let beside = image.clone().unwrap_or_else(nothing);
        let input = Tensor::cat(vec![words.clone(), beside], 1).unsqueeze_dim::<3>(0);
        let (hidden, recurrent) = model.recurrent.forward_time_major(input, recurrent, None);
        let step = Step { logits: model.logits(hidden.squeeze_dim(0)), attention: None };
        (step, Writing { recurrent: Some(recurrent), memory, image: image.filter(|_| model.every), pictures })
    }

    fn select_rows(&self, state: Writing, rows: &[usize]) -> Writing {
        let pictures: Vec<usize> = rows.iter().map(|&row| state.pictures[row]).collect();
        let numbers: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        let numbers = self.0.numbers(&numbers);
        let (mut memory, mut image) = (state.memory, state.image);
        if pictures != state.pictures {
            memory = memory.map(|memory| memory.select_rows(numbers.clone()));
            image = image.map(|image| image.select(0, numbers));
        }
        let recurrent = state.recurrent.map(|recurrent| recurrent.select_rows(rows));
        Writing { recurrent, memory, image, pictures }
    }
}

impl Captioner {
    /// The best captions of each of `B` pictures, best first. `seen` is `[B, P, F]`; no symbol of `never` is written.
    ///
    /// # Errors
    ///
    /// When a setting has no meaning, or the device fails.
    pub fn write(
        &self,
        seen: Tensor<3>,
        never: &[u32],
        settings: &Search,
    ) -> Result<Vec<Vec<Hypothesis>>, DecodeError> {
        let pictures = seen.dims()[0];
        search(&Captions(self), self.begin(seen), pictures, &self.symbols(never), settings)
    }

    /// A caption for each of `B` pictures, drawn word by word.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` has no meaning, or the device fails.
    pub fn draw(
        &self,
        seen: Tensor<3>,
        never: &[u32],
        longest: usize,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Vec<Hypothesis>, DecodeError> {
        let pictures = seen.dims()[0];
        sample(&Captions(self), self.begin(seen), pictures, &self.symbols(never), longest, sampling, seed)
    }

    fn symbols(&self, never: &[u32]) -> Symbols {
        Symbols { start: self.start, end: self.end, forbidden: never.to_vec() }
    }

    /// The state in which the captions of some pictures begin.
    fn begin(&self, seen: Tensor<3>) -> Writing {
        let pictures = (0..seen.dims()[0]).collect();
        let image = self.image.forward(seen);
        match &self.attention {
            Some(attention) => Writing {
                recurrent: Some(self.first_state(image.clone())),
                memory: Some(attention.memory(image, None)),
                image: None,
                pictures,
            },
            None => Writing { recurrent: None, memory: None, image: Some(image.squeeze_dim(1)), pictures },
        }
    }
}
