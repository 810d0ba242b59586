//! What tokens cost, from a table of list prices (`config/prices.toml`).
//!
//! Money is whole micro-dollars, because sums of floats drift. An unknown model
//! costs an unknown amount: calling it zero would let a budget pass unnoticed.

use chrono::NaiveDate;
use serde::Deserialize;

use super::Usage;
use crate::kernel::{Error, Result, Timestamp};

const BUILT_IN: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/prices.toml"));

/// The tokens that a listed price is for.
const PER: u128 = 1_000_000;

/// A table of prices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    price: Vec<Price>,
}

/// The price of one model from one day on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The full name, as in [`super::ChatRequest::model`].
    pub model: String,
    /// The first day (UTC) of this price.
    pub effective_from: NaiveDate,
    /// Micro-dollars for a million tokens read.
    pub input: u64,
    /// Micro-dollars for a million tokens written.
    pub output: u64,
}

impl Prices {
    /// The table that comes with the program.
    ///
    /// # Errors
    /// Internal, when the table is not well formed; a test holds that it is.
    pub fn built_in() -> Result<Self> {
        Self::parse(BUILT_IN).map_err(Error::internal)
    }

    /// Reads a table in the form of `config/prices.toml`.
    ///
    /// # Errors
    /// What the TOML reader says, with the line.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The cost in micro-dollars of `usage` by `model` at the time `at`, to the
    /// nearest one. `None` when the price is unknown; the demo models are free.
    pub fn cost_micros(&self, model: &str, usage: &Usage, at: Timestamp) -> Option<i64> {
        if model.starts_with("demo/") {
            return Some(0);
        }
        let price = self.of(model, at.date_naive())?;
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let total = part(usage.input_tokens, price.input)
            .saturating_add(part(usage.output_tokens, price.output));
        i64::try_from(total.saturating_add(PER / 2) / PER).ok()
    }

    fn of(&self, model: &str, day: NaiveDate) -> Option<&Price> {
        self.price
            .iter()
            .filter(|price| price.model == model && price.effective_from <= day)
            .max_by_key(|price| price.effective_from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("{text}T12:00:00Z").parse().unwrap()
    }

    fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
        Usage {
            input_tokens,
            output_tokens,
            ..Usage::default()
        }
    }

    #[test]
    fn the_built_in_table_is_well_formed_and_names_each_price_once() {
        let prices = Prices::built_in().unwrap();
        let mut seen = std::collections::HashSet::new();
        for price in &prices.price {
            assert!(
                seen.insert((&price.model, price.effective_from)),
                "{price:?}"
            );
            assert!(
                price.model.contains('/') && price.input < price.output,
                "{price:?}"
            );
        }
    }

    #[test]
    fn tokens_are_multiplied_and_rounded_to_the_nearest_micro_dollar() {
        let prices = Prices::built_in().unwrap();
        let cost = |i, o| prices.cost_micros("openai/gpt-4o", &usage(i, o), at("2026-11-01"));
        assert_eq!(cost(1_000_000, 1_000_000), Some(12_500_000));
        assert_eq!(cost(1_000, 500), Some(7_500));
        assert_eq!(cost(1, 0), Some(3), "2.5 rounds up");
        assert_eq!(cost(0, 0), Some(0));
        assert_eq!(
            cost(u64::MAX, u64::MAX),
            None,
            "no number is better than a wrong one"
        );
    }

    #[test]
    fn an_unknown_model_costs_an_unknown_amount_and_the_demo_nothing() {
        let prices = Prices::built_in().unwrap();
        let cost = |model| prices.cost_micros(model, &usage(10, 10), at("2026-11-01"));
        assert_eq!(cost("openai/gpt-99"), None);
        assert_eq!(cost("gpt-4o"), None);
        assert_eq!(cost("demo/analyst"), Some(0));
    }

    #[test]
    fn a_price_counts_from_its_day_on() {
        let prices = Prices::parse(
            "[[price]]\nmodel = 'a/b'\neffective_from = '2026-01-01'\ninput = 1000000\noutput = 1\n\
             [[price]]\nmodel = 'a/b'\neffective_from = '2026-06-01'\ninput = 2000000\noutput = 1\n",
        )
        .unwrap();
        let cost = |day| prices.cost_micros("a/b", &usage(1, 0), at(day));
        assert_eq!(cost("2025-12-31"), None);
        assert_eq!(cost("2026-05-31"), Some(1));
        assert_eq!(cost("2026-06-01"), Some(2));
    }
}
