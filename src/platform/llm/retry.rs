//! Trying again, around any model, and around whatever else is asked over an
//! [`super::exchange`].
//!
//! Only a failure that may pass is tried again, only a bounded number of times,
//! and only while nothing of an answer has come: after the first byte a second
//! try would bill the tokens twice and say words twice that people have seen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::{ChatAnswer, ChatRequest, Delta, Model, ModelError};

/// How often and how patiently to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Calls in all, the first included.
    pub attempts: u32,
    /// The wait after the first failure; it doubles with each further one.
    pub base: Duration,
    /// The longest wait of our own choosing.
    pub cap: Duration,
    /// The longest `Retry-After` that is waited for here. When a server asks for
    /// more, the error goes to the caller, who can free the worker meanwhile.
    pub patience: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            attempts: 4,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(8),
            patience: Duration::from_secs(20),
        }
    }
}

impl RetryPolicy {
    /// The wait after failure number `failures`; `None` when to give up.
    ///
    /// Our own wait is drawn evenly between half and the whole of the exponential
    /// step, so that workers turned away together do not return together. `jitter`
    /// is that draw, 0 to 255. A server's own word is kept to, with no less.
    fn wait(&self, failures: u32, error: &ModelError, jitter: u8) -> Option<Duration> {
        if failures >= self.attempts || !error.retryable() || error.begun {
            return None;
        }
        match error.retry_after {
            Some(asked) if asked > self.patience => None,
            Some(asked) => Some(asked),
            None => {
                let doublings = failures.saturating_sub(1).min(16);
                let step = self.base.saturating_mul(1 << doublings).min(self.cap);
                let half = step / 2;
                Some(half + half * u32::from(jitter) / 255)
            }
        }
    }
}

impl RetryPolicy {
    /// Waits as long as is right after failure number `failures`, and answers whether to try
    /// again; at once, that not. `whom` was asked, in the log.
    pub async fn pause(&self, whom: &str, failures: u32, error: &ModelError) -> bool {
        let Some(wait) = self.wait(failures, error, jitter()) else {
            return false;
        };
        tracing::warn!(
            model = whom,
            kind = ?error.kind,
            failures,
            wait_ms = wait.as_millis(),
            "a model call failed and will be tried again"
        );
        tokio::time::sleep(wait).await;
        true
    }
}

/// A model that is asked again when a failure may pass.
#[derive(Debug, Clone)]
pub struct Retrying<M> {
    inner: M,
    policy: RetryPolicy,
}

impl<M: Model> Retrying<M> {
    /// Wraps `inner`.
    pub fn new(inner: M, policy: RetryPolicy) -> Self {
        Retrying { inner, policy }
    }
}

#[async_trait]
impl<M: Model> Model for Retrying<M> {
    async fn chat(
        &self,
        request: &ChatRequest,
        delta: Delta<'_>,
    ) -> Result<ChatAnswer, ModelError> {
        let heard = AtomicBool::new(false);
        let listen = |text: &str| {
            heard.store(true, Ordering::Relaxed);
            delta(text);
        };
        let mut failures = 0;
        loop {
            let mut error = match self.inner.chat(request, &listen).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            failures += 1;
            error.begun |= heard.load(Ordering::Relaxed);
            if !self.policy.pause(&request.model, failures, &error).await {
                return Err(error);
            }
        }
    }
}

/// An even draw. When the system has no randomness to give, waits without jitter
/// are still right, only less well spread.
fn jitter() -> u8 {
    let mut byte = [u8::MAX];
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;
    use crate::platform::llm::{Finish, ModelErrorKind};

    /// Fails as scripted, then answers; says `words` before each failure.
    struct Script {
        failures: Mutex<VecDeque<ModelError>>,
        words: &'static str,
        calls: std::sync::atomic::AtomicU32,
    }

    impl Script {
        fn new(failures: impl IntoIterator<Item = ModelError>) -> Self {
            Script {
                failures: Mutex::new(failures.into_iter().collect()),
                words: "",
                calls: 0.into(),
            }
        }
    }

    #[async_trait]
    impl Model for Script {
        async fn chat(&self, r: &ChatRequest, delta: Delta<'_>) -> Result<ChatAnswer, ModelError> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            if let Some(error) = self.failures.lock().unwrap().pop_front() {
                if !self.words.is_empty() {
                    delta(self.words);
                }
                return Err(error);
            }
            Ok(ChatAnswer {
                text: "done".into(),
                tool_calls: vec![],
                finish: Finish::Stop,
                usage: None,
                model: r.model.clone(),
            })
        }
    }

    const QUICK: RetryPolicy = RetryPolicy {
        attempts: 3,
        base: Duration::from_millis(1),
        cap: Duration::from_millis(2),
        patience: Duration::from_millis(2),
    };

    fn overloaded() -> ModelError {
        ModelError::new(ModelErrorKind::Overloaded, "busy")
    }

    async fn run(script: Script) -> (Result<ChatAnswer, ModelError>, u32) {
        let model = Retrying::new(script, QUICK);
        let request = ChatRequest {
            model: "x/y".into(),
            messages: vec![],
            tools: vec![],
            max_tokens: None,
            temperature: None,
        };
        let result = model.chat(&request, &|_| ()).await;
        (result, model.inner.calls.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn a_failure_that_passes_is_not_seen() {
        let (result, calls) = run(Script::new([overloaded(), overloaded()])).await;
        assert_eq!(result.unwrap().text, "done");
        assert_eq!(calls, 3);
    }

    #[tokio::test]
    async fn the_number_of_tries_is_bounded() {
        let (result, calls) = run(Script::new((0..9).map(|_| overloaded()))).await;
        assert_eq!(result.unwrap_err().kind, ModelErrorKind::Overloaded);
        assert_eq!(calls, 3);
    }

    #[tokio::test]
    async fn a_refusal_is_final() {
        let refused = ModelError::new(ModelErrorKind::Refused, "no");
        let (result, calls) = run(Script::new([refused])).await;
        assert_eq!(result.unwrap_err().kind, ModelErrorKind::Refused);
        assert_eq!(calls, 1);
    }

    #[tokio::test]
    async fn an_answer_that_began_is_not_asked_for_twice() {
        let script = Script {
            words: "Once upon",
            ..Script::new([overloaded()])
        };
        let (result, calls) = run(script).await;
        assert!(result.unwrap_err().begun);
        assert_eq!(calls, 1);
        let (result, calls) = run(Script::new([overloaded().midway()])).await;
        assert!(result.is_err());
        assert_eq!(calls, 1);
    }

    #[tokio::test]
    async fn a_longer_wait_than_our_patience_goes_to_the_caller() {
        let wait = Some(Duration::from_secs(60));
        let (result, calls) = run(Script::new([overloaded().after(wait)])).await;
        assert_eq!(result.unwrap_err().retry_after, wait);
        assert_eq!(calls, 1);
    }

    #[test]
    fn waits_double_up_to_the_cap_and_spread_over_the_upper_half() {
        let policy = RetryPolicy {
            attempts: 9,
            ..RetryPolicy::default()
        };
        let wait = |n, jitter| policy.wait(n, &overloaded(), jitter).unwrap().as_millis();
        assert_eq!([wait(1, 0), wait(1, 255)], [250, 500]);
        assert_eq!([wait(3, 0), wait(3, 255)], [1_000, 2_000]);
        assert_eq!([wait(8, 0), wait(8, 255)], [4_000, 8_000]);
        let asked = overloaded().after(Some(Duration::from_secs(7)));
        assert_eq!(policy.wait(1, &asked, 0), Some(Duration::from_secs(7)));
    }
}
