//! The operations of a trained captioner.

use std::path::{Path, PathBuf};

use rekindle_data::captions::{CaptionOptions, CaptionSet, read_picture};
use rekindle_data::parallel::WordVocabulary;
use rekindle_models::captioner::Captioner;
use rekindle_models::decode::{Hypothesis, Sampling, Search};
use rekindle_onnx::{NamedModel, Opset, ToOnnx as _, image_encoder};
use rekindle_pictures::{Thumbnail, attended};

use super::assets::NEVER;
use super::evaluation::Written;
use super::features::ImageSet;
use super::gallery::gallery;
use super::task::{CaptionTask, EVALUATION_BATCH};
use super::writing::{ConsensusSettings, Writing};
use crate::import::import;
use crate::operation::NoSplit;
use crate::prelude::*;
use crate::seeds::mix;
use crate::sentences::{Sentence, with_symbols};

/// Images per batch of captioning.
const BATCH: usize = 16;

/// Side of the image in a drawing of attention, in pixels.
const THUMBNAIL: usize = 224;

settings! {
    /// Options of `eval`.
    pub struct EvalOptions {
        /// Write all captions to this file, in the format of COCO's results
        results: Option<PathBuf> => value("FILE").unset("none");
        /// Write a page of images with their captions and the attention weights to this HTML file
        gallery: Option<PathBuf> => value("FILE").endings(["html", "htm"]).unset("none");
        /// Images on the page of --gallery
        gallery_size: Option<usize> => value("COUNT").at_least(1).unset("10").used_with("gallery", []);
        /// Seed that chooses the images of --gallery
        gallery_seed: Option<u64> => value("SEED").at_least(0).unset("1").used_with("gallery", []);
        /// Folder of the images of --data
        images: Option<PathBuf> => value("FOLDER").unset("beside the captions, as the format has it");
        /// Skip images of --data that are missing or have no caption
        allow_missing: bool;
        /// How captions are searched for.
        @flatten search: SearchSettings;
        /// How one of them is chosen.
        @flatten consensus: ConsensusSettings;
    }
}

settings! {
    /// Options of `predict`.
    #[check(Self::consistent)]
    pub struct PredictOptions {
        /// Temperature to draw tokens at, instead of a search: below 1 safer, above 1 more varied
        temperature: Option<f32> => at_least(0).unset("a search");
        /// Seed of --temperature; the same seed gives the same captions
        seed: Option<u64> => at_least(0).unset("random").used_with("temperature", []);
        /// How captions are searched for.
        @flatten search: SearchSettings;
        /// How one of them is chosen.
        @flatten consensus: ConsensusSettings;
        /// What is shown.
        @flatten shown: ShownSettings;
    }
}

settings! {
    /// Options of the playground.
    #[check(Self::consistent)]
    pub struct PlayOptions {
        /// Temperature to draw tokens at, instead of a search: below 1 safer, above 1 more varied
        temperature: Option<f32> => at_least(0).unset("a search");
        /// Seed of --temperature; the same seed gives the same captions
        seed: Option<u64> => at_least(0).unset("random").used_with("temperature", []);
        /// How captions are searched for.
        @flatten search: SearchSettings;
        /// Show this many of the best captions
        n_best: usize = 3 => value("COUNT").at_least(1).at_most(20);
    }
}

impl PredictOptions {
    fn consistent(&self) -> Result<(), SettingError> {
        match (self.temperature, self.consensus.consensus) {
            (Some(temperature), Some(_)) => {
                let wanted = "left out with --consensus, which has --consensus-temperature";
                Err(SettingError::invalid("temperature", temperature, wanted))
            }
            (temperature, _) => drawn_or_searched(temperature, &self.search),
        }
    }
}

impl PlayOptions {
    fn consistent(&self) -> Result<(), SettingError> {
        drawn_or_searched(self.temperature, &self.search)
    }
}

/// Captions are drawn at a temperature, or searched for.
fn drawn_or_searched(temperature: Option<f32>, search: &SearchSettings) -> Result<(), SettingError> {
    match temperature {
        Some(temperature) if *search != SearchSettings::default() => {
            let wanted = "given without options of the search, such as --beam";
            Err(SettingError::invalid("temperature", temperature, wanted))
        }
        _ => Ok(()),
    }
}

