//! Training a captioner.

use std::iter::once;
use std::ops::Range;
use std::path::{Path, PathBuf};

use burn::module::{Module, ParamGroup};
use rekindle_data::captions::{Augmentation, CaptionSet, CaptionedImage, PictureLoader};
use rekindle_data::parallel::{BatchSize, Buckets, WordVocabulary};
use rekindle_metrics::captions::words;
use rekindle_models::captioner::encoder::Encoder;
use rekindle_models::captioner::{Captioner, CaptionerSizes};
use rekindle_rnn::blank;
use rekindle_weights::WeightFile;

use super::assets::{CaptionAssets, NEVER};
use super::error::CaptionError;
use super::evaluation::{Evaluation, Member};
use super::features::{Features, FrozenEncoder, ImageSet, Source, Version, encode};
use super::self_critical::SelfCritical;
use super::settings::{CaptionDataSettings, CaptionSettings};
use crate::prelude::*;
use crate::seeds::mix;
use crate::trainer::step_of;

/// Images per batch of an evaluation.
pub(super) const EVALUATION_BATCH: usize = 64;

/// A run's images and their batches.
#[derive(Debug)]
pub struct CaptionTask {
    settings: CaptionSettings,
    set: CaptionSet,
    assets: CaptionAssets,
    data: DataInfo,
    /// The captions of each training image, as tokens.
    captions: Vec<Vec<Vec<u32>>>,
    /// The rewards of self-critical training.
    self_critical: Option<SelfCritical>,
    buckets: Buckets,
    /// The batches of the latest epoch.
    epoch: OfEpoch<Vec<Vec<usize>>>,
    /// Decodes training images if the image encoder is trained.
    loader: PictureLoader,
    /// Features of the images, if the image encoder is frozen.
    cached: Option<Cached>,
    device: Device,
}

/// Features of a frozen image encoder.
#[derive(Debug)]
struct Cached {
    /// Of the training images: as they are, then as changed by `--flip` and `--crop`.
    train: Vec<Features>,
    validation: Features,
}

impl CaptionTask {
    /// The training images of a batch.
    fn batch(&mut self, epoch: u64, batch: u64) -> Vec<usize> {
        self.epoch.get(epoch, |epoch| self.buckets.epoch(epoch)).get(batch as usize).cloned().unwrap_or_default()
    }

    /// A loader's requests for the images of a batch.
    fn wanted(&self, images: &[usize], epoch: u64) -> Vec<(String, Option<Augmentation>)> {
        let (flip, crop) = (self.settings.data.flip, self.settings.data.crop);
        let wanted = |&image: &usize| {
            // 2^24 images an epoch; two epochs augment them differently.
            let seed = self.settings.training.seed ^ (epoch << 24) ^ image as u64;
            (self.set.train[image].name.clone(), (flip || crop).then(|| Augmentation::random(flip, crop, seed)))
        };
        images.iter().map(wanted).collect()
    }

    /// The features of a training batch, `[B, P, F]`.
    fn features(
        &mut self,
        model: &Captioner,
        images: &[usize],
        epoch: u64,
        batch: u64,
        share: Share,
    ) -> Result<Tensor<3>, TaskError> {
        self.prepare(&mut |_| {})?;
        if let Some(Cached { train, .. }) = &self.cached {
            // Each epoch has the next version of every image, and all versions in equal numbers. After all of them the
            // order begins one later, so that each version meets all captions where an epoch reads some of them.
            let turn = epoch as usize + epoch as usize / train.len();
            let version = |image: usize| &train[(turn + image) % train.len()];
            return Features::of_versions(images, version, &self.device);
        }
        let encoder = model.encoder.as_ref().ok_or(CaptionError::NoEncoder)?;
        let next = self.batch(epoch, batch + 1);
        let next = &next[share.rows(next.len()).range()];
        let (now, next) = (self.wanted(images, epoch), self.wanted(next, epoch));
        let features = encode(encoder, &self.settings.model, &self.loader.load(now, next)?, &self.device);
        let step = self.step(epoch, batch);
        let frozen = self.settings.model.encoder.fine_tune_after.is_some_and(|after| step < after);
        Ok(if frozen { features.detach() } else { features })
    }

    /// The step that a batch is part of; all count from 0.
    fn step(&self, epoch: u64, batch: u64) -> u64 {
        step_of(&self.settings.training, self.batches(), epoch, batch)
    }

