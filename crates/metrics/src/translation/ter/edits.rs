//! The edit distance of TER, with its trace.

/// Half the width of the band around the diagonal that is searched.
const BEAM: usize = 25;

/// Farther than any distance.
const FAR: u32 = u32::MAX / 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Keep,
    Replace,
    /// Insert the reference's word.
    Insert,
    /// Delete the hypothesis's word.
    Delete,
}

/// The least number of edits of the first words of both, and the last of them. The last is none where the band has not
/// been.
type Cell = (u32, Option<Edit>);

/// A row of the table of edits: the cells of the band.
#[derive(Clone)]
struct Row {
    /// The column of the first one.
    start: usize,
    cells: Vec<Cell>,
}

impl Row {
    /// The cell of a column.
    fn at(&self, j: usize) -> Cell {
        j.checked_sub(self.start).and_then(|place| self.cells.get(place)).copied().unwrap_or((FAR, None))
    }
}

/// Edit distances to a reference.
pub struct EditDistance<'a> {
    reference: &'a [&'a str],
}

/// The edit distance of a hypothesis.
pub struct Distance<'a> {
    words: Vec<&'a str>,
    /// A row for each number of the hypothesis's words, from 0.
    rows: Vec<Row>,
}

/// An alignment of the two sentences.
pub struct Alignment {
    /// For each word of the reference, the words of the hypothesis up to the one it is aligned with.
    pub end_before: Vec<usize>,
    /// Whether each word of the reference is missing or replaced.
    pub reference_wrong: Vec<bool>,
    /// Whether each word of the hypothesis is deleted or replaced.
    pub hypothesis_wrong: Vec<bool>,
}

impl<'a> EditDistance<'a> {
    pub fn new(reference: &'a [&'a str]) -> Self {
        Self { reference }
    }

    /// The distance of `words`.
    pub fn of<'b>(&self, words: &[&'b str]) -> Distance<'b> {
        let cells = (0..=self.reference.len()).map(|j| (j as u32, Some(Edit::Insert))).collect();
        self.finish(words, vec![Row { start: 0, cells }])
    }

    /// The distance of `words`, which are those of `known` in another order: the rows of equal first words are not
    /// computed again.
    pub fn after<'b>(&self, words: &[&'b str], known: &Distance<'_>) -> Distance<'b> {
        let equal = words.iter().zip(&known.words).take_while(|(a, b)| a == b).count();
        self.finish(words, known.rows[..=equal].to_vec())
    }

    fn finish<'b>(&self, words: &[&'b str], mut rows: Vec<Row>) -> Distance<'b> {
        let (length, all) = (words.len(), self.reference.len());
        let ratio = if length > 0 { all as f64 / length as f64 } else { 1.0 };
        let beam = if (BEAM as f64) < ratio / 2.0 { (ratio / 2.0 + BEAM as f64).ceil() as usize } else { BEAM };
        for i in rows.len()..=length {
            let diagonal = (i as f64 * ratio).floor() as usize;
            let end = if i == length { all + 1 } else { (all + 1).min(diagonal + beam) };
            let start = diagonal.saturating_sub(beam);
            let mut row = Row { start, cells: Vec::with_capacity(end - start) };
            let above = &rows[i - 1];
            for j in start..end {
                if j == 0 {
                    row.cells.push((above.at(0).0 + 1, Some(Edit::Delete)));
                    continue;
                }
                let (cost, kept) =
                    if words[i - 1] == self.reference[j - 1] { (0, Edit::Keep) } else { (1, Edit::Replace) };
                let ways = [
                    (above.at(j - 1).0 + cost, kept),
                    (above.at(j).0 + 1, Edit::Delete),
                    (row.at(j - 1).0 + 1, Edit::Insert),
                ];
                let mut cell = (FAR, None);
                // Of equal ways, the first.
                for (edits, edit) in ways {
                    if edits < cell.0 {
                        cell = (edits, Some(edit));
                    }
                }
                row.cells.push(cell);
            }
            rows.push(row);
        }
        Distance { words: words.to_vec(), rows }
    }
}

impl Distance<'_> {
    /// The number of edits.
    pub fn edits(&self) -> usize {
        self.rows.last().and_then(|row| row.cells.last()).map_or(0, |cell| cell.0 as usize)
    }

    /// Which words belong together, from the trace of the edits.
    pub fn alignment(&self) -> Alignment {
        let (mut i, mut j) = (self.words.len(), self.rows[0].cells.len() - 1);
        let mut alignment =
            Alignment { end_before: vec![0; j], reference_wrong: vec![false; j], hypothesis_wrong: vec![false; i] };
        while i > 0 || j > 0 {
            let Some(edit) = self.rows[i].at(j).1 else { break };
            let wrong = edit != Edit::Keep;
            if edit != Edit::Insert {
                alignment.hypothesis_wrong[i - 1] = wrong;
            }
            if edit != Edit::Delete {
                alignment.end_before[j - 1] = i;
                alignment.reference_wrong[j - 1] = wrong;
            }
            (i, j) = match edit {
                Edit::Keep | Edit::Replace => (i - 1, j - 1),
                Edit::Insert => (i, j - 1),
                Edit::Delete => (i - 1, j),
            };
        }
        alignment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_takes_memory_for_the_band_only() {
        let words: Vec<String> = (0..5000).map(|i| (i % 7).to_string()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let reference = &words[100..];
        let found = EditDistance::new(reference).of(&words);
        let cells: usize = found.rows.iter().map(|row| row.cells.capacity()).sum();
        assert!(cells <= (2 * BEAM + 1) * words.len() + reference.len() + 1, "{cells} cells");
        assert_eq!(found.alignment().end_before.len(), reference.len());
        assert_eq!(found.edits(), EditDistance::new(reference).after(&words, &found).edits());
    }

    #[test]
    fn outside_of_the_band_a_cell_is_far() {
        let row = Row { start: 2, cells: vec![(5, Some(Edit::Keep))] };
        assert_eq!([0, 1, 2, 3].map(|j| row.at(j).0), [FAR, FAR, 5, FAR]);
    }
}
