//! Reading JSON bodies as the wire contract asks.
//!
//! An empty body reads as `{}`, whatever its declared type, so that operations whose
//! fields are all optional need none. Fields we don't know are ignored. What is
//! wrong is answered with the path of the field.

use std::{future::Future, pin::Pin, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::CONTENT_TYPE,
    web::{self, BytesMut},
};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    app::App,
    kernel::{Code, Error, Result, field::invalid, objects::Objects},
};

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let limit = request
                .app_data::<web::Data<Arc<App>>>()
                .map_or(1 << 20, |app| app.config.server.body_limit_bytes);
            let bytes = read_body(payload, limit).await?;
            parse(&bytes, content_type(&request)).map(Json)
        })
    }
}

fn content_type(request: &HttpRequest) -> &str {
    request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Reads a body of at most `limit` bytes.
pub async fn read_body(mut payload: Payload, limit: usize) -> Result<BytesMut> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|error| {
            Error::new(
                Code::MalformedRequest,
                "The body could not be read to its end.",
            )
            .because(error.to_string())
        })?;
        if bytes.len() + piece.len() > limit {
            return Err(Error::new(
                Code::BodyTooLarge,
                format!("The body is larger than {limit} bytes."),
            ));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(bytes: &[u8], content_type: &str) -> Result<T> {
    let value = if bytes.is_empty() {
        empty()
    } else {
        if !is_json(content_type) {
            return Err(Error::new(
                Code::UnsupportedMediaType,
                "The body must be JSON, with Content-Type: application/json.",
            ));
        }
        serde_json::from_slice(bytes).map_err(|error| {
            Error::new(
                Code::MalformedJson,
                format!("The body is not valid JSON: {error}."),
            )
        })?
    };
    // `null` for a whole body says as little as none.
    let value = if value.is_null() { empty() } else { value };
    if let Some(path) = nul_in(&value) {
        let path = if path.is_empty() { "body" } else { &path };
        return Err(invalid(path, "must not contain the NUL character"));
    }
    serde_path_to_error::deserialize(Objects(value)).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "body" } else { &path };
        invalid(path, error.inner().to_string())
    })
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Postgres keeps no NUL in text or jsonb; found here it is a bad field, found there
/// it would be a failure of ours. Answers the path of the first; empty for the body itself.
fn nul_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(n, item)| Some(joined(&format!("[{n}]"), &nul_in(item)?)))
        }
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            if key.contains('\0') {
                return Some(String::new());
            }
            Some(joined(key, &nul_in(value)?))
        }),
        _ => None,
    }
}

fn joined(step: &str, rest: &str) -> String {
    let dot = if rest.is_empty() || rest.starts_with('[') {
        ""
    } else {
        "."
    };
    format!("{step}{dot}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        title: Option<String>,
        deep: Option<Deep>,
    }

    #[derive(Debug, Deserialize)]
    struct Deep {
        x: f64,
    }

    fn read(text: &str) -> Result<Body> {
        parse(text.as_bytes(), "application/json; charset=utf-8")
    }

    #[test]
    fn an_empty_body_is_an_empty_object_whatever_its_type() {
        assert!(parse::<Body>(b"", "text/plain").unwrap().title.is_none());
    }

    #[test]
    fn a_wrong_type_is_named_by_its_path() {
        let error = read(r#"{"deep":{"x":"left"}}"#).unwrap_err();
        assert_eq!(error.code(), Code::ValidationFailed);
        assert_eq!(error.details().unwrap()["fields"][0]["field"], "deep.x");
        assert!(read(r#"{"deep":{"x":1}}"#).unwrap().deep.unwrap().x > 0.0);
    }

    #[test]
    fn broken_json_foreign_types_and_nul_are_refused() {
        for broken in ["{", " \r\n", "{}{}"] {
            let error = read(broken).unwrap_err();
            assert_eq!(error.code(), Code::MalformedJson, "{broken:?}");
        }
        assert_eq!(
            read(r#"{"title":"a\u0000b"}"#).unwrap_err().code(),
            Code::ValidationFailed
        );
        let error = parse::<Body>(b"{}", "text/plain").unwrap_err();
        assert_eq!(error.code(), Code::UnsupportedMediaType);
    }

    #[test]
    fn a_nul_is_named_by_its_path() {
        for (text, field) in [
            (r#"{"title":"a\u0000b"}"#, "title"),
            (r#"{"deep":{"x":["",{"y":"\u0000"}]}}"#, "deep.x[1].y"),
            (r#"{"deep":{"a\u0000":1}}"#, "deep"),
            (r#""\u0000""#, "body"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.details().unwrap()["fields"][0]["field"], field);
        }
    }

    #[test]
    fn a_number_is_kept_to_its_last_digit() {
        #[derive(Debug, Deserialize)]
        struct Number {
            x: f64,
        }
        let number: Number = parse(br#"{"x":999999999.9999999}"#, "application/json").unwrap();
        assert!(number.x < 1e9, "{}", number.x);
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let text = "[".repeat(100_000);
        assert_eq!(read(&text).unwrap_err().code(), Code::MalformedJson);
    }
}
