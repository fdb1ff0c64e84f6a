//! What follows from a declaration.

use rekindle_settings::{Kind, Sections, SettingError, Settings, Table, Tables, line_of, names, sections, settings};

names! {
    /// A colour.
    pub enum Colour {
        /// Red.
        Red = "red",
        /// Dark blue.
        DarkBlue = "dark-blue",
    }
}

settings! {
    /// What every network has.
    pub struct Network {
        /// Width of the state
        width: usize = 128 => value("WIDTH").at_least(1).alias("rnn-size");
        /// Dropout probability
        dropout: f64 => at_least(0).below(1);
    }
}

settings! {
    /// A network of a task.
    #[check(Self::consistent)]
    pub struct Model {
        /// The network.
        @flatten network: Network = Network { width: 64, ..Network::default() } => help("width", "Width of the decoder");
        /// Its colour
        colour: Colour = Colour::Red => choices(Colour::NAMES.iter().copied());
        /// Start from twice the width
        doubled: bool;
        /// Largest vocabulary
        limit: Option<u64> => at_least(1).unset("all").formerly("max_words").formerly("max_size");
        /// Columns to leave out
        ignore: Vec<String> => separated_by(',');
        /// Bias
        bias: f64 = -1.0;
        /// A drawing of it
        drawing: Option<String> => endings(["svg", "svgz"]);
        /// Depth of the blue
        depth: u64 = 1 => used_with("colour", ["dark-blue"]);
        /// Rounds of doubling or of limiting
        rounds: u64 = 1 => used_with("doubled", []).used_with("limit", []);
    }
}

impl Model {
    fn consistent(&self) -> Result<(), SettingError> {
        if self.doubled && self.network.width == 1 {
            return Err(SettingError::invalid("doubled", true, "left out with --width 1"));
        }
        Ok(())
    }
}

sections! {
    /// Settings of a run.
    pub struct Run {
        /// The model.
        model: Model => "Model";
        /// Another.
        other: Network = Network { width: 7, ..Network::default() } => "Other network";
    }
}

fn table(text: &str) -> Table {
    text.parse().unwrap()
}

fn run(file: &str, given: &str) -> Result<Run, SettingError> {
    Run::from_tables(Tables { file: table(file), given: table(given) })
}

#[test]
fn the_kind_of_a_setting_follows_from_its_type() {
    let kinds: Vec<_> = Model::fields().iter().map(|field| (field.key, field.kind)).collect();
    let wanted = [
        ("width", Kind::Integer),
        ("dropout", Kind::Number),
        ("colour", Kind::Text),
        ("doubled", Kind::Flag),
        ("limit", Kind::Integer),
        ("ignore", Kind::List),
        ("bias", Kind::Number),
        ("drawing", Kind::Text),
        ("depth", Kind::Integer),
        ("rounds", Kind::Integer),
    ];
    assert_eq!(kinds, wanted);
}

#[test]
fn defaults_and_words_of_a_group_that_is_taken_in_are_those_of_who_takes_it_in() {
    let [model, other] = &Run::sections()[..] else { panic!("two sections") };
    let default = |key: &str| model.settings.iter().find(|field| field.key == key).unwrap().default.clone();
    assert_eq!(default("width").unwrap().as_integer(), Some(64));
    assert_eq!(default("limit"), None);
    assert_eq!(model.settings[0].help, "Width of the decoder");
    assert_eq!(other.settings[0].default.as_ref().unwrap().as_integer(), Some(7));
    assert_eq!((model.heading, other.table), ("Model", "other"));
}

#[test]
fn given_settings_win_over_a_file_and_a_file_over_the_defaults() {
    let found =
        run("[model]\nwidth = 3\ncolour = \"dark-blue\"", "[model]\nwidth = 9\nignore = [\"a\", \"b\"]").unwrap();
    assert_eq!((found.model.network.width, found.model.colour), (9, Colour::DarkBlue));
    assert_eq!((found.model.ignore.len(), found.other.width), (2, 7));
    // Whole numbers do for numbers.
    assert_eq!(run("[model]\nbias = 2", "").unwrap().model.bias, 2.0);
}

#[test]
fn older_keys_go_on_working_but_not_beside_the_new_one() {
    assert_eq!(run("[model]\nmax_words = 5", "").unwrap().model.limit, Some(5));
    assert_eq!(run("[model]\nmax_words = 5", "[model]\nlimit = 6").unwrap().model.limit, Some(6));
    let error = run("[model]\nmax_words = 5\nlimit = 6", "").unwrap_err();
    assert!(matches!(error, SettingError::Twice { .. }), "{error}");
}

#[test]
fn what_is_wrong_is_quoted_as_it_is_typed() {
    for (file, words) in [
        ("[model]\nwidth = 0", "--width 0: must be at least 1"),
        ("[model]\nwidth = -3", "--width -3: must be at least 1"),
        ("[model]\nwidth = 1.5", "--width 1.5: must be a whole number"),
        ("[model]\nwidth = \"many\"", "--width many: must be a whole number"),
        ("[model]\ndropout = 1", "--dropout 1: must be at least 0 and less than 1"),
        ("[model]\ndropout = nan", "--dropout NaN: must be at least 0 and less than 1"),
        ("[model]\nbias = inf", "--bias inf: must be a finite number"),
        ("[model]\ncolour = \"pink\"", "--colour pink: must be one of red, dark-blue"),
        ("[model]\ndrawing = \"a.svg.png\"", "--drawing a.svg.png: must be a name that ends in .svg or .svgz"),
        ("[model]\ndoubled = true\nwidth = 1", "--doubled: must be left out with --width 1"),
        ("[model]\nwdith = 1", "there is no setting `wdith`; there are width, dropout"),
        ("[modle]\nwidth = 1", "there is no table [modle]; there are [model], [other]"),
        ("model = 3", "`model` must be a table: [model]"),
    ] {
        let error = run(file, "").unwrap_err().to_string();
        assert!(error.starts_with(words), "{file:?}: {error}");
    }
}

