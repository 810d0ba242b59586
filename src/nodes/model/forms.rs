//! The bodies that add inputs and outputs as the document tells them: a form for each
//! type, with the field that it needs and those that it refuses.

use utoipa::openapi::schema::Schema;

use super::{InputBody, OutputBody, PLACEHOLDER};
use crate::kernel::form::{Form, FormsOf, Given, HasForms, any_value, marked, text};

/// [`InputBody`] in the document: one form for each type.
pub type InputForms = FormsOf<InputBody>;

/// [`OutputBody`] in the document: one form for each type.
pub type OutputForms = FormsOf<OutputBody>;

impl HasForms for InputBody {
    const FORMS: &'static [Form] = &[
        Form {
            tag: Some(("inputType", "file")),
            needs: &["fileId"],
            refuses: &[
                "sourceNodeId",
                "sourceNodeVersion",
                "externalUrl",
                "textContent",
            ],
            ..Form::new("A file")
        },
        Form {
            tag: Some(("inputType", "node_reference")),
            needs: &["sourceNodeId"],
            refuses: &["fileId", "externalUrl", "textContent"],
            ..Form::new("Another node")
        },
        Form {
            tag: Some(("inputType", "external_link")),
            needs: &["externalUrl"],
            refuses: &["fileId", "sourceNodeId", "sourceNodeVersion", "textContent"],
            ..Form::new("A link")
        },
        Form {
            tag: Some(("inputType", "text")),
            needs: &["textContent"],
            refuses: NOT_OF_TEXT_INPUTS,
            ..Form::new("A text")
        },
        Form {
            tag: Some(("inputType", "text")),
            needs: &["textContent", "metadata"],
            refuses: NOT_OF_TEXT_INPUTS,
            gives: EMPTY_PLACE,
            ..Form::new("A place for a text")
        },
    ];
}

const NOT_OF_TEXT_INPUTS: &[&str] = &["fileId", "sourceNodeId", "sourceNodeVersion", "externalUrl"];

impl HasForms for OutputBody {
    const FORMS: &'static [Form] = &[
        Form {
            tag: Some(("outputType", "file")),
            needs: &["fileId"],
            refuses: &["structuredData", "textContent", "externalUrl"],
            ..Form::new("A file")
        },
        Form {
            tag: Some(("outputType", "structured_data")),
            needs: &["structuredData"],
            refuses: &["fileId", "textContent", "externalUrl"],
            gives: &[("structuredData", any_value)],
            ..Form::new("Structured data")
        },
        Form {
            tag: Some(("outputType", "text")),
            needs: &["textContent"],
            refuses: NOT_OF_TEXT_OUTPUTS,
            ..Form::new("A text")
        },
        Form {
            tag: Some(("outputType", "text")),
            needs: &["textContent", "metadata"],
            refuses: NOT_OF_TEXT_OUTPUTS,
            gives: EMPTY_PLACE,
            ..Form::new("A place for a text")
        },
        Form {
            tag: Some(("outputType", "external_link")),
            needs: &["externalUrl"],
            refuses: &["fileId", "structuredData", "textContent"],
            ..Form::new("A link")
        },
    ];
}

const NOT_OF_TEXT_OUTPUTS: &[&str] = &["fileId", "structuredData", "externalUrl"];

/// A placeholder's text and the metadata that make it one.
const EMPTY_PLACE: &[Given] = &[
    ("textContent", || {
        Schema::Object(text().max_length(Some(0)).build())
    }),
    ("metadata", || marked(PLACEHOLDER)),
];
