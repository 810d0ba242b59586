//! Asking the database in plain SQL, and rows to ask about: at least one in every
//! tenant table, for each of two organizations.

use diesel::{
    QueryableByName,
    pg::Pg,
    result::Error,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncConnectionCore, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use crate::support::Database;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The one text column of a query, named `text`.
pub async fn texts(conn: &mut impl AsyncConnectionCore<Backend = Pg>, sql: &str) -> Vec<String> {
    let lines: Vec<Line> = diesel::sql_query(sql).load(conn).await.unwrap();
    lines.into_iter().map(|line| line.text).collect()
}

/// How many rows `from` has: a table, or a table with a condition.
pub async fn count(conn: &mut AsyncPgConnection, from: &str) -> i64 {
    let sql = format!("select count(*) as count from {from}");
    let row: Count = diesel::sql_query(sql).get_result(conn).await.unwrap();
    row.count
}

#[derive(QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// How Postgres would run `query`.
pub async fn plan(conn: &mut AsyncPgConnection, query: &str) -> String {
    let explain = diesel::sql_query(format!("explain {query}"));
    let lines: Vec<PlanLine> = explain.load(conn).await.unwrap();
    lines.into_iter().map(|line| line.line + "\n").collect()
}

/// Runs `statement` and answers how many rows it touched, undoing it all the same.
pub async fn attempt(conn: &mut AsyncPgConnection, statement: &str) -> Result<usize, Error> {
    conn.batch_execute("savepoint attempt").await.unwrap();
    let outcome = diesel::sql_query(statement).execute(conn).await;
    conn.batch_execute("rollback to savepoint attempt")
        .await
        .unwrap();
    outcome
}

/// The tables with an `org_id`, as the catalogue knows them.
pub async fn tenant_tables(conn: &mut AsyncPgConnection) -> Vec<String> {
    texts(
        conn,
        "select c.relname::text as text from pg_class c \
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped \
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1",
    )
    .await
}

/// An organization with a row in every tenant table, and its owner. Ids are counted
/// from `number`, so that a test can name any of them.
#[derive(Debug, Clone, Copy)]
pub struct Tenant {
    pub number: u128,
}

impl Tenant {
    /// The id of the organization's `what`-th thing; see `insert`.
    pub fn id(self, what: u128) -> Uuid {
        Uuid::from_u128((self.number << 64) + what)
    }

    pub fn org(self) -> Uuid {
        self.id(1)
    }

    pub fn user(self) -> Uuid {
        self.id(2)
    }

    /// Writes the rows as the superuser, past every policy.
    pub async fn insert(self, database: &Database) {
        let mut sql = ROWS.replace("{n}", &self.number.to_string());
        // From the highest down: {1} must not eat the beginning of {12}.
        for what in (1..=20).rev() {
            sql = sql.replace(&format!("{{{what}}}"), &format!("'{}'", self.id(what)));
        }
        database.execute(&sql).await;
    }
}

/// Two organizations that know nothing of each other.
pub async fn two_tenants(database: &Database) -> (Tenant, Tenant) {
    let (a, b) = (Tenant { number: 1 }, Tenant { number: 2 });
    a.insert(database).await;
    b.insert(database).await;
    (a, b)
}

/// Sets the scope of the transaction that `conn` is in, as `Db::tx` does.
pub async fn scope(conn: &mut AsyncPgConnection, setting: &str, value: &str) {
    conn.batch_execute(&format!(
        "select set_config('app.{setting}', '{value}', true)"
    ))
    .await
    .unwrap();
}

const ROWS: &str = "
insert into organizations (id, name, slug, created_at, updated_at)
    values ({1}, 'Org {n}', 'org-{n}', now(), now());
insert into users (id, cognito_sub, email, created_at, updated_at)
    values ({2}, 'user-{n}', 'user-{n}@example.com', now(), now());
insert into org_members (id, org_id, user_id, role, created_at)
    values ({3}, {1}, {2}, 'owner', now());
insert into audit_log (id, org_id, actor_user_id, action, resource_type, created_at)
    values ({4}, {1}, {2}, 'org.create', 'organization', now());
insert into notifications (id, org_id, user_id, type, title, created_at)
    values ({5}, {1}, {2}, 'mention', 'Hello', now());
insert into tokens (id, org_id, name, rights, revocation_id, created_at)
    values ({6}, {1}, 'CI', '[]', 'revocation-{n}', now());
insert into projects (id, org_id, name, created_at, updated_at)
    values ({7}, {1}, 'Project', now(), now());
insert into project_members (id, org_id, project_id, user_id, role, created_at)
    values ({8}, {1}, {7}, {2}, 'admin', now());
insert into files (id, org_id, storage_key, storage_bucket, filename, content_type, created_at, updated_at)
    values ({9}, {1}, 'key-{n}', 'bucket', 'a.txt', 'text/plain', now(), now());
insert into nodes (id, org_id, project_id, title, status, author_type, version, created_at, updated_at)
    values ({10}, {1}, {7}, 'Upstream', 'draft', 'human', 1, now(), now()),
           ({11}, {1}, {7}, 'Downstream', 'draft', 'human', 1, now(), now());
insert into node_versions (id, org_id, node_id, version, snapshot, change_type, created_at)
    values ({12}, {1}, {10}, 1, '{}', 'created', now());
insert into node_inputs (id, org_id, node_id, input_type, source_node_id, created_at)
    values ({13}, {1}, {11}, 'node_reference', {10}, now());
insert into node_outputs (id, org_id, node_id, output_type, text_content, created_at)
    values ({14}, {1}, {10}, 'text', 'words', now());
insert into node_dependencies (id, org_id, source_node_id, target_node_id, target_input_id, created_at)
    values ({15}, {1}, {10}, {11}, {13}, now());
insert into templates (id, org_id, name, created_at, updated_at)
    values ({16}, {1}, 'Template', now(), now());
insert into agent_executions (id, org_id, project_id, node_id, status, model_id, thread_id, created_at, updated_at)
    values ({17}, {1}, {7}, {10}, 'pending', 'demo/analyst', 'thread', now(), now());
insert into agent_trace_events (id, org_id, execution_id, sequence_number, event_type, event_data,
        occurred_at, lease_epoch, prev_hash, hash)
    values ({18}, {1}, {17}, 1, 'execution_start', '{}', now(), 1, '', 'hash');
insert into human_requests (id, org_id, execution_id, call_id, request_type, prompt, status, created_at)
    values ({18}, {1}, {17}, 'call', 'question', 'Which?', 'pending', now());
insert into outbox (id, org_id, topic, name, payload, created_at)
    values ({19}, {1}, 'event', 'node_created', '{}', now());
insert into jobs (id, org_id, queue, body, run_at, created_at)
    values ({20}, {1}, 'agent', '{}', now(), now());
insert into budgets (id, org_id, scope_type, scope_id, created_at, updated_at)
    values ({20}, {1}, 'organization', {1}, now(), now());
insert into agent_executions (id, org_id, project_id, node_id, status, model_id, thread_id, created_at, updated_at)
    values ({20}, {1}, {7}, {11}, 'complete', 'demo/analyst', 'thread', now(), now());
insert into budget_reservations (execution_id, org_id, budgets, micros, tokens, lost_micros, lost_tokens, created_at)
    values ({20}, {1}, '{}', 0, 0, 0, 0, now());
insert into chunks (id, org_id, file_id, ordinal, content, sha256, created_at)
    values ({20}, {1}, {9}, 0, 'words', 'hash', now());
insert into chunk_vectors (org_id, model, chunk_id, embedding)
    values ({1}, 'm', {20}, '[1,0]');
insert into embeddings (org_id, model, dimensions, due_at, created_at)
    values ({1}, 'm', 2, now(), now());
insert into index_work (org_id, kind, owner_id, due_at, created_at)
    values ({1}, 'file', {9}, now(), now());
insert into sealed_keys (id, org_id, field, key_id, sealed, created_at)
    values ({20}, {1}, 'selfHostedKey', 1, 'sealed', now());
insert into storage_usage (org_id, bytes) values ({1}, 0);
insert into idempotency_keys (user_id, key, request_hash, status, created_at)
    values ({2}, 'key', 'hash', 201, now());
";
