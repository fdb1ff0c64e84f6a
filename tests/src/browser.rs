//! A browser for tests of pages: headless Chromium, through chromedriver.
//!
//! WebDriver is JSON over HTTP. These are the few commands that the tests need, see
//! <https://www.w3.org/TR/webdriver2/>: a client of its own would bring crates whose features make Cargo compile Burn
//! once more.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use rekindle_testing::there;
use serde_json::{Value, json};
use ureq::Agent;

/// The longest time that a page may take, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest time in which a page takes its new width.
const SETTLING: Duration = Duration::from_secs(5);

/// The largest answer: a picture of a long page.
const LARGEST: u64 = 64 << 20;

/// The key of an element's name in an answer, as the standard has it.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Widths at which pictures are taken, in pixels.
const WIDTHS: [u32; 2] = [380, 1400];

/// Whether there is a browser. Without one, this prints that the test is skipped.
///
/// # Panics
///
/// When there is none and `REKINDLE_BROWSER` is `required`.
pub fn found() -> bool {
    let version = Command::new("chromedriver").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = version.is_ok_and(|status| status.success());
    there("REKINDLE_BROWSER", found, "there is no chromedriver (Debian: apt install chromium chromium-driver)")
}

/// A browser with one page. It ends with the test.
pub struct Browser {
    agent: Agent,
    /// The address of the commands of this browser.
    session: String,
    driver: Child,
}

