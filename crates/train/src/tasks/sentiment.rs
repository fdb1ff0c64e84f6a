//! `sentiment`: a sequence of words in, one label out.
//!
//! Texts of like lengths are read side by side, each from its beginning to its end. The loss is the mean cross-entropy of
//! their classes in nats; the best checkpoint is the one with the highest accuracy on the texts that are held out.

mod settings;
mod trained;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rekindle_data::labelled::{
    BucketEpoch, Buckets, EncodedTexts, LabelledTexts, WordConfig, WordVectors, WordVocabulary,
};
use rekindle_metrics::classification::ConfusionMatrix;
use rekindle_models::classifier::Classifier;
use rekindle_models::host::{DeviceError, numbers};

pub use settings::{ClassifierSettings, LabelledSettings, SentimentSettings};
pub use trained::{Prediction, TrainedSentiment};

use crate::error::TrainError;
use crate::pictures::confusion;
use crate::run::RunFolder;
use crate::run::checkpoint::Which;
use crate::settings::setting;
use crate::task::{BatchLoss, Evaluation, Task, objective};
use crate::tasks::likeliest;

/// The texts of a run and what is done with them.
#[derive(Debug)]
pub struct SentimentTask {
    settings: SentimentSettings,
    vocabulary: WordVocabulary,
    description: String,
    /// Name, size and fingerprint of the texts.
    data: String,
    train: EncodedTexts,
    validation: EncodedTexts,
    vectors: Option<WordVectors>,
    buckets: Buckets,
    /// The batches of the epoch that was asked for last.
    epoch: Option<(u64, BucketEpoch)>,
    device: Device,
}

impl SentimentTask {
    fn from_texts(
        settings: &SentimentSettings,
        [train, validation]: [LabelledTexts; 2],
        vocabulary: WordVocabulary,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let encode = |texts| vocabulary.encode_all(texts, settings.data.max_length);
        let (encoded, held_out) = (encode(&train)?, encode(&validation)?);
        let vectors = match &settings.data.embeddings {
            Some(file) => Some(WordVectors::read(file, &vocabulary)?),
            None => None,
        };
        if let Some(vectors) = &vectors
            && vectors.width != settings.model.embedding
        {
            return setting("embedding", settings.model.embedding, "as wide as the vectors of --embeddings");
        }
        Ok(Self {
            description: describe(&train, &validation, &vocabulary, &encoded, &held_out, vectors.as_ref()),
            data: format!(
                "{} and {}, {} + {} texts, {} {}",
                train.name,
                validation.name,
                encoded.len(),
                held_out.len(),
                train.fingerprint(),
                validation.fingerprint(),
            ),
            buckets: Buckets::new(encoded.lengths(), settings.data.batch_size, settings.training.seed),
            train: encoded,
            validation: held_out,
            settings: settings.clone(),
            vocabulary,
            vectors,
            epoch: None,
            device: device.clone(),
        })
    }

    /// The words and classes.
    pub fn vocabulary(&self) -> &WordVocabulary {
        &self.vocabulary
    }

    /// The texts of a batch; some words are read as unknown ones, by a random stream of the batch's own.
    fn batch(&mut self, epoch: u64, batch: u64) -> (Vec<Vec<u32>>, Vec<u32>) {
        if self.epoch.as_ref().is_none_or(|(number, _)| *number != epoch) {
            self.epoch = Some((epoch, self.buckets.epoch(epoch)));
        }
        let (_, batches) = self.epoch.as_ref().expect("it has just been made");
        let places = batches.batch(batch as usize);
        let labels = places.iter().map(|&text| self.train.labels[text]).collect();
        let mut texts: Vec<Vec<u32>> = places.iter().map(|&text| self.train.texts[text].clone()).collect();
        let share = self.settings.model.word_dropout;
        if share > 0.0 {
            let mut rng = ChaCha8Rng::seed_from_u64(self.settings.training.seed ^ 0x776f_7264);
            rng.set_stream(epoch * self.buckets.batches() as u64 + batch);
            for word in texts.iter_mut().flatten() {
                if rng.random_bool(share) {
                    *word = WordVocabulary::UNKNOWN;
                }
            }
        }
        (texts, labels)
    }
}

