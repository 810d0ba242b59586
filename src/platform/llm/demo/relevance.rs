//! Choosing the passages to quote.
//!
//! The score of a sentence is the sum, over the different terms it shares with the
//! instruction, of each term's rarity, divided by the square root of the sentence's
//! length in words. Rarity is `ln(1 + N / n)`, where `n` of the `N` pages hold the
//! term (the inverse document frequency of Spärck Jones, 1972, smoothed). The root
//! keeps a long sentence from winning by its length alone, and twenty words (an
//! ordinary sentence) are added first, so that a scrap does not win by its shortness.
//!
//! Sentences are taken one at a time, best first. Each one already taken from a
//! page takes a third off the score of that page's others, so that a brief draws
//! on several pages where several have something to say. Equal scores are decided
//! by the order of the document, so the same pages always give the same quotes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::sentences::{is_whole, sentences};
use crate::platform::words;

/// The most quotes a brief has.
pub const MAX_QUOTES: usize = 6;

/// Sentences shorter or longer than this, in words, are not quoted: headings and
/// scraps; tables that look like one endless sentence.
const WORDS: Range<usize> = 6..90;

/// The words of an ordinary sentence, which dampen the reward for being short.
const ORDINARY: f64 = 20.0;

/// What is left of a sentence's score for each one taken from its page.
const SAME_PAGE: f64 = 2.0 / 3.0;

/// One page, or one text that has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The input it is of.
    pub input_id: String,
    /// What people call the input.
    pub label: String,
    /// Its number, from 1; absent when the input has no pages.
    pub number: Option<u64>,
    /// Its text as the tool gave it.
    pub text: String,
}

/// A passage chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote<'a> {
    /// Where it stands.
    pub page: &'a Page,
    /// The page's own text.
    pub text: &'a str,
    /// The score that it was chosen by; 0 when nothing matched.
    pub score: f64,
}

struct Candidate<'a> {
    page_index: usize,
    /// Where in the page's text it begins, in bytes.
    start: usize,
    quote: Quote<'a>,
}

/// The passages of `pages` that share the most with `instruction`, in the order of
/// the document. When none shares a word, each page's first sentence.
pub fn choose<'a>(instruction: &str, pages: &'a [Page]) -> Vec<Quote<'a>> {
    let wanted: BTreeSet<String> = words::terms(instruction).collect();
    let rarity = rarities(&wanted, pages);
    let mut left = candidates(pages, &rarity);
    let mut chosen = if left.iter().any(|c| c.quote.score > 0.0) {
        left.retain(|c| c.quote.score > 0.0);
        best(left)
    } else {
        openings(left)
    };
    chosen.sort_by_key(|c| (c.page_index, c.start));
    chosen.into_iter().map(|c| c.quote).collect()
}

fn rarities(wanted: &BTreeSet<String>, pages: &[Page]) -> BTreeMap<String, f64> {
    let mut holding: BTreeMap<String, u32> = BTreeMap::new();
    for page in pages {
        let terms: BTreeSet<String> = words::terms(&page.text).collect();
        for term in terms.intersection(wanted) {
            *holding.entry(term.clone()).or_default() += 1;
        }
    }
    let all = f64::from(u32::try_from(pages.len()).unwrap_or(u32::MAX));
    holding
        .into_iter()
        .map(|(term, n)| (term, (1.0 + all / f64::from(n)).ln()))
        .collect()
}

/// Every quotable sentence once, with its score.
fn candidates<'a>(pages: &'a [Page], rarity: &BTreeMap<String, f64>) -> Vec<Candidate<'a>> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (page_index, page) in pages.iter().enumerate() {
        for range in sentences(&page.text) {
            let start = range.start;
            let Some(text) = page.text.get(range) else {
                continue;
            };
            let words: Vec<String> = words::words(text).collect();
            // A header that stands on every page is said once.
            if WORDS.contains(&words.len()) && is_whole(text) && seen.insert(words.clone()) {
                let score = score(text, words.len(), rarity);
                let quote = Quote { page, text, score };
                found.push(Candidate {
                    page_index,
                    start,
                    quote,
                });
            }
        }
    }
    found
}