impl Browser {
    /// Starts the browser.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start() -> Self {
        let mut command = Command::new("chromedriver");
        let mut driver = command.arg("--port=0").stdout(Stdio::piped()).spawn().expect("chromedriver starts");
        let lines = BufReader::new(driver.stdout.take().expect("its output is piped")).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = port.expect("chromedriver prints its port");
        let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
        // As root, as in a container, Chromium has no sandbox.
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"];
        let wanted = json!({
            "goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"},
        });
        let address = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { agent, session: address, driver };
        let opened = browser.post("", &json!({"capabilities": {"alwaysMatch": wanted}}));
        let id = opened.unwrap_or_else(|error| panic!("Chromium does not start: {error}"))["sessionId"].take();
        browser.session += &format!("/{}", id.as_str().expect("a session has a name"));
        browser.look(WIDTHS[1], "light");
        browser
    }

    /// The process of the driver, whose children are the browser's.
    pub fn process(&self) -> u32 {
        self.driver.id()
    }

    /// Sends a command; the error is the driver's sentence.
    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.agent.post(format!("{}{path}", self.session)).header("Content-Type", "application/json");
        let response = request.send(body.to_string()).and_then(|mut response| {
            let answer = response.body_mut().with_config().limit(LARGEST).read_to_string()?;
            Ok((response.status().is_success(), answer))
        });
        let (succeeded, answer) = response.map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        match succeeded {
            true => Ok(answer["value"].take()),
            false => Err(answer["value"]["message"].as_str().unwrap_or_default().to_owned()),
        }
    }

    fn command(&self, path: &str, body: &Value, what: &str) -> Value {
        self.post(path, body).unwrap_or_else(|error| panic!("{what}: {error}\n{}", self.shown()))
    }

    /// Sends a command to the element that an XPath names.
    fn on(&self, path: &str, command: &str, body: &Value) {
        let found = self.command("/element", &json!({"using": "xpath", "value": path}), path);
        let id = found[ELEMENT].as_str().expect("an element has a name");
        // What stays at the top of a table may cover it.
        let script = "arguments[0].scrollIntoView({block: 'center'})";
        self.command("/execute/sync", &json!({"script": script, "args": [found]}), path);
        self.command(&format!("/element/{id}/{command}"), body, path);
    }

    /// Opens an address.
    ///
    /// # Panics
    ///
    /// When it does not load.
    pub fn open(&self, address: &str) {
        self.command("/url", &json!({"url": address}), address);
    }

    /// The value of an expression in JavaScript, on the page.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn get(&self, expression: &str) -> Value {
        self.command("/execute/sync", &json!({"script": format!("return {expression}"), "args": []}), expression)
    }

    /// Waits until an expression in JavaScript is true on the page.
    ///
    /// # Panics
    ///
    /// When it is not after a minute.
    pub fn until(&self, expression: &str) {
        let start = Instant::now();
        while self.get(&format!("Boolean({expression})")) != true {
            assert!(start.elapsed() < PATIENCE, "never true: {expression}\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Clicks on the element that an XPath names.
    ///
    /// # Panics
    ///
    /// When there is none, or it cannot be clicked on.
    pub fn click(&self, path: &str) {
        self.on(path, "click", &json!({}));
    }

    /// Types a text into the element that an XPath names, or gives it files.
    ///
    /// # Panics
    ///
    /// When there is none, or nothing can be typed there.
    pub fn type_in(&self, path: &str, text: &str) {
        self.on(path, "value", &json!({"text": text}));
    }

    /// Presses a key, in WebDriver's code, in the element that has the focus.
    ///
    /// # Panics
    ///
    /// When the browser refuses.
    pub fn key(&self, key: &str) {
        let pressed = ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key}));
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": pressed}]});
        self.command("/actions", &actions, "a key");
    }

    /// Sets the width of the page and the colours that the reader's system asks for.
    fn look(&self, width: u32, colours: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": colours}]});
        for (command, parameters) in
            [("Emulation.setDeviceMetricsOverride", size), ("Emulation.setEmulatedMedia", media)]
        {
            let body = json!({"cmd": command, "params": parameters});
            self.command("/goog/cdp/execute", &body, command);
        }
    }

    /// Asserts that the page fits its width, narrow and wide. Leaves pictures, light and dark, in the folder that
    /// `REKINDLE_SCREENSHOTS` names, if any.
    ///
    /// # Panics
    ///
    /// When it is too wide, or a picture cannot be written.
    pub fn picture(&self, name: &str) {
        let folder = std::env::var_os("REKINDLE_SCREENSHOTS").map(PathBuf::from);
        for width in WIDTHS {
            for colours in ["dark", "light"] {
                self.look(width, colours);
                let sizes = || {
                    ["scrollWidth", "clientWidth"].map(|size| {
                        self.get(&format!("document.documentElement.{size}")).as_u64().expect("a number of pixels")
                    })
                };
                // A page that draws itself for the new width, or that a click has just changed, may be too wide at
                // first.
                let (start, mut found) = (Instant::now(), sizes());
                while found[0] > found[1] && start.elapsed() < SETTLING {
                    std::thread::sleep(Duration::from_millis(50));
                    found = sizes();
                }
                let [wide, have] = found;
                assert!(wide <= have, "{name}: the page is {wide} pixels wide, on {have}");
                let Some(folder) = &folder else { continue };
                fs::create_dir_all(folder).expect("a folder for pictures");
                // A chart is drawn anew after the width has changed.
                std::thread::sleep(Duration::from_millis(150));
                let body = json!({"cmd": "Page.captureScreenshot", "params": {"captureBeyondViewport": true}});
                let mut picture = self.command("/goog/cdp/execute", &body, name);
                let picture = picture["data"].take();
                let picture = BASE64.decode(picture.as_str().unwrap_or_default()).expect("pictures come in base 64");
                fs::write(folder.join(format!("{name}-{width}-{colours}.png")), picture).expect("a picture is written");
            }
        }
    }

    /// Asserts that the browser has reported no error of a script and nothing that the page's policy forbids. Answers
    /// of the server that are errors are part of the tests.
    ///
    /// # Panics
    ///
    /// When it has.
    pub fn no_complaints(&self) {
        let log = self.command("/se/log", &json!({"type": "browser"}), "the log");
        let complaints = log.as_array().into_iter().flatten();
        let complaints: Vec<&Value> =
            complaints.filter(|entry| entry["level"] == "SEVERE" && entry["source"] != "network").collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    /// The text of the page, for messages.
    fn shown(&self) -> String {
        let script = json!({"script": "return document.body.innerText", "args": []});
        let text = self.post("/execute/sync", &script).unwrap_or_default();
        text.as_str().unwrap_or_default().chars().take(2000).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without its driver, the browser would stay.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
