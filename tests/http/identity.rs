//! Signing in with the token of an identity provider.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::{
    Answer, TestApp, epoch,
    issuer::{self, Issuer, Key, Mood},
};
use crate::workbench::Workbench;

/// A program and the provider it trusts, which has one RSA key. The clock stands still.
struct Scene {
    test: TestApp,
    issuer: Issuer,
    key: Key,
}

impl Scene {
    async fn start() -> Self {
        Self::start_configured(&[]).await
    }

    async fn start_configured(more: &[(&'static str, &str)]) -> Self {
        let key = Key::rsa("first", 0);
        let issuer = Issuer::start(&[&key]).await;
        let mut settings = issuer.settings();
        settings.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let test = TestApp::start_with_manual_clock_configured(&settings).await;
        Scene { test, issuer, key }
    }

    fn access(&self, subject: &str) -> Value {
        self.issuer.access(subject, epoch().timestamp())
    }

    fn id(&self, subject: &str) -> Value {
        self.issuer.id(subject, epoch().timestamp())
    }

    /// Who the program takes the bearer of `token` for.
    async fn me(&self, token: &str) -> Answer {
        self.test.bearer(token).get("/users/me").await
    }

    async fn users(&self) -> i64 {
        let row = Workbench::rows_of(&self.test.database, "select count(*) as n from users");
        row.await[0]["n"].as_i64().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn id_and_access_tokens_sign_in_the_same_person() {
    let scene = Scene::start().await;
    let by_access = scene
        .me(&scene.key.token(&scene.access("ada")))
        .await
        .expect(200);
    assert_eq!(by_access["cognitoSub"], "ada");
    assert_eq!(by_access.get("email"), None, "none was told yet");
    let by_id = scene
        .me(&scene.key.token(&scene.id("ada")))
        .await
        .expect(200);
    assert_eq!(by_id["id"], by_access["id"]);
    assert_eq!(by_id["email"], "ada@example.com");
    assert_eq!(scene.users().await, 1);
    assert_eq!(scene.issuer.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_follows_the_provider_and_is_never_overwritten_with_nothing() {
    let scene = Scene::start().await;
    scene
        .me(&scene.key.token(&scene.id("ada")))
        .await
        .expect(200);
    let access = scene.key.token(&scene.access("ada"));
    assert_eq!(
        scene.me(&access).await.expect(200)["email"],
        "ada@example.com"
    );
    let mut moved = scene.id("ada");
    moved["email"] = json!("ada@new.example.com");
    let moved = scene.key.token(&moved);
    assert_eq!(
        scene.me(&moved).await.expect(200)["email"],
        "ada@new.example.com"
    );

    let mut unverified = scene.id("ada");
    unverified["email"] = json!("grace@example.com");
    unverified["email_verified"] = json!(false);
    for token in [scene.key.token(&unverified), access] {
        let me = scene.me(&token).await.expect(200);
        assert_eq!(me["email"], "ada@new.example.com");
    }
    // Also once the memory of them is stale.
    scene.test.clock.advance(TimeDelta::minutes(11));
    let access = scene.key.token(&scene.access("ada"));
    assert_eq!(
        scene.me(&access).await.expect(200)["email"],
        "ada@new.example.com"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_claim_alone_is_refused_and_makes_no_user() {
    let scene = Scene::start().await;
    let now = epoch().timestamp();
    let (access, id) = (scene.access("ada"), scene.id("ada"));
    for (claims, key, value, code) in [
        (
            &access,
            "iss",
            json!("https://elsewhere.example.com"),
            "TOKEN_INVALID",
        ),
        (&access, "iss", json!(null), "TOKEN_INVALID"),
        (&access, "client_id", json!("stranger"), "TOKEN_INVALID"),
        (&access, "client_id", json!(null), "TOKEN_INVALID"),
        (&access, "token_use", json!("refresh"), "TOKEN_INVALID"),
        (&access, "token_use", json!(null), "TOKEN_INVALID"),
        (&access, "sub", json!(null), "TOKEN_INVALID"),
        (&access, "sub", json!(""), "TOKEN_INVALID"),
        (&access, "exp", json!(null), "TOKEN_INVALID"),
        (&access, "exp", json!(now - 31), "TOKEN_EXPIRED"),
        (&access, "nbf", json!(now + 31), "TOKEN_INVALID"),
        (&id, "aud", json!("stranger"), "TOKEN_INVALID"),
        (&id, "aud", json!(null), "TOKEN_INVALID"),
        (
            &id,
            "aud",
            json!([issuer::CLIENT, "stranger"]),
            "TOKEN_INVALID",
        ),
        (&id, "token_use", json!("access"), "TOKEN_INVALID"),
    ] {
        let mut claims = claims.clone();
        claims[key] = value.clone();
        let answer = scene.me(&scene.key.token(&claims)).await;
        assert_eq!(answer.status, 401, "{key}: {value}");
        answer.expect_problem(401, code);
    }
    assert_eq!(scene.users().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_provider_did_not_sign_is_refused() {
    let scene = Scene::start().await;
    let claims = scene.access("ada");
    let header = |alg: &str| json!({ "alg": alg, "kid": "first" });
    let good = scene.key.token(&claims);
    let (start, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = start.split_once('.').unwrap();
    let root = issuer::base64(scene.access("root").to_string().as_bytes());
    let modulus = scene.key.jwk()["n"].as_str().unwrap().to_owned();
    let jwk = scene.key.jwk().to_string();
    let impostor = Key::rsa("first", 1);
    let ec = Key::ec("first");
    let with_its_own_key = json!({ "alg": "RS256", "kid": "first", "jwk": impostor.jwk(),
        "jku": "http://127.0.0.1:1/keys" });
    for (why, token) in [
        ("signed by another key", impostor.token(&claims)),
        (
            "brings its own key",
            impostor.token_with(&with_its_own_key, &claims),
        ),
        (
            "other claims under the signature",
            format!("{head}.{root}.{signature}"),
        ),
        ("no signature", issuer::unsigned(&header("RS256"), &claims)),
        ("alg none", issuer::unsigned(&header("none"), &claims)),
        ("alg None", issuer::unsigned(&header("None"), &claims)),
        (
            "HS256 with the public key",
            issuer::hs256(modulus.as_bytes(), &header("HS256"), &claims),
        ),
        (
            "HS256 with the published key",
            issuer::hs256(jwk.as_bytes(), &header("HS256"), &claims),
        ),
        (
            "HS256 that says RS256",
            issuer::hs256(modulus.as_bytes(), &header("RS256"), &claims),
        ),
        ("an algorithm not configured", ec.token(&claims)),
        (
            "RS512 of a key for RS256",
            scene.key.token_with(&header("RS512"), &claims),
        ),
        (
            "no kid",
            scene.key.token_with(&json!({ "alg": "RS256" }), &claims),
        ),
        (
            "critical extensions",
            scene.key.token_with(
                &json!({ "alg": "RS256", "kid": "first", "crit": ["b64"] }),
                &claims,
            ),
        ),
        ("two parts", start.to_owned()),
        ("four parts", format!("{good}.x")),
        ("dots alone", "..".to_owned()),
        ("endless", format!("{good}{}", "A".repeat(9000))),
    ] {
        let answer = scene.me(&token).await;
        assert_eq!(answer.status, 401, "{why}: {}", answer.text);
        answer.expect_problem(401, "TOKEN_INVALID");
    }
    assert_eq!(scene.users().await, 0);
    scene.me(&good).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn elliptic_keys_are_taken_when_configured() {
    let scene = Scene::start_configured(&[("oidc.algorithms", "RS256, ES256")]).await;
    let ec = Key::ec("second");
    scene.issuer.publish(&[&scene.key, &ec]);
    scene.me(&ec.token(&scene.access("ada"))).await.expect(200);
    scene
        .me(&scene.key.token(&scene.access("ada")))
        .await
        .expect(200);
    // A key verifies with its own algorithm only.
    let header = json!({ "alg": "RS256", "kid": "second" });
    let confused = scene.key.token_with(&header, &scene.access("ada"));
    scene
        .me(&confused)
        .await
        .expect_problem(401, "TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_refused_though_it_was_good_before() {
    let scene = Scene::start().await;
    let token = scene.key.token(&scene.access("ada"));
    scene.me(&token).await.expect(200);
    scene.test.clock.advance(TimeDelta::seconds(3600 + 29));
    scene.me(&token).await.expect(200);
    scene.test.clock.advance(TimeDelta::seconds(1));
    scene.me(&token).await.expect_problem(401, "TOKEN_EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_found_and_a_withdrawn_one_is_good_no_more() {
    let scene = Scene::start().await;
    let old = scene.key.token(&scene.access("ada"));
    scene.me(&old).await.expect(200);
    let next = Key::rsa("second", 1);
    scene.issuer.publish(&[&scene.key, &next]);
    scene.test.clock.advance(TimeDelta::seconds(10));
    scene
        .me(&next.token(&scene.access("ada")))
        .await
        .expect(200);
    assert_eq!(scene.issuer.asked(), 2);
    scene.me(&old).await.expect(200);

    scene.issuer.publish(&[&next]);
    scene.test.clock.advance(TimeDelta::seconds(10));
    let unknown = Key::rsa("unknown", 2).token(&scene.access("ada"));
    scene
        .me(&unknown)
        .await
        .expect_problem(401, "TOKEN_INVALID");
    assert_eq!(scene.issuer.asked(), 3);
    scene.me(&old).await.expect_problem(401, "TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_comes_back_with_another_key_is_another_key() {
    let scene = Scene::start().await;
    let old = scene.key.token(&scene.access("ada"));
    scene.me(&old).await.expect(200);
    let replacement = Key::rsa("first", 1);
    scene.issuer.publish(&[&replacement]);
    scene.test.clock.advance(TimeDelta::seconds(10));
    let unknown = Key::rsa("unknown", 2).token(&scene.access("ada"));
    scene
        .me(&unknown)
        .await
        .expect_problem(401, "TOKEN_INVALID");
    scene.me(&old).await.expect_problem(401, "TOKEN_INVALID");
    scene
        .me(&replacement.token(&scene.access("ada")))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unknown_keys_asks_the_provider_once() {
    let scene = Scene::start().await;
    scene
        .me(&scene.key.token(&scene.access("ada")))
        .await
        .expect(200);
    scene.test.clock.advance(TimeDelta::seconds(10));
    for _ in 0..2 {
        let tokens: Vec<String> = (0..100)
            .map(|n| Key::rsa(&format!("invented-{n}"), 2).token(&scene.access("ada")))
            .collect();
        for answer in join_all(tokens.iter().map(|token| scene.me(token))).await {
            answer.expect_problem(401, "TOKEN_INVALID");
        }
        assert_eq!(scene.issuer.asked(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_first_requests_at_once_make_one_user_and_one_question() {
    let scene = Scene::start().await;
    let tokens: Vec<String> = (0..20)
        .map(|n| {
            let claims = if n % 2 == 0 {
                scene.id("ada")
            } else {
                scene.access("ada")
            };
            scene.key.token(&claims)
        })
        .collect();
    let answers = join_all(tokens.iter().map(|token| scene.me(token))).await;
    let ids: std::collections::BTreeSet<String> = answers
        .into_iter()
        .map(|answer| answer.expect(200)["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(scene.users().await, 1);
    assert_eq!(scene.issuer.asked(), 1);
    let me = scene
        .me(&scene.key.token(&scene.access("ada")))
        .await
        .expect(200);
    assert_eq!(me["email"], "ada@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_provider_is_away_known_keys_are_good_up_to_the_stated_age() {
    let scene = Scene::start().await;
    let claims = |hours: i64| {
        let now = (epoch() + TimeDelta::hours(hours)).timestamp();
        scene.issuer.access("ada", now)
    };
    scene.me(&scene.key.token(&claims(0))).await.expect(200);
    scene.issuer.is(Mood::Says(500, String::new()));
    scene.test.clock.advance(TimeDelta::hours(23));
    let unknown = Key::rsa("unknown", 1).token(&claims(23));
    scene.me(&unknown).await.expect_problem(503, "UNAVAILABLE");
    scene.me(&scene.key.token(&claims(23))).await.expect(200);
    scene.test.clock.advance(TimeDelta::hours(1));
    let stale = scene.key.token(&claims(24));
    scene.me(&stale).await.expect_problem(503, "UNAVAILABLE");

    scene.issuer.is(Mood::Well);
    scene.test.clock.advance(TimeDelta::seconds(10));
    scene.me(&stale).await.expect(200);
    scene
        .me(&unknown)
        .await
        .expect_problem(401, "TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_gives_no_keys_is_away_and_the_token_not_bad() {
    let large = json!({ "keys": [Key::rsa("first", 0).jwk()], "x": "x".repeat(64 * 1024) });
    for (status, body) in [
        (500, String::new()),
        (404, String::new()),
        (302, String::new()),
        (200, "<html>".to_owned()),
        (200, json!({ "keys": [] }).to_string()),
        (200, large.to_string()),
    ] {
        let scene = Scene::start().await;
        scene.issuer.is(Mood::Says(status, body.clone()));
        let token = scene.key.token(&scene.access("ada"));
        for _ in 0..3 {
            scene.me(&token).await.expect_problem(503, "UNAVAILABLE");
        }
        assert_eq!(scene.issuer.asked(), 1, "{status}");
        scene.issuer.is(Mood::Well);
        scene.test.clock.advance(TimeDelta::seconds(10));
        scene.me(&token).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_provider_holds_up_nobody_whose_key_is_known() {
    let scene = Scene::start().await;
    let token = scene.key.token(&scene.access("ada"));
    scene.me(&token).await.expect(200);
    scene.issuer.is(Mood::Silent);
    // Old enough for a refresh, which this request begins and does not wait for.
    scene.test.clock.advance(TimeDelta::minutes(59));
    scene.test.clock.advance(TimeDelta::minutes(1));
    let token = scene.key.token(
        &scene
            .issuer
            .access("ada", scene.test.app.db.now().timestamp()),
    );
    let begun = std::time::Instant::now();
    for _ in 0..5 {
        scene.me(&token).await.expect(200);
    }
    assert!(
        begun.elapsed().as_secs_f32() < 2.5,
        "it waited: {:?}",
        begun.elapsed()
    );
    // Who has to wait is told after the time-out that the provider is away.
    let unknown = Key::rsa("unknown", 1).token(&scene.access("ada"));
    scene.me(&unknown).await.expect_problem(503, "UNAVAILABLE");
    assert_eq!(scene.issuer.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_does_not_abort_the_question_for_the_others() {
    let scene = Scene::start().await;
    let permits = Arc::new(Semaphore::new(0));
    scene.issuer.is(Mood::Held(Arc::clone(&permits)));
    let token = scene.key.token(&scene.access("ada"));
    let client = scene.test.bearer(&token);
    let waiting = tokio::spawn(async move { client.get("/users/me").await });
    while scene.issuer.asked() == 0 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    permits.add_permits(1);
    // The clock stands still, so there is no second question.
    scene.me(&token).await.expect(200);
    assert_eq!(scene.issuer.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_seen_lately_costs_no_statement() {
    let scene = Scene::start().await;
    let token = scene.key.token(&scene.id("ada"));
    let client = scene.test.bearer(&token);
    client.get("/orgs").await.expect(200);
    // Without the table, any look-up of the user would fail; the list has no need of it.
    let gone = "alter table users rename to gone";
    scene.test.database.execute(gone).await;
    client.get("/orgs").await.expect(200);
    scene.test.clock.advance(TimeDelta::minutes(11));
    client.get("/orgs").await.expect_problem(500, "INTERNAL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_signed_in_with_the_provider_does_all_that_their_roles_allow() {
    let scene = Scene::start().await;
    let ada = scene.test.bearer(&scene.key.token(&scene.id("ada")));
    let (org, project) = ada.workspace("labs").await;
    let body = json!({ "name": "CI", "rights": ["project.read"] });
    let token = ada
        .post(&format!("/orgs/{org}/tokens"), body)
        .await
        .expect(201);
    let program = scene.test.bearer(token["token"].as_str().unwrap());
    program
        .get(&format!("/projects/{project}"))
        .await
        .expect(200);
    let eve = scene.test.bearer(&scene.key.token(&scene.id("eve")));
    let answer = eve.get(&format!("/projects/{project}")).await;
    answer.expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_no_json_web_token_is_taken() {
    let test = TestApp::start().await;
    let key = Key::rsa("first", 0);
    let issuer = Issuer::start(&[&key]).await;
    let token = key.token(&issuer.access("ada", test.app.db.now().timestamp()));
    let answer = test.bearer(&token).get("/users/me").await;
    answer.expect_problem(401, "TOKEN_INVALID");
    assert_eq!(issuer.asked(), 0);
}
