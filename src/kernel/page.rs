//! Lists in pages: by `offset`, or by a cursor that neither skips nor repeats when
//! rows come and go between pages.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clock::Timestamp;
use super::error::{Error, Result};
use super::field::{Fields, invalid};
use super::id::Id;

/// The most rows a page may have.
pub const MAX_LIMIT: i64 = 100;
/// The rows of a page when the client does not say.
pub const DEFAULT_LIMIT: i64 = 50;

/// The paging part of a list's query string.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows a page, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50, nullable = false)]
    pub limit: Option<i64>,
    /// Rows to skip. A cursor is better: an offset repeats or skips rows when the
    /// list changes in between.
    #[param(minimum = 0, default = 0, nullable = false)]
    pub offset: Option<i64>,
    /// The `nextCursor` of the page before; wins over `offset`.
    #[param(nullable = false, format = "cursor")]
    pub cursor: Option<String>,
}

/// A checked [`PageQuery`], for a list that goes on from a `K`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest<K = Cursor> {
    /// Rows a page.
    pub limit: i64,
    /// Rows to skip; 0 when there is a cursor.
    pub offset: i64,
    /// Where the page before ended.
    pub after: Option<K>,
}

/// Where a page ended, as clients carry it. A list in another order than newest first
/// has one of its own.
pub trait PageKey: Sized {
    /// The opaque text a client hands back.
    fn encode(&self) -> String;
    /// Reads it; fails for what is no key of this list.
    fn decode(text: &str) -> Result<Self>;
}

/// The refusal of a text that is no cursor, or one of another list.
pub fn odd_cursor() -> Error {
    invalid("cursor", "is not a cursor of this list")
}

/// Where a page ended, in a list that is newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The last row's time of creation.
    pub at: Timestamp,
    /// The last row's id, which decides among equal times.
    pub id: Uuid,
}

impl PageQuery {
    /// Checks the bounds and reads the cursor of a list that is newest first.
    pub fn parse(&self) -> Result<PageRequest> {
        self.parse_as()
    }

    /// Checks the bounds and reads the cursor.
    pub fn parse_as<K: PageKey>(&self) -> Result<PageRequest<K>> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        let offset = self.offset.unwrap_or(0);
        let mut fields = Fields::default();
        fields.check(
            (1..=MAX_LIMIT).contains(&limit),
            "limit",
            "must be 1 to 100",
        );
        fields.check(offset >= 0, "offset", "must not be negative");
        fields.finish()?;
        let after = self.cursor.as_deref().map(K::decode).transpose()?;
        let offset = if after.is_some() { 0 } else { offset };
        Ok(PageRequest {
            limit,
            offset,
            after,
        })
    }
}

impl Cursor {
    /// The place of a row made at `at` with this id.
    pub fn new<K>(at: Timestamp, id: Id<K>) -> Self {
        Cursor { at, id: id.uuid() }
    }
}

impl PageKey for Cursor {
    fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{}.{}", self.at.timestamp_micros(), self.id))
    }

    fn decode(text: &str) -> Result<Self> {
        let read = || {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let (at, id) = text.split_once('.')?;
            Some(Cursor {
                at: chrono::DateTime::from_timestamp_micros(at.parse().ok()?)?,
                id: id.parse().ok()?,
            })
        };
        read().ok_or_else(odd_cursor)
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Rows of the whole list, over all pages.
    pub total: i64,
    /// Rows a page, as asked.
    pub limit: i64,
    /// Rows skipped.
    pub offset: i64,
    /// Whether another page follows.
    pub has_more: bool,
    /// What to pass as `cursor` to get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of `rows`, which the store fetched with one row more than the
    /// limit so that we know whether another page follows without counting.
    pub fn new<K: PageKey>(
        mut rows: Vec<T>,
        total: i64,
        request: &PageRequest<K>,
        key: impl Fn(&T) -> K,
    ) -> Self {
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = match rows.last() {
            Some(last) if has_more => Some(key(last).encode()),
            _ => None,
        };
        Page {
            data: rows,
            total,
            limit: request.limit,
            offset: request.offset,
            has_more,
            next_cursor,
        }
    }

    /// The same page with each row changed.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            data: self.data.into_iter().map(f).collect(),
            total: self.total,
            limit: self.limit,
            offset: self.offset,
            has_more: self.has_more,
            next_cursor: self.next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_round_trip() {
        let cursor = Cursor {
            at: chrono::DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            id: Uuid::from_u128(7),
        };
        assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), cursor);
    }

    #[test]
    fn odd_cursors_and_limits_are_refused() {
        for cursor in ["", "x", "AAAA", "a.b"] {
            assert!(Cursor::decode(cursor).is_err(), "{cursor:?}");
        }
        for limit in [0, -1, 101] {
            let query = PageQuery {
                limit: Some(limit),
                ..PageQuery::default()
            };
            assert!(query.parse().is_err(), "{limit}");
        }
    }
}
