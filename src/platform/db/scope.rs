//! The statements around those of the stores: `begin`, the scope, `commit`.
//!
//! They are queries of their own, because diesel prepares these once for a connection
//! and `sql_query` each time, and because a prepared statement keeps its place among
//! others while one of them is new to the connection.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::Text,
};

use crate::kernel::Scope;

macro_rules! statement {
    ($name:ident, $sql:literal) => {
        #[doc = concat!("`", $sql, "`.")]
        #[derive(QueryId)]
        pub(super) struct $name;

        impl QueryFragment<Pg> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql($sql);
                Ok(())
            }
        }
    };
}
statement!(Begin, "begin");
statement!(Commit, "commit");

/// Tells the policies for whom the transaction acts. Every setting is written each time,
/// so nothing of an earlier scope remains.
#[derive(Default, QueryId)]
pub(super) struct SetScope {
    org: String,
    user: String,
    subject: String,
    email: String,
    system: &'static str,
}

impl From<&Scope> for SetScope {
    fn from(scope: &Scope) -> Self {
        let mut set = SetScope::default();
        match scope {
            Scope::Nobody => {}
            Scope::Subject(text) => set.subject.clone_from(text),
            Scope::Email(text) => set.email.clone_from(text),
            Scope::User(id) => set.user = id.to_string(),
            Scope::Org { org, user } => {
                set.org = org.to_string();
                set.user = user.map(|user| user.to_string()).unwrap_or_default();
            }
            Scope::System => set.system = "on",
        }
        set
    }
}

impl QueryFragment<Pg> for SetScope {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("select set_config('app.org_id', ");
        out.push_bind_param::<Text, _>(&self.org)?;
        out.push_sql(", true), set_config('app.user_id', ");
        out.push_bind_param::<Text, _>(&self.user)?;
        out.push_sql(", true), set_config('app.subject', ");
        out.push_bind_param::<Text, _>(&self.subject)?;
        out.push_sql(", true), set_config('app.email', ");
        out.push_bind_param::<Text, _>(&self.email)?;
        out.push_sql(", true), set_config('app.system', ");
        out.push_bind_param::<Text, _>(self.system)?;
        out.push_sql(", true)");
        Ok(())
    }
}
