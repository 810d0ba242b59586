//! Settings of organizations, with their sealed keys, and of users.

use std::sync::Arc;

use glassbox::{
    access::{Caller, Origin},
    app::Ctx,
    cli::compose,
    config::Config,
    kernel::{Code, OrgId, Result, Scope, clock::System},
    platform::vault::Vault,
    tenants::{model::KeyField, ops},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    support::TestApp,
    workbench::{Workbench, bad_fields},
};

const KEY: &str = "sk-live-very-secret-0123456789";

fn with_key() -> Value {
    json!({ "settings": {
        "models": [{ "name": "own", "litellmModel": "openai/gpt-4o", "apiKey": KEY, "apiBase": "https://a.example/v1" }],
        "selfHostedEndpoint": "http://gpu.internal:8000",
        "selfHostedKey": format!("{KEY}-2"),
        "defaultModel": "own",
        "agentPolicies": [{ "action": "create_subnode", "allowed": true, "requiresApproval": false }],
        "budget": { "monthlyUsd": 100, "perExecutionUsd": 2.5 },
        "colour": "red",
    } })
}

impl Workbench {
    fn path(&self) -> String {
        format!("/orgs/{}", self.org)
    }

    async fn set(&self, settings: Value) -> Value {
        let body = json!({ "settings": settings });
        self.ada.patch(&self.path(), body).await.expect(200)["settings"].clone()
    }

    async fn settings(&self) -> Value {
        self.ada.get(&self.path()).await.expect(200)["settings"].clone()
    }

    /// What a model call would be given.
    async fn opened(&self, vault: &Vault, field: KeyField) -> Result<Option<String>> {
        self.opened_in(&self.org, vault, field).await
    }

    async fn opened_in(&self, org: &str, vault: &Vault, field: KeyField) -> Result<Option<String>> {
        let org: OrgId = org.parse().unwrap();
        let scope = Scope::Org { org, user: None };
        let key = self.test.app.db.tx(scope, async |tx| {
            ops::org_key_in(tx, vault, org, &field).await
        });
        Ok(key.await?.map(|key| key.expose_secret().to_owned()))
    }

    async fn key(&self, name: &str) -> Option<String> {
        let field = KeyField::Model(name.to_owned());
        self.opened(&self.test.app.vault, field).await.unwrap()
    }
}

