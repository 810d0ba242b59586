//! Limits on what runs may spend, and what there is under each.

use chrono::{Datelike, NaiveDate};
use serde::Deserialize;
use uuid::Uuid;

use super::Totals;
use crate::kernel::{Timestamp, text::text_enum};

text_enum! {
    /// What a budget covers.
    pub enum Cover {
        Execution = "execution",
        Node = "node",
        Organization = "organization",
        Project = "project",
    }
}

/// The most that one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Need {
    /// Millionths of a US dollar; 0 when the price is unknown.
    pub micros: i64,
    /// Tokens, in and out.
    pub tokens: i64,
    /// What of it is what the model reads.
    pub read_micros: i64,
    /// What of it is what the model reads.
    pub read_tokens: i64,
}

/// Whether a call may be made.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It may; this is what the run holds for it and, maybe, for those after it.
    Reserved(Allowance),
    /// A limit would be passed.
    Exceeded {
        /// Which, as a sentence.
        why: String,
        /// Whether the run is to wait for somebody who raises the limit, instead of failing.
        pause: bool,
    },
}

/// What a run holds under the limits that cover it.
///
/// While all of them are far from being reached, it is for several calls: then the rows that
/// all runs share are not touched with each. Near a limit it is for one.
#[derive(Debug, Clone, PartialEq)]
pub struct Allowance {
    limits: Vec<Limit>,
    micros: i64,
    tokens: i64,
    settle: Settle,
}

/// When what a run has used is counted under its budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// With the entry of each call.
    EachCall,
    /// When the allowance is renewed, or the run rests.
    AtRest,
}

/// For how many calls an allowance is. They seldom use what they might, so it lasts for more.
const CALLS: i64 = 8;

impl Allowance {
    /// For a run that nothing limits.
    pub fn unlimited() -> Self {
        Allowance {
            limits: Vec::new(),
            micros: 0,
            tokens: 0,
            settle: Settle::AtRest,
        }
    }

    /// The most that `accounts`, none of which refuses `need`, give a run that makes such a
    /// call.
    pub fn of(accounts: &[Account], need: &Need) -> Self {
        let several = Need {
            micros: need.micros.saturating_mul(CALLS),
            tokens: need.tokens.saturating_mul(CALLS),
            ..*need
        };
        let (held, settle) = if accounts.iter().all(|account| account.has_room(&several)) {
            (several, Settle::AtRest)
        } else {
            (*need, Settle::EachCall)
        };
        Allowance {
            limits: accounts.iter().map(|account| account.limit).collect(),
            micros: held.micros,
            tokens: held.tokens,
            settle,
        }
    }

    /// Whether `need` fits into what is left, under the same limits.
    pub fn covers(&self, limits: &[Limit], need: &Need) -> bool {
        self.settle == Settle::AtRest
            && self.limits == limits
            && (limits.is_empty() || (need.micros <= self.micros && need.tokens <= self.tokens))
    }

    /// What is left after calls that came to `used`. An unknown cost was not bounded, and is
    /// not counted.
    pub fn less(mut self, used: &Totals) -> Self {
        self.micros -= used.cost_micros.unwrap_or(0);
        self.tokens -= used.tokens_in + used.tokens_out;
        self
    }

    /// Whether there is a limit at all.
    pub fn is_limited(&self) -> bool {
        !self.limits.is_empty()
    }

    /// When what is used of it is counted.
    pub fn settle(&self) -> Settle {
        self.settle
    }

    /// Millionths of a US dollar, and tokens, that are left.
    pub fn left(&self) -> (i64, i64) {
        (self.micros, self.tokens)
    }
}

/// A limit as settings write it. Organizations have the monthly ones and those for each
/// execution, everything else has `usd` and `tokens`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Written {
    usd: Option<f64>,
    tokens: Option<i64>,
    monthly_usd: Option<f64>,
    monthly_tokens: Option<i64>,
    per_execution_usd: Option<f64>,
    per_execution_tokens: Option<i64>,
    /// Whether a run that could pass it is paused; else it fails.
    #[serde(deserialize_with = "pauses")]
    pub on_exceeded: bool,
}

