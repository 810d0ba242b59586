//! Links between the documents lead to files that are there, and paths that the
//! documents name exist.

use std::path::{Path, PathBuf};

use crate::path_of;

fn documents() -> Vec<PathBuf> {
    let mut found = vec![path_of("README.md"), path_of("deploy/README.md")];
    let mut waiting = vec![path_of("docs")];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.retain(|path| path.exists());
    found
}

/// The targets of `[text](target)` that are files of ours, without their anchors.
fn links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

#[test]
fn every_link_leads_to_a_file() {
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in links(&text) {
            let path = document.parent().unwrap().join(target);
            assert!(path.exists(), "{}: {target}", document.display());
        }
    }
}

/// The roadmap keeps its own words about the program it was written for.
const QUOTES: &[&str] = &["docs/ROADMAP.md"];

#[test]
fn every_source_file_that_a_document_names_is_there() {
    for document in documents() {
        if QUOTES.iter().any(|name| document.ends_with(name)) {
            continue;
        }
        let text = std::fs::read_to_string(&document).unwrap();
        for name in text.split('`').skip(1).step_by(2) {
            let ours = ["src/", "tests/", "config/", "deploy/", "migrations/"];
            let plain = !name.contains(['*', '<', '…', ' ', '{', '\n']);
            if plain && ours.iter().any(|folder| name.starts_with(folder)) {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
                assert!(path.exists(), "{}: {name}", document.display());
            }
        }
    }
}
