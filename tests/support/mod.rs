//! What the tests share: one private Postgres for the test process, a database of
//! its own for each test, and the real server on a port of its own.
//!
//! The server connects as the application's role, never as the owner. Workers and
//! the relay do not run by themselves: a test steps them.

#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "each test binary uses a part of this"
)]

pub mod client;
mod database;

use std::sync::Arc;

use chrono::{TimeZone, Utc};
use glassbox::{
    app::App,
    cli::compose,
    config::{self, Override},
    kernel::{
        Clock,
        clock::{Ids, Manual, System},
    },
    server,
};
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use client::{Answer, Client};
pub use database::Database;

/// A running GlassBox with a database of its own.
pub struct TestApp {
    pub app: Arc<App>,
    pub url: String,
    pub database: Database,
    pub clock: Arc<Manual>,
    stop: CancellationToken,
    tasks: TaskTracker,
    _folder: TempDir,
}

/// Where the manual clock starts.
pub fn epoch() -> chrono::DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 28, 9, 30, 0).unwrap()
}

impl TestApp {
    /// Starts with the machine's clock.
    pub async fn start() -> Self {
        Self::start_with(Arc::new(System), Arc::new(System), &[]).await
    }

    /// Starts with settings of the test's own.
    pub async fn start_configured(overrides: &[Override]) -> Self {
        Self::start_with(Arc::new(System), Arc::new(System), overrides).await
    }

    /// Starts with a clock that stands still and ids that count up; move it through
    /// [`TestApp::clock`].
    pub async fn start_with_manual_clock() -> Self {
        let manual = Arc::new(Manual::new(epoch(), 1));
        let mut test = Self::start_with(manual.clone(), manual.clone(), &[]).await;
        test.clock = manual;
        test
    }

    async fn start_with(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, overrides: &[Override]) -> Self {
        let database = Database::create().await;
        let folder = tempfile::tempdir().unwrap();
        let listener = server::listen("127.0.0.1", 0).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut all: Vec<Override> = vec![
            ("database.url", database.app_url()),
            ("database.owner_url", database.owner_url()),
            ("auth.dev_tokens", "true".into()),
            ("auth.signing_key", "07".repeat(32)),
            (
                "storage.url_secret",
                "a secret of the tests, long enough".into(),
            ),
            ("storage.folder", folder.path().display().to_string()),
            // Small: hundreds of tests share one server.
            ("database.max_connections", "8".into()),
        ];
        all.extend_from_slice(overrides);
        let config = config::load("test", &all).unwrap();
        let app = Arc::new(compose::app(config, clock, ids, url.clone()).unwrap());
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(server::serve(Arc::clone(&app), listener, stop.clone()));
        TestApp {
            app,
            url,
            database,
            clock: Arc::new(Manual::new(epoch(), 1)),
            stop,
            tasks,
            _folder: folder,
        }
    }

    /// A client without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.url, None)
    }

    /// A client of the user with this external subject, made on first sight.
    pub async fn user(&self, subject: &str) -> Client {
        let body =
            serde_json::json!({ "userId": subject, "email": format!("{subject}@example.com") });
        let answer = self.anonymous().post("/auth/dev-token", body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Client::new(&self.url, Some(answer.body["token"].as_str().unwrap()))
    }

    /// Takes everything out of the outbox: jobs are in their queues afterwards.
    pub async fn relay(&self) {
        let relay = compose::relay(&self.app);
        while relay.round().await.unwrap() > 0 {}
    }

    /// Runs the relay in the background until the test ends, for tests that listen.
    pub fn relay_always(&self) {
        self.tasks
            .spawn(compose::relay(&self.app).run(self.stop.clone()));
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
