//! What the seeded workspace holds: the words, not the work of making it.
//!
//! They fit the sample document, a review of an outage at a company that does not
//! exist; `docs/sample/content.py` has its text.

use serde_json::json;

use crate::{
    kernel::UserId,
    nodes::model::{AuthorType, InputType, NodeCreate, OutputType, Position},
    projects::model::ProjectCreate,
    templates::model::{InputSlot, OutputSlot, Structure, SubNode, TemplateCreate},
};

/// A person of the workspace.
pub struct Person {
    /// What development tokens know them by.
    pub subject: &'static str,
    /// Their address.
    pub email: &'static str,
    /// Their name.
    pub name: &'static str,
}

/// Owns the organization.
pub const OWNER: Person = Person {
    subject: "dev-ada",
    email: "ada@example.com",
    name: "Ada",
};

/// Belongs to it.
pub const MEMBER: Person = Person {
    subject: "dev-grace",
    email: "grace@example.com",
    name: "Grace",
};

/// The organization's name.
pub const ORG_NAME: &str = "Lanternfish";
/// The organization's slug, by which an earlier seed is found.
pub const ORG_SLUG: &str = "lanternfish";
/// The project's name, by which an earlier seed is found.
pub const PROJECT_NAME: &str = "INC-0417: metadata outage in nw-1";

/// Where a node's metadata says that it is the demo job's.
pub const DEMO_KEY: &str = "demo";
/// What it says there.
pub const DEMO: &str = "analysis";

/// What the demo job is asked to do.
pub const INSTRUCTION: &str = "What was the root cause of the outage, which factors made the \
    recovery take so long, and what did it cost customers? Quote the report and give the page \
    of each quote.";

/// The project.
pub fn project() -> ProjectCreate {
    ProjectCreate {
        name: PROJECT_NAME.to_owned(),
        description: Some(
            "On 3 February 2026 the object storage in region nw-1 failed for four hours. This \
             project holds what we learn from it, and the evidence for every claim."
                .to_owned(),
        ),
        ..ProjectCreate::default()
    }
}

/// The node that the others are parts of.
pub fn root() -> NodeCreate {
    NodeCreate {
        title: "Review incident INC-0417".to_owned(),
        description: Some("What happened, why, and what we change.".to_owned()),
        status: Some("in_progress".to_owned()),
        metadata: Some(json!({ "tags": ["incident", "nw-1"], "priority": "high" })),
        position: Some(Position { x: 0.0, y: 0.0 }),
        ..NodeCreate::default()
    }
}

/// Its parts. The first is the demo job's; `supervisor` looks after it.
pub fn children(supervisor: UserId) -> [NodeCreate; 4] {
    let part = |place: i32, title: &str, description: &str| NodeCreate {
        title: title.to_owned(),
        description: Some(description.to_owned()),
        position: Some(Position {
            x: f64::from(place) * 320.0 - 480.0,
            y: 240.0,
        }),
        ..NodeCreate::default()
    };
    let analysis = part(
        0,
        "What caused the outage, and why did recovery take four hours?",
        "An agent reads the post-incident review and answers with quotes from its pages.",
    );
    [
        NodeCreate {
            author_type: Some(AuthorType::Agent),
            supervisor_user_id: Some(supervisor),
            metadata: Some(json!({ DEMO_KEY: DEMO, "tags": ["analysis"] })),
            ..analysis
        },
        part(
            1,
            "Confirm the timeline with those on call",
            "Compare the review's timeline with what the people who were paged remember.",
        ),
        part(
            2,
            "Check the credits with finance",
            "The review names USD 199,480 in credits and goodwill; finance confirms the sum.",
        ),
        part(
            3,
            "Follow the actions A1 to A9",
            "Each action has an owner and a due date; note here what was really done.",
        ),
    ]
}

/// The form of such a review, for the next incident.
pub fn template() -> TemplateCreate {
    let sub_node = |title: &str, author_type| SubNode {
        title: title.to_owned(),
        author_type,
        template_id: None,
    };
    TemplateCreate {
        name: "Post-incident review".to_owned(),
        description: Some("From an incident's report to causes, costs and actions.".to_owned()),
        structure: Some(Structure {
            inputs: vec![InputSlot {
                label: "Report".to_owned(),
                kind: InputType::File,
                required: true,
                description: Some("The report of the incident, as PDF, DOCX or text.".to_owned()),
            }],
            outputs: vec![OutputSlot {
                label: "Brief".to_owned(),
                kind: OutputType::Text,
                description: Some("Causes and costs, with quotes and their pages.".to_owned()),
            }],
            sub_nodes: vec![
                sub_node("What caused it?", AuthorType::Agent),
                sub_node("Confirm the timeline", AuthorType::Human),
                sub_node("Follow the actions", AuthorType::Human),
            ],
            suggested_workflow_states: ["draft", "in_progress", "complete"]
                .map(str::to_owned)
                .into(),
        }),
        ..TemplateCreate::default()
    }
}
