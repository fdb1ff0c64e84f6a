//! Generating translations, a token at a time.

use rekindle_kernels::parallel;

use super::Translator;
use crate::decode::{DecodeError, DecoderState, Hypothesis, Search, Step, StepDecoder, Symbols, search};
use crate::host::ids;

/// Partial hypotheses in one batch: enough for matrix products, and few enough for every thread to have some.
const SIDE_BY_SIDE: usize = 64;

impl StepDecoder for Translator {
    type State = DecoderState;

    /// With input feeding, the previous outputs are read along with the token.
    fn step(&self, symbols: &[u32], state: DecoderState) -> (Step, DecoderState) {
        let words = ids(symbols.iter().copied(), &self.device());
        let (decoder, word) = self.decoder.unrolled(self.embed_target(words, 1, symbols.len()));
        let word = word.into_iter().next().expect("one step");
        let DecoderState { recurrent, memory, beside, inputs } = state;
        let recurrent = recurrent.expect("a translator begins with the encoder's state");
        let (outputs, recurrent, attention) = self.write(word, beside, recurrent, memory.as_ref(), &decoder);
        let beside = self.input_feeding.then(|| outputs.clone());
        let attention = attention.map(|weights| weights.squeeze_dim(1));
        let step = Step { logits: self.logits(outputs), attention };
        (step, DecoderState { recurrent: Some(recurrent), memory, beside, inputs })
    }

    fn select_rows(&self, state: DecoderState, rows: &[usize]) -> DecoderState {
        state.select_rows(rows, &self.device())
    }
}

impl Translator {
    /// The best translations of each source, best first.
    ///
    /// Tokens of `never` are not generated. An empty source has the empty translation.
    ///
    /// # Errors
    ///
    /// When a setting is invalid, or the device fails.
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
            search(self, self.first_state(group), group.len(), &symbols, settings)
        });
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        for (i, hypotheses) in filled.into_iter().zip(found.into_iter().flatten()) {
            translations[i] = hypotheses;
        }
        Ok(translations)
    }

    /// The initial decoder state of sources, for [`search`] and [`sample`](crate::decode::sample).
    ///
    /// # Panics
    ///
    /// When there is no source.
    pub fn first_state(&self, sources: &[&[u32]]) -> DecoderState {
        let encoded = self.encode(sources);
        DecoderState {
            recurrent: Some(encoded.state),
            memory: encoded.memory,
            beside: self.input_feeding.then(|| self.nothing_fed(sources.len())),
            inputs: (0..sources.len()).collect(),
        }
    }
}
