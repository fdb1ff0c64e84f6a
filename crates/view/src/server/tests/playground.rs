//! Trying the model of a tiny run of each task.

use super::*;

const TINY: &str = "[model]\nhidden = 8\n";

fn place(task: &str, settings: &str) -> Place {
    Place::new(|runs| train(&runs.join("run"), task, settings))
}

fn play(place: &Place, body: &Json) -> Vec<Json> {
    let answer = place.post(&place.of("run", "play"), "application/json", body.to_string());
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    answer.lines()
}

/// Lines of a request that is answered to the end.
fn played(place: &Place, body: &Json) -> Vec<Json> {
    let mut lines = play(place, body);
    let last = lines.pop().unwrap();
    assert_eq!(last["done"], true, "{last}");
    lines
}

/// A form with files.
fn form(options: &Json, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = b"--x\r\ncontent-disposition: form-data; name=\"options\"\r\n\r\n".to_vec();
    body.extend(options.to_string().into_bytes());
    for (name, bytes) in files {
        let head = format!("\r\n--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend(head.into_bytes());
        body.extend(*bytes);
    }
    body.extend(b"\r\n--x--\r\n");
    body
}

fn upload(place: &Place, options: &Json, files: &[(&str, &[u8])]) -> Answer {
    place.post(&place.of("run", "play"), "multipart/form-data; boundary=x", form(options, files))
}

/// An image of this size as PPM, with a rising grey.
fn picture(width: usize, height: usize) -> Vec<u8> {
    let mut bytes = format!("P6\n{width} {height}\n255\n").into_bytes();
    bytes.extend((0..width * height).flat_map(|pixel| [(pixel % 256) as u8; 3]));
    bytes
}

#[test]
fn chars_write_with_probabilities_alternatives_and_activations() {
    let place = place("chars", &format!("{TINY}layers = 2\n[sample]\nsample_length = 0\n"));
    let ground = place.get(&place.of("run", "playground")).json();
    assert_eq!((&ground["input"], &ground["optional"]), (&json!("text"), &json!(true)));
    let names: Vec<&str> = ground["controls"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["length", "temperature", "top_k", "top_p", "stop", "seed"]);
    assert_eq!(ground["controls"][1]["least"], 0.0);
    let series: Vec<&str> = ground["series"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(series, ["layer 0 h", "layer 0 c", "layer 1 h", "layer 1 c"]);

    let options = json!({"length": 40, "seed": 7, "temperature": 0.9});
    let lines = played(&place, &json!({"text": "fn m", "options": options}));
    let prime: Vec<&str> =
        lines[1]["prime"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(prime, ["f", "n", " ", "m"]);
    assert_eq!(lines.len(), 2 + 40);
    let text = |lines: &[Json]| lines[2..].iter().map(|line| line["text"].as_str().unwrap()).collect::<String>();
    for line in &lines[2..] {
        let alternatives = line["alternatives"].as_array().unwrap();
        let shares: Vec<f64> = alternatives.iter().map(|other| other["probability"].as_f64().unwrap()).collect();
        assert_eq!(shares.len(), 8);
        assert!(shares.is_sorted_by(|a, b| a >= b) && shares.iter().sum::<f64>() <= 1.0 + 1e-5, "{shares:?}");
        let own = alternatives.iter().find(|other| other["text"] == line["text"]);
        let probability = line["probability"].as_f64().unwrap();
        assert!(own.map_or(probability <= shares[7], |own| own["probability"] == line["probability"]), "{line}");
        assert!(line.get("activation").is_none());
    }
    // It is the text of `sample`, and does not depend on what is shown beside it.
    let mut answers = Vec::new();
    let mut notes = std::io::sink();
    let mut output = rekindle_train::operation::Output::new(&mut answers, &mut notes, true);
    let run = RunFolder::open(place.runs().join("run")).unwrap();
    let open = registry::Open { run: &run, which: Default::default(), device: &place.shared.device, with: &[] };
    let request = rekindle_train::operation::Sample { run: run.path().to_owned(), seed: 7 };
    let given: Table = "length = 40\ntemperature = 0.9\nprime = \"fn m\"".parse().unwrap();
    registry::find(tasks::ALL, "chars").unwrap().sample(&open, request, given, &mut output).unwrap();
    let sampled: Json = serde_json::from_slice(&answers).unwrap();
    assert_eq!(sampled["text"], format!("fn m{}", text(&lines)));

    let mut watching = options.clone();
    watching["neuron"] = json!({"series": 3, "unit": 5});
    let watched = played(&place, &json!({"text": "fn m", "options": watching}));
    assert_eq!((text(&watched), watched.len()), (text(&lines), lines.len()));
    let primed = watched[1]["prime"].as_array().unwrap().iter();
    let activations: Vec<f64> = primed.chain(&watched[2..]).filter_map(|line| line["activation"].as_f64()).collect();
    // All tokens but the last were read.
    assert_eq!(activations.len(), 4 + 40 - 1);
    // They are those that the analysis finds on the same text.
    let whole = format!("fn m{}", text(&lines));
    let read = place.post(&place.of("run", "neurons?length=43"), "text/plain", whole);
    assert_eq!(read.status, StatusCode::OK, "{}", read.text());
    let values = place.get(&place.of("run", "neurons/3/5")).json()["values"].clone();
    for (activation, value) in activations.iter().zip(values.as_array().unwrap()) {
        assert!((activation - value.as_f64().unwrap()).abs() < 1e-4, "{activation} {value}");
    }
    let wrong = play(&place, &json!({"options": {"neuron": {"series": 4, "unit": 0}}}));
    assert!(wrong[0]["error"].as_str().unwrap().contains("no unit"), "{wrong:?}");
    let unprimed = played(&place, &json!({"options": {"length": 5, "neuron": {"series": 0, "unit": 0}}}));
    assert_eq!((&unprimed[1]["prime"], unprimed.len()), (&json!([]), 7));
    assert!(unprimed[2].get("probability").is_none() && unprimed[3].get("probability").is_some());
}

#[test]
fn options_that_are_invalid_are_named() {
    let place = place("chars", &format!("{TINY}[sample]\nsample_length = 0\n"));
    for (body, words) in [
        (json!({"options": {"temperature": -1}}), "temperature"),
        (json!({"options": {"temperature": "hot"}}), "temperature"),
        (json!({"options": {"length": 1.5}}), "length"),
        (json!({"options": {"top_p": 2}}), "top-p"),
        (json!({"options": {"prime": "x"}}), "prime"),
        (json!({"options": {"out": "/tmp/x"}}), "out"),
        (json!({"options": []}), "options"),
        (json!({"options": {"neuron": 3}}), "neuron"),
        (json!({"text": 5}), "text"),
        (json!({"text": "x".repeat(200_000)}), "bytes"),
    ] {
        let answer = place.post(&place.of("run", "play"), "application/json", body.to_string());
        let status = if words == "bytes" { 413 } else { 400 };
        assert!(answer.failure(status).contains(words), "{body}");
    }
    let unknown = play(&place, &json!({"text": "\u{2603}"}));
    assert!(unknown[0]["error"].as_str().unwrap().contains('\u{2603}'), "{unknown:?}");
    let address = place.of("run", "play");
    assert!(place.post(&address, "application/json", "{").failure(400).contains("JSON"));
    assert!(place.post(&address, "text/plain", "{}").failure(415).contains("JSON"));
    assert!(
        place
            .post(&address, "multipart/form-data; boundary=x", form(&json!({}), &[("a.png", b"x")]))
            .failure(400)
            .contains("no files")
    );
    place.post(&address, "multipart/form-data", "x").failure(400);
    let huge = place.post(&address, "application/json", vec![b' '; 17 << 20]).failure(413);
    assert!(huge.contains("16 MiB"), "{huge}");
}

#[test]
fn work_ends_when_its_connection_is_closed() {
    let place = place("chars", &format!("{TINY}[sample]\nsample_length = 0\n"));
    let body = json!({"options": {"length": 100_000_000}}).to_string();
    let address = place.of("run", "play");
    let request = || {
        let request = Request::post(&address).header("host", HOST);
        request.header("content-type", "application/json").body(Body::from(body.clone())).unwrap()
    };
    // More than compute side by side: each must give its place back.
    for _ in 0..4 {
        place.runtime.block_on(async {
            let response = place.router.clone().oneshot(request()).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
        });
    }
    // Without a place, this would wait for all of the texts above.
    played(&place, &json!({"options": {"length": 3}}));
}

#[test]
fn sentiment_explains_each_part_of_a_text() {
    let place = place("sentiment", TINY);
    let text = "a good film <b>& a bad</b> end";
    let lines = played(&place, &json!({"text": text}));
    let parts = lines[0]["words"].as_array().unwrap();
    assert_eq!(parts.iter().map(|part| part["text"].as_str().unwrap()).collect::<String>(), text);
    assert!(parts.iter().filter(|part| part["weight"].is_number()).count() >= 6);
    let shares: f64 = lines[0]["probabilities"].as_array().unwrap().iter().map(|share| share.as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 1e-5 && lines[0]["labels"].as_array().unwrap().len() >= 2);
    let empty = place.post(&place.of("run", "play"), "application/json", r#"{"text": " "}"#);
    assert!(empty.failure(400).contains("give a text"));
}

#[test]
fn translate_shows_several_hypotheses_with_their_attention() {
    let place = place("translate", TINY);
    let lines = played(&place, &json!({"text": "monday 5 may\n1997", "options": {"n_best": 2, "max_length": 9}}));
    let (source, found) = (lines[0]["source"].as_array().unwrap(), lines[0]["hypotheses"].as_array().unwrap());
    assert_eq!(found.len(), 2);
    for hypothesis in found {
        let rows = hypothesis["attention"].as_array().unwrap();
        assert_eq!(rows.len(), hypothesis["tokens"].as_array().unwrap().len());
        for row in rows {
            let row: Vec<f64> = row.as_array().unwrap().iter().map(|share| share.as_f64().unwrap()).collect();
            assert!(row.len() == source.len() && (row.iter().sum::<f64>() - 1.0).abs() < 1e-3, "{row:?}");
        }
    }
}

#[test]
fn a_search_ends_when_it_is_stopped() {
    let place = place("translate", TINY);
    let known = place.shared.index.all().remove(0);
    let model = place.shared.players.model(&place.shared, &known).unwrap();
    let stop = StopSignal::default();
    stop.stop();
    let (mut send, play) =
        (|_: String| Ok(()), rekindle_train::playground::Play { text: "may".to_owned(), ..Default::default() });
    let mut answers = rekindle_train::playground::Answers::new(&mut send);
    let stopped = stop.during(|| model.play(play, Table::new(), &mut answers));
    assert_eq!(stopped.unwrap_err().to_string(), "stopped");
}

#[test]
fn caption_shows_where_each_word_looked() {
    let place = place("caption", "[model]\nhidden = 8\n[data]\nbatch_size = 8\n");
    let answer = upload(&place, &json!({"n_best": 2, "max_length": 5}), &[("my <photo>.ppm", &picture(40, 30))]);
    let lines = answer.lines();
    assert_eq!(lines.last().unwrap()["done"], true, "{lines:?}");
    let found = lines[0]["hypotheses"].as_array().unwrap();
    assert!(!found.is_empty());
    for hypothesis in found {
        if let Some(attention) = hypothesis["attention"].as_array() {
            let grid = lines[0]["grid"][0].as_u64().unwrap() * lines[0]["grid"][1].as_u64().unwrap();
            assert_eq!(attention.len(), hypothesis["words"].as_array().unwrap().len());
            assert!(attention.iter().all(|row| row.as_array().unwrap().len() as u64 == grid));
        }
    }
    for (files, words) in [
        (vec![("a.txt", &b"text"[..])], "a.txt"),
        (vec![("a.png", &b"not an image"[..])], "not an image"),
        (vec![], "give a file"),
        (vec![("a.ppm", &picture(4, 4)[..]), ("b.ppm", &picture(4, 4)[..])], "at most 1"),
        (vec![("../../a.ppm", &b"P6\n100000 100000\n255\n"[..])], "megapixels"),
    ] {
        let sentence = upload(&place, &json!({}), &files).failure(400);
        assert!(sentence.contains(words) && !sentence.contains("rekindle-view"), "{sentence}");
    }
}

#[test]
fn draw_plays_its_steps_with_windows() {
    let place = place("draw", "[model]\nhidden = 8\nglimpses = 4\nread = 3\nwrite = 3\n");
    let lines = played(&place, &json!({"options": {"count": 2, "seed": 1}}));
    assert_eq!(lines[0]["steps"], 4);
    let pixels = lines[0]["size"].as_array().unwrap().iter().map(|side| side.as_u64().unwrap()).product::<u64>();
    assert_eq!(lines.len(), 1 + 4);
    for (number, line) in lines[1..].iter().enumerate() {
        assert_eq!(line["step"].as_u64(), Some(number as u64));
        let images = line["images"].as_array().unwrap();
        assert_eq!(images.len(), 2);
        assert!(images.iter().all(|image| image.as_array().unwrap().len() as u64 == pixels));
        assert_eq!(line["windows"][1]["write"].as_array().unwrap().len(), 4);
        assert!(line["windows"][0]["read"].is_null());
    }
    let reconstructed = upload(&place, &json!({"seed": 1}), &[("digit.ppm", &picture(28, 28))]).lines();
    assert_eq!((&reconstructed[0]["count"], reconstructed.len()), (&json!(1), 1 + 4 + 1));
    assert_eq!(reconstructed[1]["windows"][0]["read"].as_array().unwrap().len(), 4);
    assert!(
        place
            .post(&place.of("run", "play"), "application/json", r#"{"options": {"count": 9999}}"#)
            .failure(400)
            .contains("count")
    );
}

#[test]
fn frames_take_images_and_animations_and_no_list_of_other_files() {
    let place = place("frames", TINY);
    let image = picture(32, 32);
    let files: Vec<(&str, &[u8])> = (0..3).map(|_| ("frame.ppm", &image[..])).collect();
    let lines = upload(&place, &json!({}), &files).lines();
    let labels = lines[0]["labels"].as_array().unwrap();
    let frames = lines[0]["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 3);
    for frame in frames {
        let shares = frame["probabilities"].as_array().unwrap();
        assert_eq!(shares.len(), labels.len());
        assert!((shares.iter().map(|share| share.as_f64().unwrap()).sum::<f64>() - 1.0).abs() < 1e-4);
    }
    let thumbnails = lines[0]["thumbnails"].as_array().unwrap();
    assert!(thumbnails.len() == 3 && thumbnails[0].as_str().unwrap().starts_with("data:image/png;base64,"));
    // The most probable sequence of labels, of which some frames may have a less probable one.
    let smoothed = upload(&place, &json!({"smoothing": "viterbi", "score_weight": 0.5}), &files).lines();
    let smoothed = smoothed[0]["frames"].as_array().unwrap();
    assert!(smoothed.iter().zip(frames).all(|(after, before)| after["probabilities"] != before["probabilities"]));
    assert!(smoothed.iter().all(|frame| labels.contains(&frame["label"])));
    let refused = upload(&place, &json!({"smoothing": "viterbi", "lag": 2}), &files).lines();
    assert!(refused.len() == 1 && refused[0]["error"].as_str().unwrap().contains("--lag 2"), "{refused:?}");
    // A manifest would name other files of this machine.
    let manifest = format!("clip,path\nsecret,{}\n", place.runs().join("run").display());
    let refused = upload(&place, &json!({}), &[("clips.csv", manifest.as_bytes())]).lines();
    assert!(refused.len() == 1 && refused[0]["error"].is_string(), "{refused:?}");
    let damaged = upload(&place, &json!({}), &[("clip.gif", b"GIF89a")]);
    assert!(!damaged.failure(400).is_empty());
    upload(&place, &json!({}), &[]).failure(400);
}

#[test]
fn adding_adds_what_is_typed_or_drawn() {
    let place = place("adding", TINY);
    let typed = played(&place, &json!({"text": "0.3 0.5* 0.1 0.25*"}));
    assert_eq!(typed[0]["target"], 0.75);
    assert_eq!(typed[0]["sequence"][1], json!({"value": 0.5, "marked": true}));
    let drawn = played(&place, &json!({"options": {"length": 12, "seed": 3}}));
    let marked = drawn[0]["sequence"].as_array().unwrap().iter().filter(|step| step["marked"] == true).count();
    assert_eq!((drawn[0]["sequence"].as_array().unwrap().len(), marked), (12, 2));
    let wrong = play(&place, &json!({"text": "0.3 x"}));
    assert!(wrong[0]["error"].as_str().unwrap().contains('x'), "{wrong:?}");
}

#[test]
fn damaged_and_foreign_runs_are_not_played() {
    let place = Place::new(|runs| {
        train(&runs.join("run"), "adding", TINY);
        written(&runs.join("foreign"), "weather", "", "");
        written(&runs.join("empty"), "adding", "", "");
    });
    let foreign = place.post(&place.of("foreign", "play"), "application/json", "{}").failure(400);
    assert!(foreign.contains("weather"), "{foreign}");
    let empty = place.post(&place.of("empty", "play"), "application/json", "{}").lines();
    assert!(empty[0]["error"].is_string(), "{empty:?}");
    for entry in fs::read_dir(place.runs().join("run/checkpoints")).unwrap() {
        fs::write(entry.unwrap().path().join("model.bpk"), "damaged").unwrap();
    }
    let damaged = play(&place, &json!({}));
    assert!(damaged[0]["error"].as_str().unwrap().contains("no usable checkpoint"), "{damaged:?}");
    place.post("/api/runs/0123456789abcdef/play", "application/json", "{}").failure(404);
}

#[test]
fn at_most_two_models_stay_open() {
    let place = Place::new(|runs| (0..3).for_each(|run| train(&runs.join(run.to_string()), "adding", TINY)));
    for run in ["0", "1", "2", "0"] {
        let lines = place.post(&place.of(run, "play"), "application/json", "{}").lines();
        assert_eq!(lines.last().unwrap()["done"], true);
    }
    assert_eq!(place.shared.players.open(), 2);
}
