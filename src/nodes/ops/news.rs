//! What every change of a node leaves behind: its version, its entry in the audit log,
//! its event.

use serde_json::{Map, Value, json};

use super::super::{
    model::{Change, Differences, Input, Node, Output, Turns, VersionDiff, is_whole},
    store,
};
use crate::{
    access::{Grant, audit},
    kernel::{
        InputId, NodeId, OutputId, Result, UserId,
        event::{Channel, Event, EventKind, Indexed},
    },
    outbox,
    platform::db::Tx,
    tenants::{
        self,
        model::{Notice, NotificationType, Subject},
    },
};

/// What a change was about.
pub(super) enum News {
    /// Fields of the node itself.
    Fields(Differences),
    /// Its inputs.
    Inputs(Turn<InputId>),
    /// Its outputs.
    Outputs(Turn<OutputId>),
    /// All that it took to make it equal to an earlier version.
    Rollback {
        /// That version.
        to: i32,
        /// Its fields.
        fields: Differences,
        /// The same, and its inputs and outputs.
        diff: Box<VersionDiff>,
    },
}

/// What was added or removed: its id, and the same in brief.
pub(super) enum Turn<Id> {
    /// This is new.
    Added(Id, Value),
    /// This is gone.
    Removed(Id, Value),
}

/// Inputs and outputs together, more than which are neither read nor told of as a whole when
/// one of them changes.
const MANY: usize = 100;

/// What is told of a change beside the node itself.
pub(super) struct Around {
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    /// Whether these are all that there are, and not the changed ones of many.
    all: bool,
    /// The address of who changes it.
    email: Option<String>,
}

impl Around {
    /// Reads it, for a change of `node` by `user`.
    pub(super) async fn of(tx: &Tx, node: NodeId, user: UserId) -> Result<Self> {
        let attached = store::attachment::of(tx, node);
        let (attached, email) = tokio::join!(biased; attached, store::email_of(tx, user));
        let (inputs, outputs) = attached?;
        Ok(Around {
            inputs,
            outputs,
            all: true,
            email: email?,
        })
    }

    /// The same when `news` is of one of many inputs and outputs: that one alone, unless the
    /// next version of `node` is to be whole.
    async fn of_one(tx: &Tx, node: &Node, user: UserId, news: &News) -> Result<Self> {
        let things = store::attachment::count(tx, node.id).await?;
        if things <= MANY || is_whole(node.version + 1, things) {
            return Around::of(tx, node.id, user).await;
        }
        let (inputs, outputs, email) = tokio::try_join!(
            biased;
            store::attachment::input(tx, news.new_input()),
            store::attachment::output(tx, news.new_output()),
            store::email_of(tx, user),
        )?;
        Ok(Around {
            inputs,
            outputs,
            all: false,
            email,
        })
    }

    /// The node with its inputs and outputs.
    pub(super) fn complete(self, mut node: Node) -> Node {
        (node.inputs, node.outputs) = (Some(self.inputs), Some(self.outputs));
        node
    }
}

/// Writes a node to which one thing was added, or from which one was removed, as its next
/// version. Answers with the node as it is now, what was added included.
pub(super) async fn write_turn(
    tx: &mut Tx,
    grant: &Grant,
    node: Node,
    change: Change,
    news: News,
) -> Result<Node> {
    let around = Around::of_one(tx, &node, grant.actor.user, &news).await?;
    write_with(tx, grant, node, around, Some(change), news).await
}

/// Writes a changed node; with a `change` of content, as its next version. Answers with
/// the node as it is now, inputs and outputs included.
pub(super) async fn write(
    tx: &mut Tx,
    grant: &Grant,
    node: Node,
    change: Option<Change>,
    news: News,
) -> Result<Node> {
    let around = Around::of(tx, node.id, grant.actor.user).await?;
    write_with(tx, grant, node, around, change, news).await
}

/// As [`write()`], with what was read since the node's row was locked.
pub(super) async fn write_with(
    tx: &mut Tx,
    grant: &Grant,
    mut node: Node,
    mut around: Around,
    change: Option<Change>,
    news: News,
) -> Result<Node> {
    node.updated_at = tx.now();
    let is_new_version = change.is_some();
    if is_new_version {
        node.version += 1;
    }
    let by = by(grant, around.email.take());
    let all = around.all;
    let things = around.inputs.len() + around.outputs.len();
    let node = around.complete(node);
    store::update_node(tx, &node);
    if let Some(change) = change {
        let turns = news.turns(&node);
        let whole = all && is_whole(node.version, things);
        store::version::insert(tx, &node, whole, turns, &change, grant.actor.user);
    }
    if news.touches("supervisorUserId") {
        assigned(tx, grant, &node).await?;
    }
    let (before, after) = news.for_audit();
    record(tx, grant, &node, before, after).await?;
    let payload = json!({
        "nodeId": node.id,
        "projectId": node.project_id,
        "changes": if all { news.for_event(&node) } else { news.in_brief() },
        "version": node.version,
        "updatedBy": by,
        "updatedAt": node.updated_at,
    });
    emit(tx, &node, EventKind::NodeUpdated, payload).await?;
    if is_new_version {
        outbox::reindex(tx, grant.org, Indexed::Node, node.id.uuid());
    }
    Ok(node)
}

