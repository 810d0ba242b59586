//! SQL of the keys that organizations gave us; sealed, always.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    kernel::{Error, OrgId, Result},
    platform::{
        db::{Tx, schema::sealed_keys},
        vault::Sealed,
    },
};

fn sealed((key_id, bytes): (i64, Vec<u8>)) -> Result<Sealed> {
    let key_id = u32::try_from(key_id).map_err(Error::internal)?;
    Ok(Sealed { key_id, bytes })
}

pub(in super::super) async fn get(tx: &mut Tx, org: OrgId, field: &str) -> Result<Option<Sealed>> {
    sealed_keys::table
        .filter(sealed_keys::org_id.eq(org))
        .filter(sealed_keys::field.eq(field))
        .select((sealed_keys::key_id, sealed_keys::sealed))
        .first(tx.conn())
        .await
        .optional()?
        .map(sealed)
        .transpose()
}

/// Stores a key in place of the one before.
pub(in super::super) async fn put(
    tx: &mut Tx,
    org: OrgId,
    field: &str,
    new: &Sealed,
) -> Result<()> {
    let (id, now): (Uuid, _) = (tx.ids().uuid(), tx.now());
    let key = (
        sealed_keys::key_id.eq(i64::from(new.key_id)),
        sealed_keys::sealed.eq(&new.bytes),
        sealed_keys::created_at.eq(now),
    );
    diesel::insert_into(sealed_keys::table)
        .values((
            sealed_keys::id.eq(id),
            sealed_keys::org_id.eq(org),
            sealed_keys::field.eq(field),
            key,
        ))
        .on_conflict((sealed_keys::org_id, sealed_keys::field))
        .do_update()
        .set(key)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets every key of `org` but these.
pub(in super::super) async fn keep_only(tx: &mut Tx, org: OrgId, fields: &[String]) -> Result<()> {
    diesel::delete(
        sealed_keys::table
            .filter(sealed_keys::org_id.eq(org))
            .filter(sealed_keys::field.ne_all(fields)),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
