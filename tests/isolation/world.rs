//! The organizations, each with one of everything, its mark in every text.
//!
//! Person `n` owns organization `n` and is a member of the next one, so that some tokens
//! open two doors and every connection serves both.

use std::sync::Mutex;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    dice::Dice,
    support::{Client, TestApp},
};

/// The mark of an organization's texts.
pub fn mark(number: usize) -> String {
    format!("tenant{number:04}")
}

/// The mark of a person's name and address.
pub fn person(number: usize) -> String {
    format!("person{number:04}")
}

/// One organization and who owns it.
pub struct Tenant {
    pub number: usize,
    /// The owner's token, and a narrowed one of a program.
    pub token: String,
    pub program: String,
    pub user: String,
    pub org: String,
    pub project: String,
    pub template: String,
    pub file: String,
    pub execution: String,
    /// Nodes that were there a moment ago.
    nodes: Mutex<Vec<String>>,
    /// Paths of inputs and outputs that were there a moment ago.
    attachments: Mutex<Vec<String>>,
}

/// All of them.
pub struct World {
    pub tenants: Vec<Tenant>,
}

/// The ids that a request is made of: somebody's, or nobody's.
#[derive(Debug, Clone)]
pub struct Things {
    pub org: String,
    pub project: String,
    pub node: String,
    /// A second node.
    pub other: String,
    pub template: String,
    pub file: String,
    pub execution: String,
    /// The path of an input or output.
    pub attachment: String,
}

impl Things {
    /// Such as nobody has.
    pub fn unknown(dice: &mut Dice) -> Self {
        Things {
            org: dice.id(),
            project: dice.id(),
            node: dice.id(),
            other: dice.id(),
            template: dice.id(),
            file: dice.id(),
            execution: dice.id(),
            attachment: format!("/nodes/{}/inputs/{}", dice.id(), dice.id()),
        }
    }

    /// Our own, but everything that a body names is of `others`.
    pub fn naming(self, others: Things) -> Self {
        Things {
            other: others.other,
            template: others.template,
            file: others.file,
            ..self
        }
    }
}

impl Tenant {
    /// Some of its things.
    pub fn things(&self, dice: &mut Dice) -> Things {
        Things {
            org: self.org.clone(),
            project: self.project.clone(),
            node: one_of(&self.nodes, dice),
            other: one_of(&self.nodes, dice),
            template: self.template.clone(),
            file: self.file.clone(),
            execution: self.execution.clone(),
            attachment: one_of(&self.attachments, dice),
        }
    }

    pub fn node_count(&self) -> usize {
        self.nodes.lock().unwrap().len()
    }

    pub fn add_node(&self, id: &str) {
        self.nodes.lock().unwrap().push(id.to_owned());
    }

    /// Forgets a node, but never the last one that we know.
    pub fn forget_node(&self, id: &str) {
        forget(&self.nodes, id);
    }

    pub fn add_attachment(&self, path: String) {
        self.attachments.lock().unwrap().push(path);
    }

    pub fn forget_attachment(&self, path: &str) {
        forget(&self.attachments, path);
    }

    async fn seed(test: &TestApp, number: usize) -> Self {
        let client = test.user(&person(number)).await;
        let mark = mark(number);
        let (org, project) = client.workspace(&mark).await;
        let rights = ["org.read", "project.read", "node.read", "node.update"];
        let program = json!({ "name": mark, "rights": rights });
        let program = client.post(&format!("/orgs/{org}/tokens"), program).await;
        let nodes = format!("/projects/{project}/nodes");
        let root = client.post(&nodes, json!({ "title": mark })).await.id();
        let below = json!({ "title": mark, "parentId": root });
        let below = client.post(&nodes, below).await.id();
        let output = json!({ "outputType": "text", "textContent": mark, "label": mark });
        let outputs = format!("/nodes/{root}/outputs");
        let output = client.post(&outputs, output).await.id();
        let template = json!({ "orgId": org, "name": mark, "description": mark,
            "structure": { "outputs": [{ "label": mark, "type": "text" }] } });
        let file = json!({ "filename": mark, "contentType": "text/plain" });
        let file = client
            .post(&format!("/orgs/{org}/files/upload"), file)
            .await;
        let run = client.post_empty(&format!("/nodes/{below}/execute")).await;
        Tenant {
            number,
            token: client.token().to_owned(),
            program: text(&program.expect(201)["token"]),
            user: client.get("/users/me").await.id(),
            template: client.post("/templates", template).await.id(),
            file: text(&file.expect(200)["fileId"]),
            execution: text(&run.expect(201)["execution"]["id"]),
            nodes: Mutex::new(vec![root.clone(), below]),
            attachments: Mutex::new(vec![format!("/nodes/{root}/outputs/{output}")]),
            org,
            project,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn one_of(known: &Mutex<Vec<String>>, dice: &mut Dice) -> String {
    let known = known.lock().unwrap();
    known[dice.below(known.len())].clone()
}

fn forget(known: &Mutex<Vec<String>>, gone: &str) {
    let mut known = known.lock().unwrap();
    if known.len() > 1 {
        known.retain(|one| one != gone);
    }
}

impl World {
    /// Makes `count` organizations, through the API as anybody would.
    pub async fn seed(test: &TestApp, count: usize) -> Self {
        let seeds = (0..count).map(|number| Tenant::seed(test, number));
        let mut tenants: Vec<Tenant> = stream::iter(seeds).buffer_unordered(8).collect().await;
        tenants.sort_by_key(|tenant| tenant.number);
        let world = World { tenants };
        for tenant in &world.tenants {
            let next = world.after(tenant.number);
            let owner = Client::new(&test.url, Some(&next.token));
            let body = json!({ "email": format!("{}@example.com", person(tenant.number)), "role": "member" });
            let members = format!("/orgs/{}/members", next.org);
            owner.post(&members, body).await.expect(201);
        }
        world
    }

    /// The organization after this one, of which this one's owner is a member.
    pub fn after(&self, number: usize) -> &Tenant {
        &self.tenants[(number + 1) % self.tenants.len()]
    }

    /// An organization in which this one's owner is nobody.
    pub fn foreign(&self, number: usize, dice: &mut Dice) -> &Tenant {
        let further = 2 + dice.below(self.tenants.len() - 2);
        &self.tenants[(number + further) % self.tenants.len()]
    }

    /// Whether person `number` belongs to organization `org`.
    pub fn belongs(&self, number: usize, org: usize) -> bool {
        number == org || (number + 1) % self.tenants.len() == org
    }
}
