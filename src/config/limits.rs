//! `[limits]`: how much one user may ask for.

use serde::Deserialize;

use crate::kernel::field::Fields;

/// Requests a minute, of one user unless it is said otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Whether anything is limited at all.
    pub enabled: bool,
    /// Everything that has no limit of its own.
    pub general: u32,
    /// Searches.
    pub search: u32,
    /// Starts of executions.
    pub executions: u32,
    /// Uploads begun.
    pub uploads: u32,
    /// Bad tokens from one address.
    pub bad_tokens: u32,
}

impl LimitsConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        for (field, limit) in [
            ("limits.general", self.general),
            ("limits.search", self.search),
            ("limits.executions", self.executions),
            ("limits.uploads", self.uploads),
            ("limits.bad_tokens", self.bad_tokens),
        ] {
            fields.check(
                (1..=1_000_000).contains(&limit),
                field,
                "must be 1 to 1000000 a minute",
            );
        }
    }
}