/// Every row of every table as text.
async fn whole_database(bench: &Workbench) -> String {
    let tables =
        "select table_name as name from information_schema.tables where table_schema = 'public'";
    let mut all = String::new();
    for table in bench.rows(tables).await {
        let name = table["name"].as_str().unwrap();
        let rows = bench
            .rows(&format!("select to_jsonb(t) as row from {name} t"))
            .await;
        all.push_str(&json!(rows).to_string());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_written_and_never_read_back() {
    let bench = Workbench::start().await;
    let answer = bench.ada.patch(&bench.path(), with_key()).await;
    assert!(!answer.text.contains("sk-live"), "{}", answer.text);
    let settings = answer.expect(200)["settings"].clone();
    assert_eq!(settings["models"][0]["apiKeySet"], true);
    assert_eq!(settings["selfHostedKeySet"], true);
    assert_eq!(
        (&settings["colour"], &settings["budget"]["perExecutionUsd"]),
        (&json!("red"), &json!(2.5))
    );
    let body = json!({ "name": "B", "slug": "made-with", "settings": with_key()["settings"] });
    let made = bench.ada.post("/orgs", body).await;
    assert!(!made.text.contains("sk-live"), "{}", made.text);
    assert_eq!(made.expect(201)["settings"], settings);
    for path in [
        bench.path(),
        "/orgs".into(),
        format!("{}/audit", bench.path()),
    ] {
        let answer = bench.ada.get(&path).await;
        assert!(
            answer.status == 200 && !answer.text.contains("sk-live"),
            "{}",
            answer.text
        );
    }
    assert_eq!(bench.key("own").await.unwrap(), KEY);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_plaintext_and_no_trace_of_a_key_is_anywhere_in_the_database() {
    let bench = Workbench::start().await;
    bench.ada.patch(&bench.path(), with_key()).await.expect(200);
    assert_eq!(bench.count("sealed_keys").await, 2);
    let all = whole_database(&bench).await;
    assert!(all.contains("apiKeySet"), "the look finds nothing: {all}");
    let encoded = [
        KEY.to_owned(),
        "very-secret".to_owned(),
        hex::encode("very-secret"),
    ];
    for text in encoded {
        assert!(!all.contains(&text), "{text}");
    }
    // The audit log says which keys are new.
    let entry = &bench
        .ada
        .get(&format!("{}/audit", bench.path()))
        .await
        .expect(200)["data"][0];
    assert_eq!(
        entry["after"]["newKeys"],
        json!(["selfHostedKey", "models/own"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_objects_can_be_sent_back() {
    let bench = Workbench::start().await;
    let read = bench.set(with_key()["settings"].clone()).await;
    assert_eq!(bench.set(read.clone()).await, read);
    assert_eq!(bench.key("own").await.unwrap(), KEY);
    let mut more = read.clone();
    more["models"][0]["litellmModel"] = json!("openai/gpt-5");
    bench.set(more).await;
    assert_eq!(bench.key("own").await.unwrap(), KEY);
    let mut other = read.clone();
    other["models"][0]["apiKey"] = json!("sk-other");
    bench.set(other).await;
    assert_eq!(bench.key("own").await.unwrap(), "sk-other");
    let mut renamed = read.clone();
    renamed["models"][0]["name"] = json!("theirs");
    let now = bench.set(renamed).await;
    assert_eq!(now["models"][0].get("apiKeySet"), None);
    assert_eq!(
        (bench.key("own").await, bench.key("theirs").await),
        (None, None)
    );
    assert_eq!(bench.count("sealed_keys").await, 1);
    let mut cleared = now.clone();
    cleared["selfHostedKey"] = json!(null);
    assert_eq!(bench.set(cleared).await.get("selfHostedKeySet"), None);
    assert_eq!(bench.count("sealed_keys").await, 0);
    bench
        .ada
        .patch(&bench.path(), json!({ "settings": null }))
        .await
        .expect(200);
    assert_eq!(bench.settings().await, json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_changes_neither_settings_nor_keys() {
    let bench = Workbench::start().await;
    let read = bench.set(with_key()["settings"].clone()).await;
    let mut elsewhere = read.clone();
    elsewhere["models"][0]["apiBase"] = json!("https://evil.example");
    let answer = bench
        .ada
        .patch(&bench.path(), json!({ "settings": elsewhere }))
        .await;
    assert_eq!(bad_fields(&answer), ["settings.models[0].apiBase"]);
    let answer = bench
        .ada
        .patch(&bench.path(), json!({ "settings": { "awsSecret": KEY } }))
        .await;
    assert_eq!(bad_fields(&answer), ["settings.awsSecret"]);
    assert!(!answer.text.contains("sk-live"));
    let member = bench.member("mia", "member").await;
    let answer = member.patch(&bench.path(), json!({ "settings": {} })).await;
    answer.expect_problem(403, "FORBIDDEN");
    bench
        .ada
        .post("/orgs", json!({ "name": "B", "slug": "taken" }))
        .await
        .expect(201);
    let body = json!({ "slug": "taken", "settings": {} });
    bench
        .ada
        .patch(&bench.path(), body)
        .await
        .expect_problem(409, "SLUG_TAKEN");
    assert_eq!(bench.settings().await, read);
    assert_eq!(bench.key("own").await.unwrap(), KEY);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_vault_key_a_key_is_refused_and_nothing_else_is() {
    let test = TestApp::start_configured(&[("vault.key", String::new())]).await;
    let bench = Workbench::of(test).await;
    let answer = bench.ada.patch(&bench.path(), with_key()).await;
    answer.expect_problem(503, "UNAVAILABLE");
    assert!(
        answer.text.contains("GLASSBOX_VAULT__KEY"),
        "{}",
        answer.text
    );
    assert_eq!(bench.settings().await, json!({}));
    let plain = json!({ "models": [{ "name": "own", "litellmModel": "openai/gpt-4o" }] });
    assert_eq!(bench.set(plain.clone()).await, plain);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_or_moved_key_or_another_vault_is_a_clean_error() {
    let bench = Workbench::start().await;
    bench.set(with_key()["settings"].clone()).await;
    let vault = Arc::clone(&bench.test.app.vault);
    let own = || KeyField::Model("own".into());
    let refused = async |vault: &Vault, field: KeyField| {
        let error = bench.opened(vault, field).await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable, "{error}");
        assert!(!error.chain().contains("sk-live"), "{}", error.chain());
    };
    let numbered = |id, byte: &str| Some((id, byte.repeat(32).into()));
    refused(&Vault::new(numbered(1, "b8"), vec![]).unwrap(), own()).await;
    refused(&Vault::new(numbered(2, "0a"), vec![]).unwrap(), own()).await;
    let flip = "update sealed_keys set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)";
    bench.test.database.execute(flip).await;
    refused(&vault, own()).await;
    bench.test.database.execute(flip).await;
    assert_eq!(bench.key("own").await.unwrap(), KEY);
    // The two of this organization, exchanged.
    bench
        .test
        .database
        .execute(
            "update sealed_keys set field = 'x' where field = 'models/own'; \
         update sealed_keys set field = 'models/own' where field = 'selfHostedKey'; \
         update sealed_keys set field = 'selfHostedKey' where field = 'x'",
        )
        .await;
    refused(&vault, own()).await;
    refused(&vault, KeyField::SelfHosted).await;
    // Moved to another organization, where the same field reads it.
    bench.set(json!({})).await;
    bench.set(with_key()["settings"].clone()).await;
    let (other, _) = bench.ada.workspace("other").await;
    bench
        .test
        .database
        .execute(&format!("update sealed_keys set org_id = '{other}'"))
        .await;
    let error = bench.opened_in(&other, &vault, own()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organization_s_transaction_does_not_see_a_key() {
    let bench = Workbench::start().await;
    bench.set(with_key()["settings"].clone()).await;
    let (other, _) = bench.ada.workspace("other").await;
    let (org, other): (OrgId, OrgId) = (bench.org.parse().unwrap(), other.parse().unwrap());
    let app = &bench.test.app;
    let scope = Scope::Org {
        org: other,
        user: None,
    };
    let found = app.db.tx(scope, async |tx| {
        ops::org_key_in(tx, &app.vault, org, &KeyField::SelfHosted).await
    });
    assert!(found.await.unwrap().is_none());
}

/// Ada at a server with another key in its vault.
fn at_another_server(bench: &Workbench, id: u32, key: &str, earlier: &str) -> Ctx {
    let mut config = Config::clone(&bench.test.app.config);
    config.vault.key_id = id;
    config.vault.key = key.repeat(32).into();
    config.vault.earlier = earlier.into();
    let (clock, ids) = (Arc::new(System), Arc::new(System));
    let app = compose::app(config, clock, ids, bench.test.url.clone()).unwrap();
    let token = app.keyring.verify(bench.ada.token(), app.db.now()).unwrap();
    let caller = Caller::new(token, Origin::default());
    Ctx {
        app: Arc::new(app),
        caller,
        attempt: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_vault_key_opens_the_old_and_seals_anew_at_the_next_change() {
    let bench = Workbench::start().await;
    let mut read = bench.set(with_key()["settings"].clone()).await;
    let org: OrgId = bench.org.parse().unwrap();
    let mut change = async |ctx: &Ctx, colour: &str| {
        read["colour"] = json!(colour);
        let update = serde_json::from_value(json!({ "settings": read })).unwrap();
        ops::org_update(ctx, org, update).await.unwrap();
        bench.rows("select key_id from sealed_keys").await
    };
    // A server that lacks the old key can't open what it sealed, and leaves it alone.
    let forgetful = at_another_server(&bench, 2, "0b", "");
    assert_eq!(
        change(&forgetful, "blue").await,
        vec![json!({ "key_id": 1 }); 2]
    );
    let next = at_another_server(&bench, 2, "0b", &format!("1:{}", "0a".repeat(32)));
    let own = || KeyField::Model("own".into());
    assert!(
        bench
            .opened(&next.app.vault, own())
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        change(&next, "green").await,
        vec![json!({ "key_id": 2 }); 2]
    );
    let key = bench.opened(&forgetful.app.vault, own()).await.unwrap();
    assert_eq!(key.unwrap(), KEY);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_keep_settings_that_are_checked() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let settings = json!({ "theme": "dark", "notifications": { "email": false, "inApp": true, "slack": false } });
    let user = ada
        .patch("/users/me", json!({ "settings": settings }))
        .await
        .expect(200);
    assert_eq!(user["settings"], settings);
    let answer = ada
        .patch(
            "/users/me",
            json!({ "settings": { "notifications": { "inApp": "no" } } }),
        )
        .await;
    assert_eq!(bad_fields(&answer), ["settings.notifications.inApp"]);
    let answer = ada
        .patch("/users/me", json!({ "settings": { "slackToken": KEY } }))
        .await;
    assert_eq!(bad_fields(&answer), ["settings.slackToken"]);
    assert_eq!(ada.get("/users/me").await.expect(200)["settings"], settings);
    let user = ada
        .patch("/users/me", json!({ "settings": null }))
        .await
        .expect(200);
    assert_eq!(user["settings"], json!({}));
}
