//! Finding the sentences of a page as a PDF's text gives it: lines broken by the
//! layout, headings without a full stop, footers.
//!
//! A sentence is given as the range of bytes it has in the page, so that a
//! quotation of it is the page's own text, line breaks included.

use std::ops::Range;

/// Words that end in a full stop without ending a sentence, in lower case. An
/// abbreviation that closes a sentence is then read together with the next one,
/// which is the lesser evil: the quotation is longer, but whole.
const ABBREVIATIONS: &[&str] = &[
    "al", "approx", "art", "arts", "assoc", "ca", "cap", "cf", "ch", "chap", "col", "cols", "corp",
    "dept", "dr", "ed", "eds", "eq", "eqs", "est", "ex", "fig", "figs", "gen", "gov", "hon",
    "ibid", "inc", "incl", "jr", "lt", "ltd", "max", "min", "mr", "mrs", "ms", "mt", "no", "nos",
    "op", "para", "paras", "p", "pp", "prof", "ref", "refs", "rep", "resp", "rev", "sec", "sect",
    "sen", "sr", "st", "tab", "viz", "vol", "vols", "vs",
];

/// A line that ends in one of these words goes on in the next, whatever its length.
const CONNECTING: &[&str] = &[
    "a", "an", "and", "as", "at", "by", "for", "from", "in", "into", "is", "its", "of", "on", "or",
    "that", "the", "their", "to", "was", "were", "which", "with",
];

/// Words that open sentences and are not names.
const OPENING: &[&str] = &[
    "a", "after", "all", "although", "an", "and", "as", "at", "because", "before", "both", "but",
    "by", "during", "each", "for", "from", "he", "here", "how", "however", "if", "in", "it", "its",
    "many", "more", "most", "no", "of", "on", "one", "our", "she", "since", "some", "such", "that",
    "the", "their", "there", "these", "they", "this", "those", "to", "under", "we", "what", "when",
    "where", "while", "with", "you",
];

/// Marks of list items; they are not part of the item's sentence.
const BULLETS: [char; 5] = ['•', '▪', '●', '◦', '‣'];

/// The most words a line may have to be taken for a heading.
const HEADING_WORDS: usize = 10;

/// The sentences of `page`, in order, without white space or a list's mark around them. Headings and other
/// lines without an end of their own come as ranges too; [`is_whole`] tells them
/// from sentences.
pub fn sentences(page: &str) -> Vec<Range<usize>> {
    let widest = page
        .lines()
        .map(|line| line.trim().len())
        .max()
        .unwrap_or(0);
    let mut found = Vec::new();
    let mut start = 0;
    for (at, c) in page.char_indices() {
        let end = at + c.len_utf8();
        let ends = match c {
            '\n' => ends_at_line(page, start, at, widest),
            '\u{c}' => true,
            '。' | '！' | '？' => true,
            '.' | '!' | '?' | '…' => ends_after(page, start, at, c),
            _ => false,
        };
        if ends && end > start {
            let end = if c == '\n' {
                end
            } else {
                with_closers(page, end)
            };
            push(&mut found, page, start..end);
            start = end;
        }
    }
    push(&mut found, page, start..page.len());
    found
}

/// Whether `text` reads as a whole sentence: it begins as one and ends as one.
pub fn is_whole(text: &str) -> bool {
    let begins = text
        .trim_start_matches(['"', '\'', '“', '‘', '«', '(', '[', '「', '『', '（'])
        .starts_with(|c: char| c.is_alphanumeric() && !c.is_lowercase());
    // A mark after a space is a dot of a table of contents.
    let ends = text
        .trim_end_matches(is_closer)
        .strip_suffix(['.', '!', '?', '…', '。', '！', '？'])
        .is_some_and(|rest| !rest.ends_with(char::is_whitespace));
    begins && ends
}

fn push(found: &mut Vec<Range<usize>>, page: &str, range: Range<usize>) {
    let Some(text) = page.get(range.clone()) else {
        return;
    };
    let begun = text.trim_start().trim_start_matches(BULLETS).trim_start();
    let start = range.end - begun.len();
    let end = start + begun.trim_end().len();
    if start < end {
        found.push(start..end);
    }
}

