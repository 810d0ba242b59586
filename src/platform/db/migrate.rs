//! Bringing a database to the schema this program needs, as its owner.
//!
//! The migrations are part of the binary. Before the first one runs, the server is
//! checked (row-level security had holes in older releases) and the application's
//! role is made, so that the grants in the migrations find it. Running twice does
//! nothing the second time; two at once wait for each other.

use diesel::{
    QueryableByName,
    migration::MigrationSource,
    pg::Pg,
    sql_types::{Bool, Integer, Text},
};
use diesel_async::{
    AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use secrecy::{ExposeSecret, SecretString};

use crate::kernel::{Code, Error, Result};

/// The migrations, compiled into the program.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The role the application connects as. The migrations grant to it by this name.
pub const APP_ROLE: &str = "glassbox_app";
/// The role that owns the schema in the clusters we make ourselves.
pub const OWNER_ROLE: &str = "glassbox_owner";

/// Any number, the same in every release: it keeps two migrators apart.
const LOCK: i64 = 0x676c_6173_7362_6f78;

/// A migration and whether it has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its name: `2026-01-28-000001_tenancy`.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// Runs every pending migration and answers their names. `app_password` is given to
/// the application's role when it is made here.
pub async fn up(
    owner_url: &SecretString,
    app_password: Option<&SecretString>,
) -> Result<Vec<String>> {
    let mut conn = connect(owner_url).await?;
    check_version(&mut conn).await?;
    lock(&mut conn).await?;
    make_app_role(&mut conn, app_password).await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let applied = tokio::task::block_in_place(|| {
        harness
            .run_pending_migrations(MIGRATIONS)
            .map(|done| done.iter().map(ToString::to_string).collect())
            .map_err(Error::internal)
    })?;
    // Readiness asks, as the application, whether the schema is the one it knows.
    harness
        .into_inner()
        .batch_execute(&format!(
            "grant select on __diesel_schema_migrations to {APP_ROLE}"
        ))
        .await?;
    Ok(applied)
}

/// Takes back the last `count` migrations, newest first, and answers their names.
pub async fn down(owner_url: &SecretString, count: usize) -> Result<Vec<String>> {
    let mut conn = connect(owner_url).await?;
    lock(&mut conn).await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    tokio::task::block_in_place(|| {
        let applied = harness.applied_migrations().map_err(Error::internal)?.len();
        (0..count.min(applied))
            .map(|_| {
                harness
                    .revert_last_migration(MIGRATIONS)
                    .map(|version| version.to_string())
                    .map_err(Error::internal)
            })
            .collect()
    })
}

/// Every migration this program knows, oldest first.
pub async fn status(url: &SecretString) -> Result<Vec<MigrationState>> {
    let mut harness = AsyncMigrationHarness::new(connect(url).await?);
    tokio::task::block_in_place(|| {
        let pending: Vec<String> = harness
            .pending_migrations(MIGRATIONS)
            .map_err(Error::internal)?
            .iter()
            .map(|m| m.name().to_string())
            .collect();
        let mut names: Vec<String> = MigrationSource::<Pg>::migrations(&MIGRATIONS)
            .map_err(Error::internal)?
            .iter()
            .map(|m| m.name().to_string())
            .collect();
        names.sort();
        Ok(names
            .into_iter()
            .map(|name| MigrationState {
                applied: !pending.contains(&name),
                name,
            })
            .collect())
    })
}

/// The migrations that the database lacks, oldest first. Asks as the application too,
/// which may read the list of migrations but not make it.
pub async fn pending(url: &SecretString) -> Result<Vec<String>> {
    let mut conn = connect(url).await?;
    let there = "select to_regclass('public.__diesel_schema_migrations') is not null as yes";
    let applied: Vec<Applied> = if exists(&mut conn, there).await? {
        diesel::sql_query("select version from public.__diesel_schema_migrations")
            .load(&mut conn)
            .await?
    } else {
        Vec::new()
    };
    let mut names: Vec<String> = MigrationSource::<Pg>::migrations(&MIGRATIONS)
        .map_err(Error::internal)?
        .iter()
        .filter(|m| {
            let version = m.name().version().to_string();
            !applied.iter().any(|applied| applied.version == version)
        })
        .map(|m| m.name().to_string())
        .collect();
    names.sort();
    Ok(names)
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Prepares a cluster of our own: the owner role, the database, pgvector. `admin` is
/// the URL of its superuser for one of its databases.
pub async fn bootstrap(admin: impl Fn(&str) -> String, database: &str) -> Result<()> {
    let mut conn = connect(&admin("postgres").into()).await?;
    lock(&mut conn).await?;
    if !exists(
        &mut conn,
        &format!("select exists(select from pg_roles where rolname = '{OWNER_ROLE}') as yes"),
    )
    .await?
    {
        conn.batch_execute(&format!("create role {OWNER_ROLE} login createrole"))
            .await?;
    }
    if !exists(
        &mut conn,
        &format!("select exists(select from pg_database where datname = '{database}') as yes"),
    )
    .await?
    {
        conn.batch_execute(&format!(
            "create database \"{database}\" owner {OWNER_ROLE}"
        ))
        .await?;
    }
    let mut conn = connect(&admin(database).into()).await?;
    conn.batch_execute("create extension if not exists vector")
        .await?;
    Ok(())
}

pub(super) async fn connect(url: &SecretString) -> Result<AsyncPgConnection> {
    let mut conn = AsyncPgConnection::establish(url.expose_secret())
        .await
        .map_err(|error| {
            Error::new(
                Code::Unavailable,
                format!("The database does not let us in: {error}. Check that it runs and that the URL is right."),
            )
        })?;
    conn.batch_execute("set client_min_messages = warning")
        .await?;
    Ok(conn)
}

/// Waits for another migrator; the lock goes with the connection.
pub(super) async fn lock(conn: &mut AsyncPgConnection) -> Result<()> {
    conn.batch_execute(&format!("select pg_advisory_lock({LOCK})"))
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Yes {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

pub(super) async fn exists(conn: &mut AsyncPgConnection, sql: &str) -> Result<bool> {
    Ok(diesel::sql_query(sql).get_result::<Yes>(conn).await?.yes)
}

#[derive(QueryableByName)]
struct ServerVersion {
    #[diesel(sql_type = Integer)]
    number: i32,
}

pub(super) async fn check_version(conn: &mut AsyncPgConnection) -> Result<()> {
    let version: ServerVersion =
        diesel::sql_query("select current_setting('server_version_num')::int as number")
            .get_result(conn)
            .await?;
    if version_is_safe(version.number) {
        return Ok(());
    }
    Err(Error::new(
        Code::Unavailable,
        format!(
            "Postgres {}.{} is too old: row-level security leaks in it (CVE-2025-8713). \
             Use 16.10, 17.6, 18 or newer.",
            version.number / 10_000,
            version.number % 10_000
        ),
    ))
}

/// Refuses a database under which tenants would not be kept apart: a server with a known leak,
/// or a role of ours that row-level security does not hold for.
pub async fn check_safe(url: &SecretString) -> Result<()> {
    let mut conn = connect(url).await?;
    check_version(&mut conn).await?;
    let mighty = "select exists(select from pg_roles where rolname = current_user \
                  and (rolsuper or rolbypassrls)) as yes";
    if exists(&mut conn, mighty).await? {
        return Err(Error::new(
            Code::Unavailable,
            format!(
                "The role in database.url can bypass row-level security, which keeps organizations \
                 apart. Connect as {APP_ROLE}, which `glassbox migrate` makes."
            ),
        ));
    }
    Ok(())
}

/// CVE-2025-8713 was mended in 16.10 and 17.6.
fn version_is_safe(number: i32) -> bool {
    match number / 10_000 {
        16 => number >= 160_010,
        17 => number >= 170_006,
        major => major >= 18,
    }
}

/// Makes the application's role, or checks that the one there is can't get around
/// row-level security.
pub(super) async fn make_app_role(
    conn: &mut AsyncPgConnection,
    password: Option<&SecretString>,
) -> Result<()> {
    if !exists(
        conn,
        &format!("select exists(select from pg_roles where rolname = '{APP_ROLE}') as yes"),
    )
    .await?
    {
        let password = password.map_or(String::new(), |p| {
            format!(" password '{}'", p.expose_secret().replace('\'', "''"))
        });
        conn.batch_execute(&format!(
            "create role {APP_ROLE} login nosuperuser nocreatedb nocreaterole nobypassrls{password}"
        ))
        .await
        // The statement holds a password; its text must not travel with the error.
        .map_err(|_| {
            Error::new(
                Code::Unavailable,
                format!("The role {APP_ROLE} does not exist and could not be made: the owner needs CREATEROLE."),
            )
        })?;
    }
    let unsafe_role = format!(
        "select exists(select from pg_roles where rolname = '{APP_ROLE}' and (rolsuper or rolbypassrls)) as yes"
    );
    if exists(conn, &unsafe_role).await? {
        return Err(Error::new(
            Code::Unavailable,
            format!(
                "The role {APP_ROLE} can bypass row-level security. Take SUPERUSER and BYPASSRLS from it."
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::version_is_safe;

    #[test]
    fn releases_with_the_leak_are_refused() {
        for old in [150_018, 160_009, 170_005] {
            assert!(!version_is_safe(old), "{old}");
        }
        for new in [160_010, 170_006, 180_000, 190_001] {
            assert!(version_is_safe(new), "{new}");
        }
    }
}
