//! Whether what an output quotes still stands where it says.

use serde::Deserialize;

use super::super::model::{CheckedCitation, CitationList};
use crate::{
    access::{self, Action, Target},
    app::Ctx,
    files::{self, model::ProcessingStatus},
    kernel::{Code, Error, FileId, InputId, NodeId, OutputId, Result},
    nodes::{self, model::Node},
    platform::db::Tx,
};

/// Citations of an output that are looked at, at most.
const MOST: usize = 100;

/// A citation as clients and agents write it into the metadata of an output: `citations`, or
/// `sources`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    file_id: Option<FileId>,
    node_id: Option<NodeId>,
    input_id: Option<InputId>,
    version: Option<i32>,
    page: Option<u32>,
    start: Option<usize>,
    end: Option<usize>,
    quote: String,
}

/// The citations of an output, each with whether its quote still stands there.
pub async fn output_citations(ctx: &Ctx, id: OutputId) -> Result<CitationList> {
    ctx.tx(Action::NodeRead, Target::Output(id), async |tx, grant| {
        let node = nodes::ops::node_read_in(tx, grant.node()?).await?;
        let mut outputs = node.outputs.iter().flatten();
        let output = outputs.find(|output| output.id == id);
        let output = output.ok_or_else(|| Error::not_found("output"))?;
        let written = ["citations", "sources"].into_iter();
        let lists = written.filter_map(|name| output.metadata.get(name)?.as_array());
        let mut data = Vec::new();
        for citation in lists.flatten().take(MOST) {
            let found = match Written::deserialize(citation) {
                Ok(written) => check(tx, ctx, &node, &written).await?,
                Err(error) => Err(format!("It can't be understood: {error}.")),
            };
            data.push(CheckedCitation {
                citation: citation.clone(),
                stands: found.is_ok(),
                reason: found.err(),
            });
        }
        Ok(CitationList { data })
    })
    .await
}

/// `Err` is why it does not stand.
type Found = std::result::Result<(), String>;

async fn check(tx: &mut Tx, ctx: &Ctx, node: &Node, written: &Written) -> Result<Found> {
    let input = written
        .input_id
        .and_then(|id| node.inputs.iter().flatten().find(|input| input.id == id));
    let file = written
        .file_id
        .or_else(|| input.and_then(|input| input.file_id));
    if let Some(file) = file {
        return match may(tx, ctx, Action::FileRead, Target::File(file)).await? {
            true => in_file(tx, file, written).await,
            false => Ok(Err(GONE.to_owned())),
        };
    }
    let source = written
        .node_id
        .or_else(|| input.and_then(|input| input.source_node_id));
    if let Some(source) = source {
        if !may(tx, ctx, Action::NodeRead, Target::Node(source)).await? {
            return Ok(Err(GONE.to_owned()));
        }
        let pinned = input.and_then(|input| input.source_node_version);
        return in_node(tx, source, written.version.or(pinned), written).await;
    }
    Ok(
        match input.and_then(|input| input.text_content.as_deref()) {
            Some(text) => stands(text, written),
            None => Err(GONE.to_owned()),
        },
    )
}

/// The same whether it was deleted or is another's: which of the two is not told.
const GONE: &str = "Its source is gone, or is not yours to read.";

async fn may(tx: &mut Tx, ctx: &Ctx, action: Action, target: Target) -> Result<bool> {
    match access::authorise(tx, &ctx.caller, action, target).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.code(), Code::Forbidden | Code::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn in_file(tx: &mut Tx, file: FileId, written: &Written) -> Result<Found> {
    let outline = files::ops::outline_in(tx, file).await?;
    if outline.status != ProcessingStatus::Complete {
        return Ok(Err("The file has no text now.".to_owned()));
    }
    let whole = (0, usize::try_from(outline.characters).unwrap_or(usize::MAX));
    let (first, last) = match (written.start, written.end, written.page) {
        (Some(start), Some(end), _) => (start, end),
        (_, _, Some(page)) => match files::model::range_of_page(&outline.segments, page) {
            Some(range) => range,
            None => return Ok(Err(format!("The file has no text on page {page}."))),
        },
        _ => whole,
    };
    let text = files::ops::passage_in(tx, file, first, last.max(first)).await?;
    Ok(compare(&text, &written.quote))
}

async fn in_node(
    tx: &mut Tx,
    id: NodeId,
    version: Option<i32>,
    written: &Written,
) -> Result<Found> {
    let read = match version {
        Some(version) => nodes::ops::node_version_in(tx, id, version).await,
        None => nodes::ops::node_read_in(tx, id).await,
    };
    let node = match read {
        Ok(node) => node,
        Err(error) if error.code() == Code::NotFound => {
            return Ok(Err("The node has no such version.".to_owned()));
        }
        Err(error) => return Err(error),
    };
    let inputs = node
        .inputs
        .iter()
        .flatten()
        .filter_map(|input| input.text_content.as_deref());
    let outputs = node
        .outputs
        .iter()
        .flatten()
        .filter_map(|output| output.text_content.as_deref());
    let own = std::iter::once(node.title.as_str()).chain(node.description.as_deref());
    let mut texts = own.chain(inputs).chain(outputs);
    Ok(match texts.any(|text| stands(text, written).is_ok()) {
        true => Ok(()),
        false => Err(MOVED.to_owned()),
    })
}

const MOVED: &str = "The quote does not stand there.";

fn stands(text: &str, written: &Written) -> Found {
    match (written.start, written.end) {
        (Some(start), Some(end)) => {
            let there: String = text
                .chars()
                .skip(start)
                .take(end.saturating_sub(start))
                .collect();
            compare(&there, &written.quote)
        }
        _ => compare(text, &written.quote),
    }
}

/// Whether `text` has `quote`; white space counts the same whatever its kind.
fn compare(text: &str, quote: &str) -> Found {
    let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let quote = folded(quote);
    match !quote.is_empty() && folded(text).contains(&quote) {
        true => Ok(()),
        false => Err(MOVED.to_owned()),
    }
}
