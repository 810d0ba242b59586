//! Which paragraph styles are headings.
//!
//! A style's id is what paragraphs name, and Word translates it ("berschrift1");
//! its *name* is the same in every language ("heading 1"), and `outlineLvl` says
//! the level for styles that people made. A style inherits through `basedOn`.

use std::collections::HashMap;

use super::super::Failure;
use super::super::xml::{self, Token};

/// The level of the document's own title, above every heading.
pub(super) const TITLE: u8 = 0;
/// How many steps of `basedOn` are followed, which also ends a cycle. Word allows 11.
const MAX_INHERITANCE: usize = 16;

/// The styles of a document.
#[derive(Debug, Default)]
pub(super) struct Styles(HashMap<String, Style>);

#[derive(Debug, Default)]
struct Style {
    level: Option<u8>,
    based_on: Option<String>,
}

impl Styles {
    /// Reads `styles.xml`.
    pub(super) fn read(source: &str) -> Result<Self, Failure> {
        let mut styles = HashMap::new();
        let mut open: Option<(String, Style)> = None;
        xml::read(source, |token| match token {
            Token::Start("style", attributes) => {
                open = attributes.get("styleId").map(|id| (id, Style::default()));
            }
            Token::End("style") => styles.extend(open.take()),
            Token::Start(name, attributes) => {
                let Some((_, style)) = &mut open else { return };
                let Some(value) = attributes.get("val") else {
                    return;
                };
                match name {
                    "name" => style.level = style.level.or(by_name(&value)),
                    "outlineLvl" => style.level = by_outline(&value).or(style.level),
                    "basedOn" => style.based_on = Some(value),
                    _ => {}
                }
            }
            Token::End(_) | Token::Text(_) => {}
        })?;
        Ok(Styles(styles))
    }

    /// The heading level of a paragraph with this style: 0 for the title, from 1
    /// for headings, `None` for everything else.
    pub(super) fn level(&self, id: &str) -> Option<u8> {
        let mut next = Some(id);
        for _ in 0..MAX_INHERITANCE {
            let Some(id) = next else { break };
            // Some writers leave out styles.xml, or the built-in styles.
            let Some(style) = self.0.get(id) else {
                return by_name(id);
            };
            if style.level.is_some() {
                return style.level;
            }
            next = style.based_on.as_deref();
        }
        None
    }
}

/// `heading 1` as a name, `Heading1` as an id.
fn by_name(name: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    if name == "title" {
        return Some(TITLE);
    }
    let number = name.strip_prefix("heading")?.trim_start().parse().ok()?;
    (1..=9).contains(&number).then_some(number)
}

/// Outline levels count from 0; 9 is body text.
pub(super) fn by_outline(value: &str) -> Option<u8> {
    let level: u8 = value.parse().ok()?;
    (level < 9).then_some(level + 1)
}
