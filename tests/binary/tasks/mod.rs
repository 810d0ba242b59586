//! The whole system as the stacks on AWS start it, and a newcomer's job from end to end.
//!
//! Each role is a process that `deploy/image/start.sh` starts with the variables of its task
//! (`stack.rs` reads which those are) and with nothing else of this process's environment. A
//! variable that the stack sets and the program doesn't know is refused by the program itself.
//! Postgres, Redis with TLS and a token, and servers like S3, SQS, an identity provider and a
//! model are real ones; [`Place::stand_ins`] has what says that they stand in for Amazon's.

mod stack;

use std::{
    collections::BTreeMap,
    fs::File,
    os::unix::fs::symlink,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use deadpool_redis::redis::{Client as RedisClient, cmd};
use glassbox::kernel::canonical;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use super::{
    free_port,
    support::{
        Client, Database, Redis, Socket,
        issuer::{CLIENT, Issuer, Key},
        openai,
        s3::S3,
        sqs::Sqs,
        until,
    },
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SAMPLE: &[u8] = include_bytes!("../../../src/cli/dev/sample.pdf");
/// What a password may be, and would mean in an address.
const PASSWORD: &str = "p@ss/w:rd?#%";
const PREFIX: &str = "glassbox-staging";

/// Everything that the tasks are placed among.
struct Place {
    database: Database,
    redis: Redis,
    /// The address of Redis, which is of this process alone: its port is always the usual one.
    redis_host: String,
    s3: S3,
    sqs: Sqs,
    issuer: Issuer,
    key: Key,
    model: MockServer,
    /// The agent of ECS on the tasks' machine.
    ecs: MockServer,
    port: u16,
    folder: TempDir,
}

impl Place {
    async fn make() -> Self {
        let folder = TempDir::new().unwrap();
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let redis_host = format!("127.99.{high}.{low}");
        certify(folder.path(), &redis_host).await;
        let file = |name: &str| folder.path().join(name).display().to_string();
        let redis = [
            ("--bind", redis_host.clone()),
            ("--tls-port", "6379".to_owned()),
            ("--tls-cert-file", file("certificate")),
            ("--tls-key-file", file("key")),
            ("--tls-auth-clients", "no".to_owned()),
            ("--requirepass", PASSWORD.to_owned()),
        ];
        let redis = redis
            .into_iter()
            .flat_map(|(name, value)| [name.to_owned(), value]);
        let key = Key::rsa("first", 0);
        // The image has a `glassbox` on its path.
        symlink(
            env!("CARGO_BIN_EXE_glassbox"),
            folder.path().join("glassbox"),
        )
        .unwrap();
        Place {
            database: Database::create_empty().await,
            redis: Redis::start_with(redis.collect()),
            redis_host,
            s3: S3::start().await,
            sqs: Sqs::start().await,
            issuer: Issuer::start(&[&key]).await,
            key,
            model: openai::start(Duration::ZERO, script).await,
            ecs: start_ecs().await,
            port: free_port(),
            folder,
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the stack knows for each name that it sets.
    fn values(&self) -> BTreeMap<&'static str, String> {
        let app = self.database.app_url();
        let (_, host) = app.split_once('@').unwrap();
        let (host, name) = host.split_once('/').unwrap();
        let values = [
            // config/staging.toml is read, as in the image.
            ("GLASSBOX_ENV", "staging"),
            ("GLASSBOX_LOG__FORMAT", "json"),
            // Each task has an address of its own; here they share one.
            (
                "GLASSBOX_TELEMETRY__METRICS_LISTEN",
                &format!("127.0.0.1:{}", free_port()),
            ),
            ("DATABASE_HOST", host),
            ("DATABASE_NAME", name),
            ("DATABASE_APP_USER", "glassbox_app"),
            ("DATABASE_APP_PASSWORD", PASSWORD),
            ("DATABASE_OWNER_USER", "glassbox_owner"),
            ("DATABASE_OWNER_PASSWORD", PASSWORD),
            ("REDIS_HOST", &self.redis_host),
            ("REDIS_TOKEN", PASSWORD),
            ("GLASSBOX_BUS__PREFIX", PREFIX),
            ("GLASSBOX_SERVER__HOST", "0.0.0.0"),
            ("GLASSBOX_SERVER__PORT", &self.port.to_string()),
            ("GLASSBOX_SERVER__PUBLIC_URL", &self.url()),
            ("GLASSBOX_SERVER__CORS_ORIGINS", "https://app.example.com"),
            ("GLASSBOX_SERVER__TRUSTED_PROXIES", "1"),
            ("GLASSBOX_DATABASE__MAX_CONNECTIONS", "5"),
            ("GLASSBOX_AUTH__DEV_TOKENS", "false"),
            ("GLASSBOX_AUTH__SIGNING_KEY", &"07".repeat(32)),
            ("GLASSBOX_VAULT__KEY", &"0a".repeat(32)),
            ("GLASSBOX_OIDC__ISSUER", &self.issuer.url),
            ("GLASSBOX_OIDC__CLIENT_IDS", CLIENT),
            ("GLASSBOX_QUEUE__KIND", "sqs"),
            ("GLASSBOX_QUEUE__REGION", "us-east-1"),
            ("GLASSBOX_QUEUE__AGENT_URL", &self.sqs.agent_url),
            ("GLASSBOX_QUEUE__FILE_URL", &self.sqs.file_url),
            ("GLASSBOX_STORAGE__KIND", "s3"),
            ("GLASSBOX_STORAGE__REGION", "us-east-1"),
            ("GLASSBOX_STORAGE__BUCKET", &self.s3.bucket),
            ("GLASSBOX_MODELS__DEFAULT", "openai/gpt-4o-mini"),
            ("GLASSBOX_MODELS__OPENAI_API_KEY", "sk-test"),
            // A service that is not offered has an empty key in its secret.
            ("GLASSBOX_MODELS__ANTHROPIC_API_KEY", ""),
        ];
        values
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()))
            .collect()
    }

    /// What is no task's: where the servers are that are not Amazon's, the rights that a task
    /// has on AWS by its role, and whose certificates are believed.
    fn stand_ins(&self) -> Vec<(String, String)> {
        let name =
            |setting: &str| format!("GLASSBOX_{}", setting.to_uppercase().replace('.', "__"));
        let elsewhere = ["queue.endpoint", "storage.endpoint", "storage.path_style"];
        let mut all: Vec<(String, String)> = [self.sqs.settings().to_vec(), self.s3.settings()]
            .concat()
            .into_iter()
            .filter(|(setting, _)| elsewhere.contains(setting))
            .map(|(setting, value)| (name(setting), value))
            .collect();
        assert_eq!(all.len(), elsewhere.len());
        let certificate = self.folder.path().join("certificate");
        let model = format!("{}/v1", self.model.uri());
        let ecs = format!("{}/api/task", self.ecs.uri());
        for (name, value) in [
            ("ECS_AGENT_URI", ecs.as_str()),
            ("OPENAI_BASE_URL", &model),
            ("GLASSBOX_MODELS__ALLOWED_HOSTS", "127.0.0.1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("SSL_CERT_FILE", certificate.to_str().unwrap()),
        ] {
            all.push((name.to_owned(), value.to_owned()));
        }
        all
    }

    /// The task of a command, with the variables that the stack's function `role` gives it.
    fn task(&self, role: &str, arguments: &[&str]) -> Command {
        let values = self.values();
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let mut command = Command::new(Path::new(ROOT).join("deploy/image/start.sh"));
        command
            .current_dir(ROOT)
            .args(arguments)
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.folder.path().display()),
            )
            .envs(self.stand_ins())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true);
        for name in stack::variables(role) {
            let value = values.get(name);
            let value = value.unwrap_or_else(|| panic!("roles.ts sets {name}, which is new here"));
            command.env(name, value);
        }
        command
    }

    async fn run(&self, role: &str, arguments: &[&str]) -> ExitStatus {
        self.task(role, arguments).status().await.unwrap()
    }

    fn start(&self, role: &str, command: &str) -> Child {
        self.task(role, &[command]).spawn().unwrap()
    }

    /// Ada, as the identity provider knows her.
    fn ada(&self) -> Client {
        let claims = self.issuer.id("ada", chrono::Utc::now().timestamp());
        Client::new(&self.url(), Some(&self.key.token(&claims)))
    }

    /// Those who are connected to the database.
    async fn database_roles(&self) -> String {
        let query = "select string_agg(distinct usename::text, ', ') as text from pg_stat_activity \
                     where datname = current_database() and pid <> pg_backend_pid()";
        self.database.text(query).await
    }

    /// The names of what is in Redis.
    async fn keys_in_redis(&self) -> Vec<String> {
        let mut url = url::Url::parse(&self.redis.url()).unwrap();
        url.query_pairs_mut().append_pair("pass", PASSWORD);
        let client = RedisClient::open(url.as_str()).unwrap();
        let mut raw = client.get_multiplexed_async_connection().await.unwrap();
        cmd("KEYS").arg("*").query_async(&mut raw).await.unwrap()
    }
}

