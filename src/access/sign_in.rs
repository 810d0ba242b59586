//! From an external subject to a user: somebody whom an identity provider vouched for is
//! made a user when they are first seen, and never twice.

use super::store;
use crate::{
    kernel::{Result, UserId},
    platform::db::Tx,
};

/// The user of `subject`, made on first sight. The address follows the provider's; with
/// none told, the stored one stays. The transaction must be in the subject's scope.
pub async fn sign_in_in(tx: &mut Tx, subject: &str, email: Option<&str>) -> Result<UserId> {
    if let Some((id, stored)) = store::find_subject(tx, subject).await?
        && email.is_none_or(|email| email == stored)
    {
        return Ok(id);
    }
    store::upsert_subject(tx, subject, email.unwrap_or_default()).await
}
