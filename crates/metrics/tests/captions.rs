//! The COCO evaluation itself made the numbers: `fixtures/make_captions.py`.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rekindle_metrics::captions::{MeteorStatistics, Tables, bleu, cider_d, meteor, rouge_l, words};
use rekindle_metrics::corpus::{Corpus, Metric, Preparation};
use rekindle_metrics::translation::Tokenization;
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    words: Vec<(String, Vec<String>)>,
    images: Vec<Image>,
    bleu: [f64; 4],
    rouge_l: f64,
    cider_d: f64,
    meteor_exact_stem: f64,
    meteor_exact_stem_each: Vec<f64>,
    meteor_full: f64,
}

#[derive(Deserialize)]
struct Image {
    candidate: String,
    references: Vec<String>,
}

/// A caption for each image, and its references.
type Captions = (Vec<Vec<String>>, Vec<Vec<Vec<String>>>);

impl Fixture {
    fn load() -> Self {
        serde_json::from_str(include_str!("fixtures/captions.json")).unwrap()
    }

    fn captions(&self) -> Captions {
        let references = |image: &Image| image.references.iter().map(|reference| words(reference)).collect();
        let candidates = self.images.iter().map(|image| words(&image.candidate)).collect();
        (candidates, self.images.iter().map(references).collect())
    }
}

/// The same sums in another order.
fn near(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-9, "{ours} for {theirs}");
}

#[test]
fn captions_are_cut_as_by_the_treebank_tokenizer() {
    for (caption, wanted) in Fixture::load().words {
        assert_eq!(words(&caption), wanted, "{caption}");
    }
}

#[test]
fn scores_are_those_of_the_coco_evaluation() {
    let fixture = Fixture::load();
    let (candidates, references) = fixture.captions();
    for (ours, theirs) in bleu(&candidates, &references).into_iter().zip(fixture.bleu) {
        near(ours, theirs);
    }
    let images = candidates.len() as f64;
    let rouge: f64 = candidates.iter().zip(&references).map(|(caption, references)| rouge_l(caption, references)).sum();
    near(rouge / images, fixture.rouge_l);
    near(cider_d(&candidates, &references).iter().sum::<f64>() / images, fixture.cider_d);
}

#[test]
fn the_metrics_by_name_are_the_same() {
    let fixture = Fixture::load();
    let hypotheses: Vec<String> = fixture.images.iter().map(|image| image.candidate.clone()).collect();
    let references: Vec<Vec<String>> = fixture.images.iter().map(|image| image.references.clone()).collect();
    let corpus = Corpus { hypotheses: &hypotheses, references: &references };
    let preparation = Preparation { tokenization: Some(Tokenization::Ptb), ..Preparation::default() };
    let figures = Metric::ALL.into_iter().flat_map(|metric| corpus.score(metric, preparation, None));
    let mut wanted =
        vec![("ROUGE-L", fixture.rouge_l), ("CIDEr-D", fixture.cider_d), ("METEOR", fixture.meteor_exact_stem)];
    wanted.extend(["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4"].into_iter().zip(fixture.bleu));
    let mut found = 0;
    for figure in figures {
        assert!(figure.signature.starts_with("nrefs:var|case:"), "{}", figure.signature);
        if let Some((_, score)) = wanted.iter().find(|(name, _)| *name == figure.name) {
            near(figure.score, *score);
            found += 1;
        }
    }
    assert_eq!(found, wanted.len());
}

#[test]
fn meteor_is_that_of_its_authors_program_with_the_same_stages() {
    let fixture = Fixture::load();
    let (candidates, references) = fixture.captions();
    let ours = meteor(&candidates, &references);
    for (i, theirs) in fixture.meteor_exact_stem_each.iter().enumerate() {
        assert!((ours.each[i] - theirs).abs() < 1e-9, "{:?}: {} for {theirs}", candidates[i], ours.each[i]);
    }
    near(ours.corpus, fixture.meteor_exact_stem);
    // What the stages with tables of words add on these captions.
    assert!((fixture.meteor_full - ours.corpus - 0.0117).abs() < 1e-3, "{} for {}", ours.corpus, fixture.meteor_full);
}

#[derive(Deserialize)]
struct MeteorFixture {
    exceptions: String,
    synsets: String,
    paraphrases: String,
    captions: Vec<Image>,
    scores: BTreeMap<String, MeteorScores>,
}

#[derive(Deserialize)]
struct MeteorScores {
    corpus: f64,
    each: Vec<f64>,
}

/// `fixtures/make_meteor.py` made the numbers, with tables of its own.
#[test]
fn meteor_with_tables_is_that_of_its_authors_program() {
    let fixture: MeteorFixture = serde_json::from_str(include_str!("fixtures/meteor.json")).unwrap();
    let hypotheses: Vec<String> = fixture.captions.iter().map(|image| image.candidate.clone()).collect();
    let references: Vec<Vec<String>> = fixture.captions.iter().map(|image| image.references.clone()).collect();
    let corpus = Corpus { hypotheses: &hypotheses, references: &references };
    let preparation = Preparation { tokenization: Some(Tokenization::None), ..Preparation::default() };
    let known = corpus.meteor_words(preparation);
    assert_eq!(fixture.scores.len(), 3);
    for (stages, wanted) in &fixture.scores {
        let mut tables = Tables::default();
        if stages.contains("synonym") {
            tables = tables.with_synonyms(&fixture.exceptions, &fixture.synsets).unwrap();
        }
        if stages.contains("paraphrase") {
            tables =
                tables.with_paraphrases(fixture.paraphrases.lines().map(|line| Ok(line.to_owned())), &known).unwrap();
        }
        assert_eq!(tables.stages(), *stages);
        for ((ours, theirs), score) in hypotheses.iter().zip(&references).zip(&wanted.each) {
            let split = |text: &String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let found =
                MeteorStatistics::of(&split(ours), &theirs.iter().map(split).collect::<Vec<_>>(), &tables).score();
            assert!((found - score).abs() < 1e-9, "{stages}, {ours} for {theirs:?}: {found} for {score}");
        }
        let preparation = Preparation { tables: Some(&tables), ..preparation };
        let figure = corpus.score(Metric::Meteor, preparation, None).remove(0);
        near(figure.score, wanted.corpus);
        assert!(figure.signature.ends_with(&format!("|stages:{stages}")), "{}", figure.signature);
    }
}

proptest! {
    #[test]
    fn any_text_is_cut_into_words_without_white_space(text in "\\PC*|[a-z'.,!?/&-]{0,30}") {
        for word in words(&text) {
            prop_assert!(!word.is_empty() && !word.contains(char::is_whitespace), "{word:?}");
        }
    }

    #[test]
    fn any_two_captions_have_scores_in_range(a in "[abc ]{0,12}", b in "[abc ]{0,12}") {
        let (a, b) = (words(&a), vec![vec![words(&b)]]);
        prop_assert!((0.0..=1.0).contains(&rouge_l(&a, &b[0])));
        let captions = [a];
        prop_assert!(bleu(&captions, &b).iter().all(|score| (0.0..=1.0 + 1e-9).contains(score)));
        prop_assert!(cider_d(&captions, &b).iter().all(|score| (0.0..=10.0 + 1e-9).contains(score)));
    }
}
