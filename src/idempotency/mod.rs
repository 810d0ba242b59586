//! The first answer to a keyed request, kept by the transaction that made the change.
//!
//! Owns: the records of idempotency keys.
//!
//! A client that lost an answer repeats its request under the same key. Had the record a
//! transaction of its own, a crash between the two would leave a change without a record
//! (and the repeat would do it twice) or a record without a change (and it would never be
//! done). So an operation of a keyed request does not commit: its transaction is *parked*
//! in the request's [`Attempt`] until the answer exists, and commits with the record of it.
//!
//! An operation that fails rolls back by itself. One that succeeds and is answered with an
//! error all the same, such as refusing an upload and keeping note of that, commits
//! without a record, and so does one whose answer must not lie about, such as a token
//! that is shown once.
//!
//! Invariants: a record is written by the transaction of the change or not at all; two
//! requests with one key run one after the other; only a success is recorded, so that a
//! refused request may be mended and sent again under its key.

mod store;

use std::{
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::TimeDelta;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    kernel::{Code, Error, Result, Timestamp, UserId, field::invalid},
    platform::db::Tx,
};

/// How long a record answers for its key.
const WINDOW: TimeDelta = TimeDelta::hours(24);
/// Characters of a key at most.
const MAX_KEY: usize = 200;

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that the operation gave it, such as its `ETag`, as names and values.
    pub headers: Vec<(String, String)>,
    /// The JSON body, if there was one.
    pub body: Option<Value>,
}

/// One keyed request while it is served. Clones share what it has come to.
#[derive(Clone)]
pub struct Attempt {
    key: Arc<str>,
    /// SHA-256 of what was asked, in hexadecimal.
    request: Arc<str>,
    progress: Arc<Mutex<Progress>>,
}

/// How far a keyed request has come.
#[derive(Debug, Default)]
pub enum Progress {
    /// No operation has finished.
    #[default]
    Begun,
    /// The operation is done and waits for its answer to be recorded.
    Parked(Box<Parked>),
    /// It was done before; this was the answer.
    Done(Answer),
}

/// The open transaction of a finished operation.
#[derive(Debug)]
pub struct Parked {
    user: UserId,
    key: Arc<str>,
    request: Arc<str>,
    tx: Tx,
}

impl Parked {
    /// Writes the answer into the operation's own transaction and commits both.
    pub async fn record(mut self, answer: &Answer) -> Result<()> {
        match store::insert(&mut self.tx, self.user, &self.key, &self.request, answer).await {
            Ok(()) => self.tx.commit().await,
            Err(error) => {
                self.tx.rollback().await;
                Err(error)
            }
        }
    }

    /// Commits without a record: what was done stands, and a repeat does it anew.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await
    }
}

impl Attempt {
    /// A request under `key` for what `parts` say: method, path, body.
    pub fn new(key: &str, parts: &[&[u8]]) -> Result<Self> {
        let plain = key.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || !(1..=MAX_KEY).contains(&key.len()) {
            return Err(invalid(
                "Idempotency-Key",
                format!("must have 1 to {MAX_KEY} visible ASCII characters"),
            ));
        }
        let mut digest = Sha256::new();
        for part in parts {
            // With its length, or a body could pretend to be part of a path.
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        Ok(Attempt {
            key: key.into(),
            request: hex::encode(digest.finalize()).into(),
            progress: Arc::default(),
        })
    }

    /// The same request, asked with a token that speaks for a part of its person only:
    /// `bearer` tells which. What the person was answered is not that token's to read.
    pub fn of_part(mut self, bearer: &str) -> Self {
        self.request = format!("{bearer}:{}", self.request).into();
        self
    }

    /// Lets one request with this key through at a time, and fails when the operation
    /// need not run: it was done before ([`Progress::Done`] then has the answer), or the
    /// key was used for something else.
    pub async fn claim(&self, tx: &Tx, user: UserId) -> Result<()> {
        store::lock(tx, user, &self.key).await?;
        let since = tx.now() - WINDOW;
        let Some(record) = store::find(tx, user, &self.key, since).await? else {
            return Ok(());
        };
        if record.request_hash != *self.request {
            return Err(Error::new(
                Code::IdempotencyKeyReused,
                "This idempotency key was used for another request. Use a new key for each.",
            ));
        }
        self.set(Progress::Done(record.answer()?));
        // Ends the operation; whoever serves the request answers from the progress.
        Err(Error::new(
            Code::Conflict,
            "This request was answered before.",
        ))
    }

    /// Keeps the transaction of a finished operation until its answer exists.
    pub fn park(&self, user: UserId, tx: Tx) {
        self.set(Progress::Parked(Box::new(Parked {
            user,
            key: Arc::clone(&self.key),
            request: Arc::clone(&self.request),
            tx,
        })));
    }

    /// Commits what an earlier operation of the same request did: only the last one's
    /// transaction waits for the answer.
    pub async fn settle(&self) -> Result<()> {
        match self.take() {
            Progress::Parked(parked) => parked.tx.commit().await,
            Progress::Begun => Ok(()),
            done @ Progress::Done(_) => {
                self.set(done);
                Ok(())
            }
        }
    }

    /// What the request has come to; the attempt is as new afterwards.
    pub fn take(&self) -> Progress {
        mem::take(&mut *self.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }
}

/// The key and the body may say anything; neither belongs into a log.
impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").finish_non_exhaustive()
    }
}

/// Forgets records that no longer answer; answers how many. Needs the system's scope.
pub async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<usize> {
    store::sweep(tx, now - WINDOW).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_1_to_200_visible_characters() {
        assert!(Attempt::new("0c6b-4f", &[]).is_ok());
        for bad in ["", " ", "a b", "a\n", "schlüssel", &"x".repeat(201)] {
            let error = Attempt::new(bad, &[]).unwrap_err();
            assert_eq!(error.code(), Code::ValidationFailed, "{bad:?}");
        }
    }

    #[test]
    fn what_was_asked_decides_and_not_how_it_is_cut() {
        let request = |parts: &[&[u8]]| Attempt::new("k", parts).unwrap().request;
        assert_eq!(request(&[b"POST", b"/a"]), request(&[b"POST", b"/a"]));
        assert_ne!(request(&[b"POST", b"/a"]), request(&[b"POST/", b"a"]));
    }
}
