//! JSON, and JSON Lines. The source is the text; its outermost members or elements are
//! the places. What is not JSON is plain text, which is what its reader would see too.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::assemble::{Assembly, Place, clean, one_line};
use super::text::decode;
use super::{Extracted, Failure, Metadata};

/// Bytes that a segment has at least: elements of a long list share segments.
const SEGMENT: usize = 2_000;
/// Characters of a member's name in a place.
const MAX_NAME: usize = 80;

/// Some members a segment, under the name of the first.
pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
    let source = clean(&decode(bytes)?);
    let mut assembly = Assembly::default();
    if serde_json::from_str::<IgnoredAny>(&source).is_err() {
        assembly.verbatim(Place::default(), &source);
        return Ok(assembly.finish(Metadata::default()));
    }
    for (range, name) in members(&source) {
        let place = Place::under(name.map(|name| one_line(&name).chars().take(MAX_NAME).collect()));
        assembly.verbatim(place, source.get(range).unwrap_or_default());
    }
    Ok(assembly.finish(Metadata::default()))
}

/// Cuts valid JSON after commas of the outermost list or object; each piece with the name
/// of its first member.
fn members(source: &str) -> Vec<(Range<usize>, Option<String>)> {
    let mut pieces = Vec::new();
    let (mut depth, mut from) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in source.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 1 && at + 1 - from >= SEGMENT => {
                pieces.push(from..at + 1);
                from = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(from..source.len());
    let object = source.trim_start().starts_with('{');
    let named = |range: Range<usize>| {
        let piece = source.get(range.clone()).filter(|_| object);
        (range, piece.and_then(name))
    };
    pieces.into_iter().map(named).collect()
}

/// The name with which a piece of an object begins.
fn name(piece: &str) -> Option<String> {
    let piece = piece.trim_start();
    let piece = piece.strip_prefix('{').unwrap_or(piece).trim_start();
    let mut names = serde_json::Deserializer::from_str(piece).into_iter::<String>();
    names.next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_members_are_places_by_their_names_and_the_text_is_the_source() {
        let long = "x, [\\\" ".repeat(400);
        let source = format!("{{\n \"a\": \"{long}\",\n \"b c\": [1, 2],\n \"d\": 3 }}\n");
        let extracted = extract(source.as_bytes()).unwrap();
        let names: Vec<_> = extracted
            .segments
            .iter()
            .map(|s| s.heading.as_deref())
            .collect();
        assert_eq!(names, [Some("a"), Some("b c")]);
        assert_eq!(extracted.text, source);
    }

    #[test]
    fn lines_of_json_and_what_is_none_are_text() {
        for source in [
            "{\"a\":1}\n{\"a\":2}\n",
            "{ not json",
            "[".repeat(100_000).as_str(),
        ] {
            let extracted = extract(source.as_bytes()).unwrap();
            assert_eq!(extracted.text, source);
            assert_eq!(extracted.segments.len(), 1);
        }
    }
}
