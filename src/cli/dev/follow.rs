//! Showing an execution while it runs: what happened before first, then each entry of
//! its journal as it is written.

use std::time::Duration;

use futures_util::StreamExt;
use serde::Deserialize;

use super::{
    client::{Client, Event},
    show::{Screen, Step},
    trace,
};
use crate::{
    executions::model::{Status, TraceEvent},
    kernel::{Error, ExecutionId, Result, event::EventKind, text::TextEnum},
};

/// How often a stream that breaks off is taken up again without an entry in between.
const TRIES: u32 = 5;
/// The pause before that.
const PAUSE: Duration = Duration::from_millis(300);

#[derive(Deserialize)]
struct StatusAnswer {
    execution: StatusOnly,
}

#[derive(Deserialize)]
struct StatusOnly {
    status: Status,
}

/// What has been shown.
struct Shown<'a> {
    screen: &'a Screen,
    step: Step<'a>,
    /// The last entry.
    after: i64,
    /// The words of the call of the model that is under way.
    words: String,
    /// Which attempt at the call they are from.
    attempt: Option<u64>,
}

/// Shows the execution until it ends.
pub async fn follow(client: &Client, screen: &Screen, id: ExecutionId) -> Result<()> {
    let mut shown = Shown {
        screen,
        step: screen.step(WORKING),
        after: 0,
        words: String::new(),
        attempt: None,
    };
    screen.line("");
    screen.line(&trace::header(screen.width()));
    let mut tries = 0;
    loop {
        let before = shown.after;
        let watched = shown.watch(client, id).await;
        let answer: StatusAnswer = client.get(&format!("/executions/{id}")).await?;
        if watched.is_ok() && answer.execution.status.is_terminal() {
            return Ok(());
        }
        tries = if shown.after > before { 0 } else { tries + 1 };
        if let Err(error) = watched
            && tries >= TRIES
        {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

const WORKING: &str = "The agent works";

impl Shown<'_> {
    /// Shows one stream to its end.
    async fn watch(&mut self, client: &Client, id: ExecutionId) -> Result<()> {
        let path = format!("/executions/{id}/stream");
        let events = client.stream(&path, self.after).await?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            self.take(event?)?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<()> {
        match EventKind::parse(&event.kind) {
            Some(EventKind::TraceEvent) => {
                let entry: TraceEvent =
                    serde_json::from_value(event.data).map_err(Error::internal)?;
                // A stream that was taken up again may begin before the break.
                if entry.sequence_number > self.after {
                    self.after = entry.sequence_number;
                    self.screen.line(&trace::line(&entry, self.screen.width()));
                }
                self.words.clear();
                self.step.say(WORKING);
            }
            Some(EventKind::LlmDelta) => {
                let attempt = event.data.get("attempt").and_then(|n| n.as_u64());
                if attempt != self.attempt {
                    // An answer that broke off; it begins anew.
                    self.words.clear();
                    self.attempt = attempt;
                }
                let piece = event.data.get("text").and_then(|text| text.as_str());
                self.words.push_str(piece.unwrap_or_default());
                // The spinner and the time stand beside the words.
                let room = self.screen.width().saturating_sub(12);
                self.step.say(&trace::tail(&self.words, room));
            }
            _ => {}
        }
        Ok(())
    }
}
