//! The words, the links and the option names of the pages: the README, `docs/` and the other Markdown files. Help texts
//! are held to the same words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rekindle_tests::Workplace;

/// Words and phrases that have a plainer one: a term of the field, a verb that says what is done.
const AVOIDED: &[&str] = &[
    "album",
    "hear",
    "heard",
    "hears",
    "judge",
    "judged",
    "judges",
    "judging",
    "know",
    "knows",
    "look",
    "looked",
    "looking",
    "looks",
    "sees",
    "sight",
    "tell",
    "telling",
    "tells",
    "told",
    "twist",
    "walk",
    "walks",
    "wild",
    "has learnt to see",
    "network that sees",
    "one that a gradient is wanted of",
    "said to be",
    "someone who wants",
    "without a meeting",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is a folder of the workspace")
}

/// The Markdown files of a folder.
fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let files = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut pages: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.sort();
    pages
}

/// The README and the pages of `docs/`, with their paths.
fn documentation() -> Vec<(PathBuf, String)> {
    read(markdown(&root().join("docs")).into_iter().chain([root().join("README.md")]))
}

/// All pages, with their paths.
fn pages() -> Vec<(PathBuf, String)> {
    let crates = fs::read_dir(root().join("crates")).expect("there are crates");
    let crates = crates.flat_map(|entry| markdown(&entry.expect("the folder can be read").path()));
    read(markdown(root()).into_iter().chain(markdown(&root().join("docs"))).chain(crates))
}

fn read(paths: impl Iterator<Item = PathBuf>) -> Vec<(PathBuf, String)> {
    paths
        .map(|path| {
            let text = fs::read_to_string(&path).expect("the page can be read");
            (path, text)
        })
        .collect()
}

/// The Rust files of a folder and of those in it, with their paths.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let mut all = read(files);
    let hidden = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let built = |path: &PathBuf| path.ends_with("target") || path.ends_with("node_modules");
    all.extend(folders.iter().filter(|path| !hidden(path) && !built(path)).flat_map(|path| sources(path)));
    all
}

/// The blocks of code of a page, each with its language, and what stands around them.
fn blocks(page: &str) -> (Vec<(String, String)>, String) {
    let (mut blocks, mut around) = (Vec::new(), String::new());
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            match open.take() {
                Some(block) => blocks.push(block),
                None => open = Some((language.trim().to_owned(), String::new())),
            }
            continue;
        }
        let text = match &mut open {
            Some((_, block)) => block,
            None => &mut around,
        };
        text.push_str(line);
        text.push('\n');
    }
    (blocks, around)
}

/// A page without its code.
fn without_code(page: &str) -> String {
    blocks(page).1.split('`').step_by(2).collect()
}

/// The targets of the links of a page.
fn links(page: &str) -> Vec<String> {
    let text = without_code(page);
    let targets = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.map(str::to_owned).collect()
}

/// The anchor of a heading: lower case, hyphens for spaces, no other punctuation.
fn anchor_of(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// A page without its code and the targets of its links.
fn prose(page: &str) -> String {
    let text = without_code(page);
    let mut parts = text.split("](");
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once(')').map_or(part, |(_, rest)| rest));
    [first].into_iter().chain(rest).collect::<Vec<_>>().join(" ")
}

/// What stands in a text of the words that are avoided.
fn avoided(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    // A paper's title is no word of ours.
    let text = format!(" {} ", words.join(" ")).replace(" show attend and tell ", " ");
    AVOIDED.iter().copied().filter(|phrase| text.contains(&format!(" {phrase} "))).collect()
}

/// The help text of every command, by its name: ``, `train`, `train chars`, ...
fn helps() -> BTreeMap<String, String> {
    let place = Workplace::new();
    let mut helps = BTreeMap::new();
    let mut waiting = vec![String::new()];
    while let Some(command) = waiting.pop() {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let output = place.rekindle(&arguments).assert().success().get_output().stdout.clone();
        let help = String::from_utf8(output).expect("the help is text");
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        // A line that goes on with the text above is indented by more.
        let lines = listed.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
        for name in lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
            waiting.push(format!("{command} {name}").trim().to_owned());
        }
        helps.insert(command, help);
    }
    helps
}

