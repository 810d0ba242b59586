//! The people, the things they reach for, and the operations as the document lists them.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use glassbox::{
    access::{Action, Keyring, OrgRole, ProjectRole},
    kernel::{UserId, text::TextEnum},
    server,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use uuid::Uuid;

use super::table::{LINES, Line};
use crate::support::{Answer, Client, TestApp};

/// One of the system's templates, which anybody may apply.
const SYSTEM_TEMPLATE: &str = "019c0000-7e01-7000-8000-000000000001";

/// Somebody who asks, and what they are where the things lie.
pub struct Person {
    pub name: &'static str,
    pub client: Client,
    pub user: String,
    pub org: Option<OrgRole>,
    pub project: Option<ProjectRole>,
}

/// Everybody with a good token.
pub async fn people(test: &TestApp) -> Vec<Person> {
    let guest = Some(OrgRole::Guest);
    let mut people = Vec::new();
    for (name, org, project) in [
        ("stranger", None, None),
        ("guest", guest, None),
        ("viewer", guest, Some(ProjectRole::Viewer)),
        ("editor", guest, Some(ProjectRole::Editor)),
        ("project-admin", guest, Some(ProjectRole::Admin)),
        ("member", Some(OrgRole::Member), None),
        ("admin", Some(OrgRole::Admin), None),
        ("owner", Some(OrgRole::Owner), None),
    ] {
        let client = test.user(name).await;
        let user = client.get("/users/me").await.id();
        people.push(Person {
            name,
            client,
            user,
            org,
            project,
        });
    }
    // The stranger is somebody elsewhere, with rights there.
    people[0].client.workspace("elsewhere").await;
    people
}

/// Callers whose token is none or not good.
pub fn unknown(test: &TestApp, user: &str) -> Vec<(&'static str, Client)> {
    let user: UserId = user.parse().unwrap();
    let now = test.app.db.now();
    let hour = chrono::TimeDelta::hours(1);
    let client = |keyring: &Keyring, from| {
        let minted = keyring.mint_user(user, from, hour).unwrap();
        Client::new(&test.url, Some(minted.token.expose_secret()))
    };
    let id = test.app.config.auth.signing_key_id;
    let foreign = Keyring::new(Keyring::generate(), id, &[]).unwrap();
    vec![
        ("no token", test.anonymous()),
        ("a bad signature", client(&foreign, now)),
        (
            "an expired token",
            client(&test.app.keyring, now - hour * 2),
        ),
        (
            "words for a token",
            Client::new(&test.url, Some("let.me.in")),
        ),
    ]
}

/// An organization of its own with one of everything in it. Ids are counted from
/// `number`, so that those of a number that was never inserted are nothing's.
#[derive(Debug, Clone, Copy)]
pub struct Things {
    pub number: u128,
}

impl Things {
    fn id(self, what: u128) -> String {
        Uuid::from_u128((self.number << 64) + (0x8 << 60) + what).to_string()
    }

    pub fn org(self) -> String {
        self.id(1)
    }
    pub fn project(self) -> String {
        self.id(2)
    }
    pub fn node(self) -> String {
        self.id(3)
    }
    pub fn file(self) -> String {
        self.id(6)
    }
    pub fn template(self) -> String {
        self.id(8)
    }
    /// Somebody who is there to be managed, and never asks.
    pub fn user(self) -> String {
        self.id(10)
    }

