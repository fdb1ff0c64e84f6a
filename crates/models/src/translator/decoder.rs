//! The translator, a word at a time.

use rekindle_rnn::State;

use super::Translator;
use crate::attention::Memory;
use crate::decode::{Hypothesis, Search, SearchError, Step, StepDecoder, Symbols, search};

/// A [`Translator`] as a [`StepDecoder`].
#[derive(Clone, Copy, Debug)]
pub struct Writer<'m>(pub &'m Translator);

/// What a translator keeps of what it has written.
#[derive(Clone, Debug)]
pub struct DecoderState {
    recurrent: State,
    memory: Option<Memory>,
    /// The input that each row belongs to: rows of one input see the same, and need no new memory to change places.
    inputs: Vec<usize>,
}

impl StepDecoder for Writer<'_> {
    type State = DecoderState;

    fn step(&self, symbols: &[u32], state: DecoderState) -> (Step, DecoderState) {
        let model = self.0;
        let input = model.embed(&model.target_embedding, symbols, 1, symbols.len());
        let (hidden, recurrent) = model.decoder.forward_time_major(input, Some(state.recurrent), None);
        let (seen, attention) = model.look(hidden.swap_dims(0, 1), state.memory.as_ref());
        let outputs = model.combine.forward(seen.squeeze_dim::<2>(1)).tanh();
        let attention = attention.map(|weights| weights.squeeze_dim(1));
        (Step { log_probs: model.log_probs(outputs), attention }, DecoderState { recurrent, ..state })
    }

    fn select_rows(&self, state: DecoderState, rows: &[usize]) -> DecoderState {
        let inputs: Vec<usize> = rows.iter().map(|&row| state.inputs[row]).collect();
        let memory = if inputs == state.inputs {
            state.memory
        } else {
            let rows: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
            state.memory.map(|memory| memory.select_rows(self.0.numbers(&rows)))
        };
        DecoderState { recurrent: state.recurrent.select_rows(rows), memory, inputs }
    }
}

impl Translator {
    /// The best translations of each source, best first.
    ///
    /// No symbol of `never` is written. An empty source has the empty translation.
    ///
    /// # Errors
    ///
    /// When a setting has no meaning.
    pub fn translate(
        &self,
        sources: &[&[u32]],
        never: &[u32],
        settings: &Search,
    ) -> Result<Vec<Vec<Hypothesis>>, SearchError> {
        settings.validate()?;
        let empty = Hypothesis { symbols: Vec::new(), log_prob: 0.0, score: 0.0, ended: true };
        let mut translations = vec![vec![empty]; sources.len()];
        let filled: Vec<usize> = (0..sources.len()).filter(|&i| !sources[i].is_empty()).collect();
        if filled.is_empty() {
            return Ok(translations);
        }
        let read: Vec<&[u32]> = filled.iter().map(|&i| sources[i]).collect();
        let symbols = Symbols { start: self.start, end: self.end, forbidden: never.to_vec() };
        let found = search(&Writer(self), self.first_state(&read), read.len(), &symbols, settings)?;
        for (i, hypotheses) in filled.into_iter().zip(found) {
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
        DecoderState { recurrent: encoded.state, memory: encoded.memory, inputs: (0..sources.len()).collect() }
    }
}
