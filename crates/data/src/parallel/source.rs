//! Sources of sentence pairs: a folder, two files, a table or the built-in dates.

use std::path::{Path, PathBuf};

use super::Pairs;
use crate::{DataError, ErrorKind, builtin, files};

/// A source of sentence pairs, with its training, validation and test splits.
///
/// ```
/// use rekindle_data::parallel::PairSource;
///
/// let dates = PairSource {
///     data: PairSource::DATES.to_owned(),
///     languages: ["source".to_owned(), "target".to_owned()],
///     columns: [1, 2],
///     validation_share: 0.05,
/// };
/// let [train, validation] = dates.training()?;
/// assert_eq!((train.len(), validation.len()), (20_000, 1000));
/// # Ok::<(), rekindle_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PairSource {
    /// A folder with `train.LANGUAGE` and optionally `val.LANGUAGE` and `test.LANGUAGE`, the `STEM` of files
    /// `STEM.LANGUAGE`, a table with tabs, or [`DATES`](Self::DATES). Files may end in `.gz`.
    pub data: String,
    /// The source and target languages, as file extensions.
    pub languages: [String; 2],
    /// The source and target columns of a table, from 1.
    pub columns: [usize; 2],
    /// Share of the training pairs, from their end, that is held out if the data has no validation split.
    pub validation_share: f64,
}

/// The files of a split.
struct PartFiles {
    /// Possible file names; the first that exists is used.
    names: &'static [&'static str],
    /// Number of generated dates, and their seed.
    dates: (usize, u64),
}

const TRAIN: PartFiles = PartFiles { names: &["train"], dates: (20_000, 1) };
const VALIDATION: PartFiles = PartFiles { names: &["val", "valid", "dev"], dates: (1000, 2) };
const TEST: PartFiles = PartFiles { names: &["test"], dates: (1000, 3) };

impl PairSource {
    /// The name of the built-in dates.
    pub const DATES: &str = "builtin:dates";

    /// The same, without the prefix of built-in sets.
    pub(crate) const NAME: &str = "dates";

    /// The training pairs and the validation pairs. Both may have pairs with an empty side.
    ///
    /// # Errors
    ///
    /// When the files cannot be read or do not match.
    pub fn training(&self) -> Result<[Pairs; 2], DataError> {
        let mut train = match self.split(&TRAIN)? {
            Some(train) => train,
            // The error names the missing file of the folder.
            None if Path::new(&self.data).is_dir() => self.stem(&Path::new(&self.data).join(TRAIN.names[0]))?,
            None => self.whole(&self.data)?,
        };
        let validation = match self.split(&VALIDATION)? {
            Some(validation) => validation,
            None => train.split_off_last((train.len() as f64 * self.validation_share) as usize),
        };
        Ok([train, validation])
    }

    /// The test split; none if the data has none.
    ///
    /// # Errors
    ///
    /// As [`training`](Self::training).
    pub fn test(&self) -> Result<Option<Pairs>, DataError> {
        self.split(&TEST)
    }

    /// All pairs of a table, or of the files `STEM.LANGUAGE`.
    ///
    /// # Errors
    ///
    /// As [`training`](Self::training).
    pub fn whole(&self, data: &str) -> Result<Pairs, DataError> {
        let path = Path::new(data);
        if !path.is_file() {
            return self.stem(path);
        }
        let name = data.strip_suffix(".gz").unwrap_or(data);
        let advice = self.languages.iter().find_map(|language| {
            let stem = name.strip_suffix(&format!(".{language}"))?;
            Some(format!("; two files are given without `.{language}`: {stem}"))
        });
        Pairs::read_columns(path, self.columns, advice.as_deref().unwrap_or_default())
    }

    /// A split with its own data.
    fn split(&self, split: &PartFiles) -> Result<Option<Pairs>, DataError> {
        if builtin::parse(&self.data, "built-in set of pairs", &[(Self::NAME, ())])?.is_some() {
            let (count, seed) = split.dates;
            return Ok(Some(Pairs::dates(count, seed)));
        }
        let mut stems = split.names.iter().map(|name| Path::new(&self.data).join(name));
        let found = stems.find(|stem| file(stem, &self.languages[0]).exists());
        found.map(|stem| self.stem(&stem)).transpose()
    }

    fn stem(&self, stem: &Path) -> Result<Pairs, DataError> {
        let files = self.languages.each_ref().map(|language| file(stem, language));
        match files.iter().find(|file| !file.exists()).map(|missing| (missing, languages(stem))) {
            Some((missing, there)) if !there.is_empty() => {
                let message = format!(
                    "no such file; there are the languages {}: choose two with --source-lang and --target-lang",
                    there.join(", ")
                );
                Err(ErrorKind::NotFound.error(message).within(missing))
            }
            _ => Pairs::read_files(&files[0], &files[1]),
        }
    }
}

/// The languages that have files `STEM.LANGUAGE`.
fn languages(stem: &Path) -> Vec<String> {
    let folder = stem.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = stem.file_name().unwrap_or_default().to_string_lossy();
    let language = |path: PathBuf| {
        let language = path.file_name()?.to_str()?.strip_prefix(&*name)?.strip_prefix('.')?.to_owned();
        Some(language.strip_suffix(".gz").map_or(language.clone(), str::to_owned))
    };
    // If the folder cannot be read, the error is that of the requested file.
    let found = files::entries(folder).unwrap_or_default();
    found.into_iter().filter_map(language).collect()
}

/// `STEM.LANGUAGE`, or with `.gz` if only that exists.
fn file(stem: &Path, language: &str) -> PathBuf {
    let plain = PathBuf::from(format!("{}.{language}", stem.display()));
    files::existing(&plain).unwrap_or(plain)
}
