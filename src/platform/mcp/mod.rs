//! Tool servers that organizations bring: a client of the Model Context Protocol.
//!
//! Everything that comes from such a server is somebody else's word: names, descriptions
//! and answers are data, bounded before they are parsed, and nothing in them is believed.
//! What must hold around a call (who may make it, that it happens once) is not decided
//! here; a [`Failure`] only says whether what was asked may have happened all the same.
//!
//! A server is reached over streamable HTTP at an address that users gave, and so through
//! [`guard`](super::http::guard), or it is a child process that the operator configured.

mod child;
mod connections;
mod content;
mod failure;
mod open;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Map, Value};

pub use connections::Connections;
pub use failure::{Failure, FailureKind};

use crate::kernel::OrgId;

/// Bytes of one message of a server at most; what is longer is not parsed.
pub const MAX_MESSAGE: usize = 1 << 20;

/// The field of a call's `_meta` that holds its key.
pub const KEY_FIELD: &str = "glassbox/idempotencyKey";

/// A server as an organization's settings have it.
#[derive(Debug, Clone)]
pub struct ToolServer {
    /// Whose it is. Connections are not shared between organizations.
    pub org: OrgId,
    /// What it is called there.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// How long a call may take.
    pub timeout: Duration,
}

/// Where a server is.
#[derive(Debug, Clone)]
pub enum Place {
    /// At an address.
    Http(HttpPlace),
    /// A child process: the name of a command that the operator configured.
    Command(String),
}

/// A server at an address that a user gave.
#[derive(Debug, Clone)]
pub struct HttpPlace {
    /// The address.
    pub url: String,
    /// Headers that go with each request. They are no secrets.
    pub headers: BTreeMap<String, String>,
    /// The key, when there is one.
    pub key: Option<ServerKey>,
}

/// A key and how it is sent.
#[derive(Debug, Clone)]
pub struct ServerKey {
    /// The header that it is the value of; `Authorization: Bearer` when there is none.
    pub header: Option<String>,
    /// The key.
    pub secret: SecretString,
}

/// A tool that a server offers, in its own words, bounded.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolOffer {
    /// Its name there.
    pub name: String,
    /// What it says that it does.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
    /// Its schema was too long and was left out.
    pub without_schema: bool,
    /// It says that it changes nothing.
    pub says_read_only: bool,
    /// It says that repeating it changes nothing more.
    pub says_idempotent: bool,
}

/// A call of a tool.
#[derive(Debug, Clone)]
pub struct OutsideCall {
    /// The tool's name there.
    pub tool: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// The same when the call is repeated, and of no other call.
    pub key: String,
    /// Whether it may be sent again when it may have arrived.
    pub repeatable: bool,
    /// How long it may take, when that is less than the server's own limit.
    pub within: Duration,
}

/// The port to tool servers.
#[async_trait]
pub trait ToolServers: Send + Sync {
    /// The tools of a server.
    async fn tools(&self, server: &ToolServer) -> Result<Vec<ToolOffer>, Failure>;

    /// Calls a tool; answers what the model is told. Dropped, it is given up, and the
    /// server is told so.
    async fn call(&self, server: &ToolServer, call: &OutsideCall) -> Result<Value, Failure>;
}
