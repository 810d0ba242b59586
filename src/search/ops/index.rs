//! Cutting what changed into chunks, which are found by their words from then on; their
//! vectors come after it ([`super::embed`]). What was read meanwhile by somebody else is found
//! out, and the thing is read again.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    super::{
        model::{
            Stage, Task,
            chunk::{self, Chunk, Part},
        },
        store::{
            chunks, embeddings,
            index::{self as store, FileText, NodeText},
        },
    },
    embed, metrics,
};
use crate::{
    files::model::Segment,
    kernel::{Error, FileId, NodeId, Result, Scope, event::Indexed},
    platform::{
        db::{Db, Topic, Tx},
        embed::{Embedder, Embedders},
    },
};

/// How long a task is in one indexer's hands. To embed a book may take longer: it is renewed
/// with each batch.
pub(super) const LEASE: TimeDelta = TimeDelta::minutes(10);
/// The wait before a second try; it doubles with each one.
const BACKOFF: Duration = Duration::from_secs(5);
/// The longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(600);

/// Takes up to `most` things at a stage; organizations in turn.
pub async fn take(db: &Db, stage: Stage, most: i64) -> Result<Vec<Task>> {
    let take = async |tx: &mut Tx| store::take(tx, stage, most, LEASE).await;
    db.tx(Scope::System, take).await
}

/// Does what a stage asks for a thing; what fails is tried again later.
///
/// # Errors
/// What the database or the embedder failed with.
pub async fn index(db: &Db, embedders: &Embedders, stage: Stage, task: &Task) -> Result<()> {
    let worked = match stage {
        Stage::Cut => cut(db, &**embedders.current(), task).await,
        Stage::Embed => embed::embed(db, embedders, task).await,
    };
    if let Err(error) = &worked {
        let due = db.now() + backoff(task.attempts).max(asked_for(error));
        let put_off = async |tx: &mut Tx| store::put_off(tx, task, due).await;
        db.tx(scope(task), put_off).await?;
    }
    worked
}

/// Tasks are worked for nobody in particular, in their organization.
pub(super) fn scope(task: &Task) -> Scope {
    Scope::Org {
        org: task.org,
        user: None,
    }
}

async fn cut(db: &Db, embedder: &dyn Embedder, task: &Task) -> Result<()> {
    let (seen, chunks) = db.tx(scope(task), async |tx| read(tx, task).await).await?;
    let none = chunks.is_empty();
    let dimensions = i32::try_from(embedder.dimensions()).map_err(Error::internal)?;
    db.tx(scope(task), async |tx| {
        // Else somebody has changed it since, and said so: the task falls due again.
        let still = store::is_still(tx, task, seen).await?;
        if still {
            embeddings::note(tx, task.org, embedder.model(), dimensions).await?;
            let new = chunks::replace(tx, task, chunks).await?;
            metrics::cut(tx, new);
        }
        if none || !still {
            return store::done(tx, task).await;
        }
        tx.wake_after_commit(Topic::Vectors);
        store::cut(tx, task).await
    })
    .await
}

/// What a thing says now, and by what to know whether it still does.
async fn read(tx: &mut Tx, task: &Task) -> Result<(Option<i64>, Vec<Chunk>)> {
    Ok(match task.kind {
        Indexed::Node => match store::node(tx, NodeId::from_uuid(task.owner)).await? {
            Some(node) => (Some(i64::from(node.version)), of_node(&node)),
            None => (None, Vec::new()),
        },
        Indexed::File => match store::file(tx, FileId::from_uuid(task.owner)).await? {
            Some(file) => (Some(file.epoch), of_file(&file)?),
            None => (None, Vec::new()),
        },
    })
}

/// A node: its title and description, then each text of its inputs and outputs by itself.
/// Places count the characters of that text.
fn of_node(node: &NodeText) -> Vec<Chunk> {
    let whole = |text: &str, lead: String, mut place: Value| {
        if let Some(place) = place.as_object_mut() {
            place.insert("version".to_owned(), node.version.into());
        }
        let part = Part {
            lead,
            place,
            start: 0,
            end: text.chars().count(),
        };
        chunk::chunks(text, vec![part])
    };
    let lead = |label: &Option<String>| match label {
        Some(label) => format!("{} > {label}", node.title),
        None => node.title.clone(),
    };
    // The title is a text too: a node without a description is found by it.
    let description = node
        .description
        .as_deref()
        .filter(|text| !text.trim().is_empty());
    let said = description.unwrap_or(&node.title);
    let of = if description.is_some() {
        "description"
    } else {
        "title"
    };
    let mut chunks = whole(said, node.title.clone(), json!({ "field": of }));
    for (id, label, text) in &node.inputs {
        let text = text.as_deref().unwrap_or_default();
        chunks.extend(whole(text, lead(label), json!({ "inputId": id })));
    }
    for (id, label, text, data) in &node.outputs {
        let text = match (text, data) {
            (Some(text), _) => text.clone(),
            (None, data) => data.as_ref().map(Value::to_string).unwrap_or_default(),
        };
        chunks.extend(whole(&text, lead(label), json!({ "outputId": id })));
    }
    chunks
}

/// A file by its parts. Places count the characters of its text.
fn of_file(file: &FileText) -> Result<Vec<Chunk>> {
    let name = file.title.as_ref().unwrap_or(&file.filename);
    let parts: Result<Vec<Part>> = file
        .segments
        .iter()
        .map(|part| of_segment(part, name))
        .collect();
    Ok(chunk::chunks(&file.text, parts?))
}

fn of_segment(segment: &Segment, name: &str) -> Result<Part> {
    let mut place = serde_json::to_value(segment).map_err(Error::internal)?;
    if let Some(place) = place.as_object_mut() {
        place.remove("start");
        place.remove("end");
    }
    Ok(Part {
        lead: match &segment.heading {
            Some(heading) => format!("{name} > {heading}"),
            None => name.to_owned(),
        },
        place,
        start: segment.start,
        end: segment.end,
    })
}

/// How long the embedder asked to be left alone.
fn asked_for(error: &Error) -> Duration {
    let details = error.details();
    let seconds = details.and_then(|details| details.get("retryAfterSeconds")?.as_u64());
    Duration::from_secs(seconds.unwrap_or(0))
}

/// The wait after the `attempts`th try.
fn backoff(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    BACKOFF
        .saturating_mul(2_u32.saturating_pow(doublings.min(16)))
        .min(MAX_BACKOFF)
}
