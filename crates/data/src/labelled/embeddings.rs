//! Pretrained word vectors in GloVe's text format: a word and its numbers per line.

use std::path::Path;

use super::TextVocabulary;
use crate::{DataError, ErrorKind, counted, files};

/// Vectors for words of a vocabulary. Pennington, Socher and Manning 2014, "GloVe: Global Vectors for Word
/// Representation".
#[derive(Clone, Debug, PartialEq)]
pub struct WordVectors {
    /// Size of a vector.
    pub width: usize,
    /// The vectors found, by word id.
    pub vectors: Vec<(u32, Vec<f32>)>,
}

impl WordVectors {
    /// Reads the vectors of the words in `vocabulary`, line by line: the file may be larger than memory. The first
    /// vector of a word is used. A first line of two numbers, as in word2vec's format, is skipped.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, vectors are missing or differ in size, or no word is in the vocabulary.
    pub fn read(path: &Path, vocabulary: &TextVocabulary) -> Result<Self, DataError> {
        let mut reader = files::open(path)?;
        let (mut width, mut line, mut number) = (None, Vec::new(), 0);
        let mut vectors: Vec<Option<Vec<f32>>> = vec![None; vocabulary.len()];
        loop {
            line.clear();
            number += 1;
            if reader.read_until(b'\n', &mut line).map_err(|e| DataError::read(path, e))? == 0 {
                break;
            }
            let wrong = |reason: String| ErrorKind::Format.error(reason).within(path).line(number);
            // Some words of public files are not UTF-8; no text contains them.
            let text = String::from_utf8_lossy(&line);
            let fields: Vec<&str> = text.trim_end().split(' ').collect();
            if number == 1 && fields.len() == 2 && fields.iter().all(|field| field.parse::<u64>().is_ok()) {
                continue;
            }
            let width = *width.get_or_insert(fields.len() - 1);
            if width == 0 || fields.len() <= width {
                return Err(wrong(format!(
                    "{}, and {} are wanted",
                    counted(fields.len() - 1, "numbers"),
                    width.max(1)
                )));
            }
            // A word may contain spaces: the numbers are the last fields.
            let (word, numbers) = fields.split_at(fields.len() - width);
            let Some(id) = vocabulary.id(&word.join(" ")) else { continue };
            let vector = numbers.iter().map(|number| match number.parse::<f32>() {
                Ok(value) if value.is_finite() => Ok(value),
                _ => Err(wrong(format!("`{number}` is not a finite number"))),
            });
            let vector = vector.collect::<Result<Vec<f32>, _>>()?;
            vectors[id as usize].get_or_insert(vector);
        }
        let vectors = (0..).zip(vectors).filter_map(|(id, vector)| Some((id, vector?))).collect::<Vec<_>>();
        match width {
            Some(width) if !vectors.is_empty() => Ok(Self { width, vectors }),
            _ => {
                let reason = "no word of the texts has a vector in this file";
                Err(ErrorKind::Mismatch.error(reason).within(path).line(number))
            }
        }
    }
}
