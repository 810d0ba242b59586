//! `glassbox doctor`: whether a live system is as it must be, and what to do where not.
//!
//! It reads as the application's role, so it sees what the program sees and can change
//! nothing that the program could not; it asks each part for its own findings.

use std::{process::ExitCode, sync::Arc};

use clap::Args;
use serde_json::json;

use super::compose;
use crate::{
    config::{Config, StorageKind},
    executions, files,
    kernel::{Finding, Result, clock::System},
    nodes, outbox,
    platform::{
        blobs::{Blobs, Folder, S3},
        db::{self, Db},
        queue,
    },
};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Check the journal of every execution, and not of the newest 200 alone.
    #[arg(long)]
    all: bool,
    /// Answer in JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// Executions whose journals are checked unless all are.
const SAMPLE: usize = 200;

/// What the command ends with when it could not look.
const COULD_NOT_LOOK: u8 = 2;

/// Runs every check. Ends with 0 when nothing was found, 1 when something was, 2 when it
/// could not look.
pub async fn run(config: &Config, args: &DoctorArgs) -> ExitCode {
    match examine(config, args).await {
        Ok(findings) => {
            tell(&findings, args.json);
            ExitCode::from(u8::from(!findings.is_empty()))
        }
        Err(error) => {
            super::fail(&super::last_word(&error));
            ExitCode::from(COULD_NOT_LOOK)
        }
    }
}

async fn examine(config: &Config, args: &DoctorArgs) -> Result<Vec<Finding>> {
    // The other checks ask for columns that a migration may be missing for.
    if let Some(pending) = db::doctor::migrations(&config.database).await? {
        return Ok(vec![pending]);
    }
    let database = Db::new(&config.database, Arc::new(System), Arc::new(System))?;
    let mut findings = db::doctor::security(&database).await?;
    findings.extend(outbox::doctor(&database).await?);
    findings.extend(queue::doctor(&database).await?);
    let queue = compose::queue(&config.queue, &database);
    findings.extend(queue::doctor_of_dead(&*queue).await?);
    findings.extend(nodes::ops::doctor(&database).await?);
    let storage = storage(config)?;
    let blobs = storage.as_deref();
    if let Some(blobs) = blobs {
        let is_payload = executions::ops::payloads::is_key;
        findings.extend(files::ops::doctor::doctor(&database, blobs, is_payload).await?);
        findings.extend(executions::ops::payloads::doctor(&database, blobs).await?);
    }
    findings.extend(files::ops::doctor::usage(&database).await?);
    let sample = (!args.all).then_some(SAMPLE);
    let runs = executions::ops::doctor::doctor(&database, blobs, &config.agent, sample).await?;
    findings.extend(runs);
    Ok(findings)
}

/// The storage; none where it is a folder that is not on this machine. It is only listed and
/// read, so how it is reached from outside does not matter.
pub(super) fn storage(config: &Config) -> Result<Option<Box<dyn Blobs>>> {
    if config.storage.kind == StorageKind::S3 {
        return Ok(Some(Box::new(S3::new(&config.storage))));
    }
    let place = &config.storage.folder;
    // To open one would make it.
    if !place.is_dir() {
        return Ok(None);
    }
    let secret = config.storage.secret()?;
    let folder = Folder::new(place, "http://localhost", secret)?;
    Ok(Some(Box::new(folder)))
}

#[expect(
    clippy::print_stdout,
    reason = "what was found is this command's output"
)]
fn tell(findings: &[Finding], as_json: bool) {
    if as_json {
        println!(
            "{}",
            json!({ "healthy": findings.is_empty(), "findings": findings })
        );
        return;
    }
    if findings.is_empty() {
        println!("Nothing found.");
    }
    for finding in findings {
        println!("{}: {}", finding.check, finding.what);
        for id in &finding.ids {
            println!("  {id}");
        }
        println!("  → {}", finding.advice);
    }
}
