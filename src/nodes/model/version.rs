//! Versions of a node, and what differs between two of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    ChangeType, Input, Node, Output,
    change::{content, content_names},
};
use crate::kernel::{
    InputId, NodeId, NodeVersionId, OutputId, Result, UserId, canonical,
    page::{PageKey, odd_cursor},
};

/// The node as it was at one version, and how it came to be so.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeVersion {
    /// Its id.
    pub id: NodeVersionId,
    /// The node.
    pub node_id: NodeId,
    /// Counts from 1, without gaps.
    pub version: i32,
    /// The node as it was, inputs and outputs included, without its lock.
    pub snapshot: Node,
    /// What made this version.
    pub change_type: ChangeType,
    /// The same for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub change_summary: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub changed_by: Option<UserId>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Where a page of versions ended. Not a time: who waits for a node's row has begun
/// before whoever makes the version before, so times need not grow with versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionKey(pub i32);

impl PageKey for VersionKey {
    fn encode(&self) -> String {
        format!("v{}", self.0)
    }

    fn decode(text: &str) -> Result<Self> {
        let number = text.strip_prefix('v').and_then(|text| text.parse().ok());
        number.map(VersionKey).ok_or_else(odd_cursor)
    }
}

/// One value before and after.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ValueChange {
    /// As it was; left out when it was not there, `null` when it was cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub before: Option<Value>,
    /// As it became; left out when it is not there any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub after: Option<Value>,
}

/// An input before and after.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct InputChange {
    /// The input in both.
    pub id: InputId,
    /// As it was.
    pub before: Input,
    /// As it became.
    pub after: Input,
}

/// An output before and after.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct OutputChange {
    /// The output in both.
    pub id: OutputId,
    /// As it was.
    pub before: Output,
    /// As it became.
    pub after: Output,
}

/// What differs between two lists of inputs, by id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct InputsDiff {
    /// Only in the later list.
    pub added: Vec<Input>,
    /// Only in the earlier list.
    pub removed: Vec<Input>,
    /// In both, and different.
    pub changed: Vec<InputChange>,
}

/// What differs between two lists of outputs, by id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct OutputsDiff {
    /// Only in the later list.
    pub added: Vec<Output>,
    /// Only in the earlier list.
    pub removed: Vec<Output>,
    /// In both, and different.
    pub changed: Vec<OutputChange>,
}

/// What differs between two versions of a node. What is the same is left out of `fields`
/// and `metadata`; the lists of inputs and outputs are empty then.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionDiff {
    /// The node.
    pub node_id: NodeId,
    /// The version to begin from.
    pub from: i32,
    /// The version to arrive at; it may be the older one.
    pub to: i32,
    /// The names of all that differs, in a fixed order.
    #[schema(example = json!(["title", "metadata", "inputs"]))]
    pub changed: Vec<String>,
    /// `title`, `description`, `status`, `parentId` and `supervisorUserId`, as far as they
    /// differ; `null` stands for none.
    pub fields: BTreeMap<String, ValueChange>,
    /// The keys of the metadata that differ.
    pub metadata: BTreeMap<String, ValueChange>,
    /// The inputs.
    pub inputs: InputsDiff,
    /// The outputs.
    pub outputs: OutputsDiff,
}

impl VersionDiff {
    /// Whether `field` differs, by its name on the wire.
    pub fn touches(&self, field: &str) -> bool {
        self.changed.iter().any(|name| name == field)
    }
}

