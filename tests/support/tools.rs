//! A tool server on loopback: MCP over streamable HTTP, as far as our client needs it. It
//! counts the calls that it gets, and misbehaves as a test wants.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

/// How a call of a tool is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Manner {
    /// As it should be.
    Good,
    /// Not at all.
    Silent,
    /// With this status and no body.
    Status(u16),
    /// With this status so many times, then as it should be.
    StatusThenGood(u16, usize),
    /// With half of what was announced.
    Cut,
    /// With two million characters.
    Huge,
    /// With what is no JSON.
    Nonsense,
    /// With the word that the tool failed.
    ToolError,
    /// With the word that there is no such tool.
    Gone,
    /// With another address to ask.
    Redirect(String),
    /// With an image and a link besides text.
    Mixed,
}

/// A call that it got.
#[derive(Debug, Clone, PartialEq)]
pub struct Got {
    pub tool: String,
    pub key: Option<String>,
    pub arguments: Value,
    /// The head of the request, in lower case.
    pub head: String,
}

/// The server, until it is dropped.
pub struct ToolServer {
    pub url: String,
    pub state: Arc<State>,
    task: JoinHandle<()>,
}

pub struct State {
    pub manner: Mutex<Manner>,
    pub tools: Mutex<Value>,
    pub calls: Mutex<Vec<Got>>,
    /// All requests, calls or not.
    pub requests: Mutex<usize>,
    /// A call came.
    pub called: Notify,
    /// The client of a call that is not answered went away.
    pub left: Notify,
}

/// What it offers unless told otherwise.
pub fn three_tools() -> Value {
    let schema = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
    json!([
        { "name": "pay", "description": "Pays.", "inputSchema": schema },
        { "name": "put", "description": "Puts.", "inputSchema": schema,
          "annotations": { "idempotentHint": true } },
        { "name": "look", "description": "Looks.", "inputSchema": schema,
          "annotations": { "readOnlyHint": true } },
    ])
}

impl ToolServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let state = Arc::new(State {
            manner: Mutex::new(Manner::Good),
            tools: Mutex::new(three_tools()),
            calls: Mutex::default(),
            requests: Mutex::default(),
            called: Notify::new(),
            left: Notify::new(),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    // A client that goes away in the middle is no failure of the test.
                    let _ = serve(stream, &state).await;
                });
            }
        });
        ToolServer { url, state, task }
    }

    pub fn set(&self, manner: Manner) {
        *self.state.manner.lock().unwrap() = manner;
    }

    pub fn offer(&self, tools: Value) {
        *self.state.tools.lock().unwrap() = tools;
    }

    pub fn calls(&self) -> Vec<Got> {
        self.state.calls.lock().unwrap().clone()
    }

    /// The calls of one tool.
    pub fn calls_of(&self, tool: &str) -> Vec<Got> {
        let mut calls = self.calls();
        calls.retain(|call| call.tool == tool);
        calls
    }

    pub fn requests(&self) -> usize {
        *self.state.requests.lock().unwrap()
    }
}

impl Drop for ToolServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut head, mut line) = (String::new(), String::new());
    while stream.read_line(&mut line).await? > 2 {
        head.push_str(&line.to_lowercase());
        line.clear();
    }
    *state.requests.lock().unwrap() += 1;
    let length = head.lines().find_map(|l| l.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(0, |n| n.trim().parse().unwrap())];
    stream.read_exact(&mut body).await?;
    if !head.starts_with("post ") {
        return answer(&mut stream, 405, "", "").await;
    }
    let message: Value = serde_json::from_slice(&body).unwrap();
    let id = message["id"].clone();
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
            "serverInfo": { "name": "test", "version": "1" },
        }),
        "tools/list" => json!({ "tools": *state.tools.lock().unwrap() }),
        "tools/call" => return call(&mut stream, state, &message, head).await,
        _ if id.is_null() => return answer(&mut stream, 202, "", "").await,
        _ => {
            let error = json!({ "code": -32601, "message": "There is no such method." });
            return rpc(&mut stream, json!({ "id": id, "error": error })).await;
        }
    };
    rpc(&mut stream, json!({ "id": id, "result": result })).await
}

async fn call(
    stream: &mut BufReader<TcpStream>,
    state: &State,
    message: &Value,
    head: String,
) -> std::io::Result<()> {
    let params = &message["params"];
    state.calls.lock().unwrap().push(Got {
        tool: params["name"].as_str().unwrap().to_owned(),
        key: params["_meta"]["glassbox/idempotencyKey"]
            .as_str()
            .map(str::to_owned),
        arguments: params["arguments"].clone(),
        head,
    });
    state.called.notify_one();
    let manner = {
        let mut manner = state.manner.lock().unwrap();
        let now = manner.clone();
        if let Manner::StatusThenGood(status, times) = now {
            *manner = match times {
                1 => Manner::Good,
                times => Manner::StatusThenGood(status, times - 1),
            };
        }
        now
    };
    let id = message["id"].clone();
    let told = |blocks: Value| json!({ "id": id, "result": { "content": blocks } });
    let text = |text: &str| json!([{ "type": "text", "text": text }]);
    match manner {
        Manner::Good => {
            let mut good = told(text("done"));
            good["result"]["structuredContent"] = json!({ "n": 1 });
            rpc(stream, good).await
        }
        Manner::Silent => {
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            state.left.notify_one();
            Ok(())
        }
        Manner::Status(status) | Manner::StatusThenGood(status, _) => {
            answer(stream, status, "", "").await
        }
        Manner::Cut => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                        content-length: 500\r\nconnection: close\r\n\r\n{\"jsonrpc\"";
            stream.write_all(head.as_bytes()).await
        }
        Manner::Huge => rpc(stream, told(text(&"x".repeat(2_000_000)))).await,
        Manner::Nonsense => answer(stream, 200, "application/json", "{ this is no JSON").await,
        Manner::ToolError => {
            let mut failed = told(text("The account is empty."));
            failed["result"]["isError"] = json!(true);
            rpc(stream, failed).await
        }
        Manner::Gone => {
            let error = json!({ "code": -32602, "message": "Unknown tool." });
            rpc(stream, json!({ "id": id, "error": error })).await
        }
        Manner::Redirect(to) => {
            let head = format!(
                "HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}\r\n\
                 content-length: 0\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await
        }
        Manner::Mixed => {
            let blocks = json!([
                { "type": "text", "text": "first" },
                { "type": "image", "mimeType": "image/png", "data": "AAAABBBB" },
                { "type": "text", "text": "last" },
            ]);
            rpc(stream, told(blocks)).await
        }
    }
}

async fn rpc(stream: &mut BufReader<TcpStream>, mut message: Value) -> std::io::Result<()> {
    message["jsonrpc"] = json!("2.0");
    answer(stream, 200, "application/json", &message.to_string()).await
}

async fn answer(
    stream: &mut BufReader<TcpStream>,
    status: u16,
    kind: &str,
    body: &str,
) -> std::io::Result<()> {
    let kind = if kind.is_empty() {
        String::new()
    } else {
        format!("content-type: {kind}\r\n")
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Status\r\n{kind}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.flush().await
}
