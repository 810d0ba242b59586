//! What adds an input or an output to a node.
//!
//! A client's body ([`InputBody`], [`OutputBody`]) has a field for every type;
//! [`InputCreate`] and [`OutputCreate`] hold exactly what their type needs, so nothing
//! past the check can mix them up.

use serde::Deserialize;
use serde_json::Value;

use super::{InputType, OutputType, node::check_metadata};
use crate::kernel::{FileId, NodeId, Result, field::Fields};

/// Characters of a text at most.
const MAX_TEXT: usize = 1_000_000;
/// Bytes of structured data in JSON at most.
const MAX_STRUCTURED: usize = 1 << 20;
/// Characters of an address at most.
const MAX_URL: usize = 2000;
/// Characters of a label at most.
const MAX_LABEL: usize = 200;
/// The last place in the order; far enough from the type's end that "after the last"
/// always fits.
const MAX_SORT_ORDER: i32 = 1_000_000;

/// The key of an input's or output's metadata that says, with `true`, that it only keeps
/// a place: a text that is still empty. `type`, `required` and `description` beside it
/// say what belongs there.
pub const PLACEHOLDER: &str = "placeholder";

/// What adds an input. The field that the type needs is required, the others are refused.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InputBody {
    /// What it is.
    pub input_type: InputType,
    /// For `file`: a file of the organization.
    #[schema(nullable = false)]
    pub file_id: Option<FileId>,
    /// For `node_reference`: another node of the organization.
    #[schema(nullable = false)]
    pub source_node_id: Option<NodeId>,
    /// For `node_reference`: a version of that node, if not always the present one.
    #[schema(minimum = 1)]
    pub source_node_version: Option<i32>,
    /// For `external_link`: an http or https address.
    #[schema(nullable = false, max_length = 2000, format = "http-address")]
    pub external_url: Option<String>,
    /// For `text`: 1 to 1,000,000 characters; a placeholder's may be empty.
    #[schema(nullable = false, min_length = 1, max_length = 1_000_000)]
    pub text_content: Option<String>,
    /// At most 200 characters.
    #[schema(max_length = 200)]
    pub label: Option<String>,
    /// An object of at most 64 KiB.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
    /// Its place among the inputs; after the last unless said.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub sort_order: Option<i32>,
}

/// What adds an output. The field that the type needs is required, the others are refused.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutputBody {
    /// What it is.
    pub output_type: OutputType,
    /// For `file`: a file of the organization.
    #[schema(nullable = false)]
    pub file_id: Option<FileId>,
    /// For `structured_data`: any JSON of at most 1 MiB.
    #[schema(value_type = Option<Value>, nullable = false)]
    pub structured_data: Option<Value>,
    /// For `text`: 1 to 1,000,000 characters; a placeholder's may be empty.
    #[schema(nullable = false, min_length = 1, max_length = 1_000_000)]
    pub text_content: Option<String>,
    /// For `external_link`: an http or https address.
    #[schema(nullable = false, max_length = 2000, format = "http-address")]
    pub external_url: Option<String>,
    /// At most 200 characters.
    #[schema(max_length = 200)]
    pub label: Option<String>,
    /// An object of at most 64 KiB.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
}

/// An input to add.
#[derive(Debug, Clone)]
pub struct InputCreate {
    /// What it is.
    pub content: InputContent,
    /// What it is called.
    pub label: Option<String>,
    /// An object.
    pub metadata: Option<Value>,
    /// Its place among the inputs; after the last unless given.
    pub sort_order: Option<i32>,
}

/// What an input is, with exactly what that needs.
#[derive(Debug, Clone)]
pub enum InputContent {
    /// A file.
    File(FileId),
    /// Another node, at one version or always at the present one.
    NodeReference {
        /// The node.
        source: NodeId,
        /// Its version.
        version: Option<i32>,
    },
    /// An http or https address.
    ExternalLink(String),
    /// A text.
    Text(String),
}

/// An output to add.
#[derive(Debug, Clone)]
pub struct OutputCreate {
    /// What it is.
    pub content: OutputContent,
    /// What it is called.
    pub label: Option<String>,
    /// An object.
    pub metadata: Option<Value>,
}

/// What an output is, with exactly what that needs.
#[derive(Debug, Clone)]
pub enum OutputContent {
    /// A file.
    File(FileId),
    /// Any JSON.
    StructuredData(Value),
    /// A text.
    Text {
        /// The text itself.
        text: String,
        /// A file that holds the same text; never given by a client over HTTP.
        file: Option<FileId>,
    },
    /// An http or https address.
    ExternalLink(String),
}

