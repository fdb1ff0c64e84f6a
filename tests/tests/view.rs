//! The page of `rekindle view` in a browser: headless Chromium, through chromedriver.
//!
//! Where these are missing, the test is skipped and says so; with `REKINDLE_BROWSER=required` it fails. With
//! `REKINDLE_SCREENSHOTS=FOLDER` it leaves pictures of every tab, narrow and wide, light and dark.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rekindle_tests::Workplace;
use rekindle_tests::browser::{Browser, found};

/// A folder name that would be code if it were not escaped.
const NAME: &str = "<img src=x onerror=document.title=1>'\"&";

/// A server of the page; it ends with the test.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(place: &Workplace) -> Self {
        let mut command = place.process(&["view", "--backend", "flex"]);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(|line| line.unwrap());
        let line = lines.find(|line| line.contains("http://")).expect("the server prints its address");
        let address = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
        Self { process, address: address.trim_end_matches('/').to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs of every task, one with a name that looks like code, and a damaged one. Returns the tasks.
fn runs(place: &Workplace) -> Vec<String> {
    let tasks = place.tasks();
    let train = |task: &str, run: &str, steps: &str| {
        let out = format!("runs/{run}");
        let options = ["train", task, "--out", &out, "--steps", steps, "--hidden", "8", "--print-every", "1"];
        place.rekindle(&options).assert().success();
    };
    for task in &tasks {
        // A curve that has a shape, for the axes.
        train(task, task, if task == "chars" { "40" } else { "3" });
    }
    train("chars", NAME, "2");
    train("chars", "damaged", "1");
    fs::write(place.path("runs/damaged/config.toml"), "no = [").unwrap();
    tasks
}

#[test]
fn every_tab_works_for_a_run_of_every_task() {
    if !found() {
        return;
    }
    let place = Workplace::new();
    let tasks = runs(&place);
    let server = Server::start(&place);
    let browser = Browser::start();
    browser.open(&server.address);
    browser.until("document.querySelector('#connection').textContent === 'live'");
    the_runs_are_listed(&browser, tasks.len() + 2);
    the_curves_follow_their_controls(&browser);
    a_damaged_run_says_so(&browser);
    for task in &tasks {
        choose(&browser, "playground", task);
        the_playground_answers(&browser, &place, task);
        browser.picture(&format!("playground-{task}"));
        choose(&browser, "inside", task);
        the_inside_is_shown(&browser, task);
        browser.picture(&format!("inside-{task}"));
    }
    tabs_are_reached_with_the_keyboard(&browser);
    a_run_in_training_moves_on_and_a_deleted_one_goes(&browser, &place);
    browser.no_complaints();
}

fn the_runs_are_listed(browser: &Browser, count: usize) {
    browser.until(&format!("document.querySelectorAll('table.runs tbody tr').length === {count}"));
    let names = browser.get("[...document.querySelectorAll('.name')].map(name => name.textContent)");
    assert!(names.as_array().unwrap().contains(&NAME.into()), "{names}");
    assert_eq!(browser.get("document.title"), "Rekindle");
    browser.click("//button[text()='those listed']");
    browser.until("document.querySelectorAll('#runs figure.chart path.line').length > 10");
    browser.until("document.querySelectorAll('table.settings tbody tr').length > 10");
    browser.picture("runs");
}

fn the_curves_follow_their_controls(browser: &Browser) {
    browser.click("//button[text()='none']");
    browser.until("document.querySelectorAll('#runs figure.chart').length === 0");
    browser.click("//input[@aria-label='chars in the charts']");
    browser.until("document.querySelectorAll('#runs figure.chart').length > 1");
    for axis in ["epochs", "wall time", "steps"] {
        browser.click(&format!("//*[@class='main']//option[text()='{axis}']"));
        let unit = if axis == "wall time" { "minutes" } else { axis };
        browser.until(&format!("document.querySelector('.plot .unit').textContent === '{unit}'"));
    }
    browser.get("document.querySelector('.frame').focus()");
    browser.key("\u{e012}");
    browser.until("/^chars: [\\d.,]+ \\(step \\d+\\)$/.test(document.querySelector('.frame').ariaValueText)");
    let before = browser.get("document.querySelector('.plot .line').getAttribute('d')");
    browser.click("//label[contains(., 'logarithmic')]/input");
    browser.until(&format!("document.querySelector('.plot .line').getAttribute('d') !== {before}"));
}

fn a_damaged_run_says_so(browser: &Browser) {
    browser.until("document.querySelector('.state[data-state=damaged]')");
    browser.click("//button[text()='damaged']");
    browser.until("document.querySelector('.details .problem')?.textContent.includes('config.toml')");
    browser.picture("damaged");
    browser.click("//button[text()='chars']");
    browser.until("document.querySelector('.details h2')?.textContent === 'chars'");
    browser.until("document.querySelector('.details dl').textContent.includes('finished')");
    browser.until("document.querySelectorAll('.details td').length > 0");
}

/// Opens a tab and chooses the run of a task there.
fn choose(browser: &Browser, tab: &str, task: &str) {
    browser.click(&format!("//*[@id='tab-{tab}']"));
    browser.until(&format!("!document.getElementById('{tab}').hidden"));
    browser.click(&format!("//*[@id='{tab}']//option[starts-with(., '{task} (')]"));
    browser.until(&format!(
        "document.querySelector('#{tab} > .run select')?.selectedOptions[0].text.startsWith('{task} (')"
    ));
}

/// Gives the model of a task an input, and looks for what the page shows of the answer.
fn the_playground_answers(browser: &Browser, place: &Workplace, task: &str) {
    let button = "document.querySelector('#playground .go')";
    browser.until(&format!("{button} && location.hash.startsWith('#playground=')"));
    let input = "//*[@id='playground']//div[@class='input']//textarea";
    let go = "//*[@id='playground']//button[@type='submit']";
    let files = "//*[@id='playground']//input[@type='file']";
    match task {
        "chars" => {
            browser.type_in(input, "fn ");
            browser.click(go);
            browser.until("document.querySelectorAll('#playground .text [data-given]').length === 3");
            browser.until("document.querySelectorAll('#playground .text span').length > 100");
            browser.until("!document.querySelector('#playground [aria-busy]')");
            // What has been written is read with the keyboard.
            browser.get("document.querySelector('#playground .text').focus()");
            browser.key("\u{e010}");
            browser.until("document.querySelectorAll('#playground .detail li').length > 3");
            browser.click("//*[@id='playground']//option[@value='unit']");
            // It is written anew, with the activations of the unit.
            browser.until("document.querySelectorAll('#playground .text [class^=v]:not(.v31)').length > 0");
            browser.until("!document.querySelector('#playground [aria-busy]')");
            browser.get("document.querySelector('#playground .text').focus()");
            browser.key("\u{e011}");
            browser.until("document.querySelector('#playground .detail').textContent.includes('activation')");
        }
        "sentiment" => {
            browser.type_in(input, "the film was not dull");
            browser.until("document.querySelectorAll('#playground .bars li').length === 2");
            browser.until("document.querySelectorAll('#playground .text [data-index]').length === 5");
        }
        "translate" => {
            browser.type_in(input, "the third of march nineteen ninety");
            browser.click(go);
            browser.until("document.querySelectorAll('#playground .hypotheses li').length > 0");
            browser.until("document.querySelectorAll('#playground table.attention tbody th').length > 0");
        }
        "caption" => {
            browser.type_in(files, picture().to_str().unwrap());
            browser.until("document.querySelectorAll('#playground .hypotheses li').length > 0");
            browser.until("document.querySelectorAll('#playground .tile').length > 0");
            browser.click("//*[@id='playground']//button[contains(@class, 'tile')]");
            browser.until("document.querySelector('#playground').textContent.includes('attends most to row')");
        }
        "draw" => {
            browser.click(go);
            browser.until("document.querySelectorAll('#playground canvas').length > 0");
            browser.until("document.querySelector('#playground input[type=range]').max > 0");
        }
        "frames" => {
            let frames = clip(place);
            browser.type_in(files, &frames.iter().map(|frame| frame.to_str().unwrap()).collect::<Vec<_>>().join("\n"));
            browser.until("document.querySelectorAll('#playground .strip span').length > 0");
            browser.until("document.querySelector('#playground').textContent.includes('Frame 0: ')");
        }
        "adding" => {
            browser.type_in(input, "0.3 0.5* 0.1 0.25*");
            browser.click(go);
            browser.until("document.querySelectorAll('#playground mark').length === 2");
            browser.until("document.querySelector('#playground table').textContent.includes('0.75')");
        }
        other => panic!("say here what the playground of {other} shows"),
    }
    browser.until("!document.querySelector('#playground [role=alert]')");
}

/// A picture of this repository.
fn picture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures/inside-units.png").canonicalize().unwrap()
}

