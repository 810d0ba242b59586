//! What a question with a slip of the keyboard may have meant.
//!
//! Words are compared with those of passages that the caller may read, and with no others: a
//! word that was put right never tells of a text that they may not see. A list of an
//! organization's words, or an index over its letters (`pg_trgm`), would know of such texts,
//! and would outlive what was deleted.

use super::super::{
    model::{Filter, Place},
    store::find::{self as store, Readings},
};
use crate::{kernel::Result, platform::db::Tx};

/// Passages whose words are compared: of many more, the words that they share.
const PASSAGES: i64 = 1_000;
/// Words that may be meant by one of the question.
const MEANT: usize = 10;
/// Words of a question that may be put right.
const WORDS: usize = 8;

/// The question with, beside each word that no passage has, those that differ from it by a
/// letter or two. `None` when there are none, it is too long for slips to matter, or it is
/// meant as it stands.
pub(super) async fn respelled(
    tx: &mut Tx,
    place: &Place,
    filter: &Filter,
    question: &str,
) -> Result<Option<Readings>> {
    if is_exact(question) {
        return Ok(None);
    }
    let asked = store::asked_words(tx, question).await?;
    let lengths = asked.iter().filter(|word| slips(word) > 0).map(|word| {
        let length = i32::try_from(word.chars().count()).unwrap_or(i32::MAX / 2);
        (length - 2, length + 2)
    });
    let lengths = lengths.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
    let (Some(lengths), true) = (lengths, asked.len() <= WORDS) else {
        return Ok(None);
    };
    let known = store::words(tx, place, filter, lengths, PASSAGES).await?;
    match with_meant(&asked, &known) {
        Some(written) => store::indexed(tx, &written).await.map(Some),
        None => Ok(None),
    }
}

/// Whether a question has phrases or exclusions, which say that it is meant as it stands.
pub(super) fn is_exact(question: &str) -> bool {
    let excludes = |word: &str| word.starts_with('-') && word.len() > 1;
    question.contains('"') || question.split_whitespace().any(excludes)
}

/// How many letters of a word may be wrong: none of a short one, which others are always near
/// to, and none of a number, whose neighbours mean something else.
fn slips(word: &str) -> usize {
    match word.chars().count() {
        _ if word.chars().any(char::is_numeric) => 0,
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

fn with_meant(asked: &[String], known: &[String]) -> Option<Readings> {
    let meant: Vec<Vec<&str>> = asked.iter().map(|word| meant_by(word, known)).collect();
    if meant.iter().all(Vec::is_empty) {
        return None;
    }
    let one = |(word, meant): (&String, &Vec<&str>)| {
        let all = std::iter::once(word.as_str()).chain(meant.iter().copied());
        let quoted: Vec<String> = all.map(quoted).collect();
        format!("({})", quoted.join(" | "))
    };
    let words: Vec<String> = asked.iter().zip(&meant).map(one).collect();
    Some(Readings {
        strict: words.join(" & "),
        any: words.join(" | "),
    })
}

/// The known words that `word` may stand for, the nearest first.
fn meant_by<'a>(word: &str, known: &'a [String]) -> Vec<&'a str> {
    let most = slips(word);
    if most == 0 || known.iter().any(|other| other == word) {
        return Vec::new();
    }
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .map(|other| (strsim::osa_distance(word, other), other.as_str()))
        .filter(|(distance, other)| *distance <= most && slips(other) > 0)
        .collect();
    near.sort_unstable();
    near.into_iter().take(MEANT).map(|(_, word)| word).collect()
}

/// A word in the grammar of `to_tsquery`.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respelled(asked: &[&str], known: &[&str]) -> Option<String> {
        let owned = |words: &[&str]| -> Vec<String> { words.iter().map(|w| (*w).into()).collect() };
        with_meant(&owned(asked), &owned(known)).map(|readings| readings.strict)
    }

    #[test]
    fn a_word_that_is_known_is_left_alone() {
        assert_eq!(respelled(&["crane"], &["crane", "crank"]), None);
    }

    #[test]
    fn letters_that_changed_places_are_one_slip() {
        let expected = "('craen' | 'crane') & ('rope')";
        let known = ["crane", "rope", "concret"];
        assert_eq!(respelled(&["craen", "rope"], &known).unwrap(), expected);
    }

    #[test]
    fn a_long_word_may_have_two_slips_and_a_short_one_or_a_number_none() {
        assert!(respelled(&["inspecton"], &["inspect"]).is_some());
        assert!(respelled(&["cranes"], &["crackers"]).is_none());
        assert!(respelled(&["ope"], &["rope", "pe"]).is_none());
        assert!(respelled(&["12345"], &["12346"]).is_none());
        assert!(respelled(&["b1234567"], &["b1234568"]).is_none());
    }

    #[test]
    fn a_word_can_not_leave_its_quotes() {
        let expected = r"('o''neill\\s' | 'o''neills')";
        assert_eq!(respelled(&["o'neill\\s"], &["o'neills"]).unwrap(), expected);
    }
}
