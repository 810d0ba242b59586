//! Markdown. The source is the text: its marks are part of what a person or model
//! reads. A parser only finds the headings, so that a `#` in a code block isn't one.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::assemble::{Assembly, HeadingPath, Place, clean, one_line};
use super::text::decode;
use super::{Extracted, Failure, Metadata};

/// A heading of the source.
#[derive(Debug)]
struct Heading {
    /// Where it starts, in bytes of the source.
    start: usize,
    level: u8,
    title: String,
}

/// One segment for what is before the first heading and one from each heading to
/// the next.
pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
    let source = clean(&decode(bytes)?);
    let headings = headings(&source);
    let title = headings
        .iter()
        .find(|h| h.level == 1)
        .map(|h| one_line(&h.title));

    let mut assembly = Assembly::default();
    let mut path = HeadingPath::default();
    let mut from = 0;
    for heading in &headings {
        assembly.verbatim(
            Place::under(path.text()),
            source.get(from..heading.start).unwrap_or_default(),
        );
        path.enter(heading.level, &heading.title);
        from = heading.start;
    }
    assembly.verbatim(
        Place::under(path.text()),
        source.get(from..).unwrap_or_default(),
    );
    Ok(assembly.finish(Metadata {
        title: title.filter(|t| !t.is_empty()),
        ..Metadata::default()
    }))
}

/// The headings outside quotes and lists, in order; one inside belongs to what is
/// quoted and starts no section of this document.
fn headings(source: &str) -> Vec<Heading> {
    // Without this, the line before a closing `---` would be taken for a heading.
    let options = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut found: Vec<Heading> = Vec::new();
    let mut depth = 0usize;
    let mut inside = false;
    for (event, range) in Parser::new_ext(source, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                inside = true;
                let start = line_start(source, range.start);
                found.push(Heading {
                    start,
                    level: number(level),
                    title: String::new(),
                });
            }
            Event::End(TagEnd::Heading(_)) => inside = false,
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) => depth += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => {
                depth = depth.saturating_sub(1);
            }
            Event::Text(text) | Event::Code(text) if inside => {
                if let Some(heading) = found.last_mut() {
                    heading.title.push_str(&text);
                }
            }
            Event::SoftBreak | Event::HardBreak if inside => {
                if let Some(heading) = found.last_mut() {
                    heading.title.push(' ');
                }
            }
            _ => {}
        }
    }
    found
}

/// A heading may be indented by up to three spaces, which belong to its segment.
fn line_start(source: &str, at: usize) -> usize {
    source
        .get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |newline| newline + 1)
}

const fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections(source: &str) -> Vec<(Option<String>, String)> {
        let extracted = extract(source.as_bytes()).unwrap();
        let chars: Vec<char> = extracted.text.chars().collect();
        let piece = |s: &super::super::Segment| chars[s.start..s.end].iter().collect();
        extracted
            .segments
            .iter()
            .map(|s| (s.heading.clone(), piece(s)))
            .collect()
    }

    #[test]
    fn each_heading_starts_a_section_with_its_path() {
        let source = "Préface\n\n# A *b* `c`\nx\n## D\ny\n\nE\n=\nz\n";
        let expected = [
            (None, "Préface\n\n"),
            (Some("A b c"), "# A *b* `c`\nx\n"),
            (Some("A b c > D"), "## D\ny\n\n"),
            (Some("E"), "E\n=\nz\n"),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(h, t)| (h.map(str::to_owned), t.to_owned()))
            .collect();
        assert_eq!(sections(source), expected);
        assert_eq!(extract(source.as_bytes()).unwrap().text, source);
    }

    #[test]
    fn a_hash_in_code_or_a_quote_is_no_heading() {
        let source = "# A\n```sh\n# not me\n```\n> # nor me\n\n- # nor me\n\n    # nor me\n";
        assert_eq!(sections(source).len(), 1);
    }

    #[test]
    fn front_matter_is_kept_and_is_no_heading() {
        let source = "---\ntitle: x\n---\n\n# Real\n";
        let found = sections(source);
        assert_eq!(found[0].0, None);
        assert_eq!(found[1].0.as_deref(), Some("Real"));
    }

    #[test]
    fn the_title_is_the_first_top_heading() {
        let title = |s: &str| extract(s.as_bytes()).unwrap().metadata.title;
        assert_eq!(
            title("## Sub\n# The *title*\n# Other").as_deref(),
            Some("The title")
        );
        assert_eq!(title("## Sub"), None);
    }

    #[test]
    fn an_indented_heading_keeps_its_spaces() {
        assert_eq!(sections("a\n\n   # B\n")[1].1, "   # B\n");
    }
}
