//! Training a classifier.

use rand::RngExt;
use rekindle_data::labelled::{Buckets, EncodedTexts, LabelledTexts, TextVocabulary, WordVectors};
use rekindle_kernels::rows::Rows;
use rekindle_models::classifier::Classifier;

use super::evaluation::{evaluate, padded};
use super::pretraining::pretrained;
use super::settings::SentimentSettings;
use crate::origin::Origin;
use crate::prelude::*;
use crate::run::assets::vocabulary_file;

/// A run's texts and their batches.
#[derive(Debug)]
pub struct SentimentTask {
    pub(super) settings: SentimentSettings,
    pub(super) vocabulary: TextVocabulary,
    data: DataInfo,
    train: EncodedTexts,
    validation: EncodedTexts,
    vectors: Option<WordVectors>,
    buckets: Buckets,
    /// The batches of the latest epoch.
    epoch: OfEpoch<Vec<Vec<usize>>>,
    device: Device,
}

vocabulary_file!(TextVocabulary);

impl SentimentTask {
    /// The rows of this process in a batch, with their texts and classes. Some words are replaced by the unknown word,
    /// by random numbers that depend on the batch only.
    fn batch(&mut self, epoch: u64, batch: u64, share: Share) -> (Rows, Vec<Vec<u32>>, Vec<i32>) {
        let places = &self.epoch.get(epoch, |epoch| self.buckets.epoch(epoch))[batch as usize];
        let labels: Vec<i32> = places.iter().map(|&text| self.train.labels[text] as i32).collect();
        let mut texts: Vec<Vec<u32>> = places.iter().map(|&text| self.train.texts[text].clone()).collect();
        let dropped = self.settings.model.word_dropout;
        if dropped > 0.0 {
            let number = epoch * self.buckets.len() as u64 + batch;
            let mut rng = stream(self.settings.training.seed ^ 0x776f_7264, number);
            for word in texts.iter_mut().flatten() {
                if rng.random_bool(dropped) {
                    *word = TextVocabulary::UNKNOWN;
                }
            }
        }
        let rows = share.rows(texts.len());
        (rows, texts[rows.range()].to_vec(), labels[rows.range()].to_vec())
    }
}

impl Task for SentimentTask {
    const NAME: &'static str = "sentiment";
    const ABOUT: &'static str = "Text classification: one label per text";

    type Settings = SentimentSettings;
    type Assets = TextVocabulary;
    type Model = Classifier;
    type Carry = ();

    fn open(settings: &SentimentSettings, assets: Option<TextVocabulary>, device: &Device) -> Result<Self, TaskError> {
        let texts = settings.data.texts()?;
        let vocabulary = match assets {
            Some(vocabulary) => vocabulary,
            None => TextVocabulary::build(&texts[0], &settings.data.words())?,
        };
        let [train, validation] = &texts;
        let encode = |texts| vocabulary.encode_all(texts, settings.data.max_length);
        let encoded = [encode(train)?, encode(validation)?];
        let vectors = settings.data.embeddings.as_ref();
        let vectors = vectors.map(|file| WordVectors::read(file, &vocabulary)).transpose()?;
        let width = settings.model.embedding;
        if vectors.as_ref().is_some_and(|vectors| vectors.width != width) {
            return Err(SettingError::invalid("embedding", width, "as wide as the vectors of --embeddings").into());
        }
        let [count, held_out] = [&encoded[0], &encoded[1]].map(EncodedTexts::len);
        let names = format!("{} and {}", train.name, validation.name);
        let fingerprints = format!("{} {}", train.fingerprint(), validation.fingerprint());
        let contents = texts.iter().flat_map(|texts| &texts.texts);
        let data = DataInfo {
            unit: "texts",
            summary: summary(&texts, &vocabulary, &encoded, vectors.as_ref()),
            identity: format!("{names}, {count} + {held_out} texts, {fingerprints}"),
            sha256: sha256(contents.flat_map(|text| [&text.text, "\0", &text.label, "\0"])),
        };
        let [train, validation] = encoded;
        Ok(Self {
            buckets: Buckets::pooled(train.lengths(), settings.data.batch_size, settings.training.seed),
            settings: settings.clone(),
            vocabulary,
            data,
            train,
            validation,
            vectors,
            epoch: OfEpoch::default(),
            device: device.clone(),
        })
    }

    fn assets(&self) -> &TextVocabulary {
        &self.vocabulary
    }

