//! One Postgres cluster for the test process, and databases cloned from a template
//! that was migrated once.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use glassbox::platform::db::{
    cluster::{Cluster, ClusterOptions},
    migrate::{self, APP_ROLE, OWNER_ROLE},
};

const TEMPLATE: &str = "glassbox_template";

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);
/// `create database … template` refuses while another session is in the template,
/// which another `create database` is.
static CLONING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Databases whose tests have ended. They go before the next one is made: several hundred
/// together would be more than a small disk has room for.
static ENDED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A database of one test's own, as long as somebody has it.
#[derive(Clone)]
pub struct Database {
    pub name: String,
    _user: Arc<User>,
}

struct User(String);

impl Drop for User {
    fn drop(&mut self) {
        ENDED.lock().unwrap().push(std::mem::take(&mut self.0));
    }
}

impl Database {
    /// Clones the template.
    pub async fn create() -> Self {
        cluster();
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::SeqCst));
        let _one_at_a_time = CLONING.lock().await;
        let mut admin = AsyncPgConnection::establish(&cluster().url("postgres", "postgres"))
            .await
            .unwrap();
        let ended = std::mem::take(&mut *ENDED.lock().unwrap());
        let mut statements: Vec<String> = ended
            .into_iter()
            .map(|name| format!("drop database {name} with (force)"))
            .collect();
        statements.push(format!(
            "create database {name} template {TEMPLATE} owner {OWNER_ROLE}"
        ));
        for statement in statements {
            admin.batch_execute(&statement).await.unwrap();
        }
        Self::named(name)
    }

    /// An empty one, not migrated.
    pub async fn create_empty() -> Self {
        let name = format!("empty_{}", COUNT.fetch_add(1, Ordering::SeqCst));
        migrate::bootstrap(|database| cluster().url("postgres", database), &name)
            .await
            .unwrap();
        Self::named(name)
    }

    fn named(name: String) -> Self {
        let _user = Arc::new(User(name.clone()));
        Database { name, _user }
    }

    pub fn app_url(&self) -> String {
        self.url_of(APP_ROLE)
    }

    /// Where it is to another role.
    pub fn url_of(&self, role: &str) -> String {
        cluster().url(role, &self.name)
    }

    pub fn owner_url(&self) -> String {
        cluster().url(OWNER_ROLE, &self.name)
    }

    /// A connection as the application, with no scope set.
    pub async fn app(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.app_url()).await.unwrap()
    }

    /// A connection as the superuser, who sees everything: to look behind the program's
    /// back, and to set up what no operation can.
    pub async fn admin(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&cluster().url("postgres", &self.name))
            .await
            .unwrap()
    }

    /// The one column of a query's one row, named `text`, as the superuser.
    pub async fn text(&self, sql: &str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Line {
            #[diesel(sql_type = diesel::sql_types::Text)]
            text: String,
        }
        let mut admin = self.admin().await;
        let line: Line = diesel::sql_query(sql).get_result(&mut admin).await.unwrap();
        line.text
    }

    /// Runs statements as the superuser.
    pub async fn execute(&self, sql: &str) {
        self.admin().await.batch_execute(sql).await.unwrap();
    }
}

/// The cluster of this process. It ends with the process, which is why nobody stops it.
pub fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(|| {
        // A thread and runtime of its own: the test that happens to come first must
        // not take the cluster's tasks away when its runtime ends.
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let cluster = runtime.block_on(start());
            std::mem::forget(runtime);
            cluster
        })
        .join()
        .unwrap()
    })
}

async fn start() -> Cluster {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    remove_leftovers(root);
    let options = ClusterOptions {
        dir: root.join(format!("postgres-{}", std::process::id())),
        bin: std::env::var_os("GLASSBOX_PG_BIN").map(PathBuf::from),
        durable: false,
    };
    let cluster = Cluster::start(options, &|_| {}).await.unwrap();
    let admin = |database: &str| cluster.url("postgres", database);
    migrate::bootstrap(admin, TEMPLATE).await.unwrap();
    let owner = cluster.url(OWNER_ROLE, TEMPLATE).into();
    migrate::up(&owner, None).await.unwrap();
    if std::env::var_os("LOG_STATEMENTS").is_some() {
        log_statements(&cluster).await;
    }
    cluster
}

/// Has every statement logged from now on, for `make record-release`.
async fn log_statements(cluster: &Cluster) {
    let url = cluster.url("postgres", "postgres");
    let mut admin = AsyncPgConnection::establish(&url).await.unwrap();
    for statement in [
        "alter system set log_line_prefix = '%u '",
        "alter system set log_statement = 'all'",
        "select pg_reload_conf()",
    ] {
        admin.batch_execute(statement).await.unwrap();
    }
}

/// Removes the clusters of test processes that are gone.
fn remove_leftovers(root: &Path) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.strip_prefix("postgres-"));
        if let Some(pid) = pid
            && !Path::new("/proc").join(pid).exists()
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
