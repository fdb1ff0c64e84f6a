//! The page in a browser, beside the same program built natively and the `rekindle` command.
//!
//! Without a browser or the WebAssembly target, the tests are skipped and say so; with `REKINDLE_BROWSER=required` they
//! fail. With `REKINDLE_SCREENSHOTS=FOLDER` they leave pictures of the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use browser::settings::TrainingSettings;
use browser::training::Training;
use rekindle_rnn::Cell;
use rekindle_testing::there;
use rekindle_tests::Workplace;
use rekindle_tests::browser::{Browser, found};

const STEPS: usize = 150;

/// The page does not train.
const PAUSED: &str = "document.querySelector('#train').dataset.state === 'paused'";

/// The address of the page, which is written once; none where it cannot be.
static PAGE: LazyLock<Option<String>> = LazyLock::new(|| {
    if !found() {
        return None;
    }
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libraries = ["--print", "target-libdir", "--target", "wasm32-unknown-unknown"];
    let libraries = Command::new(rustc).args(libraries).output().expect("rustc runs").stdout;
    let installed = Path::new(String::from_utf8_lossy(&libraries).trim()).exists();
    let missing = "there is no WebAssembly target (rustup target add wasm32-unknown-unknown)";
    if !there("REKINDLE_BROWSER", installed, missing) {
        return None;
    }
    let cargo = std::env::var_os("CARGO").expect("Cargo runs the tests");
    let written = Command::new(cargo).args(["run", "--release", "--package", "browser-page"]).output();
    let written = written.expect("cargo runs");
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    Some(format!("file://{}", String::from_utf8_lossy(&written.stdout).trim()))
});

/// The page, opened.
fn opened() -> Option<Browser> {
    let address = PAGE.as_ref()?;
    let browser = Browser::start();
    browser.open(address);
    browser.until("document.body.dataset.ready");
    Some(browser)
}

fn text() -> String {
    "fn add(a: u32, b: u32) -> u32 {\n    a + b\n}\n\n".repeat(40)
}

/// Fills in fields of the form within `form`, as a user would.
fn fill(browser: &Browser, form: &str, values: &[(&str, &str)]) {
    for (name, value) in values {
        let field = format!("document.querySelector('{form} [name={name}]')");
        browser.get(&format!(
            "({field}.value = {}, {field}.dispatchEvent(new Event('input', {{bubbles: true}})), 0)",
            serde_json::Value::from(*value)
        ));
    }
}

fn train(browser: &Browser, text: &str, values: &[(&str, &str)]) {
    browser.get(&format!("(document.querySelector('#text').value = {}, 0)", serde_json::Value::from(text)));
    fill(browser, "#train", values);
    browser.click("//button[@id='start']");
}

/// The message in a section.
fn problem(browser: &Browser, section: &str) -> String {
    browser.until(&format!("!document.querySelector('{section} .problem').hidden"));
    let text = browser.get(&format!("document.querySelector('{section} .problem').textContent"));
    text.as_str().expect("a text").to_owned()
}

/// A figure of the page.
fn figure(browser: &Browser, id: &str, name: &str) -> f64 {
    let value = browser.get(&format!("Number(document.querySelector('#{id}').dataset.{name} || NaN)"));
    value.as_f64().unwrap_or(f64::NAN)
}

