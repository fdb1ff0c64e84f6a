//! The interface for JavaScript. Errors arrive there as exceptions with the message of [`PageError`].

use std::collections::BTreeMap;
use std::panic;

use wasm_bindgen::prelude::*;

use crate::error::PageError;
use crate::export::Export;
use crate::settings::{Form, TrainingSettings, WritingSettings, filled};
use crate::training::Training;
use crate::writing::write;

#[wasm_bindgen]
extern "C" {
    /// A function that takes a text.
    pub type Written;

    #[wasm_bindgen(method, js_name = call)]
    fn give(this: &Written, object: &JsValue, text: &str);

    #[wasm_bindgen(js_namespace = console)]
    fn error(message: &str);
}

/// Panics are written to the browser's console.
#[wasm_bindgen(start)]
fn start() {
    panic::set_hook(Box::new(|panic| error(&panic.to_string())));
}

/// The form of the page, as JSON.
#[wasm_bindgen]
pub fn form() -> String {
    serde_json::to_string(&Form::new()).expect("names and numbers can be written as JSON")
}

/// A model in training.
#[wasm_bindgen]
pub struct Trainer(Training);

#[wasm_bindgen]
impl Trainer {
    /// For a text, with the texts of the form as JSON.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str, settings: &str) -> Result<Trainer, JsError> {
        let settings: TrainingSettings = filled(&texts(settings)?)?;
        Ok(Self(Training::new(text, settings)?))
    }

    /// Takes a step; its loss.
    pub fn step(&mut self) -> Result<f64, JsError> {
        Ok(self.0.step()?)
    }

    /// Steps so far.
    #[wasm_bindgen(getter)]
    pub fn steps(&self) -> usize {
        self.0.steps()
    }

    /// Characters of a step.
    #[wasm_bindgen(getter)]
    pub fn characters(&self) -> usize {
        self.0.characters()
    }

    /// The step after which to pause, if any.
    #[wasm_bindgen(getter)]
    pub fn pause_after(&self) -> Option<usize> {
        self.0.pause_after()
    }

    /// The smoothed loss.
    #[wasm_bindgen(getter)]
    pub fn smooth_loss(&self) -> f64 {
        self.0.smooth_loss()
    }

    /// Continues `prime`; `written` is called with each piece of text.
    pub fn write(&self, settings: &str, prime: &str, written: &Written) -> Result<(), JsError> {
        let settings: WritingSettings = filled(&texts(settings)?)?;
        let piece = |piece: &str| written.give(&JsValue::NULL, piece);
        Ok(write(&self.0.model(), self.0.vocabulary(), &settings, prime, piece)?)
    }
}

/// The files of an export, which are added one by one.
#[wasm_bindgen]
#[derive(Default)]
pub struct Files(BTreeMap<String, Vec<u8>>);

#[wasm_bindgen]
impl Files {
    /// No file.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Files {
        Self::default()
    }

    /// Adds one.
    pub fn add(&mut self, name: String, bytes: Vec<u8>) {
        self.0.insert(name, bytes);
    }

    /// Opens the export.
    pub fn open(self) -> Result<Reader, JsError> {
        Ok(Reader(Export::open(&self.0)?))
    }
}

/// The model of an export.
#[wasm_bindgen]
pub struct Reader(Export);

#[wasm_bindgen]
impl Reader {
    /// What it is.
    #[wasm_bindgen(getter)]
    pub fn summary(&self) -> String {
        self.0.summary.clone()
    }

    /// Continues `prime`; `written` is called with each piece of text.
    pub fn write(&self, settings: &str, prime: &str, written: &Written) -> Result<(), JsError> {
        let settings: WritingSettings = filled(&texts(settings)?)?;
        let piece = |piece: &str| written.give(&JsValue::NULL, piece);
        Ok(write(&self.0.model, &self.0.vocabulary, &settings, prime, piece)?)
    }
}

/// The texts of the form.
fn texts(json: &str) -> Result<BTreeMap<String, String>, PageError> {
    serde_json::from_str(json).map_err(|source| PageError::Json { name: "the form".to_owned(), source })
}
