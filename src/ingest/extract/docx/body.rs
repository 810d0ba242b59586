//! A part's paragraphs and tables as blocks of text.
//!
//! What is shown is read: deleted and moved-away text, the instructions of fields
//! and the drawings that repeat a text box for old versions are skipped.

use super::super::Failure;
use super::super::xml::{self, Attributes, Token};
use super::styles::{Styles, by_outline};

/// Between the cells of a row.
const CELL_BREAK: char = '\t';

/// A paragraph or a whole table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The heading level, for a paragraph that is a heading.
    pub(super) level: Option<u8>,
    pub(super) text: String,
}

/// The blocks of a part: the body, a header, the footnotes.
pub(super) fn blocks(source: &str, styles: &Styles) -> Result<Vec<Block>, Failure> {
    let mut walk = Walk {
        styles,
        blocks: Vec::new(),
        paragraphs: Vec::new(),
        tables: Vec::new(),
        state: State::Between,
        note: None,
        skipping: 0,
    };
    xml::read(source, |token| walk.take(token))?;
    Ok(walk.blocks)
}

/// Elements whose whole content is not part of the text.
const SKIPPED: [&str; 8] = [
    "del",       // deleted, in tracked changes
    "moveFrom",  // moved away, in tracked changes
    "instrText", // the code of a field, beside its result
    "delInstrText",
    "pPrChange", // the paragraph's former style
    "rPrChange",
    "Fallback", // a text box once more, for old readers
    "rPr",      // how a run looks
];

/// What the next text or attribute belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// White space between elements, which means nothing.
    Between,
    /// The text of a run.
    Text,
    /// The properties of a paragraph, where `tab` is a tab stop and not a tab.
    Properties,
}

#[derive(Debug, Default)]
struct Paragraph {
    /// The level that the paragraph's style gives it.
    styled: Option<u8>,
    /// The level that the paragraph says itself, which wins; `Some(None)` is body text.
    direct: Option<Option<u8>>,
    text: String,
}

#[derive(Debug, Default)]
struct Table {
    rows: Vec<String>,
    cells: Vec<String>,
}

struct Walk<'s> {
    styles: &'s Styles,
    blocks: Vec<Block>,
    /// The open paragraphs: a text box holds paragraphs inside a paragraph.
    paragraphs: Vec<Paragraph>,
    /// The open tables, outermost first.
    tables: Vec<Table>,
    state: State,
    /// The number of the note that begins, until its first paragraph has it.
    note: Option<String>,
    /// How many elements inside a skipped one are open, itself included.
    skipping: usize,
}

impl Walk<'_> {
    fn take(&mut self, token: Token<'_>) {
        match token {
            Token::Start(_, _) if self.skipping > 0 => self.skipping += 1,
            Token::End(_) if self.skipping > 0 => self.skipping -= 1,
            Token::Text(_) if self.skipping > 0 => {}
            Token::Start(name, _) if SKIPPED.contains(&name) => self.skipping = 1,
            // The lines drawn above notes are notes of their own, of a special type.
            Token::Start("footnote" | "endnote", attributes) if is_separator(&attributes) => {
                self.skipping = 1;
            }
            Token::Start(name, attributes) => self.start(name, &attributes),
            Token::End(name) => self.end(name),
            Token::Text(text) if self.state == State::Text => self.push(&text),
            Token::Text(_) => {}
        }
    }

    fn start(&mut self, name: &str, attributes: &Attributes<'_>) {
        match (self.state, name) {
            (State::Properties, "pStyle") => {
                let level = attributes.get("val").and_then(|id| self.styles.level(&id));
                self.with_paragraph(|p| p.styled = level);
            }
            (State::Properties, "outlineLvl") => {
                let level = attributes.get("val").and_then(|value| by_outline(&value));
                self.with_paragraph(|p| p.direct = Some(level));
            }
            (State::Properties, _) => {}
            (_, "pPr") => self.state = State::Properties,
            (_, "t") => self.state = State::Text,
            (_, "p") => self.paragraphs.push(Paragraph {
                text: self.note.take().unwrap_or_default(),
                ..Paragraph::default()
            }),
            (_, "footnote" | "endnote") => {
                self.note = attributes.get("id").map(|number| format!("[{number}] "));
            }
            (_, "footnoteReference" | "endnoteReference") => {
                if let Some(number) = attributes.get("id") {
                    self.push(&format!("[{number}]"));
                }
            }
            (_, "tab" | "ptab") => self.push("\t"),
            (_, "br" | "cr") => self.push("\n"),
            (_, "noBreakHyphen") => self.push("-"),
            (_, "tbl") => self.tables.push(Table::default()),
            (_, "tc") => {
                if let Some(table) = self.tables.last_mut() {
                    table.cells.push(String::new());
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "pPr" | "t" => self.state = State::Between,
            "p" => self.end_paragraph(),
            "tr" => {
                if let Some(table) = self.tables.last_mut() {
                    let row: Vec<String> = table.cells.drain(..).collect();
                    table.rows.push(row.join(&CELL_BREAK.to_string()));
                }
            }
            "tbl" => {
                if let Some(table) = self.tables.pop() {
                    self.emit(None, table.rows.join("\n"));
                }
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else {
            return;
        };
        let level = paragraph.direct.unwrap_or(paragraph.styled);
        self.emit(level, paragraph.text);
    }

    /// Hands finished text to what it stands in: a paragraph around a text box, a
    /// cell, or the part itself. A cell must stay on one line, or columns are lost.
    fn emit(&mut self, level: Option<u8>, text: String) {
        if text.trim().is_empty() {
            return;
        }
        if let Some(around) = self.paragraphs.last_mut() {
            if !around.text.is_empty() {
                around.text.push('\n');
            }
            around.text.push_str(&text);
        } else if let Some(cell) = self.tables.last_mut().and_then(|t| t.cells.last_mut()) {
            if !cell.is_empty() {
                cell.push(' ');
            }
            let words: Vec<&str> = text.split_whitespace().collect();
            cell.push_str(&words.join(" "));
        } else {
            self.blocks.push(Block { level, text });
        }
    }

    fn push(&mut self, text: &str) {
        self.with_paragraph(|p| p.text.push_str(text));
    }

    fn with_paragraph(&mut self, change: impl FnOnce(&mut Paragraph)) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            change(paragraph);
        }
    }
}

fn is_separator(attributes: &Attributes<'_>) -> bool {
    attributes.get("type").is_some_and(|kind| kind != "normal")
}
