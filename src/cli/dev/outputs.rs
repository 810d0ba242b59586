//! The outputs of an execution on the terminal, each with the pages it came from.

use serde::Deserialize;

use super::show::{Screen, bold, dim, plain, wrap};
use console::Style;

/// How far a text is set in.
const INDENT: &str = "  ";

/// An output, as far as it is shown.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// The execution that added it.
    pub execution_id: Option<String>,
    label: Option<String>,
    text_content: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    sources: Vec<Source>,
}

/// A passage that an output rests on.
#[derive(Debug, Deserialize)]
struct Source {
    filename: Option<String>,
    page: Option<u64>,
    quote: String,
    #[serde(default)]
    verified: bool,
}

/// How much of an output is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The whole text and its sources.
    Whole,
    /// The sources only: the text was shown when it was new.
    Brief,
}

/// Shows one output.
pub fn show(screen: &Screen, output: &Output, extent: Extent) {
    let width = screen.measure().saturating_sub(INDENT.len());
    let label = output.label.as_deref().unwrap_or("without a label");
    screen.line("");
    screen.line(
        &bold()
            .apply_to(format!("{INDENT}{}", plain(label)))
            .to_string(),
    );
    if extent == Extent::Whole {
        for line in wrap(output.text_content.as_deref().unwrap_or_default(), width) {
            screen.line(format!("{INDENT}{line}").trim_end());
        }
    }
    if output.metadata.sources.is_empty() {
        screen.line(&format!("{INDENT}It names no sources."));
        return;
    }
    screen.line("");
    screen.line(&format!("{INDENT}{}", dim().apply_to("where it came from")));
    for source in &output.metadata.sources {
        for line in source_lines(source, width) {
            screen.line(&format!("{INDENT}{line}"));
        }
    }
}

fn source_lines(source: &Source, width: usize) -> Vec<String> {
    let verdict = if source.verified {
        Style::new().green().apply_to("✓ verified").to_string()
    } else {
        Style::new()
            .red()
            .apply_to("✗ not found in the source")
            .to_string()
    };
    let place = match (&source.filename, source.page) {
        (Some(name), Some(page)) => format!("{} p. {page}", plain(name)),
        (Some(name), None) => plain(name),
        (None, Some(page)) => format!("p. {page}"),
        (None, None) => "a text".to_owned(),
    };
    let quote = format!("“{}”", plain(&source.quote));
    let mut lines = vec![format!("{}  {verdict}", bold().apply_to(place))];
    let inner = width.saturating_sub(INDENT.len());
    lines.extend(
        wrap(&quote, inner)
            .iter()
            .map(|line| format!("{INDENT}{line}")),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use console::strip_ansi_codes;
    use serde_json::json;

    fn lines(source: serde_json::Value) -> Vec<String> {
        let source: Source = serde_json::from_value(source).unwrap();
        source_lines(&source, 40)
            .iter()
            .map(|line| strip_ansi_codes(line).into_owned())
            .collect()
    }

    #[test]
    fn a_source_is_told_with_its_page_and_whether_it_was_found() {
        let source = json!({
            "filename": "review.pdf", "page": 3, "quote": "All nine disks\nwere saturated.",
            "verified": true,
        });
        assert_eq!(
            lines(source),
            [
                "review.pdf p. 3  ✓ verified",
                "  “All nine disks were saturated.”"
            ]
        );
        let bare = json!({ "filename": null, "page": null, "quote": "x" });
        assert_eq!(lines(bare)[0], "a text  ✗ not found in the source");
    }
}