/// Three frames.
fn clip(place: &Workplace) -> Vec<PathBuf> {
    let frame = |number: usize| {
        let path = place.path(&format!("frame-{number}.png"));
        fs::copy(picture(), &path).unwrap();
        path
    };
    (0..3).map(frame).collect()
}

fn the_inside_is_shown(browser: &Browser, task: &str) {
    let answered = |button: &str, shown: &str| {
        browser.click(&format!("//*[@id='inside']//button[text()='{button}']"));
        browser
            .until(&format!("document.querySelector('#inside section[aria-label={shown}] :is([role=alert], table)')"));
        browser.get(&format!(
            "document.querySelector('#inside section[aria-label={shown}] [role=alert]')?.textContent ?? ''"
        ))
    };
    browser.until("document.querySelector('#inside section')");
    let units = answered("Show units", "Units");
    let gradients = answered("Show gradients", "Gradients");
    match task {
        "chars" | "sentiment" => {
            assert_eq!((units.as_str(), gradients.as_str()), (Some(""), Some("")));
            browser.until("document.querySelectorAll('#inside .text [class^=v]:not(.v31)').length > 0");
            browser.until("document.querySelector('#inside img.gradients').naturalWidth > 0");
            browser.click("//*[@id='inside']//button[@aria-label='Next unit']");
            browser.get("document.querySelector('#inside .text').focus()");
            browser.until("document.querySelector('#inside .value').textContent.startsWith('time step 0: ')");
        }
        _ => assert!(
            units != "" || gradients != "" || task == "frames" || task == "adding",
            "{task}: {units}, {gradients}"
        ),
    }
}

