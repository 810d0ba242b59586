//! A whole installation: the server, two agent workers, Postgres, Redis and a tool server
//! outside, each a process of its own, and what can be done to them.

use std::{
    fs::File,
    path::Path,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use diesel::{QueryableByName, sql_types::Jsonb};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use glassbox::platform::db::{
    cluster::{Cluster, ClusterOptions},
    migrate::{self, APP_ROLE, OWNER_ROLE},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

use super::{
    super::support::{Redis, sqs::Mortal},
    super::{drain, free_port},
    outside::Counter,
    plan::Fault,
};

const DATABASE: &str = "chaos";
/// The life of a lease, in seconds.
const LEASE: u64 = 3;

pub struct System {
    folder: TempDir,
    cluster: Option<Cluster>,
    redis: Redis,
    /// The server like SQS, unless the queue is in Postgres.
    sqs: Option<Mortal>,
    pub counter: Counter,
    model: String,
    port: u16,
    server: Child,
    workers: Vec<Child>,
}

#[derive(QueryableByName)]
struct Document {
    #[diesel(sql_type = Jsonb)]
    document: Value,
}

impl System {
    /// Starts everything; the model is at `model`.
    pub async fn start(model: &str, over_sqs: bool) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("gb-chaos")
            .tempdir()
            .unwrap();
        let cluster = start_cluster(folder.path()).await;
        let admin = |database: &str| cluster.url("postgres", database);
        migrate::bootstrap(admin, DATABASE).await.unwrap();
        let owner = cluster.url(OWNER_ROLE, DATABASE).into();
        migrate::up(&owner, None).await.unwrap();
        let sqs = if over_sqs {
            Some(Mortal::start(free_port()).await)
        } else {
            None
        };
        let (redis, port) = (Redis::start(), free_port());
        let app = cluster.url(APP_ROLE, DATABASE);
        let start = |role: &str| {
            let mut command = command(&folder, &app, &redis.url(), model, port, role);
            use_queue(&mut command, sqs.as_ref());
            spawn(&mut command)
        };
        let server = start("serve");
        let workers = (0..2).map(|_| start("agent-worker")).collect();
        System {
            cluster: Some(cluster),
            redis,
            sqs,
            counter: Counter::start(folder.path()),
            model: model.to_owned(),
            port,
            server,
            workers,
            folder,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A command of the program on this installation.
    pub fn command(&self, role: &str) -> Command {
        let app = self.cluster().url(APP_ROLE, DATABASE);
        let (redis, model) = (self.redis.url(), &self.model);
        let mut command = command(&self.folder, &app, &redis, model, self.port, role);
        use_queue(&mut command, self.sqs.as_ref());
        command
    }

    fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().unwrap()
    }

    /// Lets one thing go wrong, and brings back what ended by it.
    pub async fn suffer(&mut self, fault: Fault) {
        match fault {
            Fault::KillWorker(n) => {
                self.workers[n].kill().await.unwrap();
                self.workers[n] = spawn(&mut self.command("agent-worker"));
            }
            Fault::EndWorker(n) => {
                self.replace_worker(n).await;
            }
            Fault::HangWorker(n) => {
                signal(&self.workers[n], "STOP").await;
                sleep(Duration::from_secs(3 * LEASE)).await;
                signal(&self.workers[n], "CONT").await;
            }
            Fault::KillServer => {
                self.server.kill().await.unwrap();
                self.server = spawn(&mut self.command("serve"));
            }
            Fault::KillRedis => {
                self.redis.kill();
                sleep(Duration::from_millis(500)).await;
                self.redis.start_again();
            }
            Fault::KillQueue => {
                if let Some(sqs) = &mut self.sqs {
                    sqs.kill();
                    sleep(Duration::from_millis(500)).await;
                    sqs.start_again().await;
                }
            }
            Fault::KillTools => self.counter.suffer().await,
            Fault::RestartPostgres => {
                self.cluster.take().unwrap().stop().await.unwrap();
                self.cluster = Some(start_cluster(self.folder.path()).await);
            }
            Fault::KillPostgres => {
                let cluster = self.cluster.take().unwrap();
                let lock = self.folder.path().join("postgres/data/postmaster.pid");
                let lock = std::fs::read_to_string(lock).unwrap();
                let pid = lock.lines().next().unwrap();
                let killed = Command::new("kill").args(["-KILL", pid]).status().await;
                assert!(killed.unwrap().success());
                cluster.ended().await;
                drop(cluster);
                self.cluster = Some(start_cluster(self.folder.path()).await);
            }
            Fault::CutConnections => {
                let cut = "select to_jsonb(pg_terminate_backend(pid)) as document \
                           from pg_stat_activity where usename = 'glassbox_app'";
                self.rows(cut).await;
            }
        }
    }

    /// SIGTERM to a worker, and another in its place; answers how the first ended.
    pub async fn replace_worker(&mut self, n: usize) -> ExitStatus {
        let status = drain::end(&mut self.workers[n]).await;
        self.workers[n] = spawn(&mut self.command("agent-worker"));
        status
    }

    /// A process that gave up while its backends were away is started anew, as whatever
    /// runs it would; answers how many had.
    pub fn revive(&mut self) -> usize {
        let mut revived = 0;
        for n in 0..self.workers.len() {
            if self.workers[n].try_wait().unwrap().is_some() {
                revived += 1;
                self.workers[n] = spawn(&mut self.command("agent-worker"));
            }
        }
        if self.server.try_wait().unwrap().is_some() {
            revived += 1;
            self.server = spawn(&mut self.command("serve"));
        }
        revived
    }

    /// The documents that a query answers as the superuser.
    pub async fn rows(&self, query: &str) -> Vec<Value> {
        let url = self.cluster().url("postgres", DATABASE);
        let mut admin = AsyncPgConnection::establish(&url).await.unwrap();
        let rows: Vec<Document> = diesel::sql_query(query).load(&mut admin).await.unwrap();
        rows.into_iter().map(|row| row.document).collect()
    }

    /// Everything that the processes logged.
    pub fn keep_logs(self) -> String {
        self.folder.keep().display().to_string()
    }
}

async fn start_cluster(folder: &Path) -> Cluster {
    let options = ClusterOptions {
        dir: folder.join("postgres"),
        bin: std::env::var_os("GLASSBOX_PG_BIN").map(Into::into),
        durable: true,
    };
    let begun = Instant::now();
    loop {
        match Cluster::start(options.clone(), &|_| {}).await {
            Ok(cluster) => return cluster,
            // The sessions of a killed server notice within moments.
            Err(_) if begun.elapsed() < Duration::from_secs(20) => {
                sleep(Duration::from_millis(50)).await;
            }
            Err(error) => panic!("Postgres does not start: {error}"),
        }
    }
}

fn spawn(command: &mut Command) -> Child {
    command.kill_on_drop(true).spawn().unwrap()
}

async fn signal(child: &Child, name: &str) {
    let pid = child.id().unwrap().to_string();
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &pid])
        .status();
    assert!(sent.await.unwrap().success());
}