fn score(text: &str, words: usize, rarity: &BTreeMap<String, f64>) -> f64 {
    let terms: BTreeSet<String> = words::terms(text).collect();
    let shared: f64 = terms.iter().filter_map(|term| rarity.get(term)).sum();
    let words = f64::from(u32::try_from(words).unwrap_or(u32::MAX));
    shared / (words + ORDINARY).sqrt()
}

fn best(mut left: Vec<Candidate<'_>>) -> Vec<Candidate<'_>> {
    let mut taken: BTreeMap<usize, i32> = BTreeMap::new();
    let mut chosen = Vec::new();
    while chosen.len() < MAX_QUOTES {
        let worth = |c: &Candidate<'_>| {
            let of_page = taken.get(&c.page_index).copied().unwrap_or(0);
            c.quote.score * SAME_PAGE.powi(of_page)
        };
        // Of equals `max_by` gives the last, so the search goes backwards.
        let next = left
            .iter()
            .enumerate()
            .rev()
            .max_by(|(_, a), (_, b)| worth(a).total_cmp(&worth(b)))
            .map(|(at, _)| at);
        let Some(at) = next else { break };
        let candidate = left.remove(at);
        *taken.entry(candidate.page_index).or_default() += 1;
        chosen.push(candidate);
    }
    chosen
}

/// The first sentence of each page, for the first pages.
fn openings(left: Vec<Candidate<'_>>) -> Vec<Candidate<'_>> {
    let mut pages = BTreeSet::new();
    left.into_iter()
        .filter(|c| pages.insert(c.page_index))
        .take(MAX_QUOTES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u64, text: &str) -> Page {
        Page {
            input_id: "f".into(),
            label: "Report".into(),
            number: Some(number),
            text: text.into(),
        }
    }

    fn chosen(instruction: &str, pages: &[Page]) -> Vec<(u64, String)> {
        choose(instruction, pages)
            .into_iter()
            .map(|q| (q.page.number.unwrap(), q.text.to_owned()))
            .collect()
    }

    #[test]
    fn rare_words_weigh_more_than_common_ones() {
        let pages = [
            page(
                1,
                "The report covers the whole year in detail. Weather was mild that winter.",
            ),
            page(2, "This report was written in the spring by two authors."),
            page(3, "The report says that groundwater fell by two metres."),
        ];
        let quotes = choose("What does the report say of groundwater?", &pages);
        let best = quotes
            .iter()
            .max_by(|a, b| a.score.total_cmp(&b.score))
            .unwrap();
        assert_eq!(best.page.number, Some(3));
    }

    #[test]
    fn quotes_come_in_the_order_of_the_document_and_from_several_pages() {
        let wells = "Wells ran dry in the north that year. Wells were dug deeper in the south too. \
                     Wells and wells again were the talk of the day. Wells cost much money to dig. \
                     Wells are now counted by the state office. Wells matter a great deal to farmers. \
                     Wells of the old kind are no longer allowed.";
        let pages = [
            page(1, wells),
            page(2, "Nothing here is of any use to you."),
            page(3, "In the east some wells were closed by the owners."),
        ];
        let got = chosen("Tell me of wells", &pages);
        assert_eq!(got.len(), MAX_QUOTES);
        assert_eq!(got.last().unwrap().0, 3);
        let mut at = 0;
        for (_, text) in got.iter().filter(|(number, _)| *number == 1) {
            let found = wells.find(text.as_str()).unwrap();
            assert!(found >= at);
            at = found;
        }
    }

    #[test]
    fn a_line_that_stands_on_every_page_is_quoted_once() {
        let text = "Annual report of the water office, all rights reserved.";
        let got = chosen(
            "water report",
            &[page(1, text), page(2, text), page(3, text)],
        );
        assert_eq!(got, [(1, text.to_owned())]);
    }

    #[test]
    fn without_a_shared_word_each_page_gives_its_first_sentence() {
        let pages = [
            page(
                1,
                "HEADING\n\nOne thing is said here first. Another follows it on this page.",
            ),
            page(2, "Two things are said on this page."),
        ];
        let got = chosen("xyzzy", &pages);
        assert_eq!(got.len(), 2);
        assert_eq!(got[0].1, "One thing is said here first.");
        assert!(choose("xyzzy", &pages).iter().all(|q| q.score == 0.0));
    }

    #[test]
    fn no_pages_give_no_quotes() {
        assert_eq!(choose("anything", &[]), []);
    }
}
