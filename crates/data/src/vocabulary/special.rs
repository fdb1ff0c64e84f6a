//! Vocabularies of other programs, whose special tokens have other names and places.

use super::{SENTENCES, WordVocabulary};
use crate::{DataError, ErrorKind};

/// For each token of a vocabulary here, its row in the tables of the other program; none for a special token that the
/// other program does not have.
pub type Rows = Vec<Option<usize>>;

/// Names of each special token, without brackets, in the order of [`SENTENCES`].
const NAMES: [&[&str]; 4] = [
    &["pad", "padding", "blank"],
    &["unk", "unknown", "oov"],
    &["start", "s", "sos", "bos", "go", "cls"],
    &["end", "/s", "eos", "sep", "eot"],
];

/// Which special token a token is. Without brackets it must be in capitals: `SOS`, but not `start`, a word.
fn special(token: &str) -> Option<usize> {
    let bare = token.trim_matches(|c| "<>[]|{}_".contains(c));
    let bracketed = bare.len() + 2 <= token.len();
    let capitals = bare.len() == 3 && bare.chars().all(|c| c.is_ascii_uppercase());
    let lower = bare.to_lowercase();
    let kind = NAMES.iter().position(|names| names.contains(&&lower[..]));
    kind.filter(|_| bracketed || capitals)
}

/// The rows of the special tokens, and the other tokens with theirs.
type Sorted = ([Option<usize>; 4], Vec<(usize, String)>);

fn sorted(tokens: &[String]) -> Result<Sorted, DataError> {
    let mut found: [Option<usize>; 4] = [None; 4];
    let mut words = Vec::with_capacity(tokens.len());
    for (row, token) in tokens.iter().enumerate() {
        match special(token) {
            None => words.push((row, token.clone())),
            Some(kind) => {
                if let Some(other) = found[kind].replace(row) {
                    let message = format!(
                        "not a vocabulary of words: {:?} and {token:?} both are the special token {}",
                        tokens[other], SENTENCES[kind]
                    );
                    return Err(ErrorKind::Format.error(message));
                }
            }
        }
    }
    Ok((found, words))
}

impl WordVocabulary {
    /// The vocabulary of sentences with the tokens of another program, which are in the order of its tables.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for a token that is in it twice, and without a token for the start or the end of a
    /// sentence.
    pub fn of_sentence_tokens(tokens: &[String]) -> Result<(Self, Rows), DataError> {
        let (found, words) = sorted(tokens)?;
        for kind in [Self::START, Self::END].map(|kind| kind as usize) {
            if found[kind].is_none() {
                let names: Vec<_> = NAMES[kind].iter().map(|name| format!("<{name}>")).collect();
                let message = format!("not a vocabulary of sentences: it has no {}", names.join(" or "));
                return Err(ErrorKind::Format.error(message));
            }
        }
        let (rows, words): (Vec<usize>, Vec<String>) = words.into_iter().unzip();
        let rows = found.into_iter().chain(rows.into_iter().map(Some)).collect();
        Ok((Self::with_special(&SENTENCES, words).checked()?, rows))
    }

    /// The vocabulary of texts with the tokens of another program, which are in the order of its tables. Padding has no
    /// place in it, as a model reads none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`] for a token that is in it twice.
    pub(crate) fn of_text_tokens(tokens: &[String]) -> Result<(Self, Rows), DataError> {
        let ([_, unknown, ..], words) = sorted(tokens)?;
        let (rows, words): (Vec<usize>, Vec<String>) = words.into_iter().unzip();
        let rows = [unknown].into_iter().chain(rows.into_iter().map(Some)).collect();
        Ok((Self::of_text_words(words)?, rows))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[rstest]
    #[case::angles("<sos> a <eos> b <unk> <pad>", [Some(5), Some(4), Some(0), Some(2), Some(1), Some(3)])]
    #[case::brackets("[PAD] [UNK] [CLS] [SEP] a b", [Some(0), Some(1), Some(2), Some(3), Some(4), Some(5)])]
    #[case::capitals("SOS EOS a b", [None, None, Some(0), Some(1), Some(2), Some(3)])]
    fn special_tokens_get_their_places(#[case] text: &str, #[case] wanted: [Option<usize>; 6]) {
        let (vocabulary, rows) = WordVocabulary::of_sentence_tokens(&tokens(text)).unwrap();
        assert_eq!(rows, wanted);
        assert_eq!(Vec::from(vocabulary)[4..], ["a", "b"]);
    }

    #[test]
    fn words_that_are_no_special_tokens_stay_words() {
        let (vocabulary, rows) = WordVocabulary::of_text_tokens(&tokens("<pad> start end <unk> s")).unwrap();
        assert_eq!(rows, [Some(3), Some(1), Some(2), Some(4)]);
        assert_eq!(vocabulary.words().map(|(_, word)| word).collect::<Vec<_>>(), ["start", "end", "s"]);
    }

    #[rstest]
    #[case::twice("<s> </s> a a", "twice")]
    #[case::two_starts("<s> <sos> </s> a", "<START>")]
    #[case::no_end("<s> a", "</s>")]
    fn what_is_no_vocabulary_of_sentences_is_refused(#[case] text: &str, #[case] reason: &str) {
        let error = WordVocabulary::of_sentence_tokens(&tokens(text)).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
