//! What changed from one version of a node to the next, and which version a client
//! meant to change.

use serde_json::{Map, Value, json};

use super::{Input, InputsDiff, Node, Output, OutputsDiff, version_diff};
use crate::kernel::{Code, Error, canonical, text::text_enum};

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

/// The names of the fields that are content, in the order in which they are told.
pub(super) fn content_names() -> impl Iterator<Item = &'static str> {
    FIELDS
        .iter()
        .filter(|field| field.content)
        .map(|field| field.name)
}

/// The content of a node by the names of its fields, inputs and outputs aside; `null` for
/// none.
pub(super) fn content(node: &Node) -> Map<String, Value> {
    let fields = FIELDS.iter().filter(|field| field.content);
    fields
        .map(|field| (field.name.to_owned(), (field.read)(node)))
        .collect()
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

    /// Whether `current` is a version the client meant.
    pub fn holds(&self, current: i32) -> bool {
        match self {
            Expected::Any => true,
            Expected::OneOf(tags) => tags.contains(&format!("v{current}")),
        }
    }

    /// The version the client has seen, if its tags name one from before `current`: of
    /// several, the newest.
    pub fn base(&self, current: i32) -> Option<i32> {
        let Expected::OneOf(tags) = self else {
            return None;
        };
        let versions = tags.iter().filter_map(|tag| version_of(tag));
        versions.filter(|v| (1..current).contains(v)).max()
    }

    /// The tags as `details` tell them: the number of a version where one was meant.
    fn told(&self) -> Value {
        match self {
            Expected::Any => json!("*"),
            Expected::OneOf(tags) => match tags.as_slice() {
                [tag] => version_of(tag).map_or_else(|| json!(tag), |version| json!(version)),
                tags => json!(tags),
            },
        }
    }
}

/// The refusal with [`Code::VersionMismatch`] of a change that starts from another
/// version than the present one. `base` is the node at the version the client has seen,
/// where that is known; `yours` is what they wanted to make of it.
///
/// `details` has both versions; with a base also its fields, those that were changed
/// since (`theirs`), those the client wanted to change (`yours`), and the names of those
/// that both changed to different values (`conflicts`).
pub fn mismatch(
    expected: &Expected,
    current: &Node,
    base: Option<&Node>,
    yours: Option<&Node>,
) -> Error {
    let version = current.version;
    let mut details = Map::new();
    details.insert("expectedVersion".into(), expected.told());
    details.insert("currentVersion".into(), json!(version));
    if let Some(base) = base {
        let theirs = theirs(base, current);
        if let Some(yours) = yours {
            let yours = differences(base, yours).after;
            details.insert("conflicts".into(), json!(conflicts(&theirs, &yours)));
            details.insert("yours".into(), yours.into());
        }
        details.insert("base".into(), content(base).into());
        details.insert("theirs".into(), theirs.into());
    }
    let message = format!("The node was changed in the meantime; it is at version {version} now.");
    Error::new(Code::VersionMismatch, message).with_details(details.into())
}

/// The content that was changed from `base` to `current`, as it is now. A position has no
/// versions, so nobody can say whether it was changed.
fn theirs(base: &Node, current: &Node) -> Map<String, Value> {
    let diff = version_diff(base, current);
    let mut theirs = content(current);
    theirs.retain(|name, _| diff.changed.contains(name));
    if diff.inputs != InputsDiff::default() {
        let list = current.inputs.iter().flatten().map(Input::for_event);
        theirs.insert("inputs".into(), list.collect());
    }
    if diff.outputs != OutputsDiff::default() {
        let list = current.outputs.iter().flatten().map(Output::for_event);
        theirs.insert("outputs".into(), list.collect());
    }
    theirs
}

fn conflicts(theirs: &Map<String, Value>, yours: &Map<String, Value>) -> Vec<String> {
    let differs = |name: &&String| {
        let (Some(their), Some(your)) = (theirs.get(*name), yours.get(*name)) else {
            return false;
        };
        canonical::text(their) != canonical::text(your)
    };
    yours.keys().filter(differs).cloned().collect()
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
            assert!(Expected::parse(header).holds(3), "{header}");
        }
        for header in ["\"v4\"", "3", "\"abc\"", "", "\"v1\", \"v2\"", "v03"] {
            assert!(!Expected::parse(header).holds(3), "{header}");
        }
    }

    #[test]
    fn the_base_is_the_newest_version_that_was_seen() {
        for (header, base) in [
            ("\"v2\"", Some(2)),
            ("\"v1\", \"v2\"", Some(2)),
            ("\"v9\"", None),
            ("\"v0\"", None),
            ("abc", None),
            ("*", None),
        ] {
            assert_eq!(Expected::parse(header).base(3), base, "{header}");
        }
    }

    #[test]
    fn a_mismatch_tells_the_base_both_sides_and_where_they_meet() {
        let node = |version, title: &str, status: &str| Node {
            version,
            title: title.into(),
            status: status.into(),
            ..sample()
        };
        let (base, current) = (node(1, "A", "draft"), node(3, "B", "complete"));
        let mut yours = node(1, "C", "complete");
        yours.description = None;
        let expected = Expected::parse("\"v1\"");
        let error = mismatch(&expected, &current, Some(&base), Some(&yours));
        let details = error.details().unwrap();
        assert_eq!(details["expectedVersion"], 1);
        assert_eq!(details["currentVersion"], 3);
        assert_eq!(details["base"]["title"], "A");
        assert_eq!(details["base"]["description"], "Look");
        assert_eq!(
            details["theirs"],
            json!({"title": "B", "status": "complete"})
        );
        let wanted = json!({"title": "C", "description": null, "status": "complete"});
        assert_eq!(details["yours"], wanted);
        assert_eq!(details["conflicts"], json!(["title"]));
        let error = mismatch(&expected, &current, None, Some(&yours));
        let details = json!({"expectedVersion": 1, "currentVersion": 3});
        assert_eq!(error.details(), Some(&details));
    }
}
