//! The queue in Amazon SQS, or in a server that speaks like it.
//!
//! Bodies are those of the outbox, for any consumer to read; what is ours alone (the
//! job's id, the organization) travels beside them as attributes. A standard queue
//! delivers in no order and now and then twice, which a wake-up bears. Its message group
//! is the organization: by that SQS serves the others first when one has sent very much. In
//! a FIFO queue a group waits for its first message's end, so there every message is a
//! group of its own, and sending twice within five minutes queues once.

mod aside;

use std::{
    collections::{HashMap, VecDeque},
    fmt::Display,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{
        BatchResultErrorEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
        QueueAttributeName, SendMessageBatchRequestEntry,
    },
};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{Delivery, Depth, Posting, Queue};
use crate::{
    config::QueueConfig,
    kernel::{Code, Error, Result, event::QueueName, text::TextEnum},
    platform::aws::{self, Place},
};

/// The attribute with the job's id.
const JOB: &str = "jobId";
/// The attribute with the organization.
const ORG: &str = "orgId";
/// Messages that SQS takes at once.
const BATCH: usize = 10;
/// The longest that SQS waits for a message.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// The longest that SQS hides a message.
const LONGEST_HIDE: Duration = Duration::from_secs(12 * 60 * 60);
/// How long a message that came while we waited is hidden until somebody takes it up,
const ARRIVED: Duration = Duration::from_secs(30);
/// and until when it may still be taken up: what is left must do to say so.
const STALE: Duration = Duration::from_secs(20);
/// The wait after a failure, so that a service that is away is not hammered.
const PAUSE: Duration = Duration::from_secs(1);
/// More than the longest wait, which is an answer that takes its time.
const ANSWER: Duration = Duration::from_secs(30);

/// What SQS says of a queue.
type Attributes = HashMap<QueueAttributeName, String>;

/// Two queues, one for each name.
#[derive(Debug)]
pub struct SqsQueue {
    config: QueueConfig,
    /// Made when it is first used: finding out who we are may ask the machine's services.
    client: OnceCell<Client>,
    /// Where each queue puts what was delivered in vain, if it has such a place.
    asides: OnceCell<HashMap<QueueName, String>>,
    /// What came while somebody waited, and when.
    arrived: Mutex<HashMap<QueueName, VecDeque<(Instant, Delivery)>>>,
}

impl SqsQueue {
    /// The queues that the settings name; nothing is asked of them yet.
    pub fn new(config: &QueueConfig) -> Self {
        SqsQueue {
            config: config.clone(),
            client: OnceCell::new(),
            asides: OnceCell::new(),
            arrived: Mutex::default(),
        }
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| connect(&self.config)).await
    }

    fn url(&self, queue: QueueName) -> &str {
        match queue {
            QueueName::Agent => &self.config.agent_url,
            QueueName::File => &self.config.file_url,
        }
    }

    async fn send_batch(&self, url: &str, batch: &[&Posting]) -> Result<()> {
        let alone = url.ends_with(".fifo");
        let entries = batch.iter().zip(0..);
        let entries: Result<Vec<_>> = entries.map(|(one, n)| entry(one, n, alone)).collect();
        let answer = self
            .client()
            .await
            .send_message_batch()
            .queue_url(url)
            .set_entries(Some(entries?))
            .send()
            .await
            .map_err(away)?;
        let refused = |one: &&BatchResultErrorEntry| one.code().contains("InvalidMessage");
        let failed = answer.failed();
        match failed.iter().find(|one| !refused(one)).or(failed.first()) {
            None => Ok(()),
            // The same would be refused for ever, and hold up all that come after it.
            Some(one) if refused(&one) => Err(Error::internal(format!("SQS refused: {one:?}"))),
            Some(one) => Err(away(std::io::Error::other(format!("{one:?}")))),
        }
    }

    /// Takes a message, waiting up to `wait` for one.
    async fn poll(
        &self,
        queue: QueueName,
        hide: Duration,
        wait: Duration,
    ) -> Result<Option<Delivery>> {
        let one = self.receive_from(self.url(queue), queue, hide, wait, 1);
        Ok(one.await?.into_iter().next().flatten())
    }

    /// Takes up to `most` messages of `queue` from the queue with this URL. One that is
    /// nobody's is `None`.
    async fn receive_from(
        &self,
        url: &str,
        queue: QueueName,
        hide: Duration,
        wait: Duration,
        most: i32,
    ) -> Result<Vec<Option<Delivery>>> {
        let answer = self
            .client()
            .await
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(most)
            .visibility_timeout(seconds(hide.min(LONGEST_HIDE)))
            .wait_time_seconds(seconds(wait.min(LONGEST_WAIT)))
            .message_attribute_names(JOB)
            .message_attribute_names(ORG)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .send()
            .await
            .map_err(away)?;
        let messages = answer.messages.unwrap_or_default().into_iter();
        Ok(messages.map(|message| delivery(queue, message)).collect())
    }

    /// What SQS says of each queue, in their order.
    async fn attributes(&self, names: &[QueueAttributeName]) -> Result<Vec<Attributes>> {
        let client = self.client().await;
        let asked = QueueName::ALL.iter().map(|queue| {
            client
                .get_queue_attributes()
                .queue_url(self.url(*queue))
                .set_attribute_names(Some(names.to_vec()))
                .send()
        });
        let answers = futures_util::future::try_join_all(asked).await;
        let answers = answers.map_err(away)?.into_iter();
        Ok(answers
            .map(|told| told.attributes.unwrap_or_default())
            .collect())
    }

    fn take_arrived(&self, queue: QueueName) -> Option<Delivery> {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let line = arrived.get_mut(&queue)?;
        // What lay too long is visible to others again, or about to be.
        while let Some((since, delivery)) = line.pop_front() {
            if since.elapsed() < STALE {
                return Some(delivery);
            }
        }
        None
    }

    fn keep_arrived(&self, since: Instant, delivery: Delivery) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let line = arrived.entry(delivery.queue).or_default();
        line.push_back((since, delivery));
    }
}

