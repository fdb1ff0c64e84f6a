//! Standard output and standard error. A closed pipe or a full disk never causes a panic: an answer that cannot be
//! written is an error, and notes that cannot be written are dropped.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use rekindle_train::rekindle_pictures::visible;
use serde::Serialize;

use crate::ranks;

/// Writes a line to standard output.
macro_rules! answer {
    ($($words:tt)*) => { $crate::console::write_line(format_args!($($words)*)) };
}

/// Writes a line to standard error, unless the user wants quiet.
macro_rules! note {
    ($($words:tt)*) => { $crate::console::write_note(format_args!($($words)*)) };
}

/// Writes a warning or an error to standard error.
macro_rules! alert {
    ($($words:tt)*) => { $crate::console::write_alert(format_args!($($words)*)) };
}

pub(crate) use {alert, answer, note};

/// Whether `--quiet` was given.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Drops all notes from now on.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether notes are dropped.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Whether progress is drawn: on a terminal, unless the user wants quiet.
pub fn draws_progress() -> bool {
    stderr().is_terminal() && !is_quiet()
}

/// See [`answer!`].
///
/// # Errors
///
/// When the reader has closed the output, or the disk is full.
pub fn write_line(line: impl Display) -> io::Result<()> {
    if !ranks::is_first() {
        return Ok(());
    }
    let mut out = stdout().lock();
    if stdout().is_terminal() { writeln!(out, "{}", visible(&line.to_string())) } else { writeln!(out, "{line}") }?;
    out.flush()
}

/// See [`note!`].
pub fn write_note(note: impl Display) {
    if !is_quiet() {
        write_alert(note);
    }
}

/// See [`alert!`].
pub fn write_alert(words: impl Display) {
    // Of several processes the first one speaks.
    if !ranks::is_first() {
        return;
    }
    // If the reader has closed standard error, they are dropped.
    let _ = writeln!(stderr().lock(), "{}", visible(&words.to_string()));
}

/// Writes `value` as JSON to standard output.
///
/// # Errors
///
/// As [`write_line`].
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(write_line(serde_json::to_string_pretty(value)?)?)
}
