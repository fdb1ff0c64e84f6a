//! `caption`: from a picture to a sentence about it.
//!
//! A batch is some pictures, each with its captions, which share what is seen of it; batches are of captions of like lengths,
//! in an order that depends on the seed and the epoch only. The loss is the mean cross-entropy of the next word in nats.
//! Evaluations write freely, with a beam, and are judged as COCO's captions are.
//!
//! Where the network that sees is frozen, what it sees is computed once, before training, and kept on disk: see
//! [`Features`].

mod features;
mod judge;
mod settings;
mod trained;

use std::path::Path;

use burn::module::ParamGroup;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rekindle_data::captions::{CaptionSet, CaptionedImage, PictureLoader, Twist};
use rekindle_data::parallel::{BatchSize, Buckets, WordVocabulary};
use rekindle_metrics::captions::words;
use rekindle_models::captioner::Captioner;
use rekindle_models::captioner::encoder::{Encoder, EncoderConfig};
use rekindle_weights::{StateDict, Strictness, WeightFile, save_safetensors};

pub use features::{Album, Features, FrozenEncoder};
pub use judge::Written;
pub use settings::{CaptionSettings, CaptionerSettings, PictureSettings};
pub use trained::TrainedCaptioner;

use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Which};
use crate::task::{BatchLoss, Evaluation, Preparation, Task};
use features::pictures;
use judge::Judge;

/// What is never written.
const NEVER: [u32; 2] = [WordVocabulary::PAD, WordVocabulary::UNKNOWN];

/// Pictures that an evaluation looks at side by side.
const JUDGED_TOGETHER: usize = 64;

/// The pictures of a run and what is done with them.
#[derive(Debug)]
pub struct CaptionTask {
    settings: CaptionSettings,
    set: CaptionSet,
    vocabulary: WordVocabulary,
    /// The captions of each picture to train on.
    numbers: Vec<Vec<Vec<u32>>>,
    buckets: Buckets,
    /// The order of the epoch that was asked for last.
    epoch: Option<(u64, Vec<Vec<usize>>)>,
    /// What sees, before it is trained or where it never is.
    pretrained: Option<Encoder>,
    sight: Sight,
    /// What is to be said of the data.
    notes: Vec<String>,
    device: Device,
}

/// How the task comes to what is seen of a picture.
#[derive(Debug)]
enum Sight {
    /// From pixels, by the model's own network.
    Pixels(PictureLoader),
    /// By a network that does not change.
    Frozen { encoder: Box<FrozenEncoder>, cached: Option<Box<[Features; 2]>> },
}

impl CaptionTask {
    fn with(
        settings: &CaptionSettings,
        known: Option<WordVocabulary>,
        run: Option<&RunFolder>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        settings.validate()?;
        let mut set = CaptionSet::open(&settings.data.data, &settings.data.options())?;
        let mut notes = std::mem::take(&mut set.notes);
        let longest = settings.data.max_length;
        let mut said: Vec<Vec<Vec<String>>> = Vec::with_capacity(set.train.len());
        let (mut cut, mut silent) = (0, 0);
        set.train.retain(|image| {
            let mut captions: Vec<Vec<String>> = image.captions.iter().map(|caption| words(caption)).collect();
            captions.retain(|caption| !caption.is_empty());
            for caption in &mut captions {
                cut += usize::from(caption.len() > longest);
                caption.truncate(longest);
            }
            let speaks = !captions.is_empty();
            silent += usize::from(!speaks);
            if speaks {
                said.push(captions);
            }
            speaks
        });
        if silent > 0 {
            notes.push(format!("{silent} pictures whose captions have no word are left out"));
        }
        if cut > 0 {
            notes.push(format!("{cut} captions are cut to {longest} words"));
        }
        if set.train.is_empty() {
            return Err(TrainError::NoCaptions { data: settings.data.data.clone() });
        }
        let vocabulary = known.unwrap_or_else(|| {
            WordVocabulary::new(said.iter().flatten(), settings.data.min_count, settings.data.max_words)
        });
        let encode = |captions: &Vec<Vec<String>>| captions.iter().map(|words| vocabulary.encode(words)).collect();
        let numbers: Vec<Vec<Vec<u32>>> = said.iter().map(encode).collect();
        let lengths: Vec<[usize; 2]> =
            numbers.iter().map(|captions| [captions.iter().map(Vec::len).max().unwrap_or(0), 0]).collect();
        let size = BatchSize::Sentences(settings.data.batch_size);
        let config = settings.model.encoder();
        let pretrained = pretrained(settings, run, &config, device)?;
        let sight = match &pretrained {
            Some(encoder) if !settings.model.trains_encoder() => Sight::Frozen {
                encoder: Box::new(FrozenEncoder::new(encoder.clone(), config, settings.model.view(), device.clone())),
                cached: None,
            },
            _ => Sight::Pixels(PictureLoader::new(set.pictures.clone(), config.side, settings.data.workers)),
        };
        Ok(Self {
            buckets: Buckets::new(&lengths, size, settings.training.seed),
            settings: settings.clone(),
            set,
            vocabulary,
            numbers,
            epoch: None,
            pretrained,
            sight,
            notes,
            device: device.clone().autodiff(),
        })
    }

