//! `/metrics` as a strict reader of Prometheus' text format sees it.

use std::collections::{BTreeMap, BTreeSet};

/// The labels of a series.
pub type Labels = BTreeMap<String, String>;

/// What one scrape said.
#[derive(Debug, Clone, Default)]
pub struct Scrape {
    /// The type of each family, by its name.
    types: BTreeMap<String, String>,
    series: BTreeMap<(String, Labels), f64>,
}

impl Scrape {
    /// Asks `address`, which must answer with nothing but right text.
    pub async fn of(address: &str) -> Self {
        let answer = reqwest::get(format!("http://{address}/metrics"))
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(
            answer.headers()["content-type"],
            "text/plain; version=0.0.4; charset=utf-8"
        );
        Self::read(&answer.text().await.unwrap())
    }

    /// Reads `text`, as https://prometheus.io/docs/instrumenting/exposition_formats has it.
    pub fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has no end");
        let mut scrape = Scrape::default();
        let mut helped = BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(helped.insert(name.to_owned()), "twice: {line}");
                assert!(!help.is_empty(), "{line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(helped.contains(name), "no help before: {line}");
                let known = scrape.types.insert(name.to_owned(), kind.to_owned());
                assert_eq!(known, None, "twice: {line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            } else {
                scrape.take(line);
            }
        }
        scrape.check_histograms();
        scrape
    }

    fn take(&mut self, line: &str) {
        let (name, labels, value) = sample(line);
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|end| name.strip_suffix(end))
            .find(|family| {
                self.types
                    .get(*family)
                    .is_some_and(|kind| kind == "histogram")
            })
            .unwrap_or(&name);
        let kind = self.types.get(family);
        let kind = kind.unwrap_or_else(|| panic!("of no family: {line}"));
        assert!(kind != "counter" || value >= 0.0, "{line}");
        let series = (name, labels);
        assert!(!self.series.contains_key(&series), "twice: {line}");
        self.series.insert(series, value);
    }

    /// Buckets only grow, and the last has everything.
    fn check_histograms(&self) {
        for (name, _) in self.types.iter().filter(|(_, kind)| *kind == "histogram") {
            for (labels, count) in self.all(&format!("{name}_count")) {
                let mut buckets: Vec<(f64, f64)> = self
                    .all(&format!("{name}_bucket"))
                    .into_iter()
                    .filter_map(|(mut of, value)| {
                        let end = of.remove("le").unwrap().replace("+Inf", "inf");
                        (of == labels).then(|| (end.parse().unwrap(), value))
                    })
                    .collect();
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert!(
                    buckets.is_sorted_by(|a, b| a.1 <= b.1),
                    "{name} {buckets:?}"
                );
                assert_eq!(buckets.last(), Some(&(f64::INFINITY, count)), "{name}");
            }
        }
    }

    /// The names of all families.
    pub fn families(&self) -> BTreeSet<String> {
        self.types.keys().cloned().collect()
    }

    /// All series of a name.
    pub fn all(&self, name: &str) -> Vec<(Labels, f64)> {
        let of_name = self.series.iter().filter(|((of, _), _)| of == name);
        of_name
            .map(|((_, labels), value)| (labels.clone(), *value))
            .collect()
    }

    /// The names and labels of all series.
    pub fn series(&self) -> BTreeSet<(String, Labels)> {
        self.series.keys().cloned().collect()
    }

    /// The value of one series, if it is there.
    pub fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let labels: Labels = labels.iter().map(own).collect();
        self.series.get(&(name.to_owned(), labels)).copied()
    }

    /// The value of one series, which must be there.
    #[track_caller]
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let there = || self.all(name);
        self.find(name, labels)
            .unwrap_or_else(|| panic!("no {name}{labels:?} among {:?}", there()))
    }
}

/// A line's name, labels and value.
fn sample(line: &str) -> (String, Labels, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, rest) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').unwrap()),
        None => (series, ""),
    };
    let is_name = |text: &str| {
        let mut bytes = text.bytes();
        bytes
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    // None of ours has a value with a quote in it; one that had would be refused here.
    for label in rest.split_terminator("\",") {
        let (label, value) = label.split_once("=\"").unwrap();
        let value = value.strip_suffix('"').unwrap_or(value);
        assert!(is_name(label) && !value.contains('"'), "{line}");
        assert_eq!(labels.insert(label.to_owned(), value.to_owned()), None);
    }
    let value = value.replace("+Inf", "inf").parse().unwrap();
    (name.to_owned(), labels, value)
}
