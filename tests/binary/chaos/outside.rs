//! A tool server outside that counts what it was asked for, and what is wrong between its
//! count and the journals.

use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::super::free_port;

/// As agents know it.
pub const NAME: &str = "counter";
/// Its tools whose effects are counted.
const ONCE: &str = "note_once";
const IDEMPOTENT: &str = "note_idempotent";

/// The server; its count outlives it.
pub struct Counter {
    port: u16,
    file: PathBuf,
    child: Child,
}

/// A call as the server counted it.
#[derive(Deserialize)]
struct Counted {
    key: Option<String>,
    tool: String,
    again: bool,
}

impl Counter {
    pub fn start(folder: &Path) -> Self {
        let (port, file) = (free_port(), folder.join("calls.jsonl"));
        // So that it can be read before the first call.
        File::create(&file).unwrap();
        let child = spawn(port, &file);
        Counter { port, file, child }
    }

    /// SIGKILL, and another in its place.
    pub async fn suffer(&mut self) {
        self.child.kill().await.unwrap();
        self.child = spawn(self.port, &self.file);
    }

    /// What an organization writes into its settings to have it.
    pub fn settings(&self) -> Value {
        let effects = json!({ ONCE: "at_most_once", IDEMPOTENT: "idempotent", "look": "read" });
        json!([{
            "name": NAME, "url": format!("http://127.0.0.1:{}/mcp", self.port), "effects": effects,
        }])
    }

    /// Everything that is not as it must be, given the entries of all calls of its tools as
    /// `{key, tool, result}`.
    pub fn wrongs(&self, entries: &[Value]) -> Vec<String> {
        let counted = self.counted();
        let effects = |key: &str, tool: &str| {
            let calls = counted.get(key).into_iter().flatten();
            let of_tool =
                calls.filter(|call| call.tool == tool && !(tool == IDEMPOTENT && call.again));
            of_tool.count()
        };
        let mut wrong = Vec::new();
        for (key, calls) in &counted {
            for tool in [ONCE, IDEMPOTENT] {
                let times = effects(key, tool);
                if times > 1 {
                    wrong.push(format!("{tool} had an effect {times} times: {key}"));
                }
            }
            if calls.iter().any(|call| call.key.is_none()) {
                wrong.push("a call without a key".to_owned());
            }
        }
        for entry in entries {
            let text = |name: &str| entry[name].as_str().unwrap_or_default();
            let tool = text("tool")
                .trim_start_matches(NAME)
                .trim_start_matches("__");
            if ![ONCE, IDEMPOTENT].contains(&tool) {
                continue;
            }
            let made = effects(text("key"), tool) == 1;
            let told = &entry["result"];
            let as_told = match told["error"]["code"].as_str() {
                Some("OUTCOME_UNKNOWN") => true,
                Some(_) => !made,
                // What our own side refuses has its sentence there.
                None if told["error"].is_string() => !made,
                None => made,
            };
            if !as_told {
                wrong.push(format!("{made} is not what the journal says: {entry}"));
            }
        }
        wrong
    }

    fn counted(&self) -> HashMap<String, Vec<Counted>> {
        let mut by_key: HashMap<String, Vec<Counted>> = HashMap::new();
        for line in std::fs::read_to_string(&self.file).unwrap().lines() {
            let call: Counted = serde_json::from_str(line).unwrap();
            let key = call.key.clone().unwrap_or_default();
            by_key.entry(key).or_default().push(call);
        }
        by_key
    }
}

fn spawn(port: u16, file: &Path) -> Child {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mcp_counter.py");
    let mut command = Command::new("python3");
    command.arg(script).arg("--file").arg(file);
    command.args(["--port", &port.to_string(), "--delay-ms", "100"]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.kill_on_drop(true).spawn().unwrap()
}
