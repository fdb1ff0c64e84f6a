use std::collections::BTreeMap;
use std::fs;

#[cfg(feature = "png")]
use rekindle_pictures::Picture;

use super::*;
use crate::event::{StepFigure, StepReport};
use crate::report::Report;
use crate::updates::LayerUpdate;

/// A field of a message: a number, or bytes.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Value {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) => panic!("a number"),
        }
    }

    fn fields(&self) -> BTreeMap<u64, Value> {
        fields(self.bytes())
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return number;
        }
    }
    unreachable!()
}

/// The fields of a message, by number.
fn fields(mut bytes: &[u8]) -> BTreeMap<u64, Value> {
    let mut found = BTreeMap::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                found.insert(key >> 3, Value::Number(varint(&mut bytes)));
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            5 => 4,
            wire => panic!("wire type {wire}"),
        };
        let (value, rest) = bytes.split_at(length);
        found.insert(key >> 3, Value::Bytes(value.to_vec()));
        bytes = rest;
    }
    found
}

/// The events of a file, each with its step; every checksum is compared.
fn events(mut file: &[u8]) -> Vec<(u64, BTreeMap<u64, Value>)> {
    let mut events = Vec::new();
    while !file.is_empty() {
        let (head, rest) = file.split_at(12);
        let length = u64::from_le_bytes(head[..8].try_into().unwrap()) as usize;
        assert_eq!(head[8..], checksum(&head[..8]).to_le_bytes());
        let (event, rest) = rest.split_at(length);
        assert_eq!(rest[..4], checksum(event).to_le_bytes());
        file = &rest[4..];
        let fields = fields(event);
        let Some(Value::Number(step)) = fields.get(&2) else { panic!("an event has a step") };
        assert_eq!(fields[&1].bytes().len(), 8, "a wall time");
        events.push((*step, fields));
    }
    events
}

/// Step, tag and fields of every summary.
fn values(events: &[(u64, BTreeMap<u64, Value>)]) -> Vec<(u64, String, BTreeMap<u64, Value>)> {
    let summaries = events.iter().filter_map(|(step, event)| Some((*step, event.get(&5)?.fields()[&1].fields())));
    summaries.map(|(step, value)| (step, String::from_utf8(value[&1].bytes().to_vec()).unwrap(), value)).collect()
}

fn written(step: u64, event: &Event<'_>) -> Vec<(u64, BTreeMap<u64, Value>)> {
    let folder = tempfile::tempdir().unwrap();
    let mut board = TensorBoard::create(folder.path(), step).unwrap();
    board.observe(event);
    board.finish().unwrap();
    let entry = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
    assert!(entry.file_name().to_str().unwrap().starts_with("events.out.tfevents."));
    events(&fs::read(entry.path()).unwrap())
}

/// RFC 3720, appendix B.4: the CRC-32C of 32 bytes of 0, and of 0xff.
#[test]
fn the_checksum_is_the_masked_one_of_the_standard() {
    let masked = |crc: u32| crc.rotate_right(15).wrapping_add(0xa282_ead8);
    assert_eq!(checksum(&[0; 32]), masked(0x8a91_36aa));
    assert_eq!(checksum(&[0xff; 32]), masked(0x62a8_ab43));
}

#[test]
fn figures_of_steps_evaluations_and_updates_are_scalars() {
    let report = StepReport {
        step: 300,
        epoch: 1.0,
        loss: 2.5,
        gradient_norm: 0.25,
        learning_rate: 1e-3,
        items: 10,
        items_per_second: 5e4,
        figure: Some(StepFigure { name: "reward", value: 0.5 }),
        printed: true,
    };
    let scalars = |event: &Event<'_>| {
        let float = |value: &BTreeMap<u64, Value>| f32::from_le_bytes(value[&2].bytes().try_into().unwrap());
        values(&written(0, event))
            .iter()
            .map(|(step, tag, value)| (*step, tag.clone(), float(value)))
            .collect::<Vec<_>>()
    };
    let found = scalars(&Event::Step(report));
    assert_eq!(found[0], (300, "train/loss".to_owned(), 2.5));
    assert_eq!(found[3], (300, "train/items_per_second".to_owned(), 5e4));
    assert_eq!(found[4], (300, "train/reward".to_owned(), 0.5));
    assert!(scalars(&Event::Step(StepReport { printed: false, ..report })).is_empty());
    let evaluation = Report::named("bound", 80.0, "nats").higher("accuracy", 0.75);
    let found = scalars(&Event::Evaluated { step: 9, epoch: 1.0, report: &evaluation, best: true });
    assert_eq!(found, [(9, "validation/loss".to_owned(), 80.0), (9, "validation/accuracy".to_owned(), 0.75)]);
    let layer = "output".to_owned();
    let layers = [LayerUpdate { layer, weight_norm: 2.0, gradient_norm: 4.0, update_norm: 0.5, ratio: Some(0.25) }];
    let found = scalars(&Event::Updated { step: 9, layers: &layers });
    assert_eq!(found[3], (9, "updates/ratio/output".to_owned(), 0.25));
}

#[test]
fn a_sample_is_a_text() {
    let found = values(&written(0, &Event::Sampled { step: 5, text: "one\n# two" }));
    let (step, tag, value) = &found[0];
    assert_eq!((*step, tag.as_str()), (5, "sample"));
    assert_eq!(value[&9].fields()[&1].fields()[&1].bytes(), b"text");
    let tensor = value[&8].fields();
    assert_eq!((&tensor[&1], tensor[&8].bytes()), (&Value::Number(7), &b"    one\n    # two"[..]));
}

#[cfg(feature = "png")]
#[test]
fn a_picture_is_a_png() {
    let svg =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"30\" height=\"20\"><rect width=\"9\" height=\"9\"/></svg>";
    let mut report = Report::new(1.0);
    report.pictures.push(Picture { name: "confusion", svg: svg.to_owned() });
    let found = values(&written(0, &Event::Evaluated { step: 5, epoch: 1.0, report: &report, best: true }));
    let (_, tag, value) = found.last().unwrap();
    let image = value[&4].fields();
    assert_eq!((tag.as_str(), &image[&1], &image[&2]), ("confusion", &Value::Number(20), &Value::Number(30)));
    assert!(image[&4].bytes().starts_with(b"\x89PNG"));
}

#[test]
fn a_resumed_run_drops_what_was_written_of_later_steps() {
    let event = Event::Sampled { step: 8, text: "" };
    let of_new = written(0, &event);
    assert_eq!((of_new.len(), of_new[0].1[&3].bytes()), (2, &b"brain.Event:2"[..]));
    let of_resumed = written(7, &event);
    // TensorBoard drops this step too: the first one that is done again.
    assert_eq!((of_resumed.len(), of_resumed[1].0), (3, 8));
    assert_eq!(of_resumed[1].1[&7].fields()[&1], Value::Number(1));
}