/// Tells of a new node.
pub(super) async fn created(tx: &mut Tx, grant: &Grant, node: &Node) -> Result<()> {
    record(tx, grant, node, None, Some(brief(node))).await?;
    assigned(tx, grant, node).await?;
    let payload = json!({
        "projectId": node.project_id,
        "node": node,
        "createdBy": actor(tx, grant).await?,
    });
    outbox::reindex(tx, grant.org, Indexed::Node, node.id.uuid());
    emit(tx, node, EventKind::NodeCreated, payload).await
}

/// Tells a node's supervisor that they are it, unless they, or an agent on their behalf,
/// made themself that.
async fn assigned(tx: &mut Tx, grant: &Grant, node: &Node) -> Result<()> {
    let others = node
        .supervisor_user_id
        .filter(|user| *user != grant.actor.user);
    let notice = Notice {
        kind: NotificationType::NodeAssigned,
        title: format!("You supervise \u{201c}{}\u{201d}", node.title),
        body: None,
        subject: Subject::Node(node.id),
        node: node.id,
        project: node.project_id,
    };
    tenants::ops::notify_in(tx, grant.org, others.as_slice(), &notice).await
}

/// Tells that nodes were deleted, one event for each.
pub(super) async fn deleted(tx: &mut Tx, grant: &Grant, nodes: &[Node]) -> Result<()> {
    let by = actor(tx, grant).await?;
    for node in nodes {
        record(tx, grant, node, Some(brief(node)), None).await?;
        let payload = json!({ "nodeId": node.id, "projectId": node.project_id, "deletedBy": by });
        outbox::reindex(tx, grant.org, Indexed::Node, node.id.uuid());
        emit(tx, node, EventKind::NodeDeleted, payload).await?;
    }
    Ok(())
}

impl News {
    fn touches(&self, field: &str) -> bool {
        match self {
            News::Fields(found) | News::Rollback { fields: found, .. } => found.touches(field),
            News::Inputs(_) | News::Outputs(_) => false,
        }
    }

    fn for_audit(&self) -> (Option<Value>, Option<Value>) {
        match self {
            News::Fields(found) => (
                Some(found.before.clone().into()),
                Some(found.after.clone().into()),
            ),
            News::Inputs(turn) => turn.for_audit("input"),
            News::Outputs(turn) => turn.for_audit("output"),
            News::Rollback { to, fields, diff } => {
                let (mut before, mut after) = (fields.before.clone(), fields.after.clone());
                let (inputs, outputs) = (&diff.inputs, &diff.outputs);
                note(
                    &mut before,
                    "inputs",
                    inputs.removed.iter().map(Input::brief),
                );
                note(
                    &mut before,
                    "outputs",
                    outputs.removed.iter().map(Output::brief),
                );
                note(&mut after, "inputs", inputs.added.iter().map(Input::brief));
                note(
                    &mut after,
                    "outputs",
                    outputs.added.iter().map(Output::brief),
                );
                after.insert("rolledBackTo".into(), json!(to));
                (Some(before.into()), Some(after.into()))
            }
        }
    }

    /// Of a change of one thing among many: which list it was, for whoever wants to read it.
    fn in_brief(&self) -> Map<String, Value> {
        let mut changes = Map::new();
        if matches!(self, News::Inputs(_)) {
            changes.insert("inputsOmitted".to_owned(), Value::Bool(true));
        }
        if matches!(self, News::Outputs(_)) {
            changes.insert("outputsOmitted".to_owned(), Value::Bool(true));
        }
        changes
    }

    /// The input that is new, if one is.
    fn new_input(&self) -> Option<InputId> {
        match self {
            News::Inputs(Turn::Added(id, _)) => Some(*id),
            _ => None,
        }
    }

    /// The output that is new, if one is.
    fn new_output(&self) -> Option<OutputId> {
        match self {
            News::Outputs(Turn::Added(id, _)) => Some(*id),
            _ => None,
        }
    }

