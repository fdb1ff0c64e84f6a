//! What the groups of settings of all models must do.

use rekindle_rnn::{Cell, Initialization, Scheme};
use rekindle_settings::{Sections, Settings, Table, Tables, sections, settings};
use rstest::rstest;

use super::RecurrentSettings;
use crate::captioner::CaptionerSettings;
use crate::captioner::encoder::{EncoderKind, EncoderSettings};
use crate::char_lm::CharLmSettings;
use crate::classifier::ClassifierSettings;
use crate::draw::{DrawModelSettings, ImageShape};
use crate::frame_tagger::{FrameTaggerSettings, Recurrence};
use crate::translator::TranslatorSettings;

settings! {
    /// The model of a task, of two groups.
    struct Model {
        @flatten captioner: CaptionerSettings;
        @flatten encoder: EncoderSettings;
    }
}

sections! {
    /// The settings of a task.
    struct Task {
        model: Model => "Model";
    }
}

/// The keys of a group, and why its table of a file is refused.
struct Group {
    keys: Vec<&'static str>,
    refusal: fn(&str) -> Option<String>,
}

fn group<S: Settings>() -> Group {
    S::default().validate().expect("defaults have a meaning");
    let keys = S::fields().iter().map(|field| field.key).collect();
    let refusal = |text: &str| S::from_table(text.parse().unwrap()).err().map(|error| error.to_string());
    Group { keys, refusal }
}

#[rstest]
#[case::char_lm(
    group::<CharLmSettings>(),
    true,
    "embedding embedding_deviation tied token_dropout activation_penalty slowness_penalty"
)]
#[case::classifier(
    group::<ClassifierSettings>(),
    true,
    "embedding forward_only pooling embedding_dropout word_dropout token_dropout activation_penalty slowness_penalty"
)]
#[case::frame_tagger(
    group::<FrameTaggerSettings>(),
    true,
    "encoder head bidirectional feedback scheduled_sampling balanced activation_penalty slowness_penalty"
)]
#[case::translator(
    group::<TranslatorSettings>(),
    true,
    "embedding attention input_feeding tied label_smoothing scheduled_sampling token_dropout activation_penalty \
     slowness_penalty"
)]
#[case::captioner(
    group::<CaptionerSettings>(),
    true,
    "embedding pillar attention image_term no_gate doubly_stochastic label_smoothing scheduled_sampling blind \
     activation_penalty slowness_penalty"
)]
#[case::encoder(
    group::<EncoderSettings>(),
    false,
    "encoder encoder_weights image_size fine_tune_after encoder_rate"
)]
#[case::draw(group::<DrawModelSettings>(), false, "glimpses hidden latent read write gaussian kl_warmup")]
fn keys_are_those_of_the_files_of_runs(#[case] group: Group, #[case] recurrent: bool, #[case] keys: &str) {
    let locked = "locked_input locked_hidden locked_output weight_drop zoneout zoneout_cell";
    let shared =
        if recurrent { format!("cell layers hidden dropout init forget_bias {locked}") } else { String::new() };
    assert_eq!(group.keys, shared.split_whitespace().chain(keys.split_whitespace()).collect::<Vec<_>>());
}

