//! The readers of untrusted bytes.

use std::fs;
use std::path::{Path, PathBuf};

use rekindle_data::captions::{CaptionOptions, CaptionSet, read_picture};
use rekindle_data::files::{self, Encoding};
use rekindle_data::frames::{ClipReader, FrameSchema, FrameSet, FrameSource, ImageShape, Normalization, Statistics};
use rekindle_data::images::{ImageReader, ImageSet, WholeSource};
use rekindle_data::labelled::{LabelledSource, TextReader, TextVocabulary, WordConfig, WordVectors};
use rekindle_data::outputs::References;
use rekindle_data::parallel::{Languages, Pairs};
use rekindle_data::rows::{RowFile, RowWriter};
use rekindle_data::{Corpus, DataError, Streams, TextSource, Unit, Vocabulary, VocabularyConfig};
use rekindle_settings::{Sections, Table, Tables};
use rekindle_train::run::RunFolder;
use rekindle_train::run::assets::AssetReader;
use rekindle_train::run::checkpoint::{self, Which};
use rekindle_train::sha256;
use rekindle_train::tasks::{adding, caption, chars, draw, frames, sentiment, translate};
use rekindle_weights::WeightFile;
use serde_json::json;

/// A reader of untrusted bytes.
#[derive(Debug)]
pub struct Reader {
    /// Its name.
    pub name: &'static str,
    /// The memory that it may take, as a multiple of the file's size.
    pub times: usize,
    /// Memory that it may take in addition, in bytes.
    pub allowance: usize,
    /// Words of the format, to insert at wrong places.
    pub words: &'static [&'static [u8]],
    /// The reader whose corpus folder it shares; none if it has its own.
    shares: Option<&'static str>,
    /// The path of the file in a scratch folder.
    file: &'static str,
    /// Files beside it.
    beside: &'static [(&'static str, &'static [u8])],
    /// Reads the file. It may return an error, but not panic.
    pub read: fn(&Path),
}

impl Reader {
    /// Its folder in `corpus/`.
    pub fn corpus(&self) -> &'static str {
        self.shares.unwrap_or(self.name)
    }

    /// Writes the files beside the file to `folder`; returns the path of the file.
    ///
    /// # Panics
    ///
    /// When `folder` cannot be written.
    pub fn prepare(&self, folder: &Path) -> PathBuf {
        let path = folder.join(self.file);
        let above = path.parent().unwrap_or(folder);
        fs::create_dir_all(above).expect("the scratch folder can be written");
        for (name, bytes) in self.beside {
            fs::write(folder.join(name), bytes).expect("the scratch folder can be written");
        }
        path
    }
}

/// Readers with a record per line or value, possibly empty: a place, a label and a text, or a key and its position.
const RECORDS: usize = 320;
/// Buffers, the tables of a decoder, the cache of a tokenizer.
const LITTLE: usize = 4 << 20;
/// The memory that [`files`] allows any gzip file to unpack to: as bytes, as text and as a growing buffer.
const UNPACKED: usize = 4 * (64 << 20);
/// An image of 100 megapixels, the largest one decoded, with 16 bits a channel and a copy in 8 bits.
const DECODED: usize = 1400 << 20;

const PLAIN: Reader = Reader {
    name: "",
    times: 16,
    allowance: LITTLE,
    words: &[b"\n", b"\r\n", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b", b"\xe2\x80\x8d", b" "],
    shares: None,
    file: "file",
    beside: &[],
    read: |_| {},
};
const CELLS: &[&[u8]] =
    &[b",", b";", b"\t", b"\"", b"\"\"", b"\n", b"\r", b"\xef\xbb\xbf", b"nan", b"1e39", b"-0", b"\x1f\x8b"];
const JSON: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"18446744073709551615",
    b"\\u0000",
    b"\\ud800",
    b"\"\"",
    b"[[[[[[[[",
    b"\xef\xbb\xbf",
];
const TOML: &[&[u8]] = &[
    b"[",
    b"]",
    b"=",
    b"\n",
    b"\"",
    b"'''",
    b"{",
    b"}",
    b"-1",
    b"inf",
    b"nan",
    b"9223372036854775807",
    b"true",
    b"[model]\n",
    b"[training]\n",
    b"a.b.c = 1\n",
    b"#",
    b"[[",
];
const NUMPY: &[&[u8]] =
    &[b"(", b")", b",", b"'<f4'", b"'|O'", b"'>i8'", b"True", b"18446744073709551615", b"{", b"[", b"0, "];
