//! Captions the images of a folder with a trained run of `caption`, one per line: `file<TAB>probability<TAB>caption`.
//! Files that are not images are reported on standard error and skipped.
//!
//! ```sh
//! rekindle train caption --out runs/shapes
//! cargo run --release -p caption-folder -- runs/shapes pictures > captions.tsv
//! ```
#![forbid(unsafe_code)]

use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use rekindle_train::TrainError;
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::task::Trained;
use rekindle_train::tasks::caption::CaptionTask;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [run, folder] = &arguments[..] else { bail!("usage: caption-folder RUN FOLDER") };
    let trained = Trained::<CaptionTask>::open(&RunFolder::open(run)?, Which::Best, &Device::flex())?;
    let search = trained.settings.search();
    for file in files(folder)? {
        let features = match trained.features(&[&file]) {
            Ok(features) => features,
            Err(error) => {
                eprintln!("{error}");
                continue;
            }
        };
        for captions in trained.captions(features, &search).map_err(TrainError::from)? {
            let Some((text, found)) = captions.first() else { continue };
            writeln!(stdout(), "{}\t{:.3}\t{text}", file.display(), found.log_prob.exp())?;
        }
    }
    Ok(())
}

/// The files of a folder, sorted by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> = paths.into_iter().filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}
