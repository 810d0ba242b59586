//! The tools a model may call: a closed set, a file each.
//!
//! A call is parsed first, then prepared (what must happen outside our database, and
//! may safely happen twice), then applied in the transaction that also writes its
//! entry. Every tool asks for each thing it touches with the execution's own token, by
//! [`Context::grant`] or [`access::authorise`](crate::access::authorise()); what that refuses
//! is told to the model.

mod access_node;
mod add_output;
mod await_subnodes;
mod create_subnode;
mod list_inputs;
mod mark_complete;
mod material;
mod read_input;
mod request_human_input;
mod search;

use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    access::{Action, Caller, Grant, Standing},
    app::App,
    executions::model::{Change, ExecutionConfig, Lease, NewEvent},
    kernel::{Code, Error, Result, canonical, field::invalid, objects::Objects},
    platform::{
        db::Tx,
        llm::{ToolCall, ToolSpec},
    },
};

/// All that the tools do, which is what an execution's token is narrowed to.
pub const ACTIONS: &[Action] = &[
    Action::NodeRead,
    Action::NodeCreate,
    Action::NodeUpdate,
    Action::OutputAdd,
    Action::ExecutionStart,
];

/// How what a tool does outside our database may be repeated. Inside, all of it
/// happens exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing outside.
    Pure,
    /// Repeating it with the same key leaves the same.
    Idempotent,
}

/// What a tool is to do, and for whom.
pub struct Task<'a> {
    /// The program's parts.
    pub app: &'a App,
    /// The execution.
    pub lease: &'a Lease,
    /// What the model wrote.
    pub call: &'a ToolCall,
    /// The number that the call's entry will have: a key that is the same when the
    /// call is repeated after a crash.
    pub sequence: i64,
}

/// What a tool works with in the transaction of its entry.
pub struct Context<'a> {
    /// What it is to do.
    pub task: Task<'a>,
    /// The execution's own token.
    pub caller: &'a Caller,
    /// What the token may do at the execution's node.
    pub standing: &'a Standing,
}

impl<'a> Deref for Context<'a> {
    type Target = Task<'a>;

    fn deref(&self) -> &Task<'a> {
        &self.task
    }
}

impl Context<'_> {
    /// Allows the execution an action at its own node.
    pub fn grant(&self, action: Action) -> Result<Grant> {
        self.standing.grant(self.caller, action)
    }
}

/// What became of a call.
pub struct Outcome {
    /// What the model is told; `None` while the call has no result yet.
    pub result: Option<Value>,
    /// Entries beside the call's own.
    pub evidence: Vec<NewEvent>,
    /// What becomes of the execution.
    pub change: Change,
}

impl Outcome {
    /// The execution goes on.
    fn told(result: Value) -> Self {
        Outcome {
            result: Some(result),
            evidence: Vec::new(),
            change: Change::Continue,
        }
    }

    /// The call stays open.
    fn waits(change: Change) -> Self {
        Outcome {
            result: None,
            evidence: Vec::new(),
            change,
        }
    }

    fn with_evidence(mut self, event: NewEvent) -> Self {
        self.evidence.push(event);
        self
    }
}

