//! Messages that were delivered in vain, in the dead-letter queues of SQS.
//!
//! Where a queue puts such messages is what its own redrive policy says, so there is no
//! setting for it, and what SQS puts there and what we put there lie together.

use std::{collections::HashMap, time::Duration};

use aws_sdk_sqs::{Client, types::QueueAttributeName};
use serde_json::Value;

use super::{
    super::{Delivery, Posting, Queue},
    BATCH, LONGEST_HIDE, SqsQueue, away, unless_gone,
};
use crate::kernel::{Error, Result, event::QueueName};

/// How long a message that was put aside is hidden from others while somebody looks at it.
const LOOK: Duration = Duration::from_secs(30);

impl SqsQueue {
    /// The URL of the queue to which `queue` puts what was delivered in vain; `None` when it was
    /// set up without one.
    async fn aside(&self, queue: QueueName) -> Result<Option<&str>> {
        let find = async || {
            let client = self.client().await;
            let mut found = HashMap::new();
            for queue in [QueueName::Agent, QueueName::File] {
                found.extend(
                    aside_of(client, self.url(queue))
                        .await?
                        .map(|url| (queue, url)),
                );
            }
            Ok::<_, Error>(found)
        };
        let asides = self.asides.get_or_try_init(find).await?;
        Ok(asides.get(&queue).map(String::as_str))
    }

    /// Where the queue has no place for such messages, or we may not put any there, this one
    /// comes back as late as may be; SQS counts how often it does.
    pub(super) async fn put_aside(&self, delivery: &Delivery) -> Result<()> {
        let put = async {
            let Some(aside) = self.aside(delivery.queue).await? else {
                return Ok(false);
            };
            self.send_batch(aside, &[&posting(delivery)]).await?;
            Ok::<_, Error>(true)
        };
        match put.await {
            Ok(true) => self.delete(delivery).await,
            Ok(false) => self.release(delivery, LONGEST_HIDE).await,
            Err(error) => {
                tracing::warn!(job = %delivery.id, error = %error.chain(), "not put aside");
                self.release(delivery, LONGEST_HIDE).await
            }
        }
    }

    /// They are hidden while this goes on and visible again at its end; what a receipt is good
    /// for does not end with that.
    pub(super) async fn list_aside(&self, queue: QueueName, limit: usize) -> Result<Vec<Delivery>> {
        let mut dead: Vec<Delivery> = Vec::new();
        let Some(aside) = self.aside(queue).await? else {
            return Ok(dead);
        };
        while dead.len() < limit {
            let most = i32::try_from(BATCH.min(limit - dead.len())).unwrap_or(1);
            let found = self
                .receive_from(aside, queue, LOOK, Duration::ZERO, most)
                .await?;
            if found.is_empty() {
                break;
            }
            dead.extend(found.into_iter().flatten());
        }
        for one in &dead {
            let shown = self.client().await.change_message_visibility();
            let shown = shown
                .queue_url(aside)
                .set_receipt_handle(one.receipt.clone());
            let shown = shown.visibility_timeout(0).send().await;
            shown.map(drop).or_else(unless_gone)?;
        }
        // Where both queues have one place for theirs, whose a message is its body says.
        let other = match queue {
            QueueName::Agent => QueueName::File,
            QueueName::File => QueueName::Agent,
        };
        if self.aside(other).await? == Some(aside) {
            dead.retain(|one| is_of(queue, one));
        }
        Ok(dead)
    }

    /// Sends it anew, and removes it from where it was.
    pub(super) async fn take_back(&self, dead: &Delivery) -> Result<()> {
        let Some(aside) = self.aside(dead.queue).await? else {
            return Ok(());
        };
        let url = self.url(dead.queue);
        self.send_batch(url, &[&posting(dead)]).await?;
        let deleted = self
            .client()
            .await
            .delete_message()
            .queue_url(aside)
            .set_receipt_handle(dead.receipt.clone())
            .send()
            .await;
        deleted.map(drop).or_else(unless_gone)
    }
}

/// The URL of the queue to which the queue with this `url` puts what was delivered in vain.
async fn aside_of(client: &Client, url: &str) -> Result<Option<String>> {
    let asked = client.get_queue_attributes().queue_url(url);
    let answer = asked.attribute_names(QueueAttributeName::RedrivePolicy);
    let answer = answer.send().await.map_err(away)?;
    let policy = answer.attributes.unwrap_or_default();
    let policy = policy.get(&QueueAttributeName::RedrivePolicy);
    let policy = policy.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let arn = policy
        .as_ref()
        .and_then(|policy| policy.get("deadLetterTargetArn"));
    // arn:aws:sqs:<region>:<account>:<name>
    let mut parts = arn.and_then(Value::as_str).unwrap_or_default().rsplit(':');
    let (Some(name), Some(account)) = (parts.next(), parts.next()) else {
        return Ok(None);
    };
    let asked = client.get_queue_url().queue_name(name);
    let answer = asked.queue_owner_aws_account_id(account).send().await;
    Ok(answer.map_err(away)?.queue_url)
}

fn posting(delivery: &Delivery) -> Posting {
    Posting {
        queue: delivery.queue,
        id: delivery.id,
        org: delivery.org,
        body: delivery.body.clone(),
    }
}

/// Whether a message that was put aside is one of `queue`.
fn is_of(queue: QueueName, message: &Delivery) -> bool {
    let is_file = ["fileId", "deleteKey"]
        .iter()
        .any(|name| message.body.get(name).is_some());
    is_file == (queue == QueueName::File)
}