const PICKLE: &[&[u8]] = &[
    b"(",
    b")",
    b".",
    b"}",
    b"]",
    b"0",
    b"1",
    b"2",
    b"N",
    b"K\xff",
    b"M\xff\xff",
    b"J\xff\xff\xff\x7f",
    b"G\0\0\0\0\0\0\0\0",
    b"X\x04\0\0\0ab",
    b"U\x02ab",
    b"t",
    b"l",
    b"d",
    b"e",
    b"a",
    b"s",
    b"u",
    b"b",
    b"R",
    b"Q",
    b"q\0",
    b"h\0",
    b"r\0\0\0\0",
    b"j\0\0\0\0",
    b"\x80\x02",
    b"\x81",
    b"\x85",
    b"\x86",
    b"\x87",
    b"\x88",
    b"\x8a\x08",
    b"\x8c\x01a",
    b"\x90",
    b"\x91",
    b"\x93",
    b"\x94",
    b"\x95",
    b"ccollections\nOrderedDict\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"\"shape\":[",
    b"99999999999",
];

/// All readers.
pub const ALL: &[Reader] = &[
    Reader { name: "text", allowance: UNPACKED, read: text, ..PLAIN },
    Reader { name: "text-encoding", shares: Some("text"), allowance: UNPACKED, read: encodings, ..PLAIN },
    Reader { name: "gzip", allowance: UNPACKED, read: |path| drop(files::bytes(path)), ..PLAIN },
    Reader { name: "vocabulary", words: JSON, read: vocabulary, ..PLAIN },
    Reader { name: "labelled-csv", times: RECORDS, file: "file.csv", words: CELLS, read: labelled, ..PLAIN },
    Reader { name: "labelled-tsv", times: RECORDS, file: "file.tsv", words: CELLS, read: labelled, ..PLAIN },
    Reader { name: "labelled-jsonl", times: RECORDS, file: "file.jsonl", words: JSON, read: labelled, ..PLAIN },
    Reader {
        name: "labelled-lines",
        times: RECORDS,
        file: "film.pos",
        beside: &[("film.neg", b"a bad film\n")],
        read: |path| of_classes(&format!("{},{}", path.display(), path.with_extension("neg").display())),
        ..PLAIN
    },
    Reader { name: "text-vocabulary", words: JSON, read: text_vocabulary, ..PLAIN },
    Reader { name: "word-vectors", words: CELLS, read: word_vectors, ..PLAIN },
    Reader { name: "pairs-table", words: CELLS, read: |path| drop(Pairs::read_table(path, 1, 2)), ..PLAIN },
    Reader {
        name: "pairs-files",
        file: "en",
        beside: &[("de", b"die Katze\nder Hund\n\n")],
        read: |path| drop(Pairs::read_files(path, &path.with_file_name("de"))),
        ..PLAIN
    },
    Reader { name: "languages", words: JSON, read: languages, ..PLAIN },
    Reader {
        name: "captions-json",
        file: "captions.json",
        beside: &[("a.png", b""), ("b.png", b"")],
        words: JSON,
        read: captions,
        ..PLAIN
    },
    Reader {
        name: "outputs",
        shares: Some("captions-json"),
        file: "captions.json",
        times: RECORDS,
        words: JSON,
        read: |path| {
            let references = References::open(&[path.to_owned()]);
            drop(references.and_then(|references| references.outputs(path)));
        },
        ..PLAIN
    },
    Reader {
        name: "captions-text",
        file: "captions.txt",
        beside: &[("a.png", b""), ("b.png", b"")],
        words: CELLS,
        read: captions,
        ..PLAIN
    },
    Reader {
        name: "picture",
        allowance: DECODED,
        words: &[
            b"IHDR",
            b"IDAT",
            b"tRNS",
            b"Exif\0\0",
            b"\xff\xd8",
            b"\xff\xc0",
            b"\xff\xda",
            b"GIF89a",
            b"P6 ",
            b" 60000",
            b"RIFF",
            b"VP8L",
        ],
        read: |path| drop(read_picture(path, 8)),
        ..PLAIN
    },
    Reader { name: "idx", allowance: UNPACKED, read: images, ..PLAIN },
    Reader { name: "amat", file: "file.amat", words: CELLS, read: images, ..PLAIN },
    Reader { name: "clip-csv", file: "clip.csv", words: CELLS, read: |path| clips(path, None), ..PLAIN },
    Reader { name: "clip-npy", file: "clip.npy", words: NUMPY, read: |path| clips(path, None), ..PLAIN },
    Reader {
        name: "clip-gif",
        file: "clip.gif",
        allowance: DECODED,
        words: &[b"GIF89a", b"NETSCAPE2.0", b"\x21\xf9\x04", b"\x2c", b"\x3b"],
        read: |path| clips(path, None),
        ..PLAIN
    },
    Reader { name: "labels-npy", file: "labels.npy", beside: CLIP, words: NUMPY, read: labels, ..PLAIN },
    Reader { name: "labels-text", file: "labels.txt", beside: CLIP, words: CELLS, read: labels, ..PLAIN },
    Reader {
        name: "manifest",
        times: RECORDS,
        file: "clips.csv",
        beside: &[
            CLIP[0],
            ("labels.csv", b"label\na\nb\nb\n"),
            ("b.npy", include_bytes!("../corpus/clip-npy/one.npy")),
        ],
        words: CELLS,
        read: |path| clips(path, None),
        ..PLAIN
    },
    Reader { name: "frame-schema", words: JSON, read: |path| drop(FrameSchema::load(path)), ..PLAIN },
    Reader { name: "live-frames", words: CELLS, read: live_frames, ..PLAIN },
    Reader { name: "rows", words: JSON, read: rows, ..PLAIN },
    Reader { name: "rows-partial", file: "small.partial", words: JSON, read: rows_partial, ..PLAIN },
    Reader { name: "weights", words: PICKLE, read: weights, ..PLAIN },
    Reader { name: "settings", times: RECORDS, file: "config.toml", words: TOML, read: settings, ..PLAIN },
    Reader { name: "training", file: TRAINING, words: JSON, read: training, ..PLAIN },
    Reader { name: "checkpoint", file: MODEL, words: JSON, read: sealed_checkpoint, ..PLAIN },
    Reader { name: "assets", file: "assets.json", words: JSON, read: assets, ..PLAIN },
    Reader { name: "metrics", file: "metrics.jsonl", words: JSON, read: metrics, ..PLAIN },
];

