//! Journals in a file, and their check without a server or a database.
//!
//! JSON Lines: a [`Header`], then an entry a line, as `GET /executions/{id}/trace` shows
//! them. The file of a fork begins with the entries that it shares, so nothing else is
//! needed to check it. `docs/TECHNICAL.md` describes the format for other programs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{
        chain::Check,
        model::{Origin, Status, TraceEvent},
        store,
    },
    BATCH,
    fork::origin,
    payloads,
};
use crate::{
    kernel::{Code, Error, ExecutionId, NodeId, OrgId, Result, Scope},
    platform::{
        blobs::Blobs,
        db::{Db, Tx},
    },
};

/// What the first line calls the format.
pub const FORMAT: &str = "glassbox-trace";
/// The version of the format that this program writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Whose journal it is.
    pub execution_id: ExecutionId,
    /// The organization.
    pub org_id: OrgId,
    /// The node that it works on.
    pub node_id: NodeId,
    /// Where it stood.
    pub status: Status,
    /// When the file was written.
    pub exported_at: DateTime<Utc>,
    /// Whose entries follow, in this order: first what a fork shares, then its own.
    pub parts: Vec<Part>,
}

/// The entries 1 to `entries` of one execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Whose.
    pub execution_id: ExecutionId,
    /// How many.
    pub entries: i64,
    /// The hash of the last.
    pub head_hash: String,
}

/// Hands the lines of an execution's file to `write`, one after the other, and answers the
/// first. Payloads are whole in it, wherever they lie. For whoever holds the settings of the
/// database and the storage: it asks for nobody's rights.
///
/// # Errors
/// [`Code::Unprocessable`] when the storage has lost or changed a payload.
pub async fn trace_export(
    db: &Db,
    blobs: Option<&dyn Blobs>,
    id: ExecutionId,
    mut write: impl FnMut(&str) -> Result<()>,
) -> Result<Header> {
    let header = db
        .tx(Scope::System, async |tx| {
            let org = store::evidence::org_of(tx, id).await?;
            let org = org.ok_or_else(|| Error::not_found("execution"))?;
            tx.rescope(&Scope::Org { org, user: None });
            header(tx, org, id).await
        })
        .await?;
    write(&line(&header)?)?;
    let org = header.org_id;
    for part in &header.parts {
        let mut after = 0;
        while after < part.entries {
            let limit = BATCH.min(part.entries - after);
            let read = async |tx: &mut Tx| store::trace(tx, part.execution_id, after, limit).await;
            let batch = db.tx(Scope::Org { org, user: None }, read).await?;
            let Some(last) = batch.last() else { break };
            after = last.sequence_number;
            for mut event in batch {
                make_whole(blobs, org, &mut event).await?;
                write(&line(&event)?)?;
            }
        }
    }
    Ok(header)
}

async fn make_whole(blobs: Option<&dyn Blobs>, org: OrgId, event: &mut TraceEvent) -> Result<()> {
    match blobs {
        Some(blobs) => payloads::make_whole(blobs, org, event).await,
        None if event.payload_refs.is_none() => Ok(()),
        None => Err(Error::new(
            Code::Unavailable,
            "A part of the payloads lies in the storage, which is not reached by these settings.",
        )),
    }
}

async fn header(tx: &mut Tx, org: OrgId, id: ExecutionId) -> Result<Header> {
    let execution = store::get(tx, id).await?;
    let (entries, head_hash) = store::end_of(tx, id).await?;
    let own = Part {
        execution_id: id,
        entries,
        head_hash,
    };
    let mut parts = vec![own];
    let mut above = execution.forked_from;
    while let Some(point) = above {
        let last = store::fork::entry(tx, point.execution_id, point.sequence_number).await?;
        parts.push(Part {
            execution_id: point.execution_id,
            entries: point.sequence_number,
            head_hash: last.map(|entry| entry.hash).unwrap_or_default(),
        });
        above = store::fork::origin(tx, point.execution_id).await?;
    }
    parts.reverse();
    Ok(Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        execution_id: id,
        org_id: org,
        node_id: execution.node_id,
        status: execution.status,
        exported_at: tx.now(),
        parts,
    })
}