impl Operate for CaptionTask {
    fn operations() -> Operations<Self> {
        Operations::default()
            .onnx(onnx)
            .evaluate(eval)
            .predict(predict)
            .import(import::<Self>)
            .together(alike)
            .instead_of_neurons(
                "attention stands in their place: `rekindle predict RUN IMAGE --attention FILE` draws what each word \
                 attends to",
            )
            .playground(Input::Picture, "The image is stretched to a square, as the model reads it.", play)
    }
}

type Writer = Trained<CaptionTask>;

fn onnx(trained: &Writer, opset: Opset) -> Result<Vec<NamedModel>, TaskError> {
    let config = trained.settings.model.encoder.config();
    let mut graphs = vec![image_encoder(trained.encoder()?, &config, trained.model.view(), opset)?];
    graphs.extend(trained.model.to_onnx(opset)?);
    Ok(with_symbols(graphs, [WordVocabulary::START, WordVocabulary::END]))
}

fn alike(one: &Writer, other: &Writer) -> bool {
    one.assets.vocabulary == other.assets.vocabulary
}

fn eval(
    trained: Writer,
    request: Evaluate,
    options: EvalOptions,
    output: &mut Output<'_>,
) -> Result<Report, TaskError> {
    let data = &trained.settings.data;
    let (pictures, images, name) = match &request.on {
        On::Data(path) => {
            let (images, allow_missing) = (options.images.clone(), options.allow_missing || data.allow_missing);
            let set = CaptionSet::open(path, &CaptionOptions { images, allow_missing, ..data.options() })?;
            set.notes.iter().for_each(|note| output.note(note));
            (set.pictures.clone(), set.into_all(), "other")
        }
        On::Split(_) if options.images.is_some() || options.allow_missing => {
            let (option, value) = match &options.images {
                Some(images) => ("images", images.display().to_string()),
                None => ("allow-missing", true.to_string()),
            };
            return Err(SettingError::invalid(option, value, "given with --data").into());
        }
        On::Split(split) => {
            let set = CaptionSet::open(&data.data, &data.options())?;
            let images = split.of([set.train, set.validation, set.test]);
            if images.is_empty() {
                return Err(NoSplit(*split).into());
            }
            (set.pictures, images, split.name())
        }
    };
    let search = options.search.search(trained.settings.search())?;
    let consensus = options.consensus.consensus(&trained)?;
    let set = ImageSet { pictures: &pictures, images: &images, name, workers: data.workers };
    let mut prepared = |news: Preparation<'_>| match news {
        Preparation::Message(message) => output.warn(message),
        Preparation::Progress { what, done, total } if done % 512 == 0 || done == total => {
            output.note(format_args!("{done}/{total} {what}"));
        }
        Preparation::Progress { .. } => {}
    };
    let batch_size = request.batch_size.unwrap_or(EVALUATION_BATCH);
    let (report, written) = trained.evaluate(set, Writing { search, consensus }, batch_size, &mut prepared)?;
    if let Some(file) = &options.results {
        let result =
            |written: &Written| json!({"image_id": written.id, "caption": written.caption, "file_name": written.name});
        output.file(file, &serde_json::to_string(&written.iter().map(result).collect::<Value>())?)?;
    }
    if let Some(file) = &options.gallery {
        let (size, seed) = (options.gallery_size.unwrap_or(10), options.gallery_seed.unwrap_or(1));
        output.file(file, &gallery(&trained, set, &written, size, seed)?)?;
    }
    Ok(report)
}

