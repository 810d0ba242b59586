//! DOCX: WordprocessingML (ECMA-376 part 1) in a ZIP.
//!
//! [`styles`] tells headings by their style, [`body`] turns a part into blocks of
//! text. Here they are put in order: the body by sections, then what stands around
//! it. A note stands at the end, where it is printed; its number stands in both places.
//!
//! Elements are told by their local names: the prefix is the writer's choice, and
//! transitional and strict documents have different namespaces for the same words.

mod body;
#[cfg(test)]
pub(super) mod fixture;
mod styles;

use super::assemble::{Assembly, HeadingPath, Place};
use super::format::OLE_MAGIC;
use super::package::Package;
use super::{Extracted, Failure, FailureClass, properties};
use body::Block;
use styles::Styles;

/// The parts around the body, in the order they are appended, with the heading
/// their segments get. Word numbers headers and footers: `header1.xml`.
const AROUND: [(&str, &str); 5] = [
    ("header", "Headers"),
    ("footer", "Footers"),
    ("footnotes", "Footnotes"),
    ("endnotes", "Endnotes"),
    ("comments", "Comments"),
];

/// The body with one segment a section, then headers, footers, notes and comments.
pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
    if bytes.starts_with(OLE_MAGIC) {
        return Err(Failure::new(
            FailureClass::Encrypted,
            "The document is protected by a password, or of Word 97's format; upload a plain .docx.",
        ));
    }
    let mut package = Package::open(bytes)?;
    let main = package.main_part("word/document.xml")?;
    let folder = main
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder)
        .to_owned();
    let styles = match package.part(&format!("{folder}/styles.xml"))? {
        Some(source) => Styles::read(&source)?,
        None => Styles::default(),
    };
    let Some(document) = package.part(&main)? else {
        return Err(Failure::malformed(
            "The document is damaged: its main part is missing.",
        ));
    };

    let mut assembly = Assembly::default();
    let blocks = body::blocks(&document, &styles)?;
    let title = blocks
        .iter()
        .find(|b| b.level == Some(styles::TITLE))
        .map(|b| b.text.clone());
    add_sections(&mut assembly, blocks);
    for (stem, heading) in AROUND {
        let text = around(&mut package, &folder, stem, &styles)?;
        assembly.block(Place::under(Some(heading.to_owned())), &text);
    }
    let mut metadata = properties::of(&mut package)?;
    if metadata.title.is_none() {
        metadata.title = title
            .map(|t| super::assemble::one_line(&t))
            .filter(|t| !t.is_empty());
    }
    Ok(assembly.finish(metadata))
}

/// One segment from each heading to the next.
fn add_sections(assembly: &mut Assembly, blocks: Vec<Block>) {
    let mut path = HeadingPath::default();
    let mut section = String::new();
    for block in blocks {
        if let Some(level) = block.level {
            assembly.block(Place::under(path.text()), &section);
            section.clear();
            path.enter(level, &block.text);
        }
        append(&mut section, &block.text);
    }
    assembly.block(Place::under(path.text()), &section);
}

/// The text of the parts `<stem>*.xml`. Word writes the same header once for each
/// kind of page, so equal ones are taken once.
fn around(
    package: &mut Package<'_>,
    folder: &str,
    stem: &str,
    styles: &Styles,
) -> Result<String, Failure> {
    let mut seen: Vec<String> = Vec::new();
    for name in package.names(&format!("{folder}/{stem}")) {
        let Some(source) = package.part(&name)? else {
            continue;
        };
        let mut text = String::new();
        for block in body::blocks(&source, styles)? {
            append(&mut text, &block.text);
        }
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    Ok(seen.join("\n\n"))
}

fn append(text: &mut String, block: &str) {
    if block.trim().is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(block);
}

#[cfg(test)]
mod tests;
