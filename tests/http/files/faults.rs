//! A storage that is away while files are read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::stream;
use glassbox::{
    app::App,
    ingest::worker::FileWorker,
    kernel::{Code, Error, Result, Timestamp},
    platform::blobs::{BlobInfo, BlobKey, BlobReader, Blobs, Declared, Listing, SignedRequest},
};
use tokio_util::io::StreamReader;

use super::{MARKDOWN, org, sandbox, upload, work};
use crate::support::TestApp;

/// A storage that gives nothing, as often as is left.
struct Away(Arc<dyn Blobs>, AtomicUsize);

#[async_trait]
impl Blobs for Away {
    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>> {
        self.0.head(key).await
    }

    async fn open(&self, key: &BlobKey) -> Result<BlobReader> {
        let left = self.1.load(Ordering::SeqCst);
        if left == 0 {
            return self.0.open(key).await;
        }
        self.1.store(left - 1, Ordering::SeqCst);
        if left.is_multiple_of(2) {
            return Err(Error::new(Code::Unavailable, "The storage is away."));
        }
        let broken = stream::iter([
            Ok(Bytes::from_static(b"# ")),
            Err(std::io::Error::other("reset")),
        ]);
        let info = self.0.head(key).await?.unwrap();
        Ok(BlobReader::new(info, StreamReader::new(broken)))
    }

    async fn put(&self, key: &BlobKey, content_type: &str, bytes: Bytes) -> Result<BlobInfo> {
        self.0.put(key, content_type, bytes).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<()> {
        self.0.delete(key).await
    }

    fn bucket(&self) -> &str {
        self.0.bucket()
    }

    async fn list(&self, from: Option<&str>) -> Result<Listing> {
        self.0.list(from).await
    }

    async fn sign_put(
        &self,
        key: &BlobKey,
        declared: Declared<'_>,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<SignedRequest> {
        self.0.sign_put(key, declared, now, ttl).await
    }

    async fn sign_get(
        &self,
        key: &BlobKey,
        filename: &str,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<SignedRequest> {
        self.0.sign_get(key, filename, now, ttl).await
    }

    async fn ping(&self) -> Result<()> {
        self.0.ping().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_is_away_for_long_costs_no_file() {
    for (away, ends) in [(30, "complete"), (200, "failed")] {
        let test = &TestApp::start_with_manual_clock().await;
        let ada = test.user("ada").await;
        let org = org(&ada, "labs").await;
        upload(&ada, &org, "a.md", MARKDOWN, "# A").await;
        let mut app = App::clone(&test.app);
        app.blobs = Arc::new(Away(Arc::clone(&test.app.blobs), AtomicUsize::new(away)));
        let worker = FileWorker::register(Arc::new(app), sandbox(test))
            .await
            .unwrap();
        let mut tries = 0;
        while work(test, &worker).await > 0 {
            tries += 1;
            test.clock.advance(TimeDelta::seconds(600));
        }
        assert_eq!(tries, (away + 1).min(100));
        let status = "select processing_status as text from files";
        assert_eq!(test.database.text(status).await, ends);
    }
}
