use rekindle_data::Unit;
use rekindle_models::char_lm::CharLmSettings;
use rekindle_testing::cpus;
use rstest::rstest;

use super::*;

/// A text of `symbols` symbols and a model of it.
fn text(symbols: usize, device: &Device) -> (Corpus, Vocabulary, CharLm) {
    let text: String = (0..symbols).map(|i| char::from(b'a' + (i * i % 7) as u8)).collect();
    let corpus = Corpus::from_text("text", text.as_str(), Unit::Char).unwrap();
    let vocabulary = Vocabulary::from_text(&text, Unit::Char).unwrap();
    let mut settings = CharLmSettings { embedding: 4, ..CharLmSettings::default() };
    settings.recurrent.hidden = 8;
    let model = settings.init_with(vocabulary.len(), &mut seeded(1), device);
    (corpus, vocabulary, model)
}

/// Symbol by symbol, a passage at a time.
fn by_hand(corpus: &Corpus, vocabulary: &Vocabulary, model: &CharLm, range: Range<usize>, device: &Device) -> f64 {
    let symbols = corpus.ids(vocabulary, range).unwrap();
    let mut losses = Vec::new();
    for passage in symbols[..symbols.len() - 1].chunks(PASSAGE).enumerate() {
        let (start, mut state) = (passage.0 * PASSAGE, None);
        for at in start..start + passage.1.len() {
            let batch = StreamBatch { inputs: vec![symbols[at]], targets: vec![symbols[at + 1]] };
            let [input, target] = tensors(batch, 1, device);
            let (loss, after) = model.loss(input, target, state);
            losses.push(f64::from(numbers(loss).unwrap()[0]));
            state = Some(after);
        }
    }
    losses.iter().sum::<f64>() / losses.len() as f64
}

#[rstest]
#[case::one_pair(0..2)]
#[case::less_than_a_passage(3..100)]
#[case::a_passage(0..PASSAGE + 1)]
#[case::with_a_tail(5..5 + 2 * PASSAGE + 18)]
fn every_prediction_counts_once_whatever_the_batch(#[case] range: Range<usize>) {
    for device in cpus() {
        let (corpus, vocabulary, model) = text(3 * PASSAGE, &device);
        let wanted = by_hand(&corpus, &vocabulary, &model, range.clone(), &device);
        let passages = Passages::whole(&corpus, &vocabulary, range.clone()).unwrap().unwrap();
        assert_eq!(passages.predicted(), range.len() - 1);
        for sizes in [[1, 50], [2, 4000], [7, 33], [100, 1]] {
            let loss = passages.evaluate(&[&model], sizes, &device).unwrap().loss.value;
            // Thousands of steps, in another order of sums: 3.7e-6 has been seen.
            assert!((loss - wanted).abs() < 1e-5, "{sizes:?}: {loss}, not {wanted}");
        }
    }
}

#[test]
fn a_text_without_a_pair_has_no_passage_and_a_short_one_no_window() {
    let text: String = ('a'..='z').chain('A'..='Z').collect();
    let corpus = Corpus::from_text("text", text.as_str(), Unit::Char).unwrap();
    let vocabulary = Vocabulary::from_text(&text, Unit::Char).unwrap();
    assert!(Passages::whole(&corpus, &vocabulary, 7..8).unwrap().is_none());
    assert!(Passages::windows(&corpus, &vocabulary, 0..10, 10, 1).unwrap().is_none());
    let windows = Passages::windows(&corpus, &vocabulary, 0..20, 10, 4).unwrap().unwrap();
    assert_eq!((windows.count, windows.predicted()), (3, 30));
}
