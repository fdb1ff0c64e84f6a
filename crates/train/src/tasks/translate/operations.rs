//! The operations of a trained translator.

use rekindle_data::parallel::{Languages, WordVocabulary};
use rekindle_models::decode::{DecodeError, Search};
use rekindle_models::translator::PreparedTranslator;
use rekindle_onnx::{NamedModel, Opset, ToOnnx as _};
use rekindle_pictures::alignment;

use super::error::TranslateError;
use super::evaluation::evaluate;
use super::languages::translate;
use super::task::TranslateTask;
use crate::operation::NoSplit;
use crate::import::import;
use crate::prelude::*;
use crate::sentences::{NoAttention, Sentence, with_symbols};

settings! {
    /// Options of `eval`.
    pub struct EvalOptions {
        /// The search.
        @flatten search: SearchSettings;
    }
}

settings! {
    /// Options of `predict`.
    pub struct PredictOptions {
        /// The search.
        @flatten search: SearchSettings;
        /// What is shown.
        @flatten shown: ShownSettings;
    }
}

settings! {
    /// Options of the playground.
    pub struct PlayOptions {
        /// The search.
        @flatten search: SearchSettings;
        /// Show this many of the best sentences
        n_best: usize = 3 => value("COUNT").at_least(1).at_most(20);
    }
}

/// Sentences per batch of translation.
const BATCH: usize = 32;

/// The attention weights of a translation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alignment {
    /// The source tokens, with the end.
    pub read: Vec<String>,
    /// The target tokens, with the end.
    pub written: Vec<String>,
    /// A row for each target token, a column for each source token.
    pub weights: Vec<Vec<f32>>,
}

/// A trained translator prepared for many calls; created by [`Trained::translator`].
#[derive(Debug)]
pub struct SentenceTranslator<'t> {
    languages: &'t Languages,
    model: PreparedTranslator,
}

impl SentenceTranslator<'_> {
    /// Translations of sentences, best first, each with its hypothesis.
    ///
    /// # Errors
    ///
    /// When a setting of `search` is invalid, or the device fails.
    pub fn translate(&self, sentences: &[&str], search: &Search) -> Result<Vec<Vec<Sentence>>, DecodeError> {
        translate(self.languages, &self.model, sentences, search)
    }
}

impl Trained<TranslateTask> {
    /// Prepares all [`models`](Trained::models), which translate together, for many calls of
    /// [`translate`](SentenceTranslator::translate).
    pub fn translator(&self) -> SentenceTranslator<'_> {
        SentenceTranslator { languages: &self.assets, model: PreparedTranslator::together(&self.models()) }
    }

    /// Translations of sentences, best first, each with its hypothesis: [`SentenceTranslator::translate`] with a model
    /// prepared for this call only.
    ///
    /// # Errors
    ///
    /// When a setting of `search` is invalid, or the device fails.
    pub fn translate(&self, sentences: &[&str], search: &Search) -> Result<Vec<Vec<Sentence>>, DecodeError> {
        self.translator().translate(sentences, search)
    }

    /// The attention weights of `sentence` for the target tokens `translation`; none without attention.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn alignment(&self, sentence: &str, translation: &[u32]) -> Result<Option<Alignment>, DeviceError> {
        let weights = self.model.alignment(&self.assets.source.encode(sentence), translation)?;
        let mut read = self.assets.source.tokens(sentence);
        let target = &self.assets.target.vocabulary;
        let end = target.word(WordVocabulary::END).to_owned();
        let mut written: Vec<String> = target.decode(translation).into_iter().map(str::to_owned).collect();
        written.push(end.clone());
        read.push(end);
        Ok(weights.map(|weights| Alignment { read, written, weights }))
    }
}

impl Operate for TranslateTask {
    fn operations() -> Operations<Self> {
        Operations::default()
            .evaluate(eval)
            .predict(predict)
            .import(import::<Self>)
            .together(alike)
            .onnx(onnx)
            .instead_of_neurons(
                "attention stands in their place: `rekindle predict RUN SENTENCE --attention FILE` draws what each word \
                 attends to",
            )
            .playground(Input::Text, "One sentence is translated; the table shows what each word attends to.", play)
    }
}

type Translator = Trained<TranslateTask>;

fn onnx(trained: &Translator, opset: Opset) -> Result<Vec<NamedModel>, TaskError> {
    Ok(with_symbols(trained.model.to_onnx(opset)?, [WordVocabulary::START, WordVocabulary::END]))
}

