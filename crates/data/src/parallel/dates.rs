//! Generated dates in words, with a unique answer that is easy to check.

use rand::RngExt;

use crate::batches::epoch_rng;

const MONTHS: [(&str, u32); 12] = [
    ("january", 31),
    ("february", 28),
    ("march", 31),
    ("april", 30),
    ("may", 31),
    ("june", 30),
    ("july", 31),
    ("august", 31),
    ("september", 30),
    ("october", 31),
    ("november", 30),
    ("december", 31),
];

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// Irregular ordinal endings of `one` to `nineteen`; the others append `th`.
const ORDINALS: [(&str, &str); 7] = [
    ("one", "first"),
    ("two", "second"),
    ("three", "third"),
    ("five", "fifth"),
    ("eight", "eighth"),
    ("nine", "ninth"),
    ("twelve", "twelfth"),
];

/// Pairs of a date in words and in ISO format.
pub(super) fn draw(count: usize, seed: u64) -> impl Iterator<Item = (String, String)> {
    let mut rng = epoch_rng(seed, 0);
    (0..count).map(move |_| {
        let year = rng.random_range(1900..2100);
        let month = rng.random_range(0..12_usize);
        let (name, days) = MONTHS[month];
        let day = rng.random_range(1..=days);
        let (day_words, year_words) = (ordinal(day), year_in_words(year));
        let words = match rng.random_range(0..4) {
            0 => format!("the {day_words} of {name} {year_words}"),
            1 => format!("{name} the {day_words} , {year_words}"),
            2 => format!("{name} {day_words} {year_words}"),
            _ => format!("in the year {year_words} , on the {day_words} of {name}"),
        };
        (words, format!("{year:04}-{:02}-{day:02}", month + 1))
    })
}

fn number(n: u32) -> String {
    match (n / 10, n % 10) {
        (0 | 1, _) => SMALL[n as usize].to_owned(),
        (tens, 0) => TENS[tens as usize].to_owned(),
        (tens, ones) => format!("{} {}", TENS[tens as usize], SMALL[ones as usize]),
    }
}

fn ordinal(n: u32) -> String {
    let number = number(n);
    let (front, last) = number.rsplit_once(' ').map_or(("", number.as_str()), |(front, last)| (front, last));
    let irregular = ORDINALS.iter().find(|(word, _)| *word == last).map(|(_, ordinal)| (*ordinal).to_owned());
    let last = irregular.unwrap_or_else(|| match last.strip_suffix('y') {
        Some(stem) => format!("{stem}ieth"),
        None => format!("{last}th"),
    });
    format!("{front} {last}").trim_start().to_owned()
}

/// "nineteen hundred", "nineteen oh five", "two thousand and five", "twenty twelve".
fn year_in_words(year: u32) -> String {
    let (century, rest) = (year / 100, year % 100);
    match (century, rest) {
        (20, 0) => "two thousand".to_owned(),
        (20, 1..=9) => format!("two thousand and {}", number(rest)),
        (_, 0) => format!("{} hundred", number(century)),
        (_, 1..=9) => format!("{} oh {}", number(century), number(rest)),
        _ => format!("{} {}", number(century), number(rest)),
    }
}
