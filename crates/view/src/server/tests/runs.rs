//! The list of runs, their curves, settings and files.

use super::*;

#[test]
fn each_run_is_shown_with_what_it_is_doing() {
    let config = "[model]\ncell = \"lstm\"\nlayers = 2\nhidden = 128\n[training]\nepochs = 1\n";
    let place = Place::new(|runs| {
        let lines = |count: u64| (1..=count).map(step).collect::<String>();
        written(&runs.join("stopped"), "chars", config, &lines(50));
        written(&runs.join("finished"), "chars", config, &lines(100));
        written(&runs.join("new"), "chars", config, "");
        written(&runs.join("training"), "chars", config, &(lines(10) + "{\"kind\":\"st"));
        written(&runs.join("future"), "chars", config, "");
        let path = runs.join("future/config.toml");
        let text = fs::read_to_string(&path).unwrap().replace("format = 2", "format = 99");
        fs::write(path, text).unwrap();
        written(&runs.join("foreign"), "weather", config, "");
        written(&runs.join("damaged"), "chars", "[model\n", "");
        written(&runs.join("x.partial"), "chars", config, "");
        fs::write(runs.join("x.partial/unfinished"), "").unwrap();
        fs::create_dir(runs.join("nothing")).unwrap();
    });
    let lock = place.runs().join("training/lock");
    let file = fs::File::create(&lock).unwrap();
    file.lock().unwrap();
    place.look();
    for (name, state, problem) in [
        ("stopped", "stopped", ""),
        ("finished", "finished", ""),
        ("new", "new", ""),
        ("training", "training", ""),
        ("future", "other version", "install a newer one"),
        ("foreign", "unknown task", "weather"),
        ("damaged", "damaged", "config.toml"),
        ("x.partial", "unfinished", "interrupted"),
    ] {
        let run = place.run(name);
        assert_eq!(run["state"], state, "{run}");
        assert!(run["problem"].as_str().unwrap_or_default().contains(problem), "{run}");
        assert_eq!(run["problem"].is_null(), problem.is_empty(), "{run}");
    }
    let run = place.run("stopped");
    assert_eq!((&run["model"], &run["steps"], &run["total_steps"]), (&json!("lstm, 2 x 128"), &json!(50), &json!(100)));
    assert_eq!((&run["task"], &run["epoch"], &run["seconds"]), (&json!("chars"), &json!(0.5), &json!(50.0)));
    assert_eq!(place.get("/api/runs").json()["runs"].as_array().unwrap().len(), 8);
    drop(file);
    place.look();
    assert_eq!(place.run("training")["state"], "stopped");
    fs::remove_dir_all(place.runs().join("new")).unwrap();
    let gone = place.of("new", "curves");
    place.look();
    assert!(place.get(&gone).failure(404).contains("no such run"));
}

#[test]
fn patience_ends_a_run_and_the_best_evaluation_is_shown() {
    let evaluation = |step: u64, loss: f64, best: bool| {
        let line = json!({"kind": "evaluation", "step": step, "epoch": 1.0, "loss": loss, "accuracy": 0.5,
            "higher": ["accuracy"], "best": best});
        line.to_string() + "\n"
    };
    let config = "[training]\nepochs = 9\npatience = 2\n";
    let place = Place::new(|runs| {
        let lines =
            [(1, 2.0, true), (2, 3.0, false), (3, 3.0, false)].map(|(step, loss, best)| evaluation(step, loss, best));
        written(&runs.join("waiting"), "chars", config, &lines[..2].concat());
        written(&runs.join("done"), "chars", config, &lines.concat());
    });
    assert_eq!((&place.run("waiting")["state"], &place.run("done")["state"]), (&json!("stopped"), &json!("finished")));
    let run = place.run("done");
    assert_eq!(run["best"], json!({"step": 1, "figures": {"accuracy": 0.5, "loss": 2.0}}));
    assert_eq!(run["better"], json!({"accuracy": "higher", "loss": "lower"}));
    let files = place.get(&place.of("done", "files")).json();
    assert_eq!(files["evaluations"].as_array().unwrap().len(), 3);
}

