//! What changed from one version of a node to the next, and which version a client
//! meant to change.

use serde_json::{Map, Value, json};

use super::Node;
use crate::kernel::{Code, Error, Result, canonical, text::text_enum};

text_enum! {
    /// What made a version.
    pub enum ChangeType {
        Created = "created",
        Updated = "updated",
        StatusChange = "status_change",
        InputsChanged = "inputs_changed",
        OutputsChanged = "outputs_changed",
        Rollback = "rollback",
    }
}

/// A change of content, as its version tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What made the version.
    pub kind: ChangeType,
    /// The same for a person.
    pub summary: String,
}

/// A field of a node that a client may change.
struct Field {
    name: &'static str,
    /// Whether it is part of the content, which versions keep.
    content: bool,
    read: fn(&Node) -> Value,
}

const fn field(name: &'static str, read: fn(&Node) -> Value) -> Field {
    Field {
        name,
        content: true,
        read,
    }
}

const FIELDS: &[Field] = &[
    field("title", |n| json!(n.title)),
    field("description", |n| json!(n.description)),
    field("status", |n| json!(n.status)),
    field("parentId", |n| json!(n.parent_id)),
    field("supervisorUserId", |n| json!(n.supervisor_user_id)),
    field("metadata", |n| n.metadata.clone()),
    Field {
        name: "position",
        content: false,
        read: |n| json!(n.position),
    },
];

/// What differs between two states of a node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences {
    /// The fields that differ as they were; `null` for none.
    pub before: Map<String, Value>,
    /// The same fields as they are; `null` for none.
    pub after: Map<String, Value>,
    content: Vec<&'static str>,
}

/// Compares every field that a client may change. JSON is compared by its meaning: `1.0`
/// and `1` are the same, as is an object in another order.
pub fn differences(before: &Node, after: &Node) -> Differences {
    let mut found = Differences::default();
    for field in FIELDS {
        let (was, is) = ((field.read)(before), (field.read)(after));
        if canonical::text(&was) == canonical::text(&is) {
            continue;
        }
        found.before.insert(field.name.to_owned(), was);
        found.after.insert(field.name.to_owned(), is);
        if field.content {
            found.content.push(field.name);
        }
    }
    found
}

impl Differences {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.after.is_empty()
    }

    /// Whether `field` differs, by its name on the wire.
    pub fn touches(&self, field: &str) -> bool {
        self.after.contains_key(field)
    }

    /// The change of content, if there is one: a position is none.
    pub fn change(&self) -> Option<Change> {
        let text = |map: &Map<String, Value>| {
            let status = map.get("status").and_then(Value::as_str);
            status.unwrap_or_default().to_owned()
        };
        match self.content.as_slice() {
            [] => None,
            ["status"] => Some(Change {
                kind: ChangeType::StatusChange,
                summary: format!(
                    "status: {} \u{2192} {}",
                    text(&self.before),
                    text(&self.after)
                ),
            }),
            fields => Some(Change {
                kind: ChangeType::Updated,
                summary: format!("changed {}", fields.join(", ")),
            }),
        }
    }
}

/// Which version a client means to change, from `If-Match`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    /// Whichever there is: no header, or `*`.
    #[default]
    Any,
    /// One of these tags. Those that are not of ours match nothing.
    OneOf(Vec<String>),
}

impl Expected {
    /// Reads the header: `*`, or tags as `"v3"`, also weak or without quotes.
    pub fn parse(header: &str) -> Self {
        if header.trim() == "*" {
            return Expected::Any;
        }
        let tags = header.split(',').map(|tag| {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag.trim_matches('"').to_owned()
        });
        Expected::OneOf(tags.collect())
    }

    /// Fails with [`Code::VersionMismatch`] unless `current` is a version the client
    /// meant; `details` carries both.
    pub fn check(&self, current: i32) -> Result<()> {
        let Expected::OneOf(tags) = self else {
            return Ok(());
        };
        let own = format!("v{current}");
        if tags.contains(&own) {
            return Ok(());
        }
        let expected = match tags.as_slice() {
            [tag] => version_of(tag).map_or_else(|| json!(tag), |version| json!(version)),
            tags => json!(tags),
        };
        Err(Error::new(
            Code::VersionMismatch,
            format!("The node was changed in the meantime; it is at version {current} now."),
        )
        .with_details(json!({ "expected": expected, "current": current })))
    }
}

fn version_of(tag: &str) -> Option<i32> {
    tag.strip_prefix('v')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{super::node::tests::sample, *};
    use crate::nodes::model::Position;

    #[test]
    fn a_position_alone_is_a_difference_but_no_change_of_content() {
        let mut after = sample();
        after.position = Some(Position { x: 1.0, y: 2.0 });
        let found = differences(&sample(), &after);
        assert!(!found.is_empty());
        assert_eq!(found.change(), None);
        assert_eq!(found.after["position"], json!({"x": 1.0, "y": 2.0}));
    }

    #[test]
    fn a_status_alone_is_a_status_change_and_with_more_an_update() {
        let mut after = sample();
        after.status = "complete".into();
        let change = differences(&sample(), &after).change().unwrap();
        assert_eq!(change.kind, ChangeType::StatusChange);
        assert_eq!(change.summary, "status: draft \u{2192} complete");
        after.description = None;
        let found = differences(&sample(), &after);
        assert_eq!(found.change().unwrap().kind, ChangeType::Updated);
        assert_eq!(found.after["description"], Value::Null);
        assert_eq!(found.before["description"], json!("Look"));
    }

    #[test]
    fn another_spelling_of_the_same_json_changes_nothing() {
        let (mut before, mut after) = (sample(), sample());
        before.metadata = json!({"a": 1, "b": 1000});
        after.metadata = serde_json::from_str(r#"{"b":1e3,"a":1.0}"#).unwrap();
        assert!(differences(&before, &after).is_empty());
    }

    #[test]
    fn if_match_is_read_in_every_usual_spelling() {
        for header in [
            "\"v3\"",
            "W/\"v3\"",
            "v3",
            " \"v3\" ",
            "*",
            "\"v1\", \"v3\"",
        ] {
            assert!(Expected::parse(header).check(3).is_ok(), "{header}");
        }
        for header in ["\"v4\"", "3", "\"abc\"", "", "\"v1\", \"v2\"", "v03"] {
            let error = Expected::parse(header).check(3).unwrap_err();
            assert_eq!(error.code(), Code::VersionMismatch, "{header}");
        }
        let error = Expected::parse("\"v4\"").check(3).unwrap_err();
        assert_eq!(error.details(), Some(&json!({"expected": 4, "current": 3})));
    }
}
