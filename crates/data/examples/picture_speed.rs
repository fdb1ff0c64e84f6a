//! Pictures a second that are decoded and resized to 224 x 224:
//! `cargo run --release --example picture_speed -- FOLDER [workers] [batch]`.

use std::path::PathBuf;
use std::time::Instant;

use rekindle_data::captions::{PictureLoader, Pictures};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("a folder of pictures is missing")?);
    let mut number = |default: usize| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let [workers, batch] = [number(1), number(16)];
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder)?.take(640) {
        names.push((entry?.file_name().to_string_lossy().into_owned(), None));
    }
    let mut loader = PictureLoader::new(Pictures::Folder(folder), 224, workers);
    let start = Instant::now();
    for batch in names.chunks(batch) {
        loader.load(batch.to_vec(), Vec::new())?;
    }
    let speed = names.len() as f64 / start.elapsed().as_secs_f64();
    println!("{} pictures, {workers} worker(s), batches of {batch}: {speed:.1} pictures/s", names.len());
    Ok(())
}
