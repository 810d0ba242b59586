//! What the demo model writes: the sub-node's description and the brief.

use serde_json::{Value, json};

use super::relevance::Quote;

/// Stands at the top of everything that is kept, so that nobody takes it for the
/// judgement of a language model.
const NOTICE: &str = "*Made by the demo model (demo/analyst). It only selects passages that share words \
                      with the instruction; it neither understands nor judges them.*";

/// The most characters of the instruction that a title repeats.
const TITLE: usize = 80;

/// The brief's text and where each quote is from.
pub struct Brief<'a> {
    /// What was asked.
    pub instruction: &'a str,
    /// The passages, in the order of the document.
    pub quotes: &'a [Quote<'a>],
    /// What was read, and what was not, in sentences.
    pub coverage: String,
}

impl Brief<'_> {
    /// The arguments of `create_subnode`.
    pub fn subnode(&self) -> Value {
        json!({
            "title": format!("Evidence: {}", self.topic()),
            "description": format!("{NOTICE}\n\nPassages found:\n\n{}", self.list()),
        })
    }

    /// The arguments of `add_output`.
    pub fn output(&self) -> Value {
        let sources: Vec<Value> = self.quotes.iter().map(source).collect();
        json!({
            "label": format!("Brief: {}", self.topic()),
            "text": self.markdown(),
            "sources": sources,
        })
    }

    fn markdown(&self) -> String {
        let topic = self.topic();
        let findings = if self.quotes.is_empty() {
            "No passage to quote was found.".to_owned()
        } else if self.quotes.iter().all(|quote| quote.score == 0.0) {
            format!(
                "No passage shares a word with the instruction. These are the first sentences of \
                 the pages read:\n\n{}",
                self.list()
            )
        } else {
            format!(
                "The passages that share the most with the instruction:\n\n{}",
                self.list()
            )
        };
        format!(
            "{NOTICE}\n\n## {topic}\n\n{findings}\n\n{}\n",
            self.coverage
        )
    }

    /// The quotes, numbered, each with its place. Line breaks of the page become
    /// spaces here, because in Markdown they would look like markup; the sources
    /// keep them.
    fn list(&self) -> String {
        self.quotes
            .iter()
            .enumerate()
            .map(|(n, quote)| format!("{}. “{}” ({})", n + 1, one_line(quote.text), place(quote)))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The instruction, short enough for a title.
    fn topic(&self) -> String {
        let line = one_line(self.instruction);
        if line.is_empty() {
            return "no instruction".to_owned();
        }
        if line.chars().count() <= TITLE {
            return line;
        }
        let cut: String = line.chars().take(TITLE).collect();
        let whole = cut
            .rsplit_once(' ')
            .map_or(cut.as_str(), |(words, _)| words);
        format!("{whole}…")
    }
}

/// `text` with every run of white space as one space.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn place(quote: &Quote<'_>) -> String {
    match quote.page.number {
        Some(number) => format!("{}, p. {number}", quote.page.label),
        None => quote.page.label.clone(),
    }
}

fn source(quote: &Quote<'_>) -> Value {
    let mut source = json!({ "inputId": quote.page.input_id, "quote": quote.text });
    if let (Some(number), Some(source)) = (quote.page.number, source.as_object_mut()) {
        source.insert("page".into(), number.into());
    }
    source
}
