//! Standard output and standard error. A reader who closes one of them, or a full disk behind it, never stops the work with a
//! panic: answers that cannot be written are an error, and notes that cannot be written are left out.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write, stderr, stdout};

use rekindle_train::rekindle_pictures::visible;
use serde::Serialize;

/// Writes a line to standard output.
macro_rules! answer {
    ($($words:tt)*) => { $crate::console::write_line(format_args!($($words)*)) };
}

/// Writes a line to standard error.
macro_rules! note {
    ($($words:tt)*) => { $crate::console::write_note(format_args!($($words)*)) };
}

pub(crate) use {answer, note};

/// See [`answer!`].
///
/// # Errors
///
/// When nobody reads any more, or there is no room.
pub fn write_line(line: impl Display) -> io::Result<()> {
    let mut out = stdout().lock();
    if stdout().is_terminal() { writeln!(out, "{}", visible(&line.to_string())) } else { writeln!(out, "{line}") }?;
    out.flush()
}

/// See [`note!`].
pub fn write_note(note: impl Display) {
    // Who has closed standard error does not want the notes.
    let _ = writeln!(stderr().lock(), "{}", visible(&note.to_string()));
}

/// Writes `value` as JSON to standard output.
///
/// # Errors
///
/// As [`write_line`].
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(write_line(serde_json::to_string_pretty(value)?)?)
}