#[test]
fn curves_are_thinned_and_their_extremes_stay() {
    let place = Place::new(|runs| {
        let lines: String = (1..=5000).map(step).collect();
        written(&runs.join("run"), "chars", "", &lines);
    });
    let curves = |query: &str| place.get(&place.of("run", &format!("curves{query}"))).json();
    let points = curves("?points=100")["training"]["loss"].as_array().unwrap().clone();
    assert!(points.len() > 40 && points.len() <= 101, "{}", points.len());
    assert_eq!((&points[0], points.last().unwrap()[0].as_u64()), (&json!([1, 0.01, 1.0, 4.0]), Some(5000)));
    assert!(curves("")["training"]["loss"].as_array().unwrap().len() <= 601);
    for wrong in ["?points=0", "?points=9999999", "?points=x", "?points=-1"] {
        assert!(place.get(&place.of("run", &format!("curves{wrong}"))).failure(400).contains("points"));
    }
}

#[test]
fn settings_stand_side_by_side() {
    let place = Place::new(|runs| {
        written(&runs.join("a"), "chars", "[model]\nhidden = 128\ncell = \"gru\"\n", "");
        written(&runs.join("b"), "chars", "[model]\nhidden = 256\ncell = \"gru\"\nown = \"<script>\"\n", "");
    });
    let [a, b] = ["a", "b"].map(|name| place.run(name)["id"].as_str().unwrap().to_owned());
    let rows = place.get(&format!("/api/settings?run={a}&run={b}")).json()["rows"].clone();
    let row = |key: &str| rows.as_array().unwrap().iter().find(|row| row["key"] == key).unwrap().clone();
    assert_eq!(row("hidden"), json!({"table": "model", "key": "hidden", "values": ["128", "256"], "differs": true}));
    assert_eq!(row("cell")["differs"], false);
    assert_eq!(row("own")["values"], json!([null, "<script>"]));
    place.get("/api/settings?run=nothing").failure(404);
    assert_eq!(place.get("/api/settings").json()["rows"], json!([]));
}

