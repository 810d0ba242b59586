//! Read from the catalogue, so that a table of tomorrow is covered too: row-level
//! security on every tenant table, an application role that can't get around it,
//! indexes under every foreign key.

use diesel_async::AsyncPgConnection;

use crate::{
    rows::{count, tenant_tables, texts},
    support::Database,
};

/// Tables that are not the tenants' and have no row-level security.
const SHARED: &[&str] = &[
    // Which migrations ran.
    "__diesel_schema_migrations",
    // Opaque ids, looked up before the bearer's organization is known.
    "token_revocations",
];

/// Tables without all three: security on, forced on the owner too, and a policy.
async fn unprotected(conn: &mut AsyncPgConnection) -> Vec<String> {
    texts(
        conn,
        "select c.relname::text as text from pg_class c \
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') \
           and not (c.relrowsecurity and c.relforcerowsecurity \
                and exists (select from pg_policy p where p.polrelid = c.oid)) order by 1",
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_but_the_shared_two_has_forced_row_level_security_and_a_policy() {
    let database = Database::create().await;
    let mut admin = database.admin().await;
    assert_eq!(unprotected(&mut admin).await, SHARED);
    let tenants = tenant_tables(&mut admin).await;
    assert!(tenants.len() >= 18, "{tenants:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_lacks_any_of_the_three_is_found() {
    let database = Database::create().await;
    database
        .execute(
            "create table bare (id uuid, org_id uuid); \
             create table unforced (id uuid, org_id uuid); \
             alter table unforced enable row level security; \
             create policy tenant on unforced using (org_id = app.org_id()); \
             create table lawless (id uuid, org_id uuid); \
             alter table lawless enable row level security; \
             alter table lawless force row level security;",
        )
        .await;
    let found = unprotected(&mut database.admin().await).await;
    for offender in ["bare", "unforced", "lawless"] {
        assert!(found.iter().any(|name| name == offender), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_owns_nothing_and_can_not_bypass_a_policy() {
    let database = Database::create().await;
    let mut app = database.app().await;
    let powers = "pg_roles where rolname = current_user \
                  and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)";
    assert_eq!(count(&mut app, powers).await, 0);
    for owned in [
        "pg_class where relowner = (select oid from pg_roles where rolname = current_user)",
        "pg_proc where proowner = (select oid from pg_roles where rolname = current_user)",
        "pg_namespace where nspowner = (select oid from pg_roles where rolname = current_user)",
        "pg_auth_members where member = (select oid from pg_roles where rolname = current_user)",
    ] {
        assert_eq!(count(&mut app, owned).await, 0, "{owned}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_function_runs_with_more_rights_than_its_caller() {
    let database = Database::create().await;
    let mut admin = database.admin().await;
    let definers = texts(
        &mut admin,
        "select p.proname::text as text from pg_proc p \
         where p.prosecdef and p.pronamespace in ('app'::regnamespace, 'public'::regnamespace)",
    )
    .await;
    assert!(definers.is_empty(), "{definers:?}");
}

/// Foreign keys without an index that leads with their columns, in any order: what
/// deletes the row they point at reads more than it should. May only shrink.
const WITHOUT_INDEX: &[&str] = &[
    // An index that leads with the organization narrows these.
    // `nodes_by_parent` leads with two of the three.
    "nodes(org_id, project_id, parent_id)",
    // Short tables: they hold what has not been swept yet.
    "jobs(org_id)",
    "outbox(org_id)",
    // People are not deleted one by one while others wait.
    "agent_executions(started_by)",
    "audit_log(actor_user_id)",
    "files(uploaded_by)",
    "node_versions(changed_by)",
    "nodes(author_user_id)",
    "nodes(locked_by)",
    "nodes(supervisor_user_id)",
    "templates(created_by)",
    "tokens(created_by)",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_foreign_key_has_an_index_or_a_reason() {
    let database = Database::create().await;
    let bare = texts(
        &mut database.admin().await,
        "select c.conrelid::regclass::text || '(' || ( \
             select string_agg(a.attname, ', ' order by k.place) \
             from unnest(c.conkey) with ordinality k (attnum, place) \
             join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum) || ')' as text \
         from pg_constraint c \
         where c.contype = 'f' and c.connamespace = 'public'::regnamespace \
           and not exists (select from pg_index i where i.indrelid = c.conrelid \
               and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey) \
         order by 1",
    )
    .await;
    let mut listed = WITHOUT_INDEX.to_vec();
    listed.sort_unstable();
    assert_eq!(bare, listed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_between_tenant_tables_names_the_organization() {
    let database = Database::create().await;
    let blind = texts(
        &mut database.admin().await,
        "select c.conrelid::regclass::text || ' -> ' || c.confrelid::regclass::text as text \
         from pg_constraint c \
         join pg_attribute own on own.attrelid = c.conrelid and own.attname = 'org_id' \
         join pg_attribute other on other.attrelid = c.confrelid and other.attname = 'org_id' \
         where c.contype = 'f' and not own.attnum = any (c.conkey) order by 1",
    )
    .await;
    assert!(blind.is_empty(), "{blind:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tenant_table_can_be_found_by_its_organization() {
    let database = Database::create().await;
    let scanned = texts(
        &mut database.admin().await,
        "select c.relname::text as text from pg_class c \
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' \
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' \
           and not exists (select from pg_index i \
               where i.indrelid = c.oid and i.indkey[0] = a.attnum) order by 1",
    )
    .await;
    // Read by the program's plumbing over all organizations, never by one of them.
    assert_eq!(scanned, ["jobs", "outbox"]);
}
