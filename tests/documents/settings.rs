//! `config/default.toml` is the reference of the settings: it has every key, and no
//! key that the program does not read.

use std::collections::BTreeSet;

use glassbox::config::Config;
use toml::{Table, Value};

use crate::read;

fn defaults() -> Table {
    read("config/default.toml").parse().unwrap()
}

/// The keys that the program reads in `section`, as serde lists them when it refuses
/// one that it does not know; of the whole file when there is no section.
fn keys_read(section: Option<&str>) -> BTreeSet<String> {
    let mut settings = defaults();
    let table = match section {
        Some(name) => settings[name].as_table_mut().unwrap(),
        None => &mut settings,
    };
    table.insert("no_such_key".into(), Value::Boolean(true));
    let refusal = settings.try_into::<Config>().unwrap_err().to_string();
    let (_, listed) = refusal
        .split_once("unknown field `no_such_key`, expected ")
        .unwrap_or_else(|| panic!("{section:?} takes unknown keys: {refusal}"));
    let first_line = listed.lines().next().unwrap();
    first_line
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_file_has_every_key_that_the_program_reads() {
    let defaults = defaults();
    let sections: BTreeSet<String> = defaults.keys().cloned().collect();
    assert_eq!(sections, keys_read(None));
    for (name, section) in &defaults {
        let written: BTreeSet<String> = section.as_table().unwrap().keys().cloned().collect();
        assert_eq!(written, keys_read(Some(name)), "[{name}]");
    }
}

#[test]
fn no_setting_has_a_default_beside_the_one_in_the_file() {
    let defaults = defaults();
    for (name, section) in &defaults {
        for key in section.as_table().unwrap().keys() {
            let mut without = defaults.clone();
            without[name].as_table_mut().unwrap().remove(key);
            let refusal = without.try_into::<Config>().unwrap_err().to_string();
            assert!(refusal.contains(key), "{name}.{key}: {refusal}");
        }
    }
}

#[test]
fn every_setting_is_explained() {
    let text = read("config/default.toml");
    let mut before = "";
    for line in text.lines() {
        let is_setting = line.contains(" = ") && !line.starts_with('#');
        let begins = before.is_empty() || before.starts_with('[');
        assert!(!(is_setting && begins), "no comment above: {line}");
        before = line;
    }
}

#[test]
fn the_files_of_the_environments_name_only_known_settings() {
    let defaults = defaults();
    for environment in ["dev", "staging", "production"] {
        let settings: Table = read(&format!("config/{environment}.toml")).parse().unwrap();
        for (name, section) in &settings {
            let known = defaults.get(name).and_then(Value::as_table);
            let known = known.unwrap_or_else(|| panic!("{environment}: [{name}]"));
            for key in section.as_table().unwrap().keys() {
                assert!(known.contains_key(key), "{environment}: {name}.{key}");
            }
        }
    }
}
