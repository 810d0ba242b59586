//! The connections of this process to tool servers: one for each organization and server,
//! opened when it is needed, kept, and opened anew when it is lost or its settings changed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, PaginatedRequestParams, RequestMetaObject, Tool,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, timeout_at};

use super::child::Server;
use super::failure::{self, Failure, FailureKind};
use super::open::{self, Service};
use super::{KEY_FIELD, OutsideCall, Place, ToolOffer, ToolServer, ToolServers, content};
use crate::config::{McpCommand, McpConfig};
use crate::kernel::{OrgId, Result as OurResult, canonical};
use crate::platform::http::Timeouts;
use crate::platform::http::guard::{Allowed, Guarded};

/// The longest that any call may take; settings allow no more.
const LONGEST: Duration = Duration::from_secs(600);
/// How long the list of a server's tools is kept.
const FRESH: Duration = Duration::from_secs(30);
/// How long a server may take to tell its tools.
const LISTING: Duration = Duration::from_secs(15);
/// A server that could not be reached is not tried again by everybody who waited for it.
const FAILED: Duration = Duration::from_secs(1);
/// A connection that nobody used for so long is closed.
const IDLE: Duration = Duration::from_secs(600);
/// Pages of a list of tools that are read.
const MAX_PAGES: usize = 20;
/// Tools of a server that are kept.
const MAX_TOOLS: usize = 256;
/// Characters of a tool's description that are kept.
const MAX_DESCRIPTION: usize = 2000;
/// Bytes of a tool's schema at most.
const MAX_SCHEMA: usize = 32 << 10;
/// How often a call is tried that may be repeated, or that did not arrive.
const TRIES: u32 = 6;
/// The pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(200);

/// The tool servers that this process is connected to.
pub struct Connections {
    guarded: Guarded,
    commands: BTreeMap<String, McpCommand>,
    slots: Mutex<HashMap<Id, (Instant, Arc<Slot>)>>,
}

/// A server with the settings that it has now; the last part is a hash of them.
type Id = (OrgId, String, String);

type Slot = AsyncMutex<Kept>;

#[derive(Default)]
struct Kept {
    live: Option<Arc<Live>>,
    failed: Option<(Instant, Failure)>,
}

/// An open connection. Whoever has it may go on with it after it was replaced.
struct Live {
    service: Service,
    child: Option<Server>,
    tools: AsyncMutex<Option<(Instant, Vec<ToolOffer>)>>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("commands", &self.commands.keys())
            .finish_non_exhaustive()
    }
}

impl Live {
    fn is_open(&self) -> bool {
        !self.service.is_closed() && !self.service.peer().is_transport_closed()
    }

    /// What came of a request, with what we know of the child.
    fn judged<R>(&self, answer: Result<R, rmcp::ServiceError>) -> Result<R, Failure> {
        answer.map_err(|error| match &self.child {
            Some(child) if child.overflowed() => Failure::too_large(),
            _ => failure::of_request(error),
        })
    }

    async fn list(&self) -> Result<Vec<ToolOffer>, Failure> {
        let mut offers = Vec::new();
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let page = PaginatedRequestParams::default().with_cursor(cursor.take());
            let answer = self.service.peer().list_tools(Some(page)).await;
            let page = self.judged(answer)?;
            offers.extend(page.tools.into_iter().map(offer));
            cursor = page.next_cursor;
            if cursor.is_none() || offers.len() >= MAX_TOOLS {
                break;
            }
        }
        offers.truncate(MAX_TOOLS);
        Ok(offers)
    }

    async fn call(&self, call: &OutsideCall) -> Result<Value, Failure> {
        let mut params = CallToolRequestParams::new(call.tool.clone());
        params.arguments = Some(call.arguments.clone());
        let mut meta = RequestMetaObject::new();
        meta.insert(KEY_FIELD.to_owned(), json!(call.key));
        params.meta = Some(meta);
        let answer = self.service.peer().call_tool_once(params).await;
        match self.judged(answer)? {
            CallToolResponse::Complete(result) => Ok(content::told(result)),
            CallToolResponse::InputRequired(_) => Err(Failure::before(
                FailureKind::Refused,
                "The tool asks for input in the middle of a call, which is not answered here.",
            )),
            _ => Err(Failure::midway(
                FailureKind::Malformed,
                "The tool began work that ends later, which is not waited for here.",
            )),
        }
    }
}

impl Connections {
    /// Nothing is opened yet. Addresses of private networks are allowed as for models.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when the list of allowed hosts can't be read.
    pub fn new(config: &McpConfig, allowed_hosts: &[String]) -> OurResult<Self> {
        let timeouts = Timeouts {
            connect: Duration::from_secs(5),
            // Calls have limits of their own, which are kept around them.
            read: LONGEST,
            total: LONGEST,
        };
        let allowed = Allowed::parse(allowed_hosts.iter().map(String::as_str))?;
        Ok(Connections {
            guarded: Guarded::new(timeouts, allowed)?,
            commands: config.commands.clone(),
            slots: Mutex::default(),
        })
    }

    fn slot(&self, server: &ToolServer) -> Arc<Slot> {
        let now = Instant::now();
        let id = (server.org, server.name.clone(), settings_hash(server));
        // Nothing here can be left half changed, so another thread's panic changes nothing.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|other, (used, _)| *other == id || now - *used < IDLE);
        let (used, slot) = slots.entry(id).or_insert_with(|| (now, Arc::default()));
        *used = now;
        Arc::clone(slot)
    }