    /// The path with its placeholders filled.
    pub fn fill(self, operation: &str, path: &str) -> String {
        let template = match operation {
            "template_apply" => SYSTEM_TEMPLATE.to_owned(),
            _ => self.template(),
        };
        let values = [
            ("orgId", self.org()),
            ("projectId", self.project()),
            ("nodeId", self.node()),
            ("inputId", self.id(4)),
            ("outputId", self.id(5)),
            ("fileId", self.file()),
            ("executionId", self.id(7)),
            ("templateId", template),
            ("userId", self.user()),
            ("tokenId", self.id(11)),
            ("notificationId", self.id(12)),
            ("version", "1".to_owned()),
            ("from", "1".to_owned()),
            ("to", "1".to_owned()),
            // Signed by nobody: what is missing in an address is a bad field of it.
            ("key", "a/b?expires=9999999999&signature=00".to_owned()),
        ];
        let mut path = path.to_owned();
        for (name, value) in values {
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        assert!(!path.contains('{'), "Things has nothing for {path}");
        path
    }

    /// Writes the rows, past every policy, with `people` in their roles.
    pub async fn insert(self, conn: &mut AsyncPgConnection, people: &[Person]) -> Self {
        let mut sql = ROWS.replace("{n}", &self.number.to_string());
        for what in 1..=12 {
            sql = sql.replace(&format!("{{{what}}}"), &format!("'{}'", self.id(what)));
        }
        for person in people {
            let (org, user) = (self.org(), &person.user);
            if let Some(role) = person.org {
                sql += &format!(
                    "insert into org_members (id, org_id, user_id, role, created_at) \
                     values (gen_random_uuid(), '{org}', '{user}', '{role}', now());"
                );
            }
            if let Some(role) = person.project {
                let project = self.project();
                sql += &format!(
                    "insert into project_members (id, org_id, project_id, user_id, role, created_at) \
                     values (gen_random_uuid(), '{org}', '{project}', '{user}', '{role}', now());"
                );
            }
        }
        conn.batch_execute(&sql).await.unwrap();
        self
    }
}

const ROWS: &str = "
insert into organizations (id, name, slug, created_at, updated_at)
    values ({1}, 'Org', 'org-{n}', now(), now());
insert into users (id, cognito_sub, email, created_at, updated_at)
    values ({10}, 'managed-{n}', 'managed-{n}@example.com', now(), now());
insert into org_members (id, org_id, user_id, role, created_at)
    values ({10}, {1}, {10}, 'member', now());
insert into tokens (id, org_id, name, rights, revocation_id, created_by, expires_at, created_at)
    values ({11}, {1}, 'Token', '[]', 'revocation-{n}', {10}, now() + interval '1 hour', now());
insert into notifications (id, org_id, user_id, type, title, created_at)
    values ({12}, {1}, {10}, 'node_assigned', 'News', now());
insert into projects (id, org_id, name, created_at, updated_at)
    values ({2}, {1}, 'Project', now(), now());
insert into project_members (id, org_id, project_id, user_id, role, created_at)
    values ({10}, {1}, {2}, {10}, 'viewer', now());
insert into files (id, org_id, storage_key, storage_bucket, filename, content_type, processing_status,
        confirmed_at, extracted_text, created_at, updated_at)
    values ({6}, {1}, 'roles/{n}', 'files', 'a.txt', 'text/plain', 'complete', now(), 'words', now(), now());
insert into nodes (id, org_id, project_id, title, status, author_type, version, created_at, updated_at)
    values ({3}, {1}, {2}, 'Node', 'draft', 'human', 1, now(), now());
insert into node_versions (id, org_id, node_id, version, snapshot, change_type, created_at)
    select {9}, {1}, {3}, 1, jsonb_build_object('id', n.id, 'orgId', n.org_id, 'projectId', n.project_id,
        'title', n.title, 'status', n.status, 'authorType', n.author_type, 'version', 1,
        'metadata', n.metadata, 'createdAt', n.created_at, 'updatedAt', n.updated_at,
        'inputs', jsonb_build_array(), 'outputs', jsonb_build_array()), 'created', now()
    from nodes n where n.id = {3};
insert into node_inputs (id, org_id, node_id, input_type, file_id, created_at)
    values ({4}, {1}, {3}, 'file', {6}, now());
insert into node_outputs (id, org_id, node_id, output_type, text_content, created_at)
    values ({5}, {1}, {3}, 'text', 'words', now());
insert into templates (id, org_id, name, created_at, updated_at)
    values ({8}, {1}, 'Template', now(), now());
insert into agent_executions (id, org_id, project_id, node_id, status, model_id, thread_id, last_sequence,
        head_hash, created_at, updated_at)
    values ({7}, {1}, {2}, {3}, 'complete', 'demo/analyst', 'thread', 1, 'hash', now(), now());
insert into agent_trace_events (id, org_id, execution_id, sequence_number, event_type, event_data,
        occurred_at, lease_epoch, prev_hash, hash)
    values ({7}, {1}, {7}, 1, 'execution_complete', '{}', now(), 1, '', 'hash');
";

/// Who may call an operation, as the document says under `x-access`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Open,
    Signed,
    Own,
    Needs(Action),
}

/// One operation of the document, with its line of the table.
pub struct Operation {
    pub line: &'static Line,
    pub method: String,
    pub path: String,
    pub access: Access,
    /// Its parameters in the query.
    pub query: Vec<String>,
}

/// Every operation of the document. Fails when one has no line, or a line no operation.
pub fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(server::document()).unwrap();
    let mut operations = Vec::new();
    let mut missing = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, value) in item.as_object().unwrap() {
            let Some(id) = value["operationId"].as_str() else {
                continue;
            };
            match LINES.iter().find(|line| line.operation == id) {
                Some(line) => operations.push(operation(line, method, path, value)),
                None => missing.push(id.to_owned()),
            }
        }
    }
    assert!(
        missing.is_empty(),
        "give these a line in roles/table.rs: {missing:?}"
    );
    for line in LINES {
        let there = operations
            .iter()
            .any(|operation| operation.line.operation == line.operation);
        assert!(
            there,
            "{} is in roles/table.rs and not in the document",
            line.operation
        );
    }
    operations
}

fn operation(line: &'static Line, method: &str, path: &str, value: &Value) -> Operation {
    let access = match value["x-access"]["action"].as_str().unwrap() {
        "open" => Access::Open,
        "signed" => Access::Signed,
        "own" | "bearer" => Access::Own,
        action => Access::Needs(Action::parse(action).unwrap()),
    };
    let parameters = value["parameters"].as_array().into_iter().flatten();
    let in_query = parameters.filter(|parameter| parameter["in"] == "query");
    Operation {
        line,
        method: method.to_uppercase(),
        // The client's paths are below the API's; two slashes are the root.
        path: match path.strip_prefix(server::API) {
            Some(rest) => rest.to_owned(),
            None => format!("/{path}"),
        },
        access,
        query: in_query
            .map(|p| p["name"].as_str().unwrap().to_owned())
            .collect(),
    }
}

impl Operation {
    /// Calls it with these things.
    pub async fn call(&self, client: &Client, things: Things) -> Answer {
        let path = things.fill(self.line.operation, &self.path);
        let body = (self.line.body)(&things);
        self.send(client, &path, body).await
    }

    pub async fn send(&self, client: &Client, path: &str, body: Value) -> Answer {
        let request = client.request(&self.method, path);
        client
            .send(if body.is_null() {
                request
            } else {
                request.json(&body)
            })
            .await
    }
}
