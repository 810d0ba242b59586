//! What tokens cost and how many a model can read, from a table (`config/prices.toml`).
//!
//! The table has a version. An operator's own file goes before it, model by model, so
//! that a new price or a contract of one's own needs no new program.
//!
//! Money is whole micro-dollars, because sums of floats drift. An unknown model
//! costs an unknown amount: calling it zero would let a budget pass unnoticed.

use chrono::NaiveDate;
use serde::Deserialize;

use super::Usage;
use crate::kernel::field::invalid;
use crate::kernel::{Error, Result, Timestamp};

const BUILT_IN: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/prices.toml"));

/// The tokens that a listed price is for.
const PER: u128 = 1_000_000;

/// A table of prices and windows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Which table this is: the day it was last changed, or what an operator calls it.
    version: String,
    #[serde(default)]
    price: Vec<Price>,
    #[serde(default)]
    window: Vec<Window>,
}

/// How many tokens a model can read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    model: String,
    tokens: u64,
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
    /// Micro-dollars for a million tokens that the provider had kept; absent: as `input`.
    pub cache_read: Option<u64>,
    /// Micro-dollars for a million tokens that the provider now keeps; absent: as
    /// `input`.
    pub cache_write: Option<u64>,
}

impl Price {
    /// Micro-dollars for a million of `usage`, that is a million times the cost.
    fn of(&self, usage: &Usage) -> u128 {
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let plain = usage
            .input_tokens
            .saturating_sub(usage.cache_read_tokens)
            .saturating_sub(usage.cache_write_tokens);
        [
            part(plain, self.input),
            part(
                usage.cache_read_tokens,
                self.cache_read.unwrap_or(self.input),
            ),
            part(
                usage.cache_write_tokens,
                self.cache_write.unwrap_or(self.input),
            ),
            part(usage.output_tokens, self.output),
        ]
        .into_iter()
        .fold(0, u128::saturating_add)
    }
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

    /// The built-in table with what the file at `path` says before it; the built-in one
    /// alone when `path` is empty.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when the file can't be read, with what the reader says.
    pub fn load(path: &str) -> Result<Self> {
        let built_in = Self::built_in()?;
        if path.is_empty() {
            return Ok(built_in);
        }
        let bad = |why: String| invalid("models.prices_file", why);
        let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
        let own = Self::parse(&text).map_err(|error| bad(error.to_string()))?;
        tracing::info!(version = own.version, "prices of the operator's own");
        Ok(own.before(built_in))
    }

    /// Of a model that is in this table, `other` says nothing more.
    fn before(mut self, other: Prices) -> Self {
        let (prices, windows) = (self.price.len(), self.window.len());
        for price in other.price {
            let own = self.price.iter().take(prices);
            if own.clone().all(|own| own.model != price.model) {
                self.price.push(price);
            }
        }
        for window in other.window {
            let own = self.window.iter().take(windows);
            if own.clone().all(|own| own.model != window.model) {
                self.window.push(window);
            }
        }
        self.version = format!("{}, {}", self.version, other.version);
        self
    }

    /// Which table this is.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The tokens that `model` can read, when the table says so.
    pub fn window(&self, model: &str) -> Option<u64> {
        let window = self.window.iter().find(|window| window.model == model);
        window.map(|window| window.tokens)
    }

    /// The cost in micro-dollars of `usage` by `model` at the time `at`, to the
    /// nearest one. `None` when the price is unknown; the demo models are free.
    pub fn cost_micros(&self, model: &str, usage: &Usage, at: Timestamp) -> Option<i64> {
        if model.starts_with("demo/") {
            return Some(0);
        }
        let price = self.of(model, at.date_naive())?;
        i64::try_from(price.of(usage).saturating_add(PER / 2) / PER).ok()
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
            "version = '1'\n[[price]]\nmodel = 'a/b'\neffective_from = '2026-01-01'\ninput = 1000000\noutput = 1\n\
             [[price]]\nmodel = 'a/b'\neffective_from = '2026-06-01'\ninput = 2000000\noutput = 1\n",
        )
        .unwrap();
        let cost = |day| prices.cost_micros("a/b", &usage(1, 0), at(day));
        assert_eq!(cost("2025-12-31"), None);
        assert_eq!(cost("2026-05-31"), Some(1));
        assert_eq!(cost("2026-06-01"), Some(2));
    }
    #[test]
    fn tokens_of_a_cache_have_prices_of_their_own() {
        let prices = Prices::parse(
            "version = '1'\n[[price]]\nmodel = 'a/b'\neffective_from = '2026-01-01'\n\
             input = 1000000\noutput = 5000000\ncache_read = 100000\ncache_write = 2000000\n",
        )
        .unwrap();
        let usage = Usage {
            cache_read_tokens: 50,
            cache_write_tokens: 10,
            ..usage(100, 1)
        };
        let cost = prices.cost_micros("a/b", &usage, at("2026-11-01"));
        assert_eq!(cost, Some(40 + 5 + 20 + 5));
    }

    #[test]
    fn an_operators_file_goes_before_the_built_in_table() {
        let own = "version = 'ours'\n[[price]]\nmodel = 'openai/gpt-4o'\n\
                   effective_from = '2026-06-01'\ninput = 1000000\noutput = 1\n\
                   [[window]]\nmodel = 'openai/gpt-4o'\ntokens = 9000\n";
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), own).unwrap();
        let prices = Prices::load(&file.path().display().to_string()).unwrap();
        let cost = |model, day| prices.cost_micros(model, &usage(1, 0), at(day));
        assert_eq!(cost("openai/gpt-4o", "2026-06-01"), Some(1));
        // Its own table begins there, and the built-in one says no more of the model.
        assert_eq!(cost("openai/gpt-4o", "2026-05-31"), None);
        assert_eq!(cost("openai/gpt-4.1", "2026-05-31"), Some(2));
        assert_eq!(prices.window("openai/gpt-4o"), Some(9000));
        assert_eq!(prices.window("openai/gpt-4o-mini"), Some(128_000));
        assert_eq!(prices.window("openai/gpt-99"), None);
        assert!(prices.version().starts_with("ours, 20"));
        std::fs::write(file.path(), "version = 1").unwrap();
        assert!(Prices::load(&file.path().display().to_string()).is_err());
        assert!(Prices::load("/no/such/file").is_err());
    }
}
