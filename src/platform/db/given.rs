//! Preparing a server that somebody else runs, for `glassbox dev --database-url`.
//!
//! Nothing here drops or resets anything. The application's role is only touched when
//! a comment on it says that we made it: another one's password may be in use.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use secrecy::{ExposeSecret, SecretString};

use super::migrate::{self, APP_ROLE, exists};
use crate::kernel::{Code, Error, Result};

/// The comment by which we know a role that we made.
const OURS: &str = "made by glassbox dev";

/// Makes sure that the database has pgvector and that the application's role, when it
/// is ours, has this password.
pub async fn prepare(owner_url: &SecretString, app_password: &SecretString) -> Result<()> {
    let mut conn = migrate::connect(owner_url).await?;
    migrate::check_version(&mut conn).await?;
    migrate::lock(&mut conn).await?;
    have_vector(&mut conn).await?;
    have_role(&mut conn, app_password).await
}

/// Fails unless the application's role gets in.
pub async fn check_app(app_url: &SecretString) -> Result<()> {
    match migrate::connect(app_url).await {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::new(
            Code::Unavailable,
            format!(
                "The server has a role {APP_ROLE} that was not made here, and it does not let us in with \
                 the database_password in the data folder's secrets.toml; put that role's password there, \
                 or drop the role."
            ),
        )
        .because(error)),
    }
}

async fn have_vector(conn: &mut AsyncPgConnection) -> Result<()> {
    let query = |catalogue: &str, column: &str| {
        format!("select exists(select from {catalogue} where {column} = 'vector') as yes")
    };
    if exists(conn, &query("pg_extension", "extname")).await? {
        return Ok(());
    }
    if !exists(conn, &query("pg_available_extensions", "name")).await? {
        return Err(Error::new(
            Code::Unavailable,
            "This Postgres has no pgvector; install the extension on the server (the image \
             pgvector/pgvector has it), or leave out --database-url to use a private one.",
        ));
    }
    conn.batch_execute("create extension vector")
        .await
        .map_err(|error| {
            Error::new(
                Code::Unavailable,
                "The user of --database-url may not make extensions; let a superuser run \
                 `create extension vector` in that database once.",
            )
            .because(error)
        })
}

async fn have_role(conn: &mut AsyncPgConnection, password: &SecretString) -> Result<()> {
    let there = format!("select exists(select from pg_roles where rolname = '{APP_ROLE}') as yes");
    if !exists(conn, &there).await? {
        migrate::make_app_role(conn, Some(password)).await?;
        let mark = format!("comment on role {APP_ROLE} is '{OURS}'");
        conn.batch_execute(&mark).await?;
        return Ok(());
    }
    let ours = format!(
        "select exists(select from pg_roles where rolname = '{APP_ROLE}' \
         and shobj_description(oid, 'pg_authid') = '{OURS}') as yes"
    );
    if !exists(conn, &ours).await? {
        return Ok(());
    }
    let password = password.expose_secret().replace('\'', "''");
    conn.batch_execute(&format!("alter role {APP_ROLE} password '{password}'"))
        .await
        // The statement holds the password; its text must not travel with the error.
        .map_err(|_| {
            Error::new(
                Code::Unavailable,
                format!("The user of --database-url may not set the password of {APP_ROLE}; it needs CREATEROLE."),
            )
        })
}