macro_rules! tools {
    ($($variant:ident = $module:ident, $effect:ident;)+) => {
        /// A call whose arguments were understood.
        pub enum Tool { $(#[doc = concat!("`", stringify!($module), "`")] $variant($module::Args),)+ }

        /// A call whose effects outside our database have happened.
        #[derive(Clone)]
        pub enum Prepared { $(#[doc = concat!("`", stringify!($module), "`")] $variant($module::Ready),)+ }

        /// The names of all tools.
        pub const NAMES: &[&str] = &[$(stringify!($module)),+];

        impl Tool {
            fn parse(name: &str, arguments: Value) -> Result<Self> {
                match name {
                    $(stringify!($module) => read(arguments).map(Tool::$variant),)+
                    other => Err(unknown(other)),
                }
            }

            /// How it may be repeated.
            pub const fn effect(&self) -> Effect {
                match self { $(Tool::$variant(_) => Effect::$effect,)+ }
            }

            /// Whether all of it is done inside our database, so that it may share the
            /// transaction of the answer that asks for it.
            pub const fn is_within(&self) -> bool {
                // An embedder may be a server, too, and slow.
                matches!(self.effect(), Effect::Pure) && !matches!(self, Tool::Search(_))
            }

            /// Whether it adds to the project's tree of nodes or sets a status, and so holds the
            /// project's row.
            pub const fn touches_project(&self) -> bool {
                matches!(self, Tool::CreateSubnode(_) | Tool::MarkComplete(_))
            }

            /// Does what must be done outside our database.
            pub async fn prepare(self, cx: &Task<'_>) -> Result<Prepared> {
                match self { $(Tool::$variant(args) => $module::prepare(args, cx).await.map(Prepared::$variant),)+ }
            }
        }

        impl Prepared {
            /// Does the rest, in the transaction of the call's entry.
            pub async fn apply(self, tx: &mut Tx, cx: &Context<'_>) -> Result<Outcome> {
                match self { $(Prepared::$variant(ready) => $module::apply(ready, tx, cx).await,)+ }
            }
        }

        fn spec(name: &str) -> Option<ToolSpec> {
            let (description, parameters) = match name {
                $(stringify!($module) => ($module::DESCRIPTION, $module::parameters()),)+
                _ => return None,
            };
            Some(ToolSpec { name: name.to_owned(), description: description.to_owned(), parameters })
        }
    };
}

tools! {
    ListInputs = list_inputs, Pure;
    ReadInput = read_input, Pure;
    Search = search, Pure;
    AccessNode = access_node, Pure;
    CreateSubnode = create_subnode, Pure;
    AwaitSubnodes = await_subnodes, Pure;
    AddOutput = add_output, Idempotent;
    RequestHumanInput = request_human_input, Pure;
    MarkComplete = mark_complete, Pure;
}

/// The names of the tools that `config` leaves an execution. It can always complete.
pub fn allowed(config: &ExecutionConfig) -> Vec<String> {
    let named = |name: &str| match &config.tools {
        Some(tools) => tools.iter().any(|tool| tool == name) || name == "mark_complete",
        None => true,
    };
    NAMES
        .iter()
        .filter(|name| named(name))
        .map(|name| (*name).to_owned())
        .collect()
}

/// What the model is told of the tools that `config` leaves it.
pub fn specs(config: &ExecutionConfig) -> Vec<ToolSpec> {
    allowed(config)
        .iter()
        .filter_map(|name| spec(name))
        .collect()
}

/// Reads a call: the tool must be allowed and its arguments right.
pub fn parse(call: &ToolCall, config: &ExecutionConfig) -> Result<Tool> {
    if !allowed(config).contains(&call.name) {
        return Err(unknown(&call.name));
    }
    let text = if call.arguments.trim().is_empty() {
        "{}"
    } else {
        &call.arguments
    };
    let arguments = serde_json::from_str(text).map_err(|error| {
        Error::new(
            Code::MalformedJson,
            format!("The arguments are not valid JSON: {error}."),
        )
    })?;
    Tool::parse(&call.name, canonical::without_nul(arguments))
}

/// Only an object is taken: a list would be read by the order of the fields, past policies,
/// which look for arguments by their names.
fn read<T: DeserializeOwned>(arguments: Value) -> Result<T> {
    if !arguments.is_object() {
        return Err(invalid("arguments", "must be a JSON object"));
    }
    serde_path_to_error::deserialize(Objects(arguments))
        .map_err(|error| invalid(&error.path().to_string(), error.inner().to_string()))
}

/// Characters of a result that are kept at most, as canonical text. The model is told much less
/// of one that is so long; the journal has it whole, which must end somewhere.
const MAX_RESULT: usize = 8_000_000;

/// A result as the journal has it: one that is too long is cut, and says so.
pub fn bounded(result: Value) -> Value {
    let text = canonical::text(&result);
    if text.len() <= MAX_RESULT {
        return result;
    }
    let first: String = text.chars().take(MAX_RESULT).collect();
    json!({ "cut": true, "characters": text.chars().count(), "text": first })
}

fn unknown(name: &str) -> Error {
    let name: String = name.chars().take(100).collect();
    Error::new(
        Code::NotFound,
        format!("There is no tool {name:?} in this execution."),
    )
}

/// The JSON Schema of an object with these properties.
fn object(properties: Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &str) -> ToolCall {
        ToolCall {
            id: "1".into(),
            name: name.into(),
            arguments: arguments.into(),
        }
    }

    #[test]
    fn the_api_knows_every_tool() {
        assert_eq!(NAMES, crate::executions::model::TOOLS);
    }

    #[test]
    fn every_tool_has_a_description_and_a_schema() {
        let specs = specs(&ExecutionConfig::default());
        assert_eq!(specs.len(), NAMES.len());
        for spec in specs {
            assert!(spec.description.ends_with('.'), "{}", spec.name);
            assert_eq!(spec.parameters["type"], "object", "{}", spec.name);
        }
    }

    #[test]
    fn a_call_that_is_not_understood_says_why() {
        let config = ExecutionConfig::default();
        let why = |call| parse(&call, &config).err().unwrap();
        assert!(why(call("rm", "{}")).message().contains("no tool"));
        assert!(
            why(call("read_input", "{"))
                .message()
                .contains("not valid JSON")
        );
        let missing = why(call("create_subnode", r#"{"description":"x"}"#));
        assert!(missing.message().contains("title"), "{missing}");
        assert!(parse(&call("list_inputs", ""), &config).is_ok());
    }

    #[test]
    fn arguments_have_names() {
        let config = ExecutionConfig::default();
        for odd in [r#"["forbidden", null, false]"#, "null", "7"] {
            assert!(
                parse(&call("create_subnode", odd), &config).is_err(),
                "{odd}"
            );
        }
    }

    #[test]
    fn a_long_result_is_cut_between_characters() {
        let short = json!({ "text": "é".repeat(1_000) });
        assert_eq!(bounded(short.clone()), short);
        let cut = bounded(json!({ "text": "é".repeat(8_100_000) }));
        assert_eq!(cut["characters"], 8_100_011);
        assert_eq!(cut["text"].as_str().unwrap().chars().count(), MAX_RESULT);
    }

    #[test]
    fn a_tool_that_was_not_given_is_not_there() {
        let config = ExecutionConfig {
            tools: Some(vec!["list_inputs".into()]),
            ..ExecutionConfig::default()
        };
        assert_eq!(allowed(&config), ["list_inputs", "mark_complete"]);
        assert!(parse(&call("add_output", "{}"), &config).is_err());
    }
}
