//! `[search]`: which organizations' vectors are indexed, and how often the index is checked.

use serde::Deserialize;

use crate::kernel::field::Fields;

/// Search by vectors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// From how many vectors of a model on an organization's are indexed.
    pub index_from: i64,
    /// One in how many questions that an index answered is compared; 0 compares none.
    pub recall_every: u64,
}

impl SearchConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        fields.check(
            (100..=1_000_000).contains(&self.index_from),
            "search.index_from",
            "must be 100 to 1000000",
        );
    }
}
