//! The clips of a run, with training, validation and test splits.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::generated::Generator;
use super::manifest::{self, Entry, identity};
use super::raw::{ClipReader, RawClip};
use super::reader::{LabelSource, changes_of_pictures, no_labels};
use super::{Clip, FrameSchema, Transitions};
use crate::files::has_extension;
use crate::split::{Part, Split};
use crate::{DataError, ErrorKind, counted};

/// The source of clips: files, folders, a manifest or a generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameSource {
    place: Place,
    /// A file of labels for a clip, or for an array of clips, without its own.
    labels: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Builtin(Generator),
    /// A test clip, by its number.
    BuiltinClip(Generator, usize),
    Paths(Vec<PathBuf>),
    /// A clip, and never a manifest.
    Clip(PathBuf),
}

/// The files that a source names.
#[derive(Default)]
struct Named {
    /// The clips, with their splits.
    clips: Vec<(PathBuf, Part)>,
    /// The files of labels.
    labels: Vec<PathBuf>,
}

/// Clips to hold out, unless the data has its own split: one of several folds with similar label shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldOut {
    /// Number of folds.
    pub folds: usize,
    /// The index of the held-out fold, from 0.
    pub fold: usize,
}

/// The clips of a run.
#[derive(Clone, Debug)]
pub struct FrameSet {
    /// The input format and the classes of a model.
    pub schema: FrameSchema,
    /// The training split.
    pub train: Vec<Clip>,
    /// The validation split.
    pub validation: Vec<Clip>,
    /// The test split.
    pub test: Vec<Clip>,
}

impl FrameSource {
    /// Parses a built-in set such as `builtin:moving-shapes`, one of its test clips such as
    /// `builtin:moving-shapes/7`, a manifest, or a list of clips and lists of clips: `PATH,PATH`.
    /// `labels` is a file with the labels of a single `PATH`.
    ///
    /// # Errors
    ///
    /// When it names nothing, or `labels` does not apply to it.
    pub fn parse(text: &str, labels: Option<&Path>) -> Result<Self, DataError> {
        let place = match Generator::parse(text)? {
            Some((generator, Some(number))) => Place::BuiltinClip(generator, number),
            Some((generator, None)) => Place::Builtin(generator),
            None => Place::Paths(text.split(',').map(PathBuf::from).collect()),
        };
        let why = match &place {
            Place::Paths(paths) if paths.iter().any(|path| path.as_os_str().is_empty()) => {
                let message = format!("`{text}` does not name clips: want PATH, PATH,PATH, a manifest or builtin:NAME");
                return Err(ErrorKind::Setting.error(message));
            }
            Place::Paths(paths) if paths.len() > 1 => "for several clips, pass a manifest (.csv)",
            Place::Clip(_) => unreachable!("it is not parsed"),
            Place::Builtin(_) | Place::BuiltinClip(..) => "the built-in clips have their own",
            Place::Paths(_) => "",
        };
        if labels.is_some() && !why.is_empty() {
            return Err(labels_without_clip(why));
        }
        Ok(Self { place, labels: labels.map(Path::to_owned) })
    }

    /// A single clip at `path`: a table there is never a manifest, which would name other files.
    pub fn of_clip(path: impl Into<PathBuf>) -> Self {
        Self { place: Place::Clip(path.into()), labels: None }
    }

    /// The paths given; none if clips are generated.
    fn paths(&self) -> &[PathBuf] {
        match &self.place {
            Place::Paths(paths) => &paths[..],
            Place::Clip(path) => std::slice::from_ref(path),
            Place::Builtin(_) | Place::BuiltinClip(..) => &[],
        }
    }

    /// The manifest, if this is one.
    fn manifest(&self) -> Result<Option<&Path>, DataError> {
        if let Place::Paths(paths) = &self.place
            && let [path] = &paths[..]
            && has_extension(path, "csv")
            && manifest::is_manifest(path)?
        {
            return Ok(Some(path.as_path()));
        }
        Ok(None)
    }

    /// The files that it names, each clip once.
    ///
    /// # Errors
    ///
    /// When a manifest cannot be read, or a clip is named twice.
    fn named(&self) -> Result<Named, DataError> {
        let mut named = Named { labels: self.labels.iter().cloned().collect(), ..Named::default() };
        if let Some(path) = self.manifest()? {
            let entries = manifest::entries(path)?;
            manifest::check_distinct(path, &entries)?;
            for Entry { path, label_file, part, .. } in entries {
                named.clips.push((path, part));
                named.labels.extend(label_file);
            }
            return Ok(named);
        }
        let mut seen = HashSet::new();
        for path in self.paths() {
            if !seen.insert(identity(path)) {
                return Err(ErrorKind::Setting.error("named twice: name each clip once").within(path));
            }
            named.clips.push((path.clone(), Part::Train));
        }
        Ok(named)
    }

