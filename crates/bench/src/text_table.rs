//! Text tables.

use std::io::{self, Write};

/// Writes rows with headings. The first column is aligned left, all others right.
pub(crate) fn write(out: &mut impl Write, headings: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
    let mut lines = rows;
    lines.insert(0, headings.iter().map(|&heading| heading.to_owned()).collect());
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..headings.len()).map(width).collect();
    for line in &lines {
        write!(out, "{:<1$}", line[0], widths[0])?;
        for (cell, &width) in line.iter().zip(&widths).skip(1) {
            write!(out, "  {cell:>width$}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A cell; a dash for a missing figure.
pub(crate) fn cell(figure: Option<impl ToString>) -> String {
    figure.map_or("-".to_owned(), |figure| figure.to_string())
}

#[cfg(test)]
mod tests;
