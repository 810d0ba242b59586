//! What settings may hold, and what becomes of their keys.

use super::*;
use crate::kernel::{Error, Result};
use secrecy::ExposeSecret;

fn settle(sent: Value, before: &Value) -> Result<Settled> {
    let mut fields = Fields::default();
    let draft = Draft::read(&mut fields, Unchecked::new(sent));
    let settled = draft.settle(&mut fields, before);
    fields.finish()?;
    Ok(settled)
}

fn bad_fields(error: &Error) -> Vec<String> {
    let fields = &error.details().unwrap()["fields"];
    let name = |field: &Value| field["field"].as_str().unwrap().to_owned();
    fields.as_array().unwrap().iter().map(name).collect()
}

fn refused(sent: Value) -> Vec<String> {
    let error = settle(sent, &json!({})).unwrap_err();
    assert!(!error.message().contains("sk-"), "{error}");
    bad_fields(&error)
}

fn model(rest: Value) -> Value {
    let mut model = json!({ "name": "own", "litellmModel": "openai/gpt-4o" });
    let rest = rest.as_object().unwrap().clone();
    model.as_object_mut().unwrap().extend(rest);
    json!({ "models": [model] })
}

fn stored() -> Value {
    settle(
        json!({
            "models": [
                { "name": "own", "litellmModel": "openai/gpt-4o", "apiKey": "sk-1", "apiBase": "https://a.example" },
                { "name": "bare", "litellmModel": "openai/gpt-4o" },
            ],
            "selfHostedEndpoint": "http://10.0.0.1:8000/v1",
            "selfHostedKey": "sk-2",
        }),
        &json!({}),
    )
    .unwrap()
    .settings
}

