//! The house rules, read from the sources themselves.
//!
//! [`table`] holds the rules as data and is meant to be read; [`source`] reads a file
//! and [`rules`] compares the two. [`snippets`] shows that each kind of breach is
//! found. A rule that must give way says so in [`table`], in a list that may only
//! shrink: an exception that nobody needs any more fails here.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's own code may fail loudly; clippy knows only #[test] functions as tests"
)]

mod rules;
mod snippets;
mod source;
mod table;

use std::path::{Path, PathBuf};

use rules::Breach;
use source::Source;

/// Every source file below `folder` of the repository.
fn read_all(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut sources = Vec::new();
    let mut waiting = vec![root.clone()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                sources.push(Source::read(name, &text));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!sources.is_empty(), "no sources below {}", root.display());
    sources
}

fn check(rule: impl Fn(&Source) -> Vec<Breach>) {
    let breaches: Vec<String> = read_all("src")
        .iter()
        .flat_map(rule)
        .map(|breach| breach.to_string())
        .collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn imports_go_down_the_layers() {
    check(rules::layers);
}

#[test]
fn a_slice_is_entered_through_its_operations_and_its_model() {
    check(rules::slices);
}

#[test]
fn inside_a_slice_requests_go_from_api_to_ops_to_store() {
    check(rules::roles);
}

#[test]
fn a_library_is_used_only_where_its_adapter_lives() {
    check(rules::crates);
}

#[test]
fn names_say_what_a_module_is_about() {
    check(rules::names);
}

#[test]
fn every_module_begins_with_what_it_owns() {
    check(rules::introductions);
    let tests: Vec<_> = read_all("tests")
        .iter()
        .flat_map(rules::introductions)
        .collect();
    assert!(tests.is_empty(), "{tests:?}");
}

#[test]
fn files_and_functions_stay_short() {
    check(rules::lengths);
}

#[test]
fn no_exception_outlives_its_reason() {
    let sources = read_all("src");
    for (name, lines) in table::LONG_FILES {
        let file = sources.iter().find(|source| source.path == *name);
        let file = file.unwrap_or_else(|| panic!("{name} is gone; take it off LONG_FILES"));
        assert!(
            file.lines > table::MAX_FILE_LINES && file.lines <= *lines,
            "{name} has {} lines: correct or remove its entry in LONG_FILES",
            file.lines
        );
    }
    for (file, to) in table::STORE_MAY_USE {
        let used = sources.iter().any(|source| {
            source.path == *file && source.references.iter().any(|used| used.begins_with(to))
        });
        assert!(
            used,
            "{file} no longer uses {to}; take it off STORE_MAY_USE"
        );
    }
}