async fn connect(config: &QueueConfig) -> Client {
    let place = Place {
        region: &config.region,
        endpoint: &config.endpoint,
        access_key_id: &config.access_key_id,
        secret_access_key: &config.secret_access_key,
        answer: ANSWER,
    };
    Client::new(&aws::connect(&place).await)
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send_all(&self, postings: &[Posting]) -> Result<()> {
        for queue in [QueueName::Agent, QueueName::File] {
            let ours: Vec<_> = postings.iter().filter(|one| one.queue == queue).collect();
            for batch in ours.chunks(BATCH) {
                self.send_batch(self.url(queue), batch).await?;
            }
        }
        Ok(())
    }

    async fn receive(&self, queue: QueueName, hide: Duration) -> Result<Option<Delivery>> {
        if let Some(delivery) = self.take_arrived(queue) {
            self.release(&delivery, hide).await?;
            return Ok(Some(delivery));
        }
        self.poll(queue, hide, Duration::ZERO).await
    }

    /// One long poll. What comes is kept for the next [`Queue::receive`]; should nobody
    /// ask, or we go away meanwhile, SQS delivers it again.
    async fn wait(&self, queue: QueueName, at_most: Duration) {
        let begun = Instant::now();
        match self.poll(queue, ARRIVED, at_most).await {
            Ok(Some(delivery)) => self.keep_arrived(Instant::now(), delivery),
            // SQS counts in seconds; a shorter wait must not become a busy one.
            Ok(None) if at_most < PAUSE => {
                tokio::time::sleep(at_most.saturating_sub(begun.elapsed())).await;
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(error = %error.chain(), "waiting for work will be tried again");
                tokio::time::sleep(at_most.min(PAUSE)).await;
            }
        }
    }

    async fn delete(&self, delivery: &Delivery) -> Result<()> {
        let deleted = self
            .client()
            .await
            .delete_message()
            .queue_url(self.url(delivery.queue))
            .set_receipt_handle(delivery.receipt.clone())
            .send()
            .await;
        deleted.map(drop).or_else(unless_gone)
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<()> {
        let changed = self
            .client()
            .await
            .change_message_visibility()
            .queue_url(self.url(delivery.queue))
            .set_receipt_handle(delivery.receipt.clone())
            .visibility_timeout(seconds(delay.min(LONGEST_HIDE)))
            .send()
            .await;
        changed.map(drop).or_else(unless_gone)
    }

    async fn bury(&self, delivery: &Delivery) -> Result<()> {
        self.put_aside(delivery).await
    }

    async fn dead(&self, queue: QueueName, limit: usize) -> Result<Vec<Delivery>> {
        self.list_aside(queue, limit).await
    }

    async fn revive(&self, dead: &Delivery) -> Result<()> {
        self.take_back(dead).await
    }

    /// SQS tells no ages and knows of no queue what it put aside; its own figures do.
    async fn depths(&self) -> Result<Vec<Depth>> {
        let (waiting, hidden, delayed) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        );
        let asked = [waiting.clone(), hidden.clone(), delayed.clone()];
        let told = self.attributes(&asked).await?;
        let depth = |(queue, told): (&QueueName, Attributes)| {
            let count = |name| told.get(&name).and_then(|text| text.parse().ok());
            let count = |name| count(name).unwrap_or(0_i64);
            Depth {
                queue: *queue,
                waiting: count(waiting.clone()),
                hidden: count(hidden.clone()) + count(delayed.clone()),
                dead: None,
                oldest: None,
            }
        };
        Ok(QueueName::ALL.iter().zip(told).map(depth).collect())
    }

    async fn ping(&self) -> Result<()> {
        self.attributes(&[QueueAttributeName::QueueArn]).await?;
        Ok(())
    }
}

