//! Plain text, in whatever encoding it was saved.
//!
//! A byte order mark decides; without one, text that is valid UTF-8 is UTF-8, and
//! the rest is guessed from its letters the way browsers do.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

use super::assemble::{Assembly, Place, clean};
use super::{Extracted, Failure, Metadata};

/// The whole text as one segment.
pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
    let mut assembly = Assembly::default();
    assembly.verbatim(Place::default(), &clean(&decode(bytes)?));
    Ok(assembly.finish(Metadata::default()))
}

/// The text of `bytes`, without its byte order mark. Line ends and control
/// characters are as they were.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Failure> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None if std::str::from_utf8(bytes).is_ok() => UTF_8,
        None => guess(bytes),
    };
    let (text, _, broken) = encoding.decode(bytes);
    // A few damaged characters are shown as such; a file that is mostly damage is
    // not in the encoding, or no text.
    if broken && too_broken(&text) {
        return Err(Failure::malformed(
            "The file is not readable as text in any encoding.",
        ));
    }
    Ok(text)
}

/// Whether the start of a file looks like text. It may be cut inside a character.
pub(super) fn is_text(head: &[u8]) -> bool {
    match Encoding::for_bom(head) {
        Some((encoding, _)) => !too_broken(&encoding.decode(head).0),
        // NUL is in no text but UTF-16 and UTF-32, and is in nearly all binary files.
        None => !head.contains(&0) && !too_broken(&guess(head).decode(head).0),
    }
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
}

/// More than one character in ten is damage or a control character.
fn too_broken(text: &str) -> bool {
    let damage = |c: &char| {
        *c == char::REPLACEMENT_CHARACTER
            || (c.is_control() && !c.is_whitespace() && *c != '\u{1B}')
    };
    text.chars().filter(damage).count() * 10 > text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::extract::FailureClass;

    fn read(bytes: &[u8]) -> String {
        extract(bytes).unwrap().text
    }

    #[test]
    fn byte_order_marks_decide_and_are_dropped() {
        assert_eq!(read(b"\xEF\xBB\xBFna\xC3\xAFve"), "naïve");
        assert_eq!(read(b"\xFF\xFEh\0\xE9\0\r\0\n\0"), "hé\n");
        assert_eq!(read(b"\xFE\xFF\0h\0\xE9"), "hé");
    }

    #[test]
    fn old_encodings_are_recognized_by_their_letters() {
        let western = encoding_rs::WINDOWS_1252
            .encode("Die Größe ändert sich für Überraschungen – schön.")
            .0;
        assert_eq!(
            read(&western),
            "Die Größe ändert sich für Überraschungen – schön."
        );
        let russian = "Съешь же ещё этих мягких французских булок, да выпей чаю.";
        assert_eq!(read(&encoding_rs::WINDOWS_1251.encode(russian).0), russian);
        let japanese = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。";
        assert_eq!(read(&encoding_rs::SHIFT_JIS.encode(japanese).0), japanese);
    }

    #[test]
    fn nul_is_dropped_and_the_segment_counts_characters() {
        let extracted = extract("a\0é\r\nb".as_bytes()).unwrap();
        assert_eq!(extracted.text, "aé\nb");
        assert_eq!(
            (extracted.segments[0].start, extracted.segments[0].end),
            (0, 4)
        );
    }

    #[test]
    fn one_damaged_character_in_utf16_is_shown_not_refused() {
        let mut bytes = b"\xFF\xFE".to_vec();
        bytes.extend(
            "plenty of good text"
                .encode_utf16()
                .flat_map(u16::to_le_bytes),
        );
        bytes.extend([0x00, 0xD8]);
        assert_eq!(read(&bytes), "plenty of good text\u{FFFD}");
    }

    #[test]
    fn what_no_encoding_fits_is_malformed() {
        let noise: Vec<u8> = [0xEF, 0xBB, 0xBF]
            .into_iter()
            .chain((0..500).map(|_| 0xFE))
            .collect();
        assert_eq!(extract(&noise).unwrap_err().class, FailureClass::Malformed);
    }
}
