//! Writes the page: one file that needs no server and nothing from the network.
//!
//! ```text
//! rustup target add wasm32-unknown-unknown
//! cargo run --release -p browser-page -- [FOLDER]
//! ```
//!
//! It compiles the library of `examples/browser` to WebAssembly, adds the bindings for JavaScript, and puts both into
//! the page.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use wasm_bindgen_cli_support::Bindgen;

/// The package with the library.
const LIBRARY: &str = "browser";
const TARGET: &str = "wasm32-unknown-unknown";
/// What browsers since 2023 have, and the kernels use.
const FEATURES: &str = "target-feature=+simd128";

const INDEX: &str = include_str!("../../src/page/index.html");
/// What the index has places for.
const PARTS: [(&str, &str); 5] = [
    ("style.css", include_str!("../../src/page/style.css")),
    ("worker.js", include_str!("../../src/page/worker.js")),
    ("chart.js", include_str!("../../src/page/chart.js")),
    ("page.js", include_str!("../../src/page/page.js")),
    ("training.rs", include_str!("../../src/training.rs")),
];

fn main() -> Result<()> {
    let library = compiled()?;
    let folder = match env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        // Beside the program: `target/browser`.
        None => env::current_exe()?.ancestors().nth(2).context("the program is in no target folder")?.join("browser"),
    };
    let bound = Bindgen::new().input_path(&library).no_modules(true)?.typescript(false).generate_output();
    let mut bound = bound.with_context(|| format!("cannot bind {}", library.display()))?;
    let program = bound.wasm_mut().emit_wasm();
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&program)?;
    let page = page(bound.js(), &packed.finish()?)?;
    let path = folder.join("index.html");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(&path, &page).with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", path.display());
    eprintln!("{} bytes; the program has {} bytes of WebAssembly, compressed in the page", page.len(), program.len());
    Ok(())
}

/// Compiles the library. Returns the file.
fn compiled() -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--lib", "--package", LIBRARY, "--profile", "wasm", "--target", TARGET]);
    build.args(["--config", &format!("target.{TARGET}.rustflags=['-C', '{FEATURES}']")]);
    build.args(["--message-format", "json-render-diagnostics"]);
    build.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit());
    let output = build.output().context("cannot run cargo")?;
    ensure!(output.status.success(), "the library does not compile; `rustup target add {TARGET}` adds the target");
    let messages = output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    let files = messages.filter(|message: &Value| message["target"]["name"] == LIBRARY);
    let files: Vec<Value> = files.flat_map(|message| message["filenames"].as_array().cloned()).flatten().collect();
    let wasm =
        |file: &Value| Some(PathBuf::from(file.as_str()?)).filter(|path| path.extension() == Some("wasm".as_ref()));
    let found = files.iter().find_map(wasm);
    found.filter(|path: &PathBuf| Path::exists(path)).context("cargo names no file of WebAssembly")
}

/// The page, with all parts in their places.
fn page(bindings: &str, program: &[u8]) -> Result<String> {
    let mut page = INDEX.to_owned();
    let program = BASE64.encode(program);
    for (name, part) in PARTS.into_iter().chain([("bindings", bindings), ("program", &program)]) {
        let place = format!("{{{{{name}}}}}");
        // It would end there.
        if part.contains("</script") || part.contains("</style") {
            bail!("{name} holds the end of an element");
        }
        ensure!(page.matches(&place).count() == 1, "index.html has not one place {place}");
        page = page.replace(&place, part);
    }
    Ok(page)
}
