//! Cutting a text into chunks: by its structure first, then by size.
//!
//! A chunk is about as long as a paragraph or two, because a longer one says too many things
//! for one vector, and a shorter one too little to be understood alone. Neighbours that were cut
//! for size alone share some text, so that a sentence on the border is whole in one of them.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Characters of a chunk at most, about 400 tokens of English (four characters each).
const LONGEST: usize = 1_600;
/// Characters that two chunks share that were cut for size alone.
const SHARED: usize = 200;
/// A part that is shorter is joined with the next one of the same place.
const SHORTEST: usize = 400;
/// Characters of what stands above a chunk.
const LEAD: usize = 300;

/// A passage that is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// What stands above it: title, headings.
    pub lead: String,
    /// Its text.
    pub content: String,
    /// Where it stands: what its part says, with `start` and `end` of its own, in characters.
    pub place: Value,
    /// The hexadecimal SHA-256 of lead and content.
    pub sha256: String,
}

/// What an embedder reads of a chunk: what stands above it, and its text.
pub fn for_embedding(lead: &str, content: &str) -> String {
    if lead.is_empty() {
        return content.to_owned();
    }
    format!("{lead}\n{content}")
}

/// A part of a text that has a place: a page, a section, an output.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What stands above it.
    pub lead: String,
    /// What names the place; `start` and `end` are added.
    pub place: Value,
    /// Where it begins, in characters of the text.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
}

/// The chunks of `text`, in its order. Parts must be in order and must not overlap; what no
/// part covers is not found.
pub fn chunks(text: &str, parts: Vec<Part>) -> Vec<Chunk> {
    let characters = Characters::of(text);
    let slice = |start, end| characters.slice(start, end);
    let mut chunks = Vec::new();
    for part in joined(parts, characters.count) {
        let mut start = part.start;
        while start < part.end {
            let end = cut(slice(start, part.end), part.end - start) + start;
            chunks.extend(chunk(&part, slice(start, end), start));
            if end >= part.end {
                break;
            }
            start = begin_after(slice(start, end), start, end);
        }
    }
    chunks
}

/// Where the characters of a text begin, since places count characters and slices count bytes.
/// One in [`STEP`] is noted: all of them would take eight times the memory of the text.
struct Characters<'a> {
    text: &'a str,
    begins: Vec<usize>,
    count: usize,
}

/// Characters from one whose beginning is noted to the next.
const STEP: usize = 256;

impl<'a> Characters<'a> {
    fn of(text: &'a str) -> Self {
        let (mut begins, mut count) = (Vec::new(), 0);
        for (at, _) in text.char_indices() {
            if count % STEP == 0 {
                begins.push(at);
            }
            count += 1;
        }
        Characters {
            text,
            begins,
            count,
        }
    }

    fn begin(&self, character: usize) -> usize {
        let noted = self.begins.get(character / STEP).copied();
        let rest = noted.and_then(|noted| self.text.get(noted..));
        let found = rest.and_then(|rest| rest.char_indices().nth(character % STEP));
        match (noted, found) {
            (Some(noted), Some((after, _))) => noted + after,
            _ => self.text.len(),
        }
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        let range = self.begin(start)..self.begin(end);
        self.text.get(range).unwrap_or_default()
    }
}

/// Parts that say too little alone, joined with the next of the same place.
fn joined(parts: Vec<Part>, length: usize) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::with_capacity(parts.len());
    for mut part in parts {
        part.end = part.end.min(length);
        part.lead = part.lead.chars().take(LEAD).collect();
        match joined.last_mut() {
            Some(last)
                if last.end - last.start < SHORTEST
                    && part.end.saturating_sub(last.start) <= LONGEST
                    && last.place == part.place
                    && last.lead == part.lead =>
            {
                last.end = part.end;
            }
            _ if part.start < part.end => joined.push(part),
            _ => {}
        }
    }
    joined
}

/// How many characters of `text`, which has `length`, the next chunk takes: up to the end of a
/// paragraph, else of a line, a sentence, a word, in its second half.
fn cut(text: &str, length: usize) -> usize {
    if length <= LONGEST {
        return length;
    }
    let head: Vec<char> = text.chars().take(LONGEST).collect();
    let ends: [fn(&[char]) -> bool; 4] = [
        |pair| pair == ['\n', '\n'],
        |pair| matches!(pair, [_, '\n']),
        |pair| matches!(pair, ['.' | '!' | '?' | '。', after] if after.is_whitespace()),
        |pair| matches!(pair, [_, after] if after.is_whitespace()),
    ];
    for is_end in ends {
        let last = head.windows(2).rposition(is_end).map(|at| at + 2);
        if let Some(end) = last.filter(|end| *end > LONGEST / 2) {
            return end;
        }
    }
    LONGEST
}

