//! The shape of settings, for the OpenAPI document and nothing else: settings are kept
//! with the fields that we don't know, so the program reads them as JSON.

use std::collections::BTreeMap;

use super::ToolEffect;

/// Settings of an organization. Other fields are kept as they are, unless their name
/// says that they hold a secret.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "its fields are read by the derive")]
pub struct OrgSettings {
    /// Models of the organization's own, 100 at most.
    #[schema(max_items = 100)]
    models: Option<Vec<ModelSettings>>,
    /// Where the organization runs models itself: an http or https address.
    #[schema(format = "http-address", max_length = 2000)]
    self_hosted_endpoint: Option<String>,
    /// The key for it. It is stored encrypted and never read back; absent keeps it,
    /// `null` clears it.
    #[schema(write_only, min_length = 1, max_length = 8192, pattern = "^[!-~]+$")]
    self_hosted_key: Option<String>,
    /// Whether there is such a key. Sent back, it changes nothing.
    self_hosted_key_set: Option<bool>,
    /// The model of an execution that names none.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    default_model: Option<String>,
    /// What agents may do; one for an action at most.
    #[schema(max_items = 100)]
    agent_policies: Option<Vec<AgentPolicy>>,
    /// What may be spent.
    budget: Option<BudgetSettings>,
    /// Servers of tools (Model Context Protocol) that the organization's agents have beside
    /// ours. A tool is offered, and named in policies, as `<server>__<tool>`.
    #[schema(max_items = 20)]
    mcp_servers: Option<Vec<McpServerSettings>>,
}

/// A server of tools: at an address, or a command of whoever runs this server.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its fields are read by the derive")]
pub struct McpServerSettings {
    /// Its name, which no other has.
    #[schema(
        min_length = 1,
        max_length = 32,
        pattern = "^[a-z0-9-]+(_[a-z0-9-]+)*$",
        example = "crm"
    )]
    name: String,
    /// Where it answers over streamable HTTP; unless it has `command`.
    #[schema(format = "http-address", max_length = 2000)]
    url: Option<String>,
    /// The name of a command in this server's configuration; unless it has `url`.
    #[schema(min_length = 1, max_length = 32, pattern = "\\S")]
    command: Option<String>,
    /// Headers that go with each request, 20 at most. Secrets don't belong here: `key` is
    /// for one.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    headers: Option<BTreeMap<String, String>>,
    /// The key for it. It is stored encrypted and never read back; absent keeps the one of
    /// the server of this name, `null` clears it.
    #[schema(write_only, min_length = 1, max_length = 8192, pattern = "^[!-~]+$")]
    key: Option<String>,
    /// Whether there is such a key. Sent back, it changes nothing.
    key_set: Option<bool>,
    /// The header that the key is the value of; `Authorization: Bearer …` when absent.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        example = "X-Api-Key"
    )]
    key_header: Option<String>,
    /// The tools, by their names there, that agents may use; all of them when absent.
    #[schema(value_type = Option<Vec<ToolName>>, max_items = 100)]
    tools: Option<Vec<String>>,
    /// What tools do, by their names there: `read` changes nothing, `idempotent` may be sent
    /// twice with the same key, and `at_most_once`, which is what holds when nothing is said,
    /// is never sent twice.
    #[schema(value_type = Option<BTreeMap<String, ToolEffect>>)]
    effects: Option<BTreeMap<String, ToolEffect>>,
    /// Whether the tools' own word is taken for what they do, where `effects` does not say.
    trust_hints: Option<bool>,
    /// How long a call may take; 60 when absent.
    #[schema(minimum = 1, maximum = 600)]
    timeout_seconds: Option<u32>,
}

/// The name of a tool at its server.
#[derive(utoipa::ToSchema)]
#[schema(min_length = 1, max_length = 200, pattern = "\\S")]
#[expect(dead_code, reason = "its shape is read by the derive")]
pub struct ToolName(String);