const CLIP: &[(&str, &[u8])] = &[("a.csv", b"x,y,label\n1,2,a\n3,4,b\n5,6,b\n")];
const TRAINING: &str = "checkpoints/step-00000002/training.json";
const MODEL: &str = "checkpoints/step-00000002/model.bpk";

fn text(path: &Path) {
    for unit in Unit::ALL {
        let Ok(corpus) = Corpus::open(&TextSource::File(path.into()), unit) else { continue };
        let Ok(vocabulary) = Vocabulary::from_corpus(&corpus, &VocabularyConfig::default()) else { continue };
        if let Ok(mut streams) = Streams::new(&corpus, &vocabulary, 0..corpus.tokens(), 2, 5) {
            (0..streams.steps().min(3)).for_each(|step| drop(streams.batch(step)));
        }
    }
}

fn encodings(path: &Path) {
    for name in ["auto", "utf-8", "windows-1252", "utf-16le", "shift_jis", "gb18030", "iso-2022-jp"] {
        drop(name.parse::<Encoding>().expect("it is in the Encoding Standard").read(path));
    }
}

fn vocabulary(path: &Path) {
    let loaded = [Vocabulary::load(path)].into_iter().chain(Unit::ALL.map(|unit| Vocabulary::import(path, unit)));
    for vocabulary in loaded.flatten() {
        let ids: Vec<u32> = (0..vocabulary.len() as u32).collect();
        vocabulary.encode_lossy(vocabulary.decode(&ids));
    }
}