    /// Its clips by split. With `labelled`, clips other than a manifest's must have labels.
    fn read(&self, reader: &ClipReader, labelled: bool) -> Result<Split<Vec<RawClip>>, DataError> {
        if let Some(path) = self.manifest()? {
            if self.labels.is_some() {
                return Err(labels_without_clip("the manifest says where they are"));
            }
            return manifest::read(path, reader);
        }
        let labels = match &self.labels {
            Some(file) => LabelSource::File(file),
            None if labelled => LabelSource::Clip,
            None => LabelSource::ClipIfThere,
        };
        let reader = reader.with_columns_of(self.paths().iter().map(PathBuf::as_path))?;
        let mut train = Vec::new();
        for path in self.paths() {
            train.extend(reader.read(path, labels)?);
        }
        Ok(Split { train, ..Split::default() })
    }

    /// All clips, in the format of a model of `schema`. With `labelled`, each must have labels.
    ///
    /// # Errors
    ///
    /// When a clip cannot be read, or does not fit the model.
    pub fn clips(&self, reader: &ClipReader, schema: &FrameSchema, labelled: bool) -> Result<Vec<Clip>, DataError> {
        let clips = match self.place {
            Place::Builtin(generator) => generator.fitting(generator.clips(Part::Test), schema)?,
            Place::BuiltinClip(generator, number) => {
                generator.fitting(vec![generator.clip(Part::Test, number)], schema)?
            }
            Place::Paths(_) | Place::Clip(_) => {
                let Split { train, validation, test } = self.read(&schema.reader(reader), labelled)?;
                schema.apply([train, validation, test].concat())?
            }
        };
        match clips.iter().find(|clip| clip.labels.is_none()) {
            Some(clip) if labelled => Err(no_labels(&clip.name)),
            _ => Ok(clips),
        }
    }
}

impl FrameSet {
    /// Opens the clips of a new run: those of `source`, and those of `validation` to hold out. Without `validation`,
    /// the manifest or `hold_out` determines the held-out clips.
    ///
    /// # Errors
    ///
    /// When a clip cannot be read or is named twice, the clips do not match, a setting is ignored, or there are fewer
    /// than two classes.
    pub fn open(
        source: &FrameSource,
        validation: Option<&FrameSource>,
        reader: &ClipReader,
        hold_out: Option<HoldOut>,
    ) -> Result<Self, DataError> {
        check_named(source, validation, reader)?;
        match source.place {
            Place::Builtin(generator) if reader.changes.is_some() => {
                return Err(changes_of_pictures(&generator.source()));
            }
            Place::Builtin(generator) => {
                if let Some(HoldOut { folds, .. }) = hold_out {
                    let message = format!("--folds {folds}: only for clips in files; the built-in ones have splits");
                    return Err(ErrorKind::Setting.error(message));
                }
                let mut set = Self::reopen(source, validation, reader, hold_out, generator.schema())?;
                let labels = set.train.iter().filter_map(|clip| clip.labels.as_deref());
                set.schema.transitions = Some(Transitions::count(set.schema.classes.len(), labels));
                return Ok(set);
            }
            Place::BuiltinClip(generator, _) => {
                let remedy = format!("one built-in clip is for `predict`; use {}", generator.source());
                return Err(no_clips("train on", &remedy));
            }
            Place::Paths(_) | Place::Clip(_) => {}
        }
        let mut parts = source.read(reader, true)?;
        hold_out_of(&mut parts, validation, hold_out)?;
        let schema = FrameSchema::fit(&parts.train, reader)?;
        Self::from_parts(parts, validation, reader, schema)
    }

    /// Opens the clips of an existing run for a model of `schema`.
    ///
    /// # Errors
    ///
    /// When a clip cannot be read, or does not fit the model.
    pub fn reopen(
        source: &FrameSource,
        validation: Option<&FrameSource>,
        reader: &ClipReader,
        hold_out: Option<HoldOut>,
        schema: FrameSchema,
    ) -> Result<Self, DataError> {
        if let Place::Builtin(generator) = source.place {
            let [train, own, test] = [Part::Train, Part::Validation, Part::Test].map(|part| generator.clips(part));
            let validation = match validation {
                Some(validation) => validation.clips(reader, &schema, true)?,
                None => own,
            };
            return Ok(Self { schema, train, validation, test });
        }
        let mut parts = source.read(&schema.reader(reader), true)?;
        hold_out_of(&mut parts, validation, hold_out)?;
        Self::from_parts(parts, validation, reader, schema)
    }