#[test]
fn keys_are_taken_out_and_only_said_to_be_there() {
    let settled = settle(
        json!({ "models": [{ "name": "own", "litellmModel": "m", "apiKey": "sk-1" }], "selfHostedKey": "sk-2" }),
        &json!({}),
    )
    .unwrap();
    assert_eq!(
        settled.settings,
        json!({ "models": [{ "name": "own", "litellmModel": "m", "apiKeySet": true }], "selfHostedKeySet": true })
    );
    let keys: Vec<_> = settled
        .new
        .iter()
        .map(|(field, key)| (field.stored(), key.expose_secret().to_owned()))
        .collect();
    let expected = [("selfHostedKey", "sk-2"), ("models/own", "sk-1")];
    assert_eq!(keys, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert!(!format!("{settled:?}").contains("sk-"));
}

#[test]
fn what_was_read_can_be_sent_back_and_keeps_every_key() {
    let settled = settle(stored(), &stored()).unwrap();
    assert_eq!(settled.settings, stored());
    assert!(settled.new.is_empty());
    let own = KeyField::Model("own".into());
    assert_eq!(settled.kept, [KeyField::SelfHosted, own]);
}

#[test]
fn a_client_can_not_claim_a_key_that_is_not_there() {
    let sent = json!({ "models": [{ "name": "x", "litellmModel": "m", "apiKeySet": true }], "selfHostedKeySet": true });
    let settled = settle(sent, &json!({})).unwrap();
    assert!(settled.kept.is_empty());
    assert!(!settled.settings.to_string().contains("KeySet"));
    let sent = json!({ "models": [{ "name": "x", "litellmModel": "m", "apiKeySet": 1 }], "selfHostedKeySet": "yes" });
    let error = settle(sent, &json!({})).unwrap_err();
    let fields = error.details().unwrap()["fields"].as_array().unwrap();
    let fields: Vec<_> = fields.iter().map(|f| &f["field"]).collect();
    assert_eq!(
        fields,
        ["settings.selfHostedKeySet", "settings.models[0].apiKeySet"]
    );
}

#[test]
fn null_clears_a_key_and_a_renamed_model_has_none() {
    let mut sent = stored();
    sent["models"][0]["apiKey"] = json!(null);
    let settled = settle(sent, &stored()).unwrap();
    assert_eq!(settled.kept, [KeyField::SelfHosted]);
    assert!(settled.settings["models"][0].get("apiKeySet").is_none());
    let mut sent = stored();
    sent["models"][0]["name"] = json!("other");
    let settled = settle(sent, &stored()).unwrap();
    assert_eq!(settled.kept, [KeyField::SelfHosted]);
    assert!(settled.settings["models"][0].get("apiKeySet").is_none());
}

#[test]
fn a_kept_key_is_never_sent_elsewhere() {
    let mut sent = stored();
    sent["models"][0]["apiBase"] = json!("https://evil.example");
    sent["selfHostedEndpoint"] = json!("https://evil.example");
    let error = settle(sent.clone(), &stored()).unwrap_err();
    assert_eq!(
        bad_fields(&error),
        ["settings.selfHostedEndpoint", "settings.models[0].apiBase"]
    );
    sent["models"][0]["apiKey"] = json!("sk-3");
    sent["selfHostedKey"] = json!(null);
    let settled = settle(sent, &stored()).unwrap();
    assert!(settled.kept.is_empty());
    assert_eq!(settled.new_keys(), ["models/own"]);
}

#[test]
fn empty_settings_end_every_key() {
    let settled = settle(json!({}), &stored()).unwrap();
    assert!(settled.kept.is_empty() && settled.new.is_empty());
    assert_eq!(settled.settings, json!({}));
}

#[test]
fn every_bad_field_is_named_with_its_path() {
    let bad = refused(json!({
        "models": [
            { "name": " ", "litellmModel": 7, "apiKey": "sk- blank", "apiBase": "ftp://a" },
            { "apiKey": 7 },
            "gpt",
        ],
        "selfHostedEndpoint": "https://user:sk-1@a.example",
        "selfHostedKey": "",
        "defaultModel": "x".repeat(201),
        "agentPolicies": [
            { "allowed": "yes" },
            { "action": "a" },
            { "action": "a", "maxWithoutApproval": -1, "allow": false },
            { "action": "a", "when": [{ "argument": "title", "above": "ten", "equals": 1 }] },
        ],
        "budget": { "monthlyUsd": -1, "perExecutionUsd": "ten" },
    }));
    let expected = [
        "settings.selfHostedKey",
        "settings.models[0].apiKey",
        "settings.models[0].apiBase",
        "settings.models[0].litellmModel",
        "settings.models[0].name",
        "settings.models[1].apiKey",
        "settings.models[1].litellmModel",
        "settings.models[1].name",
        "settings.models[2]",
        "settings.selfHostedEndpoint",
        "settings.defaultModel",
        "settings.agentPolicies[0].action",
        "settings.agentPolicies[0].allowed",
        "settings.agentPolicies[2].action",
        "settings.agentPolicies[2].maxWithoutApproval",
        "settings.agentPolicies[2].allow",
        "settings.agentPolicies[3].when[0].argument",
        "settings.agentPolicies[3].when[0].above",
        "settings.agentPolicies[3].when[0].equals",
        "settings.budget.monthlyUsd",
        "settings.budget.perExecutionUsd",
    ];
    assert_eq!(bad, expected);
    let twice = json!({ "models": [{ "name": "a", "litellmModel": "m" }, { "name": "a", "litellmModel": "m" }] });
    assert_eq!(refused(twice), ["settings.models[1].name"]);
    for odd in [
        json!([]),
        json!("x"),
        json!({ "models": {} }),
        json!({ "budget": 1 }),
    ] {
        assert_eq!(refused(odd.clone()).len(), 1, "{odd}");
    }
}

#[test]
fn a_whole_number_may_be_written_with_a_point() {
    let sent = json!({
        "agentPolicies": [{ "action": "a", "maxWithoutApproval": 3.0 }],
        "budget": { "monthlyTokens": 1e6 },
    });
    assert!(settle(sent, &json!({})).is_ok());
    let broken = json!({ "agentPolicies": [{ "action": "a", "maxWithoutApproval": 3.5 }] });
    let field = "settings.agentPolicies[0].maxWithoutApproval";
    assert_eq!(refused(broken), [field]);
}

#[test]
fn unknown_fields_stay_unless_they_are_called_like_secrets() {
    let kept =
        json!({ "colour": "red", "maxTokens": 5, "requireApiKey": true, "nested": { "a": [1] } });
    assert_eq!(settle(kept.clone(), &json!({})).unwrap().settings, kept);
    for (sent, field) in [
        (json!({ "openaiApiKey": "sk-1" }), "settings.openaiApiKey"),
        (json!({ "apiKey": "sk-1" }), "settings.apiKey"),
        (json!({ "API_KEY": ["sk-1"] }), "settings.API_KEY"),
        (
            json!({ "a": [{ "client-secret": "sk-1" }] }),
            "settings.a[0].client-secret",
        ),
        (
            model(json!({ "selfHostedKey": "sk-1" })),
            "settings.models[0].selfHostedKey",
        ),
        (
            model(json!({ "headers": { "Authorization": "sk-1" } })),
            "settings.models[0].headers.Authorization",
        ),
    ] {
        assert_eq!(refused(sent), [field]);
    }
}

#[test]
fn settings_have_a_size() {
    assert_eq!(refused(json!({ "a": "x".repeat(70_000) })), ["settings"]);
}

#[test]
fn users_settings_are_checked_as_well() {
    let check = |value| {
        let mut fields = Fields::default();
        let settings = check_user_settings(&mut fields, value);
        fields.finish().map(|()| settings)
    };
    let good =
        json!({ "theme": "dark", "notifications": { "inApp": false, "email": true }, "x": 1 });
    assert_eq!(check(good.clone()).unwrap(), good);
    let bad = json!({ "theme": 1, "notifications": { "inApp": "no" }, "slackToken": "sk-1" });
    assert_eq!(
        bad_fields(&check(bad).unwrap_err()),
        [
            "settings.theme",
            "settings.notifications.inApp",
            "settings.slackToken"
        ]
    );
}

#[test]
fn fallbacks_are_a_short_list_of_names() {
    for good in [json!(null), json!([]), json!(["b", "openai/gpt-4o"])] {
        settle(model(json!({ "fallbacks": good })), &json!({})).unwrap();
    }
    let path = "settings.models[0].fallbacks";
    assert_eq!(refused(model(json!({ "fallbacks": "b" }))), [path]);
    assert_eq!(
        refused(model(json!({ "fallbacks": vec!["b"; 11] }))),
        [path]
    );
    let odd = refused(model(json!({ "fallbacks": ["b", 7, " "] })));
    assert_eq!(odd, [format!("{path}[1]"), format!("{path}[2]")]);
}

fn server(rest: Value) -> Value {
    let mut server = json!({ "name": "crm", "url": "https://crm.example/mcp" });
    let rest = rest.as_object().unwrap().clone();
    server.as_object_mut().unwrap().extend(rest);
    json!({ "mcpServers": [server] })
}

#[test]
fn a_tool_servers_key_is_taken_out_and_stays_with_its_address() {
    let sent = server(json!({ "key": "sk-9", "headers": { "X-Team": "blue" } }));
    let settled = settle(sent, &json!({})).unwrap();
    assert_eq!(settled.new_keys(), ["mcpServers/crm"]);
    let stored = settled.settings;
    assert!(!stored.to_string().contains("sk-"), "{stored}");
    assert_eq!(stored["mcpServers"][0]["keySet"], true);
    let again = settle(stored.clone(), &stored).unwrap();
    assert_eq!(again.settings, stored);
    assert_eq!(again.kept, [KeyField::McpServer("crm".into())]);
    let mut moved = stored.clone();
    moved["mcpServers"][0]["url"] = json!("https://evil.example");
    let error = settle(moved, &stored).unwrap_err();
    assert_eq!(bad_fields(&error), ["settings.mcpServers[0].url"]);
}

#[test]
fn every_bad_field_of_a_tool_server_is_named() {
    let at = |field: &str| vec![format!("settings.mcpServers[0]{field}")];
    for (rest, field) in [
        (json!({ "name": "a__b" }), ".name"),
        (json!({ "url": "ftp://a" }), ".url"),
        (json!({ "url": null }), ""),
        (json!({ "command": "counter" }), ""),
        (
            json!({ "url": null, "command": "counter", "key": "sk-1" }),
            ".key",
        ),
        (json!({ "headers": { "Host": "a" } }), ".headers.Host"),
        (
            json!({ "headers": { "Authorization": "sk-1" } }),
            ".headers.Authorization",
        ),
        (json!({ "keyHeader": "Mcp-Session-Id" }), ".keyHeader"),
        (json!({ "tools": "look" }), ".tools"),
        (json!({ "tool": ["look"] }), ".tool"),
        (json!({ "effects": { "look": "none" } }), ".effects.look"),
        (json!({ "timeoutSeconds": 601 }), ".timeoutSeconds"),
        (json!({ "trustHints": "yes" }), ".trustHints"),
    ] {
        assert_eq!(refused(server(rest.clone())), at(field), "{rest}");
    }
    // What tools are called is their server's affair.
    let odd = json!({ "effects": { "get_token": "read" }, "timeoutSeconds": 60.0 });
    let settled = settle(server(odd), &json!({})).unwrap();
    assert_eq!(
        crate::tenants::model::OrgServer::of_settings(&settled.settings).len(),
        1
    );
    let twice = server(json!({}))["mcpServers"][0].clone();
    let twice = json!({ "mcpServers": [twice, twice] });
    assert_eq!(refused(twice), ["settings.mcpServers[1].name"]);
    let many: Vec<_> = (0..21)
        .map(|n| json!({ "name": format!("s{n}"), "url": "https://a.example" }))
        .collect();
    assert_eq!(
        refused(json!({ "mcpServers": many })),
        ["settings.mcpServers"]
    );
}