impl InputBody {
    /// Parses the body: exactly the fields of its type, each within its bounds.
    pub fn parse(self) -> Result<InputCreate> {
        let mut fields = Fields::default();
        let kind = self.input_type;
        let mut of = |field, given, owner| owns(&mut fields, field, given, kind == owner, kind);
        of("fileId", self.file_id.is_some(), InputType::File);
        let source = self.source_node_id.is_some();
        of("sourceNodeId", source, InputType::NodeReference);
        of(
            "externalUrl",
            self.external_url.is_some(),
            InputType::ExternalLink,
        );
        of("textContent", self.text_content.is_some(), InputType::Text);
        if kind != InputType::NodeReference {
            let absent = self.source_node_version.is_none();
            fields.check(absent, "sourceNodeVersion", not_of(kind));
        }
        let content = match kind {
            InputType::File => self.file_id.map(InputContent::File),
            InputType::NodeReference => {
                let version = self.source_node_version;
                let refer = |source| InputContent::NodeReference { source, version };
                self.source_node_id.map(refer)
            }
            InputType::ExternalLink => self.external_url.map(InputContent::ExternalLink),
            InputType::Text => self.text_content.map(InputContent::Text),
        };
        let new = fields.finish_with(content).map(|content| InputCreate {
            content,
            label: self.label,
            metadata: self.metadata,
            sort_order: self.sort_order,
        })?;
        new.check()?;
        Ok(new)
    }
}

impl OutputBody {
    /// Parses the body: exactly the field of its type, within its bounds.
    pub fn parse(self) -> Result<OutputCreate> {
        let mut fields = Fields::default();
        let kind = self.output_type;
        let mut of = |field, given, owner| owns(&mut fields, field, given, kind == owner, kind);
        of("fileId", self.file_id.is_some(), OutputType::File);
        let data = self.structured_data.is_some();
        of("structuredData", data, OutputType::StructuredData);
        of("textContent", self.text_content.is_some(), OutputType::Text);
        of(
            "externalUrl",
            self.external_url.is_some(),
            OutputType::ExternalLink,
        );
        let content = match kind {
            OutputType::File => self.file_id.map(OutputContent::File),
            OutputType::StructuredData => self.structured_data.map(OutputContent::StructuredData),
            OutputType::Text => self
                .text_content
                .map(|text| OutputContent::Text { text, file: None }),
            OutputType::ExternalLink => self.external_url.map(OutputContent::ExternalLink),
        };
        let new = fields.finish_with(content).map(|content| OutputCreate {
            content,
            label: self.label,
            metadata: self.metadata,
        })?;
        new.check()?;
        Ok(new)
    }
}

impl InputCreate {
    /// Checks the bounds, also for callers inside the program.
    pub fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        match &self.content {
            InputContent::File(_) => {}
            InputContent::NodeReference { version, .. } => {
                let good = version.is_none_or(|version| version >= 1);
                fields.check(good, "sourceNodeVersion", "must be at least 1");
            }
            InputContent::ExternalLink(url) => check_url(&mut fields, url),
            InputContent::Text(text) => {
                let least = least_text(self.metadata.as_ref());
                fields.length("textContent", text, least, MAX_TEXT);
            }
        }
        check_rest(&mut fields, self.label.as_deref(), self.metadata.as_ref());
        let good = self
            .sort_order
            .is_none_or(|order| (0..=MAX_SORT_ORDER).contains(&order));
        fields.check(good, "sortOrder", "must be 0 to 1,000,000");
        fields.finish()
    }
}

impl OutputCreate {
    /// Checks the bounds, also for callers inside the program.
    pub fn check(&self) -> Result<()> {
        let mut fields = Fields::default();
        match &self.content {
            OutputContent::File(_) => {}
            OutputContent::StructuredData(data) => {
                let fits = data.to_string().len() <= MAX_STRUCTURED;
                fields.check(fits, "structuredData", "must be at most 1 MiB of JSON");
            }
            OutputContent::Text { text, .. } => {
                let least = least_text(self.metadata.as_ref());
                fields.length("textContent", text, least, MAX_TEXT);
            }
            OutputContent::ExternalLink(url) => check_url(&mut fields, url),
        }
        check_rest(&mut fields, self.label.as_deref(), self.metadata.as_ref());
        fields.finish()
    }
}

impl InputContent {
    /// What it is.
    pub fn kind(&self) -> InputType {
        match self {
            InputContent::File(_) => InputType::File,
            InputContent::NodeReference { .. } => InputType::NodeReference,
            InputContent::ExternalLink(_) => InputType::ExternalLink,
            InputContent::Text(_) => InputType::Text,
        }
    }
}

impl OutputContent {
    /// What it is.
    pub fn kind(&self) -> OutputType {
        match self {
            OutputContent::File(_) => OutputType::File,
            OutputContent::StructuredData(_) => OutputType::StructuredData,
            OutputContent::Text { .. } => OutputType::Text,
            OutputContent::ExternalLink(_) => OutputType::ExternalLink,
        }
    }

