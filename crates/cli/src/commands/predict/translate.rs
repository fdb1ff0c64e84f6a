//! `rekindle predict` on a run of `translate`.

use std::fs;
use std::io::{IsTerminal, Write, stderr, stdin, stdout};

use anyhow::{Context, Result, bail};
use rekindle_models::decode::Search;
use rekindle_train::pictures;
use rekindle_train::run::RunFolder;
use rekindle_train::tasks::translate::TrainedTranslator;
use serde_json::{Value, json};

use crate::commands::{open_translator, print_json, search_of};
use crate::options::Predict;

/// Sentences that are translated side by side.
const BATCH: usize = 32;

pub fn predict(run: &RunFolder, options: &Predict) -> Result<()> {
    let trained = open_translator(run, options.checkpoint, &options.device)?;
    let given = &options.written;
    let best = given.n_best.unwrap_or(1);
    let mut search = search_of(&options.search, trained.settings.search());
    if best == 0 {
        bail!("--n-best 0 shows nothing: give 1 or more");
    }
    search.validate()?;
    // As many translations as are shown have to be kept.
    search.beam = search.beam.max(best);
    if given.attention.is_some() && trained.model.attention.is_none() {
        bail!("--attention: this run was trained with --attention none, and looks nowhere");
    }
    let mut output =
        Translations { trained: &trained, options, search, best, json: Vec::new(), last: None, warned: false };
    if let Some(file) = &options.file {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let sentences: Vec<String> = text.lines().map(str::to_owned).collect();
        sentences.chunks(BATCH).try_for_each(|sentences| output.translate(sentences))?;
    } else if options.inputs.is_empty() {
        output.translate_input()?;
    } else {
        options.inputs.chunks(BATCH).try_for_each(|sentences| output.translate(sentences))?;
    }
    output.finish()
}

/// What has been translated.
struct Translations<'a> {
    trained: &'a TrainedTranslator,
    options: &'a Predict,
    search: Search,
    best: usize,
    json: Vec<Value>,
    /// The last sentence that was not empty, and the symbols of its translation.
    last: Option<(String, Vec<u32>)>,
    /// Whether it has been said that the languages are swapped.
    warned: bool,
}

impl Translations<'_> {
    /// Whoever types is asked for sentences and answered at once; what is piped goes in batches.
    fn translate_input(&mut self) -> Result<()> {
        let asked = stdin().is_terminal();
        let trained = self.trained;
        let prompt = || -> Result<()> {
            if asked {
                let (source, target) = (&trained.languages.source.name, &trained.languages.target.name);
                write!(stderr(), "{source} to {target}> ")?;
                stderr().flush()?;
            }
            Ok(())
        };
        prompt()?;
        let mut waiting = Vec::new();
        for line in stdin().lines() {
            waiting.push(line.context("standard input: not a line of UTF-8")?);
            if asked || waiting.len() == BATCH {
                self.translate(&std::mem::take(&mut waiting))?;
                prompt()?;
            }
        }
        self.translate(&waiting)
    }

    fn translate(&mut self, sentences: &[String]) -> Result<()> {
        if sentences.is_empty() {
            return Ok(());
        }
        let texts: Vec<&str> = sentences.iter().map(String::as_str).collect();
        if !self.warned
            && let Some(warning) = self.trained.languages.swapped(&texts)
        {
            eprintln!("warning: {warning}");
            self.warned = true;
        }
        let found = self.trained.languages.translate(&self.trained.model, &texts, &self.search)?;
        let mut out = stdout().lock();
        for (sentence, mut translations) in texts.iter().zip(found) {
            translations.truncate(self.best);
            if !sentence.trim().is_empty()
                && let Some((_, hypothesis)) = translations.first()
            {
                self.last = Some(((*sentence).to_owned(), hypothesis.symbols.clone()));
            }
            if self.options.output.json {
                let best: Vec<Value> = translations
                    .iter()
                    .map(|(text, found)| json!({"text": text, "score": found.score, "log_prob": found.log_prob}))
                    .collect();
                self.json.push(json!({"source": sentence, "translations": best}));
                continue;
            }
            for (text, hypothesis) in &translations {
                if self.options.written.n_best.is_some() {
                    writeln!(out, "{:.4}\t{text}", hypothesis.score)?;
                } else {
                    writeln!(out, "{text}")?;
                }
            }
        }
        out.flush()?;
        Ok(())
    }

    fn finish(self) -> Result<()> {
        if self.options.output.json {
            print_json(&self.json)?;
        }
        let Some(file) = &self.options.written.attention else { return Ok(()) };
        let (sentence, symbols) = self.last.context("--attention: there was no sentence to look at")?;
        let languages = &self.trained.languages;
        let numbers = languages.source.encode(&sentence);
        let weights = self.trained.model.alignment(&numbers, &symbols)?.context("the model has no attention")?;
        let end = "<END>".to_owned();
        let mut read = languages.source.tokens(&sentence);
        let mut written: Vec<String> =
            languages.target.vocabulary.decode(&symbols).into_iter().map(str::to_owned).collect();
        read.push(end.clone());
        written.push(end);
        let picture = pictures::alignment(&weights, &read, &written);
        fs::write(file, picture.svg).with_context(|| format!("cannot write {}", file.display()))?;
        eprintln!("written: {}", file.display());
        Ok(())
    }
}
