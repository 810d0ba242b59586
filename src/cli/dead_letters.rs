//! `glassbox dead-letters`: messages that nobody could handle, and their second chance.

use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::compose;
use crate::{
    config::Config,
    kernel::{JobId, Result, clock::System, event::QueueName},
    platform::{db::Db, queue::Delivery},
};

/// Arguments of `dead-letters`.
#[derive(Debug, Args)]
pub struct DeadLettersArgs {
    /// Deliver them again: all, or those that are named.
    #[arg(long)]
    retry: bool,
    /// Only these messages.
    ids: Vec<JobId>,
    /// Answer in JSON, for programs: one message a line.
    #[arg(long)]
    json: bool,
}

/// Messages of one queue that are looked at in one go.
const MOST: usize = 1000;

/// Shows the messages that were put aside, of both queues, and delivers them again if asked to.
pub async fn run(config: &Config, args: &DeadLettersArgs) -> Result<()> {
    let db = Db::new(&config.database, Arc::new(System), Arc::new(System))?;
    let queue = compose::queue(&config.queue, &db);
    let mut dead = Vec::new();
    for name in [QueueName::Agent, QueueName::File] {
        dead.extend(queue.dead(name, MOST).await?);
    }
    dead.retain(|message| args.ids.is_empty() || args.ids.contains(&message.id));
    for message in &dead {
        tell(message, args.json);
        if args.retry {
            queue.revive(message).await?;
        }
    }
    if !args.json {
        tell_end(dead.len(), args.retry);
    }
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "the messages are this command's output"
)]
fn tell(message: &Delivery, as_json: bool) {
    let Delivery {
        queue,
        id,
        org,
        body,
        attempts,
        ..
    } = message;
    if as_json {
        let line = json!({
            "id": id, "queue": queue, "orgId": org, "attempts": attempts, "body": body,
        });
        println!("{line}");
    } else {
        println!("{id}  {queue}  {attempts} deliveries  {body}");
    }
}

#[expect(clippy::print_stdout, reason = "the count is this command's output")]
fn tell_end(count: usize, retried: bool) {
    match (count, retried) {
        (0, _) => println!("No message was put aside."),
        (_, true) => println!("Delivered again: {count}."),
        (_, false) => println!("Put aside: {count}. With --retry they are delivered again."),
    }
}