fn alike(one: &Translator, other: &Translator) -> bool {
    one.assets == other.assets
}

fn eval(trained: Translator, request: Evaluate, options: EvalOptions, output: &mut Output<'_>) -> Result<Report, TaskError> {
    let (source, languages) = (trained.settings.data.source(), &trained.assets);
    let pairs = match request.on {
        On::Data(data) => {
            let pairs = source.whole(&data)?;
            if pairs.is_empty() { Err(TranslateError::NoPairs { data }) } else { Ok(pairs) }?
        }
        On::Split(split) => {
            let pairs = match split {
                Split::Train => source.training().map(|[train, _]| Some(train)),
                Split::Validation => source.training().map(|[_, validation]| Some(validation)),
                Split::Test => source.test(),
            };
            let pairs = pairs?.filter(|pairs| !pairs.is_empty());
            pairs.ok_or(NoSplit(split))?
        }
    };
    let sources: Vec<&str> = pairs.sources.iter().map(String::as_str).collect();
    if let Some(warning) = languages.swapped(&sources) {
        output.warn(warning);
    }
    let search = options.search.search(trained.settings.search())?;
    // Beam search has a row for each hypothesis, so its batches are smaller than in training.
    let report = evaluate(&trained.models(), languages, &pairs, &search, request.batch_size.unwrap_or(64))?;
    Ok(report.fact("sentences", pairs.len()).fact("beam", search.beam))
}

fn predict(trained: Translator, request: Predict, options: PredictOptions, output: &mut Output<'_>) -> Result<(), TaskError> {
    let PredictOptions { search, shown } = options;
    let languages = &trained.assets;
    let search = shown.search(&search, trained.settings.search(), trained.model.attention.is_some())?;
    // The last sentence that is not empty, and its translation's tokens.
    let mut last = None;
    let mut warned = false;
    let translator = trained.translator();
    let prompt = format!("{} to {}> ", languages.source.name, languages.target.name);
    output.list();
    request.inputs.for_each([BATCH; 2], &prompt, output, |sentences, output| {
        let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
        if let Some(warning) = languages.swapped(&sentences).filter(|_| !warned) {
            output.warn(warning);
            warned = true;
        }
        for (&sentence, mut translations) in sentences.iter().zip(translator.translate(&sentences, &search)?) {
            translations.truncate(shown.best());
            let all = shown.show("", &translations, output)?;
            output.item(json!({"source": sentence, "translations": all}));
            if !sentence.trim().is_empty() {
                last = translations.into_iter().next().map(|(_, found)| (sentence.to_owned(), found.symbols));
            }
        }
        Ok(())
    })?;
    let Some(file) = &shown.attention else { return Ok(()) };
    let (sentence, translation) = last.ok_or(TranslateError::NoSentence)?;
    let Alignment { read, written, weights } =
        trained.alignment(&sentence, &translation)?.ok_or(NoAttention)?;
    output.file(file, &alignment(&weights, &read, &written).svg)
}

/// The best translations of one sentence, with their attention weights.
fn play(trained: &Translator, play: Play, options: PlayOptions, answers: &mut Answers<'_>) -> Result<(), TaskError> {
    let sentence = play.text.split_whitespace().collect::<Vec<_>>().join(" ");
    if sentence.is_empty() {
        return Err(TranslateError::NoSentence.into());
    }
    let search = options.search.search(trained.settings.search())?;
    let search = Search { beam: search.beam.max(options.n_best), ..search };
    let mut found = trained.translate(&[&sentence], &search)?.remove(0);
    found.truncate(options.n_best);
    let mut source = trained.assets.source.tokens(&sentence);
    let mut hypotheses = Vec::new();
    for (text, hypothesis) in &found {
        check_stop()?;
        let alignment = trained.alignment(&sentence, &hypothesis.symbols)?;
        let (tokens, attention) = match alignment {
            Some(Alignment { read, written, weights }) => {
                source = read;
                (written, Some(weights))
            }
            None => {
                let target = &trained.assets.target.vocabulary;
                (target.decode(&hypothesis.symbols).into_iter().map(str::to_owned).collect(), None)
            }
        };
        let score = hypothesis.score;
        hypotheses.push(json!({"text": text, "tokens": tokens, "score": score, "attention": attention}));
    }
    answers.line(&json!({"source": source, "hypotheses": hypotheses}))?;
    answers.line(&json!({"done": true, "warning": trained.assets.swapped(&[&sentence])}))
}
