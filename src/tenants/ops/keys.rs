//! The keys that an organization gave us: sealed when its settings are stored, opened
//! only for the call that needs one.

use secrecy::SecretString;

use super::super::{
    model::{KeyField, Settled},
    store,
};
use crate::{
    kernel::{OrgId, Result},
    platform::{db::Tx, vault::Vault},
};

/// What a sealed key is bound to: moved to another organization, or to another field of
/// the same one, it does not open. An id has a fixed length, so no two contexts meet.
fn context(org: OrgId, field: &str) -> String {
    format!("glassbox/organization-key/{org}/{field}")
}

/// Seals the new keys, and forgets those that end. Keys that stay and were sealed by an
/// earlier key of the vault are sealed anew, so that one day it is needed no more.
///
/// # Errors
/// [`Code::Unavailable`](crate::kernel::Code::Unavailable) when there is a key to seal
/// and the vault has none to seal it with.
pub(super) async fn settle(
    tx: &mut Tx,
    vault: &Vault,
    org: OrgId,
    settled: &Settled,
) -> Result<()> {
    let kept: Vec<String> = settled.kept.iter().map(KeyField::stored).collect();
    store::keys::keep_only(tx, org, &kept).await?;
    for (field, secret) in &settled.new {
        put(tx, vault, org, &field.stored(), secret).await?;
    }
    for field in kept {
        seal_anew(tx, vault, org, &field).await?;
    }
    Ok(())
}

async fn put(
    tx: &mut Tx,
    vault: &Vault,
    org: OrgId,
    field: &str,
    secret: &SecretString,
) -> Result<()> {
    let sealed = vault.seal(secret, &context(org, field))?;
    store::keys::put(tx, org, field, &sealed).await
}

async fn seal_anew(tx: &mut Tx, vault: &Vault, org: OrgId, field: &str) -> Result<()> {
    let sealed = store::keys::get(tx, org, field).await?;
    let Some(sealed) = sealed.filter(|sealed| vault.is_outdated(sealed)) else {
        return Ok(());
    };
    match vault.open(&sealed, &context(org, field)) {
        Ok(secret) => put(tx, vault, org, field, &secret).await,
        // What can't be opened now may be when its key is configured again; a change of
        // something else must not fail over it, or destroy it.
        Err(error) => {
            tracing::warn!(%org, field, error = %error.chain(), "a stored key does not open");
            Ok(())
        }
    }
}

/// A key that the organization stored, opened for the one call that needs it; `None`
/// when there is none. The transaction acts for `org`.
///
/// # Errors
/// [`Code::Unavailable`](crate::kernel::Code::Unavailable) when it can't be opened.
pub async fn org_key_in(
    tx: &mut Tx,
    vault: &Vault,
    org: OrgId,
    field: &KeyField,
) -> Result<Option<SecretString>> {
    let field = field.stored();
    let sealed = store::keys::get(tx, org, &field).await?;
    sealed
        .map(|sealed| vault.open(&sealed, &context(org, &field)))
        .transpose()
}
