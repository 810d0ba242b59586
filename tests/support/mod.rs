//! What the tests share: one private Postgres for the test process, a database of
//! its own for each test, and the real server on a port of its own.
//!
//! The server connects as the application's role, never as the owner. Workers and
//! the relay do not run by themselves: a test steps them.

#![allow(
    dead_code,
    unused_imports,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "each test binary uses a part of this"
)]

pub mod client;
mod contract;
mod database;
pub mod issuer;
pub mod model;
pub mod openai;
mod redis;
pub mod s3;
mod scrape;
mod socket;
pub mod sqs;
pub mod tools;
mod until;

use std::sync::Arc;

use chrono::{TimeZone, Utc};
use glassbox::{
    app::App,
    cli::compose,
    config::{self, Override},
    ingest::{self, sandbox::Sandbox, worker::FileWorker},
    kernel::{
        Clock,
        clock::{Ids, Manual, System},
    },
    platform::llm::{Model, Models, demo::Demo},
    server,
};
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use client::{Answer, Client};
pub use database::Database;
pub use redis::Redis;
pub use scrape::Scrape;
pub use socket::Socket;
pub use until::{until, until_within};

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
        Self::start_with_manual_clock_configured(&[]).await
    }

    /// The same with settings of the test's own.
    pub async fn start_with_manual_clock_configured(overrides: &[Override]) -> Self {
        let manual = Arc::new(Manual::new(epoch(), 1));
        let mut test = Self::start_with(manual.clone(), manual.clone(), overrides).await;
        test.clock = manual;
        test
    }

    /// Starts with `model` as the provider `script`.
    pub async fn start_with_model(model: impl Model + 'static) -> Self {
        Self::start().await.with_model(model)
    }

    /// The same with another model from here on; the server keeps the one it began with,
    /// which only decides whether a start is refused.
    pub fn with_model(mut self, model: impl Model + 'static) -> Self {
        let mut app = App::clone(&self.app);
        app.models = Arc::new(Models::builder().with("script", model).build());
        self.app = Arc::new(app);
        self
    }

    /// Another process, as it were, on the same database and the same bus, which must be
    /// a shared one.
    pub async fn start_beside(&self, overrides: &[Override]) -> Self {
        let system = Arc::new(System);
        Self::start_on(self.database.clone(), system.clone(), system, overrides).await
    }

    /// Starts on a database that the test has made, with settings of its own.
    pub async fn start_on_database(database: Database, overrides: &[Override]) -> Self {
        let system = Arc::new(System);
        Self::start_on(database, system.clone(), system, overrides).await
    }

    async fn start_with(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, overrides: &[Override]) -> Self {
        Self::start_on(Database::create().await, clock, ids, overrides).await
    }

    async fn start_on(
        database: Database,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        overrides: &[Override],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = server::listen("127.0.0.1", 0).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut all: Vec<Override> = vec![
            ("database.url", database.app_url()),
            ("database.owner_url", database.owner_url()),
            ("auth.dev_tokens", "true".into()),
            ("auth.signing_key", "07".repeat(32)),
            ("vault.key", "0a".repeat(32)),
            (
                "storage.url_secret",
                "a secret of the tests, long enough".into(),
            ),
            ("storage.folder", folder.path().display().to_string()),
            // Small: hundreds of tests share one server.
            ("database.max_connections", "8".into()),
            ("server.workers", "1".into()),
            // The tests of the limits switch them on.
            ("limits.enabled", "false".into()),
        ];
        if redis::is_wanted() {
            all.extend(Redis::shared().settings(&database.name));
        }
        all.extend_from_slice(overrides);
        let config = config::load("test", &all).unwrap();
        let mut app = compose::app(config, clock, ids, url.clone()).unwrap();
        // Whoever runs the tests may have keys in the environment; no test uses them.
        let mut models = Models::builder().with("demo", Demo).with("script", Demo);
        if let Some(connector) = app.models.connector() {
            models = models.connector(connector.clone());
        }
        app.models = Arc::new(models.build());
        let app = Arc::new(app);
        while app.bus.ping().await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
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

    /// A client with this token.
    pub fn bearer(&self, token: &str) -> Client {
        Client::new(&self.url, Some(token))
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

    /// A file worker that reads with the real program as its child.
    pub async fn file_worker(&self) -> FileWorker {
        let sandbox = Sandbox {
            program: env!("CARGO_BIN_EXE_glassbox").into(),
            limits: ingest::worker::limits(&self.app.config),
        };
        FileWorker::register(Arc::clone(&self.app), sandbox)
            .await
            .unwrap()
    }

    /// Uploads, confirms and reads a file; answers its id.
    pub async fn upload(
        &self,
        client: &Client,
        org: &str,
        filename: &str,
        content_type: &str,
        bytes: &'static [u8],
    ) -> String {
        let body = serde_json::json!({ "filename": filename, "contentType": content_type });
        let upload = client
            .post(&format!("/orgs/{org}/files/upload"), body)
            .await
            .expect(200);
        let mut put = client.http.put(upload["uploadUrl"].as_str().unwrap());
        for (name, value) in upload["headers"].as_object().unwrap() {
            put = put.header(name, value.as_str().unwrap());
        }
        assert_eq!(client.send(put.body(bytes)).await.status, 200);
        let id = upload["fileId"].as_str().unwrap().to_owned();
        client
            .post_empty(&format!("/files/{id}/confirm"))
            .await
            .expect(200);
        self.relay().await;
        let worker = self.file_worker().await;
        while worker.step().await.unwrap() {}
        let file = client.get(&format!("/files/{id}")).await.expect(200);
        assert_eq!(file["processingStatus"], "complete", "{file}");
        id
    }

    /// Takes everything out of the outbox: jobs are in their queues afterwards. Not
    /// beside [`TestApp::relay_always`], which may be holding rows at that moment.
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