    /// Pictures of a batch: their numbers.
    fn batch(&mut self, epoch: u64, batch: u64) -> Vec<usize> {
        if self.epoch.as_ref().is_none_or(|(known, _)| *known != epoch) {
            self.epoch = Some((epoch, self.buckets.epoch(epoch)));
        }
        self.epoch.as_ref().and_then(|(_, order)| order.get(batch as usize).cloned()).unwrap_or_default()
    }

    /// The pictures of a batch as they are asked of a loader.
    fn wanted(&self, images: &[usize], epoch: u64) -> Vec<(String, Option<Twist>)> {
        let PictureSettings { flip, crop, .. } = self.settings.data;
        let wanted = |&image: &usize| {
            // 2^24 pictures an epoch; those of two epochs are twisted apart.
            let seed = self.settings.training.seed ^ (epoch << 24) ^ image as u64;
            (self.set.train[image].name.clone(), (flip || crop).then_some(Twist { flip, crop, seed }))
        };
        images.iter().map(wanted).collect()
    }

    /// What is seen of a batch to train on, `[B, P, F]`.
    fn seen(&mut self, model: &Captioner, images: &[usize], epoch: u64, batch: u64) -> Result<Tensor<3>, TrainError> {
        self.prepare(&mut |_| {})?;
        let now = self.wanted(images, epoch);
        let next = match batch + 1 < self.batches() {
            true => self.batch(epoch, batch + 1),
            false => Vec::new(),
        };
        let next = self.wanted(&next, epoch);
        let device = self.device.clone();
        let step = (epoch * self.batches() + batch) / self.settings.training.accumulate;
        match (&mut self.sight, &model.encoder) {
            (Sight::Frozen { cached: Some(cached), .. }, _) => cached[0].rows(images, &device),
            (Sight::Pixels(loader), Some(encoder)) => {
                let pixels = loader.load(now, next)?;
                let side = self.settings.model.encoder().side;
                let seen = encoder.forward(pictures(&pixels, side, &device), model.view());
                let frozen = self.settings.model.fine_tune_after.is_some_and(|after| step < after);
                Ok(if frozen { seen.detach() } else { seen })
            }
            _ => unreachable!("a model has its own encoder, or what a frozen one sees has been prepared"),
        }
    }

    /// What is seen of held-out pictures, `[B, P, F]`.
    fn seen_held_out(&self, model: &Captioner, images: std::ops::Range<usize>) -> Result<Tensor<3>, TrainError> {
        let device = self.device.clone().inner();
        let rows: Vec<usize> = images.clone().collect();
        match (&self.sight, &model.encoder) {
            (Sight::Frozen { cached: Some(cached), .. }, _) => cached[1].rows(&rows, &device),
            (_, Some(encoder)) => {
                let side = self.settings.model.encoder().side;
                let mut pixels = Vec::with_capacity(images.len() * 3 * side * side);
                for image in &self.set.validation[images] {
                    pixels.extend(self.set.pictures.pixels(&image.name, side, None)?);
                }
                Ok(encoder.forward(pictures(&pixels, side, &device), model.view()))
            }
            _ => unreachable!("a model has its own encoder, or what a frozen one sees has been prepared"),
        }
    }
}

