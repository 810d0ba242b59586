//! SQL of the terms under which a run goes on.

use diesel::{
    QueryableByName,
    sql_types::{Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    executions::model::{
        Lease,
        budget::{Cover, Source},
        terms::Terms,
    },
    kernel::{Code, Error, Result, objects},
    platform::db::{Cacheable, Tx},
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    cover: Cover,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Jsonb>)]
    budget: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    policies: Option<Value>,
}

/// What the settings say of a run's organization, its project, its node and those above,
/// itself and the runs that it was started through. One statement, since it is asked before
/// every call of a model.
pub async fn terms(tx: &Tx, lease: &Lease) -> Result<Terms> {
    let rows: Vec<Row> = diesel::sql_query(include_str!("terms.sql"))
        .bind::<SqlUuid, _>(lease.org)
        .bind::<SqlUuid, _>(lease.project)
        .bind::<SqlUuid, _>(lease.node)
        .bind::<SqlUuid, _>(lease.execution)
        .cached()
        .load(&mut tx.pipe())
        .await?;
    let mut terms = Terms::default();
    for row in rows {
        let cover = row.cover;
        if let Some(written) = row.budget {
            // Metadata are the client's to write; a limit that nobody understands must not
            // pass for none.
            let written = objects::read(written).map_err(|error| {
                let why = format!("The budget of this {cover} can't be read: {error}.");
                Error::new(Code::Unprocessable, why)
            })?;
            let id = row.id;
            terms.sources.push(Source { cover, id, written });
        }
        // Those of a run above are of its node.
        let whose = match cover {
            Cover::Execution => Cover::Node,
            other => other,
        };
        terms
            .policies
            .extend(row.policies.map(|list| (whose, list)));
    }
    Ok(terms)
}
