//! The words of a text, folded so that texts can be compared without a language
//! model: by the built-in embedder and by the demo model.
//!
//! This is lexical: it knows spelling, not meaning. The stop words and the endings
//! are English; other languages are compared by their whole words.

/// Words that say nothing about what a text is about. Short words (one or two
/// characters) are dropped before this list is asked.
const STOP_WORDS: &[&str] = &[
    "about", "after", "again", "all", "almost", "already", "also", "always", "among", "and", "any",
    "are", "because", "been", "before", "being", "both", "but", "can", "could", "did", "does",
    "doing", "done", "during", "each", "either", "else", "ever", "every", "for", "from", "further",
    "get", "got", "had", "has", "have", "having", "her", "here", "him", "his", "how", "however",
    "into", "its", "itself", "just", "least", "less", "let", "like", "made", "make", "many", "may",
    "might", "more", "most", "much", "must", "neither", "never", "none", "nor", "not", "now",
    "off", "often", "once", "one", "only", "other", "our", "out", "over", "own", "per", "quite",
    "rather", "same", "shall", "she", "should", "since", "some", "still", "such", "than", "that",
    "the", "their", "them", "then", "there", "these", "they", "this", "those", "though", "through",
    "thus", "together", "too", "under", "until", "upon", "very", "was", "well", "were", "what",
    "when", "where", "whether", "which", "while", "who", "whose", "why", "will", "with", "within",
    "without", "would", "yet", "you", "your",
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
