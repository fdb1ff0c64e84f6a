//! The translator, a word at a time.

use burn::tensor::Tensor;
use rekindle_kernels::parallel;
use rekindle_rnn::State;

use super::Translator;
use crate::attention::Memory;
use crate::decode::{DecodeError, Hypothesis, Search, Step, StepDecoder, Symbols, search};

/// Beginnings that are written as one batch: enough for products of matrices, and few enough for every thread to have some.
const SIDE_BY_SIDE: usize = 64;

/// A [`Translator`] as a [`StepDecoder`].
#[derive(Clone, Copy, Debug)]
pub struct Writer<'m>(pub &'m Translator);

/// What a translator keeps of what it has written.
#[derive(Clone, Debug)]
pub struct DecoderState {
    recurrent: State,
    memory: Option<Memory>,
    /// The last outputs, with input feeding.
    fed: Option<Tensor<2>>,
    /// The input that each row belongs to: rows of one input see the same, and need no new memory to change places.
    inputs: Vec<usize>,
}

impl StepDecoder for Writer<'_> {
    type State = DecoderState;

    fn step(&self, symbols: &[u32], state: DecoderState) -> (Step, DecoderState) {
        let model = self.0;
        let words = model.embed_target(model.numbers(symbols), 1, symbols.len());
        let (decoder, word) = model.decoder.unrolled(words);
        let word = word.into_iter().next().expect("one step");
        let DecoderState { recurrent, memory, fed, inputs } = state;
        let (outputs, recurrent, attention) = model.step(word, fed, recurrent, memory.as_ref(), &decoder);
        let fed = model.input_feeding.then(|| outputs.clone());
        let attention = attention.map(|weights| weights.squeeze_dim(1));
        let step = Step { logits: model.logits(outputs), attention };
        (step, DecoderState { recurrent, memory, fed, inputs })
    }

    fn select_rows(&self, state: DecoderState, rows: &[usize]) -> DecoderState {
        let inputs: Vec<usize> = rows.iter().map(|&row| state.inputs[row]).collect();
        let numbers: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        let numbers = self.0.numbers(&numbers);
        let fed = state.fed.map(|fed| fed.select(0, numbers.clone()));
        let memory =
            if inputs == state.inputs { state.memory } else { state.memory.map(|memory| memory.select_rows(numbers)) };
        DecoderState { recurrent: state.recurrent.select_rows(rows), memory, fed, inputs }
    }
}

impl Translator {
    /// The best translations of each source, best first.
    ///
    /// No symbol of `never` is written. An empty source has the empty translation.
    ///
    /// # Errors
    ///
    /// When a setting has no meaning, or the device fails.
    pub fn translate(
        &self,
        sources: &[&[u32]],
        never: &[u32],
        settings: &Search,
    ) -> Result<Vec<Vec<Hypothesis>>, DecodeError> {
        settings.validate()?;
        let empty = Hypothesis { symbols: Vec::new(), log_prob: 0.0, score: 0.0, ended: true };
        let mut translations = vec![vec![empty]; sources.len()];
        let filled: Vec<usize> = (0..sources.len()).filter(|&i| !sources[i].is_empty()).collect();
        if filled.is_empty() {
            return Ok(translations);
        }
        let read: Vec<&[u32]> = filled.iter().map(|&i| sources[i]).collect();
        let symbols = Symbols { start: self.start, end: self.end, forbidden: never.to_vec() };
        let groups = read.chunks((SIDE_BY_SIDE / settings.beam).max(1)).collect();
        #[cfg(any(feature = "flex", feature = "ndarray"))]
        let prepared = super::prepared::PreparedWriter::new(self);
        let found = parallel::for_each(&self.device(), groups, |group: &[&[u32]]| {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            if let Some(writer) = &prepared {
                return search(writer, writer.first_state(group), group.len(), &symbols, settings);
            }
            search(&Writer(self), self.first_state(group), group.len(), &symbols, settings)
        });
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        for (i, hypotheses) in filled.into_iter().zip(found.into_iter().flatten()) {
            translations[i] = hypotheses;
        }
        Ok(translations)
    }

    /// The state in which the translations of some sources begin, for [`search`] and [`sample`](crate::decode::sample).
    ///
    /// # Panics
    ///
    /// When there is no source.
    pub fn first_state(&self, sources: &[&[u32]]) -> DecoderState {
        let encoded = self.encode(sources);
        DecoderState {
            recurrent: encoded.state,
            memory: encoded.memory,
            fed: self.input_feeding.then(|| self.nothing_fed(sources.len())),
            inputs: (0..sources.len()).collect(),
        }
    }
}
