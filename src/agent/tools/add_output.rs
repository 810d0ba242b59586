//! `add_output`: a result, kept as a file and as a text, with the passages it rests on.
//!
//! Each passage is looked for where the model says it stands; one that is not there
//! is kept and marked, because what a model claimed is evidence too.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Outcome, Task, material, object};
use crate::{
    access::Action,
    executions::model::{NewEvent, TraceKind},
    files::{self, model::StoredText},
    kernel::{FileId, InputId, Result, canonical, field::Fields},
    nodes::{
        self,
        model::{OutputContent, OutputCreate},
    },
    platform::{
        blobs::{BlobInfo, BlobKey},
        db::Tx,
    },
};

pub const DESCRIPTION: &str = "Add a result to the node, as Markdown text. `sources` are the passages it rests on, word for \
     word, each with its input and its page where it has one.";

/// Characters of one output at most.
const MAX_TEXT: usize = 1_000_000;
/// Passages of one output at most.
const MAX_SOURCES: usize = 100;

#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    label: String,
    text: String,
    #[serde(default)]
    sources: Vec<Source>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    input_id: InputId,
    page: Option<u32>,
    quote: String,
}

/// The arguments, and the bytes in their place.
#[derive(Clone)]
pub struct Ready {
    args: Args,
    key: BlobKey,
    blob: BlobInfo,
}

pub fn parameters() -> Value {
    let source = object(
        json!({
            "inputId": { "type": "string", "description": "An id from list_inputs." },
            "page": { "type": "integer", "minimum": 1 },
            "quote": { "type": "string", "description": "The passage, word for word." },
        }),
        &["inputId", "quote"],
    );
    object(
        json!({
            "label": { "type": "string", "minLength": 1, "maxLength": 200 },
            "text": { "type": "string", "minLength": 1 },
            "sources": { "type": "array", "maxItems": MAX_SOURCES, "items": source },
        }),
        &["label", "text"],
    )
}

/// Puts the bytes where the file will say they are. The name is made of the
/// execution and the entry's number, so a repeated call overwrites the same.
pub async fn prepare(args: Args, cx: &Task<'_>) -> Result<Ready> {
    let mut fields = Fields::default();
    fields.length("label", &args.label, 1, 200);
    fields.length("text", &args.text, 1, MAX_TEXT);
    fields.check(
        args.sources.len() <= MAX_SOURCES,
        "sources",
        "must be at most 100",
    );
    fields.finish()?;
    let lease = cx.lease;
    let key = BlobKey::parse(&format!(
        "{}/executions/{}/{}.md",
        lease.org, lease.execution, cx.sequence
    ))?;
    let bytes = Bytes::from(args.text.clone());
    let blob = cx
        .app
        .blobs
        .put(&key, "text/markdown; charset=utf-8", bytes)
        .await?;
    Ok(Ready { args, key, blob })
}

pub async fn apply(ready: Ready, tx: &mut Tx, cx: &Context<'_>) -> Result<Outcome> {
    let Ready { args, key, blob } = ready;
    let node = cx.lease.node;
    let grant = cx.grant(Action::OutputAdd)?;
    let sources = checked(tx, cx, &args.sources).await?;
    let stored = StoredText {
        id: FileId::new(tx.ids()),
        key,
        bucket: cx.app.blobs.bucket().to_owned(),
        filename: filename(&args.label),
        content_type: "text/markdown; charset=utf-8".to_owned(),
        size: blob.size,
        sha256: blob
            .sha256
            .unwrap_or_else(|| canonical::sha256(args.text.as_bytes())),
        text: args.text.clone(),
    };
    let file = files::ops::file_store_in(tx, &grant, stored).await?;
    let new = OutputCreate {
        content: OutputContent::Text {
            text: args.text,
            file: Some(file.id),
        },
        label: Some(args.label.clone()),
        metadata: Some(json!({ "sources": sources, "model": cx.lease.model })),
    };
    let output = nodes::ops::output_add_in(tx, &grant, node, new).await?;
    let evidence = json!({
        "outputId": output.id, "fileId": file.id, "label": args.label,
        "sha256": file.sha256, "sources": sources,
    });
    let result =
        json!({ "outputId": output.id, "fileId": file.id, "unverified": unverified(&sources) });
    Ok(Outcome::told(result).with_evidence(NewEvent::new(TraceKind::OutputAdded, evidence)))
}

/// The passages with what was found out about each.
async fn checked(tx: &mut Tx, cx: &Context<'_>, sources: &[Source]) -> Result<Vec<Value>> {
    if sources.is_empty() {
        return Ok(Vec::new());
    }
    let node = material::own_node(tx, cx).await?;
    let mut checked = Vec::with_capacity(sources.len());
    for source in sources {
        let input = node
            .inputs
            .iter()
            .flatten()
            .find(|input| input.id == source.input_id);
        let verified = match input {
            None => false,
            Some(input) => match material::Material::of(tx, input).await {
                Ok(material) => material.holds(tx, source.page, &source.quote).await?,
                Err(_) => false,
            },
        };
        checked.push(json!({
            "inputId": source.input_id,
            "fileId": input.and_then(|input| input.file_id),
            "filename": input.and_then(|input| input.file.as_ref()).map(|file| &file.filename),
            "page": source.page,
            "quote": source.quote,
            "verified": verified,
        }));
    }
    Ok(checked)
}

/// What the model is told of passages that were not found, so that it may mend them.
fn unverified(sources: &[Value]) -> usize {
    sources
        .iter()
        .filter(|source| source["verified"] == false)
        .count()
}

/// A file name made of a label: letters, digits and hyphens.
fn filename(label: &str) -> String {
    let plain: String = label
        .chars()
        .take(80)
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let stem = if words.is_empty() {
        "output".to_owned()
    } else {
        words.join("-")
    };
    format!("{stem}.md")
}
