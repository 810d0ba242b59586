//! The tools of an organization's tool servers, as one run has them: what they are called
//! here, and what was offered, as evidence.
//!
//! A tool is called `<server>__<tool>`. No tool of ours has two underscores in its name and
//! no server in its own, so nothing that a server says can take another's name. What a
//! server calls its tool is bent where services of models would not take it, and then
//! marked, so that it can't take the name of the same server's other tool either.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::tools;
use crate::{
    executions::model::ExecutionConfig,
    kernel::{Code, Error, OrgId, Result, canonical, field::invalid},
    platform::{
        llm::{ToolCall, ToolSpec},
        mcp::{
            Failure, FailureKind, HttpPlace, Place, ServerKey, ToolOffer, ToolServer, ToolServers,
        },
    },
    tenants::{
        model::{OrgServer, ToolEffect},
        ops::KeyedServer,
    },
};

/// Tools that a run has in all; services of models refuse more.
const MAX_TOOLS: usize = 128;
/// Characters of a tool's name at most.
const MAX_NAME: usize = 64;
/// Digits of the hash that marks a bent name.
const MARK: usize = 8;

/// A tool that a run has.
#[derive(Debug, Clone)]
pub struct Outside {
    /// Its server.
    pub server: String,
    /// Its name there.
    pub tool: String,
    spec: ToolSpec,
    without_schema: bool,
    says_read_only: bool,
    says_idempotent: bool,
}

impl Outside {
    /// What it is taken for, as `server` is now.
    pub fn effect(&self, server: &OrgServer) -> ToolEffect {
        server.effect(&self.tool, self.says_read_only, self.says_idempotent)
    }
}

/// The tools of all servers that a run has.
#[derive(Debug, Default)]
pub struct Catalogue {
    tools: BTreeMap<String, Outside>,
    evidence: Option<Value>,
}

impl Catalogue {
    /// Asks all servers at once. One that does not answer is left out, and the evidence
    /// says so: a run should not fail for a tool that it may not need.
    pub async fn take(
        port: &dyn ToolServers,
        org: OrgId,
        servers: Vec<KeyedServer>,
        config: &ExecutionConfig,
    ) -> Self {
        let ask = async |(server, key): KeyedServer| {
            let offers = match reach(org, &server, key) {
                Ok(reached) => port.tools(&reached).await,
                Err(failure) => Err(failure),
            };
            (server, offers)
        };
        let answers = join_all(servers.into_iter().map(ask)).await;
        Self::of(answers, config)
    }

    fn of(
        answers: Vec<(OrgServer, std::result::Result<Vec<ToolOffer>, Failure>)>,
        config: &ExecutionConfig,
    ) -> Self {
        let mut catalogue = Catalogue::default();
        let mut told = Vec::new();
        let mut left_out = 0_usize;
        for (server, offers) in answers {
            let offers = match offers {
                Ok(offers) => offers,
                Err(failure) => {
                    let error =
                        json!({ "kind": failure.kind.as_str(), "message": failure.message });
                    told.push(json!({ "name": server.name, "error": error }));
                    continue;
                }
            };
            let mut names = Vec::new();
            for (name, tool) in named(&server, offers) {
                if !is_given(config, &server.name, &name) {
                    continue;
                }
                if catalogue.tools.len() + tools::NAMES.len() >= MAX_TOOLS {
                    left_out += 1;
                    continue;
                }
                names.push(name.clone());
                catalogue.tools.insert(name, tool);
            }
            told.push(json!({ "name": server.name, "tools": names }));
        }
        if !told.is_empty() {
            catalogue.evidence = Some(catalogue.told(&told, left_out));
        }
        catalogue
    }

    fn told(&self, servers: &[Value], left_out: usize) -> Value {
        let specs: Vec<Value> = self
            .tools
            .values()
            .map(|tool| json!([tool.spec.name, tool.spec.description, tool.spec.parameters]))
            .collect();
        let bare = self.tools.values().filter(|tool| tool.without_schema);
        let bare: Vec<&str> = bare.map(|tool| tool.spec.name.as_str()).collect();
        let mut told = json!({
            "servers": servers,
            "hash": canonical::sha256(canonical::text(&json!(specs)).as_bytes()),
        });
        if let Some(told) = told.as_object_mut() {
            if left_out > 0 {
                told.insert("leftOut".to_owned(), json!(left_out));
            }
            if !bare.is_empty() {
                told.insert("withoutSchema".to_owned(), json!(bare));
            }
        }
        canonical::without_nul(told)
    }

    /// What was offered and by whom, and who could not be reached; `None` without servers.
    /// The hash is over the names, descriptions and schemas of all tools.
    pub fn evidence(&self) -> Option<&Value> {
        self.evidence.as_ref()
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.tools.keys().cloned()
    }

    /// What the model is told of all.
    pub fn specs(&self) -> impl Iterator<Item = ToolSpec> + '_ {
        self.tools.values().map(|tool| tool.spec.clone())
    }

    /// The tool that is called so here.
    pub fn get(&self, name: &str) -> Option<&Outside> {
        self.tools.get(name)
    }
}

/// The tools of a server that agents may use, by what they are called here.
fn named(server: &OrgServer, offers: Vec<ToolOffer>) -> BTreeMap<String, Outside> {
    let mut tools = BTreeMap::new();
    let allowed = |offer: &ToolOffer| server.allows(&offer.name);
    for offer in offers.into_iter().filter(allowed) {
        let name = offered_name(&server.name, &offer.name);
        let spec = ToolSpec {
            name: name.clone(),
            description: offer.description,
            parameters: offer.parameters,
        };
        tools.entry(name).or_insert(Outside {
            server: server.name.clone(),
            tool: offer.name,
            spec,
            without_schema: offer.without_schema,
            says_read_only: offer.says_read_only,
            says_idempotent: offer.says_idempotent,
        });
    }
    tools
}