impl Task for SentimentTask {
    type Settings = SentimentSettings;
    type Model = Classifier;
    type Carry = ();

    fn open(settings: &SentimentSettings, device: &Device) -> Result<Self, TrainError> {
        settings.validate()?;
        let texts = settings.data.texts()?;
        let config = WordConfig { min_count: settings.data.min_count, max_size: settings.data.max_size };
        let vocabulary = WordVocabulary::build(&texts[0], &config)?;
        Self::from_texts(settings, texts, vocabulary, device)
    }

    fn reopen(settings: &SentimentSettings, run: &RunFolder, device: &Device) -> Result<Self, TrainError> {
        settings.validate()?;
        let vocabulary = WordVocabulary::load(run.vocabulary())?;
        Self::from_texts(settings, settings.data.texts()?, vocabulary, device)
    }

    fn save(&self, run: &RunFolder) -> Result<(), TrainError> {
        Ok(self.vocabulary.save(run.vocabulary())?)
    }

    fn describe(&self) -> String {
        self.description.clone()
    }

    fn start_from(&self, model: Classifier, source: &RunFolder) -> Result<(Classifier, String), TrainError> {
        let source = TrainedSentiment::open(source, Which::Best, &self.device.clone().autodiff())?;
        let known = self.vocabulary.map_to(&source.vocabulary);
        let same_classes = self.vocabulary.classes() == source.vocabulary.classes();
        let found = known.iter().flatten().count();
        let words = format!("{found} of {} words have vectors in the run to start from", known.len());
        Ok((model.with_weights_of(&source.model, &known, same_classes)?, words))
    }

    fn unit(&self) -> &'static str {
        "texts"
    }

    fn data(&self) -> String {
        self.data.clone()
    }

    fn init_model(&self, rng: &mut impl Rng, device: &Device) -> Classifier {
        let model = self.settings.model.config(&self.vocabulary).init_with(rng, device);
        match &self.vectors {
            Some(vectors) => model.with_vectors(&vectors.vectors),
            None => model,
        }
    }

    fn batches(&self) -> u64 {
        self.buckets.batches() as u64
    }

    fn loss(
        &mut self,
        model: &Classifier,
        epoch: u64,
        batch: u64,
        _carry: Option<()>,
    ) -> Result<BatchLoss<()>, TrainError> {
        let (texts, labels) = self.batch(epoch, batch);
        let items = labels.len() as u64;
        let labels: Vec<i32> = labels.into_iter().map(|label| label as i32).collect();
        let labels = Tensor::from_data(TensorData::new(labels, [items as usize]), &self.device);
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let (tokens, lengths) = padded(&texts, &self.device);
        Ok(BatchLoss { loss: model.loss(tokens, &lengths, labels), carry: (), items })
    }

    fn restore_carry(&self, data: Vec<TensorData>, _device: &Device) -> Option<()> {
        data.is_empty().then_some(())
    }

    fn evaluate(&mut self, model: &Classifier) -> Result<Option<Evaluation>, TrainError> {
        let (loss, matrix) = evaluate(model, &self.validation, self.settings.data.batch_size, &self.device)?;
        let names: Vec<&str> = self.vocabulary.classes().iter().map(String::as_str).collect();
        let figures = vec![("accuracy", matrix.accuracy()), ("macro_f1", matrix.macro_f1())];
        let pictures = vec![confusion(&matrix, &names)];
        let objective = objective(1.0 - matrix.accuracy(), loss);
        Ok(Some(Evaluation { loss, figures, objective, pictures }))
    }

    fn sample(&mut self, _model: &Classifier, _seed: u64) -> Result<Option<String>, TrainError> {
        Ok(None)
    }
}