#[test]
fn the_page_trains_as_the_native_program_does() {
    let Some(browser) = opened() else { return };
    for cell in Cell::ALL {
        let mut settings = TrainingSettings { cell, hidden: 24, layers: 2, ..TrainingSettings::default() };
        (settings.batch_size, settings.learning_rate) = (3, 0.01);
        let mut native = Training::new(&text(), settings).unwrap();
        let losses: Vec<f64> = (0..STEPS).map(|_| native.step().unwrap()).collect();
        let steps = STEPS.to_string();
        let values = [
            ("cell", cell.name()),
            ("hidden", "24"),
            ("layers", "2"),
            ("batch_size", "3"),
            ("learning_rate", "0.01"),
            ("pause_after", &steps),
        ];
        train(&browser, &text(), &values);
        browser.until(&format!("document.querySelector('#steps').dataset.value === '{STEPS}'"));
        browser.until(PAUSED);
        let [smooth, last] = ["smooth", "last"].map(|name| figure(&browser, "loss", name));
        let (wanted, first) = (losses[STEPS - 1], losses[0]);
        println!(
            "{cell}: {first:.4} to {last:.6}, native {wanted:.6}; {smooth:.6}, native {:.6}",
            native.smooth_loss()
        );
        // Sums have another order there than with the vectors of this processor. Adagrad's first step is as long for a
        // gradient that is only rounding as for any other, so some weights take it the other way there. At the
        // lecture's rate, ten times this, the losses of some cells part.
        assert!(wanted < 0.9 * first && (last - wanted).abs() < 0.02 * first, "{cell}: {last}, native {wanted}");
        let fall = (native.vocabulary().len() as f64).ln() - native.smooth_loss();
        assert!((smooth - native.smooth_loss()).abs() < 0.02 * fall, "{cell}: {smooth}, a fall of {fall}");
        // The next training starts from nothing.
        browser.get("(document.querySelector('#steps').dataset.value = '', 0)");
    }
    browser.no_complaints();
}

/// Seconds of processor time that a process and its descendants have taken, from Linux's `/proc`.
fn processor_seconds(process: u32) -> f64 {
    let stat = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name, which is in brackets: the state, the parent, ..., the 12th and 13th are ticks of 10 ms.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().ok()? + fields[12].parse::<f64>().ok()?;
        Some((entry.file_name().to_str()?.parse::<u32>().ok()?, fields[1].parse::<u32>().ok()?, ticks / 100.0))
    };
    let all: Vec<_> = fs::read_dir("/proc").expect("this is Linux").flatten().filter_map(stat).collect();
    let mut family = vec![process];
    let mut at = 0;
    while let Some(&parent) = family.get(at) {
        family.extend(all.iter().filter(|(_, of, _)| *of == parent).map(|(child, ..)| child));
        at += 1;
    }
    all.iter().filter(|(process, ..)| family.contains(process)).map(|(.., seconds)| seconds).sum()
}

/// Prints characters a second of processor time, on Linux, which other work on the machine affects little:
/// `RAYON_NUM_THREADS=1 cargo test --release -p browser --test page -- --ignored --nocapture`.
#[test]
#[ignore = "prints a table"]
fn speed_beside_the_native_program() {
    let Some(browser) = opened() else { return };
    const TURN: Duration = Duration::from_secs(6);
    let text = text();
    for (cell, hidden, batch_size) in
        [(Cell::Rnn, 100, 1), (Cell::Rnn, 100, 16), (Cell::Lstm, 128, 1), (Cell::Lstm, 128, 16), (Cell::Gru, 256, 16)]
    {
        let settings = TrainingSettings { cell, hidden, batch_size, ..TrainingSettings::default() };
        let mut native = Training::new(&text, settings).unwrap();
        let [width, batch] = [hidden, batch_size].map(|size| size.to_string());
        // Samples are not timed.
        fill(&browser, "#train-writer", &[("length", "1")]);
        train(&browser, &text, &[("cell", cell.name()), ("hidden", &width), ("batch_size", &batch)]);
        let (mut here, mut there) = ([0.0; 2], [0.0; 2]);
        for _ in 0..3 {
            std::thread::sleep(Duration::from_secs(1));
            let start = (figure(&browser, "steps", "value"), processor_seconds(browser.process()));
            std::thread::sleep(TURN);
            there[0] += figure(&browser, "steps", "value") - start.0;
            there[1] += processor_seconds(browser.process()) - start.1;
            browser.click("//button[@id='pause']");
            browser.until(PAUSED);
            let own = || processor_seconds(std::process::id()) - processor_seconds(browser.process());
            let (clock, start) = (Instant::now(), (native.steps(), own()));
            while clock.elapsed() < TURN {
                native.step().unwrap();
            }
            here[0] += (native.steps() - start.0) as f64;
            here[1] += own() - start.1;
            browser.click("//button[@id='pause']");
        }
        let [page, native] = [there, here].map(|[steps, time]| steps * native.characters() as f64 / time);
        println!("{cell} {hidden}, batch {batch_size}: page {page:.0}, native {native:.0}, {:.2}", page / native);
    }
}