impl Drop for Place {
    #[expect(
        clippy::print_stdout,
        reason = "the harness shows it of a test that failed"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log"));
            println!("{}", log.unwrap_or_default());
        }
    }
}

/// Takes note of which tasks are to be spared.
async fn start_ecs() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(path("/api/task/task-protection/v1/state"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    server
}

/// A certificate for a server at `address`, which vouches for itself.
async fn certify(folder: &Path, address: &str) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(' '))
        .args("-keyout key -out certificate -subj /CN=redis".split(' '))
        .args(["-addext", &format!("subjectAltName=IP:{address}")])
        // An authority's own would not do for a server.
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .output()
        .await
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// Reads the file and says what stands in it.
fn script(turn: usize, messages: &[Value]) -> openai::Calls {
    match turn {
        0 => vec![("list_inputs", json!({}))],
        1 => {
            let input = openai::first_input(messages);
            vec![("read_input", json!({ "inputId": input, "page": 1 }))]
        }
        2 => {
            let read = messages.iter().rfind(|m| m["role"] == "tool").unwrap();
            let read: Value = serde_json::from_str(read["content"].as_str().unwrap()).unwrap();
            let output = json!({ "label": "What it says", "text": read["text"] });
            vec![("add_output", output)]
        }
        _ => vec![("mark_complete", json!({ "summary": "Read." }))],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tasks_of_the_stacks_do_a_newcomers_job() {
    let place = Place::make().await;
    // Each deployment migrates; the second one has nothing to do.
    for _ in 0..2 {
        assert!(place.run("migrate", &["migrate"]).await.success());
    }
    let mut tasks = [
        place.start("serve", "serve"),
        place.start("agentWorker", "agent-worker"),
        place.start("fileWorker", "file-worker"),
    ];
    let anyone = Client::new(&place.url(), None);
    until("serve", async || {
        let asked = anyone.request("GET", "//health/ready").send().await.ok()?;
        asked.status().is_success().then_some(())
    })
    .await;
    let refused = anyone.post(
        "/auth/dev-token",
        json!({ "userId": "eve", "email": "e@e.ee" }),
    );
    assert_ne!(refused.await.status, 200, "no tokens for development");

    let ada = place.ada();
    let (org, project) = ada.workspace("labs").await;
    let node = ada
        .post(
            &format!("/projects/{project}/nodes"),
            json!({ "title": "Read it" }),
        )
        .await
        .id();
    let mut socket = Socket::open(&place.url(), &ada).await;
    socket.subscribe(&format!("node:{node}")).await;
    let file = upload(&place, &ada, &org, &node).await;
    loop {
        let told = socket.next_of("file_updated").await["payload"].clone();
        assert_eq!(told["fileId"], file.as_str());
        match told["processingStatus"].as_str().unwrap() {
            "complete" => break,
            status => assert!(["pending", "processing"].contains(&status), "{told}"),
        }
    }
    // Passages are cut a moment later, and nobody is told of that.
    until("the index", async || {
        let left = "select count(*)::text as text from index_work";
        (place.database.text(left).await == "0").then_some(())
    })
    .await;
    let question = json!({ "query": "CHG-2291" });
    let found = ada.post(&format!("/orgs/{org}/search"), question).await;
    assert_eq!(found.expect(200)["data"][0]["id"], file.as_str());

    let run = execute(&mut socket, &ada, &node).await;
    let verified = ada.get(&format!("/executions/{run}/verify")).await;
    assert_eq!(verified.expect(200)["valid"], true);
    let outputs = ada.get(&format!("/nodes/{node}")).await.expect(200)["outputs"].clone();
    assert_eq!(outputs.as_array().unwrap().len(), 1, "{outputs}");
    assert!(outputs[0].to_string().contains("CHG-2291"), "{outputs}");

    // It was all of them that did it, as whom they should be.
    assert_eq!(place.database_roles().await, "glassbox_app");
    assert!(place.s3.keys().await.iter().any(|key| key.contains(&file)));
    let keys = place.keys_in_redis().await;
    assert!(
        !keys.is_empty() && keys.iter().all(|key| key.starts_with(PREFIX)),
        "{keys:?}"
    );
    for url in [&place.sqs.agent_url, &place.sqs.file_url] {
        assert_eq!(place.sqs.messages(url).await, (0, 0));
    }
    for task in &mut tasks {
        let pid = task.id().unwrap().to_string();
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await
            .unwrap();
        assert_eq!(task.wait().await.unwrap().code(), Some(0));
    }
    assert!(place.run("serve", &["doctor", "--all"]).await.success());
    // Both workers asked to be spared while they worked, and no more in the end.
    let asked = place.ecs.received_requests().await.unwrap();
    let wants = asked.iter().map(|request| {
        let body: Value = request.body_json().unwrap();
        body["ProtectionEnabled"].as_bool().unwrap()
    });
    let (spared, free): (Vec<bool>, Vec<bool>) = wants.partition(|spared| *spared);
    assert_eq!((spared.len(), free.len()), (2, 2));
}

/// Sends the sample to S3 itself, gives it to the node, and says that it is there.
async fn upload(place: &Place, ada: &Client, org: &str, node: &str) -> String {
    let body = json!({
        "filename": "sample.pdf", "contentType": "application/pdf",
        "sizeBytes": SAMPLE.len(), "sha256": canonical::sha256(SAMPLE),
    });
    let path = format!("/orgs/{org}/files/upload");
    let upload = ada.post(&path, body).await.expect(200);
    let address = upload["uploadUrl"].as_str().unwrap();
    assert!(address.contains(&place.s3.bucket), "{address}");
    let mut put = ada.http.put(address);
    for (name, value) in upload["headers"].as_object().unwrap() {
        put = put.header(name, value.as_str().unwrap());
    }
    let sent = put.body(SAMPLE).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let file = upload["fileId"].as_str().unwrap().to_owned();
    let input = json!({ "inputType": "file", "fileId": file });
    let path = format!("/nodes/{node}/inputs");
    ada.post(&path, input).await.expect(201);
    let path = format!("/files/{file}/confirm");
    ada.post_empty(&path).await.expect(200);
    file
}

/// Starts a run and hears of its end; answers its id.
async fn execute(socket: &mut Socket, ada: &Client, node: &str) -> String {
    let path = format!("/nodes/{node}/execute");
    let started = ada.post(&path, json!({})).await.expect(201);
    let run = started["execution"]["id"].as_str().unwrap().to_owned();
    loop {
        let told = socket.next_of("execution_update").await["payload"].clone();
        assert_eq!(told["executionId"], run.as_str());
        match told["status"].as_str().unwrap() {
            "complete" => return run,
            status => assert!(["pending", "running"].contains(&status), "{told}"),
        }
    }
}