/// Log-probabilities of the classes of each text, in the order of `texts`. Batches are of like lengths.
///
/// # Errors
///
/// When the device fails.
pub fn log_probs(
    model: &Classifier,
    texts: &[Vec<u32>],
    batch_size: usize,
    device: &Device,
) -> Result<Vec<Vec<f32>>, DeviceError> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&text| texts[text].len());
    let mut found = vec![Vec::new(); texts.len()];
    for batch in order.chunks(batch_size.max(1)) {
        let rows: Vec<&[u32]> = batch.iter().map(|&text| texts[text].as_slice()).collect();
        let (tokens, lengths) = padded(&rows, device);
        let log_probs = numbers(model.forward(tokens, &lengths))?;
        for (&text, row) in batch.iter().zip(log_probs.chunks(model.classes())) {
            found[text] = row.to_vec();
        }
    }
    Ok(found)
}

/// Mean cross-entropy in nats, and which class was taken for which.
///
/// # Errors
///
/// When the device fails.
pub fn evaluate(
    model: &Classifier,
    texts: &EncodedTexts,
    batch_size: usize,
    device: &Device,
) -> Result<(f64, ConfusionMatrix), DeviceError> {
    let mut matrix = ConfusionMatrix::new(model.classes());
    let mut loss = 0.0;
    for (row, &label) in log_probs(model, &texts.texts, batch_size, device)?.iter().zip(&texts.labels) {
        loss -= f64::from(row[label as usize]);
        matrix.add(label as usize, likeliest(row));
    }
    Ok((loss / texts.len().max(1) as f64, matrix))
}

/// Texts as `[B, T]` with their lengths; after a text the unknown word stands, which no one reads.
fn padded(texts: &[&[u32]], device: &Device) -> (Tensor<2, Int>, Vec<usize>) {
    let lengths: Vec<usize> = texts.iter().map(|text| text.len()).collect();
    let time = lengths.iter().copied().max().unwrap_or(1);
    let padding = |text: &[u32]| std::iter::repeat_n(WordVocabulary::UNKNOWN as i32, time - text.len());
    let tokens: Vec<i32> =
        texts.iter().flat_map(|text| text.iter().map(|&word| word as i32).chain(padding(text))).collect();
    (Tensor::from_data(TensorData::new(tokens, [texts.len(), time]), device), lengths)
}

/// What is said of the texts before training begins.
fn describe(
    train: &LabelledTexts,
    validation: &LabelledTexts,
    vocabulary: &WordVocabulary,
    encoded: &EncodedTexts,
    held_out: &EncodedTexts,
    vectors: Option<&WordVectors>,
) -> String {
    let classes = |texts: &LabelledTexts| {
        let share = |count: usize| 100.0 * count as f64 / texts.texts.len() as f64;
        let balance = texts.balance().into_iter().map(|(class, count)| format!("{class} {:.1} %", share(count)));
        balance.collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![
        format!("{} texts to train on: {}", train.texts.len(), classes(train)),
        format!("{} texts to judge by: {}", validation.texts.len(), classes(validation)),
        format!(
            "{} words; unknown {:.1} % of the words to train on, {:.1} % of those to judge by",
            vocabulary.len(),
            100.0 * encoded.unknown_share,
            100.0 * held_out.unknown_share,
        ),
    ];
    if let Some(vectors) = vectors {
        let (found, all) = (vectors.vectors.len(), vocabulary.len() - 1);
        lines.push(format!("{found} of {all} words ({:.1} %) have vectors", 100.0 * found as f64 / all as f64));
    }
    let empty = train.empty() + validation.empty();
    if empty > 0 {
        lines.push(format!("warning: {empty} texts have no word; they are read as one unknown word"));
    }
    lines.join("\n")
}
