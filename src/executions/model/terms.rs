//! Under which terms a run goes on: the rules for its tools, and what it may spend.

use serde_json::Value;

use super::budget::{Cover, Source};

/// What settings say that govern a run, as they are at one moment.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Lists of agent policies, and whose settings have them: its organization's, its node's,
    /// and those of the nodes of the runs through which it was started. Else a run could
    /// escape its node's rules by starting another.
    pub policies: Vec<(Cover, Value)>,
    /// Where limits come from that may cover it.
    pub sources: Vec<Source>,
}
