//! What an organization says of language models.

use super::super::{model::OrgModels, store};
use crate::{
    kernel::{OrgId, Result},
    platform::db::Tx,
};

/// The organization's models, endpoint and default, without any key. The transaction
/// acts for `org`, whoever its user is: they are needed to run, not shown.
pub async fn org_models_in(tx: &mut Tx, org: OrgId) -> Result<OrgModels> {
    let settings = store::settings_of(tx, org).await?;
    Ok(OrgModels::of_settings(&settings))
}
