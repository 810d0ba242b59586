//! `search`: passages of the inputs, of the nodes that they refer to and of the node's own
//! subtree, by words and by meaning. What was found is the call's result, and so evidence.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Context, Outcome, Task, material, object};
use crate::{
    kernel::{Result, event::Indexed},
    nodes,
    platform::db::Tx,
    search::{
        model::{Place, SearchQuery},
        ops::{Searching, search_in},
    },
};

pub const DESCRIPTION: &str = "Search the inputs and this node's subtree for passages about something, by words and by \
     meaning. Answers passages with where they stand, best first; `read_input` has what is around them.";

/// Nodes and files that are told of at most.
const HITS: i64 = 10;

#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    query: String,
}

/// What was asked outside the database is there already.
pub type Ready = Arc<Searching>;

pub fn parameters() -> Value {
    object(
        json!({ "query": { "type": "string", "minLength": 1, "maxLength": 1000, "description": "What to look for." } }),
        &["query"],
    )
}

pub async fn prepare(args: Args, cx: &Task<'_>) -> Result<Ready> {
    let query = SearchQuery::about(args.query, HITS);
    Searching::begin(cx.app, cx.lease.org, query.check()?)
        .await
        .map(Arc::new)
}

pub async fn apply(searching: Ready, tx: &mut Tx, cx: &Context<'_>) -> Result<Outcome> {
    let node = material::own_node(tx, cx).await?;
    let mut things: Vec<Uuid> = Vec::new();
    for input in node.inputs.iter().flatten() {
        things.extend(input.file_id.map(|file| file.uuid()));
        // One that is pinned to a version says there what it said then, and not what it says now.
        let source = input
            .source_node_id
            .filter(|_| input.source_node_version.is_none());
        things.extend(source.map(|node| node.uuid()));
    }
    let below = nodes::ops::subtree_in(tx, node.id).await?;
    things.extend(below.into_iter().map(|node| node.uuid()));
    let place = Place {
        org: cx.lease.org,
        projects: None,
        things: Some(things),
    };
    let answer = search_in(tx, &place, &searching).await?;
    let mut passages = Vec::new();
    for hit in &answer.data {
        let file = (hit.kind == Indexed::File).then_some(hit.id);
        let mut inputs = node.inputs.iter().flatten();
        let of_hit = |input: &&nodes::model::Input| {
            file.is_some() && input.file_id.map(|file| file.uuid()) == file
                || file.is_none() && input.source_node_id.map(|node| node.uuid()) == Some(hit.id)
        };
        let input = inputs.find(of_hit).map(|input| input.id);
        passages.extend(hit.passages.iter().map(|passage| {
            json!({
                "type": hit.kind, "id": hit.id, "title": hit.title, "inputId": input,
                "place": passage.place, "text": passage.text,
            })
        }));
    }
    Ok(Outcome::told(json!({ "passages": passages })))
}