fn labelled(path: &Path) {
    of_classes(&path.display().to_string());
    let by_place =
        TextReader { text_column: Some("2".into()), label_column: Some("1".into()), ..TextReader::default() };
    drop(LabelledSource::parse(&path.display().to_string()).and_then(|source| source.read(&by_place)));
}

fn of_classes(source: &str) {
    let Ok(texts) = LabelledSource::parse(source).and_then(|source| source.read(&TextReader::default())) else {
        return;
    };
    if let Ok(vocabulary) = TextVocabulary::build(&texts, &WordConfig::default()) {
        drop(vocabulary.encode_all(&texts, 10));
    }
    drop(texts.hold_out(0.3, 1));
}

fn text_vocabulary(path: &Path) {
    if let Ok(vocabulary) = TextVocabulary::load(path) {
        vocabulary.encode("the film was not good", 3);
    }
}

fn word_vectors(path: &Path) {
    let texts = [("a", "good film ."), ("b", "bad")].map(|(label, text)| rekindle_data::labelled::LabelledText {
        text: text.into(),
        label: label.into(),
        place: String::new(),
    });
    let texts = rekindle_data::labelled::LabelledTexts::new("texts", texts.into()).expect("there are two");
    let vocabulary = TextVocabulary::build(&texts, &WordConfig::default()).expect("there are words");
    drop(WordVectors::read(path, &vocabulary));
}

fn languages(path: &Path) {
    let bytes = fs::read(path).expect("it was written");
    let Ok(Languages { source, target }) = serde_json::from_slice(&bytes) else { return };
    for language in [source, target] {
        let numbers = language.encode("The cat, nineteen ninety — नमस्ते");
        language.decode(&numbers);
        language.decode(&[0, 1, 2, 3, 4, 5, u32::MAX]);
    }
}

fn captions(path: &Path) {
    for allow_missing in [false, true] {
        let options = CaptionOptions { allow_missing, ..CaptionOptions::default() };
        drop(CaptionSet::open(&path.display().to_string(), &options));
    }
}

fn images(path: &Path) {
    let source = path.display().to_string();
    drop(ImageSet::open(&source, &ImageReader { size: Some(8), ..ImageReader::default() }));
    drop(WholeSource::open(&source, &ImageReader::default()));
}

fn clips(path: &Path, labels: Option<&Path>) {
    let image = ImageShape { channels: 1, size: 8 };
    let reader = ClipReader {
        label_column: "label".into(),
        ignore: Vec::new(),
        aliases: Vec::new(),
        image,
        columns: None,
        changes: None,
        normalization: Normalization::default(),
    };
    if let Ok(source) = FrameSource::parse(&path.display().to_string(), labels) {
        drop(FrameSet::open(&source, None, &reader, None));
        let changes = std::num::NonZeroUsize::new(2);
        let normalization = Normalization { statistics: Statistics::Robust, clip: None };
        drop(FrameSet::open(&source, None, &ClipReader { changes, normalization, ..reader }, None));
    }
}

fn labels(path: &Path) {
    clips(&path.with_file_name("a.csv"), Some(path));
}

fn live_frames(path: &Path) {
    let schema: serde_json::Value = json!({
        "format": {"features": {"width": 2}}, "columns": ["x", "y"], "classes": ["a", "b"], "changes": 1, "standardization": null,
    });
    let schema: FrameSchema = serde_json::from_value(schema).expect("it is one");
    let mut live = schema.live().expect("the statistics are not of the whole recording");
    let text = fs::read(path).expect("it was written");
    for (line, number) in String::from_utf8_lossy(&text).lines().zip(1..) {
        drop(live.frame(line, "standard input", number));
    }
}

fn rows(path: &Path) {
    if let Ok(Some(rows)) = RowFile::open(path, &json!({"a": 1}), 2, 3) {
        drop(rows.rows(&[1, 0, 7]));
    }
}

fn rows_partial(path: &Path) {
    let opened = RowWriter::open(&path.with_extension("rows"), &json!({"a": 1}), 3, || Ok::<_, DataError>(()));
    if let Ok(Some((mut writer, _))) = opened {
        drop(writer.push(&[1.0, 2.0, 3.0]));
    }
}

