//! Reading query strings, with the name of the field that is wrong.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::kernel::{Error, Result, field::invalid};

/// The query string of a request. Fields we don't know are ignored.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Query))
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    let pairs = form_urlencoded::parse(text.as_bytes());
    let pairs = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "query" } else { &path };
        invalid(path, error.inner().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Code, page::PageQuery};

    #[test]
    fn what_is_wrong_is_named() {
        let bad_field = |text| {
            let error = parse::<PageQuery>(text).unwrap_err();
            assert_eq!(error.code(), Code::ValidationFailed);
            let field = &error.details().unwrap()["fields"][0]["field"];
            field.as_str().unwrap().to_owned()
        };
        assert_eq!(bad_field("cursor=a&limit=many"), "limit");
        assert_eq!(bad_field("offset="), "offset");
        assert_eq!(bad_field("limit=1&limit=2"), "query");
    }

    #[test]
    fn what_is_unknown_is_ignored_and_escapes_are_read() {
        let query = parse::<PageQuery>("page=3&cursor=a%20b%2B+c&limit=7").unwrap();
        assert_eq!(query.cursor.as_deref(), Some("a b+ c"));
        assert_eq!(query.limit, Some(7));
    }
}