#[test]
fn an_option_that_the_others_leave_unused_is_refused() {
    for (file, given, words) in [
        ("", "depth = 2", "--depth 2: must be given with --colour dark-blue, or left out"),
        ("colour = \"dark-blue\"", "depth = 2\ncolour = \"red\"", "--depth 2: must be given with --colour dark-blue"),
        ("", "rounds = 2", "--rounds 2: must be given with --doubled or --limit, or left out"),
        // Its default is no other than a number that is given.
        ("", "depth = 1", "--depth 1: must be given with"),
    ] {
        let error = run(&format!("[model]\n{file}"), &format!("[model]\n{given}")).unwrap_err().to_string();
        assert!(error.starts_with(words), "{given:?}: {error}");
    }
    for (file, given) in [
        ("", "depth = 2\ncolour = \"dark-blue\""),
        ("colour = \"dark-blue\"", "depth = 2"),
        ("limit = 4", "rounds = 2"),
        ("", "rounds = 2\ndoubled = true"),
        // A file holds all settings.
        ("depth = 2\nrounds = 3", ""),
        ("depth = 2", "colour = \"red\""),
    ] {
        run(&format!("[model]\n{file}"), &format!("[model]\n{given}")).unwrap();
    }
}

#[test]
fn a_file_to_write_may_have_one_of_its_endings_or_none() {
    let fields = Model::fields();
    let drawing = fields.iter().find(|field| field.key == "drawing").unwrap();
    for name in ["a.svg", "a.b/c.SVG", "a.svgz", "/dev/stdout", "-"] {
        assert_eq!(drawing.parse(name).unwrap().as_str(), Some(name));
        run(&format!("[model]\ndrawing = \"{name}\""), "").unwrap();
    }
    assert_eq!(drawing.parse("a.png").unwrap_err(), "a name that ends in .svg or .svgz");
}

#[test]
fn settings_made_by_hand_are_checked_alike() {
    let mut settings = Run::default();
    settings.validate().unwrap();
    settings.other.width = 0;
    assert_eq!(settings.validate().unwrap_err().to_string(), "--width 0: must be at least 1");
    settings.other.width = 1;
    settings.model.network.dropout = f64::NAN;
    assert!(settings.validate().unwrap_err().to_string().contains("--dropout NaN"));
}

#[test]
fn settings_come_back_from_a_file_as_they_went_in() {
    let mut settings = Run::default();
    settings.model.limit = Some(3);
    settings.model.ignore = vec!["a".to_owned()];
    settings.model.network.dropout = 0.25;
    let text = Table::try_from(&settings).unwrap().to_string();
    assert_eq!(run(&text, "").unwrap(), settings);
}

#[test]
fn texts_of_a_command_line_become_values() {
    let fields = Model::fields();
    let parse = |key: &str, text: &str| fields.iter().find(|field| field.key == key).unwrap().parse(text);
    assert_eq!(parse("width", "5").unwrap().as_integer(), Some(5));
    assert_eq!(parse("bias", "-2e-1").unwrap().as_float(), Some(-0.2));
    assert_eq!(parse("width", "many").unwrap_err(), "a whole number");
    assert_eq!(parse("ignore", "a,b").unwrap().as_array().map(Vec::len), Some(2));
    assert!(parse("colour", "pink").unwrap_err().contains("red, dark-blue"));
    // A value out of range is not wrong usage: it is refused with the settings, wherever they come from.
    assert_eq!(parse("width", "0").unwrap().as_integer(), Some(0));
    assert!(serde_json::to_string(&fields).unwrap().contains("\"max_words\""));
}

#[test]
fn an_error_has_the_line_of_the_file_that_it_is_about() {
    let line = |text: &str, given: &str| {
        let error = Run::from_tables(Tables { file: table(text), given: table(given) }).unwrap_err();
        line_of(text, &error)
    };
    let comment = "# Why\n\n[model] # é\n";
    assert_eq!(line(&format!("{comment}bias = 1.0\nwidht = 3\n"), ""), Some(5));
    assert_eq!(line(&format!("{comment}width = 0"), ""), Some(4));
    assert_eq!(line(&format!("{comment}colour = \"blue\""), ""), Some(4));
    assert_eq!(line(&format!("{comment}limit = 3\nmax_words = 4"), ""), Some(5));
    // Of two tables with the setting, that with the value.
    assert_eq!(line("[model]\nwidth = 5\n[other]\nwidth = 0", ""), Some(4));
    assert_eq!(line("[model]\n\n[modle]\nwidth = 5", ""), Some(3));
    assert_eq!(line("other = 5", ""), Some(1));
    assert_eq!(line(&format!("{comment}width = 5"), "[model]\nwidth = 0"), None);
}
