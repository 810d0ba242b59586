//! What a tool answered, as the model is told of it: text as it is, and of what is no text
//! its type and size, since a model can't read it and the journal should not hold it.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::{Map, Value, json};

/// The answer as one object: `content`, `structuredContent` when there is one, and `isError`
/// when the tool says that it failed.
pub(super) fn told(result: CallToolResult) -> Value {
    let blocks: Vec<String> = result.content.iter().map(words).collect();
    let mut told = Map::new();
    told.insert("content".to_owned(), json!(blocks.join("\n")));
    if let Some(structured) = result.structured_content {
        told.insert("structuredContent".to_owned(), structured);
    }
    if result.is_error == Some(true) {
        told.insert("isError".to_owned(), json!(true));
    }
    Value::Object(told)
}

fn words(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => placeholder("image", Some(&image.mime_type), &image.data),
        ContentBlock::Audio(audio) => placeholder("audio", Some(&audio.mime_type), &audio.data),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { text, .. } => text.clone(),
            ResourceContents::BlobResourceContents {
                mime_type, blob, ..
            } => placeholder("resource", mime_type.as_deref(), blob),
            _ => "[resource]".to_owned(),
        },
        ContentBlock::ResourceLink(link) => format!("[link: {} {}]", link.name, link.uri),
        _ => "[content of an unknown kind]".to_owned(),
    }
}

fn placeholder(what: &str, mime_type: Option<&str>, base64: &str) -> String {
    let bytes = base64.trim_end_matches('=').len() * 3 / 4;
    let mime_type = mime_type.unwrap_or("of unknown type");
    format!("[{what}: {mime_type}, {bytes} bytes]")
}
