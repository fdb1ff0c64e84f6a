//! Event files for TensorBoard: scalars, sample texts and pictures, beside `metrics.jsonl`.
//!
//! A file is a sequence of TFRecords, each an `Event` of protocol buffers:
//!
//! ```text
//! length        8 bytes, little-endian
//! checksum      4 bytes: of the length
//! event         `length` bytes
//! checksum      4 bytes: of the event
//! ```
//!
//! A checksum is CRC-32C, rotated right by 15 bits, plus `0xa282ead8`. The messages are those of TensorFlow's
//! `event.proto` and `summary.proto`, of which nine fields are used. They are encoded here: that is shorter than the
//! declarations that a protocol-buffer crate needs for them.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::TrainError;
use crate::event::{Event, Observer, StepFigure};

/// The beginning of the names of event files, by which TensorBoard finds them.
pub(crate) const PREFIX: &str = "events.out.tfevents.";

/// Writes training events to an event file.
///
/// Scalars are `train/loss` and the other figures of the steps that are printed, `validation/NAME` of evaluations, and
/// `updates/...` with `--watch-gradients`. Sample texts are `sample`; pictures are those of the evaluations, with the
/// feature `png`.
#[derive(Debug)]
pub struct TensorBoard {
    path: PathBuf,
    file: File,
    /// The first error of a write; nothing is written after it.
    error: Option<io::Error>,
}

impl TensorBoard {
    /// Creates an event file in `folder` for steps after `step`. TensorBoard then drops what earlier files have of
    /// later steps: those of a run that was killed, which a resumed run does again.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn create(folder: &Path, step: u64) -> Result<Self, TrainError> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Other programs add the name of the machine here; a run does not record it.
        let name = format!("{PREFIX}{:010}.{:09}.{}", since.as_secs(), since.subsec_nanos(), std::process::id());
        let path = folder.join(name);
        let file = File::create_new(&path).map_err(TrainError::io("write", &path))?;
        let mut board = Self { path, file, error: None };
        board.write(0, |event| event.text(3, "brain.Event:2"));
        if step > 0 {
            // `SessionLog.status` is `START`, which drops the events of this step and of later ones.
            board.write(step + 1, |event| event.message(7, |log| log.integer(1, 1)));
        }
        Ok(board)
    }

    /// Ends the file.
    ///
    /// # Errors
    ///
    /// The first error of a write.
    pub fn finish(self) -> Result<(), TrainError> {
        self.error.map_or(Ok(()), |error| Err(TrainError::io("write", self.path)(error)))
    }

    fn scalar(&mut self, step: u64, tag: &str, number: f64) {
        self.value(step, tag, |value| value.float(2, number as f32));
    }

    fn text(&mut self, step: u64, text: &str) {
        // A text is a tensor of one string (`DT_STRING`), for the plugin `text`, which reads Markdown: a block of code
        // keeps the sample as it is.
        let block = format!("    {}", text.replace('\n', "\n    "));
        self.value(step, "sample", |value| {
            value.message(9, |metadata| metadata.message(1, |plugin| plugin.text(1, "text")));
            value.message(8, |tensor| {
                tensor.integer(1, 7);
                tensor.message(2, |_scalar| {});
                tensor.text(8, &block);
            });
        });
    }

    #[cfg(feature = "png")]
    fn image(&mut self, step: u64, tag: &str, [width, height]: [u32; 2], png: &[u8]) {
        self.value(step, tag, |value| {
            value.message(4, |image| {
                image.integer(1, u64::from(height));
                image.integer(2, u64::from(width));
                // RGBA.
                image.integer(3, 4);
                image.bytes(4, png);
            });
        });
    }

    /// An event with a summary of one value.
    fn value(&mut self, step: u64, tag: &str, fill: impl FnOnce(&mut Message)) {
        self.write(step, |event| {
            event.message(5, |summary| {
                summary.message(1, |value| {
                    value.text(1, tag);
                    fill(value);
                });
            });
        });
    }

    fn write(&mut self, step: u64, fill: impl FnOnce(&mut Message)) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut event = Message::default();
        event.double(1, now.as_secs_f64());
        event.integer(2, step);
        fill(&mut event);
        if self.error.is_none() {
            self.error = self.file.write_all(&record(&event.0)).err();
        }
    }
}

impl Observer for TensorBoard {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Step(report) if report.printed => {
                self.scalar(report.step, "train/loss", report.loss);
                self.scalar(report.step, "train/gradient_norm", report.gradient_norm);
                self.scalar(report.step, "train/learning_rate", report.learning_rate);
                self.scalar(report.step, "train/items_per_second", report.items_per_second);
                if let Some(StepFigure { name, value }) = report.figure {
                    self.scalar(report.step, &format!("train/{name}"), value);
                }
            }
            Event::Updated { step, layers } => {
                for layer in *layers {
                    self.scalar(*step, &format!("updates/weight_norm/{}", layer.layer), layer.weight_norm);
                    self.scalar(*step, &format!("updates/gradient_norm/{}", layer.layer), layer.gradient_norm);
                    self.scalar(*step, &format!("updates/update_norm/{}", layer.layer), layer.update_norm);
                    if let Some(ratio) = layer.ratio {
                        self.scalar(*step, &format!("updates/ratio/{}", layer.layer), ratio);
                    }
                }
            }
            Event::Evaluated { step, report, .. } => {
                for figure in report.all_figures() {
                    // The loss has the same name for every task, as in `metrics.jsonl`.
                    let name = if std::ptr::eq(figure, &report.loss) { "loss" } else { figure.name };
                    self.scalar(*step, &format!("validation/{name}"), figure.value);
                }
                #[cfg(feature = "png")]
                for picture in &report.pictures {
                    if let Some((size, png)) = picture.png() {
                        self.image(*step, picture.name, size, &png);
                    }
                }
            }
            Event::Sampled { step, text } => self.text(*step, text),
            _ => {}
        }
    }
}

/// Passes events on to two observers.
pub(crate) struct Both<'a>(pub &'a mut dyn Observer, pub &'a mut dyn Observer);

impl Observer for Both<'_> {
    fn observe(&mut self, event: &Event<'_>) {
        self.0.observe(event);
        self.1.observe(event);
    }
}

/// A message of protocol buffers, encoded: fields by their numbers.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// The number of a field and how it is encoded: 0 varint, 1 eight bytes, 2 bytes with their length, 5 four bytes.
    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    fn integer(&mut self, field: u64, number: u64) {
        self.key(field, 0);
        self.varint(number);
    }

    fn double(&mut self, field: u64, number: f64) {
        self.key(field, 1);
        self.0.extend(number.to_le_bytes());
    }

    fn float(&mut self, field: u64, number: f32) {
        self.key(field, 5);
        self.0.extend(number.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Self)) {
        let mut message = Self::default();
        fill(&mut message);
        self.bytes(field, &message.0);
    }
}

/// A TFRecord.
fn record(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(checksum(&length).to_le_bytes());
    record.extend(event);
    record.extend(checksum(event).to_le_bytes());
    record
}

/// The masked CRC-32C.
fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests;
