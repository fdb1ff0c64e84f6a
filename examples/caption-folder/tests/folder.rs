//! The example with a run that was hardly trained.

use std::fs;

use assert_cmd::Command;
use image::{Rgb, RgbImage};
use rekindle_tests::Workplace;

#[test]
fn every_picture_has_its_line_and_what_is_none_is_named() {
    let place = Workplace::new();
    let shape = ["--hidden", "8", "--embedding", "8", "--pillar", "8", "--image-size", "16", "--max-length", "5"];
    place.rekindle(&[&["train", "caption", "--steps", "2"], &shape[..]].concat()).assert().success();
    fs::create_dir(place.path("pictures")).unwrap();
    for name in ["b.png", "a.png"] {
        RgbImage::from_pixel(20, 12, Rgb([200, 40, 40])).save(place.path("pictures").join(name)).unwrap();
    }
    fs::write(place.path("pictures/notes.txt"), "no picture").unwrap();
    let mut example = Command::new(env!("CARGO_BIN_EXE_caption-folder"));
    let output = example.current_dir(place.path(".")).args(["runs/caption", "pictures"]).assert().success();
    let output = output.get_output();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let names: Vec<&str> = lines.iter().map(|line| line[0]).collect();
    assert_eq!(names, ["pictures/a.png", "pictures/b.png"], "{text}");
    assert!(lines.iter().all(|line| line.len() == 3 && line[1].parse::<f64>().is_ok_and(|p| p <= 1.0)), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("notes.txt"));
    Command::new(env!("CARGO_BIN_EXE_caption-folder")).assert().code(1);
}