    /// The captions of a training image that an epoch reads. Each epoch continues where the previous one stopped.
    fn given(&self, image: usize, epoch: u64) -> Vec<&[u32]> {
        let (all, most) = (&self.captions[image], self.settings.data.captions_per_image);
        let first = if all.len() > most { epoch as usize * most } else { 0 };
        (first..first + most.min(all.len())).map(|number| &all[number % all.len()][..]).collect()
    }

    fn validation(&self) -> ImageSet<'_> {
        let (pictures, images) = (&self.set.pictures, &self.set.validation[..]);
        ImageSet { pictures, images, name: "validation", workers: self.settings.data.workers }
    }

    /// The source of the validation images' features.
    fn validation_source<'a>(&'a self, model: &'a Captioner) -> Result<Source<'a>, TaskError> {
        Ok(match &self.cached {
            Some(Cached { validation, .. }) => Source::File(validation),
            None => Source::Encoder(model.encoder.as_ref().ok_or(CaptionError::NoEncoder)?),
        })
    }
}

/// Drops training images without a word in their captions. Returns the words of the others' captions, truncated to
/// `longest` each, and records the changes in the notes of `set`.
pub(super) fn training_captions(set: &mut CaptionSet, longest: usize) -> Vec<Vec<Vec<String>>> {
    let mut kept = Vec::with_capacity(set.train.len());
    let (mut cut, all) = (0, set.train.len());
    set.train.retain(|image| {
        let mut captions: Vec<Vec<String>> = image.captions.iter().map(|caption| words(caption)).collect();
        captions.retain(|caption| !caption.is_empty());
        for caption in &mut captions {
            cut += usize::from(caption.len() > longest);
            caption.truncate(longest);
        }
        let any = !captions.is_empty();
        if any {
            kept.push(captions);
        }
        any
    });
    if kept.len() < all {
        set.notes.push(format!("skipped, no word in their captions: {}", counted(all - kept.len(), "pictures")));
    }
    if cut > 0 {
        set.notes.push(format!("cut to {}: {}", counted(longest, "words"), counted(cut, "captions")));
    }
    kept
}

/// Names and sizes of the images, and their captions.
fn content(set: &CaptionSet) -> impl Iterator<Item = String> {
    let image = |image: &CaptionedImage| {
        format!("{}\0{}\0{}\n", image.name, set.pictures.size(&image.name), image.captions.join("\0"))
    };
    set.train.iter().map(image).chain(once("\n".to_owned())).chain(set.validation.iter().map(image))
}

impl Task for CaptionTask {
    const NAME: &'static str = "caption";
    const ABOUT: &'static str = "Image captioning: a sentence about an image";

    type Settings = CaptionSettings;
    type Assets = CaptionAssets;
    type Model = Captioner;
    type Carry = ();

    fn open(settings: &CaptionSettings, assets: Option<CaptionAssets>, device: &Device) -> Result<Self, TaskError> {
        let CaptionSettings { data, model, reward, training } = settings;
        if assets.is_none() {
            settings.check_used()?;
        }
        let mut set = CaptionSet::open(&data.data, &data.options())?;
        let captions = training_captions(&mut set, data.max_length);
        if captions.is_empty() {
            return Err(CaptionError::NoCaptions { data: data.data.clone() }.into());
        }
        let config = model.encoder.config();
        let assets = match assets {
            Some(assets) => assets,
            None => {
                let (min_count, most) = (data.vocabulary.min_count, data.vocabulary.max_vocabulary);
                let vocabulary = WordVocabulary::new(captions.iter().flatten(), min_count, most);
                let file = model.encoder.encoder_weights.as_ref().filter(|_| !model.encoder.trains_encoder());
                let read = |file: &PathBuf| -> Result<_, TaskError> {
                    let encoder = blank(|| config.init_with(&mut seeded(0), device));
                    Ok(FrozenEncoder::new(pretrained(encoder, file)?, model, device).into())
                };
                CaptionAssets { vocabulary, encoder: file.map(read).transpose()? }
            }
        };
        assets.frozen(model, device)?;
        let encode = |words: &Vec<String>| assets.vocabulary.encode(words);
        let captions: Vec<Vec<Vec<u32>>> =
            captions.iter().map(|captions| captions.iter().map(encode).collect()).collect();
        let lengths: Vec<[usize; 2]> =
            captions.iter().map(|captions| [captions.iter().map(Vec::len).max().unwrap_or(0), 0]).collect();
        let count: usize = captions.iter().map(Vec::len).sum();
        let summary = format!(
            "{}: {} with {} to train on, {} held out; {}",
            set.name,
            counted(set.train.len(), "pictures"),
            counted(count, "captions"),
            counted(set.validation.len(), "pictures"),
            counted(assets.vocabulary.len(), "words"),
        );
        let data_info = DataInfo {
            unit: "captions",
            summary: set.notes.iter().fold(summary, |summary, note| format!("{summary}\n{note}")),
            identity: format!("{}, {} pictures", data.data, set.train.len()),
            sha256: sha256(content(&set)),
        };
        Ok(Self {
            self_critical: reward.self_critical.then(|| SelfCritical::new(reward.clone(), data.max_length, &captions)),
            buckets: Buckets::sorted(&lengths, BatchSize::Sentences(data.batch_size), training.seed),
            loader: PictureLoader::new(set.pictures.clone(), config.side, data.workers),
            settings: settings.clone(),
            set,
            assets,
            data: data_info,
            captions,
            epoch: OfEpoch::default(),
            cached: None,
            device: device.clone().autodiff(),
        })
    }

