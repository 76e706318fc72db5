//! No text makes a loader panic, or say more than it should: Prometheus' own files with parts cut out, doubled, moved.

use std::sync::OnceLock;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

/// The texts of the good and bad files, or a few of our own where they are not there.
fn corpus() -> &'static [String] {
    static CORPUS: OnceLock<Vec<String>> = OnceLock::new();
    CORPUS.get_or_init(|| {
        let folder = test_support::shared_data("prometheus-config");
        let entries = folder.into_iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
        let mut texts: Vec<String> = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok()).collect();
        texts.sort();
        texts.push(
            "scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['h:1'], labels: {a: b}}]\n".to_owned(),
        );
        texts
    })
}

/// A change of a text; numbers are taken modulo its length.
#[derive(Clone, Debug)]
enum Change {
    Cut(usize, usize),
    Double(usize, usize),
    Insert(usize, &'static str),
    Indent(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let words = [
        "- ",
        ": ",
        "\t",
        "&a ",
        "*a",
        "<<: *a",
        "!!binary ",
        "{",
        "}",
        "[",
        "]",
        "'",
        "\"",
        "|\n",
        "%",
        "~",
        "null",
        "-1",
        "1e999",
        "\u{feff}",
        "温",
        "$",
        "${",
        "?",
        "#",
    ];
    prop_oneof![
        (any::<usize>(), 1usize..40).prop_map(|(at, length)| Change::Cut(at, length)),
        (any::<usize>(), 1usize..200).prop_map(|(at, length)| Change::Double(at, length)),
        (any::<usize>(), prop::sample::select(words.to_vec())).prop_map(|(at, word)| Change::Insert(at, word)),
        (any::<usize>(), 0usize..9).prop_map(|(line, depth)| Change::Indent(line, depth)),
    ]
}

fn apply(text: &mut String, change: &Change) {
    let place = |at: usize, text: &str| text.floor_char_boundary(at % (text.len() + 1));
    match change {
        Change::Cut(at, length) => {
            let from = place(*at, text);
            let to = text.floor_char_boundary((from + length).min(text.len()));
            text.replace_range(from..to, "");
        }
        Change::Double(at, length) => {
            let from = place(*at, text);
            let part = text[from..text.floor_char_boundary((from + length).min(text.len()))].to_owned();
            text.insert_str(from, &part);
        }
        Change::Insert(at, word) => text.insert_str(place(*at, text), word),
        Change::Indent(line, depth) => {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            if let Some(count) = lines.len().checked_sub(1) {
                let line = &mut lines[line % (count + 1)];
                *line = format!("{}{}", " ".repeat(*depth), line.trim_start());
            }
            *text = lines.join("\n");
        }
    }
}

fn mutated() -> impl Strategy<Value = String> {
    let text = (0..corpus().len()).prop_flat_map(|index| Just(corpus()[index].clone()));
    (text, prop::collection::vec(change(), 1..6)).prop_map(|(mut text, changes)| {
        for change in &changes {
            apply(&mut text, change);
        }
        text
    })
}

fn load_everything(text: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file.yml");
    std::fs::write(&path, text).expect("a file");
    let problems = [
        config::load_prometheus(&path).problems,
        config::load_rules(&path).problems,
        config::load_alertmanager(&path).problems,
        config::load_pitwall(&path).problems,
        config::load_provisioning(&path).problems,
    ];
    let lines = text.lines().count() as u64;
    for problem in problems.iter().flatten() {
        assert!(problem.place.line <= lines + 1, "{problem}\n{text}");
        assert!(!problem.message.is_empty());
    }
}

proptest! {
    #[test]
    fn no_changed_file_makes_a_loader_panic(text in mutated()) {
        load_everything(&text);
    }

    #[test]
    fn no_text_makes_a_loader_panic(text in any::<String>()) {
        load_everything(&text);
    }
}