    /// The file that it points at.
    pub fn file(&self) -> Option<FileId> {
        match self {
            OutputContent::File(id) => Some(*id),
            OutputContent::Text { file, .. } => *file,
            OutputContent::StructuredData(_) | OutputContent::ExternalLink(_) => None,
        }
    }
}

/// Notes a field that the type needs and has not, or has and does not need.
fn owns<K: std::fmt::Display>(fields: &mut Fields, field: &str, given: bool, own: bool, kind: K) {
    if own {
        fields.check(given, field, format!("is required for the type {kind}"));
    } else {
        fields.check(!given, field, not_of(kind));
    }
}

fn not_of(kind: impl std::fmt::Display) -> String {
    format!("does not belong to the type {kind}")
}

/// Characters of a text at least: only a placeholder may be empty.
fn least_text(metadata: Option<&Value>) -> usize {
    let mark = metadata.and_then(|metadata| metadata.get(PLACEHOLDER));
    usize::from(mark != Some(&Value::Bool(true)))
}

fn check_rest(fields: &mut Fields, label: Option<&str>, metadata: Option<&Value>) {
    if let Some(label) = label {
        fields.length("label", label, 0, MAX_LABEL);
    }
    if let Some(metadata) = metadata {
        check_metadata(fields, metadata);
    }
}

fn check_url(fields: &mut Fields, url: &str) {
    fields.length("externalUrl", url, 1, MAX_URL);
    let message = "must be an http or https address";
    fields.check(is_web_address(url), "externalUrl", message);
}

/// Whether `url` has the form of a web address. Nothing here ever fetches it.
fn is_web_address(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control();
    web && !host.is_empty() && !url.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Code, Error};
    use serde_json::json;

    fn input(body: Value) -> Result<InputCreate> {
        serde_json::from_value::<InputBody>(body).unwrap().parse()
    }

    fn output(body: Value) -> Result<OutputCreate> {
        serde_json::from_value::<OutputBody>(body).unwrap().parse()
    }

    fn bad_fields(error: Error) -> Vec<String> {
        assert_eq!(error.code(), Code::ValidationFailed);
        let fields = error.details().unwrap()["fields"].as_array().unwrap();
        let name = |f: &Value| f["field"].as_str().unwrap().to_owned();
        fields.iter().map(name).collect()
    }

    #[test]
    fn each_type_takes_its_own_field_and_refuses_the_others() {
        assert!(input(json!({"inputType": "text", "textContent": "a"})).is_ok());
        let error = input(json!({"inputType": "text", "externalUrl": "https://a.b",
                                 "sourceNodeVersion": 2}))
        .unwrap_err();
        assert_eq!(
            bad_fields(error),
            ["externalUrl", "textContent", "sourceNodeVersion"]
        );
        let error = output(json!({"outputType": "file", "structuredData": 1})).unwrap_err();
        assert_eq!(bad_fields(error), ["fileId", "structuredData"]);
    }

    #[test]
    fn a_client_cannot_give_a_text_output_a_file() {
        let id = uuid::Uuid::from_u128(5);
        let body = json!({"outputType": "text", "textContent": "a", "fileId": id});
        assert_eq!(bad_fields(output(body).unwrap_err()), ["fileId"]);
    }

    #[test]
    fn only_web_addresses_are_links() {
        for good in [
            "https://a.b/c?d#e",
            "HTTP://localhost:8080",
            "http://[::1]/",
        ] {
            assert!(is_web_address(good), "{good}");
        }
        let script = ["java", "script:alert(1)"].concat();
        for bad in [
            "",
            "https://",
            "ftp://a.b",
            &script,
            "https:///a",
            "http://a b",
            "a.b",
        ] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }

    #[test]
    fn only_a_placeholder_may_be_an_empty_text() {
        let text = |mark| {
            input(
                json!({"inputType": "text", "textContent": "", "metadata": {"placeholder": mark}}),
            )
        };
        assert!(text(json!(true)).is_ok());
        for no in [json!(false), json!("true"), json!(1)] {
            assert_eq!(bad_fields(text(no).unwrap_err()), ["textContent"]);
        }
        let body =
            json!({"outputType": "text", "textContent": "", "metadata": {"placeholder": true}});
        assert!(output(body).is_ok());
    }

    #[test]
    fn bounds_are_checked_for_every_field() {
        let error = input(
            json!({"inputType": "text", "textContent": "", "sortOrder": -1,
                                 "label": "x".repeat(201), "metadata": 3}),
        )
        .unwrap_err();
        assert_eq!(
            bad_fields(error),
            ["textContent", "label", "metadata", "sortOrder"]
        );
        let big = json!({"outputType": "structured_data", "structuredData": "x".repeat(1 << 20)});
        assert_eq!(bad_fields(output(big).unwrap_err()), ["structuredData"]);
    }
}