    fn from_parts(
        parts: Split<Vec<RawClip>>,
        validation: Option<&FrameSource>,
        reader: &ClipReader,
        schema: FrameSchema,
    ) -> Result<Self, DataError> {
        let held_out = match validation {
            Some(validation) => validation.clips(reader, &schema, true)?,
            None => schema.apply(parts.validation)?,
        };
        let set =
            Self { train: schema.apply(parts.train)?, validation: held_out, test: schema.apply(parts.test)?, schema };
        let all = set.train.iter().chain(&set.validation).chain(&set.test);
        match all.clone().find(|clip| clip.labels.is_none()) {
            Some(clip) => Err(no_labels(&clip.name)),
            None => Ok(set),
        }
    }
}

/// Checks that the sources of a new run name each clip once, and tables if columns are chosen. Runs of earlier versions
/// may do neither, and open.
fn check_named(source: &FrameSource, validation: Option<&FrameSource>, reader: &ClipReader) -> Result<(), DataError> {
    let (all, held_out) = (source.named()?, validation.map(FrameSource::named).transpose()?.unwrap_or_default());
    let to_train_on = all.clips.iter().filter(|(_, part)| *part == Part::Train);
    let to_train_on: HashSet<PathBuf> = to_train_on.map(|(path, _)| identity(path)).collect();
    if let Some((path, _)) = held_out.clips.iter().find(|(path, _)| to_train_on.contains(&identity(path))) {
        let message = "--dev: this clip is also in --data, to train on: validate on other clips";
        return Err(ErrorKind::Setting.error(message).within(path));
    }
    let is_table = |path: &PathBuf| has_extension(path, "csv");
    if all.clips.iter().chain(&held_out.clips).any(|(path, _)| is_table(path)) {
        return Ok(());
    }
    let ClipReader { label_column, ignore, .. } = reader;
    if !ignore.is_empty() {
        let message = format!("--ignore {}: only for tables (.csv), and no clip is one", ignore.join(","));
        return Err(ErrorKind::Setting.error(message));
    }
    if label_column != ClipReader::LABEL_COLUMN && !all.labels.iter().chain(&held_out.labels).any(is_table) {
        let message = format!(
            "--label-column {label_column}: only for tables (.csv), and neither a clip nor a file of labels is one"
        );
        return Err(ErrorKind::Setting.error(message));
    }
    Ok(())
}

/// Moves the clips of the fold `hold_out` from training to validation, unless there are validation clips already.
fn hold_out_of(
    parts: &mut Split<Vec<RawClip>>,
    validation: Option<&FrameSource>,
    hold_out: Option<HoldOut>,
) -> Result<(), DataError> {
    let Some(HoldOut { folds, fold }) = hold_out else { return Ok(()) };
    if validation.is_some() || !parts.validation.is_empty() {
        return Err(no_clips("hold out", "--folds is for data that has no other clips to judge by"));
    }
    let clips = parts.train.len();
    if folds < 2 || fold >= folds || clips < folds {
        let message = format!(
            "--fold {fold} of --folds {folds} with {}: want at least as many clips as folds, at least 2 folds, \
             and a fold from 0 to folds - 1",
            counted(clips, "clips")
        );
        return Err(ErrorKind::Setting.error(message));
    }
    // Shuffled, sorted by label and distributed in turn, so that every fold gets its share of every label.
    let mut order: Vec<usize> = (0..clips).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
    order.sort_by_key(|&clip| {
        parts.train[clip].labels.as_ref().and_then(|labels| labels.commonest().map(str::to_owned))
    });
    let mut held_out = vec![false; clips];
    order.iter().skip(fold).step_by(folds).for_each(|&clip| held_out[clip] = true);
    let all = std::mem::take(&mut parts.train).into_iter().zip(held_out);
    for (clip, held_out) in all {
        if held_out { parts.validation.push(clip) } else { parts.train.push(clip) }
    }
    Ok(())
}

fn no_clips(purpose: &str, remedy: &str) -> DataError {
    ErrorKind::TooLittle.error(format!("there is no clip to {purpose}: {remedy}"))
}

fn labels_without_clip(why: &str) -> DataError {
    ErrorKind::Setting.error(format!("--labels: {why}"))
}