    fn assets(&self) -> &CaptionAssets {
        &self.assets
    }

    fn model(settings: &CaptionSettings, assets: &CaptionAssets, seed: u64, device: &Device) -> Captioner {
        let (encoder, captioner) = (&settings.model.encoder, &settings.model.captioner);
        let config = encoder.config();
        let sizes = CaptionerSizes {
            vocabulary: assets.vocabulary.len(),
            features: config.shape(captioner.view())[1],
            start: WordVocabulary::START,
            end: WordVocabulary::END,
            encoder: encoder.trains_encoder().then_some(config),
        };
        captioner.init_with(&sizes, &mut seeded(seed), device)
    }

    fn data(&self) -> DataInfo {
        self.data.clone()
    }

    fn batches(&self) -> u64 {
        self.buckets.len() as u64
    }

    fn loss(&mut self, model: &Captioner, epoch: u64, batch: u64, _: Option<()>) -> Result<BatchLoss<()>, TaskError> {
        let share = Share::present();
        let all = self.batch(epoch, batch);
        let rows = share.rows(all.len());
        if rows.is_empty() {
            return Ok(BatchLoss::nothing(()));
        }
        let images = &all[rows.range()];
        let features = self.features(model, images, epoch, batch, share)?;
        let given = |features| {
            let captions: Vec<Vec<&[u32]>> = all.iter().map(|&image| self.given(image, epoch)).collect();
            let lines = captions[..rows.first].iter().flatten().map(|caption| caption.len() + 1).sum();
            let captions = &captions[rows.range()];
            let loss = rows.after(lines).within(|| model.loss_parts(features, captions));
            (loss, captions.iter().map(|captions| captions.len() as u64).sum::<u64>())
        };
        let Some(self_critical) = &self.self_critical else {
            let (loss, items) = given(features);
            return Ok(BatchLoss::of_parts(loss, (), items));
        };
        // A seed of its own for each batch: nothing is carried over a resumption.
        let seed = mix(self.settings.training.seed, epoch * self.batches() + batch);
        // Without a graph, and without dropout.
        // Nobody knows the lengths of what the other processes draw.
        let drawing = rows.after(rows.first * self_critical.longest_lines());
        let drawn = drawing.within(|| self_critical.draw(&model.valid(), features.clone().inner(), images, seed))?;
        let items = drawn.captions.iter().map(|captions| captions.len() as u64).sum();
        let mut loss = drawing.within(|| model.weighted_loss_parts(features.clone(), &drawn.captions, &NEVER));
        let weight = self.settings.reward.cross_entropy;
        if weight > 0.0 {
            loss = loss.and(given(features).0.times(weight));
        }
        Ok(BatchLoss::of_parts(loss, (), items).with_figure("reward", drawn.reward))
    }

    fn kept(&self) -> f64 {
        let (data, model) = (&self.settings.data, &self.settings.model.captioner);
        let reward = &self.settings.reward;
        let drawn = if reward.self_critical { reward.samples * (data.max_length + 1) } else { 0 };
        let given = if !reward.self_critical || reward.cross_entropy > 0.0 {
            let longest = self.captions.iter().flatten().map(Vec::len).max().unwrap_or(0);
            data.captions_per_image * (longest + 1)
        } else {
            0
        };
        let images = data.batch_size.min(self.captions.len());
        (images * (drawn + given)) as f64 * (model.recurrent.kept() + 2.0 * self.assets.vocabulary.len() as f64)
    }

