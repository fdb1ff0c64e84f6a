//! Gathers the text of `builtin:source`: the Rust source of the whole workspace, or of this crate
//! alone where it is built outside the workspace, as from a registry.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("Cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets it"));

    let mut files = Vec::new();
    let crates = workspace_crates(&here)?;
    for folder in if crates.is_empty() { vec![here.clone()] } else { crates } {
        rust_files(&folder.join("src"), &mut files)?;
    }
    files.sort();

    let root = here.parent().unwrap_or(&here);
    let mut text = String::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        text.push_str(&format!("// {name}\n{}\n", fs::read_to_string(&file)?.replace('\r', "")));
    }
    fs::write(out.join("source.txt"), text)?;

    // The text is that of the last build of this crate: were it to follow every file, a change in any
    // crate would build this one and all that depend on it anew.
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    Ok(())
}

/// The folders of the workspace's crates; none where this crate does not stand in its workspace.
fn workspace_crates(here: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(siblings) = here.parent().filter(|parent| parent.ends_with("crates")) else {
        return Ok(Vec::new());
    };
    let mut crates = Vec::new();
    for entry in fs::read_dir(siblings)? {
        let folder = entry?.path();
        // Where there is no manifest there is no crate.
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        if manifest.contains("name = \"rekindle") {
            crates.push(folder);
        }
    }
    Ok(crates)
}

/// Adds the `.rs` files below a folder.
fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
