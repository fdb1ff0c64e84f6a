//! `rekindle score`.

use std::io::BufRead as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rekindle_data::outputs::{Outputs, References};
use rekindle_data::{counted, files};
use rekindle_metrics::captions::Tables;
use rekindle_metrics::corpus::{Corpus, Metric, Preparation, Scored};
use rekindle_metrics::significance::{Bootstrap, Comparison, Interval};
use rekindle_metrics::translation::Tokenization;
use serde_json::{Value, json};

use super::compare::columns;
use crate::console::{self, alert, answer, note};
use crate::options::Score;

/// The metrics of lines, and of COCO's files.
const OF_LINES: &[Metric] = &[Metric::Bleu, Metric::Chrf, Metric::Ter];
const OF_CAPTIONS: &[Metric] = &[Metric::Bleu, Metric::Meteor, Metric::RougeL, Metric::Cider];

/// A figure, and that of the other system with what the test of both says.
struct Row {
    ours: Scored,
    other: Option<(Scored, Comparison)>,
}

pub fn run(options: &Score) -> Result<()> {
    let references = References::open(&options.refs)?;
    let metrics = match &options.metric[..] {
        [] if references.are_captions() => OF_CAPTIONS,
        [] => OF_LINES,
        given => given,
    };
    let of_captions = references.are_captions().then_some(Tokenization::Ptb);
    let tokenization = options.tokenize.or(of_captions);
    let preparation = Preparation { tokenization, lowercase: options.lowercase, tables: None };
    let test = Bootstrap { resamples: options.resamples, seed: options.seed };
    let signed = options.against.is_some().then_some((test.resamples, test.seed));
    let read = |path: &Path| -> Result<Outputs> {
        let outputs = references.outputs(path)?;
        if outputs.without_output > 0 {
            let images = counted(outputs.without_output, "images");
            alert!("warning: {}: {images} of the references have no caption and are not scored", path.display());
        }
        Ok(outputs)
    };
    let outputs = read(&options.hypotheses)?;
    let others = options.against.as_deref().map(read).transpose()?;
    if let (Some(others), Some(path)) = (&others, &options.against)
        && others.references != outputs.references
    {
        let (ours, theirs) = (options.hypotheses.display(), path.display());
        bail!("{theirs}: its captions are not of the same images as those of {ours}");
    }
    let tables = match metrics.contains(&Metric::Meteor) {
        true => tables(options, preparation, std::iter::once(&outputs).chain(&others))?,
        false if options.synonyms.is_some() || options.paraphrases.is_some() => {
            bail!("--synonyms and --paraphrases are for METEOR: add --metric meteor")
        }
        false => Tables::default(),
    };
    let preparation = Preparation { tables: Some(&tables), ..preparation };
    let score = |outputs: &Outputs| -> Vec<Scored> {
        metrics.iter().flat_map(|&metric| corpus(outputs).score(metric, preparation, signed)).collect()
    };
    let ours = score(&outputs);
    let theirs: Vec<Option<Scored>> = match &others {
        None => ours.iter().map(|_| None).collect(),
        Some(others) => score(others).into_iter().map(Some).collect(),
    };
    let rows = ours.into_iter().zip(theirs).map(|(ours, theirs)| {
        let other = theirs.map(|theirs| {
            let comparison = test.compare(&*ours.segments, &*theirs.segments);
            (theirs, comparison)
        });
        Row { ours, other }
    });
    let rows: Vec<Row> = rows.collect();
    if options.output.json {
        return console::json(&json!({
            "hypotheses": options.hypotheses,
            "references": options.refs,
            "sentences": outputs.hypotheses.len(),
            "against": options.against,
            "scores": rows.iter().map(as_json).collect::<Vec<_>>(),
        }));
    }
    print(&rows, options)?;
    note!("{}", counted(outputs.hypotheses.len(), "sentences"));
    Ok(())
}

fn corpus(outputs: &Outputs) -> Corpus<'_> {
    Corpus { hypotheses: &outputs.hypotheses, references: &outputs.references }
}

/// METEOR's tables of words, for the words of `systems`.
fn tables<'a>(
    options: &Score,
    preparation: Preparation<'_>,
    systems: impl Iterator<Item = &'a Outputs>,
) -> Result<Tables> {
    let mut tables = Tables::default();
    if let Some(folder) = &options.synonyms {
        let [exceptions, synsets] =
            ["english.exceptions", "english.synsets"].map(|name| files::text(&folder.join(name)));
        let read = tables.with_synonyms(&exceptions?, &synsets?);
        tables = read.with_context(|| format!("{}: not WordNet's synonyms", folder.display()))?;
    }
    if let Some(path) = &options.paraphrases {
        let known = systems.flat_map(|outputs| corpus(outputs).meteor_words(preparation)).collect();
        let read = tables.with_paraphrases(files::open(path)?.lines(), &known);
        tables = read.with_context(|| format!("{}: not a table of paraphrases", path.display()))?;
    }
    Ok(tables)
}

fn print(rows: &[Row], options: &Score) -> Result<()> {
    let mut table = Vec::new();
    if let Some(against) = &options.against {
        let name = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).display().to_string();
        let heads = ["".to_owned(), name(&options.hypotheses), name(against), "difference".to_owned(), "p".to_owned()];
        table.push(heads.to_vec());
    }
    for Row { ours, other } in rows {
        let digits = if ours.perfect > 0.0 && ours.perfect < 100.0 { 4 } else { 2 };
        let shown = |score: f64, comparison: Option<f64>| match comparison {
            Some(half_width) => format!("{score:.digits$} ± {half_width:.digits$}"),
            None => format!("{score:.digits$}"),
        };
        let mut row = vec![ours.name.to_owned()];
        match other {
            None => row.push(shown(ours.score, None)),
            Some((theirs, found)) => row.extend([
                shown(ours.score, Some(found.ours.half_width)),
                shown(theirs.score, Some(found.theirs.half_width)),
                format!("{:+.digits$}", ours.score - theirs.score),
                p(ours, theirs, found).map_or_else(|| "-".to_owned(), |p| format!("{p:.4}")),
            ]),
        }
        table.push(row);
    }
    answer!("{}\n", columns(&table))?;
    let mut signed: Vec<(Vec<&str>, &Scored)> = Vec::new();
    for Row { ours, .. } in rows {
        match signed.iter_mut().find(|(_, known)| known.signature == ours.signature) {
            Some((names, _)) => names.push(ours.name),
            None => signed.push((vec![ours.name], ours)),
        }
    }
    for (names, figure) in signed {
        answer!("{}|{}", names.join(","), figure.signature)?;
        if let Some(details) = &figure.details {
            answer!("  {details}")?;
        }
    }
    Ok(())
}

/// The probability of the difference; none if there is no difference.
fn p(ours: &Scored, theirs: &Scored, found: &Comparison) -> Option<f64> {
    (ours.score != theirs.score).then_some(found.p)
}

fn as_json(Row { ours, other }: &Row) -> Value {
    let mut value = json!({"name": ours.name, "score": ours.score, "signature": ours.signature});
    if let Some(details) = &ours.details {
        value["verbose_score"] = details.as_str().into();
    }
    if let Some((theirs, found)) = other {
        let interval = |of: Interval| json!({"mean": of.mean, "half_width": of.half_width});
        value["interval"] = interval(found.ours);
        value["against"] = json!({
            "score": theirs.score,
            "interval": interval(found.theirs),
            "difference": ours.score - theirs.score,
            "p": p(ours, theirs, found),
        });
    }
    value
}