#[test]
fn pictures_and_samples_are_listed_and_nothing_else_is_read() {
    let place = Place::new(|runs| {
        let run = runs.join("run");
        written(&run, "draw", "", "");
        fs::create_dir(run.join("pictures")).unwrap();
        fs::create_dir(run.join("samples")).unwrap();
        fs::write(run.join("pictures/learning-curve.svg"), "<svg><script>alert(1)</script></svg>").unwrap();
        fs::write(run.join("pictures/<img src=x>.svg"), "<svg/>").unwrap();
        fs::write(run.join("pictures/notes.txt"), "secret").unwrap();
        fs::write(run.join("samples/steps.png"), "png").unwrap();
        fs::write(run.join("samples/step-00000010.txt"), "text\u{1b}[31m").unwrap();
        fs::write(run.join("samples/step-00000020.txt"), "x".repeat(100_000)).unwrap();
        fs::write(runs.join("outside.svg"), "<svg/>").unwrap();
    });
    let files = place.get(&place.of("run", "files")).json();
    let names: Vec<&str> = files["pictures"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["<img src=x>.svg", "learning-curve.svg", "samples:steps.png"]);
    let samples = files["samples"].as_array().unwrap();
    assert_eq!((samples[1]["step"].as_u64(), &samples[1]["text"]), (Some(10), &json!("text\u{1b}[31m")));
    assert_eq!(samples[0]["text"].as_str().unwrap().len(), 20_000);
    let picture = place.get(&place.of("run", "pictures/learning-curve.svg"));
    assert_eq!(picture.headers["content-type"], "image/svg+xml");
    let policy = picture.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("sandbox") && !policy.contains("script-src"), "{policy}");
    assert_eq!(place.get(&place.of("run", "pictures/samples:steps.png")).headers["content-type"], "image/png");
    assert_eq!(place.get(&place.of("run", "pictures/%3Cimg%20src=x%3E.svg")).status, StatusCode::OK);
    for name in
        ["notes.txt", "..%2F..%2Foutside.svg", "%2Fetc%2Fpasswd", "..%2Fconfig.toml", "%00", "samples:..%2Fx.png"]
    {
        place.get(&place.of("run", &format!("pictures/{name}"))).failure(404);
    }
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folders_are_never_read() {
    use std::os::unix::fs::symlink;
    let place = Place::new(|runs| {
        let secret = runs.parent().unwrap().join("secret");
        fs::create_dir(&secret).unwrap();
        fs::write(secret.join("config.toml"), "secret = \"words\"").unwrap();
        fs::write(secret.join("metrics.jsonl"), step(1)).unwrap();
        fs::write(secret.join("secret.svg"), "<svg/>").unwrap();
        fs::create_dir(runs.join("config")).unwrap();
        symlink(secret.join("config.toml"), runs.join("config/config.toml")).unwrap();
        written(&runs.join("metrics"), "chars", "", "");
        fs::remove_file(runs.join("metrics/metrics.jsonl")).unwrap();
        symlink(secret.join("metrics.jsonl"), runs.join("metrics/metrics.jsonl")).unwrap();
        written(&runs.join("pictures"), "chars", "", "");
        symlink(&secret, runs.join("pictures/pictures")).unwrap();
        written(&runs.join("picture"), "chars", "", "");
        fs::create_dir(runs.join("picture/pictures")).unwrap();
        symlink(secret.join("secret.svg"), runs.join("picture/pictures/secret.svg")).unwrap();
        symlink(&secret, runs.join("folder")).unwrap();
    });
    for name in ["config", "metrics"] {
        let run = place.run(name);
        assert_eq!((&run["state"], &run["steps"]), (&json!("damaged"), &json!(0)), "{run}");
        assert!(run["problem"].as_str().unwrap().contains("not read"), "{run}");
    }
    let id = place.run("config")["id"].as_str().unwrap().to_owned();
    assert!(!place.get(&format!("/api/settings?run={id}")).text().contains("words"));
    for name in ["pictures", "picture"] {
        assert_eq!(place.get(&place.of(name, "files")).json()["pictures"], json!([]), "{name}");
        place.get(&place.of(name, "pictures/secret.svg")).failure(404);
        let played = place.post(&place.of(name, "play"), "application/json", r#"{"text": "a"}"#);
        assert!(played.lines()[0]["error"].as_str().unwrap().contains("leads out of the folders"));
    }
    assert_eq!(place.get("/api/runs").json()["runs"].as_array().unwrap().len(), 4, "no folder behind a link");
}

#[test]
fn names_and_texts_are_data_whatever_is_in_them() {
    let strange = "<script>alert(1)<\u{2044}script> \"'&\u{7}";
    let place = Place::new(|runs| written(&runs.join(strange), "<b>", "[model]\ncell = \"</script>\"\n", ""));
    let run = place.run(strange);
    assert_eq!((&run["task"], &run["model"]), (&json!("<b>"), &json!("</script>")));
    for path in ["/api/runs".to_owned(), place.of(strange, "curves"), place.of(strange, "files")] {
        let answer = place.get(&path);
        assert_eq!(answer.headers["content-type"], "application/json", "{path}");
        assert!(!answer.body.contains(&7), "{path}: control characters are escaped");
    }
}

#[test]
fn a_config_that_is_huge_or_no_file_is_not_read() {
    let place = Place::new(|runs| {
        written(&runs.join("huge"), "chars", &"#".repeat(2 << 20), "");
        fs::create_dir_all(runs.join("folder/config.toml")).unwrap();
    });
    assert!(place.run("huge")["problem"].as_str().unwrap().contains("too large"));
    assert!(place.run("folder")["problem"].as_str().unwrap().contains("not a file"));
}

#[test]
fn a_real_run_has_its_parameters_and_its_pictures() {
    let place = Place::new(|runs| train(&runs.join("run"), "adding", "[model]\nhidden = 4\n"));
    let run = place.run("run");
    assert_eq!((&run["state"], &run["steps"], &run["total_steps"]), (&json!("finished"), &json!(1), &json!(1)));
    let folder = RunFolder::open(place.runs().join("run")).unwrap();
    let summary = rekindle_train::run::RunSummary::read(&folder).unwrap();
    assert_eq!(run["parameters"].as_u64(), summary.parameters.map(|count| count as u64));
    assert_eq!(run["best"]["step"], 1);
    let files = place.get(&place.of("run", "files")).json();
    let picture = files["pictures"][0]["name"].as_str().unwrap();
    assert!(place.get(&place.of("run", &format!("pictures/{picture}"))).text().contains("<svg"));
}
