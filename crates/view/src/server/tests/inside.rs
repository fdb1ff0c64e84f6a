//! What units do, and how far gradients reach.

use super::*;

const TINY: &str = "[model]\nhidden = 8\n";

#[test]
fn the_units_of_a_run_are_shown_and_kept_for_a_while() {
    let place = Place::new(|runs| {
        train(&runs.join("chars"), "chars", &format!("{TINY}[sample]\nsample_length = 0\n"));
        train(&runs.join("sentiment"), "sentiment", TINY);
        train(&runs.join("frames"), "frames", TINY);
        train(&runs.join("draw"), "draw", TINY);
    });
    let unit = |name: &str, unit: &str| place.get(&place.of(name, &format!("neurons/{unit}")));
    assert!(unit("chars", "0/0").failure(410).contains("read the text again"));
    for name in ["chars", "sentiment", "frames"] {
        let answer = place.get(&place.of(name, "neurons?length=300"));
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let read = answer.json();
        let tokens = read["tokens"].as_array().unwrap().len();
        assert!(tokens > 100, "{tokens}");
        assert_eq!(unit(name, "0/7").json()["values"].as_array().unwrap().len(), tokens);
        unit(name, "0/8").failure(404);
        unit(name, "99/0").failure(404);
    }
    assert!(!unit("chars", "0/0").failure(410).is_empty(), "two analyses are kept");
    assert!(place.get(&place.of("draw", "neurons")).failure(422).contains("rekindle sample"));
    assert!(place.get(&place.of("chars", "neurons?length=0")).failure(400).contains("length"));
    let typed = place.post(&place.of("chars", "neurons"), "text/plain", "fn typed() { 1 }\n".repeat(20)).json();
    assert_eq!((&typed["source"], typed["tokens"].as_array().unwrap().len()), (&json!("typed text"), 340));
    place.post(&place.of("chars", "neurons"), "text/plain", "x".repeat(200_000)).failure(413);
    let strange = place.post(&place.of("chars", "neurons"), "text/plain", "\u{2603}").failure(422);
    assert!(strange.contains('\u{2603}') && !strange.contains("rekindle-view"), "{strange}");
    assert!(!place.post(&place.of("chars", "neurons"), "text/plain", "").failure(422).contains("rekindle-view"));
}

#[test]
fn gradients_of_runs_are_drawn_together() {
    let place = Place::new(|runs| {
        train(&runs.join("a"), "adding", "[model]\nhidden = 8\ncell = \"rnn\"\n");
        train(&runs.join("b"), "adding", TINY);
        train(&runs.join("draw"), "draw", TINY);
    });
    let other = place.run("b")["id"].as_str().unwrap().to_owned();
    let found = place.get(&place.of("a", &format!("gradients?distance=9&run={other}&run={other}"))).json();
    assert!(found["svg"].as_str().unwrap().starts_with("<svg"));
    let runs = found["runs"].as_array().unwrap();
    assert_eq!(runs.iter().map(|run| run["name"].as_str().unwrap()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(runs[0]["flow"]["start"]["reach"][0]["norms"].as_array().unwrap().len(), 10);
    assert!(place.get(&place.of("draw", "gradients")).failure(422).contains("draw"));
    assert!(place.get(&place.of("a", "gradients?distance=99999")).failure(400).contains("distance"));
    place.get(&place.of("a", "gradients?run=nothing")).failure(404);
}

#[test]
fn data_outside_of_the_folders_is_not_read() {
    let place = Place::new(|runs| {
        let text = runs.parent().unwrap().join("text.txt");
        fs::write(&text, "the words of a text that is elsewhere\n".repeat(100)).unwrap();
        let settings = format!(
            "{TINY}[sample]\nsample_length = 0\n[data]\ndata = {text:?}\nbatch_size = 2\nsequence_length = 8\n"
        );
        train(&runs.join("run"), "chars", &settings);
    });
    for what in ["neurons", "gradients"] {
        let sentence = place.get(&place.of("run", what)).failure(400);
        assert!(sentence.contains("text.txt") && sentence.contains("outside of the folders"), "{sentence}");
    }
    // Its model can be tried, and read other texts.
    let typed = place.post(&place.of("run", "neurons"), "text/plain", "the words ".repeat(30));
    assert_eq!(typed.status, StatusCode::OK, "{}", typed.text());
}