/// Compares the content of two versions of one node. JSON is compared by its meaning;
/// what an input or output points at is compared by its id, not by what that was called.
pub fn version_diff(before: &Node, after: &Node) -> VersionDiff {
    let (was, is) = (content(before), content(after));
    let fields: BTreeMap<String, ValueChange> = map_diff(&was, &is)
        .into_iter()
        .filter(|(name, _)| name != METADATA)
        .collect();
    let metadata = map_diff(object(&before.metadata), object(&after.metadata));
    let inputs = inputs_diff(before, after);
    let outputs = outputs_diff(before, after);
    let mut changed: Vec<String> = content_names()
        .filter(|name| fields.contains_key(*name))
        .map(str::to_owned)
        .collect();
    for (name, differs) in [
        (METADATA, !metadata.is_empty()),
        ("inputs", inputs != InputsDiff::default()),
        ("outputs", outputs != OutputsDiff::default()),
    ] {
        if differs {
            changed.push(name.to_owned());
        }
    }
    VersionDiff {
        node_id: after.id,
        from: before.version,
        to: after.version,
        changed,
        fields,
        metadata,
        inputs,
        outputs,
    }
}

const METADATA: &str = "metadata";

fn object(value: &Value) -> &Map<String, Value> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&EMPTY)
}

/// The keys whose values differ, each with what it has on either side.
fn map_diff(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> BTreeMap<String, ValueChange> {
    let mut found = BTreeMap::new();
    for key in before.keys().chain(after.keys()) {
        let (was, is) = (before.get(key), after.get(key));
        if was.map(canonical::text) != is.map(canonical::text) {
            let change = ValueChange {
                before: was.cloned(),
                after: is.cloned(),
            };
            found.insert(key.clone(), change);
        }
    }
    found
}

fn inputs_diff(before: &Node, after: &Node) -> InputsDiff {
    let (was, is) = (list(&before.inputs), list(&after.inputs));
    let (added, removed, pairs) = by_id(was, is, |input| input.id);
    let changed = pairs
        .into_iter()
        .filter(|(was, is)| own_fields(was) != own_fields(is))
        .map(|(was, is)| InputChange {
            id: is.id,
            before: was.clone(),
            after: is.clone(),
        });
    InputsDiff {
        changed: changed.collect(),
        added,
        removed,
    }
}

fn outputs_diff(before: &Node, after: &Node) -> OutputsDiff {
    let (was, is) = (list(&before.outputs), list(&after.outputs));
    let (added, removed, pairs) = by_id(was, is, |output| output.id);
    let changed = pairs
        .into_iter()
        .filter(|(was, is)| own_fields(was) != own_fields(is))
        .map(|(was, is)| OutputChange {
            id: is.id,
            before: was.clone(),
            after: is.clone(),
        });
    OutputsDiff {
        changed: changed.collect(),
        added,
        removed,
    }
}

fn list<T>(items: &Option<Vec<T>>) -> &[T] {
    items.as_deref().unwrap_or_default()
}

/// What is only in `after`, what is only in `before`, and the pairs that are in both.
fn by_id<'a, T: Clone, K: PartialEq>(
    before: &'a [T],
    after: &'a [T],
    id: impl Fn(&T) -> K,
) -> (Vec<T>, Vec<T>, Vec<(&'a T, &'a T)>) {
    let find = |items: &'a [T], item: &T| items.iter().find(|other| id(other) == id(item));
    let only = |items: &[T], others: &'a [T]| {
        let mut rest = items.to_vec();
        rest.retain(|item| find(others, item).is_none());
        rest
    };
    let pairs = after
        .iter()
        .filter_map(|is| find(before, is).map(|was| (was, is)));
    (only(after, before), only(before, after), pairs.collect())
}

