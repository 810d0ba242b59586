//! What a check of a journal found.

use serde::{Deserialize, Serialize};

use crate::kernel::ExecutionId;

/// The answer of `GET /executions/{id}/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Whether every hash is right and none is missing, in what a fork stands on too.
    pub valid: bool,
    /// How many entries were checked, without those that a fork shares.
    pub events: i64,
    /// The last hash; comparing it with one noted elsewhere proves that nothing was
    /// rewritten as a whole.
    pub head_hash: String,
    /// The first entry that is wrong or missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub broken_at: Option<i64>,
    /// Entries whose payload was removed when its time was over. Their hashes are there.
    pub payloads_removed: i64,
    /// Entries of whose payload a part lies in the storage. It was read and checked, unless
    /// `contents=false` was asked for.
    pub payloads_apart: i64,
    /// What the fork stands on, when it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub forked_from: Option<ForkVerification>,
}

/// Whether what a fork shares is still what it began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForkVerification {
    /// The execution that it goes on from.
    pub execution_id: ExecutionId,
    /// The last entry that it shares.
    pub sequence_number: i64,
    /// Whether the entries up to there are whole, and the last has the hash that the
    /// fork's first entry recorded. Those that it in turn goes on from are checked too.
    pub valid: bool,
}
