//! Two organizations in one database. All statements here are without a `WHERE`,
//! because forgetting one must not leak.

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use uuid::Uuid;

use crate::{
    rows::{attempt, count, plan, scope, tenant_tables, texts, two_tenants},
    support::Database,
};

/// Tables that an organization's own scope does not read: the relay's and the queue's.
const PLUMBING: &[&str] = &["jobs", "outbox"];

async fn begin(database: &Database) -> AsyncPgConnection {
    let mut app = database.app().await;
    app.batch_execute("begin").await.unwrap();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_scope_there_are_no_rows() {
    let database = Database::create().await;
    two_tenants(&database).await;
    let mut admin = database.admin().await;
    let mut app = begin(&database).await;
    let mut tables = tenant_tables(&mut admin).await;
    tables.extend(["organizations", "users", "idempotency_keys"].map(str::to_owned));
    for table in tables {
        let there = count(&mut admin, &table).await;
        assert!(there >= 2, "give {table} a row in rows.rs");
        assert_eq!(count(&mut app, &table).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_organization_sees_its_own_rows_and_no_other() {
    let database = Database::create().await;
    let (a, b) = two_tenants(&database).await;
    let mut app = begin(&database).await;
    scope(&mut app, "org_id", &a.org().to_string()).await;
    scope(&mut app, "user_id", &a.user().to_string()).await;
    for table in tenant_tables(&mut database.admin().await).await {
        let theirs = format!("{table} where org_id = '{}'", b.org());
        assert_eq!(count(&mut app, &theirs).await, 0, "{table}");
        let all = count(&mut app, &table).await;
        // The system's templates belong to nobody, and are there for everybody.
        let system = count(&mut app, &format!("{table} where org_id is null")).await;
        assert!(system == 0 || table == "templates", "{table}");
        let own = count(&mut app, &format!("{table} where org_id = '{}'", a.org())).await;
        let all = all - system;
        assert_eq!(all, own, "{table}");
        let hidden = PLUMBING.contains(&table.as_str());
        assert_eq!(own == 0, hidden, "{table} shows {own} rows");
    }
    assert_eq!(count(&mut app, "organizations").await, 1);
    assert_eq!(count(&mut app, "users").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_touches_the_rows_of_another_organization() {
    let database = Database::create().await;
    let (a, b) = two_tenants(&database).await;
    let mut app = begin(&database).await;
    scope(&mut app, "org_id", &a.org().to_string()).await;
    scope(&mut app, "user_id", &a.user().to_string()).await;
    for table in tenant_tables(&mut database.admin().await).await {
        for statement in [
            format!(
                "update {table} set org_id = org_id where org_id = '{}'",
                b.org()
            ),
            format!("delete from {table} where org_id = '{}'", b.org()),
        ] {
            // Refused outright where the right was revoked; else there is no such row.
            let touched = attempt(&mut app, &statement).await.unwrap_or(0);
            assert_eq!(touched, 0, "{statement}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_can_be_made_for_another_organization_or_moved_there() {
    let database = Database::create().await;
    let (a, b) = two_tenants(&database).await;
    let mut admin = database.admin().await;
    let mut app = begin(&database).await;
    scope(&mut app, "org_id", &a.org().to_string()).await;
    scope(&mut app, "user_id", &a.user().to_string()).await;
    for table in tenant_tables(&mut admin).await {
        let forged = forged(&mut admin, &table, a.org(), b.org()).await;
        let error = attempt(&mut app, &forged).await.expect_err(&table);
        assert!(refused(&error), "{table}: {error}");
        if PLUMBING.contains(&table.as_str()) {
            continue;
        }
        let moved = format!("update {table} set org_id = '{}'", b.org());
        let error = attempt(&mut app, &moved).await.expect_err(&table);
        assert!(refused(&error), "{table}: {error}");
    }
}

/// A policy or a missing right said no. Any other failure would prove nothing.
fn refused(error: &Error) -> bool {
    let text = error.to_string();
    text.contains("violates row-level security policy") || text.contains("permission denied")
}

/// An insert of a row that is like one of `own`'s, but of `other`'s.
async fn forged(conn: &mut AsyncPgConnection, table: &str, own: Uuid, other: Uuid) -> String {
    let columns = format!(
        "select string_agg(quote_ident(attname), ', ') as text from pg_attribute \
         where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped \
           and attgenerated = '' and attidentity = ''"
    );
    let columns = texts(conn, &columns).await.remove(0);
    let row = format!(
        "select quote_literal((to_jsonb(t) || jsonb_build_object( \
             'id', gen_random_uuid(), 'org_id', '{other}'::uuid))::text) as text \
         from {table} t where org_id = '{own}' limit 1"
    );
    let row = texts(conn, &row).await.remove(0);
    format!(
        "insert into {table} ({columns}) \
         select {columns} from jsonb_populate_record(null::{table}, {row}::jsonb)"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_key_can_not_cross_organizations_even_for_the_superuser() {
    let database = Database::create().await;
    let (a, b) = two_tenants(&database).await;
    let mut admin = database.admin().await;
    // Checks come before foreign keys; without them it is the keys that answer.
    let checks = texts(
        &mut admin,
        "select format('alter table %s drop constraint %I', conrelid::regclass, conname) as text \
         from pg_constraint where contype = 'c' and connamespace = 'public'::regnamespace",
    )
    .await;
    admin.batch_execute(&checks.join("; ")).await.unwrap();
    let crossings = texts(&mut admin, &crossings(a.org(), b.org())).await;
    assert!(crossings.len() >= 15, "{crossings:?}");
    admin.batch_execute("begin").await.unwrap();
    for crossing in crossings {
        let outcome = attempt(&mut admin, &crossing).await;
        let by_key = matches!(
            outcome,
            Err(Error::DatabaseError(
                DatabaseErrorKind::ForeignKeyViolation,
                _
            ))
        );
        assert!(by_key, "{crossing}: {outcome:?}");
    }
}

/// A query for statements, one for each foreign key between tenant tables, that point
/// the rows of `own` at a row of `other`.
/// Keys that parts of a table have from the whole are tried there.
fn crossings(own: Uuid, other: Uuid) -> String {
    format!(
        "select format('update %s set %s where org_id = %L', c.conrelid::regclass, \
             string_agg(format('%I = (select %I from %s where org_id = %L order by id limit 1)', \
                 mine.attname, theirs.attname, c.confrelid::regclass, '{other}'), ', '), \
             '{own}') as text \
         from pg_constraint c \
         cross join unnest(c.conkey, c.confkey) as pair (con, conf) \
         join pg_attribute mine on mine.attrelid = c.conrelid and mine.attnum = pair.con \
         join pg_attribute theirs on theirs.attrelid = c.confrelid and theirs.attnum = pair.conf \
         where c.contype = 'f' and c.conparentid = 0 and mine.attname <> 'org_id' \
           and exists (select from pg_attribute o where o.attrelid = c.confrelid and o.attname = 'org_id') \
           and exists (select from pg_attribute o where o.attrelid = c.conrelid and o.attname = 'org_id') \
         group by c.oid, c.conrelid, c.confrelid"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_shows_its_users_whatever_the_case_and_nothing_else() {
    let database = Database::create().await;
    let (a, b) = two_tenants(&database).await;
    database
        .execute(&format!(
            "update users set email = 'Ada@example.com' where id = '{}'; \
             update users set email = 'ada@example.com.evil' where id = '{}'",
            a.user(),
            b.user()
        ))
        .await;
    let mut app = begin(&database).await;
    scope(&mut app, "email", "aDA@example.com").await;
    let ids = texts(&mut app, "select id::text as text from users").await;
    assert_eq!(ids, [a.user().to_string()]);
    let mut tables = tenant_tables(&mut database.admin().await).await;
    tables.push("organizations".to_owned());
    for table in tables {
        assert_eq!(count(&mut app, &table).await, 0, "{table}");
    }
    let touched = attempt(&mut app, "update users set name = 'x'").await;
    assert_eq!(touched.unwrap(), 0);
    for other in ["", "%", "ada@example.co"] {
        scope(&mut app, "email", other).await;
        assert_eq!(count(&mut app, "users").await, 0, "{other:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_found_by_its_index_among_many() {
    let database = Database::create().await;
    database
        .execute(
            "insert into users (id, cognito_sub, email, created_at, updated_at) \
             select gen_random_uuid(), 's' || n, 'User-' || n || '@example.com', now(), now() \
             from generate_series(1, 20000) n; analyze users",
        )
        .await;
    let mut app = begin(&database).await;
    scope(&mut app, "email", "user-7@example.com").await;
    let found = "(select from users where email_key = lower('USER-7@example.com') limit 2) found";
    assert_eq!(count(&mut app, found).await, 1);
    let plan = plan(&mut app, &format!("select * from {found}")).await;
    assert!(plan.contains("users_by_email"), "{plan}");
}
