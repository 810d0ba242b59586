//! Where a provider's keys come from, and when they are asked for.
//!
//! Keys are fetched when a token names one that is not known, and in the background when
//! they are old and somebody uses them; never by a timer, so that an idle program is quiet.
//!
//! Invariants: one fetch at a time, and none sooner than `refetch` after the one before,
//! whatever tokens arrive: names of keys are free to invent, and must not turn us against
//! the provider. A fetch belongs to nobody's request, so a client that hangs up can't
//! abort it for the others. What fails to be fetched takes nothing away: known keys are
//! used up to `max_stale`.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use jsonwebtoken::Algorithm;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::{
    invalid,
    keys::{Key, Keys},
};
use crate::{
    config::OidcConfig,
    kernel::{Clock, Code, Error, Result, Timestamp, field},
    platform::http::{self, Client, Timeouts},
};

/// How long the provider may take to answer. Requests wait for it, if only those whose key
/// is not known.
const PATIENCE: Duration = Duration::from_secs(3);

/// The largest set of keys; Cognito's have about 1 KiB.
const MAX_BODY: usize = 64 * 1024;

/// The keys of one provider.
pub(super) struct Source {
    url: reqwest::Url,
    client: Client,
    algorithms: Vec<Algorithm>,
    clock: Arc<dyn Clock>,
    refresh: TimeDelta,
    refetch: TimeDelta,
    max_stale: TimeDelta,
    state: Mutex<State>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct State {
    keys: Arc<Keys>,
    /// When the provider last gave keys.
    fetched_at: Option<Timestamp>,
    /// When it was last asked.
    asked_at: Option<Timestamp>,
    /// Whether that came to nothing.
    failed: bool,
    /// The fetch that was begun last; it is over when its sender is gone.
    flight: Option<watch::Receiver<()>>,
}

impl Source {
    pub(super) fn new(
        config: &OidcConfig,
        algorithms: Vec<Algorithm>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let url = address(config)?;
        let timeouts = Timeouts {
            connect: PATIENCE,
            read: PATIENCE,
            total: PATIENCE,
        };
        let client = if is_loopback(&url) {
            http::client_of_ours(timeouts)?
        } else {
            http::client(timeouts)?
        };
        let seconds = |seconds: u32| TimeDelta::seconds(i64::from(seconds));
        Ok(Source {
            url,
            client,
            algorithms,
            clock,
            refresh: seconds(config.refresh_seconds),
            refetch: seconds(config.refetch_seconds),
            max_stale: seconds(config.max_stale_seconds),
            state: Mutex::default(),
            tasks: TaskTracker::new(),
        })
    }

    /// The key of this name.
    ///
    /// Fails with [`Code::TokenInvalid`] when the provider has none, by its last answer;
    /// with [`Code::Unavailable`] when it did not give one.
    pub(super) async fn key(self: &Arc<Self>, kid: &str) -> Result<Arc<Key>> {
        if let Some(key) = self.usable(kid) {
            return Ok(key);
        }
        let flight = self.flight(&mut self.state(), self.clock.now());
        if let Some(mut flight) = flight {
            // Nothing is ever sent: this ends when the fetch does.
            let _ = flight.changed().await;
        }
        self.usable(kid).ok_or_else(|| self.missing())
    }

    /// Whether the provider still has a key that it gave once.
    pub(super) fn still_has(self: &Arc<Self>, key: &Arc<Key>) -> bool {
        self.usable(&key.kid)
            .is_some_and(|present| Arc::ptr_eq(&present, key))
    }

    /// A known key that is not too old. Where it is due, a fetch is begun and not waited for.
    fn usable(self: &Arc<Self>, kid: &str) -> Option<Arc<Key>> {
        let mut state = self.state();
        let now = self.clock.now();
        let age = age(state.fetched_at?, now);
        if age >= self.refresh {
            self.flight(&mut state, now);
        }
        let key = state.keys.get(kid)?;
        (age < self.max_stale).then(|| Arc::clone(key))
    }

