//! From characters at their places to lines of words. A PDF says where each character
//! stands and seldom where a word or a line ends; gaps and jumps tell.
//!
//! Places are taken along and across the direction of writing, so that text which is
//! turned reads like any other.

use std::collections::BTreeMap;

use pdf_extract::{MediaBox, OutputDev, OutputError, Transform};

/// A gap from this part of the font's size on is a space, as other readers have it too.
const SPACE: f64 = 0.1;
/// A step across the line by more than this is another line, if it goes back as well.
const LINE: f64 = 0.5;
/// A step across the line by more than this is another line in any case.
const PARAGRAPH: f64 = 1.5;
/// A step back by more than this on the same line is another column or cell; less is an
/// accent that is set over its letter.
const BACK: f64 = 2.0;

/// The pages of a document as text.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pages: BTreeMap<u32, String>,
    page: u32,
    text: String,
    last: Option<End>,
}

/// Where the last character ended.
#[derive(Debug, Clone, Copy)]
struct End {
    direction: (f64, f64),
    along: f64,
    across: f64,
}

impl Layout {
    /// The pages that were read to their end.
    pub(super) fn into_pages(self) -> BTreeMap<u32, String> {
        self.pages
    }

    /// What stands between the last character and one at this place.
    fn separate(&mut self, last: &End, next: &End, size: f64) {
        let across = (next.across - last.across).abs();
        let back = last.along - next.along;
        let turned = last.direction.0 * next.direction.0 + last.direction.1 * next.direction.1;
        if turned < 0.9 || across > size * PARAGRAPH {
            self.text.push('\n');
        }
        if back > 0.0 && across > size * LINE || back > size * BACK {
            self.text.push('\n');
        } else if -back > size * SPACE && !self.text.ends_with(char::is_whitespace) {
            self.text.push(' ');
        }
    }
}

impl OutputDev for Layout {
    fn begin_page(
        &mut self,
        page: u32,
        _: &MediaBox,
        _: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        self.page = page;
        self.text = String::new();
        self.last = None;
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        self.pages.insert(self.page, std::mem::take(&mut self.text));
        Ok(())
    }

    fn output_character(
        &mut self,
        place: &Transform,
        width: f64,
        _spacing: f64,
        font_size: f64,
        text: &str,
    ) -> Result<(), OutputError> {
        let scale = place.m11.hypot(place.m12);
        let size = font_size * (place.m11 * place.m22 - place.m12 * place.m21).abs().sqrt();
        let direction = match scale > 0.0 {
            true => (place.m11 / scale, place.m12 / scale),
            false => (1.0, 0.0),
        };
        let mut at = End {
            direction,
            along: place.m31 * direction.0 + place.m32 * direction.1,
            across: place.m32 * direction.0 - place.m31 * direction.1,
        };
        if let Some(last) = self.last
            && !text.starts_with(char::is_whitespace)
        {
            self.separate(&last, &at, size);
        }
        self.text.push_str(text);
        at.along += width * font_size * scale;
        self.last = Some(at);
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}
