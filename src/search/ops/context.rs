//! What stands around a node, within a number of tokens: itself, what it works from, what came
//! of it, where it hangs, and what elsewhere is like it.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    super::{
        model::{
            Citation, Context, ContextNode, ContextQuery, Filter, LikeVector, Material, Place,
            Related, rank::Found,
        },
        store::{nearest, show},
    },
    find::vector,
};
use crate::{
    access::{self, Action, Grant, Target},
    app::Ctx,
    files::{self, model::ProcessingStatus},
    kernel::{
        Code, NodeId, Result,
        event::Indexed,
        field::{Fields, invalid},
    },
    nodes::{
        self,
        model::{Input, Node, NodeBrief, Output},
    },
    platform::db::Tx,
};

/// Characters of a token, about; English has a little more, code a little less.
const CHARS_PER_TOKEN: usize = 4;
/// Tokens when nothing is said.
const USUAL_TOKENS: u32 = 8_000;
/// Nodes beside it at most.
const SIBLINGS: usize = 50;
/// Passages elsewhere at most.
const RELATED: i64 = 20;
/// How alike they must be, as the cosine.
const LIKE: f64 = 0.15;
/// Characters of a node by which others are like it.
const LIKENESS: usize = 4_000;

/// How many characters may still be said.
struct Room {
    left: usize,
    cut: bool,
}

impl Room {
    /// The beginning of `text`, `most` characters of it and no more than there is room for.
    fn take(&mut self, text: &str, most: usize) -> (String, usize) {
        let most = most.min(self.left);
        let taken: String = text.chars().take(most).collect();
        let length = taken.chars().count();
        self.left -= length;
        self.cut |= taken.len() < text.len();
        (taken, length)
    }
}

/// What stands around a node. What the caller may not read is left out.
pub async fn node_context(ctx: &Ctx, id: NodeId, query: ContextQuery) -> Result<Context> {
    let tokens = query.max_tokens.unwrap_or(USUAL_TOKENS);
    let mut fields = Fields::default();
    let bounded = (100..=200_000).contains(&tokens);
    fields.check(bounded, "maxTokens", "must be 100 to 200000");
    fields.finish()?;
    let all = usize::try_from(tokens).map_err(|_| invalid("maxTokens", "is too large"))?
        * CHARS_PER_TOKEN;
    let read = async |tx: &Tx| nodes::ops::node_read_in(tx, id).await;
    let (_, node) = ctx.read(Action::NodeRead, Target::Node(id), read).await?;
    // Before a transaction is open, which waits for no embedder; without one, nothing is like it.
    let like = match vector(&ctx.app, node.org_id, &likeness(&node)).await {
        Ok(like) => Some(like),
        Err(error) if error.code() == Code::EmbeddingsUnavailable => None,
        Err(error) => return Err(error),
    };
    ctx.tx(
        Action::NodeRead,
        Target::Node(id),
        async move |tx, grant| {
            let node = nodes::ops::node_read_in(tx, id).await?;
            let mut room = Room {
                left: all,
                cut: false,
            };
            let brief = brief(&node, &mut room);
            let inputs = inputs(tx, grant, &node, &mut room).await?;
            let outputs = outputs(&node, &mut room);
            let above = nodes::ops::ancestors_in(tx, id).await?;
            let parent_chain = around(tx, ctx, above).await?;
            let siblings = nodes::ops::siblings_in(tx, &node, SIBLINGS).await?;
            let siblings = around(tx, ctx, siblings).await?;
            let related = match &like {
                Some(like) => related(tx, ctx, &node, like, &mut room).await?,
                None => Vec::new(),
            };
            Ok(Context {
                node: brief,
                inputs,
                outputs,
                parent_chain,
                siblings,
                related,
                tokens: (all - room.left).div_ceil(CHARS_PER_TOKEN),
                truncated: room.cut,
            })
        },
    )
    .await
}

/// By what others are like a node.
fn likeness(node: &Node) -> String {
    let mut text = node.title.clone();
    let inputs = node.inputs.iter().flatten();
    let texts = inputs.filter_map(|input| input.text_content.as_deref());
    for part in node.description.as_deref().into_iter().chain(texts) {
        text.push('\n');
        text.push_str(part);
    }
    text.chars().take(LIKENESS).collect()
}

