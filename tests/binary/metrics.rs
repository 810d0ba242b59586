//! `/metrics` of the built program: every role has it where the settings say so.

use std::{collections::BTreeSet, path::Path, process::Stdio};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{
    Dev, command, free_port,
    support::{Database, Scrape, until},
};

const LISTEN: &str = "GLASSBOX_TELEMETRY__METRICS_LISTEN";

fn start(role: &str, database: &Database, folder: &Path, address: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_glassbox"))
        .current_dir(folder)
        .arg(role)
        .env("GLASSBOX_ENV", "test")
        .env("GLASSBOX_SERVER__PORT", free_port().to_string())
        .env("GLASSBOX_DATABASE__URL", database.app_url())
        .env("GLASSBOX_DATABASE__MAX_CONNECTIONS", "4")
        .env("GLASSBOX_AUTH__SIGNING_KEY", "07".repeat(32))
        .env("GLASSBOX_VAULT__KEY", "0a".repeat(32))
        .env("GLASSBOX_STORAGE__URL_SECRET", "a".repeat(40))
        .env("GLASSBOX_STORAGE__FOLDER", folder.join("blobs"))
        .env(LISTEN, address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn scraped(address: &str) -> Scrape {
    let url = format!("http://{address}/metrics");
    until("the metrics", async || {
        reqwest::get(&url).await.ok().map(drop)
    })
    .await;
    Scrape::of(address).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_tells_of_itself_and_those_that_serve_of_what_all_share() {
    let database = Database::create().await;
    let folder = TempDir::new().unwrap();
    for role in ["serve", "agent-worker", "file-worker"] {
        let address = format!("127.0.0.1:{}", free_port());
        let mut program = start(role, &database, folder.path(), &address);
        let told = scraped(&address).await;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        assert_eq!(told.get("glassbox_build_info", &version), 1.0);
        assert!(told.get("glassbox_db_connections_max", &[]) >= 4.0);
        assert!(told.get("process_resident_memory_bytes", &[]) > 1e6);
        let waiting = told.all("glassbox_outbox_waiting");
        assert_eq!(waiting.is_empty(), role != "serve", "{role}");
        program.kill().await.unwrap();
    }
}

/// The figures that the tables of `docs/TECHNICAL.md` have.
fn documented() -> BTreeSet<String> {
    let text = include_str!("../../docs/TECHNICAL.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows
        .filter_map(|row| row.split_once('`'))
        .map(|(name, _)| name);
    let ours = names.filter(|name| name.starts_with("glassbox_"));
    ours.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_tells_of_its_whole_job() {
    let (folder, port) = (TempDir::new().unwrap(), free_port());
    let address = format!("127.0.0.1:{}", free_port());
    let mut program = command(folder.path(), port);
    let mut child = program.env(LISTEN, &address).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(stdout));
    let mut dev = Dev { child, lines };
    dev.shown().await;
    let told = Scrape::of(&address).await;
    let complete = [("status", "complete")];
    assert!(told.get("glassbox_executions_ended_total", &complete) >= 1.0);
    assert!(told.get("glassbox_llm_tokens_total", &[("direction", "output")]) > 0.0);
    let read = told.all("glassbox_files_read_total");
    assert!(
        !read.is_empty()
            && read
                .iter()
                .all(|(labels, _)| labels["outcome"] == "complete")
    );
    let route = "/api/v1/nodes/{nodeId}/execute";
    let started = [("method", "POST"), ("route", route), ("status", "201")];
    assert_eq!(told.get("glassbox_http_requests_total", &started), 1.0);
    for source in ["database", "queue"] {
        assert_eq!(
            told.get("glassbox_scrape_success", &[("source", source)]),
            1.0
        );
    }
    let documented = documented();
    let ours = told.families().into_iter();
    let ours: BTreeSet<String> = ours.filter(|name| name.starts_with("glassbox_")).collect();
    assert_eq!(documented, ours, "docs/TECHNICAL.md has each, and no other");
    assert!(dev.interrupt().await.success());
}
