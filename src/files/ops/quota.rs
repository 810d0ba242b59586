//! How much an organization's files may have together.
//!
//! An upload is counted when it is granted, with what was declared or, where nothing was, the
//! most that it may turn out to have; when it is confirmed, with what it has. So bytes that
//! were never confirmed count as well, until they are removed. What agents write is counted
//! and never refused; the payloads of journals are not counted.

use serde_json::json;

use super::super::store;
use crate::{
    kernel::{Code, Error, OrgId, Result, Scope},
    platform::db::{Db, Tx},
};

/// Counts `bytes` more for the organization.
///
/// # Errors
/// `QUOTA_EXCEEDED` when they are more than `quota` together with what there is. The
/// transaction must not commit then.
pub(super) async fn take_in(tx: &Tx, org: OrgId, bytes: i64, quota: Option<u64>) -> Result<()> {
    let all = store::quota::add(tx, org, bytes).await?;
    let quota = quota.and_then(|quota| i64::try_from(quota).ok());
    match quota.filter(|quota| bytes > 0 && all > *quota) {
        None => Ok(()),
        Some(quota) => {
            let used = all - bytes;
            Err(Error::new(
                Code::QuotaExceeded,
                format!(
                    "The organization's files have {used} of {quota} bytes, and this would be \
                     {bytes} more. Delete files, or declare the upload's real size in sizeBytes."
                ),
            )
            .with_details(json!({
                "usedBytes": used, "quotaBytes": quota, "neededBytes": bytes,
            })))
        }
    }
}

/// Counts `bytes` less.
pub(super) async fn release_in(tx: &Tx, org: OrgId, bytes: i64) -> Result<()> {
    store::quota::add(tx, org, -bytes).await?;
    Ok(())
}

/// Counts anew for every organization whose count is not what its files have: a program from
/// before there was a count may have run beside. Answers how many there were.
pub async fn recount(db: &Db) -> Result<usize> {
    let wrong = db
        .tx(Scope::System, async |tx| store::quota::miscounted(tx).await)
        .await?;
    for org in &wrong {
        let scope = Scope::Org {
            org: *org,
            user: None,
        };
        db.tx(scope, async |tx| store::quota::recount(tx, *org).await)
            .await?;
    }
    Ok(wrong.len())
}