fn brief(node: &Node, room: &mut Room) -> ContextNode {
    let (title, _) = room.take(&node.title, room.left);
    let most = room.left / 2;
    let description = node.description.as_ref();
    ContextNode {
        id: node.id,
        title,
        description: description.map(|text| room.take(text, most).0),
        status: node.status.clone(),
        author_type: node.author_type,
        version: node.version,
    }
}

/// The inputs, which share two thirds of the room.
async fn inputs(tx: &mut Tx, grant: &Grant, node: &Node, room: &mut Room) -> Result<Vec<Material>> {
    let mut materials = Vec::new();
    let mut to_come = node.inputs.as_ref().map_or(0, Vec::len);
    let mut share = room.left / 3 * 2;
    for input in node.inputs.iter().flatten() {
        let before = room.left;
        materials.push(input_material(tx, grant, node, input, share / to_come.max(1), room).await?);
        share = share.saturating_sub(before - room.left);
        to_come -= 1;
    }
    Ok(materials)
}

async fn input_material(
    tx: &mut Tx,
    grant: &Grant,
    node: &Node,
    input: &Input,
    most: usize,
    room: &mut Room,
) -> Result<Material> {
    let mut material = Material {
        kind: input.input_type.to_string(),
        label: input.label.clone(),
        filename: input.file.as_ref().map(|file| file.filename.clone()),
        ..empty(input.id.uuid())
    };
    if let Some(text) = &input.text_content {
        let (text_content, end) = room.take(text, most);
        material.truncated = text_content.len() < text.len();
        material.text_content = Some(text_content);
        material.citation = Some(of_node(node, end));
    } else if let Some(file) = input.file_id {
        let outline = files::ops::outline_in(tx, file).await?;
        if outline.status == ProcessingStatus::Complete {
            let most = most.min(room.left);
            let text = files::ops::passage_in(tx, file, 0, most).await?;
            let (text, end) = room.take(&text, most);
            let length = usize::try_from(outline.characters).unwrap_or(usize::MAX);
            material.truncated = end < length;
            room.cut |= material.truncated;
            material.extracted_text = Some(text);
            material.citation = Some(Citation {
                file_id: Some(file.uuid()),
                ..nowhere(end)
            });
        }
    } else if let Some(source) = input
        .source_node
        .as_ref()
        .filter(|source| Some(source.project_id) == grant.project)
    {
        let source = match input.source_node_version {
            Some(version) => nodes::ops::node_version_in(tx, source.id, version).await?,
            None => nodes::ops::node_read_in(tx, source.id).await?,
        };
        let text = said(&source);
        let (taken, end) = room.take(&text, most);
        material.truncated = taken.len() < text.len();
        material.text_content = Some(taken);
        material.citation = Some(of_node(&source, end));
    } else {
        material.text_content = input.external_url.clone();
    }
    Ok(material)
}

/// What a node says to those that work from it.
fn said(node: &Node) -> String {
    let outputs = node.outputs.iter().flatten();
    let texts = outputs.filter_map(|output| output.text_content.as_deref());
    let parts = std::iter::once(node.title.as_str()).chain(node.description.as_deref());
    parts.chain(texts).collect::<Vec<_>>().join("\n\n")
}

/// The outputs, which share half of what is left.
fn outputs(node: &Node, room: &mut Room) -> Vec<Material> {
    let mut to_come = node.outputs.as_ref().map_or(0, Vec::len);
    let mut share = room.left / 2;
    let one = |output: &Output| {
        let before = room.left;
        let most = share / to_come.max(1);
        let mut material = Material {
            kind: output.output_type.to_string(),
            label: output.label.clone(),
            filename: output.file.as_ref().map(|file| file.filename.clone()),
            ..empty(output.id.uuid())
        };
        if let Some(text) = &output.text_content {
            let (text_content, end) = room.take(text, most);
            material.truncated = text_content.len() < text.len();
            material.text_content = Some(text_content);
            material.citation = Some(of_node(node, end));
        } else if let Some(data) = &output.structured_data {
            // Half of some data is none.
            let length = data.to_string().chars().count();
            if length <= most {
                room.left -= length;
                material.structured_data = Some(data.clone());
            } else {
                material.truncated = true;
                room.cut = true;
            }
        } else {
            material.text_content = output.external_url.clone();
        }
        share = share.saturating_sub(before - room.left);
        to_come -= 1;
        material
    };
    node.outputs.iter().flatten().map(one).collect()
}

