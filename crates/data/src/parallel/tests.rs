use std::fs;
use std::io::Write;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case("A man's 1.5-litre T-shirt, (blue).", "A man's 1.5-litre T-shirt , ( blue ) .")]
#[case("  drei   Männer!!", "drei Männer ! !")]
#[case("1,000.", "1,000 .")]
#[case("e\u{301}té", "e\u{301}té")]
#[case("हिन्दी में बिल्ली।", "हिन्दी में बिल्ली ।")]
#[case("می‌خواهم بروم", "می‌خواهم بروم")]
#[case("שָׁלוֹם עוֹלָם", "שָׁלוֹם עוֹלָם")]
#[case("ที่นี่", "ที่นี่")]
#[case(" \t", "")]
fn a_sentence_is_cut_into_words(#[case] sentence: &str, #[case] words: &str) {
    assert_eq!(SentenceUnit::Word.tokens(sentence, false).join(" "), words);
}

#[test]
fn words_are_put_together_as_one_writes_them() {
    let text = "a man (in blue), at 1.5 metres.";
    let tokens = SentenceUnit::Word.tokens(text, false);
    assert_eq!(SentenceUnit::Word.sentence(&tokens), text);
    assert_eq!(SentenceUnit::Char.sentence(&SentenceUnit::Char.tokens("1999-03-03", false)), "1999-03-03");
}

#[test]
fn files_are_read_plain_and_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let [plain, packed] = ["a.de", "a.en.gz"].map(|name| folder.path().join(name));
    fs::write(&plain, "\u{FEFF}ein Hund\r\n\nzwei\n").unwrap();
    let mut gzip = flate2::write::GzEncoder::new(fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    gzip.write_all(b"a dog\nnothing\ntwo").unwrap();
    gzip.finish().unwrap();
    let mut pairs = Pairs::read_files(&plain, &packed).unwrap();
    assert_eq!(pairs.sources, ["ein Hund", "", "zwei"]);
    assert_eq!(pairs.targets, ["a dog", "nothing", "two"]);
    assert_eq!(pairs.drop_empty(), 1);
    assert_eq!(pairs.targets, ["a dog", "two"]);
    assert_eq!(pairs.split_off_last(1).sources, ["zwei"]);
    // A gzip file that ends too early.
    let whole = fs::read(&packed).unwrap();
    fs::write(&packed, &whole[..whole.len() - 9]).unwrap();
    let error = Pairs::read_files(&plain, &packed).unwrap_err().to_string();
    assert!(error.contains("a.en.gz"), "{error}");
}

#[test]
fn files_of_different_lengths_are_named_with_both_counts() {
    let folder = tempfile::tempdir().unwrap();
    let [source, target] = ["a.de", "a.en"].map(|name| folder.path().join(name));
    fs::write(&source, "eins\nzwei\n").unwrap();
    fs::write(&target, "one\n").unwrap();
    let error = Pairs::read_files(&source, &target).unwrap_err().to_string();
    assert!(error.contains("a.de has 2 lines") && error.contains("a.en has 1"), "{error}");
}

#[test]
fn bad_bytes_and_missing_columns_are_named_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tsv");
    fs::write(&path, b"go\tgeh\nstop\xFF\thalt\n").unwrap();
    let error = Pairs::read_table(&path, 1, 2).unwrap_err().to_string();
    assert!(error.contains("a.tsv, line 2") && error.contains("0xff"), "{error}");
    fs::write(&path, "1\tgo\t2\tgeh\n\n3\tstop\n").unwrap();
    let error = Pairs::read_table(&path, 2, 4).unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("2 columns") && error.contains("column 4"), "{error}");
    assert!(Pairs::read_table(&path, 0, 1).is_err());
    assert_eq!(Pairs::read_table(&path, 1, 2).unwrap().targets, ["go", "stop"]);
}

#[test]
fn a_table_without_tabs_is_told_of_them_and_a_file_of_a_language_of_its_stem() {
    let folder = tempfile::tempdir().unwrap();
    let source = PairSource {
        data: String::new(),
        languages: ["de".to_owned(), "en".to_owned()],
        columns: [1, 2],
        validation_share: 0.0,
    };
    let error = |name: &str| {
        let path = folder.path().join(name);
        fs::write(&path, "ein Hund,a dog\n").unwrap();
        source.whole(path.to_str().unwrap()).unwrap_err().to_string()
    };
    let of_table = error("a.csv");
    assert!(of_table.ends_with("line 1: want column 2 of 1 column; columns are separated by tabs"), "{of_table}");
    let stem = folder.path().join("train");
    for name in ["train.de", "train.en.gz"] {
        let error = error(name);
        assert!(error.contains("by tabs; two files") && error.ends_with(&*stem.display().to_string()), "{error}");
    }
}

#[test]
fn lines_of_an_old_mac_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tsv");
    fs::write(&path, "go\tgeh\rstop\thalt\r").unwrap();
    assert_eq!(Pairs::read_table(&path, 1, 2).unwrap().targets, ["geh", "halt"]);
    // Among other line ends a carriage return is a character.
    fs::write(&path, "go\tgeh\ron\n").unwrap();
    assert_eq!(Pairs::read_table(&path, 1, 2).unwrap().targets, ["geh\ron"]);
}

