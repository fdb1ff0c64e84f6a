//! `rekindle data`, against a server on this machine.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;

/// Answers every request with `body`, and gives back its address.
fn serve(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = BufReader::new(stream.try_clone().unwrap());
            // The request ends with an empty line.
            request.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // A client that has seen enough hangs up.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    address
}

#[test]
fn the_catalogue_names_sources_licences_and_sizes() {
    let place = Workplace::new();
    place.rekindle(&["data", "list"]).assert().success().stdout(contains("tiny-shakespeare").and(contains("chars")));
    place
        .rekindle(&["data", "list"])
        .assert()
        .success()
        .stdout(contains("builtin:occluded-shapes").and(contains("built in")));
    let show = ["data", "show", "tiny-shakespeare"];
    place.rekindle(&show).assert().success().stdout(contains("licence").and(contains("1115394 bytes")));
    place.rekindle(&["data", "show", "large-shakespeare"]).assert().code(1).stderr(contains("tiny-shakespeare"));
    let list = place.rekindle(&["data", "list", "--json"]).assert().success().get_output().stdout.clone();
    let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
    assert_eq!(list[0]["name"], "tiny-shakespeare");
    let scenes = list.as_array().unwrap().iter().find(|set| set["name"] == "builtin:scenes").unwrap();
    assert_eq!(scenes["task"], "caption");
}

#[test]
fn a_built_in_set_is_shown_with_its_usage() {
    let place = Workplace::new();
    let list = place.json(&["data", "list", "--json"]);
    let sets = list.as_array().unwrap().iter().filter(|set| set["name"].as_str().unwrap().starts_with("builtin:"));
    for set in sets {
        let [name, task] = ["name", "task"].map(|key| set[key].as_str().unwrap());
        let usage = format!("rekindle train {task} --data {name}");
        place.rekindle(&["data", "show", name]).assert().success().stdout(contains(&*usage).and(contains("built in")));
        assert!(place.json(&["data", "show", name, "--json"]).as_array().unwrap().contains(set));
        place.failure(&["data", "get", name], 1, &["built in", &usage]);
    }
    place.failure(&["data", "show", "builtin:nothing"], 1, &["builtin:nothing"]);
}

#[test]
fn a_download_that_is_not_the_file_is_refused() {
    let place = Workplace::new();
    let mirror = serve(b"not Shakespeare".to_vec());
    place
        .rekindle(&["data", "get", "tiny-shakespeare", "--mirror", &mirror])
        .assert()
        .code(1)
        .stdout("")
        .stderr(contains("15").and(contains("1115394")));
    assert!(!place.path("data/tiny-shakespeare/input.txt").exists());
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let place = Workplace::new();
    let get = ["data", "get", "tiny-shakespeare", "--mirror", "http://127.0.0.1:9"];
    place.rekindle(&get).assert().code(1).stderr(contains("127.0.0.1:9"));
}

/// The real file, where this machine has it.
#[test]
fn the_real_file_is_downloaded_and_verified() {
    let data = std::env::var_os("REKINDLE_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")), PathBuf::from);
    let Ok(text) = fs::read(data.join("chars/tinyshakespeare.txt")) else {
        eprintln!("skipped: no chars/tinyshakespeare.txt in {} (set REKINDLE_DATA)", data.display());
        return;
    };
    let place = Workplace::new();
    let mirror = serve(text.clone());
    let get = ["data", "get", "tiny-shakespeare", "--mirror", &mirror];
    let output = place.rekindle(&get).assert().success().get_output().stdout.clone();
    let path = place.path(String::from_utf8(output).unwrap().trim());
    assert_eq!(fs::read(path).unwrap(), text);
    place.rekindle(&get).assert().success().stderr(contains("is there already"));
}
