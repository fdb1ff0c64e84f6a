//! Every reader on some thousands of damaged files: see the crate's documentation for longer campaigns.
//!
//! One test, so that no other's memory is counted.

use std::time::Duration;

use rekindle_fuzz::campaign::{Length, run};
use rekindle_fuzz::readers;

/// Of all readers together.
const TIME: Duration = Duration::from_secs(40);

#[test]
fn no_damaged_file_makes_its_reader_panic_hang_or_take_memory() {
    let time = TIME / readers::ALL.len() as u32;
    for reader in readers::ALL {
        let found = run(reader, Length { files: 10_000, time }, 1);
        let fault = found.fault.map(|(fault, bytes)| format!("{fault}: {:?}", String::from_utf8_lossy(&bytes)));
        assert_eq!(fault, None, "{}", reader.name);
    }
}
