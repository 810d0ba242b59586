//! What `dev` says when it can't start: one sentence that says what to do.

use std::path::Path;

use tempfile::TempDir;

use tokio::process::Command;

use super::{command, free_port};

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
async fn production_starts_no_command_with_development_tokens_or_a_known_key() {
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