/// An input or output without what is looked up elsewhere when it is read.
fn own_fields<T: Serialize>(item: &T) -> String {
    let mut value = json!(item);
    if let Some(map) = value.as_object_mut() {
        map.remove("file");
        map.remove("sourceNode");
    }
    canonical::text(&value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::{super::node::tests::sample, *};
    use crate::{
        kernel::InputId,
        nodes::model::{FileBrief, InputType},
    };

    fn input(id: u8, text: &str) -> Input {
        Input {
            id: InputId::from_uuid(Uuid::from_u128(id.into())),
            node_id: sample().id,
            input_type: InputType::Text,
            file_id: None,
            file: None,
            source_node_id: None,
            source_node_version: None,
            source_node: None,
            external_url: None,
            text_content: Some(text.to_owned()),
            label: None,
            metadata: json!({}),
            sort_order: 0,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3i64..3).prop_map(Value::from),
            "[ab]{0,2}".prop_map(Value::from),
        ]
    }

    prop_compose! {
        fn node()(title in "[ab]{1,2}",
                  description in proptest::option::of("[ab]{0,2}"),
                  metadata in proptest::collection::btree_map("[abc]", scalar(), 0..4),
                  inputs in proptest::collection::btree_map(0u8..5, "[ab]", 0..4)) -> Node {
            let inputs = inputs.iter().map(|(id, text)| input(*id, text)).collect();
            Node {
                title,
                description,
                metadata: json!(metadata),
                inputs: Some(inputs),
                outputs: Some(Vec::new()),
                ..sample()
            }
        }
    }

    /// `node` with what the difference says of it made so.
    fn apply(diff: &VersionDiff, mut node: Node) -> Node {
        let after = |name: &str| diff.fields.get(name).map(|change| change.after.clone());
        if let Some(Some(title)) = after("title") {
            node.title = title.as_str().unwrap().to_owned();
        }
        if let Some(text) = after("description") {
            node.description = text.unwrap().as_str().map(str::to_owned);
        }
        let map = node.metadata.as_object_mut().unwrap();
        for (key, change) in &diff.metadata {
            match &change.after {
                Some(value) => map.insert(key.clone(), value.clone()),
                None => map.remove(key),
            };
        }
        let inputs = node.inputs.as_mut().unwrap();
        inputs.retain(|input| !diff.inputs.removed.contains(input));
        for change in &diff.inputs.changed {
            let old = inputs.iter_mut().find(|input| input.id == change.id);
            *old.unwrap() = change.after.clone();
        }
        inputs.extend(diff.inputs.added.clone());
        inputs.sort_by_key(|input| input.id.uuid());
        node
    }

    proptest! {
        #[test]
        fn what_differs_leads_from_one_version_to_the_other(a in node(), b in node()) {
            prop_assert_eq!(apply(&version_diff(&a, &b), a.clone()), b);
        }

        #[test]
        fn the_other_direction_is_the_mirror_image(a in node(), b in node()) {
            let (there, back) = (version_diff(&a, &b), version_diff(&b, &a));
            prop_assert_eq!(&there.changed, &back.changed);
            prop_assert_eq!(&there.inputs.added, &back.inputs.removed);
            for (key, change) in &there.metadata {
                prop_assert_eq!(&change.before, &back.metadata[key].after);
            }
        }

        #[test]
        fn a_version_does_not_differ_from_itself(a in node()) {
            prop_assert!(version_diff(&a, &a).changed.is_empty());
        }
    }

    #[test]
    fn a_key_that_is_gone_is_told_from_one_that_is_null() {
        let with = |metadata: Value| Node {
            metadata,
            ..sample()
        };
        let diff = version_diff(&with(json!({"a": 1, "b": 1})), &with(json!({"a": null})));
        assert_eq!(
            json!(diff.metadata),
            json!({"a": {"before": 1, "after": null}, "b": {"before": 1}})
        );
        assert_eq!(diff.changed, ["metadata"]);
    }

    #[test]
    fn a_file_that_was_processed_in_between_is_no_difference() {
        let mut later = input(1, "a");
        later.file = Some(FileBrief {
            id: crate::kernel::FileId::from_uuid(Uuid::from_u128(9)),
            filename: "a".into(),
            content_type: "text/plain".into(),
            size_bytes: None,
            processing_status: "complete".into(),
        });
        let with = |input| Node {
            inputs: Some(vec![input]),
            ..sample()
        };
        assert!(
            version_diff(&with(input(1, "a")), &with(later))
                .changed
                .is_empty()
        );
    }
}