    /// The open connection to a server.
    async fn live(&self, server: &ToolServer) -> Result<Arc<Live>, Failure> {
        let slot = self.slot(server);
        let mut kept = slot.lock().await;
        if let Some(live) = kept.live.as_ref().filter(|live| live.is_open()) {
            return Ok(Arc::clone(live));
        }
        kept.live = None;
        if let Some((at, failure)) = &kept.failed
            && at.elapsed() < FAILED
        {
            return Err(failure.clone());
        }
        match self.open(server).await {
            Ok(live) => {
                let live = Arc::new(live);
                kept.live = Some(Arc::clone(&live));
                Ok(live)
            }
            Err(failure) => {
                kept.failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    async fn open(&self, server: &ToolServer) -> Result<Live, Failure> {
        let (service, child) = match &server.place {
            Place::Http(place) => (open::http(&self.guarded, place).await?, None),
            Place::Command(name) => {
                let command = self.commands.get(name).ok_or_else(|| {
                    let why = format!("There is no command {name:?} on this server.");
                    Failure::before(FailureKind::Refused, why)
                })?;
                let (service, child) = open::command(command).await?;
                (service, Some(child))
            }
        };
        Ok(Live {
            service,
            child,
            tools: AsyncMutex::default(),
        })
    }

    /// Lets a connection go. A child that did not answer in time is killed; over HTTP the
    /// calls of others go on.
    async fn let_go(&self, server: &ToolServer, live: &Arc<Live>) {
        if let Some(child) = &live.child {
            child.kill();
        }
        let slot = self.slot(server);
        let mut kept = slot.lock().await;
        if kept.live.as_ref().is_some_and(|now| Arc::ptr_eq(now, live)) {
            kept.live = None;
        }
    }

    async fn try_call(
        &self,
        server: &ToolServer,
        call: &OutsideCall,
        deadline: Instant,
    ) -> Result<Value, Failure> {
        let opened = timeout_at(deadline, self.live(server)).await;
        let live = opened.unwrap_or_else(|_| {
            let why = "The tool's server did not get ready in time.";
            Err(Failure::before(FailureKind::TimedOut, why))
        })?;
        let answer = timeout_at(deadline, live.call(call)).await;
        let answer = answer.unwrap_or_else(|_| Err(Failure::late()));
        if answer.as_ref().is_err_and(Failure::spoils) {
            self.let_go(server, &live).await;
        }
        answer
    }
}

#[async_trait]
impl ToolServers for Connections {
    async fn tools(&self, server: &ToolServer) -> Result<Vec<ToolOffer>, Failure> {
        let live = self.live(server).await?;
        let mut kept = live.tools.lock().await;
        if let Some((at, tools)) = &*kept
            && at.elapsed() < FRESH
        {
            return Ok(tools.clone());
        }
        let listed = timeout_at(Instant::now() + LISTING, live.list()).await;
        match listed.unwrap_or_else(|_| Err(Failure::late())) {
            Ok(tools) => {
                *kept = Some((Instant::now(), tools.clone()));
                Ok(tools)
            }
            Err(failure) => {
                drop(kept);
                self.let_go(server, &live).await;
                Err(failure)
            }
        }
    }

    async fn call(&self, server: &ToolServer, call: &OutsideCall) -> Result<Value, Failure> {
        let deadline = Instant::now() + server.timeout.min(call.within).min(LONGEST);
        let mut pause = PAUSE;
        let mut in_doubt = false;
        for _ in 1..TRIES {
            let failure = match self.try_call(server, call, deadline).await {
                Err(failure) if failure.passes() => failure,
                answer => return answer.map_err(|failure| doubted(failure, in_doubt)),
            };
            let may = call.repeatable || !failure.in_doubt;
            if !may || Instant::now() + pause >= deadline {
                return Err(doubted(failure, in_doubt));
            }
            in_doubt |= failure.in_doubt;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        let last = self.try_call(server, call, deadline).await;
        last.map_err(|failure| doubted(failure, in_doubt))
    }
}

/// A failure after others that left it open whether the call arrived.
fn doubted(failure: Failure, in_doubt: bool) -> Failure {
    Failure {
        in_doubt: failure.in_doubt || in_doubt,
        ..failure
    }
}

/// A hash over all that a connection depends on, its key included.
fn settings_hash(server: &ToolServer) -> String {
    let settings = match &server.place {
        Place::Command(name) => json!({ "command": name }),
        Place::Http(place) => {
            let key = place.key.as_ref();
            json!({
                "url": place.url, "headers": place.headers,
                "keyHeader": key.map(|key| &key.header),
                "key": key.map(|key| canonical::sha256(key.secret.expose_secret().as_bytes())),
            })
        }
    };
    canonical::sha256(canonical::text(&settings).as_bytes())
}

fn offer(tool: Tool) -> ToolOffer {
    let hints = tool.annotations.unwrap_or_default();
    let description = tool.description.unwrap_or_default();
    let mut parameters = tool.input_schema.as_ref().clone();
    // Models' services refuse a schema of anything else, and with it the whole request.
    parameters.insert("type".to_owned(), json!("object"));
    let mut parameters = Value::Object(parameters);
    let without_schema = parameters.to_string().len() > MAX_SCHEMA;
    if without_schema {
        parameters = json!({ "type": "object" });
    }
    ToolOffer {
        name: tool.name.into_owned(),
        description: description.chars().take(MAX_DESCRIPTION).collect(),
        parameters,
        without_schema,
        says_read_only: hints.read_only_hint == Some(true),
        says_idempotent: hints.idempotent_hint == Some(true),
    }
}