/// The network that sees, with the weights that a new run is given, or that its folder has; none for one that is trained
/// from scratch.
fn pretrained(
    settings: &CaptionSettings,
    run: Option<&RunFolder>,
    config: &EncoderConfig,
    device: &Device,
) -> Result<Option<Encoder>, TrainError> {
    let Some(file) = &settings.model.encoder_weights else { return Ok(None) };
    // Every weight is read from a file; those drawn here are thrown away.
    let blank = config.init_with(&mut ChaCha8Rng::seed_from_u64(0), device);
    Ok(Some(match run.filter(|_| !settings.model.trains_encoder()) {
        Some(run) => {
            let file = WeightFile::open(run.encoder())?;
            blank.load_state_dict(file.tensors(), Strictness::Strict)?.0
        }
        // A run that trains it has its weights in every checkpoint.
        None if run.is_some() => return Ok(None),
        None => blank.load(WeightFile::open(file)?.tensors())?,
    }))
}

fn load_vocabulary(path: &Path) -> Result<WordVocabulary, TrainError> {
    let text = std::fs::read_to_string(path).map_err(TrainError::io("read", path))?;
    serde_json::from_str(&text).map_err(|e| TrainError::Malformed { path: path.into(), reason: e.to_string() })
}

impl Task for CaptionTask {
    type Settings = CaptionSettings;
    type Model = Captioner;
    type Carry = ();

    fn open(settings: &CaptionSettings, device: &Device) -> Result<Self, TrainError> {
        Self::with(settings, None, None, device)
    }

    fn reopen(settings: &CaptionSettings, run: &RunFolder, device: &Device) -> Result<Self, TrainError> {
        Self::with(settings, Some(load_vocabulary(&run.vocabulary())?), Some(run), device)
    }

    fn save(&self, run: &RunFolder) -> Result<(), TrainError> {
        let path = run.vocabulary();
        let text = serde_json::to_string(&self.vocabulary).map_err(|e| TrainError::Malformed {
            path: path.clone(),
            reason: format!("cannot be written as JSON: {e}"),
        })?;
        std::fs::write(&path, text).map_err(TrainError::io("write", &path))?;
        if let Sight::Frozen { encoder, .. } = &self.sight {
            save_safetensors(run.encoder(), &encoder.encoder().state_dict(), &Default::default())?;
        }
        Ok(())
    }

    fn describe(&self) -> String {
        let captions: usize = self.numbers.iter().map(Vec::len).sum();
        let mut text = format!(
            "{}: {} pictures with {captions} captions to train on, {} pictures held out; {} words",
            self.set.name,
            self.set.train.len(),
            self.set.validation.len(),
            self.vocabulary.len(),
        );
        for note in &self.notes {
            text += &format!("\n{note}");
        }
        text
    }

