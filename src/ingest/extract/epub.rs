//! EPUB: the pages of a book in the order of its spine (EPUB 3.3, chapter 5), each read
//! as HTML.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;

use super::assemble::Assembly;
use super::package::{Package, join};
use super::xml::{self, Token};
use super::{Extracted, Failure, FailureClass, html, properties, text};

/// Pages of one book.
const MAX_PAGES: usize = 10_000;

/// The book with one segment a section.
pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
    let mut package = Package::open(bytes)?;
    let main = main_part(&mut package)?;
    let Some(source) = package.part(&main)? else {
        return Err(Failure::malformed(
            "The book is damaged: its package document is missing.",
        ));
    };
    let pages = spine(
        &source,
        main.rsplit_once('/').map_or("", |(folder, _)| folder),
    )?;
    refuse_locked(&mut package, &pages)?;
    let mut assembly = Assembly::default();
    for page in pages {
        let Some(bytes) = package.bytes(&page)? else {
            continue;
        };
        html::read(&text::decode(&bytes)?).into_sections(&mut assembly, &[]);
    }
    Ok(assembly.finish(properties::read(&source)?))
}

/// The package document's name.
fn main_part(package: &mut Package<'_>) -> Result<String, Failure> {
    let mut found = None;
    if let Some(source) = package.part("META-INF/container.xml")? {
        xml::read(&source, |token| {
            if let Token::Start("rootfile", attributes) = token {
                found = found.take().or_else(|| attributes.get("full-path"));
            }
        })?;
    }
    found
        .map(|path| join("", &path))
        .ok_or_else(|| Failure::malformed("The book is damaged: it doesn't say where it begins."))
}

/// The names of the pages, in reading order.
fn spine(source: &str, folder: &str) -> Result<Vec<String>, Failure> {
    let mut items = HashMap::new();
    let mut pages = Vec::new();
    xml::read(source, |token| match token {
        Token::Start("item", attributes) => {
            if let (Some(id), Some(href)) = (attributes.get("id"), attributes.get("href")) {
                let href = percent_decode_str(&href).decode_utf8_lossy().into_owned();
                items.insert(id, join(folder, &href));
            }
        }
        Token::Start("itemref", attributes) => {
            let page = attributes.get("idref").and_then(|id| items.remove(&id));
            pages.extend(page);
        }
        _ => {}
    })?;
    if pages.len() > MAX_PAGES {
        return Err(Failure::new(
            FailureClass::TooLarge,
            "The book has more pages than we read.",
        ));
    }
    Ok(pages)
}

/// Refuses a book whose pages are encrypted; fonts often are, and don't matter.
fn refuse_locked(package: &mut Package<'_>, pages: &[String]) -> Result<(), Failure> {
    let Some(source) = package.part("META-INF/encryption.xml")? else {
        return Ok(());
    };
    let mut locked = false;
    xml::read(&source, |token| {
        if let Token::Start("CipherReference", attributes) = token
            && let Some(part) = attributes.get("URI")
        {
            let part = percent_decode_str(&part).decode_utf8_lossy().into_owned();
            locked |= pages.contains(&join("", &part));
        }
    })?;
    match locked {
        true => Err(Failure::new(
            FailureClass::Encrypted,
            "The book is protected against copying; upload a copy that isn't.",
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::docx::fixture;
    use super::*;

    const CONTAINER: &str =
        "<container><rootfiles><rootfile full-path=\"OEBPS/book.opf\"/></rootfiles></container>";
    const BOOK: &str = "<package xmlns:dc=\"d\"><metadata><dc:title>Walks</dc:title><dc:creator>E. F.</dc:creator>\
        <dc:language>en</dc:language></metadata><manifest><item id=\"b\" href=\"two.xhtml\"/>\
        <item id=\"a\" href=\"the%20first.xhtml\"/></manifest><spine><itemref idref=\"a\"/><itemref idref=\"b\"/></spine></package>";

    fn book(more: &[(&str, &str)]) -> Vec<u8> {
        let mut parts = vec![
            ("mimetype", "application/epub+zip"),
            ("META-INF/container.xml", CONTAINER),
            ("OEBPS/book.opf", BOOK),
            (
                "OEBPS/two.xhtml",
                "<html><body><h1>Two</h1><p>second</p></body></html>",
            ),
            (
                "OEBPS/the first.xhtml",
                "<?xml version=\"1.0\"?><!DOCTYPE html [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><html><body><h1>One</h1><p>first&nbsp;&x;</p></body></html>",
            ),
        ];
        parts.extend(more);
        fixture::package(&parts)
    }

    #[test]
    fn pages_come_in_the_order_of_the_spine_and_name_their_sections() {
        let extracted = extract(&book(&[])).unwrap();
        assert!(
            extracted.text.contains("One\n\nfirst"),
            "{}",
            extracted.text
        );
        assert!(!extracted.text.contains("root:"), "{}", extracted.text);
        let headings: Vec<_> = extracted
            .segments
            .iter()
            .map(|s| s.heading.as_deref())
            .collect();
        assert_eq!(headings.last(), Some(&Some("Two")));
        assert_eq!(extracted.metadata.title.as_deref(), Some("Walks"));
        assert_eq!(extracted.metadata.language.as_deref(), Some("en"));
    }

    #[test]
    fn a_book_with_locked_pages_is_encrypted_and_locked_fonts_don_t_matter() {
        let lock =
            |what: &str| format!("<encryption><CipherReference URI=\"{what}\"/></encryption>");
        let fonts = lock("OEBPS/a.otf");
        assert!(extract(&book(&[("META-INF/encryption.xml", &fonts)])).is_ok());
        let page = lock("OEBPS/two.xhtml");
        let failure = extract(&book(&[("META-INF/encryption.xml", &page)])).unwrap_err();
        assert_eq!(failure.class, FailureClass::Encrypted);
    }
}
