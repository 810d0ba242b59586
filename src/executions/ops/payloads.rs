//! Payloads that are too large for their rows, in the storage.
//!
//! A content lies under a key made of the organization, the execution and its hash, which
//! readers make anew from the entry's own row: what an entry says can't lead anywhere else. It
//! is stored before the transaction that writes its entry, so a crash between the two leaves
//! bytes that no entry refers to; a retry writes them again, and a sweep removes them once
//! their execution has ended.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::json;
use tokio::io::AsyncReadExt;

use super::super::{
    model::{PayloadRef, TraceEvent},
    store,
};
use crate::{
    files,
    kernel::{
        Code, Error, ExecutionId, Finding, OrgId, Result, Scope, canonical,
        error::Kind,
        event::{Job, QueueName},
    },
    platform::{
        blobs::{BlobKey, Blobs, OldKeys},
        db::Db,
    },
};

pub use super::super::model::payload::{Content, Stored};

/// Bytes are stored before the entry that refers to them; so long the entry may take.
const PATIENCE: TimeDelta = TimeDelta::hours(1);
/// Contents asked for at a time.
const BATCH: usize = 500;
/// Keys that a finding names at most.
const NAMED: usize = 20;
/// How long the storage may take for one content.
const TIME: Duration = Duration::from_secs(30);
/// The second segment of the keys of payloads.
const FOLDER: &str = "payloads";

fn key(org: OrgId, execution: ExecutionId, sha256: &str) -> Result<BlobKey> {
    BlobKey::parse(&format!("{org}/{FOLDER}/{execution}/{sha256}.json"))
}

/// Stores contents that entries of `execution` will refer to.
///
/// Bytes that are there already are written again: a sweep may be about to take old ones away.
///
/// # Errors
/// [`Code::Unavailable`] when the storage does not take them.
pub async fn put(
    blobs: &dyn Blobs,
    (org, execution): (OrgId, ExecutionId),
    contents: Vec<Content>,
    stored: &mut Stored,
) -> Result<()> {
    for content in contents {
        let key = key(org, execution, &content.sha256)?;
        let bytes = Bytes::copy_from_slice(content.text.as_bytes());
        in_time(blobs.put(&key, "application/json", bytes)).await?;
        stored.note(&content);
    }
    Ok(())
}

/// Puts back what of an entry's payload is kept apart.
///
/// # Errors
/// [`Code::Unavailable`] when the storage does not answer. [`Code::Unprocessable`] when it has
/// lost the content or has another one.
pub async fn make_whole(blobs: &dyn Blobs, org: OrgId, event: &mut TraceEvent) -> Result<()> {
    for (name, part) in event.payload_refs.clone().unwrap_or_default() {
        let key = key(org, event.execution_id, &part.sha256).ok();
        let text = match &key {
            Some(key) => content(blobs, key, &part).await?,
            None => None,
        };
        let Some(text) = text else {
            let number = event.sequence_number;
            return Err(Error::new(
                Code::Unprocessable,
                format!("The storage has lost or changed {name} of entry {number}."),
            )
            .with_details(json!({ "sequenceNumber": number, "field": name })));
        };
        event.put_back(&name, &text)?;
    }
    Ok(())
}

/// The content under `key`; `None` when it is not there or another one.
async fn content(blobs: &dyn Blobs, key: &BlobKey, part: &PayloadRef) -> Result<Option<String>> {
    let read = async {
        let reader = match blobs.open(key).await {
            Ok(reader) => reader,
            Err(error) if matches!(error.code().kind(), Kind::NotFound | Kind::Internal) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if reader.info().size != part.bytes {
            return Ok(None);
        }
        let mut text = Vec::new();
        let read = reader.take(part.bytes).read_to_end(&mut text).await;
        read.map_err(|error| unavailable().because(error))?;
        let is_same = canonical::sha256(&text) == part.sha256;
        Ok(String::from_utf8(text).ok().filter(|_| is_same))
    };
    in_time(read).await
}

async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(TIME, work).await {
        Ok(done) => done,
        Err(_) => Err(unavailable()),
    }
}

fn unavailable() -> Error {
    Error::new(Code::Unavailable, "The storage does not answer.")
}

/// The job that removes a content that its entry has given up.
pub(super) fn deletion_job(org: OrgId, execution: ExecutionId, sha256: &str) -> Result<Job> {
    let key = key(org, execution, sha256)?;
    Ok(Job {
        queue: QueueName::File,
        org,
        body: json!({ "deleteKey": key }),
    })
}

/// Removes contents that no entry refers to and none will; answers how many.
pub async fn sweep(db: &Db, blobs: &dyn Blobs) -> Result<usize> {
    let mut removed = 0;
    let mut old = OldKeys::new(blobs, db.now() - PATIENCE);
    while let Some(keys) = old.page().await? {
        for key in unclaimed(db, keys).await? {
            blobs.delete(&BlobKey::parse(&key)?).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Contents that no entry refers to, that none will, and that no job is about to remove.
pub async fn doctor(db: &Db, blobs: &dyn Blobs) -> Result<Option<Finding>> {
    let (mut count, mut named) = (0, Vec::new());
    let mut old = OldKeys::new(blobs, db.now() - PATIENCE);
    while let Some(keys) = old.page().await? {
        let keys = keys.into_iter().filter(|key| is_key(key)).collect();
        let keys = files::ops::doctor::unclaimed(db, keys).await?;
        let unclaimed = unclaimed(db, keys).await?;
        count += unclaimed.len();
        named.extend(unclaimed);
        named.truncate(NAMED);
    }
    Ok(Finding::of_some(
        "orphaned_payload",
        format!("The storage holds {count} payloads that no journal refers to."),
        named,
        "An agent worker removes them within an hour; see that one runs.",
    ))
}

/// Those of `keys` that are payloads and that no entry refers to or can still come to.
async fn unclaimed(db: &Db, keys: Vec<String>) -> Result<Vec<String>> {
    let mut by_org: BTreeMap<OrgId, Vec<(ExecutionId, String)>> = BTreeMap::new();
    for place in keys.iter().filter_map(|key| Place::of(key)) {
        let content = (place.execution, place.sha256.to_owned());
        by_org.entry(place.org).or_default().push(content);
    }
    let mut unclaimed = Vec::new();
    for (org, contents) in by_org {
        for batch in contents.chunks(BATCH) {
            let scope = Scope::Org { org, user: None };
            let ask = async |tx: &mut _| store::payloads::unclaimed(tx, org, batch).await;
            for (execution, sha256) in db.tx(scope, ask).await? {
                unclaimed.push(key(org, execution, &sha256)?.to_string());
            }
        }
    }
    Ok(unclaimed)
}

/// Whether `key` is that of a payload.
pub fn is_key(key: &str) -> bool {
    Place::of(key).is_some()
}

/// Where a content lies.
struct Place<'a> {
    org: OrgId,
    execution: ExecutionId,
    sha256: &'a str,
}

impl<'a> Place<'a> {
    /// `None` when `key` is that of something else.
    fn of(key: &'a str) -> Option<Self> {
        let mut segments = key.split('/');
        let mut next = || segments.next();
        let (org, folder, execution, name) = (next()?, next()?, next()?, next()?);
        let sha256 = name.strip_suffix(".json")?;
        (folder == FOLDER && next().is_none()).then_some(())?;
        Some(Place {
            org: OrgId::from_str(org).ok()?,
            execution: ExecutionId::from_str(execution).ok()?,
            sha256,
        })
    }
}