/// A message as a delivery; `None` when nothing says whose it is. Such a one stays in the
/// queue until SQS puts it aside for somebody to look at.
fn delivery(queue: QueueName, message: Message) -> Option<Delivery> {
    let body = message.body.unwrap_or_default();
    let body: Value = serde_json::from_str(&body).unwrap_or(Value::String(body));
    let attributes = message.message_attributes.unwrap_or_default();
    let attribute = |name: &str| attributes.get(name).and_then(|value| value.string_value());
    let org = attribute(ORG).or_else(|| body.get(ORG).and_then(Value::as_str));
    let id = attribute(JOB).or(message.message_id.as_deref());
    let (Some(org), Some(id)) = (
        org.and_then(|text| text.parse().ok()),
        id.and_then(|text| text.parse().ok()),
    ) else {
        tracing::error!(message = ?message.message_id, %queue, "a message of nobody was left alone");
        return None;
    };
    let attempts = message
        .attributes
        .unwrap_or_default()
        .get(&MessageSystemAttributeName::ApproximateReceiveCount)
        .and_then(|count| count.parse().ok());
    Some(Delivery {
        queue,
        id,
        org,
        body,
        attempts: attempts.unwrap_or(1),
        receipt: message.receipt_handle,
    })
}

/// A message as the `n`th of a batch; `alone` in a queue whose groups wait for their ends.
fn entry(posting: &Posting, n: usize, alone: bool) -> Result<SendMessageBatchRequestEntry> {
    let id = posting.id.to_string();
    let entry = SendMessageBatchRequestEntry::builder()
        .id(n.to_string())
        .message_body(body(&posting.body))
        .message_attributes(JOB, text(&id)?)
        .message_attributes(ORG, text(posting.org)?);
    let entry = if alone {
        entry.message_group_id(&id).message_deduplication_id(&id)
    } else {
        entry.message_group_id(posting.org.to_string())
    };
    entry.build().map_err(Error::internal)
}

/// JSON in the characters that SQS takes. The two that it refuses stand in strings only,
/// such as a file's name, where JSON has another way to write them.
fn body(value: &Value) -> String {
    let text = value.to_string();
    text.replace('\u{fffe}', "\\ufffe")
        .replace('\u{ffff}', "\\uffff")
}

fn text(value: impl Display) -> Result<MessageAttributeValue> {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value.to_string())
        .build()
        .map_err(Error::internal)
}

/// Whole seconds, rounded up: a wait that was cut to none would spin.
fn seconds(duration: Duration) -> i32 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(whole).unwrap_or(i32::MAX)
}

/// Always worth another try, also where SQS refuses: its settings or ours are wrong then,
/// and dropping jobs until somebody mends them would lose them.
fn away(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Code::Unavailable, "The queue does not answer.").because(error)
}

/// No error where the message is not there any more, or somebody else's by now: who does
/// the work is decided elsewhere.
fn unless_gone<E, R>(error: SdkError<E, R>) -> Result<()>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    const GONE: [&str; 3] = [
        "ReceiptHandleIsInvalid",
        "InvalidParameterValue",
        "MessageNotInflight",
    ];
    let code = error.code().unwrap_or_default();
    // Older names of the same protocol have a prefix.
    let name = code.rsplit('.').next().unwrap_or_default();
    if GONE.contains(&name) {
        return Ok(());
    }
    Err(away(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_no_character_that_sqs_refuses_and_says_the_same() {
        let value = serde_json::json!({ "filename": "a\u{fffe}b\u{ffff}c\u{0}d\u{1f600}.txt" });
        let text = body(&value);
        let taken = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
        assert!(text.chars().all(taken), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_part_of_a_second_is_a_second() {
        let cases = [(0, 0), (1, 1), (1000, 1), (1001, 2)];
        for (milliseconds, expected) in cases {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), expected);
        }
    }
}
