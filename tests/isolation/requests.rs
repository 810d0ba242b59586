//! What is asked: reads, lists, changes and nonsense, made of somebody's things.

use serde_json::{Value, json};

use crate::{dice::Dice, world::Things};

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A GET of this path.
    Read(&'static str),
    /// The same over all organizations of the caller: nobody's things are named.
    Own(&'static str),
    Create,
    /// Again under the idempotency key of the first time.
    CreateTwice,
    Change,
    Move,
    Delete,
    Attach(Attachment),
    Detach,
    Lock,
    Unlock,
    Rollback,
    Apply,
    ChangeOrg,
    ChangeProject,
    ChangeTemplate,
    Nonsense(Nonsense),
}

/// What an input or output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    Text,
    Output,
    /// Names another node.
    Node,
    /// Names a file.
    File,
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonsense {
    Field,
    Body,
    Path,
    Method,
}

/// What people do.
pub const KINDS: &[(usize, Kind)] = &[
    (14, Kind::Read("/nodes/{node}")),
    (10, Kind::Read("/projects/{project}/nodes?limit=20")),
    (4, Kind::Read("/nodes/{node}/children")),
    (4, Kind::Read("/nodes/{node}/versions")),
    (3, Kind::Read("/nodes/{node}/versions/1")),
    (2, Kind::Read("/nodes/{node}/versions/1/diff/1")),
    (3, Kind::Read("/nodes/{node}/dependencies")),
    (2, Kind::Read("/nodes/{node}/executions")),
    (3, Kind::Read("/orgs/{org}")),
    (2, Kind::Read("/orgs/{org}/members")),
    (2, Kind::Read("/orgs/{org}/audit?limit=20")),
    (1, Kind::Read("/orgs/{org}/usage?groupBy=node")),
    (2, Kind::Read("/orgs/{org}/projects")),
    (2, Kind::Read("/orgs/{org}/files")),
    (1, Kind::Read("/nodes/{node}/context")),
    (1, Kind::Read("/orgs/{org}/tokens")),
    (3, Kind::Read("/projects/{project}")),
    (1, Kind::Read("/projects/{project}/members")),
    (2, Kind::Read("/templates?orgId={org}")),
    (2, Kind::Read("/templates/{template}")),
    (2, Kind::Read("/files/{file}")),
    (2, Kind::Read("/executions/{execution}")),
    (1, Kind::Read("/executions/{execution}/trace")),
    (1, Kind::Read("/executions/{execution}/verify")),
    (2, Kind::Own("/orgs")),
    (2, Kind::Own("/users/me")),
    (1, Kind::Own("/users/me/notifications")),
    (1, Kind::Own("/templates")),
    (5, Kind::Create),
    (1, Kind::CreateTwice),
    (10, Kind::Change),
    (2, Kind::Move),
    (3, Kind::Delete),
    (2, Kind::Attach(Attachment::Text)),
    (2, Kind::Attach(Attachment::Output)),
    (2, Kind::Attach(Attachment::Node)),
    (1, Kind::Attach(Attachment::File)),
    (2, Kind::Detach),
    (1, Kind::Lock),
    (1, Kind::Unlock),
    (1, Kind::Rollback),
    (1, Kind::Apply),
    (1, Kind::ChangeOrg),
    (1, Kind::ChangeProject),
    (1, Kind::ChangeTemplate),
    (1, Kind::Nonsense(Nonsense::Field)),
    (1, Kind::Nonsense(Nonsense::Body)),
    (1, Kind::Nonsense(Nonsense::Path)),
    (1, Kind::Nonsense(Nonsense::Method)),
];

/// Those whose body names a thing that could be another's.
pub const NAMING: &[(usize, Kind)] = &[
    (2, Kind::Create),
    (2, Kind::Move),
    (3, Kind::Attach(Attachment::Node)),
    (2, Kind::Attach(Attachment::File)),
    (2, Kind::Apply),
];

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: &'static str,
    /// Below `/api/v1`.
    pub path: String,
    pub body: Option<String>,
    /// Its idempotency key.
    pub key: Option<String>,
}

