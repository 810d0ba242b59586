//! A small HTTP client that speaks of paths below `/api/v1`.

use std::time::Duration;

use serde_json::Value;

use super::contract;

/// One caller.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    pub http: reqwest::Client,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// The JSON body; null when there is none.
    pub body: Value,
    pub text: String,
}

impl Client {
    pub fn new(base: &str, token: Option<&str>) -> Self {
        Client {
            base: base.to_owned(),
            token: token.map(str::to_owned),
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(60))
                .build()
                .unwrap(),
        }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    /// A request to a path below `/api/v1`, or to any path that begins with `//`.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = match path.strip_prefix('/') {
            Some(root) if root.starts_with('/') => format!("{}{root}", self.base),
            _ => format!("{}/api/v1{path}", self.base),
        };
        let request = self.http.request(method.parse().unwrap(), url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let (method, path) = (
            request.method().to_string(),
            request.url().path().to_owned(),
        );
        let response = self.http.execute(request).await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        // A stream of a project has no end to wait for.
        let is_endless = path.ends_with("/events") && status == 200;
        let text = match is_endless {
            true => String::new(),
            false => response.text().await.unwrap(),
        };
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        contract::check(&method, &path, status, &body);
        Answer {
            status,
            headers,
            body,
            text,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("POST", path).json(&body)).await
    }

    /// A POST with no body at all.
    pub async fn post_empty(&self, path: &str) -> Answer {
        self.send(self.request("POST", path)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("PATCH", path).json(&body)).await
    }

    /// Makes an organization and a project in it; answers their ids.
    pub async fn workspace(&self, slug: &str) -> (String, String) {
        let org = self
            .post("/orgs", serde_json::json!({ "name": slug, "slug": slug }))
            .await
            .expect(201);
        let org = org["id"].as_str().unwrap().to_owned();
        let path = format!("/orgs/{org}/projects");
        let project = self
            .post(&path, serde_json::json!({ "name": "Project" }))
            .await
            .expect(201);
        (org, project["id"].as_str().unwrap().to_owned())
    }
}

impl Answer {
    /// The body, if the status is the expected one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Asserts an error of the contract's shape.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.body["code"], code, "{}", self.text);
        assert_eq!(self.body["error"], self.body["message"]);
        let sentence = self.body["error"].as_str().unwrap();
        assert!(sentence.ends_with('.'), "not a sentence: {sentence:?}");
        assert_eq!(
            self.body["requestId"].as_str().unwrap(),
            self.headers["x-request-id"].to_str().unwrap()
        );
    }

    #[track_caller]
    pub fn id(&self) -> String {
        self.body["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id in {}", self.text))
            .to_owned()
    }
}