fn predict(
    trained: Writer,
    request: Predict,
    options: PredictOptions,
    output: &mut Output<'_>,
) -> Result<(), TaskError> {
    let files = request.inputs.given("images")?;
    let PredictOptions { temperature, seed, search, consensus, shown } = options;
    let search = shown.search(&search, trained.settings.search(), trained.model.attention.is_some())?;
    let writing = Writing { search, consensus: consensus.consensus(&trained)? };
    let drawn = Drawn::of(temperature, seed);
    output.list();
    let mut last = None;
    for (number, batch) in (0..).zip(files.chunks(BATCH)) {
        let drawn = drawn.map(|drawn| Drawn { batch: number, ..drawn });
        let members = trained.members(&batch.iter().map(Path::new).collect::<Vec<_>>())?;
        let found = match drawn {
            Some(drawn) => draw(&trained, &members, batch.len(), writing.search.max_length, drawn, shown.best())?,
            None => sentences(&trained, writing.write(&members, number)?),
        };
        for (file, mut captions) in batch.iter().zip(found) {
            captions.truncate(shown.best());
            last = captions.first().map(|(text, _)| (Path::new(file), text.clone()));
            let alone = shown.n_best.is_none() && files.len() == 1;
            let before = if alone { String::new() } else { format!("{file}\t") };
            let captions = shown.show(&before, &captions, output)?;
            output.item(json!({"image": file, "captions": captions}));
        }
    }
    let (Some(drawing), Some((file, text))) = (&shown.attention, last) else { return Ok(()) };
    let (words, weights) = trained.attention_weights(trained.features(&[file])?, &text)?;
    let picture = attended("picture", &Thumbnail::new(&read_picture(file, THUMBNAIL)?), &words, &weights);
    output.file(drawing, &picture.svg)
}

/// How captions are sampled.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    temperature: f32,
    seed: u64,
    /// The number of the batch of images.
    batch: u64,
}

impl Drawn {
    /// For the first batch, with a random seed if there is none.
    fn of(temperature: Option<f32>, seed: Option<u64>) -> Option<Self> {
        temperature.map(|temperature| Self { temperature, seed: seed.unwrap_or_else(rand::random), batch: 0 })
    }

    /// The seed of one sample of each image of the batch. Other batches, samples and seeds have other ones.
    fn seed_of(self, sample: u64) -> u64 {
        mix(mix(self.seed, self.batch), sample)
    }
}

/// Captions with their texts.
fn sentences(trained: &Writer, found: Vec<Vec<Hypothesis>>) -> Vec<Vec<Sentence>> {
    found.into_iter().map(|found| found.into_iter().map(|h| trained.with_text(h)).collect()).collect()
}

/// Samples `count` captions for each of `images` images with the features that each model reads.
fn draw(
    trained: &Writer,
    members: &[(&Captioner, Tensor<3>)],
    images: usize,
    longest: usize,
    drawn: Drawn,
    count: usize,
) -> Result<Vec<Vec<Sentence>>, TaskError> {
    let sampling = Sampling { temperature: drawn.temperature, ..Sampling::default() };
    let mut all = vec![Vec::new(); images];
    for number in 0..count as u64 {
        let seed = drawn.seed_of(number);
        let captions = Captioner::draw_together(members, &NEVER, longest, sampling, seed)?;
        all.iter_mut().zip(captions).for_each(|(all, caption)| all.push(trained.with_text(caption)));
    }
    Ok(all)
}

/// The best captions of an image, with the attention weights of each word.
fn play(trained: &Writer, play: Play, options: PlayOptions, answers: &mut Answers<'_>) -> Result<(), TaskError> {
    let [file] = &play.files[..] else { return Err("give one image".into()) };
    let PlayOptions { temperature, seed, search, n_best } = options;
    let search = search.search(trained.settings.search())?;
    let search = Search { beam: search.beam.max(n_best), ..search };
    let drawn = Drawn::of(temperature, seed);
    let features = trained.features(&[file])?;
    let [_, places, _] = features.dims();
    let members = [(&trained.model, features.clone())];
    let mut all = match drawn {
        Some(drawn) => draw(trained, &members, 1, search.max_length, drawn, n_best)?,
        None => trained.captions(features.clone(), &search)?,
    };
    let mut found = all.remove(0);
    found.truncate(n_best);
    let mut hypotheses = Vec::new();
    for (text, hypothesis) in &found {
        check_stop()?;
        let (words, weights) = trained.attention_weights(features.clone(), text)?;
        let attention = Some(weights).filter(|weights| !weights.is_empty());
        hypotheses.push(json!({"text": text, "words": words, "score": hypothesis.score, "attention": attention}));
    }
    let (side, image) = (places.isqrt(), trained.image_side());
    answers
        .line(&json!({"image": {"width": image, "height": image}, "hypotheses": hypotheses, "grid": [side, side]}))?;
    answers.line(&json!({"done": true}))
}

#[cfg(test)]
mod tests;
