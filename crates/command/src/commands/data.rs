//! `rekindle data`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use rekindle_data::builtin::{self, BuiltinSet};
use rekindle_data::catalogue::{Catalogue, Entry};
use rekindle_data::download::{Downloader, Outcome};

use crate::console::{self, answer, note};
use crate::options::Data;

pub fn run(data: Data) -> Result<()> {
    let catalogue = Catalogue::embedded();
    match data {
        Data::List(output) => list(&catalogue, output.json),
        Data::Show { name, output } => match &builtin(&name)[..] {
            [] => {
                let entry = catalogue.find(&name)?;
                if output.json { console::json(entry) } else { show(entry) }
            }
            sets if output.json => console::json(&sets),
            sets => sets.iter().try_for_each(show_builtin),
        },
        Data::Get { name, out, mirror } => match &builtin(&name)[..] {
            [] => get(catalogue.find(&name)?, &out, mirror.as_deref()),
            sets => {
                let usages: Vec<String> = sets.iter().map(usage).collect();
                bail!("{name} is built in, and not downloaded: {}", usages.join(", or "))
            }
        },
    }
}

fn list(catalogue: &Catalogue, json: bool) -> Result<()> {
    let sets = builtin::sets();
    if json {
        let entries = catalogue.entries.iter().map(serde_json::to_value);
        let all: Vec<_> = entries.chain(sets.iter().map(serde_json::to_value)).collect::<Result<_, _>>()?;
        return console::json(&all);
    }
    let downloads =
        catalogue.entries.iter().map(|entry| (&entry.name, &entry.task[..], size(entry), &entry.description[..]));
    let sets = sets.iter().map(|set| (&set.name, set.task, "built in".to_owned(), set.description));
    for (name, task, size, description) in downloads.chain(sets) {
        answer!("{name:<23} {task:<10} {size:>12}  {description}")?;
    }
    Ok(())
}

/// The built-in sets of this name: several tasks may have one each.
fn builtin(name: &str) -> Vec<BuiltinSet> {
    builtin::sets().into_iter().filter(|set| set.name == name).collect()
}

/// How a built-in set is used.
fn usage(set: &BuiltinSet) -> String {
    format!("rekindle train {} --data {}", set.task, set.name)
}

fn show_builtin(set: &BuiltinSet) -> Result<()> {
    answer!("name         {}", set.name)?;
    answer!("task         {}", set.task)?;
    answer!("what         {}", set.description)?;
    answer!("source       built in: this program has or makes it, and nothing is downloaded")?;
    answer!("usage        {}", usage(set))?;
    Ok(())
}

fn size(entry: &Entry) -> String {
    HumanBytes(entry.bytes()).to_string()
}

fn show(entry: &Entry) -> Result<()> {
    answer!("name         {}", entry.name)?;
    answer!("task         {}", entry.task)?;
    answer!("what         {}", entry.description)?;
    answer!("licence      {}", entry.licence)?;
    answer!("source       {}", entry.source)?;
    answer!("size         {}", size(entry))?;
    for file in &entry.files {
        answer!(
            "file         {} ({} bytes)\n             {}\n             sha256 {}",
            file.path,
            file.bytes,
            file.url,
            file.sha256
        )?;
    }
    Ok(())
}

fn get(entry: &Entry, folder: &Path, mirror: Option<&str>) -> Result<()> {
    let downloader = Downloader::new(mirror);
    for file in &entry.files {
        let bar = if console::draws_progress() {
            let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {wide_msg}")
                .expect("a constant template");
            ProgressBar::new(file.bytes).with_style(style).with_message(file.path.clone())
        } else {
            ProgressBar::hidden()
        };
        let outcome = downloader
            .get(entry, file, folder, &mut |bytes| bar.set_position(bytes))
            .with_context(|| format!("cannot get {}", entry.name))?;
        bar.finish_and_clear();
        let path = entry.local_path(file, folder);
        match outcome {
            Outcome::AlreadyThere => note!("{} is there already", path.display()),
            Outcome::Downloaded { .. } => note!("{}: {} bytes, verified", path.display(), file.bytes),
        }
        answer!("{}", path.display())?;
    }
    Ok(())
}
