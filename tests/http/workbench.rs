//! A workspace to try things in: Ada's organization with one project, and ways to set
//! up what no operation can yet.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking, as tests do"
)]

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Jsonb},
};
use glassbox::kernel::clock::{Ids, System};
use serde_json::{Value, json};

use crate::support::{Answer, Client, Database, TestApp};

/// An id that nothing has.
pub const NOTHING: &str = "019c0000-0000-7000-8000-000000000001";

pub struct Workbench {
    pub test: TestApp,
    pub ada: Client,
    pub org: String,
    pub project: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Document {
    #[diesel(sql_type = Jsonb)]
    document: Value,
}

impl Workbench {
    pub async fn start() -> Self {
        Self::of(TestApp::start().await).await
    }

    pub async fn of(test: TestApp) -> Self {
        let ada = test.user("ada").await;
        let (org, project) = ada.workspace("labs").await;
        Workbench {
            test,
            ada,
            org,
            project,
        }
    }

    /// Another project of the organization; answers its id.
    pub async fn project_named(&self, name: &str) -> String {
        let path = format!("/orgs/{}/projects", self.org);
        self.ada.post(&path, json!({ "name": name })).await.id()
    }

    /// Makes a node from a body; answers its id.
    pub async fn node(&self, body: Value) -> String {
        let path = format!("/projects/{}/nodes", self.project);
        let answer = self.ada.post(&path, body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.id()
    }

    pub async fn titled(&self, title: &str) -> String {
        self.node(json!({ "title": title })).await
    }

    pub async fn child(&self, title: &str, parent: &str) -> String {
        self.node(json!({ "title": title, "parentId": parent }))
            .await
    }

    pub async fn read(&self, node: &str) -> Value {
        self.ada.get(&format!("/nodes/{node}")).await.expect(200)
    }

    pub async fn patch(&self, node: &str, body: Value) -> Answer {
        self.ada.patch(&format!("/nodes/{node}"), body).await
    }

    /// Makes `source` an input of `node`.
    pub async fn refer(&self, node: &str, source: &str) -> Answer {
        let body = json!({ "inputType": "node_reference", "sourceNodeId": source });
        self.ada.post(&format!("/nodes/{node}/inputs"), body).await
    }

    /// A member of the organization with this role.
    pub async fn member(&self, subject: &str, role: &str) -> Client {
        let client = self.test.user(subject).await;
        let sql = format!(
            "insert into org_members (id, org_id, user_id, role, created_at) \
             select gen_random_uuid(), '{}', id, '{role}', now() from users \
             where cognito_sub = '{subject}'",
            self.org
        );
        self.test.database.execute(&sql).await;
        client
    }

    pub async fn join_project(&self, subject: &str, project: &str, role: &str) {
        let sql = format!(
            "insert into project_members (id, org_id, project_id, user_id, role, created_at) \
             select gen_random_uuid(), '{}', '{project}', id, '{role}', now() from users \
             where cognito_sub = '{subject}'",
            self.org
        );
        self.test.database.execute(&sql).await;
    }

    /// A file of the organization that `subject` uploaded; answers its id.
    pub async fn file(&self, subject: &str) -> String {
        self.file_in(&self.org, subject).await
    }

    pub async fn file_in(&self, org: &str, subject: &str) -> String {
        let id = System.uuid().to_string();
        let sql = format!(
            "insert into files (id, org_id, storage_key, storage_bucket, filename, content_type, \
             uploaded_by, created_at, updated_at) \
             select '{id}', '{org}', 'k', 'b', 'pier.txt', 'text/plain', id, now(), now() \
             from users where cognito_sub = '{subject}'"
        );
        self.test.database.execute(&sql).await;
        id
    }

    /// Gives the node's lock to `subject` for some minutes, or, if negative, until then.
    pub async fn lock(&self, node: &str, subject: &str, minutes: i32) {
        let sql = format!(
            "update nodes set locked_at = now(), lock_expires_at = now() + interval '{minutes} minutes', \
             locked_by = (select id from users where cognito_sub = '{subject}') where id = '{node}'"
        );
        self.test.database.execute(&sql).await;
    }

    pub async fn count(&self, table: &str) -> i64 {
        use diesel_async::RunQueryDsl;
        let mut admin = self.test.database.admin().await;
        let row: Count = diesel::sql_query(format!("select count(*) as count from {table}"))
            .get_result(&mut admin)
            .await
            .unwrap();
        row.count
    }

    /// The rows of a query as JSON objects.
    pub async fn rows(&self, query: &str) -> Vec<Value> {
        Self::rows_of(&self.test.database, query).await
    }

    /// The rows of a query in any database as JSON objects.
    pub async fn rows_of(database: &Database, query: &str) -> Vec<Value> {
        use diesel_async::RunQueryDsl;
        let mut admin = database.admin().await;
        let sql = format!("select to_jsonb(q) as document from ({query}) q");
        let rows: Vec<Document> = diesel::sql_query(sql).load(&mut admin).await.unwrap();
        rows.into_iter().map(|row| row.document).collect()
    }

    /// Every event so far, oldest first.
    pub async fn events(&self) -> Vec<Value> {
        self.rows(
            "select name, channels, payload from outbox where topic = 'event' order by position",
        )
        .await
    }

    /// A node's versions, oldest first.
    pub async fn versions(&self, node: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut path = format!("/nodes/{node}/versions");
        loop {
            let page = self.ada.get(&path).await.expect(200);
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            let Some(cursor) = page["nextCursor"].as_str() else {
                break;
            };
            path = format!("/nodes/{node}/versions?cursor={cursor}");
        }
        all.reverse();
        all
    }
}

/// The fields that a VALIDATION_FAILED answer names.
#[track_caller]
pub fn bad_fields(answer: &Answer) -> Vec<String> {
    answer.expect_problem(400, "VALIDATION_FAILED");
    let fields = answer.body["details"]["fields"].as_array().unwrap();
    let name = |field: &Value| field["field"].as_str().unwrap().to_owned();
    fields.iter().map(name).collect()
}