impl Request {
    fn new(method: &'static str, path: String) -> Self {
        Request {
            method,
            path,
            body: None,
            key: None,
        }
    }

    fn with(self, body: &Value) -> Self {
        Request {
            body: Some(body.to_string()),
            ..self
        }
    }
}

impl Kind {
    /// The request about `things`; `text` goes into whatever has text.
    pub fn request(self, things: &Things, text: &str, dice: &mut Dice) -> Request {
        let node = format!("/nodes/{}", things.node);
        let nodes = format!("/projects/{}/nodes", things.project);
        let post = |path: String| Request::new("POST", path);
        let patch = |path: String| Request::new("PATCH", path);
        match self {
            Kind::Read(path) | Kind::Own(path) => Request::new("GET", fill(path, things)),
            Kind::Create => post(nodes)
                .with(&json!({ "title": text, "description": text, "parentId": things.other })),
            Kind::CreateTwice => Request {
                key: Some(dice.id()),
                ..post(nodes).with(&json!({ "title": format!("{text} once-{}", dice.id()) }))
            },
            Kind::Change => patch(node).with(&json!({ "title": text, "metadata": { "of": text } })),
            Kind::Move => patch(node).with(&json!({ "parentId": things.other })),
            Kind::Delete => Request::new("DELETE", node),
            Kind::Attach(what) => attach(what, &node, things, text),
            Kind::Detach => Request::new("DELETE", things.attachment.clone()),
            Kind::Lock => post(format!("{node}/lock")),
            Kind::Unlock => Request::new("DELETE", format!("{node}/lock")),
            Kind::Rollback => post(format!("{node}/rollback/1")),
            Kind::Apply => post(format!("/templates/{}/apply", things.template))
                .with(&json!({ "projectId": things.project, "title": text })),
            Kind::ChangeOrg => {
                patch(format!("/orgs/{}", things.org)).with(&json!({ "name": text }))
            }
            Kind::ChangeProject => {
                patch(format!("/projects/{}", things.project)).with(&json!({ "description": text }))
            }
            Kind::ChangeTemplate => patch(format!("/templates/{}", things.template))
                .with(&json!({ "description": text })),
            Kind::Nonsense(Nonsense::Field) => patch(node).with(&json!({ "title": 7 })),
            Kind::Nonsense(Nonsense::Body) => Request {
                body: Some("{\"title\": ".to_owned()),
                ..patch(node)
            },
            Kind::Nonsense(Nonsense::Path) => Request::new("GET", format!("{node}-and-more")),
            Kind::Nonsense(Nonsense::Method) => Request::new("DELETE", "/orgs".to_owned()),
        }
    }

    /// Whether what it asks for depends on whose things it names.
    pub fn names_things(self) -> bool {
        !matches!(self, Kind::Own(_) | Kind::Nonsense(_))
    }
}

fn attach(what: Attachment, node: &str, things: &Things, text: &str) -> Request {
    let post = |path: String, body: &Value| Request::new("POST", path).with(body);
    let inputs = format!("{node}/inputs");
    match what {
        Attachment::Text => post(
            inputs,
            &json!({ "inputType": "text", "textContent": text, "label": text }),
        ),
        Attachment::Output => post(
            format!("{node}/outputs"),
            &json!({ "outputType": "text", "textContent": text, "label": text }),
        ),
        Attachment::Node => post(
            inputs,
            &json!({ "inputType": "node_reference", "sourceNodeId": things.other }),
        ),
        Attachment::File => post(
            inputs,
            &json!({ "inputType": "file", "fileId": things.file }),
        ),
    }
}

fn fill(path: &str, things: &Things) -> String {
    let values = [
        ("{org}", &things.org),
        ("{project}", &things.project),
        ("{node}", &things.node),
        ("{template}", &things.template),
        ("{file}", &things.file),
        ("{execution}", &things.execution),
    ];
    values
        .iter()
        .fold(path.to_owned(), |path, (name, id)| path.replace(name, id))
}
