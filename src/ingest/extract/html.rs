//! HTML, as a run of tokens: what a browser would show as text, with headings as
//! sections and tables as lines of cells.
//!
//! No tree is built, so elements nested a million deep cost no more than their bytes,
//! and nothing is fetched. Scripts, styles, templates and form controls are not read.

use std::cell::RefCell;

use encoding_rs::Encoding;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::assemble::{Assembly, HeadingPath, Place, one_line};
use super::{Extracted, Failure, Metadata, text};

/// Where a document must say its encoding if it does (HTML, 4.2.5.4).
const CHARSET_WITHIN: usize = 1024;

/// The page with one segment a section.
pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
    let source = decode(bytes)?;
    let mut assembly = Assembly::default();
    let page = read(&source);
    let metadata = page.metadata.clone();
    page.into_sections(&mut assembly, &[]);
    Ok(assembly.finish(metadata))
}

/// The source's characters: by byte order mark, by what the page says of itself, by the
/// bytes.
fn decode(bytes: &[u8]) -> Result<String, Failure> {
    let head = bytes.get(..CHARSET_WITHIN).unwrap_or(bytes);
    let declared = charset(&String::from_utf8_lossy(head).to_ascii_lowercase());
    match (Encoding::for_bom(bytes), declared) {
        (None, Some(encoding)) => Ok(encoding.decode(bytes).0.into_owned()),
        _ => text::decode(bytes).map(|source| source.into_owned()),
    }
}

/// The encoding after `charset=` in lower-case text.
fn charset(head: &str) -> Option<&'static Encoding> {
    let (_, after) = head.split_once("charset")?;
    let after = after.trim_start().strip_prefix('=')?.trim_start();
    let label = after.trim_start_matches(['"', '\'']);
    let end = label.find(['"', '\'', ' ', '>', ';', '/', '\n'])?;
    Encoding::for_label(label.get(..end)?.as_bytes())
}

/// What a page shows.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) metadata: Metadata,
    blocks: Vec<Block>,
}

#[derive(Debug)]
struct Block {
    level: Option<u8>,
    text: String,
}

impl Page {
    /// One segment from each heading to the next, under `outer` headings.
    pub(super) fn into_sections(self, assembly: &mut Assembly, outer: &[&str]) {
        let mut path = HeadingPath::default();
        for title in outer {
            path.enter(0, title);
        }
        let mut section = String::new();
        for block in self.blocks {
            if let Some(level) = block.level {
                assembly.block(Place::under(path.text()), &section);
                section.clear();
                path.enter(level, &block.text);
            }
            if !section.is_empty() {
                section.push_str("\n\n");
            }
            section.push_str(&block.text);
        }
        assembly.block(Place::under(path.text()), &section);
    }
}

/// Reads the source of a page.
pub(super) fn read(source: &str) -> Page {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(source));
    let sink = Sink(RefCell::default());
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    // A pause is where a browser would run a script.
    while !matches!(tokenizer.feed(&input), html5ever::TokenizerResult::Done) {}
    tokenizer.end();
    let mut walk = tokenizer.sink.0.into_inner();
    walk.end_block();
    walk.page
}

struct Sink(RefCell<Walk>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut walk = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => walk.text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return walk.start(&tag),
            Token::TagToken(tag) => walk.end(&tag.name),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// A walk through the tokens of a page.
#[derive(Debug, Default)]
struct Walk {
    page: Page,
    text: String,
    level: Option<u8>,
    /// Elements whose content is not shown, and how many are open.
    hidden: usize,
    /// The element, with nothing but text in it, whose content is left out.
    skipped: Option<String>,
    /// Open `pre` elements, where white space counts.
    preformatted: usize,
    title: Option<String>,
    row: Option<Vec<String>>,
    cell: bool,
}

/// Elements that begin and end a block of text.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "head",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "ul",
    "caption",
];
/// Elements whose content nobody sees.
const HIDDEN: &[&str] = &[
    "template", "select", "datalist", "object", "svg", "math", "canvas",
];