/// The options that a help text explains, with their other names.
fn options(help: &str) -> BTreeSet<String> {
    let mut options = BTreeSet::new();
    // An option is indented by six columns; a help text that is broken before one is by more.
    for line in help.lines().filter(|line| line.len() - line.trim_start().len() <= 6) {
        let names = line.split_whitespace().take_while(|word| word.starts_with('-'));
        options.extend(names.map(|name| name.trim_end_matches(',').to_owned()));
    }
    let text = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for aliases in text.split("[alias").skip(1).filter_map(|rest| Some(rest.split_once(']')?.0)) {
        let names = aliases.split([' ', ',']).filter(|word| word.starts_with("--"));
        options.extend(names.map(str::to_owned));
    }
    options
}

/// The commands of a block of shell code, each as its words, without comments.
fn commands(block: &str) -> Vec<Vec<String>> {
    let mut commands: Vec<Vec<String>> = vec![Vec::new()];
    let (mut word, mut quote): (Option<String>, Option<char>) = (None, None);
    let mut characters = block.chars().peekable();
    while let Some(c) = characters.next() {
        if let Some(mark) = quote {
            if c == mark {
                quote = None;
            } else {
                word.get_or_insert_default().push(c);
            }
            continue;
        }
        match c {
            '"' | '\'' => {
                quote = Some(c);
                word = Some(word.take().unwrap_or_default());
            }
            '\\' if characters.peek() == Some(&'\n') => {
                characters.next();
            }
            '#' if word.is_none() => while characters.next_if(|c| *c != '\n').is_some() {},
            '|' | '&' | ';' | '<' | '>' | '\n' => {
                end(&mut commands, &mut word);
                commands.push(Vec::new());
            }
            c if c.is_whitespace() => end(&mut commands, &mut word),
            c => word.get_or_insert_default().push(c),
        }
    }
    end(&mut commands, &mut word);
    commands
}

/// Ends a word of the last command.
fn end(commands: &mut [Vec<String>], word: &mut Option<String>) {
    if let (Some(command), Some(word)) = (commands.last_mut(), word.take()) {
        command.push(word);
    }
}

/// The arguments of `rekindle`, where a command runs it.
fn arguments(words: &[String]) -> Option<&[String]> {
    let is = |index: usize, wanted: &str| words.get(index).is_some_and(|word| word == wanted);
    if is(0, "rekindle") {
        return Some(&words[1..]);
    }
    // Other packages have programs of their own.
    if is(0, "cargo") && is(1, "run") && !words.iter().any(|word| word == "-p" || word == "--package") {
        let at = words.iter().position(|word| word == "--")?;
        return Some(&words[at + 1..]);
    }
    None
}

/// The recipe that the arguments of a command name.
fn recipe(arguments: &[String]) -> Option<&str> {
    let at = arguments.iter().position(|word| word == "--config")?;
    arguments.get(at + 1).filter(|file| file.starts_with("recipes/")).map(String::as_str)
}

#[test]
fn pages_have_plain_words() {
    for (path, page) in pages() {
        let found = avoided(&prose(&page));
        assert!(found.is_empty(), "{}: use plainer words than {found:?}", path.display());
    }
}