#[test]
fn training_is_paused_and_continued_and_samples_appear() {
    let Some(browser) = opened() else { return };
    let shown = "Number(document.querySelector('#steps').dataset.value ?? 0)";
    train(&browser, &text(), &[("hidden", "32")]);
    browser.until("document.querySelector('#train').dataset.state === 'running'");
    browser.until(&format!("{shown} > 300"));
    browser.until("document.querySelector('#sample').textContent.length >= 300");
    browser.click("//button[@id='pause']");
    browser.until(PAUSED);
    let paused = browser.get(shown);
    browser.picture("browser-training");
    assert_eq!(browser.get(shown), paused);
    fill(&browser, "#train-writer", &[("prime", "fn add"), ("temperature", "0"), ("length", "20")]);
    browser.click("//form[@id='train-writer']//button");
    browser.until("document.querySelector('#sample').textContent.length === 'fn add'.length + 20");
    fill(&browser, "#train-writer", &[("prime", "Ü")]);
    browser.click("//form[@id='train-writer']//button");
    assert!(problem(&browser, "#train").contains("not in the vocabulary"));
    browser.click("//button[@id='pause']");
    browser.until(&format!("{shown} > {paused}"));
    browser.no_complaints();
}

#[test]
fn a_text_or_a_setting_that_cannot_be_used_says_why() {
    let Some(browser) = opened() else { return };
    for (text, values, words) in [
        ("", &[][..], "empty"),
        ("too short", &[], "too short"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &[], "model needs two or more"),
        ("too short", &[("hidden", "")], "Hidden (empty): must be a whole number"),
        ("too short", &[("hidden", "1000000")], "Hidden 1000000: must be at least 1 and at most 1024"),
    ] {
        train(&browser, text, values);
        let message = problem(&browser, "#train");
        assert!(message.contains(words), "{message}");
        assert_eq!(browser.get("document.querySelector('#train').dataset.state"), "idle");
        browser.get("(document.querySelector('#train .problem').hidden = true, 0)");
    }
    browser.no_complaints();
}

/// Gives files to the page.
fn choose(browser: &Browser, files: &[PathBuf]) {
    let files: Vec<&str> = files.iter().map(|file| file.to_str().expect("a path in UTF-8")).collect();
    browser.type_in("//input[@id='files']", &files.join("\n"));
}

fn export_of(place: &Workplace, run: &str) -> [PathBuf; 3] {
    place.rekindle(&["export", run]).assert().success();
    ["config.json", "model.safetensors", "vocab.json"].map(|file| place.path(run).join("export").join(file))
}

