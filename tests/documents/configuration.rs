//! `docs/CONFIGURATION.md` is made of the file that is part of the program.

use crate::{is_current, read};

const HEAD: &str = "\
# Configuration

<!-- Generated from `config/default.toml` by `make generate`; do not edit. -->

Every setting, the variable of the environment that sets it, and its default. `config/<env>.toml`
sets what differs in an environment; `GLASSBOX_ENV` says which, and is `production` unless set.
Of a setting that is in several places the variable counts, then the environment's file, then the
default. A key that is not here is refused by name.
";

/// A setting with what is said of it.
struct Setting<'a> {
    key: &'a str,
    default: &'a str,
    /// Nothing when the comment before the last setting speaks of this one, too.
    about: Option<String>,
}

fn tables(text: &str) -> String {
    let mut out = String::from(HEAD);
    let (mut section, mut comment, mut rows) = ("", Vec::new(), Vec::new());
    for line in text.lines().map(str::trim).chain(["[end]"]) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            out.push_str(&table(section, &std::mem::take(&mut rows)));
            (section, comment) = (name, Vec::new());
        } else if let Some(words) = line.strip_prefix('#') {
            comment.push(words.trim());
        } else if let Some((key, default)) = line.split_once(" = ") {
            let about = (!comment.is_empty()).then(|| std::mem::take(&mut comment).join(" "));
            rows.push(Setting {
                key,
                default,
                about,
            });
        }
    }
    out
}

fn table(section: &str, rows: &[Setting<'_>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut out =
        format!("\n## {section}\n\n| setting | variable | default | |\n|---|---|---|---|\n");
    for Setting {
        key,
        default,
        about,
    } in rows
    {
        let variable = format!("GLASSBOX_{section}__{key}").to_uppercase();
        let about = about.as_deref().unwrap_or("as above").replace('|', "\\|");
        out.push_str(&format!(
            "| `{section}.{key}` | `{variable}` | `{default}` | {about} |\n"
        ));
    }
    out
}

#[test]
fn the_list_of_settings_is_current() {
    is_current(
        "docs/CONFIGURATION.md",
        &tables(&read("config/default.toml")),
    );
}

#[test]
fn a_comment_goes_to_the_settings_after_it() {
    let text = "# The file.\n[server]\n# Where to\n# listen.\nhost = \"a\"\nport = 1\n# Ours.\nurl = \"\"\n";
    let made = tables(text);
    let table = made.split("|---|---|---|---|\n").nth(1).unwrap();
    assert_eq!(
        table,
        "| `server.host` | `GLASSBOX_SERVER__HOST` | `\"a\"` | Where to listen. |\n\
         | `server.port` | `GLASSBOX_SERVER__PORT` | `1` | as above |\n\
         | `server.url` | `GLASSBOX_SERVER__URL` | `\"\"` | Ours. |\n"
    );
}
