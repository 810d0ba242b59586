//! What an input has to read, whatever its type: a file's text by page or passage, a
//! text, another node. Never more at a time than a model should be given.

use serde_json::{Value, json};

use super::Context;
use crate::{
    access::Action,
    files::{self, model::ProcessingStatus},
    kernel::{Code, Error, FileId, Result},
    nodes::{
        self,
        model::{Input, InputType, Node, OutputType},
    },
    platform::db::Tx,
};

/// Characters of one passage at most: about two thousand tokens of English.
const PASSAGE: usize = 8_000;

/// The node of the execution, if its token still allows reading it.
pub async fn own_node(tx: &mut Tx, cx: &Context<'_>) -> Result<Node> {
    cx.grant(Action::NodeRead)?;
    nodes::ops::node_read_in(tx, cx.lease.node).await
}

/// An input in a few words.
pub async fn describe(tx: &mut Tx, input: &Input) -> Result<Value> {
    let mut value = json!({ "id": input.id, "type": input.input_type });
    let Some(map) = value.as_object_mut() else {
        return Ok(value);
    };
    if let Some(label) = &input.label {
        map.insert("label".into(), json!(label));
    }
    if let Some(file) = &input.file {
        map.insert("filename".into(), json!(file.filename));
        map.insert("status".into(), json!(file.processing_status));
    }
    if let Some(url) = &input.external_url {
        map.insert("url".into(), json!(url));
    }
    if let Some(source) = &input.source_node {
        map.insert("title".into(), json!(source.title));
    }
    if input.is_placeholder() {
        // Nothing is there yet; what belongs there tells what is missing.
        map.insert("placeholder".into(), input.metadata.clone());
        return Ok(value);
    }
    // An input that can't be read yet is still worth naming.
    if let Ok(material) = Material::of(tx, input).await {
        map.insert("characters".into(), json!(material.characters));
        if let Some(pages) = material.pages {
            map.insert("pages".into(), json!(pages));
        }
    }
    Ok(value)
}

/// Something that can be read in parts.
pub struct Material {
    source: Source,
    /// Its length.
    pub characters: usize,
    /// Its pages, slides or sheets, where it has any.
    pub pages: Option<u32>,
}

enum Source {
    Text(String),
    File(FileId, Vec<files::model::Segment>),
}

/// A part of a material.
pub struct Passage {
    /// The text.
    pub text: String,
    /// Where it begins: in the page when one was asked for, else in the whole.
    pub offset: usize,
    /// Where the next part begins, when there is one.
    pub next: Option<usize>,
}

impl Material {
    /// What `input` has to read.
    ///
    /// # Errors
    /// [`Code::Unprocessable`] when there is nothing to read, with a sentence that says why.
    pub async fn of(tx: &mut Tx, input: &Input) -> Result<Self> {
        match input.input_type {
            InputType::Text => Ok(Self::text(input.text_content.clone().unwrap_or_default())),
            InputType::ExternalLink => Err(unreadable(
                "This input is a link; its page can't be fetched from here.".to_owned(),
            )),
            InputType::NodeReference => {
                let source = input
                    .source_node_id
                    .ok_or_else(|| Error::internal("a node_reference without its node"))?;
                let node = match input.source_node_version {
                    Some(version) => nodes::ops::node_version_in(tx, source, version).await?,
                    None => nodes::ops::node_read_in(tx, source).await?,
                };
                Ok(Self::text(node_text(&node)))
            }
            InputType::File => {
                let file = input
                    .file_id
                    .ok_or_else(|| Error::internal("a file input without its file"))?;
                Self::file(tx, file).await
            }
        }
    }

    fn text(text: String) -> Self {
        Material {
            characters: text.chars().count(),
            pages: None,
            source: Source::Text(text),
        }
    }

    async fn file(tx: &mut Tx, file: FileId) -> Result<Self> {
        let outline = files::ops::outline_in(tx, file).await?;
        match outline.status {
            ProcessingStatus::Complete => Ok(Material {
                characters: usize::try_from(outline.characters).unwrap_or(0),
                pages: outline
                    .pages
                    .or_else(|| files::model::pages(&outline.segments)),
                source: Source::File(file, outline.segments),
            }),
            ProcessingStatus::Failed => Err(unreadable(format!(
                "The file {} has no text: {}",
                outline.filename,
                outline.error.unwrap_or_default()
            ))),
            ProcessingStatus::Pending | ProcessingStatus::Processing => Err(unreadable(format!(
                "The file {} is still being read; try again later.",
                outline.filename
            ))),
        }
    }

    /// The part that begins at `offset`, of `page` when one is given.
    pub async fn read(&self, tx: &mut Tx, page: Option<u32>, offset: usize) -> Result<Passage> {
        let (first, last) = match page {
            Some(page) => self.range_of(page),
            None => (0, self.characters),
        };
        let begin = first.saturating_add(offset).min(last);
        let end = begin.saturating_add(PASSAGE).min(last);
        let text = match &self.source {
            Source::Text(text) => text.chars().skip(begin).take(end - begin).collect(),
            Source::File(file, _) => files::ops::passage_in(tx, *file, begin, end).await?,
        };
        Ok(Passage {
            text,
            offset: begin - first,
            next: (end < last).then(|| end - first),
        })
    }

    /// Whether `quote` stands in the material, on `page` when one is given; white
    /// space counts the same whatever its kind.
    pub async fn holds(&self, tx: &mut Tx, page: Option<u32>, quote: &str) -> Result<bool> {
        let (first, last) = match page {
            Some(page) => self.range_of(page),
            None => (0, self.characters),
        };
        let text = match &self.source {
            Source::Text(text) => text.chars().skip(first).take(last - first).collect(),
            Source::File(file, _) => files::ops::passage_in(tx, *file, first, last).await?,
        };
        let quote = folded(quote);
        Ok(!quote.is_empty() && folded(&text).contains(&quote))
    }

    /// The characters of a page; none for a page without text.
    fn range_of(&self, page: u32) -> (usize, usize) {
        let Source::File(_, segments) = &self.source else {
            return (0, self.characters);
        };
        files::model::range_of_page(segments, page).unwrap_or_default()
    }
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A node as something to read: its title, its description, its text outputs.
fn node_text(node: &Node) -> String {
    let mut text = node.title.clone();
    if let Some(description) = &node.description {
        text.push_str("\n\n");
        text.push_str(description);
    }
    for output in node.outputs.iter().flatten() {
        if output.output_type == OutputType::Text {
            text.push_str("\n\n");
            text.push_str(output.text_content.as_deref().unwrap_or_default());
        }
    }
    text
}

fn unreadable(why: String) -> Error {
    Error::new(Code::Unprocessable, why)
}
