//! What `make bench-vectors` measures with: prepares a database as `glassbox migrate` and
//! `glassbox index-vectors` do, and asks it for the passages most like given vectors, through
//! the same function as a search, one question after another on one connection.
//!
//! A question is a line of JSON on standard input: `class`, `org`, `vector`, and `projects`
//! for a filter. An answer is one too: `class`, `micros` from the function's call to its
//! return in an open transaction, `byIndex`, and the passages' ids in `ids`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measuring tool outside the program may fail loudly"
)]

use std::{io::BufRead, sync::Arc, time::Instant};

use clap::{Parser, Subcommand};
use glassbox::{
    config::{DatabaseConfig, Plans},
    kernel::{OrgId, Scope, UserId, clock::System},
    platform::db::{Db, migrate, vectors},
    search::{
        model::{Filter, LikeVector, Place},
        ops::near,
    },
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

#[derive(Debug, Parser)]
struct Args {
    /// `cargo bench` adds it.
    #[arg(long, hide = true, global = true)]
    bench: bool,
    /// The database.
    #[arg(long, global = true, default_value = "")]
    url: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring the database to the program's schema, as its owner.
    Migrate,
    /// Index large sets of vectors, as its owner.
    Index {
        #[arg(long)]
        from: i64,
    },
    /// Answer questions.
    Ask {
        /// On whose behalf.
        #[arg(long)]
        user: Uuid,
        #[arg(long)]
        model: String,
        #[arg(long)]
        most: i64,
    },
}

#[derive(Debug, Deserialize)]
struct Question {
    class: String,
    org: Uuid,
    vector: Vec<f32>,
    projects: Option<Vec<Uuid>>,
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    match args.command {
        Command::Migrate => {
            migrate::up(&args.url.into(), None).await.unwrap();
        }
        Command::Index { from } => {
            for one in vectors::tend(&args.url.into(), from).await.unwrap() {
                println!("{one:?}");
            }
        }
        Command::Ask { user, model, most } => ask(args.url, user, &model, most).await,
    }
}

async fn ask(url: String, user: Uuid, model: &str, most: i64) {
    let config = DatabaseConfig {
        url: url.clone().into(),
        owner_url: url.into(),
        max_connections: 1,
        acquire_timeout_ms: 5_000,
        statement_timeout_ms: 30_000,
        plans: Plans::Weighed,
    };
    let db = Db::new(&config, Arc::new(System), Arc::new(System)).unwrap();
    let questions: Vec<Question> = std::io::stdin()
        .lock()
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    for round in 0..2 {
        for question in &questions {
            let place = Place {
                org: OrgId::from_uuid(question.org),
                projects: question.projects.clone(),
                things: None,
            };
            let like = LikeVector {
                vector: &question.vector,
                model,
                threshold: -1.0,
            };
            let scope = Scope::User(UserId::from_uuid(user));
            let answer = db.tx(scope, async |tx| {
                tx.settle().await?;
                let begun = Instant::now();
                let answer = near::near_in(tx, &place, &Filter::default(), like, most).await?;
                Ok((begun.elapsed(), answer))
            });
            let (took, (found, by_index)) = answer.await.unwrap();
            // The first round warms.
            if round > 0 {
                let ids: Vec<Uuid> = found.iter().map(|found| found.chunk).collect();
                let answer = json!({ "class": question.class, "micros": took.as_micros(), "byIndex": by_index, "ids": ids });
                println!("{answer}");
            }
        }
    }
}