fn line(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// What the check of a file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The first line.
    pub header: Header,
    /// Entries that were read.
    pub entries: i64,
    /// Of them, those whose payload was removed.
    pub payloads_removed: i64,
    /// The first thing that is wrong.
    pub broken: Option<Broken>,
}

/// An entry that is not what it should be, or not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Whose.
    pub execution_id: ExecutionId,
    /// Which.
    pub sequence_number: i64,
    /// What is wrong with it, as the end of "entry 3 …".
    pub why: &'static str,
}

/// A check of a file, line by line.
#[derive(Debug)]
pub struct Reader {
    header: Header,
    place: usize,
    check: Check,
    /// What the first entry of the next part must say that it goes on from.
    expected: Option<Origin>,
    entries: i64,
    payloads_removed: i64,
    broken: Option<Broken>,
}

impl Reader {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`Code::MalformedRequest`] when it is not that of such a file.
    pub fn new(first: &str) -> Result<Self> {
        let no_file = |why: String| {
            let message = format!("This is no file that `glassbox trace export` wrote: {why}.");
            Error::new(Code::MalformedRequest, message)
        };
        let header: Header = serde_json::from_str(first).map_err(|e| no_file(e.to_string()))?;
        if (header.format.as_str(), header.version) != (FORMAT, VERSION) {
            let (format, version) = (&header.format, header.version);
            return Err(no_file(format!("its format is {format} {version}")));
        }
        let is_last = |part: &Part| part.execution_id == header.execution_id;
        if !header.parts.last().is_some_and(is_last) {
            return Err(no_file("its last part is not that of its execution".into()));
        }
        Ok(Reader {
            header,
            place: 0,
            check: Check::default(),
            expected: None,
            entries: 0,
            payloads_removed: 0,
            broken: None,
        })
    }

    /// Takes the next line.
    pub fn next(&mut self, text: &str) {
        self.skip_empty_parts();
        let Some(part) = self.header.parts.get(self.place).cloned() else {
            let number = self.entries + 1;
            return self.find(self.header.execution_id, number, "is one too many");
        };
        let number = self.check.count() + 1;
        self.entries += 1;
        let Ok(event) = serde_json::from_str::<TraceEvent>(text) else {
            self.find(part.execution_id, number, "can't be read");
            return;
        };
        if event.payload_refs.is_some() {
            self.find(
                part.execution_id,
                number,
                "is without a part of its payload",
            );
        }
        if event.execution_id != part.execution_id {
            self.find(part.execution_id, number, "is another execution's");
        }
        if number == 1 && origin(&event) != self.expected {
            let why = "does not say that it goes on from the entry before it";
            self.find(part.execution_id, number, why);
        }
        self.check.next(&event);
        if self.check.is_broken() {
            let why = "was changed, or does not follow the one before it";
            self.find(part.execution_id, number, why);
        }
        if number == part.entries {
            self.end_part(&part);
        }
    }

    /// What was found once the last line was read.
    pub fn finish(mut self) -> Report {
        self.skip_empty_parts();
        if let Some(part) = self.header.parts.get(self.place).cloned() {
            let number = self.check.count() + 1;
            self.find(part.execution_id, number, "is missing");
        }
        Report {
            header: self.header,
            entries: self.entries,
            payloads_removed: self.payloads_removed,
            broken: self.broken,
        }
    }

    /// An execution may not have written anything yet.
    fn skip_empty_parts(&mut self) {
        while let Some(part) = self.header.parts.get(self.place)
            && part.entries == 0
        {
            self.place += 1;
        }
    }

    fn end_part(&mut self, part: &Part) {
        let found = std::mem::take(&mut self.check).finish(part.entries, &part.head_hash);
        if !found.valid {
            let why = "has not the hash that the first line names";
            self.find(part.execution_id, part.entries, why);
        }
        self.payloads_removed += found.payloads_removed;
        self.place += 1;
        let origin = json!({
            "executionId": part.execution_id,
            "sequenceNumber": part.entries,
            "hash": part.head_hash,
        });
        self.expected = serde_json::from_value(origin).ok();
    }

    /// Notes what is wrong; only the first counts.
    fn find(&mut self, execution_id: ExecutionId, sequence_number: i64, why: &'static str) {
        self.broken.get_or_insert(Broken {
            execution_id,
            sequence_number,
            why,
        });
    }
}