fn tabs_are_reached_with_the_keyboard(browser: &Browser) {
    browser.get("document.getElementById('tab-inside').focus()");
    for (key, tab) in [
        ("\u{e014}", "runs"),
        ("\u{e014}", "playground"),
        ("\u{e012}", "runs"),
        ("\u{e010}", "inside"),
        ("\u{e011}", "runs"),
    ] {
        browser.key(key);
        browser
            .until(&format!("document.activeElement.id === 'tab-{tab}' && !document.getElementById('{tab}').hidden"));
    }
}

fn a_run_in_training_moves_on_and_a_deleted_one_goes(browser: &Browser, place: &Workplace) {
    let options = ["train", "chars", "--out", "runs/live", "--steps", "100000", "--hidden", "8", "--print-every", "5"];
    let mut training = place.process(&options).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let row = "[...document.querySelectorAll('table.runs tbody tr')].find(row => row.querySelector('.name').textContent === 'live')";
    let steps = format!("Number({row}?.cells[2].firstChild.textContent.replace(/,/g, '') ?? 0)");
    browser.until(&format!("{row}?.querySelector('.state').dataset.state === 'training'"));
    browser.click("//input[@aria-label='live in the charts']");
    browser.until(&format!("{steps} > 0"));
    let before = browser.get(&steps);
    browser.until(&format!("{steps} > {before}"));
    training.kill().unwrap();
    training.wait().unwrap();
    browser.until(&format!("{row}?.querySelector('.state').dataset.state === 'stopped'"));
    browser.click("//button[text()='live']");
    browser.until("document.querySelector('.details h2').textContent === 'live'");
    fs::remove_dir_all(place.path("runs/live")).unwrap();
    browser.until(&format!("!({row})"));
    browser.until("document.querySelector('.details').textContent.includes('has been deleted')");
}
