//! `rekindle completions`, and the manual pages.

use std::fs;
use std::io::{self, Write, stdout};

use anyhow::{Context, Result};

use crate::arguments::{self, Help};
use crate::console::note;
use crate::options::{Completions, Man};

/// Writes completions to standard output.
pub fn write(options: &Completions) -> Result<()> {
    let mut command = arguments::command(Help::Whole);
    let name = command.get_name().to_owned();
    // Into memory first: the generator panics when the reader closes the output.
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, name, &mut script);
    let mut out = stdout().lock();
    Ok(out.write_all(&script).and_then(|()| out.flush())?)
}

/// Writes a manual page for every command and task.
pub fn manual(options: &Man) -> Result<()> {
    let folder = &options.folder;
    let write = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        clap_mangen::generate_to(arguments::command(Help::Whole), folder)
    };
    write().with_context(|| format!("cannot write manual pages to {}", folder.display()))?;
    note!("written: {}", folder.join("rekindle.1").display());
    Ok(())
}
