//! Where Postgres is installed, and whether that installation will do.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ClusterError;

/// The version of a Postgres, such as 18.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The part that decides whether data can be read.
    pub major: u32,
    /// The count of fixes; 0 for a development version.
    pub minor: u32,
}

impl Version {
    /// Reads what `postgres --version` prints: "postgres (PostgreSQL) 16.10 (Debian …)".
    fn parse(output: &str) -> Option<Version> {
        let (_, rest) = output.split_once("(PostgreSQL) ")?;
        let number = |text: &str| {
            let end = text
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(text.len());
            text.get(..end)?.parse().ok()
        };
        let major = number(rest)?;
        let dotted = rest.split_whitespace().next()?.split_once('.');
        let minor = dotted.and_then(|(_, minor)| number(minor)).unwrap_or(0);
        Some(Version { major, minor })
    }

    /// Whether it has the fix for CVE-2025-8713 (statistics shown past row-level
    /// security), on which the separation of tenants rests.
    fn suffices(self) -> bool {
        match self.major {
            16 => self.minor >= 10,
            17 => self.minor >= 6,
            major => major >= 18,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// An installation that is new enough and has pgvector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    bin: PathBuf,
    version: Version,
}

impl Binaries {
    /// The folder with the programs, absolute and free of links.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The version of the server.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Looks at the folder `bin`. `Ok(None)` when there is no Postgres in it that
    /// runs, an error when there is one that won't do.
    fn inspect(bin: &Path) -> Result<Option<Binaries>, ClusterError> {
        let Ok(bin) = bin.canonicalize() else {
            return Ok(None);
        };
        if !bin.join("initdb").is_file() {
            return Ok(None);
        }
        let Some(version) = output(&bin.join("postgres"), "--version")
            .as_deref()
            .and_then(Version::parse)
        else {
            return Ok(None);
        };
        if !version.suffices() {
            return Err(ClusterError::TooOld { bin, version });
        }
        if !has_vector(&bin, version) {
            return Err(ClusterError::NoVector { bin, version });
        }
        Ok(Some(Binaries { bin, version }))
    }
}

/// Finds a suitable Postgres: `explicit` and nothing else if given; otherwise the
/// first of `.tools/postgres` under each of `roots`, the `PATH`, and Debian's
/// `/usr/lib/postgresql`, newest first. If none will do, the error is about the
/// first that is there at all.
pub fn find_binaries(explicit: Option<&Path>, roots: &[PathBuf]) -> Result<Binaries, ClusterError> {
    if let Some(bin) = explicit {
        return Binaries::inspect(bin)?.ok_or_else(|| ClusterError::NotBinaries {
            bin: bin.to_owned(),
        });
    }
    let private = roots.iter().map(|root| root.join(".tools/postgres/bin"));
    let debian = versions_under(Path::new("/usr/lib/postgresql"));
    first_suitable(private.chain(on_path("postgres")).chain(debian))
}

fn first_suitable(candidates: impl Iterator<Item = PathBuf>) -> Result<Binaries, ClusterError> {
    let mut refusal = ClusterError::NoBinaries;
    for candidate in candidates {
        match Binaries::inspect(&candidate) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) if matches!(refusal, ClusterError::NoBinaries) => refusal = error,
            Err(_) => {}
        }
    }
    Err(refusal)
}

/// The folders that may have a `.tools`: the one we were started in, and those
/// above the program, which under `cargo` lies in the repository's `target`.
pub(super) fn default_roots() -> Vec<PathBuf> {
    let started_in = std::env::current_dir().ok();
    let program = std::env::current_exe().ok();
    let above = program.iter().flat_map(|exe| exe.ancestors().skip(1));
    started_in
        .iter()
        .map(PathBuf::as_path)
        .chain(above)
        .map(Path::to_owned)
        .collect()
}

/// The folders on the `PATH` that hold `program`, links followed: a package may
/// put only a link to `postgres` there, without `initdb` beside it.
pub(super) fn on_path(program: &str) -> impl Iterator<Item = PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the PATH is the system's way to find programs, not a setting of ours"
    )]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found: Vec<PathBuf> = std::env::split_paths(&path)
        .filter_map(|folder| folder.join(program).canonicalize().ok())
        .filter_map(|file| file.parent().map(Path::to_owned))
        .collect();
    found.into_iter()
}