/// One limit that covers a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// What kind of thing it covers.
    pub cover: Cover,
    /// Which.
    pub id: Uuid,
    /// The first day of the month it is for; `None` when it does not renew.
    pub period: Option<NaiveDate>,
    /// Millionths of a US dollar.
    pub micros: Option<i64>,
    /// Tokens, in and out.
    pub tokens: Option<i64>,
}

/// What there is under a limit.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its row.
    pub id: Uuid,
    /// The limit.
    pub limit: Limit,
    /// Millionths of a US dollar that were spent.
    pub spent_micros: i64,
    /// Tokens that were used.
    pub spent_tokens: i64,
    /// Millionths of a US dollar that calls may cost which are being made.
    pub reserved_micros: i64,
    /// Tokens that those may use.
    pub reserved_tokens: i64,
}

/// Where limits come from that may cover a run.
#[derive(Debug, Clone)]
pub struct Source {
    /// What kind of thing.
    pub cover: Cover,
    /// Which.
    pub id: Uuid,
    /// What its settings say.
    pub written: Written,
}

fn pauses<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<bool, D::Error> {
    let word = Option::<String>::deserialize(deserializer)?;
    Ok(word.as_deref() == Some("pause"))
}

/// The limits, in the order in which their rows are locked by everybody.
pub fn limits(sources: &[Source], now: Timestamp) -> Vec<Limit> {
    let today = now.date_naive();
    let month = today.with_day(1).unwrap_or(today);
    let organization = sources.iter().find(|s| s.cover == Cover::Organization);
    let each = organization
        .map(|source| source.written)
        .unwrap_or_default();
    let mut limits: Vec<Limit> = sources
        .iter()
        .map(|source| {
            let written = source.written;
            let (usd, tokens, period) = match source.cover {
                Cover::Organization => (written.monthly_usd, written.monthly_tokens, Some(month)),
                Cover::Execution => (
                    least(written.usd, each.per_execution_usd),
                    least(written.tokens, each.per_execution_tokens),
                    None,
                ),
                Cover::Node | Cover::Project => (written.usd, written.tokens, None),
            };
            Limit {
                cover: source.cover,
                id: source.id,
                period,
                micros: usd.map(micros_of),
                tokens,
            }
        })
        .filter(|limit| limit.micros.is_some() || limit.tokens.is_some())
        .collect();
    limits.sort_by_key(|limit| (limit.cover, limit.id));
    limits
}

fn least<T: PartialOrd>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b < a { b } else { a }),
        (a, b) => a.or(b),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "amounts are below 10^9 dollars, as settings check; a float saturates"
)]
fn micros_of(usd: f64) -> i64 {
    (usd * 1e6) as i64
}

impl Account {
    /// Why `need` does not fit, as a sentence.
    pub fn refuses(&self, need: &Need) -> Option<String> {
        let limit = &self.limit;
        let micros = self.spent_micros + self.reserved_micros + need.micros;
        let tokens = self.spent_tokens + self.reserved_tokens + need.tokens;
        let whose = match limit.cover {
            Cover::Organization => "organization's budget of the month",
            Cover::Project => "project's budget",
            Cover::Node => "node's budget",
            Cover::Execution => "execution's budget",
        };
        if limit.micros.is_some_and(|most| micros > most) {
            let usd = |micros: i64| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
            return Some(format!(
                "The next call of the model could pass the {whose}: {} USD are spent and {} \
                 reserved of {}, and the call may cost {}.",
                usd(self.spent_micros),
                usd(self.reserved_micros),
                usd(limit.micros.unwrap_or(0)),
                usd(need.micros),
            ));
        }
        limit.tokens.filter(|most| tokens > *most).map(|most| {
            format!(
                "The next call of the model could pass the {whose}: {} tokens are used and {} \
                 reserved of {most}, and the call may use {}.",
                self.spent_tokens, self.reserved_tokens, need.tokens
            )
        })
    }

    /// Whether, with `need`, no more than half of the limit is spent or reserved. People are
    /// told of what is spent from there on, so then it is counted with each call.
    fn has_room(&self, need: &Need) -> bool {
        let fits = |taken: i64, most: Option<i64>| most.is_none_or(|most| taken <= most / 2);
        fits(
            self.spent_micros + self.reserved_micros + need.micros,
            self.limit.micros,
        ) && fits(
            self.spent_tokens + self.reserved_tokens + need.tokens,
            self.limit.tokens,
        )
    }