fn is_closer(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '」' | '』' | '）'
    )
}

/// `end`, moved past quotation marks and brackets that belong to the sentence.
fn with_closers(page: &str, end: usize) -> usize {
    let rest = page.get(end..).unwrap_or_default();
    end + rest.len() - rest.trim_start_matches(is_closer).len()
}

/// Whether the mark `c` at `at` ends the sentence that began at `start`.
fn ends_after(page: &str, start: usize, at: usize, c: char) -> bool {
    let after = with_closers(page, at + c.len_utf8());
    let rest = page.get(after..).unwrap_or_default();
    if rest.is_empty() {
        return true;
    }
    // Inside a number, a name or an address: "3.5", "node.js", "?!".
    if !rest.starts_with(char::is_whitespace) {
        return false;
    }
    let next = rest.trim_start().chars().next();
    if next.is_some_and(char::is_lowercase) {
        return false;
    }
    c != '.' || !is_abbreviated(page.get(start..at).unwrap_or_default(), next)
}

/// Whether the full stop after `before` belongs to its last word. `next` is the
/// first character of what follows.
fn is_abbreviated(before: &str, next: Option<char>) -> bool {
    let before = before.trim_start();
    let word = before
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '“'))
        .next()
        .unwrap_or_default();
    let lower = word.to_lowercase();
    // "J." of a name, "e.g.", "U.S."; but "plan B." may well end a sentence when
    // no further initial or name can follow.
    let mut letters = word.chars();
    let initial = matches!((letters.next(), letters.next()), (Some(c), None) if c.is_uppercase());
    let dotted = word.contains('.') && word.contains(char::is_alphabetic);
    if initial || dotted {
        return next.is_some_and(char::is_alphanumeric);
    }
    // "1. Introduction": a number alone at the beginning counts what follows.
    if word.len() == before.len() && word.chars().all(char::is_numeric) {
        return true;
    }
    match lower.as_str() {
        // "No. 5" counts; "The answer is no." ends.
        "no" | "nos" | "art" | "ch" | "est" | "ex" | "max" | "min" | "tab" | "col" => {
            next.is_some_and(char::is_numeric)
        }
        _ => ABBREVIATIONS.contains(&lower.as_str()),
    }
}

/// Whether the line break at `at` ends what began at `start`: before an empty
/// line, before an item of a list, or after a heading.
fn ends_at_line(page: &str, start: usize, at: usize, widest: usize) -> bool {
    let rest = page.get(at + 1..).unwrap_or_default();
    let next = rest.lines().next().unwrap_or_default().trim();
    if next.is_empty() {
        return true;
    }
    if next.starts_with(BULLETS) || next.starts_with("- ") || next.starts_with("– ") {
        return true;
    }
    let line = page.get(start..at).unwrap_or_default().trim();
    stands_alone(line, widest)
        && next.starts_with(char::is_uppercase)
        && (begins_a_sentence(next) || is_title(line))
}

/// Whether `line`, from the sentence's beginning to the break, may stand alone: one
/// line, well short of the page's width, few words, and none that wants another.
/// A paragraph's lines are as wide as the page but for the last, which ends in a
/// full stop, so that a short line without one is rarely part of a paragraph.
fn stands_alone(line: &str, widest: usize) -> bool {
    let last = line.split_whitespace().next_back().unwrap_or_default();
    !line.contains('\n')
        && line.len() * 3 < widest * 2
        && line.split_whitespace().count() <= HEADING_WORDS
        && !last.ends_with([',', ';', '-', '–'])
        && !CONNECTING.contains(&last.to_lowercase().as_str())
}

/// Whether `line` begins with a capitalised word that is capitalised for no other
/// reason than to begin a sentence. A name at a line's beginning tells nothing.
fn begins_a_sentence(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    OPENING.contains(&first.to_lowercase().as_str())
}