/// Settings as the environment says them: `queue.agent_url` is `GLASSBOX_QUEUE__AGENT_URL`.
fn use_queue(command: &mut Command, sqs: Option<&Mortal>) {
    for (name, value) in sqs.iter().flat_map(|it| it.sqs.settings()) {
        let name = name.to_uppercase().replace('.', "__");
        command.env(format!("GLASSBOX_{name}"), value);
    }
}

fn command(
    folder: &TempDir,
    app: &str,
    redis: &str,
    model: &str,
    port: u16,
    role: &str,
) -> Command {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.path().join("log"))
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
    command
        .current_dir(folder.path())
        .arg(role)
        .env("GLASSBOX_ENV", "test")
        .env("GLASSBOX_SERVER__PORT", port.to_string())
        .env("GLASSBOX_DATABASE__URL", app)
        .env("GLASSBOX_DATABASE__MAX_CONNECTIONS", "8")
        .env("GLASSBOX_BUS__REDIS_URL", redis)
        .env("GLASSBOX_AUTH__DEV_TOKENS", "true")
        .env("GLASSBOX_AUTH__SIGNING_KEY", "07".repeat(32))
        .env("GLASSBOX_VAULT__KEY", "0a".repeat(32))
        .env("GLASSBOX_STORAGE__URL_SECRET", "a".repeat(40))
        .env("GLASSBOX_STORAGE__FOLDER", folder.path().join("blobs"))
        .env("GLASSBOX_LIMITS__ENABLED", "false")
        .env("GLASSBOX_AGENT__LEASE_SECONDS", LEASE.to_string())
        .env("GLASSBOX_AGENT__HEARTBEAT_SECONDS", "1")
        .env("GLASSBOX_AGENT__SWEEP_SECONDS", "1")
        .env("GLASSBOX_MODELS__OPENAI_API_KEY", "sk-chaos")
        .env("GLASSBOX_MODELS__OPENAI_BASE_URL", model)
        .env("GLASSBOX_MODELS__ALLOWED_HOSTS", "127.0.0.1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    command
}
