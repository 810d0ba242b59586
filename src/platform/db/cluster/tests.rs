//! These start real servers and need a Postgres that `make setup` or the machine
//! provides.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Child, Stdio};
use std::sync::Mutex;

use diesel::dsl::sql;
use diesel::sql_types::{Integer, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tempfile::TempDir;

use super::*;

/// The folder in which [`supervise_for_another_test`] runs its cluster.
const SUPERVISED: &str = "GLASSBOX_TEST_SUPERVISED";

fn options(dir: &Path) -> ClusterOptions {
    ClusterOptions {
        dir: dir.to_owned(),
        bin: None,
        durable: false,
    }
}

async fn start(dir: &Path) -> Result<Cluster, ClusterError> {
    Cluster::start(options(dir), &|_| {}).await
}

/// Starts a cluster and returns the steps that it told of, without the one that only
/// says that this machine is slow.
async fn start_watched(dir: &Path) -> (Cluster, Vec<Step>) {
    let steps = Mutex::new(Vec::new());
    let tell = |step| steps.lock().unwrap().push(step);
    let cluster = Cluster::start(options(dir), &tell).await.unwrap();
    let mut steps = steps.into_inner().unwrap();
    steps.retain(|step| *step != Step::StillStarting);
    (cluster, steps)
}

async fn connect(cluster: &Cluster) -> AsyncPgConnection {
    let url = cluster.url("postgres", "postgres");
    AsyncPgConnection::establish(&url).await.unwrap()
}

async fn run_sql(cluster: &Cluster, statements: &str) {
    let mut connection = connect(cluster).await;
    connection.batch_execute(statements).await.unwrap();
}

async fn kept_number(cluster: &Cluster) -> i32 {
    sql::<Integer>("select n from kept")
        .get_result(&mut connect(cluster).await)
        .await
        .unwrap()
}

async fn text(cluster: &Cluster, query: &str) -> String {
    sql::<Text>(query)
        .get_result(&mut connect(cluster).await)
        .await
        .unwrap()
}

/// Whether a process runs; one that has ended and that init has not reaped yet
/// is still listed, without a program.
fn is_running(pid: u32) -> bool {
    std::fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

/// Waits for a process that is nobody's child here, and so can only be looked at.
async fn gone(pid: u32) {
    let looking = async {
        while is_running(pid) {
            sleep(GLANCE).await;
        }
    };
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, looking).await.unwrap();
}

#[tokio::test]
async fn a_row_survives_a_stop_and_a_start() {
    let dir = TempDir::new().unwrap();
    let (cluster, steps) = start_watched(dir.path()).await;
    assert_eq!(steps, [Step::Creating, Step::Starting, Step::Ready]);
    run_sql(&cluster, "create table kept as select 42 as n").await;
    let pid = cluster.server.pid();
    cluster.stop().await.unwrap();
    assert!(!is_running(pid));

    let (cluster, steps) = start_watched(dir.path()).await;
    assert_eq!(steps, [Step::Starting, Step::Ready]);
    assert_eq!(kept_number(&cluster).await, 42);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn the_server_has_pgvector_and_folds_case_in_any_language() {
    let dir = TempDir::new().unwrap();
    let cluster = start(dir.path()).await.unwrap();
    run_sql(&cluster, "create extension vector").await;
    let distance = text(&cluster, "select ('[1,2]'::vector <-> '[1,5]')::text").await;
    assert_eq!(distance, "3");
    assert_eq!(text(&cluster, "select lower('ÄRGER')").await, "ärger");
    let words = text(&cluster, "select to_tsvector('simple', 'ÄRGER')::text").await;
    assert_eq!(words, "'ärger':1");
    assert_eq!(text(&cluster, "show listen_addresses").await, "");
    assert_eq!(text(&cluster, "show data_checksums").await, "on");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn only_the_servers_user_can_enter_the_socket_folder() {
    let dir = TempDir::new().unwrap();
    let cluster = start(dir.path()).await.unwrap();
    let folder = cluster.socket_dir().metadata().unwrap();
    let server = Path::new("/proc").join(cluster.server.pid().to_string());
    assert_eq!(folder.mode() & 0o777, 0o700);
    assert_eq!(folder.uid(), server.metadata().unwrap().uid());
    assert_ne!(folder.uid(), 0, "Postgres does not run as root");
    cluster.stop().await.unwrap();
}

/// The bits of the effective capabilities of a cluster's server, made in `dir`.
async fn capabilities(dir: &Path) -> u64 {
    let cluster = start(dir).await.unwrap();
    let status = format!("/proc/{}/status", cluster.server.pid());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find(|line| line.starts_with("CapEff:"));
    let bits = line.unwrap().trim_start_matches("CapEff:").trim();
    cluster.stop().await.unwrap();
    u64::from_str_radix(bits, 16).unwrap()
}

#[tokio::test]
async fn the_server_passes_file_permissions_only_where_it_must() {
    const DAC_OVERRIDE: u64 = 1 << 1;
    let dir = TempDir::new().unwrap();
    let allow = |mode| {
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(mode)).unwrap();
    };
    allow(0o700);
    let needed = capabilities(&dir.path().join("private")).await;
    allow(0o755);
    let public = capabilities(&dir.path().join("public")).await;
    if !rustix::process::geteuid().is_root() {
        assert_eq!((needed, public), (0, 0));
        return;
    }
    assert_eq!(needed, DAC_OVERRIDE);
    // Postgres's own programs may lie under a private folder, too.
    let bin = find_binaries(None, &binaries::default_roots()).unwrap();
    let open = |folder: &Path| folder.metadata().unwrap().mode() & 0o005 == 0o005;
    if bin
        .bin()
        .ancestors()
        .chain(dir.path().ancestors())
        .all(open)
    {
        assert_eq!(public, 0);
    }
}

#[tokio::test]
async fn a_folder_in_use_is_refused() {
    let dir = TempDir::new().unwrap();
    let cluster = start(dir.path()).await.unwrap();
    let error = start(dir.path()).await.unwrap_err();
    assert!(matches!(error, ClusterError::InUse { .. }), "{error}");
    assert_eq!(text(&cluster, "select 'still there'").await, "still there");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_dropped_cluster_ends_its_server() {
    let dir = TempDir::new().unwrap();
    let cluster = start(dir.path()).await.unwrap();
    let pid = cluster.server.pid();
    drop(cluster);
    gone(pid).await;
}

#[test]
fn a_folder_is_free_at_once_also_while_a_child_begins() {
    let dir = TempDir::new().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    // What a child has between its fork and its exec.
    let inherited = folder.lock.try_clone().unwrap();
    drop(folder);
    Folder::open(dir.path()).unwrap();
    drop(inherited);
}

/// A server on the data in `dir` that no lock protects, as an earlier run may leave.
async fn leave_a_server(dir: &Path) -> Process {
    let cluster = launch(dir).await;
    cluster.wait_until_ready(&|_| {}).await.unwrap();
    cluster.server
}

/// Starts a server and does not wait for it.
async fn launch(dir: &Path) -> Cluster {
    let folder = Folder::open(dir).unwrap();
    let binaries = find_binaries(None, &binaries::default_roots()).unwrap();
    let account = Account::choose(&binaries, folder.dir(), &folder.data()).unwrap();
    let cluster = Cluster::launch(folder, &account, &binaries, false).await;
    cluster.unwrap()
}

#[tokio::test]
async fn a_leftover_server_is_ended_first() {
    let dir = TempDir::new().unwrap();
    let cluster = start(dir.path()).await.unwrap();
    run_sql(&cluster, "create table kept as select 5 as n").await;
    cluster.stop().await.unwrap();
    let leftover = leave_a_server(dir.path()).await;
    let pid = leftover.pid();

    let (cluster, steps) = start_watched(dir.path()).await;
    let ending = Step::EndingLeftover { pid };
    assert_eq!(steps, [ending, Step::Starting, Step::Ready]);
    assert!(!is_running(pid));
    assert_eq!(kept_number(&cluster).await, 5);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_start_that_was_killed_before_it_gave_the_socket_folder_away_is_no_obstacle() {
    let dir = TempDir::new().unwrap();
    let mut private = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
    private.create(dir.path().join("socket")).unwrap();
    start(dir.path()).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn an_empty_lock_file_of_a_killed_start_is_no_obstacle() {
    let dir = TempDir::new().unwrap();
    start(dir.path()).await.unwrap().stop().await.unwrap();
    std::fs::write(dir.path().join("data/postmaster.pid"), "").unwrap();
    start(dir.path()).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_leftover_that_has_only_begun_to_start_is_ended_too() {
    let dir = TempDir::new().unwrap();
    let cluster = start(dir.path()).await.unwrap();
    run_sql(&cluster, "create table kept as select 6 as n").await;
    cluster.stop().await.unwrap();
    for _ in 0..10 {
        // It has no lock file yet, so nothing shows that it is there.
        let begun = launch(dir.path()).await.server;
        // The new process has a copy of the lock until it becomes the server.
        while Folder::open(dir.path()).is_err() {
            tokio::task::yield_now().await;
        }
        let cluster = start(dir.path()).await.unwrap();
        assert_eq!(kept_number(&cluster).await, 6);
        assert!(!is_running(begun.pid()));
        cluster.stop().await.unwrap();
    }
}

/// Not a test: the process that the next one kills.
#[tokio::test]
#[ignore = "runs only as the child of another test"]
async fn supervise_for_another_test() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's child gets its folder this way"
    )]
    let Some(dir) = std::env::var_os(SUPERVISED) else {
        return;
    };
    let cluster = start(Path::new(&dir)).await.unwrap();
    run_sql(&cluster, "create table kept as select 7 as n").await;
    println!("\nserver {}", cluster.server.pid());
    std::future::pending::<()>().await;
}

/// Runs the one above in a process of its own and returns it with its server's id.
fn supervisor(dir: &Path) -> (Child, u32) {
    let name = "platform::db::cluster::tests::supervise_for_another_test";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(SUPERVISED, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let told = output.lines().find_map(|line| {
        let line = line.unwrap();
        line.strip_prefix("server ")?.parse().ok()
    });
    (child, told.unwrap())
}

#[tokio::test]
async fn the_server_ends_with_a_killed_supervisor_and_keeps_the_rows() {
    let dir = TempDir::new().unwrap();
    let (mut supervisor, server) = supervisor(dir.path());
    let refused = start(dir.path()).await.unwrap_err();
    assert!(matches!(refused, ClusterError::InUse { .. }), "{refused}");
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    if binaries::on_path("setpriv").next().is_some() {
        gone(server).await;
    }
    let cluster = start(dir.path()).await.unwrap();
    assert!(!is_running(server));
    assert_eq!(kept_number(&cluster).await, 7);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_start_right_after_a_kill_waits_for_the_old_server() {
    let dir = TempDir::new().unwrap();
    let (mut supervisor, server) = supervisor(dir.path());
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    let cluster = start(dir.path()).await.unwrap();
    gone(server).await;
    assert_eq!(kept_number(&cluster).await, 7);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_folder_elsewhere() {
    let dir = TempDir::new().unwrap();
    for name in ["long".repeat(40), "a comma, a 'quote'".to_owned()] {
        let cluster = start(&dir.path().join(name)).await.unwrap();
        let socket_dir = cluster.socket_dir().to_owned();
        assert!(!socket_dir.starts_with(dir.path()));
        assert_eq!(text(&cluster, "select 'reached'").await, "reached");
        cluster.stop().await.unwrap();
        assert!(!socket_dir.exists());
    }
}

#[tokio::test]
async fn a_folder_with_spaces_and_other_letters_is_reached_by_its_url() {
    let dir = TempDir::new().unwrap();
    let cluster = start(&dir.path().join("É 100% @home?")).await.unwrap();
    run_sql(&cluster, r#"create role "a/b @c" login"#).await;
    let url = cluster.url("a/b @c", "postgres");
    let mut connection = AsyncPgConnection::establish(&url).await.unwrap();
    let who: String = sql::<Text>("select current_user::text")
        .get_result(&mut connection)
        .await
        .unwrap();
    assert_eq!(who, "a/b @c");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_socket_folder_that_others_may_enter_is_refused() {
    let dir = TempDir::new().unwrap();
    let socket_dir = dir.path().join("socket");
    std::fs::create_dir(&socket_dir).unwrap();
    std::fs::set_permissions(&socket_dir, PermissionsExt::from_mode(0o755)).unwrap();
    let error = start(dir.path()).await.unwrap_err();
    assert!(
        matches!(error, ClusterError::SocketFolder { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let error = start(&file.join("cluster")).await.unwrap_err();
    assert!(matches!(error, ClusterError::Folder { .. }), "{error}");
    assert!(error.to_string().contains("file/cluster"), "{error}");
}

#[tokio::test]
async fn a_named_folder_without_postgres_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut options = options(&dir.path().join("cluster"));
    options.bin = Some(dir.path().to_owned());
    let error = Cluster::start(options, &|_| {}).await.unwrap_err();
    assert!(matches!(error, ClusterError::NotBinaries { .. }), "{error}");
}

#[tokio::test]
async fn data_of_another_major_version_are_left_alone() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("PG_VERSION"), "12\n").unwrap();
    let error = start(dir.path()).await.unwrap_err();
    assert!(error.to_string().contains("made by Postgres 12"), "{error}");
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
}

#[tokio::test]
async fn data_that_were_never_finished_are_made_anew() {
    let dir = TempDir::new().unwrap();
    let half = dir.path().join("data.new");
    std::fs::create_dir_all(half.join("base")).unwrap();
    std::fs::write(half.join("PG_VERSION"), "18\n").unwrap();
    let cluster = start(dir.path()).await.unwrap();
    assert!(!half.exists());
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_dies_at_its_start_is_quoted() {
    let dir = TempDir::new().unwrap();
    start(dir.path()).await.unwrap().stop().await.unwrap();
    let settings = dir.path().join("data/postgresql.conf");
    std::fs::write(settings, "work_mem = 'much'\n").unwrap();
    let error = start(dir.path()).await.unwrap_err();
    assert!(matches!(error, ClusterError::Ended { .. }), "{error}");
    assert!(error.to_string().contains("work_mem"), "{error}");
}

#[tokio::test]
async fn a_server_that_dies_later_is_noticed() {
    let dir = TempDir::new().unwrap();
    let cluster = start(dir.path()).await.unwrap();
    cluster.server.stop().await.unwrap();
    let error = cluster.ended().await;
    assert!(error.to_string().contains("shut down"), "{error}");
}

#[test]
fn a_stale_process_id_that_is_now_anothers_is_no_leftover() {
    let dir = TempDir::new().unwrap();
    let ours = std::process::id().to_string();
    std::fs::write(dir.path().join("postmaster.pid"), ours).unwrap();
    assert_eq!(process::leftover(dir.path()), None);
}
