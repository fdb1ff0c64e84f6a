//! `rekindle eval` on a run of `sentiment`.

use anyhow::{Result, bail};
use rekindle_data::labelled::LabelledSource;
use rekindle_train::run::RunFolder;
use rekindle_train::tasks::sentiment;
use serde_json::json;

use crate::commands::{open_sentiment, print_json};
use crate::options::{Eval, Part};

pub fn eval(run: &RunFolder, options: &Eval) -> Result<()> {
    let (trained, chosen) = open_sentiment(run, options.checkpoint, &options.device)?;
    let settings = &trained.settings.data;
    let texts = match &options.data {
        Some(data) => {
            let mut reader = settings.reader();
            let given = &options.sentiment;
            reader.encoding = given.encoding.unwrap_or(reader.encoding);
            reader.text_column = given.text_column.clone().or(reader.text_column);
            reader.label_column = given.label_column.clone().or(reader.label_column);
            LabelledSource::parse(data)?.read(&reader)?
        }
        None => {
            let [train, validation] = settings.texts()?;
            match options.part {
                Part::Train => train,
                Part::Validation => validation,
                Part::Test => bail!("a run of `sentiment` holds out no test part: judge on other texts with --data"),
            }
        }
    };
    let empty = texts.empty();
    if empty > 0 {
        eprintln!("warning: {empty} texts have no word; they are read as one unknown word");
    }
    let encoded = trained.vocabulary.encode_all(&texts, settings.max_length)?;
    let batch_size = options.batch_size.unwrap_or(settings.batch_size);
    let (loss, matrix) = sentiment::evaluate(&trained.model, &encoded, batch_size, &chosen.device)?;
    let classes = trained.vocabulary.classes();
    if options.output.json {
        return print_json(&json!({
            "texts": texts.name,
            "checkpoint_step": trained.progress.step,
            "count": matrix.total(),
            "unknown_words": encoded.unknown_share,
            "loss_nats": loss,
            "accuracy": matrix.accuracy(),
            "macro_f1": matrix.macro_f1(),
            "classes": super::classes_as_json(&matrix, classes),
            "confusion": (0..matrix.classes()).map(|class| matrix.row(class)).collect::<Vec<_>>(),
        }));
    }
    println!("texts        {}, {} of them", texts.name, matrix.total());
    println!("checkpoint   step {}", trained.progress.step);
    println!("unknown      {:.1} % of the words", 100.0 * encoded.unknown_share);
    println!("loss         {loss:.4} nats");
    println!("accuracy     {:.4}", matrix.accuracy());
    println!("macro F1     {:.4}", matrix.macro_f1());
    super::print_classes(&matrix, classes, "texts");
    Ok(())
}
