//! XML as a flat run of tokens, with what an office document never needs refused:
//! a DOCTYPE (the door to entity expansion and to other files) and deep nesting.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::QName;

use super::Failure;

/// Elements inside each other. Word itself refuses tables nested far less deep.
const MAX_DEPTH: usize = 512;

/// A piece of XML. Names are local: without their prefix.
pub(super) enum Token<'a> {
    /// An element begins; an empty one begins and ends.
    Start(&'a str, Attributes<'a>),
    /// An element ends.
    End(&'a str),
    /// Text, with references resolved.
    Text(Cow<'a, str>),
}

/// The attributes of an element.
pub(super) struct Attributes<'a>(&'a BytesStart<'a>);

impl Attributes<'_> {
    /// The value of the attribute with this local name.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.find(|key| key.local_name().as_ref() == name)
    }

    /// The same of one that has a prefix: `r:id` stands beside `id` and is another.
    pub(super) fn get_prefixed(&self, name: &str) -> Option<String> {
        self.find(|key| key.prefix().is_some() && key.local_name().as_ref() == name)
    }

    fn find(&self, wanted: impl Fn(QName<'_>) -> bool) -> Option<String> {
        let mut attributes = self.0.attributes();
        let attribute = attributes
            .with_checks(false)
            .filter_map(Result::ok)
            .find(|a| wanted(a.key))?;
        attribute
            .normalized_value(XmlVersion::Explicit1_0)
            .ok()
            .map(Cow::into_owned)
    }
}

/// Hands every token of `source` to `each`.
pub(super) fn read(source: &str, mut each: impl FnMut(Token<'_>)) -> Result<(), Failure> {
    let mut reader = Reader::from_str(source);
    reader.config_mut().expand_empty_elements = true;
    let mut depth = 0usize;
    loop {
        match reader.read_event().map_err(|_| broken())? {
            Event::Start(element) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Failure::malformed("The document's XML is nested too deep."));
                }
                each(Token::Start(
                    element.local_name().as_ref(),
                    Attributes(&element),
                ));
            }
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                each(Token::End(element.local_name().as_ref()));
            }
            Event::Text(text) => each(Token::Text(text.xml10_content())),
            Event::CData(text) => each(Token::Text(text.xml10_content())),
            // `&amp;` and its like come as events of their own: whoever reads only
            // the text events loses every ampersand without a word.
            Event::GeneralRef(reference) => {
                each(Token::Text(
                    match reference.resolve_char_ref().map_err(|_| broken())? {
                        Some(c) => c.to_string().into(),
                        None => resolve_predefined_entity(&reference.xml10_content())
                            .ok_or_else(broken)?
                            .into(),
                    },
                ));
            }
            Event::DocType(_) => {
                return Err(Failure::malformed(
                    "The document declares a DOCTYPE, which no office document has.",
                ));
            }
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            // A cut file ends with elements open.
            Event::Eof if depth > 0 => return Err(broken()),
            Event::Eof => return Ok(()),
        }
    }
}

fn broken() -> Failure {
    Failure::malformed("The document's XML is damaged.")
}