    fn prepare(&mut self, report: &mut dyn FnMut(Preparation<'_>)) -> Result<(), TrainError> {
        let Sight::Frozen { encoder, cached: cached @ None } = &mut self.sight else { return Ok(()) };
        let PictureSettings { cache, workers, .. } = &self.settings.data;
        let mut open = |name, images: &[CaptionedImage]| {
            let album = Album { pictures: &self.set.pictures, images, name, workers: *workers };
            Features::open(cache, encoder, album, report)
        };
        *cached = Some(Box::new([open("train", &self.set.train)?, open("validation", &self.set.validation)?]));
        Ok(())
    }

    fn start_from(&self, mut model: Captioner, source: &RunFolder) -> Result<(Captioner, String), TrainError> {
        let settings: CaptionSettings = source.settings()?;
        if load_vocabulary(&source.vocabulary())? != self.vocabulary {
            return Err(TrainError::OtherCaptioner);
        }
        let checkpoint = checkpoint::load(source, Which::Best)?;
        if settings.model.trains_encoder() == self.settings.model.trains_encoder() {
            let model = checkpoint.model(model)?;
            return Ok((model, "all weights are those of the run to start from".to_owned()));
        }
        // A run with a frozen encoder goes on with one that is trained: what sees keeps its weights.
        let encoder = model.encoder.take();
        let mut model = checkpoint.model(model).map_err(|_| TrainError::OtherCaptioner)?;
        model.encoder = encoder;
        let said = "the words' weights are those of the run to start from".to_owned();
        Ok((model, said))
    }

    fn other_rate(&self, model: &Captioner) -> Option<(ParamGroup, f64)> {
        model
            .encoder
            .as_ref()
            .map(|encoder| (ParamGroup::ids_from_module(encoder.clone()), self.settings.model.encoder_rate))
    }

    fn unit(&self) -> &'static str {
        "captions"
    }

    fn data(&self) -> String {
        format!("{}, {} pictures", self.settings.data.data, self.set.train.len())
    }

    fn init_model(&self, rng: &mut impl Rng, device: &Device) -> Captioner {
        let mut model = self.settings.model.config(&self.vocabulary).init_with(rng, device);
        if let (Some(pretrained), Some(blank)) = (&self.pretrained, model.encoder.clone()) {
            let loaded = blank.load_state_dict(&pretrained.state_dict(), Strictness::Strict);
            model.encoder = Some(loaded.expect("both are made by the same configuration").0);
        }
        model
    }

    fn batches(&self) -> u64 {
        self.buckets.len() as u64
    }

    fn loss(
        &mut self,
        model: &Captioner,
        epoch: u64,
        batch: u64,
        _carry: Option<()>,
    ) -> Result<BatchLoss<()>, TrainError> {
        let images = self.batch(epoch, batch);
        let seen = self.seen(model, &images, epoch, batch)?;
        let most = self.settings.data.captions_per_image;
        let captions = images.iter().map(|&image| {
            let all = &self.numbers[image];
            // Another epoch begins where the last one stopped.
            let first = if all.len() > most { epoch as usize * most } else { 0 };
            (first..first + most.min(all.len())).map(|number| &all[number % all.len()][..]).collect()
        });
        let captions: Vec<Vec<&[u32]>> = captions.collect();
        let items = captions.iter().map(|captions| captions.len() as u64).sum();
        Ok(BatchLoss { loss: model.loss(seen, &captions), carry: (), items })
    }

    fn restore_carry(&self, data: Vec<TensorData>, _device: &Device) -> Option<()> {
        data.is_empty().then_some(())
    }

    fn evaluate(&mut self, model: &Captioner) -> Result<Option<Evaluation>, TrainError> {
        if self.set.validation.is_empty() {
            return Ok(None);
        }
        self.prepare(&mut |_| {})?;
        let judge = Judge {
            model,
            vocabulary: &self.vocabulary,
            pictures: &self.set.pictures,
            images: &self.set.validation,
            search: self.settings.search(),
            batch_size: JUDGED_TOGETHER,
            longest: self.settings.data.max_length,
        };
        let (evaluation, _) = judge.judge(|range| self.seen_held_out(model, range))?;
        Ok(Some(evaluation))
    }

    fn sample(&mut self, model: &Captioner, seed: u64) -> Result<Option<String>, TrainError> {
        let count = self.set.validation.len();
        if count == 0 {
            return Ok(None);
        }
        self.prepare(&mut |_| {})?;
        let first = seed as usize % count;
        let range = first..count.min(first + 3);
        let found = model.write(self.seen_held_out(model, range.clone())?, &NEVER, &self.settings.search())?;
        let lines = self.set.validation[range].iter().zip(found).map(|(image, hypotheses)| {
            let caption = self.vocabulary.decode(&hypotheses[0].symbols).join(" ");
            format!("{}\n  {caption}\n= {}\n", image.name, image.captions[0])
        });
        Ok(Some(lines.collect()))
    }
}
