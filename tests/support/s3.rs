//! A real server that speaks like S3, for the tests: LocalStack, on a port of its own. It
//! checks signatures and checksums as Amazon does.
//!
//! A shell stands between us and the server, as for Redis: it ends the server when this
//! process ends, however that is.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use glassbox::config::Override;

static SHARED: OnceLock<Server> = OnceLock::new();

const SUPERVISOR: &str =
    r#"cd "$0"; "$@" >log 2>&1 & read -r _; kill -9 $!; wait; cd /; rm -rf "$0""#;
/// What the server says once it listens.
const LISTENS: &str = "Ready.";
const REGION: &str = "us-east-1";

struct Server {
    url: String,
    /// Its standard input is what the server lives by.
    _shell: Child,
}

impl Server {
    fn start() -> Self {
        // Nobody can be asked for any port; this one is free at this moment.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let folder = tempfile::Builder::new()
            .prefix("glassbox-s3-")
            .tempdir()
            .unwrap()
            .keep();
        let server = Server {
            url: format!("http://{address}"),
            _shell: Command::new("sh")
                .arg("-c")
                .arg(SUPERVISOR)
                .arg(&folder)
                .arg(program())
                .args(["-m", "localstack.runtime.main"])
                .envs([
                    ("SERVICES", "s3"),
                    ("GATEWAY_LISTEN", address.as_str()),
                    ("LOCALSTACK_HOST", address.as_str()),
                    ("SKIP_SSL_CERT_DOWNLOAD", "1"),
                    ("DISABLE_EVENTS", "1"),
                    ("DNS_ADDRESS", "0"),
                    ("S3_SKIP_SIGNATURE_VALIDATION", "0"),
                ])
                .env("TMPDIR", &folder)
                .env("HOME", &folder)
                .stdin(Stdio::piped())
                .spawn()
                .unwrap(),
        };
        let log = folder.join("log");
        let begun = Instant::now();
        loop {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            if said.lines().any(|line| line == LISTENS) {
                return server;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "the server like S3 does not start; `make setup` installs it:\n{said}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The bucket of one test.
pub struct S3 {
    pub client: Client,
    pub bucket: String,
}

impl S3 {
    /// Makes a bucket.
    pub async fn start() -> Self {
        let url = &SHARED.get_or_init(Server::start).url;
        let credentials = Credentials::new("test", "test", None, None, "tests");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(url)
            .force_path_style(true)
            .credentials_provider(credentials)
            .build();
        let client = Client::from_conf(config);
        let bucket = format!("files-{}", uuid::Uuid::now_v7());
        client.create_bucket().bucket(&bucket).send().await.unwrap();
        S3 { client, bucket }
    }

    /// The settings that make an application use it.
    pub fn settings(&self) -> Vec<Override> {
        let url = SHARED.get_or_init(Server::start).url.clone();
        vec![
            ("storage.kind", "s3".into()),
            ("storage.bucket", self.bucket.clone()),
            ("storage.prefix", "glassbox/".into()),
            ("storage.region", REGION.into()),
            ("storage.endpoint", url),
            ("storage.path_style", "true".into()),
            ("storage.access_key_id", "test".into()),
            ("storage.secret_access_key", "test".into()),
            ("storage.encryption", "AES256".into()),
        ]
    }

    /// The keys of everything in the bucket.
    pub async fn keys(&self) -> Vec<String> {
        let listed = self.client.list_objects_v2().bucket(&self.bucket);
        let page = listed.send().await.unwrap();
        let keys = page.contents.unwrap_or_default().into_iter();
        keys.map(|object| object.key.unwrap()).collect()
    }
}

/// The Python of the one that `make setup` installed, else the machine's.
fn program() -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/s3/bin/python");
    if ours.exists() {
        ours
    } else {
        "python3".into()
    }
}
