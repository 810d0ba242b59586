//! Comparing a file with the [`table`](crate::table). Each rule answers its breaches.

use std::fmt;

use crate::{
    source::{Function, Reference, Source},
    table::{
        CRATES, DOORS, EMPTY_NAMES, GENERATED, LAYERS, LONG_FILES, MAX_FILE_LINES,
        MAX_FUNCTION_LINES, SLICES, STORE_MAY_USE,
    },
};

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Breach {
    pub place: String,
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}: {}", self.place, self.what)
    }
}

fn breach(source: &Source, line: usize, what: String) -> Breach {
    Breach {
        place: format!("{}:{line}", source.path),
        what,
    }
}

/// The top-level module of a file; `None` for `lib.rs` and `main.rs`, which declare
/// the modules and start the program.
fn top(source: &Source) -> Option<&str> {
    let first = source.path.split('/').next()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(name, "lib" | "main")).then_some(name)
}

/// How far from the roof a top-level module is.
fn depth(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn breaches<'a>(
    source: &'a Source,
    judge: impl Fn(&'a Reference) -> Option<String>,
) -> Vec<Breach> {
    source
        .references
        .iter()
        .filter_map(|used| judge(used).map(|what| breach(source, used.line, what)))
        .collect()
}

/// A module uses only what lies below it.
pub fn layers(source: &Source) -> Vec<Breach> {
    let Some(own) = top(source) else {
        return Vec::new();
    };
    let Some(depth_of_own) = depth(own) else {
        return vec![breach(source, 1, format!("`{own}` has no place in LAYERS"))];
    };
    breaches(source, |used| {
        let other = used.inside()?.first()?;
        if other == own || depth(other)? > depth_of_own {
            return None;
        }
        Some(format!(
            "`{own}` must not use `{other}`, which is not below it"
        ))
    })
}

/// Of another slice only `ops` and `model` are used.
pub fn slices(source: &Source) -> Vec<Breach> {
    let Some(own) = top(source) else {
        return Vec::new();
    };
    breaches(source, |used| {
        let [slice, part, ..] = used.inside()? else {
            return None;
        };
        let open = slice == own
            || !SLICES.contains(&slice.as_str())
            || matches!(part.as_str(), "ops" | "model")
            || DOORS
                .iter()
                .any(|(who, door)| *who == own && (door == part || used.begins_with(door)));
        (!open).then(|| format!("`{own}` must not use `{slice}::{part}`; take its ops or model"))
    })
}

/// What a file, or a part that a path names, is in its slice. Parts beside the four
/// usual ones (a journal, a stream) stand where the operations stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Api,
    Ops,
    Store,
    Model,
}

fn part(name: &str) -> Part {
    match name {
        "mod" => Part::Whole,
        "api" => Part::Api,
        "store" => Part::Store,
        "model" => Part::Model,
        _ => Part::Ops,
    }
}

fn may_use(from: Part, to: Part) -> bool {
    match from {
        Part::Whole => true,
        Part::Api => matches!(to, Part::Api | Part::Ops | Part::Model),
        Part::Ops => matches!(to, Part::Ops | Part::Store | Part::Model),
        Part::Store => matches!(to, Part::Store | Part::Model),
        Part::Model => to == Part::Model,
    }
}

/// Inside a slice: api → ops → store, and all may use the model.
pub fn roles(source: &Source) -> Vec<Breach> {
    let mut names = source.path.split('/');
    let (Some(slice), Some(file)) = (names.next(), names.next()) else {
        return Vec::new();
    };
    if !SLICES.contains(&slice) {
        return Vec::new();
    }
    let own = file.strip_suffix(".rs").unwrap_or(file);
    breaches(source, |used| {
        let [first, other, ..] = used.inside()? else {
            return None;
        };
        let excused = STORE_MAY_USE
            .iter()
            .any(|(file, to)| *file == source.path && used.begins_with(to));
        if first != slice || other == own || may_use(part(own), part(other)) || excused {
            return None;
        }
        Some(format!("`{slice}::{own}` must not use `{slice}::{other}`"))
    })
}

fn lies_in(path: &str, place: &str) -> bool {
    match place.strip_prefix("*/") {
        Some(name) if name.ends_with('/') => path.contains(&format!("/{name}")),
        Some(name) => path.ends_with(&format!("/{name}")),
        None => path.starts_with(place),
    }
}

/// A library is named only where its adapter lives.
pub fn crates(source: &Source) -> Vec<Breach> {
    breaches(source, |used| {
        let library = used.path.first()?.as_str();
        let (_, places) = CRATES.iter().find(|(names, _)| names.contains(&library))?;
        let at_home = places.iter().any(|place| lies_in(&source.path, place));
        (!at_home).then(|| format!("`{library}` belongs in {}", places.join(", ")))
    })
}

/// No module is named for nothing.
pub fn names(source: &Source) -> Vec<Breach> {
    source
        .path
        .trim_end_matches(".rs")
        .split('/')
        .filter(|name| EMPTY_NAMES.contains(name))
        .map(|name| {
            breach(
                source,
                1,
                format!("`{name}` says nothing of what is inside"),
            )
        })
        .collect()
}

/// Every module begins by saying what it owns. `main.rs` is no exception.
pub fn introductions(source: &Source) -> Vec<Breach> {
    if source.introduced {
        return Vec::new();
    }
    vec![breach(
        source,
        1,
        "begins without //! documentation".to_owned(),
    )]
}

/// Files and functions stay within their lengths.
pub fn lengths(source: &Source) -> Vec<Breach> {
    if GENERATED.contains(&source.path.as_str()) {
        return Vec::new();
    }
    let excused = LONG_FILES.iter().any(|(name, _)| *name == source.path);
    let file = (source.lines > MAX_FILE_LINES && !excused)
        .then(|| breach(source, 1, format!("has {} lines; split it", source.lines)));
    let long = |function: &&Function| function.lines > MAX_FUNCTION_LINES;
    let functions = source.functions.iter().filter(long).map(|function| {
        let (name, lines) = (&function.name, function.lines);
        let what = format!("`{name}` has {lines} lines; name its steps");
        breach(source, function.line, what)
    });
    file.into_iter().chain(functions).collect()
}