#[test]
fn splits_are_found_or_held_out() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let source = |data: &str| PairSource {
        data: folder.path().join(data).to_str().unwrap().to_owned(),
        languages: ["de".to_owned(), "en".to_owned()],
        columns: [2, 1],
        validation_share: 0.5,
    };
    let error = source(".").training().unwrap_err().to_string();
    assert!(error.contains("train.de"), "{error}");
    write("train.cs", "");
    write("train.fr.gz", "");
    let error = source(".").training().unwrap_err().to_string();
    assert!(error.contains("train.de: no such file; there are the languages cs, fr: choose"), "{error}");
    write("train.de", "eins\nzwei\n");
    write("train.en", "one\ntwo\n");
    write("table", "one\teins\ntwo\tzwei\nthree\tdrei\n");
    for (data, sizes) in [(".", [1, 1]), ("train", [1, 1]), ("table", [2, 1])] {
        let [train, validation] = source(data).training().unwrap();
        assert_eq!((&train.sources[0][..], [train.len(), validation.len()]), ("eins", sizes), "{data}");
        assert_eq!(source(data).test().unwrap(), None, "{data}");
    }
    for name in ["dev.de", "dev.en", "test.de", "test.en"] {
        write(name, "3\n");
    }
    assert_eq!(source(".").training().unwrap().map(|pairs| pairs.len()), [2, 1]);
    assert_eq!(source(".").test().unwrap().unwrap().sources, ["3"]);
    assert_eq!(source(".").whole(source("train").data.as_str()).unwrap().targets, ["one", "two"]);
}

#[test]
fn dates_are_right_and_the_same_for_a_seed() {
    let dates = Pairs::dates(2000, 3);
    assert_eq!(dates, Pairs::dates(2000, 3));
    assert_ne!(dates, Pairs::dates(2000, 4));
    for (words, iso) in dates.sources.iter().zip(&dates.targets) {
        if words.contains("twenty first of december") && words.contains("nineteen oh five") {
            assert_eq!(iso, "1905-12-21");
        }
        assert_eq!(iso.len(), 10, "{words}: {iso}");
    }
    for word in ["twentieth", "third", "twelfth", "thirtieth", "two thousand and", "hundred", "nineteen ninety"] {
        assert!(dates.sources.iter().any(|source| source.contains(word)), "{word}");
    }
}

#[test]
fn a_vocabulary_has_the_frequent_words_and_says_what_it_covers() {
    let sentences = [vec!["b", "a", "b"], vec!["c", "a", "<END>"]].map(|s| s.into_iter().map(str::to_owned).collect());
    let vocabulary = WordVocabulary::new(&sentences, 2, None);
    assert_eq!((vocabulary.len(), vocabulary.is_empty()), (6, false));
    assert_eq!(vocabulary.encode(&sentences[1]), [WordVocabulary::UNKNOWN, 4, WordVocabulary::END]);
    assert_eq!(vocabulary.decode(&[4, 5, 99]), ["a", "b", "<UNK>"]);
    assert_eq!(vocabulary.coverage(&sentences[..1]), 1.0);
    let json = serde_json::to_string(&vocabulary).unwrap();
    assert_eq!(serde_json::from_str::<WordVocabulary>(&json).unwrap(), vocabulary);
    for broken in [r#"["a"]"#, r#"["<PAD>","<UNK>","<START>","<END>","a","a"]"#] {
        assert!(serde_json::from_str::<WordVocabulary>(broken).is_err(), "{broken}");
    }
}

proptest! {
    #[test]
    fn every_pair_is_in_one_batch_of_an_epoch(
        lengths in prop::collection::vec([1_usize..30, 1_usize..30], 0..200),
        limit in 1_usize..100, tokens: bool, epoch: u64,
    ) {
        let size = if tokens { BatchSize::Tokens(limit) } else { BatchSize::Sentences(limit) };
        let buckets = Buckets::sorted(&lengths, size, 5);
        let batches = buckets.epoch(epoch);
        prop_assert_eq!(batches.len(), buckets.len());
        prop_assert_eq!(&batches, &Buckets::sorted(&lengths, size, 5).epoch(epoch));
        for batch in &batches {
            let longest = batch.iter().flat_map(|&pair| lengths[pair]).max().unwrap();
            match size {
                BatchSize::Sentences(limit) => prop_assert!(batch.len() <= limit),
                BatchSize::Tokens(limit) => prop_assert!(batch.len() == 1 || batch.len() * longest <= limit),
            }
        }
        let mut pairs: Vec<usize> = batches.into_iter().flatten().collect();
        pairs.sort_unstable();
        prop_assert_eq!(pairs, (0..lengths.len()).collect::<Vec<_>>());
    }

    #[test]
    fn any_text_is_cut_into_words_without_white_space(text: String) {
        let words = SentenceUnit::Word.tokens(&text, true);
        prop_assert!(words.iter().all(|word| !word.is_empty() && !word.contains(char::is_whitespace)));
    }
}