#[test]
fn an_exported_run_writes_what_the_command_writes() {
    let Some(browser) = opened() else { return };
    let place = Workplace::new();
    for (run, options) in [
        ("lstm", &["--units", "char"][..]),
        ("gru", &["--units", "byte", "--cell", "gru", "--embedding", "0", "--layers", "1"]),
        ("tied", &["--units", "word", "--cell", "layer-norm-lstm", "--tied", "--embedding", "16"]),
        ("pieces", &["--units", "bpe", "--merges", "20", "--cell", "min-gru"]),
    ] {
        let train = ["train", "chars", "--data", "text.txt", "--out", run, "--steps", "60", "--hidden", "32"];
        let batch = ["--batch-size", "8", "--sequence-length", "16"];
        place.rekindle(&[&train[..], &batch, options].concat()).assert().success();
        choose(&browser, &export_of(&place, run));
        // The page writes once by itself when a run is opened: what follows must not take the end of that for its own.
        browser.until("!document.querySelector('#open-writer button').disabled");
        browser.until("document.querySelector('#written').dataset.state === 'done'");
        for (temperature, seed) in [("0", "0"), ("0.8", "7")] {
            let prime = "fn add";
            let sampling = ["--prime", prime, "--temperature", temperature, "--seed", seed, "--length", "120"];
            let native = place.json(&[&["sample", run, "--json"][..], &sampling].concat());
            let writing = [("prime", prime), ("temperature", temperature), ("seed", seed), ("length", "120")];
            fill(&browser, "#open-writer", &writing);
            browser.get("(document.querySelector('#written').dataset.state = '', 0)");
            browser.click("//form[@id='open-writer']//button");
            browser.until("document.querySelector('#written').dataset.state === 'done'");
            assert_eq!(browser.get("document.querySelector('#written').textContent"), native["text"], "{run}");
        }
        // Opened again with the next run.
        browser.get("(document.querySelector('#open-writer button').disabled = true, 0)");
        browser.get("(document.querySelector('#written').dataset.state = '', 0)");
    }
    browser.picture("browser-run");
    browser.no_complaints();
}

#[test]
fn files_that_are_no_exported_run_say_why() {
    let Some(browser) = opened() else { return };
    let place = Workplace::new();
    let small = ["--steps", "1", "--hidden", "8", "--layers", "1"];
    for (task, run) in [("chars", "run"), ("adding", "adding")] {
        let layers = if task == "chars" { 6 } else { 4 };
        place.rekindle(&[&["train", task, "--out", run][..], &small[..layers]].concat()).assert().success();
    }
    let [config, weights, vocabulary] = export_of(&place, "run");
    let [other, other_weights, _] = export_of(&place, "adding");
    let changed = |name: &str, file: &Path, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let folder = place.path(name);
        fs::create_dir(&folder).unwrap();
        let path = folder.join(file.file_name().unwrap());
        fs::write(&path, change(fs::read(file).unwrap())).unwrap();
        path
    };
    let cut = changed("cut", &weights, &|bytes| bytes[..bytes.len() / 2].to_vec());
    let no_json = changed("no-json", &config, &|bytes| bytes[1..].to_vec());
    let replaced = |from: &'static str, to: &'static str| {
        move |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains(from), "{text}");
            text.replace(from, to).into_bytes()
        }
    };
    let wide = changed("wide", &config, &replaced("\"hidden\": 8", "\"hidden\": 100000000"));
    let newer = changed("newer", &config, &replaced("\"version\": 1", "\"version\": 2"));
    let foreign = changed("foreign", &config, &replaced("rekindle-export", "else"));
    for (files, words) in [
        (vec![&config, &vocabulary], "there is no model.safetensors among the files"),
        (vec![&weights, &vocabulary], "There is no config.json among the files"),
        (vec![&config, &cut, &vocabulary], "model.safetensors: "),
        (vec![&no_json, &weights, &vocabulary], "Config.json: "),
        (vec![&wide, &weights, &vocabulary], "the width of the hidden state is 8, and 100000000 in config.json"),
        (vec![&newer, &weights, &vocabulary], "version 2 of the format"),
        (vec![&foreign, &weights, &vocabulary], "its format is \"else\""),
        (vec![&other, &other_weights], "a run of the task `adding`"),
    ] {
        choose(&browser, &files.into_iter().cloned().collect::<Vec<_>>());
        let message = problem(&browser, "#open");
        assert!(message.to_lowercase().contains(&words.to_lowercase()), "{message}, not {words}");
        browser.get("(document.querySelector('#open .problem').hidden = true, 0)");
    }
    browser.no_complaints();
}
