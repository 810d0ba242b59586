//! A real redis-server for the tests, on a unix socket.
//!
//! A shell stands between us and the server: it waits for the end of its standard
//! input, then kills the server with SIGKILL and removes its folder. That input is a
//! pipe of ours, so the server ends with this process however that dies, and a test
//! that drops the pipe sees what a crash of Redis looks like.

use std::{
    io::ErrorKind,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool_redis::redis::{Client, aio::MultiplexedConnection, cmd};
use glassbox::config::Override;

static SHARED: OnceLock<Redis> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The server is a command by itself, so that the shell's `$!` is the server and not a
/// shell around it.
const SUPERVISOR: &str = r#""$@" >"$0/log" 2>&1 & read -r _; kill -9 $!; wait; rm -rf "$0""#;

/// One server.
pub struct Redis {
    folder: PathBuf,
    shell: Option<Child>,
    /// Options of the server beside the socket's.
    more: Vec<String>,
}

impl Redis {
    /// One of a test's own, which may be killed.
    pub fn start() -> Self {
        Self::start_with(Vec::new())
    }

    /// The same with more options.
    pub fn start_with(more: Vec<String>) -> Self {
        // A socket's path has 107 bytes at most, so not under `target`.
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("glassbox-redis-{}-{number}", std::process::id());
        let mut redis = Redis {
            folder: std::env::temp_dir().join(name),
            shell: None,
            more,
        };
        redis.start_again();
        redis
    }

    /// The one of this process. It ends with the process, which is why nobody stops it.
    pub fn shared() -> &'static Redis {
        SHARED.get_or_init(Redis::start)
    }

    /// Starts a killed one at the same address, empty.
    pub fn start_again(&mut self) {
        std::fs::create_dir_all(&self.folder).unwrap();
        let socket = self.folder.join("s");
        let shell = Command::new("sh")
            .arg("-c")
            .arg(SUPERVISOR)
            .arg(&self.folder)
            .arg(program())
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--pidfile")
            .arg(self.folder.join("pid"))
            .args(&self.more)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        self.shell = Some(shell);
        let begun = Instant::now();
        while let Err(error) = UnixStream::connect(&socket) {
            let waiting = matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            );
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(
                waiting && begun.elapsed() < Duration::from_secs(20),
                "redis-server does not start ({error}):\n{}",
                log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills the server with SIGKILL and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            drop(shell.stdin.take());
            shell.wait().unwrap();
        }
    }

    /// Forgets everything, as an operator's `FLUSHALL` does.
    pub async fn empty(&self) {
        let mut raw = self.connect().await;
        let done: String = cmd("FLUSHALL").query_async(&mut raw).await.unwrap();
        assert_eq!(done, "OK");
    }

    /// Sends the server a signal: `STOP` makes it hang, `CONT` lets it go on.
    pub fn signal(&self, name: &str) {
        let pid = std::fs::read_to_string(self.folder.join("pid")).unwrap();
        let status = Command::new("kill")
            .args([&format!("-{name}"), pid.trim()])
            .status();
        assert!(status.unwrap().success());
    }

    /// A connection of the test's own, beside those of the program.
    pub async fn connect(&self) -> MultiplexedConnection {
        let client = Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("unix://{}", self.folder.join("s").display())
    }

    /// The settings that make an application use it.
    pub fn settings(&self, prefix: &str) -> [Override; 2] {
        [
            ("bus.redis_url", self.url()),
            ("bus.prefix", prefix.to_owned()),
        ]
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether every [`super::TestApp`] is to use Redis.
pub fn is_wanted() -> bool {
    match std::env::var("GLASSBOX_TEST_BUS").as_deref() {
        Ok("redis") => true,
        Ok("" | "local") | Err(_) => false,
        Ok(other) => panic!("GLASSBOX_TEST_BUS is redis or local, not {other}"),
    }
}

/// The one that `make setup` installed, else the machine's.
fn program() -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/redis/bin/redis-server");
    if ours.exists() {
        ours
    } else {
        "redis-server".into()
    }
}