    fn begin(&self, mut model: Captioner) -> Result<Captioner, TaskError> {
        if let (Some(encoder), Some(file)) = (&model.encoder, &self.settings.model.encoder.encoder_weights) {
            model.encoder = Some(pretrained(encoder.clone(), file)?);
        }
        Ok(model)
    }

    fn check_start(&self, from_another: bool) -> Result<(), TaskError> {
        if self.self_critical.is_some() && !from_another {
            return Err(CaptionError::Untrained.into());
        }
        Ok(())
    }

    fn loss_has_bound(&self) -> bool {
        self.self_critical.is_none()
    }

    fn start_from(&self, model: Captioner, source: Trained<Self>) -> Result<(Captioner, String), TaskError> {
        if source.assets.vocabulary != self.assets.vocabulary {
            return Err(CaptionError::OtherVocabulary.into());
        }
        // A run with a frozen encoder may be continued with a trained one: the image encoder keeps its weights.
        let kept = model.encoder.is_some() && source.model.encoder.is_none();
        let but = if kept { " but those of the image encoder" } else { "" };
        let model = model.with_weights_of(&source.model).map_err(CaptionError::OtherModel)?;
        Ok((model, format!("all weights{but} are those of the --init-from run")))
    }

    fn prepare(&mut self, report: &mut dyn FnMut(Preparation<'_>)) -> Result<(), TaskError> {
        if self.cached.is_some() {
            return Ok(());
        }
        let Some(encoder) = self.assets.frozen(&self.settings.model, &self.device.clone().inner())? else {
            return Ok(());
        };
        let validation = self.validation();
        let train = ImageSet { images: &self.set.train, name: "train", ..validation };
        let &CaptionDataSettings { flip, crop, versions, ref cache, .. } = &self.settings.data;
        let mut open = |set, number| Features::open(cache, encoder, set, Version { number, flip, crop }, report);
        let train = (0..versions).map(|number| open(train, number)).collect::<Result<_, _>>()?;
        self.cached = Some(Cached { train, validation: open(validation, 0)? });
        Ok(())
    }

    fn other_rate(&self, model: &Captioner) -> Option<(ParamGroup, f64)> {
        let encoder = model.encoder.as_ref()?;
        Some((ParamGroup::ids_from_module(encoder.clone()), self.settings.model.encoder.encoder_rate))
    }

    fn evaluate(&mut self, model: &Captioner) -> Result<Option<Report>, TaskError> {
        if self.set.validation.is_empty() {
            return Ok(None);
        }
        self.prepare(&mut |_| {})?;
        let evaluation = Evaluation {
            member: Member { model, settings: &self.settings, source: self.validation_source(model)? },
            others: Vec::new(),
            vocabulary: &self.assets.vocabulary,
            set: self.validation(),
            writing: self.settings.search().into(),
            batch_size: EVALUATION_BATCH,
            device: &self.device.clone().inner(),
        };
        Ok(Some(evaluation.run()?.0))
    }

    fn sample(&mut self, model: &Captioner, seed: u64) -> Result<Option<String>, TaskError> {
        let count = self.set.validation.len();
        if count == 0 {
            return Ok(None);
        }
        self.prepare(&mut |_| {})?;
        let first = seed as usize % count;
        let range: Range<usize> = first..count.min(first + 3);
        let (source, device) = (self.validation_source(model)?, self.device.clone().inner());
        let features = self.validation().features(range.clone(), source, &self.settings.model, &device)?;
        let found = model.write(features, &NEVER, &self.settings.search())?;
        let lines = self.set.validation[range].iter().zip(found).map(|(image, hypotheses)| {
            let caption = self.assets.vocabulary.decode(&hypotheses[0].symbols).join(" ");
            format!("{}\n  {caption}\n= {}\n", image.name, image.captions[0])
        });
        Ok(Some(lines.collect()))
    }
}

/// `encoder` with the weights of `file`.
pub(super) fn pretrained(encoder: Encoder, file: &Path) -> Result<Encoder, CaptionError> {
    let loaded = WeightFile::open(file).and_then(|weights| encoder.load(weights.tensors()));
    loaded.map_err(|source| CaptionError::EncoderWeights { path: file.to_owned(), source })
}

#[cfg(test)]
mod tests;
