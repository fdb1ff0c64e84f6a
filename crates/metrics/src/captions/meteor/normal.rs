//! METEOR's own normalisation of words.

/// Splits words further: at hyphens, before apostrophes and around other signs; acronyms lose their stops.
pub fn normalized(words: &[String]) -> Vec<String> {
    let mut normal = Vec::with_capacity(words.len());
    for (i, word) in words.iter().enumerate() {
        let goes_on = words.get(i + 1).is_some_and(|next| next.starts_with(char::is_lowercase));
        match word.strip_suffix('.') {
            Some(letters) if letters.contains('.') && letters.contains(char::is_alphabetic) => {
                normal.push(letters.replace('.', ""));
            }
            // The end of a sentence, unless a lower-case word follows.
            Some(stem) if !stem.is_empty() && !goes_on => {
                cut(stem, &mut normal);
                normal.push(".".into());
            }
            _ => cut(word, &mut normal),
        }
    }
    normal
}

/// Splits a word at its signs.
fn cut(word: &str, into: &mut Vec<String>) {
    let signs: Vec<char> = word.chars().collect();
    let mut piece = String::new();
    let mut finish = |piece: &mut String| {
        if !piece.is_empty() {
            into.push(std::mem::take(piece));
        }
    };
    for (i, &sign) in signs.iter().enumerate() {
        let before = i.checked_sub(1).map_or(' ', |i| signs[i]);
        let after = signs.get(i + 1).copied().unwrap_or(' ');
        match sign {
            '-' if before.is_alphanumeric() && after.is_alphanumeric() => finish(&mut piece),
            '\'' if before.is_alphabetic() && after.is_alphabetic() || before.is_numeric() && after == 's' => {
                finish(&mut piece);
                piece.push(sign);
            }
            _ if sign.is_alphanumeric() || matches!(sign, '-' | '.' | ',') => piece.push(sign),
            _ => {
                finish(&mut piece);
                piece.push(sign);
                finish(&mut piece);
            }
        }
    }
    finish(&mut piece);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What METEOR's own normaliser makes of the same words.
    #[test]
    fn words_are_cut_as_by_meteor() {
        for (words, wanted) in [
            ("the man 's t-shirt", "the man ' s t shirt"),
            ("do n't stop", "do n 't stop"),
            ("a -lrb- 6,200 miles -rrb- x", "a -lrb- 6,200 miles -rrb- x"),
            ("2-3 goals b- -c d", "2 3 goals b- -c d"),
            ("'70s rock 'n' roll", "' 70s rock ' n ' roll"),
            ("o'brien dr. smith j. 3 st.", "o 'brien dr. smith j . 3 st ."),
            ("$ 5.50 1/2 11:27 100 % me@home !!", "$ 5.50 1 / 2 11 : 27 100 % me @ home ! !"),
            ("1980's dogs' toy", "1980 's dogs ' toy"),
            ("the u.s. team", "the us team"),
        ] {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            assert_eq!(normalized(&words).join(" "), wanted);
        }
    }
}
