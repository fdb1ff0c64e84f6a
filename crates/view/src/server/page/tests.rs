use super::*;
use crate::chart::COLOURS;

fn text(path: &str) -> &'static str {
    FILES.iter().find(|file| file.path == path).map(|file| file.text).unwrap_or_else(|| panic!("no {path}"))
}

/// What stands between `before` and the next `after`, wherever that is.
fn between<'t>(text: &'t str, before: &'t str, after: char) -> impl Iterator<Item = &'t str> {
    text.split(before).skip(1).filter_map(move |rest| Some(rest.split_once(after)?.0))
}

#[test]
fn all_that_the_page_loads_is_served() {
    for file in FILES {
        let quoted = between(file.text, "from '", '\'');
        let linked = between(file.text, "href=\"", '"').chain(between(file.text, "src=\"", '"'));
        for path in quoted.chain(linked).filter(|path| !path.starts_with("/api/")) {
            assert!(!text(path).is_empty(), "{} in {}", path, file.path);
        }
    }
    assert!(between(text("/app.js"), "from '", '\'').count() > 4);
}

#[test]
fn nothing_on_the_page_is_forbidden_by_its_policy() {
    for file in FILES {
        for forbidden in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=\"", "https://"]
        {
            assert!(!file.text.contains(forbidden), "{forbidden} in {}", file.path);
        }
        let addresses = file.text.matches("http://").count();
        assert_eq!(addresses, file.text.matches("http://www.w3.org/2000/svg").count(), "{}", file.path);
    }
    assert_eq!(text("/").matches("<script").count(), 1);
}

#[test]
fn lines_have_the_colours_of_the_charts() {
    let listed = text("/shown.js").split_once("COLOURS = [").unwrap().1.split_once(']').unwrap().0;
    let listed: Vec<&str> = listed.split(", ").map(|colour| colour.trim_matches('\'')).collect();
    assert_eq!(listed, COLOURS);
}