/// Where the chunk after `start..end`, which is `text`, begins: a word that is [`SHARED`]
/// characters before its end at most.
fn begin_after(text: &str, start: usize, end: usize) -> usize {
    let length = end - start;
    let from = length.saturating_sub(SHARED);
    let tail: Vec<char> = text.chars().skip(from).collect();
    let word = tail.iter().position(|c| c.is_whitespace());
    let begin = start + from + word.map_or(0, |at| at + 1);
    // Something must be left behind each time.
    begin.clamp(start + 1, end)
}

/// The chunk that is `text`, unless that is blank; without the white space around it.
fn chunk(part: &Part, text: &str, start: usize) -> Option<Chunk> {
    let content = text.trim();
    if content.is_empty() {
        return None;
    }
    let before = text.chars().count() - text.trim_start().chars().count();
    let (start, length) = (start + before, content.chars().count());
    let mut place = part.place.clone();
    if let Some(place) = place.as_object_mut() {
        place.insert("start".to_owned(), start.into());
        place.insert("end".to_owned(), (start + length).into());
    }
    let mut hash = Sha256::new();
    hash.update(part.lead.as_bytes());
    hash.update([0]);
    hash.update(content.as_bytes());
    Some(Chunk {
        lead: part.lead.clone(),
        content: content.to_owned(),
        place,
        sha256: hex::encode(hash.finalize()),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn part(place: Value, start: usize, end: usize) -> Part {
        Part {
            lead: "Report".to_owned(),
            place,
            start,
            end,
        }
    }

    fn place(chunk: &Chunk) -> (usize, usize) {
        let at = |name: &str| usize::try_from(chunk.place[name].as_u64().unwrap()).unwrap();
        (at("start"), at("end"))
    }

    #[test]
    fn short_neighbours_of_one_place_are_joined_and_pages_are_not() {
        let text = "One. Two. Three.";
        let parts = vec![
            part(json!({ "page": 1 }), 0, 5),
            part(json!({ "page": 1 }), 5, 10),
            part(json!({ "page": 2 }), 10, 16),
        ];
        let cut: Vec<_> = chunks(text, parts);
        assert_eq!(cut.len(), 2);
        assert_eq!(cut[0].content, "One. Two.");
        assert_eq!(cut[0].place, json!({ "page": 1, "start": 0, "end": 9 }));
        assert_eq!(cut[1].place, json!({ "page": 2, "start": 10, "end": 16 }));
    }

    #[test]
    fn a_long_text_is_cut_between_sentences_and_neighbours_share_some() {
        let sentence = "The pier stands in salt water all year. ";
        let text = sentence.repeat(100);
        let cut = chunks(&text, vec![part(json!({}), 0, text.chars().count())]);
        assert!(cut.len() > 2);
        assert!(cut.iter().all(|chunk| chunk.content.ends_with('.')));
        for pair in cut.windows(2) {
            let ((_, end), (begin, _)) = (place(&pair[0]), place(&pair[1]));
            assert!(begin < end && end - begin <= SHARED, "{begin} {end}");
        }
    }

    #[test]
    fn what_is_blank_is_no_chunk() {
        assert!(chunks("  \n\t ", vec![part(json!({}), 0, 5)]).is_empty());
        assert!(chunks("", Vec::new()).is_empty());
    }

    proptest! {
        /// Every chunk is the text at its place, none is too long, and together they have
        /// every word.
        #[test]
        fn places_are_true_and_nothing_is_lost(text in "(?s).{0,6000}") {
            let length = text.chars().count();
            let cut = chunks(&text, vec![part(json!({}), 0, length)]);
            let mut covered = vec![false; length];
            for chunk in &cut {
                let (start, end) = place(chunk);
                let there: String = text.chars().skip(start).take(end - start).collect();
                prop_assert_eq!(&there, &chunk.content);
                prop_assert!(end - start <= LONGEST);
                covered[start..end].iter_mut().for_each(|at| *at = true);
            }
            let lost = text.chars().zip(covered).find(|(c, found)| !found && !c.is_whitespace());
            prop_assert_eq!(lost, None);
        }
    }
}