#[rstest]
#[case::layers(group::<ClassifierSettings>(), "layers = 0", "--layers 0: must be at least 1 and at most 1000")]
#[case::hidden(group::<CharLmSettings>(), "hidden = 0", "--hidden 0: must be at least 1")]
#[case::draw(group::<DrawModelSettings>(), "hidden = 0", "--hidden 0: must be at least 1")]
#[case::weight_drop(
    group::<CharLmSettings>(),
    "cell = \"min-gru\"\nweight_drop = 0.5",
    "--weight-drop 0.5: must be 0 with --cell min-gru, which has no recurrent weights"
)]
#[case::zoneout_cell(
    group::<CharLmSettings>(),
    "cell = \"gru\"\nzoneout_cell = 0.5",
    "--zoneout-cell 0.5: must be 0 with --cell gru, which has no cell state"
)]
#[case::tied(group::<CharLmSettings>(), "tied = true\nembedding = 0", "--embedding 0: must be at least 1 with --tied")]
#[case::token_dropout(
    group::<CharLmSettings>(),
    "token_dropout = 0.1\nembedding = 0",
    "--token-dropout 0.1: must be 0 with --embedding 0"
)]
#[case::dropout(group::<CaptionerSettings>(), "dropout = 1.0", "--dropout 1: must be at least 0 and less than 1")]
#[case::forget_bias(group::<CharLmSettings>(), "forget_bias = nan", "--forget-bias NaN: must be a finite number")]
#[case::cell(
    group::<CharLmSettings>(),
    "cell = \"none\"",
    "--cell none: must be one of {cells}"
)]
#[case::no_cell(
    group::<FrameTaggerSettings>(),
    "cell = \"elman\"",
    "--cell elman: must be one of {cells}, none"
)]
#[case::init(group::<CaptionerSettings>(), "init = \"he\"", "--init he: must be one of {schemes}")]
#[case::pooling(
    group::<ClassifierSettings>(),
    "pooling = \"first\"",
    "--pooling first: must be one of last, mean, max, attention, concat"
)]
#[case::attention(
    group::<TranslatorSettings>(),
    "attention = \"cosine\"",
    "--attention cosine: must be one of none, dot, general, additive"
)]
#[case::no_embedding(group::<ClassifierSettings>(), "embedding = 0", "--embedding 0: must be at least 1")]
#[case::embedding(group::<CharLmSettings>(), "embedding = -1", "--embedding -1: must be at least 0")]
#[case::odd_hidden(
    group::<TranslatorSettings>(),
    "hidden = 33",
    "--hidden 33: must be even: each direction of the encoder has half of it"
)]
#[case::feedback_without_cell(
    group::<FrameTaggerSettings>(),
    "feedback = true\ncell = \"none\"",
    "--feedback: must be used with a cell, and without --bidirectional"
)]
#[case::feedback_in_both_directions(
    group::<FrameTaggerSettings>(),
    "feedback = true\nbidirectional = true",
    "--feedback: must be used with a cell, and without --bidirectional"
)]
#[case::sampling_without_feedback(
    group::<FrameTaggerSettings>(),
    "scheduled_sampling = 0.5",
    "--scheduled-sampling 0.5: must be used with --feedback"
)]
#[case::slowness_without_recurrence(
    group::<FrameTaggerSettings>(),
    "cell = \"none\"\nslowness_penalty = 0.5",
    "--slowness-penalty 0.5: must be 0 with --cell none, which has no hidden states"
)]
#[case::pillar(
    group::<CaptionerSettings>(),
    "attention = \"dot\"\npillar = 64",
    "--pillar 64: must be equal to --hidden with --attention dot"
)]
#[case::penalty(
    group::<CaptionerSettings>(),
    "doubly_stochastic = -0.1",
    "--doubly-stochastic -0.1: must be at least 0"
)]
#[case::image_size(
    group::<EncoderSettings>(),
    "image_size = 7",
    "--image-size 7: must be at least 8 and at most 1024"
)]
#[case::no_encoder_weights(
    group::<EncoderSettings>(),
    "encoder = \"efficientnet-lite0\"",
    "--encoder efficientnet-lite0: must be given with --encoder-weights FILE, the file of its pretrained weights"
)]
#[case::weights_of_a_small_encoder(
    group::<EncoderSettings>(),
    "encoder_weights = \"a.pth\"",
    "--encoder-weights a.pth: must be left out with --encoder small"
)]
#[case::gaussian(
    group::<DrawModelSettings>(),
    "gaussian = 1.5",
    "--gaussian 1.5: must be greater than 0 and at most 1"
)]
fn settings_without_meaning_are_refused_as_they_are_typed(
    #[case] group: Group,
    #[case] file: &str,
    #[case] refusal: &str,
) {
    let refusal = refusal.replace("{cells}", &Cell::ALL.map(Cell::name).join(", "));
    let refusal = refusal.replace("{schemes}", &Scheme::ALL.map(Scheme::name).join(", "));
    assert_eq!((group.refusal)(file), Some(refusal));
}

#[test]
fn a_table_of_defaults_gives_the_defaults() {
    fn come_back<S: Settings + PartialEq + std::fmt::Debug>() {
        let table = Table::try_from(S::default()).unwrap();
        assert_eq!(S::from_table(table).unwrap(), S::default());
        assert_eq!(S::from_table(Table::new()).unwrap(), S::default());
    }
    come_back::<CharLmSettings>();
    come_back::<ClassifierSettings>();
    come_back::<FrameTaggerSettings>();
    come_back::<TranslatorSettings>();
    come_back::<CaptionerSettings>();
    come_back::<EncoderSettings>();
    come_back::<DrawModelSettings>();
}

#[test]
fn groups_that_a_task_takes_in_are_checked_when_files_and_options_have_been_read() {
    let task = |file: &str, given: &str| {
        let [file, given] = [file, given].map(|text| text.parse().unwrap());
        Task::from_tables(Tables { file, given }).map_err(|error| error.to_string())
    };
    let error = task("[model]\nattention = \"dot\"\npillar = 64", "").unwrap_err();
    assert!(error.starts_with("--pillar 64"), "{error}");
    assert!(task("[model]\nencoder = \"vgg16\"", "").is_err());
    let task = task("[model]\nencoder = \"vgg16\"", "[model]\nencoder_weights = \"vgg16.pth\"").unwrap();
    assert_eq!(task.model.encoder.encoder, EncoderKind::Vgg16);
    assert_eq!(task.model.captioner, CaptionerSettings::default());
}

#[test]
fn the_default_weights_are_those_of_a_recurrent_network() {
    let config = RecurrentSettings::<Cell>::default().config(7);
    assert_eq!((config.input_size, config.hidden_size, config.num_layers), (7, 128, 1));
    assert_eq!(config.init, Initialization::default());
}

#[test]
fn a_tagger_may_have_no_cell() {
    let settings = FrameTaggerSettings::from_table("cell = \"none\"".parse().unwrap()).unwrap();
    assert_eq!(settings.recurrent.cell, Recurrence(None));
    assert_eq!(Table::try_from(settings).unwrap()["cell"].as_str(), Some("none"));
}

#[test]
fn an_encoder_that_is_not_trained_is_no_part_of_the_model() {
    let mut settings = EncoderSettings::default();
    assert!(settings.trains_encoder());
    assert_eq!(settings.config().side, 48);
    settings.encoder = EncoderKind::EfficientNetLite0;
    assert!(!settings.trains_encoder());
    assert_eq!(settings.config().side, 224);
    settings.fine_tune_after = Some(100);
    assert!(settings.trains_encoder());
}

#[test]
fn grids_of_filters_must_fit_the_images() {
    let shape = ImageShape { channels: 1, height: 9, width: 4 };
    let mut settings = DrawModelSettings { read: 4, write: 4, ..DrawModelSettings::default() };
    settings.check_for(shape).unwrap();
    settings.write = 5;
    let error = settings.check_for(shape).unwrap_err().to_string();
    assert_eq!(error, "--write 5: must be at most 4, the shorter side of the images");
}
