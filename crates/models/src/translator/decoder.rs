//! Generating translations, a token at a time.

use rekindle_kernels::parallel::{for_each, threads};

use super::Translator;
#[cfg(any(feature = "flex", feature = "ndarray"))]
use super::prepared::PreparedState;
#[cfg(any(feature = "flex", feature = "ndarray"))]
use super::prepared::PreparedWriter;
use crate::decode::{
    DecodeError, DecoderState, Hypothesis, Search, Step, StepDecoder, StepRows, Symbols, Together, TogetherState,
    search,
};
use crate::host::ids;

/// Most partial hypotheses in one batch: more would make its products hardly faster.
const SIDE_BY_SIDE: usize = 64;

/// Fewest partial hypotheses in one batch, if there are as many: fewer would make its products slower, so that they do
/// not pay for a further thread.
const FEWEST: usize = 8;

impl StepDecoder for Translator {
    type State = DecoderState;

    /// With input feeding, the previous outputs are read along with the token.
    fn step<'s>(&self, symbols: &[u32], state: &'s mut DecoderState) -> Step<'s> {
        let words = ids(symbols.iter().copied(), &self.device());
        let (decoder, word) = self.decoder.unrolled(self.embed_target(words, 1, symbols.len()));
        let word = word.into_iter().next().expect("one step");
        let recurrent = state.recurrent.take().expect("a translator begins with the encoder's state");
        let written = self.write(word, state.beside.take(), recurrent, state.memory.as_ref(), &decoder);
        state.recurrent = Some(written.state);
        state.beside = self.input_feeding.then(|| written.output.clone());
        let attention = written.attention.map(|weights| StepRows::Device(weights.squeeze_dim(1)));
        Step { logits: StepRows::Device(self.logits(written.output)), attention }
    }

    fn select_rows(&self, state: &mut DecoderState, rows: &[usize]) {
        state.select_rows(rows, &self.device());
    }
}

impl Translator {
    /// Prepares the model for many calls of [`translate`](PreparedTranslator::translate).
    pub fn prepared(&self) -> PreparedTranslator {
        PreparedTranslator::together(&[self])
    }

    /// The best translations of each source, best first: [`PreparedTranslator::translate`] with a model prepared for
    /// this call only.
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
        self.prepared().translate(sources, never, settings)
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

/// A [`Translator`], or several, prepared for many calls; created by [`Translator::prepared`]. Later changes of the
/// model's weights do not affect it.
///
/// On a CPU backend, the weights are packed once, which takes as much memory again. Input feeding,
/// additive attention, variants of the LSTM and GPUs use the model as it is.
#[derive(Debug)]
pub struct PreparedTranslator {
    members: Vec<Member>,
}

/// One of the models.
#[derive(Debug)]
struct Member {
    model: Translator,
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    writer: Option<PreparedWriter>,
}

/// The decoder state of a [`Member`].
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one for each model and batch")]
enum MemberState {
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    Prepared(PreparedState),
    General(DecoderState),
}

impl Member {
    fn first_state(&self, sources: &[&[u32]]) -> MemberState {
        #[cfg(any(feature = "flex", feature = "ndarray"))]
        if let Some(writer) = &self.writer {
            return MemberState::Prepared(writer.first_state(&self.model, sources));
        }
        MemberState::General(self.model.first_state(sources))
    }
}

impl StepDecoder for Member {
    type State = MemberState;

    fn step<'s>(&self, symbols: &[u32], state: &'s mut MemberState) -> Step<'s> {
        match state {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            MemberState::Prepared(state) => self.writer().step(symbols, state),
            MemberState::General(state) => self.model.step(symbols, state),
        }
    }

    fn select_rows(&self, state: &mut MemberState, rows: &[usize]) {
        match state {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            MemberState::Prepared(state) => self.writer().select_rows(state, rows),
            MemberState::General(state) => self.model.select_rows(state, rows),
        }
    }
}

#[cfg(any(feature = "flex", feature = "ndarray"))]
impl Member {
    fn writer(&self) -> &PreparedWriter {
        self.writer.as_ref().expect("it made the state")
    }
}

impl PreparedTranslator {
    /// Models with the same tokens that translate together: their probabilities are averaged at each token.
    ///
    /// # Panics
    ///
    /// When there is no model.
    pub fn together(models: &[&Translator]) -> Self {
        assert!(!models.is_empty(), "at least one model");
        let member = |model: &&Translator| Member {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            writer: PreparedWriter::new(model),
            model: Translator::clone(model),
        };
        Self { members: models.iter().map(member).collect() }
    }

    /// The best translations of each source, best first.
    ///
    /// Tokens of `never` are not generated. An empty source has the empty translation. Sources of similar lengths are
    /// translated side by side, in batches that the threads of the pool share.
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
        let mut filled: Vec<usize> = (0..sources.len()).filter(|&i| !sources[i].is_empty()).collect();
        filled.sort_by_key(|&i| sources[i].len());
        let read: Vec<&[u32]> = filled.iter().map(|&i| sources[i]).collect();
        let Member { model, .. } = &self.members[0];
        let symbols = Symbols { start: model.start, end: model.end, forbidden: never.to_vec() };
        let device = model.device();
        let share = read.len().div_ceil(threads(&device));
        let size = share.max(FEWEST / settings.beam).min(SIDE_BY_SIDE / settings.beam).max(1);
        let groups = read.chunks(size).collect();
        let found = for_each(&device, groups, |group| self.translate_group(group, &symbols, settings));
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        for (i, hypotheses) in filled.into_iter().zip(found.into_iter().flatten()) {
            translations[i] = hypotheses;
        }
        Ok(translations)
    }

    /// Translates sources side by side.
    fn translate_group(
        &self,
        group: &[&[u32]],
        symbols: &Symbols,
        settings: &Search,
    ) -> Result<Vec<Vec<Hypothesis>>, DecodeError> {
        if let [member] = &self.members[..] {
            return search(member, member.first_state(group), group.len(), symbols, settings);
        }
        let states = self.members.iter().map(|member| member.first_state(group)).collect();
        search(&Together(&self.members), TogetherState::new(states), group.len(), symbols, settings)
    }
}