/// What a tool is called here: its own name where that will do, else one that resembles it
/// and ends with a hash of it.
fn offered_name(server: &str, tool: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let whole = format!("{server}__{tool}");
    if !tool.is_empty() && tool.chars().all(plain) && whole.len() <= MAX_NAME {
        return whole;
    }
    let hash = canonical::sha256(tool.as_bytes());
    let bent: String = whole
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .take(MAX_NAME - MARK - 1)
        .collect();
    format!("{bent}_{}", hash.get(..MARK).unwrap_or_default())
}

fn is_given(config: &ExecutionConfig, server: &str, name: &str) -> bool {
    let Some(tools) = &config.tools else {
        return true;
    };
    let all = format!("{server}__*");
    tools.iter().any(|tool| tool == name || *tool == all)
}

/// Where a server is, with its key.
///
/// # Errors
/// When the key does not open.
pub fn reach(
    org: OrgId,
    server: &OrgServer,
    key: Result<Option<SecretString>>,
) -> std::result::Result<ToolServer, Failure> {
    let key = key.map_err(|error| {
        tracing::warn!(%org, server = server.name, error = %error.chain(), "a tool server's key does not open");
        Failure::before(FailureKind::Refused, "The key of the tool's server does not open.")
    })?;
    let place = match (&server.url, &server.command) {
        (Some(url), _) => Place::Http(HttpPlace {
            url: url.clone(),
            headers: server.headers.clone(),
            key: key.map(|secret| ServerKey {
                header: server.key_header.clone(),
                secret,
            }),
        }),
        (None, command) => Place::Command(command.clone().unwrap_or_default()),
    };
    Ok(ToolServer {
        org,
        name: server.name.clone(),
        place,
        timeout: Duration::from_secs(server.timeout_seconds()),
    })
}

/// The arguments of a call of an outside tool: an object. What is in it is for the server to
/// judge.
pub fn arguments(call: &ToolCall) -> Result<Map<String, Value>> {
    let text = match call.arguments.trim() {
        "" => "{}",
        text => text,
    };
    let arguments: Value = serde_json::from_str(text).map_err(|error| {
        let why = format!("The arguments are not valid JSON: {error}.");
        Error::new(Code::MalformedJson, why)
    })?;
    match arguments {
        Value::Object(arguments) => Ok(arguments),
        _ => Err(invalid("arguments", "must be a JSON object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(name: &str) -> OrgServer {
        let settings = json!({ "mcpServers": [{ "name": name, "url": "http://a.example" }] });
        OrgServer::of_settings(&settings).remove(0)
    }

    fn tool(name: &str) -> ToolOffer {
        ToolOffer {
            name: name.to_owned(),
            description: "Does it.".to_owned(),
            parameters: json!({ "type": "object" }),
            without_schema: false,
            says_read_only: false,
            says_idempotent: false,
        }
    }

    fn names(config: &ExecutionConfig, answers: &[(&str, &[&str])]) -> Vec<String> {
        let answers = answers.iter().map(|(name, tools)| {
            let offers = tools.iter().map(|name| tool(name)).collect();
            (server(name), Ok(offers))
        });
        Catalogue::of(answers.collect(), config).names().collect()
    }

    #[test]
    fn no_name_of_a_tool_can_be_taken_by_another() {
        let config = ExecutionConfig::default();
        let odd = "p.y";
        let bent = offered_name("crm", odd);
        let all = names(
            &config,
            &[
                ("crm", &["pay", odd, "p_y", "pay", "mark_complete", ""]),
                ("a", &["b__c"]),
            ],
        );
        assert_eq!(all.len(), 6, "{all:?}");
        assert!(bent.starts_with("crm__p_y_") && all.contains(&bent));
        assert!(
            all.iter()
                .all(|name| !tools::NAMES.contains(&name.as_str()))
        );
        let long = "x".repeat(200);
        let longer = format!("{long}y");
        let cut = [offered_name("crm", &long), offered_name("crm", &longer)];
        assert!(cut.iter().all(|name| name.len() == MAX_NAME) && cut[0] != cut[1]);
    }

    #[test]
    fn a_run_has_the_tools_that_it_was_given_and_128_at_most() {
        let given = ExecutionConfig {
            tools: Some(vec!["crm__pay".into(), "erp__*".into()]),
            ..ExecutionConfig::default()
        };
        let answers: [(&str, &[&str]); 2] = [("crm", &["pay", "look"]), ("erp", &["a", "b"])];
        assert_eq!(names(&given, &answers), ["crm__pay", "erp__a", "erp__b"]);
        let many: Vec<String> = (0..200).map(|n| format!("t{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let all = names(&ExecutionConfig::default(), &[("crm", &many)]);
        assert_eq!(all.len(), MAX_TOOLS - tools::NAMES.len());
    }

    #[test]
    fn what_was_offered_is_known_by_its_hash() {
        let evidence = |offer: ToolOffer| {
            let answers = vec![(server("crm"), Ok(vec![offer]))];
            let catalogue = Catalogue::of(answers, &ExecutionConfig::default());
            catalogue.evidence().unwrap().clone()
        };
        let other = ToolOffer {
            description: "Does it otherwise.".to_owned(),
            ..tool("pay")
        };
        let plain = evidence(tool("pay"));
        assert_eq!(plain["servers"][0]["tools"], json!(["crm__pay"]));
        assert_ne!(plain["hash"], evidence(other)["hash"]);
        assert!(Catalogue::default().evidence().is_none());
    }
}