impl Walk {
    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name = &*tag.name;
        match name {
            "script" => return self.skip(name, RawKind::ScriptData),
            "style" | "iframe" | "noembed" | "noframes" => {
                return self.skip(name, RawKind::Rawtext);
            }
            "textarea" => return self.skip(name, RawKind::Rcdata),
            "title" if self.title.is_none() && !tag.self_closing => {
                self.title = Some(String::new());
                return TokenSinkResult::RawData(RawKind::Rcdata);
            }
            "meta" => self.meta(tag),
            "html" => self.page.metadata.language = attribute(tag, "lang"),
            "br" => self.text.push('\n'),
            "tr" => {
                self.end_row();
                self.end_words();
                self.row = Some(Vec::new());
            }
            "td" | "th" => self.start_cell(),
            _ if HIDDEN.contains(&name) && !tag.self_closing => self.hidden += 1,
            _ => self.boundary(name, true),
        }
        TokenSinkResult::Continue
    }

    /// Leaves out what follows, up to the end of the element.
    fn skip(&mut self, name: &str, kind: RawKind) -> TokenSinkResult<()> {
        self.skipped = Some(name.to_owned());
        TokenSinkResult::RawData(kind)
    }

    fn end(&mut self, name: &str) {
        if self.skipped.as_deref() == Some(name) {
            self.skipped = None;
            return;
        }
        match name {
            "title" => self.end_title(),
            "td" | "th" => self.end_cell(),
            "tr" => self.end_row(),
            "table" => {
                self.end_row();
                self.end_block();
            }
            _ if HIDDEN.contains(&name) => self.hidden = self.hidden.saturating_sub(1),
            _ => self.boundary(name, false),
        }
    }

    /// A tag that may end one block and begin another.
    fn boundary(&mut self, name: &str, start: bool) {
        let level = heading(name);
        if level.is_none() && !BLOCKS.contains(&name) {
            return;
        }
        if self.cell {
            self.text.push(' ');
            return;
        }
        self.end_block();
        self.level = level.filter(|_| start);
        match (name, start) {
            ("pre", true) => self.preformatted += 1,
            ("pre", false) => self.preformatted = self.preformatted.saturating_sub(1),
            ("li", true) => self.text.push_str("- "),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(title) = &mut self.title
            && self.page.metadata.title.is_none()
        {
            title.push_str(text);
        } else if self.hidden == 0 && self.skipped.is_none() {
            match self.preformatted {
                0 => fold(&mut self.text, text),
                _ => self.text.push_str(text),
            }
        }
    }

    fn end_title(&mut self) {
        let said = self.title.take().map(|title| one_line(&title));
        if self.page.metadata.title.is_none() {
            self.page.metadata.title = said.filter(|title| !title.is_empty());
        }
    }

    fn start_cell(&mut self) {
        if self.cell {
            self.end_cell();
        } else {
            self.end_words();
        }
        self.cell = true;
        self.row.get_or_insert_default();
    }

    fn end_cell(&mut self) {
        if std::mem::take(&mut self.cell) {
            let cell = one_line(&std::mem::take(&mut self.text));
            self.row.get_or_insert_default().push(cell);
        }
    }

    /// Puts a row to the rows before it: a table is one block.
    fn end_row(&mut self) {
        self.end_cell();
        let Some(row) = self.row.take().filter(|row| !row.is_empty()) else {
            return;
        };
        let line = row.join("\t");
        match self.page.blocks.last_mut() {
            Some(table) if table.level == Some(TABLE) => {
                table.text.push('\n');
                table.text.push_str(&line);
            }
            _ => self.page.blocks.push(Block {
                level: Some(TABLE),
                text: line,
            }),
        }
    }

    /// Ends a block if there is anything in it: between rows there should not be.
    fn end_words(&mut self) {
        if self.text.trim().is_empty() {
            self.text.clear();
        } else {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        let text = std::mem::take(&mut self.text);
        let level = self.level.take();
        if let Some(table) = self.page.blocks.last_mut()
            && table.level == Some(TABLE)
        {
            table.level = None;
        }
        if !text.trim().is_empty() && text.trim() != "-" {
            self.page.blocks.push(Block { level, text });
        }
    }

    fn meta(&mut self, tag: &Tag) {
        let name = attribute(tag, "name").or_else(|| attribute(tag, "property"));
        let Some(content) = attribute(tag, "content") else {
            return;
        };
        let metadata = &mut self.page.metadata;
        match name.unwrap_or_default().to_ascii_lowercase().as_str() {
            "author" => metadata.author = Some(content),
            "date" | "article:published_time" | "dcterms.created" => {
                metadata.created = Some(content);
            }
            "article:modified_time" | "dcterms.modified" => metadata.modified = Some(content),
            _ => {}
        }
    }
}

/// The level of a table that may get more rows; no heading has it.
const TABLE: u8 = u8::MAX;

fn heading(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', digit @ b'1'..=b'6'] => Some(digit - b'0'),
        _ => None,
    }
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    let found = tag.attrs.iter().find(|a| &*a.name.local == name)?;
    Some(one_line(&found.value)).filter(|value| !value.is_empty())
}

/// Adds text of which runs of white space show as one space.
fn fold(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            ' ' | '\t' | '\n' | '\r' | '\u{C}' => {
                if !out.is_empty() && !out.ends_with([' ', '\n']) {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections(source: &str) -> Vec<(Option<String>, String)> {
        let extracted = extract(source.as_bytes()).unwrap();
        let chars: Vec<char> = extracted.text.chars().collect();
        let segments = extracted.segments.into_iter();
        segments
            .map(|s| (s.heading, chars[s.start..s.end].iter().collect()))
            .collect()
    }

    #[test]
    fn headings_make_sections_and_tables_make_lines() {
        let source = "<!doctype html><html lang=en><head><title>A &amp; B</title><style>p{}</style>\
            <meta name=author content='C. D.'></head><body><p>Before<script>if (a < b) {}</script>\
            <h1>One</h1><p>x  <b>y</b>\n z<ul><li>i<li>j</ul><h2>Two</h2>\
            <table><tr><th>k<th>v<tr><td>1<td><p>2</p><p>3</p></table>after\
            <pre>a\n  b</pre></body></html>";
        let expected = [
            (None, "Before"),
            (Some("One"), "One\n\nx y z\n\n- i\n\n- j"),
            (Some("One > Two"), "Two\n\nk\tv\n1\t2 3\n\nafter\n\na\n  b"),
        ];
        let expected: Vec<_> = expected
            .map(|(h, t)| (h.map(str::to_owned), t.to_owned()))
            .into();
        assert_eq!(sections(source), expected);
        let metadata = extract(source.as_bytes()).unwrap().metadata;
        assert_eq!(metadata.title.as_deref(), Some("A & B"));
        assert_eq!(metadata.author.as_deref(), Some("C. D."));
        assert_eq!(metadata.language.as_deref(), Some("en"));
    }

    #[test]
    fn the_page_says_its_encoding() {
        let mut source = b"<meta charset=\"windows-1251\"><p>".to_vec();
        source.extend(&*encoding_rs::WINDOWS_1251.encode("да").0);
        assert_eq!(extract(&source).unwrap().text, "да");
    }

    #[test]
    fn a_million_open_elements_are_only_their_bytes() {
        let source = "<div>".repeat(100_000) + "deep";
        assert_eq!(extract(source.as_bytes()).unwrap().text, "deep");
    }
}
