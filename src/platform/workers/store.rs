//! SQL of worker processes.

use diesel::{ExpressionMethods, QueryDsl, dsl::exists};
use diesel_async::RunQueryDsl;

use super::WorkerRole;
use crate::{
    kernel::{Result, Timestamp, WorkerId},
    platform::db::{Tx, schema::workers, types::sql_text},
};

sql_text!(WorkerRole);

/// A process as it is entered.
pub(super) struct Process {
    pub id: WorkerId,
    pub role: WorkerRole,
    pub host: String,
    pub pid: i32,
}

pub(super) async fn insert(tx: &mut Tx, process: &Process) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(workers::table)
        .values((
            workers::id.eq(process.id),
            workers::role.eq(process.role),
            workers::host.eq(&process.host),
            workers::pid.eq(process.pid),
            workers::started_at.eq(now),
            workers::heartbeat_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Whether there was a row to touch.
pub(super) async fn touch(tx: &mut Tx, id: WorkerId) -> Result<bool> {
    let now = tx.now();
    let touched = diesel::update(workers::table.find(id))
        .set(workers::heartbeat_at.eq(now))
        .execute(tx.conn())
        .await?;
    Ok(touched > 0)
}

pub(super) async fn heard_since(tx: &mut Tx, id: WorkerId, since: Timestamp) -> Result<bool> {
    let heard = workers::table
        .find(id)
        .filter(workers::heartbeat_at.ge(since));
    Ok(diesel::select(exists(heard)).get_result(tx.conn()).await?)
}

pub(super) async fn delete(tx: &mut Tx, id: WorkerId) -> Result<()> {
    diesel::delete(workers::table.find(id))
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn delete_host(tx: &mut Tx, host: &str) -> Result<usize> {
    Ok(
        diesel::delete(workers::table.filter(workers::host.eq(host)))
            .execute(tx.conn())
            .await?,
    )
}

pub(super) async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<usize> {
    Ok(
        diesel::delete(workers::table.filter(workers::heartbeat_at.lt(before)))
            .execute(tx.conn())
            .await?,
    )
}