/// Reads weights, and checks the invariants of every file that is accepted.
fn weights(path: &Path) {
    let bytes = fs::read(path).expect("it was written");
    let Ok(file) = WeightFile::from_bytes("model.pt", &bytes) else { return };
    let mut all = 0;
    for (name, tensor) in file.tensors() {
        let places = tensor.shape().iter().product::<usize>();
        assert_eq!(places, tensor.values().len(), "{name}");
        all += places;
    }
    // Views may share a storage, so there may be more values than bytes, but not many times more.
    assert!(all <= 2 * bytes.len(), "{all} values from {} bytes", bytes.len());
    let texts: usize = file.tables().values().flatten().map(String::len).sum();
    assert!(texts <= 4 * bytes.len(), "{texts} bytes of text from {} bytes", bytes.len());
    let named = file.tensors().keys().chain(file.unread().keys()).chain(file.unread().values());
    let named: usize = named.map(String::len).sum();
    assert!(named <= 8 * bytes.len() + (64 << 10), "{named} bytes of names from {} bytes", bytes.len());
}

fn settings(path: &Path) {
    fn of<S: Sections>(table: &Table) {
        if let Ok(settings) = S::from_tables(Tables { file: table.clone(), given: Table::new() }) {
            settings.validate().expect("settings that are read have been checked");
        }
    }
    let Ok(run) = RunFolder::open(path.parent().expect("the scratch folder")) else { return };
    drop(run.head());
    let Ok(mut table) = run.config() else { return };
    ["format", "task", "rekindle"].iter().for_each(|key| drop(table.remove(*key)));
    of::<adding::AddingSettings>(&table);
    of::<caption::CaptionSettings>(&table);
    of::<chars::CharsSettings>(&table);
    of::<draw::DrawSettings>(&table);
    of::<frames::FramesSettings>(&table);
    of::<sentiment::SentimentSettings>(&table);
    of::<translate::TranslateSettings>(&table);
}

/// The folder of a run that has the checkpoint file `path`.
fn run_of(path: &Path) -> Option<RunFolder> {
    let folder = path.ancestors().nth(3).expect("checkpoints/step-00000002/FILE");
    let config = folder.join("config.toml");
    if !config.exists() {
        fs::write(config, include_bytes!("../corpus/settings/ch.toml")).expect("the scratch folder can be written");
    }
    RunFolder::open(folder).ok()
}

fn training(path: &Path) {
    let Some(run) = run_of(path) else { return };
    for which in [Which::Best, Which::Last, Which::Step(2)] {
        drop(checkpoint::load(&run, which));
    }
}

/// A checkpoint with a valid seal whatever its weights are: an attacker can create one.
fn sealed_checkpoint(path: &Path) {
    let Some(run) = run_of(path) else { return };
    let bytes = fs::read(path).expect("it was written");
    let seal = json!({"bytes": bytes.len(), "sha256": sha256([&bytes])});
    let mut training: serde_json::Value =
        serde_json::from_slice(include_bytes!("../corpus/training/ch.json")).expect("it is JSON");
    training["sha256"] = serde_json::Value::Null;
    training["files"] = json!({"model.bpk": seal, "carry.bpk": seal});
    fs::copy(path, path.with_file_name("carry.bpk")).expect("the scratch folder can be written");
    fs::write(path.with_file_name("training.json"), training.to_string()).expect("the scratch folder can be written");
    let checkpoint = checkpoint::load(&run, Which::Last).expect("its seals are right");
    drop(checkpoint.tensors());
    drop(checkpoint.carry(|data| Some(data.len())));
}

fn assets(path: &Path) {
    let folder = path.parent().expect("the scratch folder");
    if let Ok(assets) = AssetReader::open(folder) {
        assets.names().iter().for_each(|name| drop(assets.checked(name)));
    }
}

fn metrics(path: &Path) {
    let folder = path.parent().expect("the scratch folder");
    let config = folder.join("config.toml");
    if !config.exists() {
        fs::write(config, include_bytes!("../corpus/settings/ch.toml")).expect("the scratch folder can be written");
    }
    if let Ok(run) = RunFolder::open(folder) {
        drop(run.metrics(3));
    }
}