    /// The part of the limit that is spent, in percent.
    pub fn percent(&self) -> i64 {
        let part = |spent: i64, most: Option<i64>| match most {
            Some(0) => 100,
            Some(most) => spent.saturating_mul(100) / most,
            None => 0,
        };
        let micros = part(self.spent_micros, self.limit.micros);
        micros.max(part(self.spent_tokens, self.limit.tokens))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use serde_json::{Value, json};

    fn source(cover: Cover, written: Value) -> Source {
        Source {
            cover,
            id: Uuid::nil(),
            written: serde_json::from_value(written).unwrap(),
        }
    }

    #[test]
    fn the_smaller_of_two_limits_for_an_execution_holds_and_months_begin_on_their_first() {
        let sources = [
            source(Cover::Execution, json!({ "usd": 2.0 })),
            source(
                Cover::Organization,
                json!({ "monthlyUsd": 10.0, "perExecutionUsd": 0.5, "onExceeded": "pause" }),
            ),
            source(Cover::Project, json!({})),
        ];
        assert!(sources[1].written.on_exceeded && !sources[0].written.on_exceeded);
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let limits = limits(&sources, now);
        let seen: Vec<_> = limits
            .iter()
            .map(|limit| (limit.cover, limit.micros, limit.period))
            .collect();
        let month = NaiveDate::from_ymd_opt(2023, 11, 1);
        assert_eq!(
            seen,
            [
                (Cover::Execution, Some(500_000), None),
                (Cover::Organization, Some(10_000_000), month),
            ]
        );
    }

    fn need(micros: i64, tokens: i64) -> Need {
        Need {
            micros,
            tokens,
            ..Need::default()
        }
    }

    fn account(spent: (i64, i64), reserved: (i64, i64)) -> Account {
        Account {
            id: Uuid::nil(),
            limit: Limit {
                cover: Cover::Project,
                id: Uuid::nil(),
                period: None,
                micros: Some(100),
                tokens: Some(1000),
            },
            spent_micros: spent.0,
            spent_tokens: spent.1,
            reserved_micros: reserved.0,
            reserved_tokens: reserved.1,
        }
    }

    #[test]
    fn an_allowance_is_for_several_calls_while_half_of_every_limit_is_free() {
        let roomy = [account((0, 100), (0, 0)), account((10, 0), (8, 0))];
        let held = Allowance::of(&roomy, &need(4, 50));
        assert_eq!((held.left(), held.settle()), ((32, 400), Settle::AtRest));
        let limits: Vec<Limit> = roomy.iter().map(|account| account.limit).collect();
        assert!(held.covers(&limits, &need(32, 400)));
        assert!(!held.covers(&limits, &need(33, 400)) && !held.covers(&limits[1..], &need(1, 1)));
        let used = Totals {
            tokens_in: 300,
            tokens_out: 60,
            cost_micros: Some(2),
        };
        let held = held.less(&used);
        assert!(held.covers(&limits, &need(30, 40)) && !held.covers(&limits, &need(30, 41)));
        for (spent, reserved) in [((19, 0), (0, 0)), ((0, 0), (0, 101))] {
            let held = Allowance::of(&[account(spent, reserved)], &need(4, 50));
            assert_eq!((held.left(), held.settle()), ((4, 50), Settle::EachCall));
            assert!(!held.covers(&limits[..1], &need(1, 1)));
        }
    }

    #[test]
    fn what_nothing_limits_needs_no_renewal_until_something_does() {
        let free = Allowance::unlimited().less(&Totals::of(&[]));
        assert!(free.covers(&[], &need(1, 1)));
        assert!(!free.covers(&[account((0, 0), (0, 0)).limit], &need(0, 0)));
    }

    #[test]
    fn what_is_reserved_counts_as_much_as_what_is_spent() {
        let account = account((40, 0), (40, 900));
        assert_eq!(account.refuses(&need(20, 100)), None);
        assert!(account.refuses(&need(21, 0)).unwrap().contains("0.000021"));
        assert!(account.refuses(&need(0, 101)).unwrap().contains("tokens"));
        assert_eq!(account.percent(), 40);
    }
}
