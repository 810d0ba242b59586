//! What a check of a live system found, for the person who runs it.

use serde::Serialize;

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The check that found it: `broken_chain`.
    pub check: &'static str,
    /// What is wrong, in a sentence.
    pub what: String,
    /// What it is about: ids, names of tables.
    pub ids: Vec<String>,
    /// What to do, in a sentence.
    pub advice: &'static str,
}

impl Finding {
    /// One finding about several things.
    pub fn new(
        check: &'static str,
        what: impl Into<String>,
        ids: impl IntoIterator<Item = impl ToString>,
        advice: &'static str,
    ) -> Self {
        Finding {
            check,
            what: what.into(),
            ids: ids.into_iter().map(|id| id.to_string()).collect(),
            advice,
        }
    }

    /// The finding that there are `ids`, which there should not be; none when there are none.
    pub fn of_some(
        check: &'static str,
        what: impl Into<String>,
        ids: Vec<impl ToString>,
        advice: &'static str,
    ) -> Option<Self> {
        (!ids.is_empty()).then(|| Self::new(check, what, ids, advice))
    }
}
