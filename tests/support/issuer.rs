//! An identity provider on loopback: real keys, a real set of keys over HTTP. It counts
//! how often it is asked, and can be away, silent, or talk nonsense.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::{self, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use glassbox::config::Override;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// The client whose tokens the tests' settings take.
pub const CLIENT: &str = "web-client";

/// What the provider answers when it is asked for its keys.
#[derive(Clone)]
pub enum Mood {
    /// Its keys.
    Well,
    /// This status and this body.
    Says(u16, String),
    /// Nothing, ever.
    Silent,
    /// Its keys, once there is a permit.
    Held(Arc<Semaphore>),
}

/// A running provider.
pub struct Issuer {
    pub url: String,
    state: Arc<State>,
    server: ServerHandle,
}

struct State {
    keys: Mutex<BTreeMap<String, Value>>,
    mood: Mutex<Mood>,
    asked: AtomicUsize,
}

/// A key pair and its name.
pub struct Key {
    pub kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(&'static RsaKeyPair),
    Ec(EcdsaKeyPair),
}

/// Making one takes a while, so all tests share a few.
static RSA: LazyLock<Vec<RsaKeyPair>> = LazyLock::new(|| {
    let generate = |_| rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
    (0..3).map(generate).collect()
});

impl Key {
    /// One of the three RSA keys, under this name.
    pub fn rsa(kid: &str, number: usize) -> Self {
        Key {
            kid: kid.to_owned(),
            pair: Pair::Rsa(&RSA[number]),
        }
    }

    /// A new P-256 key.
    pub fn ec(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Key {
            kid: kid.to_owned(),
            pair: Pair::Ec(pair),
        }
    }

    fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
        }
    }

    /// The public key as the provider publishes it.
    pub fn jwk(&self) -> Value {
        let mut jwk = json!({ "kid": self.kid, "use": "sig", "alg": self.algorithm() });
        match &self.pair {
            Pair::Rsa(pair) => {
                let key = pair.public_key();
                jwk["kty"] = json!("RSA");
                jwk["n"] = json!(base64(key.modulus().big_endian_without_leading_zero()));
                jwk["e"] = json!(base64(key.exponent().big_endian_without_leading_zero()));
            }
            Pair::Ec(pair) => {
                // 0x04, then both coordinates.
                let point = pair.public_key().as_ref();
                jwk["kty"] = json!("EC");
                jwk["crv"] = json!("P-256");
                jwk["x"] = json!(base64(&point[1..33]));
                jwk["y"] = json!(base64(&point[33..]));
            }
        }
        jwk
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        let header = json!({ "alg": self.algorithm(), "kid": self.kid, "typ": "JWT" });
        self.token_with(&header, claims)
    }

    /// A token with this header, whatever it says, signed with this key.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let text = signed_part(header, claims);
        let signature = self.sign(text.as_bytes());
        format!("{text}.{}", base64(&signature))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
        }
    }
}

/// A token signed with a shared secret.
pub fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let text = signed_part(header, claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, text.as_bytes());
    format!("{text}.{}", base64(tag.as_ref()))
}

/// A token without a signature.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.", signed_part(header, claims))
}

fn signed_part(header: &Value, claims: &Value) -> String {
    let (header, claims) = (header.to_string(), claims.to_string());
    format!(
        "{}.{}",
        base64(header.as_bytes()),
        base64(claims.as_bytes())
    )
}

pub fn base64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    /// Starts a provider with these keys.
    pub async fn start(keys: &[&Key]) -> Self {
        let state = Arc::new(State {
            keys: Mutex::default(),
            mood: Mutex::new(Mood::Well),
            asked: AtomicUsize::new(0),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/pool", listener.local_addr().unwrap());
        let shared = Arc::clone(&state);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::from(Arc::clone(&shared)))
                .route("/pool/.well-known/jwks.json", web::get().to(answer))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        let issuer = Issuer {
            url,
            state,
            server: handle,
        };
        issuer.publish(keys);
        issuer
    }

    /// Publishes these keys and no others from here on.
    pub fn publish(&self, keys: &[&Key]) {
        let keys = keys.iter().map(|key| (key.kid.clone(), key.jwk()));
        *self.state.keys.lock().unwrap() = keys.collect();
    }

    /// Answers like this from here on.
    pub fn is(&self, mood: Mood) {
        *self.state.mood.lock().unwrap() = mood;
    }

    /// How often it was asked for its keys.
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// The settings of a program that takes its tokens.
    pub fn settings(&self) -> Vec<Override> {
        vec![
            ("oidc.issuer", self.url.clone()),
            ("oidc.client_ids", format!("another-client, {CLIENT}")),
        ]
    }

    /// The claims of an access token, good for an hour from `now`.
    pub fn access(&self, subject: &str, now: i64) -> Value {
        json!({ "iss": self.url, "sub": subject, "client_id": CLIENT, "token_use": "access",
                "scope": "openid", "iat": now, "exp": now + 3600 })
    }

    /// The claims of an id token, good for an hour from `now`.
    pub fn id(&self, subject: &str, now: i64) -> Value {
        json!({ "iss": self.url, "sub": subject, "aud": CLIENT, "token_use": "id",
                "email": format!("{subject}@example.com"), "email_verified": true,
                "iat": now, "exp": now + 3600 })
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        // It begins to stop when it is called; nobody waits for the end.
        drop(self.server.stop(false));
    }
}

async fn answer(state: web::Data<State>) -> HttpResponse {
    state.asked.fetch_add(1, Ordering::SeqCst);
    let mood = state.mood.lock().unwrap().clone();
    match mood {
        Mood::Well => keys(&state),
        Mood::Held(permits) => {
            permits.acquire().await.unwrap().forget();
            keys(&state)
        }
        Mood::Says(status, body) => HttpResponse::build(status.try_into().unwrap())
            .insert_header(("location", "http://127.0.0.1:1/elsewhere"))
            .body(body),
        Mood::Silent => std::future::pending().await,
    }
}

fn keys(state: &State) -> HttpResponse {
    let keys: Vec<Value> = state.keys.lock().unwrap().values().cloned().collect();
    HttpResponse::Ok().json(json!({ "keys": keys }))
}