    /// The fetch that is under way, or a new one; `None` when the last was too lately.
    fn flight(self: &Arc<Self>, state: &mut State, now: Timestamp) -> Option<watch::Receiver<()>> {
        let under_way = |flight: &&watch::Receiver<()>| flight.has_changed().is_ok();
        if let Some(flight) = state.flight.as_ref().filter(under_way) {
            return Some(flight.clone());
        }
        if state.asked_at.is_some_and(|at| age(at, now) < self.refetch) {
            return None;
        }
        let (landed, flight) = watch::channel(());
        state.asked_at = Some(now);
        state.flight = Some(flight.clone());
        let source = Arc::clone(self);
        self.tasks.spawn(async move {
            source.fetch_and_keep().await;
            drop(landed);
        });
        Some(flight)
    }

    async fn fetch_and_keep(&self) {
        let fetched = self.fetch().await;
        let mut state = self.state();
        state.failed = fetched.is_err();
        match fetched {
            Ok(keys) => {
                tracing::debug!(url = %self.url, keys = keys.len(), "fetched a provider's keys");
                state.keys = Arc::new(keys);
                state.fetched_at = Some(self.clock.now());
            }
            Err(error) => {
                tracing::warn!(url = %self.url, %error, "a provider's keys were not fetched");
            }
        }
    }

    async fn fetch(&self) -> Result<Keys, Box<dyn std::error::Error + Send + Sync>> {
        let mut response = self.client.get(self.url.clone()).send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("the provider answered {}", response.status()).into());
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await? {
            if body.len() + piece.len() > MAX_BODY {
                return Err(format!("the answer is larger than {MAX_BODY} bytes").into());
            }
            body.extend_from_slice(&piece);
        }
        let before = Arc::clone(&self.state().keys);
        Ok(Keys::read(&body, &self.algorithms, &before)?)
    }

    /// Why there is no key: because the provider has none of that name, or because it can't
    /// be asked, which is no fault of the token's.
    fn missing(&self) -> Error {
        if !self.state().failed {
            return invalid("signed with a key that the provider does not have");
        }
        Error::new(
            Code::Unavailable,
            "The identity provider does not answer, so the token could not be checked. Try \
             again.",
        )
    }

    /// Nothing that holds the lock leaves the state half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long ago `then` was. A clock that was set back makes it old, so that no wait becomes
/// as long as the step of the clock.
fn age(then: Timestamp, now: Timestamp) -> TimeDelta {
    now.signed_duration_since(then).abs()
}

/// The address of the keys: on https, or on this machine.
fn address(config: &OidcConfig) -> Result<reqwest::Url> {
    let url: reqwest::Url = config
        .keys_url()
        .parse()
        .map_err(|_| field::invalid("oidc.jwks_url", "must be an address"))?;
    let safe = match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    };
    if !safe {
        return Err(field::invalid(
            "oidc.jwks_url",
            "must begin with https://: whoever can change the keys on their way can sign in \
             as anybody",
        ));
    }
    Ok(url)
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || literal
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(url: &str) -> bool {
        let config = OidcConfig {
            issuer: "https://id.example.com".into(),
            client_ids: Vec::new(),
            algorithms: Vec::new(),
            jwks_url: url.into(),
            leeway_seconds: 0,
            refresh_seconds: 0,
            refetch_seconds: 0,
            max_stale_seconds: 0,
        };
        address(&config).is_ok()
    }

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for good in [
            "",
            "https://id.example.com/keys",
            "http://127.0.0.1:9000/keys",
            "http://[::1]/keys",
            "http://localhost:9000/keys",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in [
            "http://id.example.com/keys",
            "http://127.0.0.1@id.example.com/keys",
            "http://127.0.0.1.example.com/keys",
            "http://localhost.example.com/keys",
            "file:///etc/passwd",
            "keys.json",
        ] {
            assert!(!allowed(bad), "{bad}");
        }
    }

    #[test]
    fn a_clock_set_back_makes_old_and_not_young() {
        let now = chrono::DateTime::UNIX_EPOCH;
        let later = now + TimeDelta::hours(1);
        assert_eq!(age(later, now), TimeDelta::hours(1));
    }
}
