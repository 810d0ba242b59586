//! Whether the database itself is as it must be: read from its catalogue.

use diesel::{QueryableByName, sql_types::Text};
use diesel_async::RunQueryDsl;

use super::{Db, migrate};
use crate::{
    config::DatabaseConfig,
    kernel::{Finding, Result, Scope},
};

/// Tables that are not the tenants' and have no row-level security.
const SHARED: &[&str] = &[
    // Which migrations ran.
    "__diesel_schema_migrations",
    // Opaque ids, looked up before the bearer's organization is known.
    "token_revocations",
];

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Looks for migrations that have not run.
pub async fn migrations(config: &DatabaseConfig) -> Result<Option<Finding>> {
    let pending = migrate::pending(&config.app()?).await?;
    Ok(Finding::of_some(
        "migration_pending",
        "The database lacks migrations that this program knows.",
        pending,
        "Run `glassbox migrate`.",
    ))
}

/// Looks for tables that keep tenants apart by nothing, and at our own role's power.
pub async fn security(db: &Db) -> Result<Vec<Finding>> {
    let bare = names(
        db,
        "select c.relname::text as name from pg_class c \
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') \
           and not (c.relrowsecurity and c.relforcerowsecurity \
                and exists (select from pg_policy p where p.polrelid = c.oid)) order by 1",
    )
    .await?;
    let bare: Vec<String> = bare
        .into_iter()
        .filter(|name| !SHARED.contains(&name.as_str()))
        .collect();
    let mighty = names(
        db,
        "select rolname::text as name from pg_roles \
         where rolname = current_user and (rolsuper or rolbypassrls)",
    )
    .await?;
    let found = [
        Finding::of_some(
            "table_without_security",
            "Tables lack row-level security, or it is not forced, or no policy says who sees what.",
            bare,
            "Enable and force it and add a policy, as docs/CONTRIBUTING.md says; until then every \
             tenant can reach these rows.",
        ),
        Finding::of_some(
            "role_bypasses_security",
            "The application connects as a role that row-level security does not hold for.",
            mighty,
            "Take SUPERUSER and BYPASSRLS from it, or name the application's role in database.url.",
        ),
    ];
    Ok(found.into_iter().flatten().collect())
}

async fn names(db: &Db, sql: &'static str) -> Result<Vec<String>> {
    let rows: Vec<Name> = db
        .tx(Scope::Nobody, async |tx| {
            Ok(diesel::sql_query(sql).load(tx.conn()).await?)
        })
        .await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}
