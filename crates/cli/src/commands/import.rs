//! `rekindle import`.

use anyhow::Result;
use rekindle_data::{Corpus, Split};
use rekindle_train::run::{RunFolder, RunSettings};
use rekindle_train::tasks::chars::{CharsSettings, ImportOptions, ImportedChars};
use rekindle_weights::Strictness;
use serde_json::json;

use crate::backend;
use crate::commands::train::out_folder;
use crate::options::{Import, ImportTask};

pub fn run(options: &Import) -> Result<()> {
    match options.task {
        ImportTask::Chars => import_chars(options),
    }
}

fn import_chars(options: &Import) -> Result<()> {
    let wanted = ImportOptions {
        cell: options.cell,
        vocabulary: options.vocab.clone(),
        unit: options.units,
        renames: options.key_map.clone(),
        strictness: if options.allow_partial { Strictness::AllowPartial } else { Strictness::Strict },
    };
    let chosen = backend::choose(&options.device)?;
    let mut imported = ImportedChars::open(&options.file, &wanted, &chosen.device)?;
    let text = &mut imported.settings.data;
    if let Some(data) = &options.data {
        text.data.clone_from(data);
    }
    text.train_share = options.train_share.unwrap_or(text.train_share);
    text.validation_share = options.validation_share.unwrap_or(text.validation_share);
    if options.data.is_some() {
        // What `eval` would trip over is said now.
        let corpus = Corpus::open(&text.source()?, text.units)?;
        Split::by_fractions(&corpus, text.split())?;
    }

    let out = out_folder(options.out.as_ref(), CharsSettings::TASK);
    let run = RunFolder::create(&out, &imported.settings, options.force)?;
    imported.save(&run)?;
    let (model, report) = (&imported.settings.model, &imported.report);
    if options.output.json {
        return super::print_json(&json!({
            "run": out,
            "model": model,
            "symbols": imported.vocabulary.len(),
            "applied": report.applied,
            "missing": report.missing,
            "unused": report.unused,
            "wrong_shape": report.wrong_shape.iter().map(|wrong| &wrong.name).collect::<Vec<_>>(),
            "outside": imported.outside,
        }));
    }
    let input = if model.embedding > 0 { format!("embedding {}", model.embedding) } else { "one-hot".to_owned() };
    println!("model        {}, {} x {}, {input}", model.cell, model.layers, model.hidden);
    println!("symbols      {} {}", imported.vocabulary.len(), imported.vocabulary.unit().plural());
    println!("tensors      {report}");
    if imported.outside > 0 {
        println!("beside it    {} tensors that are no part of the model", imported.outside);
    }
    println!("run          {}", out.display());
    eprintln!("let it write with: rekindle sample {}", out.display());
    Ok(())
}
