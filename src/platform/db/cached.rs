//! Statements that are prepared once for a connection.
//!
//! Diesel prepares anew what may have many texts: updates, inserts of several rows, raw SQL.
//! Planning such a statement under row-level security takes longer than running it, so
//! those on the hot paths, whose texts are few, say so with [`Cacheable::cached`].

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// A statement whose text is one of a few, so that it may stay prepared.
#[derive(Debug, Clone, Copy)]
pub struct Cached<Q>(Q);

/// Statements that can be kept prepared.
pub trait Cacheable: QueryFragment<Pg> + Sized {
    /// The same statement, prepared once for each connection and text. Only for one whose
    /// text does not depend on how much is asked for.
    fn cached(self) -> Cached<Self> {
        Cached(self)
    }
}

impl<Q: QueryFragment<Pg>> Cacheable for Q {}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Cached<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Cached<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Cached<Q> {
    type SqlType = Q::SqlType;
}
