//! Hearing of every entry of the journal the moment it commits, to kill the program
//! right then. Postgres says so itself, through a trigger that the test adds.

use std::{path::Path, time::Duration};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::StreamExt;

use super::{Dev, LAST_LINE};

const ANNOUNCE: &str = "
    create or replace function announce() returns trigger language plpgsql as $$
    begin
        perform pg_notify('journal', new.sequence_number::text);
        return null;
    end $$;
    create or replace trigger announce after insert on agent_trace_events
        for each row execute function announce();
";

/// Prepares the database, without the job, to tell of every entry.
pub async fn announce(folder: &Path, port: u16) {
    let mut dev = Dev::start(folder, port, &["--no-demo"]);
    dev.shown().await;
    connect(folder).await.batch_execute(ANNOUNCE).await.unwrap();
    assert!(dev.interrupt().await.success());
}

/// Starts the program and kills it once it has written an entry; answers its number,
/// or `None` when there was nothing left to write.
pub async fn kill_at_next_entry(folder: &Path, port: u16) -> Option<i64> {
    let mut dev = Dev::start(folder, port, &[]);
    let mut conn = connect(folder).await;
    conn.batch_execute("listen journal").await.unwrap();
    let mut entries = std::pin::pin!(conn.notifications_stream());
    let entry = loop {
        tokio::select! {
            biased;
            entry = entries.next() => break Some(entry.unwrap().unwrap().payload.parse().unwrap()),
            line = dev.line() => {
                if line.is_none_or(|line| line.contains(LAST_LINE)) {
                    break None;
                }
            }
        }
    };
    dev.kill().await;
    entry
}

/// A connection to the private Postgres as its superuser, as soon as there is one.
async fn connect(folder: &Path) -> AsyncPgConnection {
    let socket = folder
        .join("postgres/socket")
        .display()
        .to_string()
        .replace('/', "%2F");
    let url = format!("postgres://postgres@{socket}/glassbox");
    for _ in 0..4000 {
        match AsyncPgConnection::establish(&url).await {
            Ok(conn) => return conn,
            // Not up yet, or the one before it is still going down.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    panic!("the private Postgres did not come up");
}