/// A model of an organization's own.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "its fields are read by the derive")]
pub struct ModelSettings {
    /// Its name, which no other has.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S")]
    name: String,
    /// What it is called at its service: `provider/model`.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "\\S",
        example = "openai/gpt-4o"
    )]
    litellm_model: String,
    /// The key for it. It is stored encrypted and never read back; absent keeps the one
    /// of the model of this name, `null` clears it.
    #[schema(write_only, min_length = 1, max_length = 8192, pattern = "^[!-~]+$")]
    api_key: Option<String>,
    /// Whether there is such a key. Sent back, it changes nothing.
    api_key_set: Option<bool>,
    /// Where the service is. When it changes, the key is sent again with it.
    #[schema(format = "http-address", max_length = 2000)]
    api_base: Option<String>,
    /// The models to ask, in this order, when this one does not answer; absent: those
    /// that follow it in the list. An empty list is none.
    #[schema(value_type = Option<Vec<ModelName>>, max_items = 10)]
    fallbacks: Option<Vec<String>>,
}

/// The name of a model.
#[derive(utoipa::ToSchema)]
#[schema(min_length = 1, max_length = 200, pattern = "\\S")]
#[expect(dead_code, reason = "its shape is read by the derive")]
pub struct ModelName(String);

/// What agents may do.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its fields are read by the derive")]
pub struct AgentPolicy {
    /// The action.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S")]
    action: String,
    /// Whether they may.
    allowed: Option<bool>,
    /// Whether a person must agree first.
    requires_approval: Option<bool>,
    /// So many calls in a run need no approval; more do.
    #[schema(minimum = 0, maximum = 10_000)]
    max_without_approval: Option<u32>,
    /// The policy is about calls whose arguments are so, all of them; about every call
    /// when there is none. Several policies may be about one action: the strictest holds.
    #[schema(max_items = 20)]
    when: Option<Vec<PolicyCondition>>,
}

/// Something that is true of a call's arguments or not.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its fields are read by the derive")]
pub struct PolicyCondition {
    /// Where the argument is, as a JSON pointer.
    #[schema(min_length = 1, max_length = 200, pattern = "^/", example = "/title")]
    argument: String,
    /// It is one of these.
    #[schema(value_type = Option<Vec<Value>>, max_items = 100)]
    one_of: Option<Vec<serde_json::Value>>,
    /// It is a text that contains this one, in whatever case.
    #[schema(min_length = 1, max_length = 500, pattern = "\\S")]
    contains: Option<String>,
    /// It is a number above this one.
    above: Option<f64>,
}

/// What may be spent, in US dollars and tokens.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "its fields are read by the derive")]
pub struct BudgetSettings {
    /// In a month.
    #[schema(minimum = 0, exclusive_maximum = 1_000_000_000)]
    monthly_usd: Option<f64>,
    /// By one execution.
    #[schema(minimum = 0, exclusive_maximum = 1_000_000_000)]
    per_execution_usd: Option<f64>,
    /// Tokens in a month.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    monthly_tokens: Option<i64>,
    /// Tokens of one execution.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    per_execution_tokens: Option<i64>,
    /// What becomes of an execution whose next call of a model could pass a budget: `fail`,
    /// unless said, or `pause`, until somebody raises the budget and resumes it.
    #[schema(value_type = Option<OnExceeded>)]
    on_exceeded: Option<String>,
}

/// What becomes of an execution that could pass a budget.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "its variants are read by the derive")]
pub enum OnExceeded {
    Fail,
    Pause,
}

/// Settings of a user. Other fields are kept as they are, unless their name says that
/// they hold a secret.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "its fields are read by the derive")]
pub struct UserSettings {
    /// How the client looks.
    #[schema(min_length = 1, max_length = 50, pattern = "\\S")]
    theme: Option<String>,
    /// How they are told of what concerns them.
    notifications: Option<NotificationSettings>,
}

/// How a user is told of what concerns them. Nothing goes by e-mail or Slack yet.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "its fields are read by the derive")]
pub struct NotificationSettings {
    /// By e-mail.
    email: Option<bool>,
    /// In the program; on unless said.
    in_app: Option<bool>,
    /// In Slack.
    slack: Option<bool>,
}
