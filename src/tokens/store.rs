//! SQL of the tokens of an organization.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::model::OrgToken;
use crate::{
    kernel::{
        Error, OrgId, Result, Timestamp, TokenId, UserId,
        page::{Cursor, Page, PageRequest},
    },
    platform::db::{Tx, schema::tokens},
};

#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = tokens)]
struct TokenRow {
    id: TokenId,
    org_id: OrgId,
    name: String,
    rights: Value,
    resource: Option<Value>,
    created_by: Option<UserId>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl TryFrom<TokenRow> for OrgToken {
    type Error = Error;

    fn try_from(row: TokenRow) -> Result<Self> {
        Ok(OrgToken {
            id: row.id,
            org_id: row.org_id,
            name: row.name,
            rights: serde_json::from_value(row.rights).map_err(Error::internal)?,
            resource: row
                .resource
                .map(serde_json::from_value)
                .transpose()
                .map_err(Error::internal)?,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row
                .expires_at
                .ok_or_else(|| Error::internal("a token without an end"))?,
            revoked_at: row.revoked_at,
        })
    }
}

/// Stores a token under the revocation id of its first block.
pub(super) async fn insert(tx: &mut Tx, token: &OrgToken, revocation_id: &str) -> Result<()> {
    diesel::insert_into(tokens::table)
        .values((
            tokens::id.eq(token.id),
            tokens::org_id.eq(token.org_id),
            tokens::name.eq(&token.name),
            tokens::rights.eq(json!(token.rights)),
            tokens::resource.eq(token.resource.map(|resource| json!(resource))),
            tokens::revocation_id.eq(revocation_id),
            tokens::created_by.eq(token.created_by),
            tokens::expires_at.eq(token.expires_at),
            tokens::created_at.eq(token.created_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The token with its row locked, so that of two revocations the second sees the first.
pub(super) async fn lock(tx: &mut Tx, org: OrgId, id: TokenId) -> Result<Option<OrgToken>> {
    let row: Option<TokenRow> = tokens::table
        .filter(tokens::org_id.eq(org).and(tokens::id.eq(id)))
        .select(TokenRow::as_select())
        .for_update()
        .first(tx.conn())
        .await
        .optional()?;
    row.map(OrgToken::try_from).transpose()
}

pub(super) async fn revoke(tx: &mut Tx, org: OrgId, id: TokenId, at: Timestamp) -> Result<()> {
    diesel::update(tokens::table.filter(tokens::org_id.eq(org).and(tokens::id.eq(id))))
        .set(tokens::revoked_at.eq(at))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The tokens of `org`, newest first.
pub(super) async fn list(tx: &mut Tx, org: OrgId, page: &PageRequest) -> Result<Page<OrgToken>> {
    let of_org = || tokens::table.filter(tokens::org_id.eq(org));
    let total: i64 = of_org().count().get_result(tx.conn()).await?;
    let mut query = of_org()
        .select(TokenRow::as_select())
        .order((tokens::created_at.desc(), tokens::id.desc()))
        .limit(page.limit + 1)
        .offset(page.offset)
        .into_boxed();
    if let Some(Cursor { at, id }) = page.after {
        let same_time = tokens::created_at
            .eq(at)
            .and(tokens::id.lt(TokenId::from_uuid(id)));
        query = query.filter(tokens::created_at.lt(at).or(same_time));
    }
    let rows: Vec<TokenRow> = query.load(tx.conn()).await?;
    let rows = rows
        .into_iter()
        .map(OrgToken::try_from)
        .collect::<Result<_>>()?;
    Ok(Page::new(rows, total, page, |token: &OrgToken| {
        Cursor::new(token.created_at, token.id)
    }))
}
