//! What an office document says of itself, from `docProps/core.xml` (ECMA-376 part 2,
//! core properties); an EPUB's package says the same in the same words.

use super::assemble::one_line;
use super::package::Package;
use super::xml::{self, Token};
use super::{Failure, Metadata};

/// The properties of the document in `package`; none, if it has no such part.
pub(super) fn of(package: &mut Package<'_>) -> Result<Metadata, Failure> {
    match package.part("docProps/core.xml")? {
        Some(source) => read(&source),
        None => Ok(Metadata::default()),
    }
}

/// Reads the elements of Dublin Core that `source` has, the first of each.
pub(super) fn read(source: &str) -> Result<Metadata, Failure> {
    let mut metadata = Metadata::default();
    let mut inside: Option<(String, String)> = None;
    xml::read(source, |token| match token {
        Token::Start(name, _) => inside = Some((name.to_owned(), String::new())),
        Token::Text(text) => {
            if let Some((_, said)) = &mut inside {
                said.push_str(&text);
            }
        }
        Token::End(_) => {
            if let Some((name, said)) = inside.take() {
                note(&mut metadata, &name, &said);
            }
        }
    })?;
    Ok(metadata)
}

fn note(metadata: &mut Metadata, name: &str, said: &str) {
    let field = match name {
        "title" => &mut metadata.title,
        "creator" => &mut metadata.author,
        "created" | "date" => &mut metadata.created,
        "modified" => &mut metadata.modified,
        "language" => &mut metadata.language,
        _ => return,
    };
    if field.is_none() {
        *field = Some(one_line(said)).filter(|text| !text.is_empty());
    }
}
