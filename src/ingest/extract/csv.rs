//! CSV and its like. The source is the text, as it is for Markdown: quotes and separators
//! tell a reader which value is whose. A parser finds the records, since a line's end
//! inside quotes ends none.

use csv::{ByteRecord, ReaderBuilder};

use super::assemble::{Assembly, Place, clean};
use super::text::decode;
use super::{Extracted, Failure, Metadata};

/// Records of a segment.
const RECORDS_OF_A_SEGMENT: u32 = 50;
/// What separates values, in the order of preference.
const SEPARATORS: [u8; 4] = *b",;\t|";
/// Lines that are looked at to tell the separator.
const LOOKED_AT: usize = 20;

/// Some records a segment, named by their rows.
pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
    let source = clean(&decode(bytes)?);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(&source))
        .from_reader(source.as_bytes());
    let mut assembly = Assembly::default();
    let mut record = ByteRecord::new();
    let (mut from, mut first, mut row) = (0, 1, 0);
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        row += 1;
        if row - first + 1 < RECORDS_OF_A_SEGMENT {
            continue;
        }
        let to = usize::try_from(reader.position().byte()).unwrap_or(source.len());
        add(&mut assembly, &source, from..to, (first, row));
        (from, first) = (to, row + 1);
    }
    add(&mut assembly, &source, from..source.len(), (first, row));
    Ok(assembly.finish(Metadata::default()))
}

fn add(assembly: &mut Assembly, source: &str, range: std::ops::Range<usize>, rows: (u32, u32)) {
    let place = Place {
        cells: Some(format!("{}:{}", rows.0, rows.1.max(rows.0))),
        ..Place::default()
    };
    assembly.verbatim(place, source.get(range).unwrap_or_default());
}

/// The separator of which the first lines have most alike.
fn separator(source: &str) -> u8 {
    let counts = |separator: u8| {
        let lines = source.lines().take(LOOKED_AT);
        let each: Vec<usize> = lines
            .map(|line| line.bytes().filter(|byte| *byte == separator).count())
            .collect();
        let usual = each.first().copied().unwrap_or(0);
        usual * each.iter().filter(|count| **count == usual).count()
    };
    let best = SEPARATORS.iter().rev().max_by_key(|s| counts(**s));
    best.copied().unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_end_with_records_and_not_with_lines() {
        let mut source = "name;note\r\n".to_owned();
        for row in 0..60 {
            source.push_str(&format!("n{row};\"a\nb;c\"\r\n"));
        }
        let extracted = extract(source.as_bytes()).unwrap();
        let cells: Vec<_> = extracted
            .segments
            .iter()
            .map(|s| s.cells.as_deref())
            .collect();
        assert_eq!(cells, [Some("1:50"), Some("51:61")]);
        let second = &extracted.text[extracted.segments[1].start..];
        assert!(second.starts_with("n49;"), "{second}");
        assert_eq!(extracted.text, source.replace("\r\n", "\n"));
    }

    #[test]
    fn the_separator_is_told_from_the_lines() {
        assert_eq!(separator("a,b\n1,2\n"), b',');
        assert_eq!(separator("a\tb, c\n1\t2\n"), b'\t');
        assert_eq!(separator("a;b\n1,5;2,5\n"), b';');
        assert_eq!(separator(""), b',');
    }
}
