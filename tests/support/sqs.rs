//! A real server that speaks like SQS, for the tests: moto, on a port of its own.
//!
//! A shell stands between us and the server, as for Redis: it ends the server when this
//! process ends, however that is.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::QueueAttributeName,
};
use glassbox::config::Override;
use serde_json::json;

static SHARED: OnceLock<Server> = OnceLock::new();

const SUPERVISOR: &str = r#""$@" >"$0" 2>&1 & read -r _; kill -9 $!; wait; rm -f "$0""#;
/// What the server says once it listens.
const LISTENS: &str = "Running on ";
const REGION: &str = "us-east-1";

struct Server {
    url: String,
    /// Its standard input is what the server lives by.
    shell: Child,
}

impl Server {
    /// `port` may be 0: any.
    fn start(port: u16) -> Self {
        let name = format!("glassbox-sqs-{}-{port}.log", std::process::id());
        let log = std::env::temp_dir().join(name);
        let mut server = Server {
            url: String::new(),
            shell: Command::new("sh")
                .arg("-c")
                .arg(SUPERVISOR)
                .arg(&log)
                .arg(program())
                .args(["-H", "127.0.0.1", "-p", &port.to_string()])
                .stdin(Stdio::piped())
                .spawn()
                .unwrap(),
        };
        let begun = Instant::now();
        loop {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let line = said.lines().find_map(|line| line.split_once(LISTENS));
            if let Some((_, url)) = line.filter(|_| said.ends_with('\n')) {
                url.trim().clone_into(&mut server.url);
                return server;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "the server like SQS does not start; `make setup` installs it:\n{said}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A server of one test's own with its two queues, which can be killed. It keeps everything in
/// memory, so a killed one has forgotten all messages: more than Amazon's ever does.
pub struct Mortal {
    server: Server,
    port: u16,
    pub sqs: Sqs,
}

impl Mortal {
    pub async fn start(port: u16) -> Self {
        let server = Server::start(port);
        let client = client(&server.url);
        let sqs = Sqs {
            agent_url: create(&client, "agent", None).await,
            file_url: create(&client, "file", None).await,
            dead_url: String::new(),
            endpoint: server.url.clone(),
            client,
        };
        Mortal { server, port, sqs }
    }

    /// SIGKILL, and nothing answers until [`Self::start_again`].
    pub fn kill(&mut self) {
        drop(self.server.shell.stdin.take());
        self.server.shell.wait().unwrap();
    }

    /// The same queues at the same address, empty.
    pub async fn start_again(&mut self) {
        self.server = Server::start(self.port);
        let client = &self.sqs.client;
        assert_eq!(create(client, "agent", None).await, self.sqs.agent_url);
        assert_eq!(create(client, "file", None).await, self.sqs.file_url);
    }
}

/// The two queues of one test, each with a queue for what was delivered in vain.
pub struct Sqs {
    pub client: Client,
    pub agent_url: String,
    pub file_url: String,
    pub dead_url: String,
    endpoint: String,
}

impl Sqs {
    /// Makes queues that put a message aside once it was received twice in vain.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// The same with names that end so: `.fifo` makes them first in, first out.
    pub async fn start_with(ending: &str) -> Self {
        let client = client(endpoint());
        let name = |which: &str| format!("{which}-{}{ending}", uuid::Uuid::now_v7());
        let dead_url = create(&client, &name("dead"), None).await;
        let arn = attribute(&client, &dead_url, QueueAttributeName::QueueArn).await;
        Sqs {
            agent_url: create(&client, &name("agent"), Some(&arn)).await,
            file_url: create(&client, &name("file"), Some(&arn)).await,
            client,
            dead_url,
            endpoint: endpoint().to_owned(),
        }
    }

    /// The settings that make an application use them.
    pub fn settings(&self) -> [Override; 7] {
        [
            ("queue.kind", "sqs".into()),
            ("queue.agent_url", self.agent_url.clone()),
            ("queue.file_url", self.file_url.clone()),
            ("queue.region", REGION.into()),
            ("queue.endpoint", self.endpoint.clone()),
            ("queue.access_key_id", "test".into()),
            ("queue.secret_access_key", "test".into()),
        ]
    }

    /// How many messages of a queue wait, and how many are hidden.
    pub async fn messages(&self, url: &str) -> (u32, u32) {
        let waiting = QueueAttributeName::ApproximateNumberOfMessages;
        let hidden = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
        let count = async |name| attribute(&self.client, url, name).await.parse().unwrap();
        (count(waiting).await, count(hidden).await)
    }
}

fn client(endpoint: &str) -> Client {
    let credentials = Credentials::new("test", "test", None, None, "tests");
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(credentials)
        .build();
    Client::from_conf(config)
}

async fn create(client: &Client, name: &str, dead: Option<&str>) -> String {
    let mut queue = client.create_queue().queue_name(name);
    if name.ends_with(".fifo") {
        queue = queue.attributes(QueueAttributeName::FifoQueue, "true");
    }
    if let Some(arn) = dead {
        let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 2 });
        queue = queue.attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
    }
    queue.send().await.unwrap().queue_url.unwrap()
}

async fn attribute(client: &Client, url: &str, name: QueueAttributeName) -> String {
    let asked = client.get_queue_attributes().queue_url(url);
    let answer = asked.attribute_names(name.clone()).send().await.unwrap();
    answer.attributes.unwrap().remove(&name).unwrap()
}

fn endpoint() -> &'static str {
    &SHARED.get_or_init(|| Server::start(0)).url
}

/// The one that `make setup` installed, else the machine's.
fn program() -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/sqs/bin/moto_server");
    if ours.exists() {
        ours
    } else {
        "moto_server".into()
    }
}