/// Tables and code have lines of their own length; of code, `cargo fmt` takes care.
#[test]
fn lines_of_prose_and_comments_have_at_most_120_columns() {
    let mut long = Vec::new();
    let mut check = |path: &Path, text: &str, mark: &[&str]| {
        let mut in_code = false;
        for (line, number) in text.lines().zip(1..) {
            let Some(prose) = mark.iter().find_map(|mark| line.trim_start().strip_prefix(mark)) else { continue };
            in_code ^= prose.trim_start().starts_with("```");
            if !in_code && !prose.trim_start().starts_with('|') && line.chars().count() > 120 {
                long.push(format!("{}:{number}: {line}", path.display()));
            }
        }
    };
    pages().iter().for_each(|(path, page)| check(path, page, &[""]));
    for folder in ["crates", "tests", "examples"] {
        sources(&root().join(folder)).iter().for_each(|(path, text)| check(path, text, &["///", "//!", "//"]));
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn help_texts_have_plain_words() {
    for (command, help) in helps() {
        let found = avoided(&help);
        assert!(found.is_empty(), "rekindle {command} --help: use plainer words than {found:?}");
    }
}

#[test]
fn links_lead_to_files() {
    let mut count = 0;
    for (path, page) in pages() {
        let folder = path.parent().expect("a page is in a folder");
        for link in links(&page) {
            // A title may follow the target.
            let target = link.split_whitespace().next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            assert!(folder.join(target).exists(), "{}: there is no {target}", path.display());
            count += 1;
        }
    }
    assert!(count > 100, "{count} links were found");
}

#[test]
fn links_to_headings_lead_to_headings() {
    let mut count = 0;
    for (path, page) in pages() {
        for link in links(&page) {
            let Some((target, anchor)) = link.split_once('#').filter(|_| !link.contains("://")) else { continue };
            let target = if target.is_empty() { path.clone() } else { path.parent().unwrap().join(target) };
            if target.extension().is_none_or(|end| end != "md") {
                continue;
            }
            let text = fs::read_to_string(&target).expect("the page can be read");
            let found = text.lines().filter(|line| line.starts_with('#')).any(|heading| anchor_of(heading) == anchor);
            assert!(found, "{}: {} has no heading #{anchor}", path.display(), target.display());
            count += 1;
        }
    }
    assert!(count > 0, "no link was found");
}

#[test]
fn options_of_commands_in_code_blocks_exist() {
    let helps = helps();
    let mut count = 0;
    for (path, page) in pages() {
        for (_, block) in blocks(&page).0.into_iter().filter(|(language, _)| language == "sh") {
            for words in commands(&block) {
                let Some(arguments) = arguments(&words) else { continue };
                let mut command = String::new();
                for word in arguments {
                    let longer = format!("{command} {word}").trim().to_owned();
                    if !helps.contains_key(&longer) {
                        break;
                    }
                    command = longer;
                }
                // The file of `train --config` has the task.
                if let Some(recipe) = recipe(arguments).filter(|_| command == "train") {
                    let path = root().join(recipe);
                    let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("there is no {recipe}"));
                    let task = text.lines().find_map(|line| line.strip_prefix("task = \"")?.strip_suffix('"'));
                    command = format!("train {}", task.expect("a recipe has a task"));
                }
                let explained = options(&helps[&command]);
                for word in arguments.iter().filter(|word| word.starts_with("--")) {
                    let name = word.split('=').next().unwrap_or_default();
                    let page = path.display();
                    assert!(explained.contains(name), "{page}: rekindle {command} has no option {name}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 100, "{count} options were found");
}

#[test]
fn options_named_in_the_documentation_exist() {
    let explained: BTreeSet<String> = helps().values().flat_map(|help| options(help)).collect();
    for (path, page) in documentation() {
        let text = blocks(&page).1;
        for span in text.split('`').skip(1).step_by(2).filter(|span| span.starts_with("--")) {
            for word in span.split_whitespace().filter(|word| word.starts_with("--")) {
                let name = word.split('=').next().unwrap_or_default();
                assert!(explained.contains(name), "{}: no command has an option {name}", path.display());
            }
        }
    }
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let contents = fs::read_to_string(root().join("docs/SUMMARY.md")).expect("there is a table of contents");
    let listed = links(&contents);
    for path in markdown(&root().join("docs")) {
        let name = path.file_name().expect("a page has a name").to_string_lossy().into_owned();
        assert!(name == "SUMMARY.md" || listed.contains(&name), "docs/SUMMARY.md does not list {name}");
    }
}

#[test]
fn code_is_read_as_a_shell_reads_it() {
    let block = "rekindle sample RUN --prime '\\begin{x}' \\\n    --seed 4  # a comment, it's one\necho \"a b\" | rekindle predict RUN\n";
    let commands: Vec<_> = commands(block).into_iter().filter(|words| !words.is_empty()).collect();
    let wanted = [
        vec!["rekindle", "sample", "RUN", "--prime", "\\begin{x}", "--seed", "4"],
        vec!["echo", "a b"],
        vec!["rekindle", "predict", "RUN"],
    ];
    assert_eq!(commands, wanted);
}
