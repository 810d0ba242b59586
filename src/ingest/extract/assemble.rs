//! Puts a document's text together and keeps the promises of an [`Extracted`]:
//! clean characters, segments counted in characters, none blank.

use super::{Extracted, Metadata, Segment};

/// Between two blocks, so that a reader and a chunker see a paragraph's end.
const BLOCK_BREAK: &str = "\n\n";
/// Between two headings of a path.
const PATH_SEPARATOR: &str = " > ";

/// A character that no text may hold: a control character that isn't white space
/// we keep. NUL is the one that Postgres refuses; the others mean nothing outside
/// a terminal.
pub(super) fn is_unwanted(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n')
}

/// `source` with `\n` for every kind of line end and without unwanted characters.
pub(super) fn clean(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            // A form feed ends a page and a next-line a line; both end the line.
            '\u{C}' | '\u{85}' => out.push('\n'),
            c if is_unwanted(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Where in its document a block stands: the fields of a [`Segment`] that name it.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) page: Option<u32>,
    pub(super) slide: Option<u32>,
    pub(super) sheet: Option<String>,
    pub(super) cells: Option<String>,
    pub(super) heading: Option<String>,
}

impl Place {
    /// On this page.
    pub(super) fn page(page: u32) -> Self {
        Place {
            page: Some(page),
            ..Place::default()
        }
    }

    /// Under these headings.
    pub(super) fn under(heading: Option<String>) -> Self {
        Place {
            heading,
            ..Place::default()
        }
    }
}

/// Joins blocks of clean text into a document.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    text: String,
    /// The length of `text` in characters, kept so that it isn't counted again for
    /// every segment.
    length: usize,
    segments: Vec<Segment>,
}

impl Assembly {
    /// Adds a block with a segment of its own, set off by a blank line. A blank
    /// block adds nothing.
    pub(super) fn block(&mut self, place: Place, source: &str) {
        let source = clean(source);
        let block = trim_blank_lines(&source);
        if block.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.push(BLOCK_BREAK);
        }
        let start = self.length;
        self.push(block);
        self.mark(place, start);
    }

    /// Adds a piece of a source that is kept as it is; `piece` must be clean. A
    /// blank piece is kept in the text, without a segment.
    pub(super) fn verbatim(&mut self, place: Place, piece: &str) {
        let start = self.length;
        self.push(piece);
        if !piece.trim().is_empty() {
            self.mark(place, start);
        }
    }

    fn mark(&mut self, place: Place, start: usize) {
        self.segments.push(Segment {
            page: place.page,
            slide: place.slide,
            sheet: place.sheet,
            cells: place.cells,
            heading: place.heading,
            start,
            end: self.length,
        });
    }

    /// The document.
    pub(super) fn finish(self, metadata: Metadata) -> Extracted {
        Extracted {
            text: self.text,
            segments: self.segments,
            metadata,
        }
    }

    fn push(&mut self, piece: &str) {
        self.text.push_str(piece);
        self.length += piece.chars().count();
    }
}

/// Without leading blank lines and trailing white space; the first line keeps its
/// indentation, which may be part of a table.
fn trim_blank_lines(text: &str) -> &str {
    let text = text.trim_end();
    let indent = text.len() - text.trim_start().len();
    match text.get(..indent).and_then(|blank| blank.rfind('\n')) {
        Some(at) => text.get(at + 1..).unwrap_or_default(),
        None => text,
    }
}

/// The headings that stand above a place, by level.
#[derive(Debug, Default)]
pub(super) struct HeadingPath(Vec<(u8, String)>);

impl HeadingPath {
    /// Enters a section: closes those of the same or a deeper level.
    pub(super) fn enter(&mut self, level: u8, title: &str) {
        self.0.retain(|(l, _)| *l < level);
        let title = one_line(title);
        if !title.is_empty() {
            self.0.push((level, title));
        }
    }

    /// The path, outermost first; `None` before the first heading.
    pub(super) fn text(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let titles: Vec<&str> = self.0.iter().map(|(_, title)| title.as_str()).collect();
        Some(titles.join(PATH_SEPARATOR))
    }
}

/// A title or name on one line: clean, white space runs as one space.
pub(super) fn one_line(text: &str) -> String {
    let text = clean(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_becomes_a_line_feed_and_nul_goes() {
        assert_eq!(
            clean("a\r\nb\rc\nd\u{C}e\0f\u{1B}g\th"),
            "a\nb\nc\nd\nefg\th"
        );
        assert_eq!(clean("\r\r\n\n"), "\n\n\n");
    }

    #[test]
    fn segments_count_characters_and_blank_blocks_leave_no_trace() {
        let mut assembly = Assembly::default();
        assembly.block(Place::page(1), "été\n");
        assembly.block(Place::page(2), " \n\0");
        assembly.block(Place::page(3), "\n\n  b  ");
        let extracted = assembly.finish(Metadata::default());
        assert_eq!(extracted.text, "été\n\n  b");
        let ranges: Vec<_> = extracted
            .segments
            .iter()
            .map(|s| (s.page, s.start, s.end))
            .collect();
        assert_eq!(ranges, [(Some(1), 0, 3), (Some(3), 5, 8)]);
    }

    #[test]
    fn a_heading_closes_those_of_its_level_and_deeper() {
        let mut path = HeadingPath::default();
        assert_eq!(path.text(), None);
        path.enter(1, "A");
        path.enter(3, " deep\n one ");
        assert_eq!(path.text().as_deref(), Some("A > deep one"));
        path.enter(2, "B");
        assert_eq!(path.text().as_deref(), Some("A > B"));
        path.enter(1, "C");
        assert_eq!(path.text().as_deref(), Some("C"));
    }
}
