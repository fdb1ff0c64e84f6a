//! The figures of captions.

use std::ops::Range;

use burn::tensor::Tensor;
use rekindle_data::captions::{CaptionedImage, Pictures, shapes};
use rekindle_data::parallel::WordVocabulary;
use rekindle_metrics::captions::{bleu, cider_d, meteor, rouge_l, words};
use rekindle_metrics::language::perplexity;
use rekindle_models::captioner::Captioner;
use rekindle_models::decode::Search;

use super::NEVER;
use crate::error::TrainError;
use crate::task::{Evaluation, objective};

/// What a model has written about a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The picture's number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The caption.
    pub caption: String,
    /// What it was ranked by.
    pub score: f64,
}

/// Captions to be judged, and how they are written.
pub(super) struct Judge<'a> {
    pub model: &'a Captioner,
    pub vocabulary: &'a WordVocabulary,
    pub pictures: &'a Pictures,
    pub images: &'a [CaptionedImage],
    pub search: Search,
    pub batch_size: usize,
    /// The longest caption in training: given ones are cut there before their loss is computed.
    pub longest: usize,
}

impl Judge<'_> {
    /// The figures of free writing, in the order of the COCO evaluation, and the loss of the given captions. `seen` gives
    /// what is seen of some of the pictures, `[B, P, F]`.
    pub fn judge(
        &self,
        mut seen: impl FnMut(Range<usize>) -> Result<Tensor<3>, TrainError>,
    ) -> Result<(Evaluation, Vec<Written>), TrainError> {
        let Self { model, vocabulary, images, .. } = *self;
        let (mut nats, mut symbols, mut correct) = (0.0, 0, 0);
        let mut written = Vec::with_capacity(images.len());
        let mut on_shapes = OnShapes::default();
        let mut begin = 0;
        while begin < images.len() {
            let range = begin..(begin + self.batch_size.max(1)).min(images.len());
            begin = range.end;
            let part = &images[range.clone()];
            let seen = seen(range)?;
            let numbers: Vec<Vec<Vec<u32>>> = part.iter().map(|image| self.numbers(image)).collect();
            let numbers: Vec<Vec<&[u32]>> =
                numbers.iter().map(|captions| captions.iter().map(Vec::as_slice).collect()).collect();
            let foreseen = model.score(seen.clone(), &numbers)?;
            nats -= foreseen.log_prob;
            symbols += foreseen.symbols;
            correct += foreseen.correct;
            for (index, (image, mut found)) in
                part.iter().zip(model.write(seen.clone(), &NEVER, &self.search)?).enumerate()
            {
                let best = found.swap_remove(0);
                let caption = vocabulary.decode(&best.symbols).join(" ");
                if *self.pictures == Pictures::Shapes && image.captions.contains(&caption) {
                    let looks = model.looks(seen.clone().narrow(0, index, 1), &best.symbols)?;
                    on_shapes.add(image.id, &caption, looks.as_deref());
                }
                written.push(Written { id: image.id, name: image.name.clone(), caption, score: best.score });
            }
        }
        let loss = nats / symbols.max(1) as f64;
        let mut figures =
            vec![("perplexity", perplexity(loss)), ("token_accuracy", correct as f64 / symbols.max(1) as f64)];
        let cider = self.figures(&written, &mut figures);
        figures.extend(on_shapes.share().map(|share| ("attention_on_shape", share)));
        // CIDEr is at most 10. It is 0 for all where every word is in every caption.
        let objective = objective(10.0 - cider, loss);
        Ok((Evaluation { loss, figures, objective, pictures: Vec::new() }, written))
    }

    /// Adds the figures of what was written; returns CIDEr-D.
    fn figures(&self, written: &[Written], figures: &mut Vec<(&'static str, f64)>) -> f64 {
        let candidates: Vec<Vec<String>> = written.iter().map(|written| words(&written.caption)).collect();
        let references: Vec<Vec<Vec<String>>> =
            self.images.iter().map(|image| image.captions.iter().map(|caption| words(caption)).collect()).collect();
        let mean = |scores: Vec<f64>| scores.iter().sum::<f64>() / scores.len().max(1) as f64;
        let names = ["bleu_1", "bleu_2", "bleu_3", "bleu_4"];
        figures.extend(names.into_iter().zip(bleu(&candidates, &references)));
        figures.push(("meteor", meteor(&candidates, &references).corpus));
        let pairs = candidates.iter().zip(&references);
        figures.push(("rouge_l", mean(pairs.clone().map(|(ours, theirs)| rouge_l(ours, theirs)).collect())));
        let cider = mean(cider_d(&candidates, &references));
        figures.push(("cider", cider));
        figures.push(("exact", mean(pairs.map(|(ours, theirs)| f64::from(u8::from(theirs.contains(ours)))).collect())));
        cider
    }

    fn numbers(&self, image: &CaptionedImage) -> Vec<Vec<u32>> {
        let numbers = |caption: &String| {
            let mut numbers = self.vocabulary.encode(&words(caption));
            numbers.truncate(self.longest);
            numbers
        };
        image.captions.iter().map(numbers).collect()
    }
}

/// How much of the attention lies on a generated shape while it is named.
#[derive(Default)]
struct OnShapes {
    share: f64,
    words: u64,
}

impl OnShapes {
    /// Takes in a caption that is right, with the attention of its words.
    fn add(&mut self, id: u64, caption: &str, looks: Option<&[Vec<f32>]>) {
        let Some(looks) = looks else { return };
        let words: Vec<&str> = caption.split(' ').collect();
        let mut from = 0;
        for shape in shapes::shapes(id) {
            let name = shape.name();
            let Some(at) = words[from..].windows(2).position(|pair| pair == name) else { return };
            from += at + 2;
            for look in &looks[from - 2..from] {
                self.share += f64::from(on_place(look, shape.place));
                self.words += 1;
            }
        }
    }

    fn share(&self) -> Option<f64> {
        (self.words > 0).then(|| self.share / self.words as f64)
    }
}

/// The part of the attention that lies on a place of the grid. A place of the map belongs to where its middle is.
fn on_place(look: &[f32], place: usize) -> f32 {
    let side = look.len().isqrt();
    let cell = |at: usize| (2 * at + 1) * shapes::GRID / (2 * side);
    let inside = |index: &usize| cell(index / side) * shapes::GRID + cell(index % side) == place;
    (0..look.len()).filter(inside).map(|index| look[index]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attention_is_counted_where_the_shape_is() {
        let mut look = vec![0.0; 36];
        (look[0], look[7], look[2], look[35]) = (0.25, 0.25, 0.25, 0.25);
        assert_eq!([0, 1, 8, 4].map(|place| on_place(&look, place)), [0.5, 0.25, 0.25, 0.0]);
    }
}