    /// What was added and removed; `node` has it as it is now.
    fn turns(&self, node: &Node) -> Turns {
        let mut turns = Turns::default();
        match self {
            News::Fields(_) => {}
            News::Inputs(Turn::Added(id, _)) => {
                turns.inputs_added = inputs_of(node, |input| input == *id);
            }
            News::Inputs(Turn::Removed(id, _)) => turns.inputs_removed.push(*id),
            News::Outputs(Turn::Added(id, _)) => {
                turns.outputs_added = outputs_of(node, |output| output == *id);
            }
            News::Outputs(Turn::Removed(id, _)) => turns.outputs_removed.push(*id),
            News::Rollback { diff, .. } => {
                let (inputs, outputs) = (&diff.inputs, &diff.outputs);
                turns.inputs_removed = inputs.removed.iter().map(|input| input.id).collect();
                turns.outputs_removed = outputs.removed.iter().map(|output| output.id).collect();
                turns.inputs_added = inputs_of(node, |id| {
                    let changed = inputs.changed.iter().any(|change| change.id == id);
                    changed || inputs.added.iter().any(|input| input.id == id)
                });
                turns.outputs_added = outputs_of(node, |id| {
                    let changed = outputs.changed.iter().any(|change| change.id == id);
                    changed || outputs.added.iter().any(|output| output.id == id)
                });
            }
        }
        turns
    }

    /// What changed, such that whoever keeps a copy of the node can put it over theirs:
    /// a changed list is there as a whole.
    fn for_event(&self, node: &Node) -> Map<String, Value> {
        // An event reaches everybody who sees the project, also who sees no other.
        let node = node.clone().seen_from_its_project();
        let inputs = || node.inputs.iter().flatten().map(Input::for_event).collect();
        let outputs = || {
            node.outputs
                .iter()
                .flatten()
                .map(Output::for_event)
                .collect()
        };
        match self {
            News::Fields(found) => found.after.clone(),
            News::Inputs(_) => Map::from_iter([("inputs".to_owned(), inputs())]),
            News::Outputs(_) => Map::from_iter([("outputs".to_owned(), outputs())]),
            News::Rollback { fields, diff, .. } => {
                let mut changes = fields.after.clone();
                if diff.touches("inputs") {
                    changes.insert("inputs".into(), inputs());
                }
                if diff.touches("outputs") {
                    changes.insert("outputs".into(), outputs());
                }
                changes
            }
        }
    }
}

impl<Id> Turn<Id> {
    fn for_audit(&self, name: &str) -> (Option<Value>, Option<Value>) {
        match self {
            Turn::Added(_, what) => (None, Some(json!({ name: what }))),
            Turn::Removed(_, what) => (Some(json!({ name: what })), None),
        }
    }
}

fn inputs_of(node: &Node, wanted: impl Fn(InputId) -> bool) -> Vec<Input> {
    let inputs = node.inputs.iter().flatten();
    inputs.filter(|input| wanted(input.id)).cloned().collect()
}

fn outputs_of(node: &Node, wanted: impl Fn(OutputId) -> bool) -> Vec<Output> {
    let outputs = node.outputs.iter().flatten();
    outputs
        .filter(|output| wanted(output.id))
        .cloned()
        .collect()
}

/// Notes a list, unless it is empty.
fn note(map: &mut Map<String, Value>, name: &str, items: impl Iterator<Item = Value>) {
    let items: Vec<Value> = items.collect();
    if !items.is_empty() {
        map.insert(name.to_owned(), items.into());
    }
}

fn brief(node: &Node) -> Value {
    json!({
        "title": node.title,
        "status": node.status,
        "parentId": node.parent_id,
        "authorType": node.author_type,
        "version": node.version,
    })
}

async fn actor(tx: &mut Tx, grant: &Grant) -> Result<Value> {
    Ok(by(grant, store::email_of(tx, grant.actor.user).await?))
}

fn by(grant: &Grant, email: Option<String>) -> Value {
    json!({ "id": grant.actor.user, "email": email })
}

async fn record(
    tx: &mut Tx,
    grant: &Grant,
    node: &Node,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    let entry = audit::Entry {
        resource: "node",
        id: node.id.uuid(),
        before,
        after,
    };
    audit::record(tx, grant, entry).await
}

async fn emit(tx: &mut Tx, node: &Node, kind: EventKind, payload: Value) -> Result<()> {
    let event = Event {
        kind,
        org: node.org_id,
        channels: vec![Channel::Project(node.project_id), Channel::Node(node.id)],
        payload,
    };
    outbox::emit(tx, &event).await
}