/// Those of `nodes` that the caller may see: a token that was narrowed to a part of the tree
/// sees no more of it here than elsewhere.
async fn around(tx: &mut Tx, ctx: &Ctx, nodes: Vec<NodeBrief>) -> Result<Vec<NodeBrief>> {
    if ctx.caller.require_whole().is_ok() {
        return Ok(nodes);
    }
    let mut seen = Vec::new();
    for node in nodes {
        let target = Target::Node(node.id);
        match access::authorise(tx, &ctx.caller, Action::NodeRead, target).await {
            Ok(_) => seen.push(node),
            Err(error) if matches!(error.code(), Code::Forbidden | Code::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(seen)
}

/// Passages of the same project that are like a node, without its own.
async fn related(
    tx: &mut Tx,
    ctx: &Ctx,
    node: &Node,
    like: &(Vec<f32>, String),
    room: &mut Room,
) -> Result<Vec<Related>> {
    let target = Target::Project(node.project_id);
    match access::authorise(tx, &ctx.caller, Action::Search, target).await {
        Ok(_) => {}
        Err(error) if matches!(error.code(), Code::Forbidden | Code::NotFound) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    }
    let place = Place {
        org: node.org_id,
        projects: Some(vec![node.project_id.uuid()]),
        things: None,
    };
    let like = LikeVector {
        vector: &like.0,
        model: &like.1,
        threshold: LIKE,
    };
    let filter = Filter::default();
    let found = nearest::by_vector(tx, &place, &filter, like, RELATED).await?;
    let found = found.found;
    let inputs = node.inputs.iter().flatten();
    let own: Vec<Uuid> = inputs
        .filter_map(|input| input.file_id.map(|file| file.uuid()))
        .collect();
    let others = |found: &Found| found.owner != node.id.uuid() && !own.contains(&found.owner);
    let found: Vec<Found> = found.into_iter().filter(others).collect();
    passages(tx, found, room).await
}

async fn passages(tx: &mut Tx, found: Vec<Found>, room: &mut Room) -> Result<Vec<Related>> {
    let ids = |kind: Indexed| -> Vec<Uuid> {
        found
            .iter()
            .filter(|found| found.kind == kind)
            .map(|found| found.owner)
            .collect()
    };
    let (nodes, files) = (ids(Indexed::Node), ids(Indexed::File));
    let nodes = show::nodes(tx, &nodes)
        .await?
        .into_iter()
        .map(|row| (row.0, (row.1, Some(row.7))));
    let files = show::files(tx, &files)
        .await?
        .into_iter()
        .map(|row| (row.0, (row.1, None)));
    let titles: HashMap<Uuid, (String, Option<i32>)> = nodes.chain(files).collect();
    let chunks = show::chunks(tx, found.iter().map(|found| found.chunk).collect(), "").await?;
    let chunks: HashMap<Uuid, show::ChunkRow> =
        chunks.into_iter().map(|row| (row.id, row)).collect();
    let mut passages = Vec::new();
    for one in found {
        let (Some(chunk), Some((title, version))) =
            (chunks.get(&one.chunk), titles.get(&one.owner))
        else {
            continue;
        };
        // A quote is whole or it is none.
        let length = chunk.content.chars().count();
        if length > room.left {
            room.cut = true;
            continue;
        }
        room.left -= length;
        let at = |name: &str| chunk.place.get(name).and_then(serde_json::Value::as_u64);
        let number = |name: &str| at(name).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let is_node = one.kind == Indexed::Node;
        passages.push(Related {
            kind: one.kind,
            id: one.owner,
            title: title.clone(),
            score: one.score,
            citation: Citation {
                file_id: (!is_node).then_some(one.owner),
                node_id: is_node.then_some(one.owner),
                version: *version,
                page: at("page").and_then(|page| u32::try_from(page).ok()),
                start: number("start"),
                end: number("end"),
                quote: Some(chunk.content.clone()),
            },
        });
    }
    Ok(passages)
}

fn of_node(node: &Node, end: usize) -> Citation {
    Citation {
        node_id: Some(node.id.uuid()),
        version: Some(node.version),
        ..nowhere(end)
    }
}

fn nowhere(end: usize) -> Citation {
    Citation {
        file_id: None,
        node_id: None,
        version: None,
        page: None,
        start: 0,
        end,
        quote: None,
    }
}

fn empty(id: Uuid) -> Material {
    Material {
        id,
        kind: String::new(),
        label: None,
        text_content: None,
        filename: None,
        extracted_text: None,
        structured_data: None,
        citation: None,
        truncated: false,
    }
}
