//! The words of a text, folded so that texts can be compared without a language
//! model: by the built-in embedder and by the demo model.
//!
//! This is lexical: it knows spelling, not meaning. The stop words and the endings
//! are English; other languages are compared by their whole words.

/// Words that say nothing about what a text is about. Short words (one or two
/// characters) are dropped before this list is asked.
const STOP_WORDS: &[&str] = &[
    "about", "after", "all", "also", "and", "any", "are", "been", "before", "but", "can", "could",
    "did", "does", "each", "for", "from", "had", "has", "have", "her", "here", "his", "how",
    "into", "its", "may", "more", "most", "must", "not", "one", "only", "other", "our", "out",
    "over", "should", "some", "such", "than", "that", "the", "their", "them", "then", "there",
    "these", "they", "this", "those", "too", "under", "very", "was", "were", "what", "when",
    "where", "which", "while", "who", "why", "will", "with", "would", "you", "your",
];

/// The words of `text` in order: lower case, letters and digits only.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// The words of `text` that carry meaning, each without its English ending.
/// Numbers are kept whatever their length.
pub fn terms(text: &str) -> impl Iterator<Item = String> {
    words(text).filter_map(|word| {
        let number = word.chars().all(char::is_numeric);
        let content = word.chars().count() > 2 && !STOP_WORDS.contains(&word.as_str());
        (number || content).then(|| stem(&word))
    })
}

/// Cuts the common English endings, so that "policies", "policy" and "reported",
/// "reports" meet. Cruder than Porter's stemmer, and enough to match words within
/// one text; at least four characters always stay.
fn stem(word: &str) -> String {
    const ENDINGS: &[(&str, &str)] = &[
        ("ations", "at"),
        ("ation", "at"),
        ("ings", ""),
        ("ing", ""),
        ("ies", "y"),
        ("ied", "y"),
        ("ates", "at"),
        ("ated", "at"),
        ("ate", "at"),
        ("ers", ""),
        ("ed", ""),
        ("er", ""),
        ("es", ""),
        ("ly", ""),
        ("s", ""),
        ("e", ""),
    ];
    for (ending, instead) in ENDINGS {
        if let Some(root) = word.strip_suffix(ending)
            && root.chars().count() >= 4
        {
            return format!("{root}{instead}");
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_meet() {
        for (a, b) in [
            ("policies", "policy"),
            ("reported", "reports"),
            ("increases", "increasing"),
            ("regulations", "regulated"),
        ] {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
        assert_ne!(stem("report"), stem("repair"));
    }

    #[test]
    fn stop_words_go_and_numbers_stay() {
        let terms: Vec<_> = terms("The 5 goals of 2030, and what they mean.").collect();
        assert_eq!(terms, ["5", "goal", "2030", "mean"]);
    }
}