/// Whether `line` is written as a title: numbered, or with its long words
/// capitalised.
fn is_title(line: &str) -> bool {
    let mut long = line
        .split_whitespace()
        .filter(|word| word.len() > 3)
        .peekable();
    line.starts_with(|c: char| c.is_numeric())
        || (long.peek().is_some() && long.all(|word| word.starts_with(char::is_uppercase)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(page: &str) -> Vec<&str> {
        sentences(page).into_iter().map(|r| &page[r]).collect()
    }

    #[test]
    fn abbreviations_numbers_and_initials_do_not_end_a_sentence() {
        for whole in [
            "Growth was 3.5 percent, cf. Table 2.",
            "See p. 3 and pp. 4–5 of the report by Dr. A. B. Smith et al. in Vol. 2.",
            "Costs, e.g. Travel or rent, are paid by Acme Inc. of the U.S. Treasury.",
            "Under No. 5 the fee is due.",
            "It runs on node.js 20.1 at example.org/a.html today.",
            "1. Introduction to the matter.",
        ] {
            assert_eq!(split(whole), [whole]);
        }
    }

    #[test]
    fn sentences_end_at_their_marks_with_the_quotation_marks_after_them() {
        assert_eq!(
            split("He said \"No.\" She left! Why? “Because.” (It rained.) In 8.2. Then more…"),
            [
                "He said \"No.\"",
                "She left!",
                "Why?",
                "“Because.”",
                "(It rained.)",
                "In 8.2.",
                "Then more…"
            ]
        );
        assert_eq!(
            split("一つ目です。二つ目です。"),
            ["一つ目です。", "二つ目です。"]
        );
    }

    #[test]
    fn a_sentence_goes_on_over_the_lines_of_the_layout() {
        let page = "The committee, which met in the city of\nGeneva on 5 May, agreed on the\nplan of 2024. It was\nsigned.";
        assert_eq!(
            split(page),
            [
                "The committee, which met in the city of\nGeneva on 5 May, agreed on the\nplan of 2024.",
                "It was\nsigned."
            ]
        );
        let short = "Levels near\nUlm fell by two metres in the course of one summer.";
        assert_eq!(split(short), [short]);
    }

    #[test]
    fn a_heading_is_told_by_its_title_case_or_by_what_opens_the_next_line() {
        let text = "levels fell by two metres in the course of one summer.";
        for heading in [
            "Main findings\nThe",
            "4 Fish\nTrout",
            "Water Levels\nUlm",
            "RESULTS\nIn",
        ] {
            let (title, first) = heading.split_once('\n').unwrap();
            let page = format!("{heading} {text}");
            assert_eq!(split(&page), [title.to_owned(), format!("{first} {text}")]);
        }
    }

    #[test]
    fn headings_lists_and_footers_stand_alone() {
        let page = "3.2 Results\nThe rate of unemployment fell to four percent in\nthe second quarter of the year.\n\n• First item of the list\n• Second item\n\nPage 3 of 7\n";
        let found = split(page);
        assert_eq!(
            found,
            [
                "3.2 Results",
                "The rate of unemployment fell to four percent in\nthe second quarter of the year.",
                "First item of the list",
                "Second item",
                "Page 3 of 7"
            ]
        );
        let whole: Vec<_> = found.into_iter().map(is_whole).collect();
        assert_eq!(whole, [false, true, false, false, false]);
    }

    #[test]
    fn a_piece_that_begins_in_the_middle_is_not_whole() {
        assert!(!is_whole("and so it ended."));
        assert!(is_whole("“So it ended.”"));
        assert!(is_whole("45 members voted."));
        assert!(!is_whole(". 22\nasn1_decode ."));
        assert!(!is_whole("Contents . . . ."));
    }

    #[test]
    fn nothing_is_lost_and_nothing_breaks_on_odd_text() {
        for page in [
            "",
            "   ",
            "\n\n",
            "…",
            ".",
            "a.b",
            "é.É",
            "\u{c}",
            "日本",
            "x\r\n\r\ny.",
        ] {
            let found = sentences(page);
            let kept: String = found.iter().map(|r| page[r.clone()].to_owned()).collect();
            let bare = |s: &str| s.split_whitespace().collect::<String>();
            assert_eq!(bare(&kept), bare(page));
        }
    }
}
