//! Title and author, from `docProps/core.xml` (ECMA-376 part 2, core properties).

use super::super::assemble::one_line;
use super::super::{Failure, Metadata};
use super::xml::{self, Token};

/// The property whose text is being read.
enum Property {
    Title,
    Author,
}

/// Reads the core properties.
pub(super) fn read(source: &str) -> Result<Metadata, Failure> {
    let mut title = String::new();
    let mut author = String::new();
    let mut inside = None;
    xml::read(source, |token| match token {
        Token::Start("title", _) => inside = Some(Property::Title),
        Token::Start("creator", _) => inside = Some(Property::Author),
        Token::Start(..) | Token::End(_) => inside = None,
        Token::Text(text) => match inside {
            Some(Property::Title) => title.push_str(&text),
            Some(Property::Author) => author.push_str(&text),
            None => {}
        },
    })?;
    let given = |text: String| Some(one_line(&text)).filter(|text| !text.is_empty());
    Ok(Metadata {
        title: given(title),
        author: given(author),
        ..Metadata::default()
    })
}
