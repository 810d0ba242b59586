//! Asking Amazon ECS to spare this task while it works (task scale-in protection).
//!
//! A task that is scaled in hands over what it holds, so nothing is lost without this; what it
//! had begun is begun again elsewhere. A protected task is passed over while others idle.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html>

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    kernel::{Error, Result},
    platform::http::{self, Client, Timeouts},
};

/// How long a task stays protected should its process die or hang, in minutes.
const LASTS_MINUTES: u64 = 30;
/// Renewed in time for several tries before that.
const RENEW: Duration = Duration::from_secs(LASTS_MINUTES * 60 / 3);
/// So long without work, and the task may go: each change is a call of ECS, which bounds those
/// of an account.
const IDLE: Duration = Duration::from_secs(30);
/// The pause after a call that failed.
const PAUSE: Duration = Duration::from_secs(10);

/// How many pieces of work a process has in hand.
#[derive(Debug, Clone)]
pub struct InHand(Arc<watch::Sender<usize>>);

impl Default for InHand {
    fn default() -> Self {
        InHand(Arc::new(watch::Sender::new(0)))
    }
}

impl InHand {
    /// One more, until what is answered is dropped.
    pub fn hold(&self) -> Held {
        self.0.send_modify(|count| *count += 1);
        Held(self.clone())
    }
}

/// A piece of work in hand.
#[derive(Debug)]
pub struct Held(InHand);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// Protects this task while something is `in_hand`, until `stop`; `url` is where ECS takes
/// note of it. A failure is logged and tried again: work goes on without protection.
pub async fn protect(url: &str, in_hand: &InHand, stop: CancellationToken) {
    match Protection::new(url, in_hand, IDLE) {
        Ok(protection) => protection.run(stop).await,
        Err(error) => tracing::warn!(error = %error.chain(), "this task is not protected"),
    }
}

struct Protection {
    http: Client,
    url: String,
    in_hand: watch::Receiver<usize>,
    idle: Duration,
}

impl Protection {
    fn new(url: &str, in_hand: &InHand, idle: Duration) -> Result<Self> {
        let timeouts = Timeouts {
            total: Duration::from_secs(10),
            ..Timeouts::default()
        };
        Ok(Protection {
            http: http::client_of_ours(timeouts)?,
            url: url.to_owned(),
            in_hand: in_hand.0.subscribe(),
            idle,
        })
    }

    async fn run(self, stop: CancellationToken) {
        while let Some(()) = stop.run_until_cancelled(self.wait(|count| count > 0)).await {
            let kept = stop.run_until_cancelled(self.keep()).await;
            self.tell(false).await;
            if kept.is_none() {
                return;
            }
        }
    }

    /// Keeps the task protected until there has been no work for a while.
    async fn keep(&self) {
        loop {
            let next = match self.tell(true).await {
                true => RENEW,
                false => PAUSE,
            };
            tokio::select! {
                () = self.idled() => return,
                () = sleep(next) => {}
            }
        }
    }

    /// Completes when nothing was in hand for a while.
    async fn idled(&self) {
        loop {
            self.wait(|count| count == 0).await;
            tokio::select! {
                () = self.wait(|count| count > 0) => {}
                () = sleep(self.idle) => return,
            }
        }
    }

    async fn wait(&self, is_so: impl Fn(usize) -> bool) {
        let mut in_hand = self.in_hand.clone();
        if in_hand.wait_for(|count| is_so(*count)).await.is_err() {
            // Nobody is left who could take anything in hand.
            std::future::pending().await
        }
    }

    async fn tell(&self, protected: bool) -> bool {
        let told = self.try_to_tell(protected).await;
        if let Err(error) = &told {
            tracing::warn!(protected, error = %error.chain(), "ECS did not take note of the protection");
        }
        told.is_ok()
    }

    async fn try_to_tell(&self, protected: bool) -> Result<()> {
        let state = match protected {
            true => json!({ "ProtectionEnabled": true, "ExpiresInMinutes": LASTS_MINUTES }),
            false => json!({ "ProtectionEnabled": false }),
        };
        let answer = self.http.put(&self.url).json(&state).send().await;
        let answer = answer.map_err(Error::internal)?;
        match answer.status().is_success() {
            true => Ok(()),
            false => {
                let (status, why) = (answer.status(), answer.text().await.unwrap_or_default());
                Err(Error::internal(format!("{status}: {why}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{method, path},
    };

    use super::*;

    /// Waits for the `n`th word to ECS, counted from one.
    async fn told(ecs: &MockServer, n: usize) -> Value {
        loop {
            let requests = ecs.received_requests().await.unwrap();
            if let Some(request) = requests.get(n - 1) {
                return request.body_json().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_task_is_protected_while_it_works_and_until_it_has_idled() {
        let ecs = MockServer::start().await;
        let state = "/api/x/task-protection/v1/state";
        Mock::given(method("PUT"))
            .and(path(state))
            .respond_with(ResponseTemplate::new(200))
            .mount(&ecs)
            .await;
        let (in_hand, stop) = (InHand::default(), CancellationToken::new());
        let url = format!("{}{state}", ecs.uri());
        let protection = Protection::new(&url, &in_hand, Duration::from_millis(20)).unwrap();
        let protected = json!({ "ProtectionEnabled": true, "ExpiresInMinutes": 30 });
        let free = json!({ "ProtectionEnabled": false });
        let work = async {
            let (first, second) = (in_hand.hold(), in_hand.hold());
            assert_eq!(told(&ecs, 1).await, protected);
            drop(first);
            drop(second);
            assert_eq!(told(&ecs, 2).await, free);
            let _third = in_hand.hold();
            assert_eq!(told(&ecs, 3).await, protected);
            stop.cancel();
        };
        tokio::join!(protection.run(stop.clone()), work);
        assert_eq!(told(&ecs, 4).await, free);
        assert_eq!(ecs.received_requests().await.unwrap().len(), 4);
    }
}
