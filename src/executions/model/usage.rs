//! What the calls of models came to: tokens, cost, and how it is grouped.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::kernel::{
    Result, Timestamp,
    field::{Fields, invalid},
    text::{TextEnum, text_enum},
};

/// The longest time that is summed up at once.
const MAX_DAYS: i64 = 366;
/// The time that is summed up when none is said.
const DEFAULT_DAYS: i64 = 30;

text_enum! {
    /// What each sum is for.
    pub enum UsageBy {
        Project = "project",
        Node = "node",
        Model = "model",
        Day = "day",
    }
}

/// Which usage is asked for.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// From this time on (RFC 3339); 30 days before `to` when not said.
    #[param(value_type = Option<DateTime<Utc>>, nullable = false)]
    pub from: Option<String>,
    /// Before this time (RFC 3339), at most 366 days after `from`; now when not said.
    #[param(value_type = Option<DateTime<Utc>>, nullable = false)]
    pub to: Option<String>,
    /// What each sum is for; `day` when not said. Days are those of UTC.
    #[param(value_type = Option<UsageBy>, nullable = false)]
    pub group_by: Option<String>,
}

/// A checked time and grouping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageSpan {
    /// From this time on.
    pub from: Timestamp,
    /// Before this time.
    pub to: Timestamp,
    /// What each sum is for.
    pub by: UsageBy,
}

impl UsageQuery {
    /// Checks and parses every field.
    pub fn parse(&self, now: Timestamp) -> Result<UsageSpan> {
        let mut fields = Fields::default();
        let mut time = |field: &str, text: &Option<String>| {
            let text = text.as_ref()?;
            let parsed = text.parse::<DateTime<Utc>>();
            fields.take(
                field,
                parsed.map_err(|error| format!("must be a time as in RFC 3339: {error}")),
            )
        };
        let (from, to) = (time("from", &self.from), time("to", &self.to));
        let by = match &self.group_by {
            None => Some(UsageBy::Day),
            Some(word) => {
                let words = "must be project, node, model or day";
                fields.take("groupBy", UsageBy::parse(word).ok_or(words))
            }
        };
        let by = fields.finish_with(by)?;
        let to = to.unwrap_or(now);
        let from = match from {
            Some(from) => from,
            None => to
                .checked_sub_signed(TimeDelta::days(DEFAULT_DAYS))
                .ok_or_else(|| invalid("to", "is too long ago"))?,
        };
        if from >= to {
            return Err(invalid("from", "must be before `to`"));
        }
        if to - from > TimeDelta::days(MAX_DAYS) {
            return Err(invalid(
                "from",
                format!("must be at most {MAX_DAYS} days before `to`"),
            ));
        }
        Ok(UsageSpan { from, to, by })
    }
}

/// What an organization's executions used.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// From this time on.
    pub from: DateTime<Utc>,
    /// Before this time.
    pub to: DateTime<Utc>,
    /// What each sum is for.
    pub group_by: UsageBy,
    /// The sums: days in order, all else with the most expensive first.
    pub data: Vec<UsageGroup>,
    /// Whether there are more than the 1000 in `data`; `totals` counts those too.
    pub truncated: bool,
    /// The sum over all of it.
    pub totals: UsageSum,
}

/// The sum for one project, node, model or day.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageGroup {
    /// The id of the project or node, the model's name, or the day as `2026-01-28`.
    pub key: String,
    /// The name of the project or the title of the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// What it came to.
    #[serde(flatten)]
    pub sum: UsageSum,
}

/// What a number of calls came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageSum {
    /// Executions that called a model. One that did on two days counts for both, and once
    /// in the totals.
    pub executions: i64,
    /// Calls of a model.
    pub calls: i64,
    /// Tokens the models read.
    pub tokens_in: i64,
    /// Tokens they wrote.
    pub tokens_out: i64,
    /// US dollars for the calls whose price is known.
    pub cost_usd: f64,
    /// Calls whose price is not known, which are not in `costUsd`.
    pub cost_unknown_calls: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(from: &str, to: &str, by: &str) -> Result<UsageSpan> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let query = UsageQuery {
            from: given(from),
            to: given(to),
            group_by: given(by),
        };
        query.parse(DateTime::from_timestamp(1_700_000_000, 0).unwrap())
    }

    #[test]
    fn the_last_thirty_days_by_day_unless_said_otherwise() {
        let span = query("", "", "").unwrap();
        assert_eq!(span.by, UsageBy::Day);
        assert_eq!(span.to.timestamp(), 1_700_000_000);
        assert_eq!(span.to - span.from, TimeDelta::days(30));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let field = |from, to, by| {
            let error = query(from, to, by).unwrap_err();
            let fields = &error.details().unwrap()["fields"];
            fields[0]["field"].as_str().unwrap().to_owned()
        };
        assert_eq!(field("yesterday", "", ""), "from");
        assert_eq!(field("", "2026-01-28", ""), "to");
        assert_eq!(field("", "", "user"), "groupBy");
        let day = "2024-01-01T00:00:00Z";
        assert_eq!(field(day, day, ""), "from");
        assert_eq!(field(day, "2025-01-02T00:00:00Z", ""), "from");
        assert!(query(day, "2025-01-01T00:00:00Z", "model").is_ok());
    }
}
