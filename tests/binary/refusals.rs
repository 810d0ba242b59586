//! What the program says when it can't start, or should not: one sentence that says what to do.

use std::{path::Path, process::Stdio};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use super::{command, free_port, support::Database};

/// Runs it to its end and answers what it said on standard error.
async fn refused(mut command: tokio::process::Command) -> String {
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let said = said.trim();
    assert!(
        said.starts_with("glassbox: ") && said.ends_with('.'),
        "{said:?}"
    );
    assert_eq!(said.lines().count(), 1, "{said:?}");
    said.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_a_way_out() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = TempDir::new().unwrap();
    let said = refused(command(folder.path(), port)).await;
    assert!(
        said.contains(&port.to_string()) && said.contains("--port"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_for_metrics_that_is_in_use_is_named_by_every_role() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let folder = TempDir::new().unwrap();
    let mut programs = vec![command(&folder.path().join("data"), free_port())];
    for role in ["serve", "agent-worker", "file-worker"] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_glassbox"));
        program
            .current_dir(folder.path())
            .arg(role)
            .env("GLASSBOX_ENV", "test")
            .env("GLASSBOX_SERVER__PORT", free_port().to_string())
            .env("GLASSBOX_LOG__FILTER", "off")
            .stdin(std::process::Stdio::null());
        programs.push(program);
    }
    for mut program in programs {
        program.env("GLASSBOX_TELEMETRY__METRICS_LISTEN", address.to_string());
        let said = refused(program).await;
        assert!(
            said.contains(&address.port().to_string()) && said.contains("telemetry.metrics_listen"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_for_metrics_that_is_none_is_named() {
    let mut dev = command(&TempDir::new().unwrap().path().join("data"), free_port());
    dev.env("GLASSBOX_TELEMETRY__METRICS_LISTEN", "9464");
    let said = refused(dev).await;
    assert!(said.contains("telemetry.metrics_listen"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_can_not_be_made_is_named_with_a_way_out() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let said = refused(command(&file.path().join("below"), free_port())).await;
    assert!(said.contains("--data-dir"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_postgres_programs_is_named_with_a_way_out() {
    let folder = TempDir::new().unwrap();
    let mut dev = command(folder.path(), free_port());
    dev.arg("--pg-bin").arg(Path::new("/nonexistent"));
    let said = refused(dev).await;
    assert!(said.contains("/nonexistent"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_database_is_never_reset() {
    let folder = TempDir::new().unwrap();
    let mut dev = command(folder.path(), free_port());
    dev.args([
        "--reset",
        "--database-url",
        "postgres://nobody@127.0.0.1:1/x",
    ]);
    let said = refused(dev).await;
    assert!(said.contains("--database-url"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn production_starts_no_command_with_development_tokens_a_known_key_or_without_tls() {
    for (variable, value, setting) in [
        ("GLASSBOX_AUTH__DEV_TOKENS", "true", "auth.dev_tokens"),
        (
            "GLASSBOX_AUTH__SIGNING_KEY",
            "dededededededededededededededededededededededededededededededede",
            "auth.signing_key",
        ),
        (
            "GLASSBOX_STORAGE__URL_SECRET",
            "development-only-url-secret-of-32-characters",
            "storage.url_secret",
        ),
    ] {
        for subcommand in ["serve", "agent-worker", "file-worker", "migrate", "seed"] {
            let folder = TempDir::new().unwrap();
            let mut program = Command::new(env!("CARGO_BIN_EXE_glassbox"));
            program
                .current_dir(folder.path())
                .arg(subcommand)
                .env("GLASSBOX_ENV", "production")
                .env(variable, value)
                .stdin(std::process::Stdio::null());
            let said = refused(program).await;
            assert!(said.contains(setting), "{subcommand}: {said}");
            assert!(value == "true" || !said.contains(value), "{said}");
        }
    }
}

/// A role on this database, in production, with settings of its own.
fn role(subcommand: &str, folder: &Path, database: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_glassbox"));
    program
        .current_dir(folder)
        .arg(subcommand)
        .envs([
            ("GLASSBOX_ENV", "production"),
            ("GLASSBOX_DATABASE__URL", database),
            ("GLASSBOX_SERVER__PORT", "0"),
            ("GLASSBOX_AUTH__SIGNING_KEY", &distinct(1)),
            ("GLASSBOX_VAULT__KEY", &distinct(2)),
            ("GLASSBOX_STORAGE__URL_SECRET", &distinct(3)),
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    program
}

/// What a role says that does not start on this database.
async fn refused_role(subcommand: &str, folder: &Path, database: &str) -> String {
    let mut program = role(subcommand, folder, database);
    program.env("GLASSBOX_LOG__FILTER", "off");
    refused(program).await
}

/// A key that nobody has published.
fn distinct(seed: u8) -> String {
    glassbox::kernel::canonical::sha256(&[seed, 0x67])
}

const ROLES: [&str; 3] = ["serve", "agent-worker", "file-worker"];

#[tokio::test(flavor = "multi_thread")]
async fn no_role_works_as_one_that_row_level_security_does_not_hold_for() {
    let database = Database::create().await;
    database
        .execute("create role bypasser login bypassrls")
        .await;
    let folder = TempDir::new().unwrap();
    for subcommand in ROLES {
        for mighty in ["postgres", "bypasser"] {
            let said = refused_role(subcommand, folder.path(), &database.url_of(mighty)).await;
            assert!(
                said.contains("row-level security") && said.contains("database.url"),
                "{subcommand}: {said}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_works_on_a_postgres_that_is_known_to_leak() {
    let database = Database::create().await;
    // A server that gives itself out as an older one.
    let name = database
        .text("select current_database()::text as text")
        .await;
    database
        .execute(&format!(
            "create schema older; grant usage on schema older to public; \
             create function older.current_setting(text) returns text language sql as \
             $$ select case $1 when 'server_version_num' then '160009' \
                else pg_catalog.current_setting($1) end $$; \
             alter role glassbox_app in database {name} set search_path = older, pg_catalog, public"
        ))
        .await;
    let folder = TempDir::new().unwrap();
    for subcommand in ROLES {
        let said = refused_role(subcommand, folder.path(), &database.app_url()).await;
        assert!(
            said.contains("Postgres 16.9 is too old") && said.contains("16.10"),
            "{subcommand}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_database_is_named_and_its_password_is_not() {
    let url = format!(
        "postgres://glassbox_app:hush-hush@127.0.0.1:{}/x",
        free_port()
    );
    let folder = TempDir::new().unwrap();
    for subcommand in ROLES {
        let said = refused_role(subcommand, folder.path(), &url).await;
        assert!(said.contains("database"), "{subcommand}: {said}");
        assert!(!said.contains("hush-hush"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_that_contradict_each_other_are_told_and_do_not_stop_it() {
    let (database, folder) = (Database::create().await, TempDir::new().unwrap());
    let mut worker = role("agent-worker", folder.path(), &database.app_url());
    worker
        .env("GLASSBOX_NODES__LOCK_SECONDS", "29")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut worker = worker.spawn().unwrap();
    let mut log = BufReader::new(worker.stderr.take().unwrap()).lines();
    let told = loop {
        let line = log.next_line().await.unwrap().expect("it went on");
        if line.contains("contradict") {
            break line;
        }
    };
    assert!(told.contains("nodes.lock_seconds"), "{told}");
    assert!(worker.try_wait().unwrap().is_none());
    worker.kill().await.unwrap();
}