/// `<folder>/<major>/bin` for each major version there, newest first.
fn versions_under(folder: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    versions.into_iter().map(|(_, bin)| bin).collect()
}

/// Whether the extension's control file is where this server will look: beside
/// `bin` in the layouts of source builds and Fedora, in Debian's place, or where
/// `pg_config` says.
fn has_vector(bin: &Path, version: Version) -> bool {
    let prefix = bin.parent().unwrap_or(bin);
    let usual = [
        prefix.join("share/postgresql"),
        prefix.join("share"),
        prefix.join("share/pgsql"),
        PathBuf::from(format!("/usr/share/postgresql/{}", version.major)),
    ];
    let there = |share: &Path| share.join("extension/vector.control").is_file();
    usual.iter().any(|share| there(share))
        || output(&bin.join("pg_config"), "--sharedir")
            .is_some_and(|share| there(Path::new(share.trim())))
}

/// What `program` prints when it is given one argument, if it succeeds.
fn output(program: &Path, argument: &str) -> Option<String> {
    let out = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    out.status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn version(text: &str) -> Version {
        Version::parse(&format!("postgres (PostgreSQL) {text}\n")).unwrap()
    }

    /// A folder with an installation that only knows its version.
    fn fake(root: &Path, name: &str, version: &str, vector: bool) -> PathBuf {
        let bin = root.join(name).join("bin");
        let extensions = root.join(name).join("share/extension");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(&extensions).unwrap();
        for program in ["postgres", "initdb"] {
            let file = bin.join(program);
            let script = format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n");
            std::fs::write(&file, script).unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        }
        if vector {
            std::fs::write(extensions.join("vector.control"), "").unwrap();
        }
        bin
    }

    #[test]
    fn versions_are_read_as_the_distributions_print_them() {
        for (text, major, minor) in [
            ("18.4", 18, 4),
            ("16.10 (Debian 16.10-1.pgdg120+1)", 16, 10),
            ("18beta1", 18, 0),
            ("19devel", 19, 0),
        ] {
            assert_eq!(version(text), Version { major, minor });
        }
        assert_eq!(Version::parse("nonsense"), None);
    }

    #[test]
    fn versions_without_the_row_security_fix_are_too_old() {
        for text in ["9.6.24", "15.18", "16.9", "17.5"] {
            assert!(!version(text).suffices(), "{text}");
        }
        for text in ["16.10", "17.6", "18.0", "19.1"] {
            assert!(version(text).suffices(), "{text}");
        }
    }

    #[test]
    fn the_first_suitable_installation_wins_over_unsuitable_ones_before_it() {
        let root = tempfile::tempdir().unwrap();
        let old = fake(root.path(), "old", "15.18", true);
        let bare = fake(root.path(), "bare", "18.1", false);
        let good = fake(root.path(), "good", "17.6", true);
        let missing = root.path().join("missing");
        let found = first_suitable([missing, old, bare, good.clone()].into_iter()).unwrap();
        assert_eq!(found.bin(), good.canonicalize().unwrap());
        assert_eq!(found.version().major, 17);
    }

    #[test]
    fn a_named_folder_is_never_replaced_by_another() {
        let root = tempfile::tempdir().unwrap();
        fake(&root.path().join(".tools"), "postgres", "18.4", true);
        let roots = [root.path().to_owned()];
        assert!(find_binaries(None, &roots).is_ok());
        let missing = find_binaries(Some(Path::new("/nowhere")), &roots).unwrap_err();
        assert!(matches!(missing, ClusterError::NotBinaries { .. }));
        let bare = fake(root.path(), "bare", "18.1", false);
        let bare = find_binaries(Some(&bare), &roots).unwrap_err();
        assert!(bare.to_string().contains("no pgvector"), "{bare}");
    }

    #[test]
    fn without_any_installation_the_error_names_make_setup() {
        let error = first_suitable(std::iter::empty()).unwrap_err();
        assert!(error.to_string().contains("`make setup`"), "{error}");
    }

    #[test]
    fn newer_major_versions_come_first_by_number_not_by_letter() {
        let root = tempfile::tempdir().unwrap();
        for name in ["9", "18", "17", "common"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        let expected = ["18", "17", "9"].map(|name| root.path().join(name).join("bin"));
        assert_eq!(versions_under(root.path()), expected);
    }
}
