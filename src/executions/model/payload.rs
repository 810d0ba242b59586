//! Payloads that are too large for their rows.
//!
//! The largest fields of such a payload are kept in the storage, each under the hash of its
//! canonical text, until the rest fits; the row keeps the beginning of each, and its size and
//! hash in [`PayloadRefs`]. The entry's own hashes are those of the whole payload, so nothing
//! of the chain depends on how a payload is laid out.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{NewEvent, TraceEvent};
use crate::kernel::{Error, Result, canonical};

/// The largest payload that a row holds, in bytes of its canonical text.
const INLINE: usize = 64 << 10;
/// The smallest field that is kept apart: a payload of thousands of small ones stays whole.
const LEAST: usize = 8 << 10;
/// Characters of a field that stay in the row.
const PREVIEW: usize = 2_000;

/// A field of a payload that is kept in the storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PayloadRef {
    /// Bytes of its canonical text.
    pub bytes: u64,
    /// SHA-256 of that.
    pub sha256: String,
}

/// The fields of a payload that are kept in the storage, by name.
pub type PayloadRefs = BTreeMap<String, PayloadRef>;

/// The canonical text of a field, which is stored under its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// SHA-256 of the text.
    pub sha256: String,
    /// The text.
    pub text: String,
}

/// A payload as its row has it, and what is stored beside.
#[derive(Debug, PartialEq)]
struct Split {
    shown: Value,
    refs: PayloadRefs,
    contents: Vec<Content>,
}

/// The layout of a payload; `None` when it is kept in its row, whole.
fn split(data: &Value) -> Option<Split> {
    let mut fields: Vec<(&String, String)> = data
        .as_object()?
        .iter()
        .map(|(name, value)| (name, canonical::text(value)))
        .collect();
    let mut size: usize = fields
        .iter()
        .map(|(name, text)| name.len() + text.len())
        .sum();
    if size <= INLINE {
        return None;
    }
    fields.sort_by_key(|(name, text)| (Reverse(text.len()), *name));
    let mut shown = data.clone();
    let (mut refs, mut contents) = (PayloadRefs::new(), Vec::new());
    for (name, text) in fields {
        if size <= INLINE || text.len() < LEAST {
            break;
        }
        size -= text.len();
        let sha256 = canonical::sha256(text.as_bytes());
        if let Some(field) = shown.get_mut(name) {
            *field = preview(field, &text).into();
        }
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let part = PayloadRef {
            bytes,
            sha256: sha256.clone(),
        };
        refs.insert(name.clone(), part);
        contents.push(Content { sha256, text });
    }
    (!refs.is_empty()).then_some(Split {
        shown,
        refs,
        contents,
    })
}

fn preview(field: &Value, text: &str) -> String {
    let text = field.as_str().unwrap_or(text);
    text.chars().take(PREVIEW).collect()
}

/// What stands in the place of a payload that was removed. No payload looks so by itself:
/// it would have to contain its own hash.
pub(in crate::executions) fn removed(data_hash: &str) -> Value {
    json!({ "removed": { "sha256": data_hash } })
}

impl TraceEvent {
    /// Whether its payload was removed.
    pub fn is_removed(&self) -> bool {
        let hash = self.data_hash.as_deref();
        hash.is_some_and(|hash| self.event_data == removed(hash))
    }

    /// Bytes of its payload that are kept in the storage.
    pub fn bytes_apart(&self) -> u64 {
        let refs = self.payload_refs.iter().flatten();
        refs.map(|(_, part)| part.bytes).sum()
    }

    /// Puts a field that was kept apart back into its place.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::kernel::Code::Internal) when `text` is no JSON.
    pub(in crate::executions) fn put_back(&mut self, name: &str, text: &str) -> Result<()> {
        let value = serde_json::from_str(text).map_err(Error::internal)?;
        if let Some(field) = self.event_data.get_mut(name) {
            *field = value;
        }
        if let Some(refs) = &mut self.payload_refs {
            refs.remove(name);
        }
        self.payload_refs.take_if(|refs| refs.is_empty());
        Ok(())
    }
}

/// The contents that were stored for one execution, which its entries may refer to.
#[derive(Debug, Default)]
pub struct Stored(HashSet<String>);

impl Stored {
    /// Notes that a content is in the storage, and will survive a crash.
    pub(in crate::executions) fn note(&mut self, content: &Content) {
        self.0.insert(content.sha256.clone());
    }

    /// What of `events` must be stored before they can be appended.
    pub fn missing(&self, events: &[NewEvent]) -> Vec<Content> {
        let clean = |event: &NewEvent| split(&canonical::without_nul(event.data.clone()));
        let contents = events.iter().filter_map(clean).flat_map(|it| it.contents);
        contents
            .filter(|content| !self.0.contains(&content.sha256))
            .collect()
    }

    /// An entry as its row has it.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::kernel::Code::Internal) when what it would refer to was not
    /// stored.
    pub(in crate::executions) fn lay_out<'a>(
        &self,
        event: &'a TraceEvent,
    ) -> Result<Cow<'a, TraceEvent>> {
        let Some(split) = split(&event.event_data) else {
            return Ok(Cow::Borrowed(event));
        };
        let is_stored = |content: &Content| self.0.contains(&content.sha256);
        if !split.contents.iter().all(is_stored) {
            return Err(Error::internal("a payload was not stored before its entry"));
        }
        Ok(Cow::Owned(TraceEvent {
            event_data: split.shown,
            payload_refs: Some(split.refs),
            ..event.clone()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_a_row_stays_there() {
        assert_eq!(split(&json!({ "text": "x".repeat(INLINE - 10) })), None);
        // Nothing in it is large.
        let many: serde_json::Map<_, _> = (0..20_000)
            .map(|n| (format!("field {n}"), json!("x")))
            .collect();
        assert_eq!(split(&many.into()), None);
        assert_eq!(split(&json!("x".repeat(INLINE * 2))), None);
    }

    #[test]
    fn the_largest_fields_go_until_the_rest_fits() {
        let data = json!({
            "tool": "f",
            "arguments": "é".repeat(20_000),
            "result": { "list": vec!["x".repeat(100); 1_000] },
        });
        let split = split(&data).unwrap();
        assert_eq!(split.refs.keys().collect::<Vec<_>>(), ["result"]);
        assert_eq!(split.shown["tool"], "f");
        assert_eq!(split.shown["arguments"], data["arguments"]);
        let shown = split.shown["result"].as_str().unwrap();
        assert!(shown.starts_with(r#"{"list":["xxx"#) && shown.chars().count() == PREVIEW);
        let text = &split.contents[0].text;
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), data["result"]);
        assert_eq!(split.refs["result"].bytes, text.len() as u64);
    }

    #[test]
    fn the_beginning_of_a_text_is_that_of_its_characters() {
        let split = split(&json!({ "text": "é\n".repeat(40_000) })).unwrap();
        assert_eq!(split.shown["text"], "é\n".repeat(PREVIEW / 2));
    }
}