    fn model(settings: &SentimentSettings, vocabulary: &TextVocabulary, seed: u64, device: &Device) -> Classifier {
        let (words, classes) = (vocabulary.len(), vocabulary.classes().len());
        settings.model.init_with(words, classes, &mut seeded(seed), device)
    }

    fn data(&self) -> DataInfo {
        self.data.clone()
    }

    fn batches(&self) -> u64 {
        self.buckets.len() as u64
    }

    fn begin(&self, model: Classifier) -> Result<Classifier, TaskError> {
        Ok(match &self.vectors {
            Some(vectors) => model.with_vectors(&vectors.vectors),
            None => model,
        })
    }

    fn kept(&self) -> f64 {
        let model = &self.settings.model;
        let directions = if model.forward_only { 1.0 } else { 2.0 };
        let words = |batch: &Vec<usize>| {
            batch.len() * batch.iter().map(|&text| self.train.texts[text].len()).max().unwrap_or(0)
        };
        let most = self.buckets.epoch(0).iter().map(words).max().unwrap_or(0);
        most as f64 * (model.embedding as f64 + directions * model.recurrent.kept())
    }

    fn start_from(&self, model: Classifier, source: Trained<Self>) -> Result<(Classifier, String), TaskError> {
        let known = self.vocabulary.map_to(&source.assets);
        let same_classes = self.vocabulary.classes() == source.assets.classes();
        let found = known.iter().flatten().count();
        let words = format!("{found} of {} have vectors in the --init-from run", counted(known.len(), "words"));
        Ok((model.with_weights_of(&source.model, &known, same_classes)?, words))
    }

    fn origins() -> Vec<Origin<Self>> {
        vec![Origin::of(pretrained)]
    }

    fn loss(
        &mut self,
        model: &Classifier,
        epoch: u64,
        batch: u64,
        _: Option<()>,
    ) -> Result<BatchLoss<()>, TaskError> {
        let share = Share::present();
        let (rows, texts, labels) = self.batch(epoch, batch, share);
        if rows.is_empty() {
            return Ok(BatchLoss::nothing(()));
        }
        let items = labels.len();
        let labels = Tensor::from_data(TensorData::new(labels, [items]), &self.device);
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let (tokens, lengths) = padded(&texts, &self.device);
        let loss = rows.within(|| model.loss_parts(tokens, &lengths, labels));
        Ok(BatchLoss::of_parts(loss, (), items as u64))
    }

    fn evaluate(&mut self, model: &Classifier) -> Result<Option<Report>, TaskError> {
        let (classes, batch_size) = (self.vocabulary.classes(), self.settings.data.batch_size);
        Ok(Some(evaluate(&[model], &self.validation, classes, batch_size, &self.device)?))
    }
}

/// A description of the training and validation texts.
fn summary(
    texts: &[LabelledTexts; 2],
    vocabulary: &TextVocabulary,
    encoded: &[EncodedTexts; 2],
    vectors: Option<&WordVectors>,
) -> String {
    let classes = |texts: &LabelledTexts| {
        let share = |count: usize| 100.0 * count as f64 / texts.texts.len() as f64;
        let balance = texts.balance().into_iter().map(|(class, count)| format!("{class} {:.1} %", share(count)));
        balance.collect::<Vec<_>>().join(", ")
    };
    let [train, validation] = texts;
    let [unknown, held_out] = encoded.each_ref().map(|texts| 100.0 * texts.unknown_share);
    let mut lines = vec![
        format!("{} to train on: {}", counted(train.texts.len(), "texts"), classes(train)),
        format!("{} for validation: {}", counted(validation.texts.len(), "texts"), classes(validation)),
        format!(
            "{}; unknown {unknown:.1} % of the words to train on, {held_out:.1} % of those for validation",
            counted(vocabulary.len(), "words")
        ),
    ];
    if let Some(vectors) = vectors {
        let (found, all) = (vectors.vectors.len(), vocabulary.len() - 1);
        lines.push(format!("{found} of {} ({:.1} %) have vectors", counted(all, "words"), 100.0 * found as f64 / all as f64));
    }
    let doubts = train.doubtful_classes().into_iter().chain(LabelledTexts::doubtful_headers(texts));
    lines.extend(doubts.map(|doubt| format!("warning: {doubt}")));
    let empty = train.empty() + validation.empty();
    if empty > 0 {
        lines.push(format!("warning: no word in {}, read as one unknown word", counted(empty, "texts")));
    }
    lines.join("\n")
}
