//! Two hundred organizations in one server over eight connections, with everything that
//! goes wrong with connections in between: no answer ever holds anything of another
//! organization, and what is another's is answered like what does not exist.
//!
//! Rows carry the mark of their organization in their text, so an answer can be judged by
//! itself; what it names by id alone is compared at the end with what the database says
//! of it. Trouble is part of the plan: a fixed share of the requests is dropped in the
//! middle, runs into the server's or Postgres' limit of time, or has its connection to
//! Postgres cut. A run in which none of that happened would prove nothing, so it fails.
//!
//! Short by default; `make soak` makes it as long as the program promises to hold. The
//! seed is printed, and `GLASSBOX_SOAK_SEED` takes one.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail loudly, reads its own settings from the environment, and sees its tasks end"
)]

#[path = "../support/mod.rs"]
mod support;

mod afterwards;
mod dice;
mod requests;
mod trouble;
mod visitor;
mod witness;
mod world;

use std::{sync::Arc, time::Instant};

use dice::Dice;
use support::TestApp;
use tokio::task::JoinSet;
use trouble::Trouble;
use visitor::Visitor;
use witness::{Happened, Witness};
use world::World;

/// Connections to Postgres, as `TestApp` sets them.
const CONNECTIONS: usize = 8;
const TASKS: usize = 64;

/// How much of it.
struct Size {
    organizations: usize,
    requests: usize,
}

impl Size {
    fn asked_for() -> Self {
        match std::env::var("GLASSBOX_SOAK").as_deref() {
            Ok("full") => Size {
                organizations: 200,
                requests: 100_000,
            },
            _ => Size {
                organizations: 24,
                requests: 2_560,
            },
        }
    }
}

/// The requests must outlast the connections, and time must run out for some of them.
async fn start() -> TestApp {
    let test = TestApp::start_configured(&[
        ("server.workers", "2".into()),
        ("server.request_seconds", "2".into()),
    ])
    .await;
    assert_eq!(test.app.config.database.max_connections, CONNECTIONS);
    trouble::prepare(&test.database).await;
    // Takes rows of all organizations, as the system, over the same connections.
    test.relay_always();
    test
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_ever_holds_anything_of_another_organization() {
    let (size, seed) = (Size::asked_for(), Dice::seed());
    println!("GLASSBOX_SOAK_SEED={seed}");
    let test = start().await;
    let world = Arc::new(World::seed(&test, size.organizations).await);
    let witness = Arc::new(Witness::new(&world));
    let trouble = Arc::new(Trouble::new(&test).await);
    let each = size.requests.div_ceil(TASKS);
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let visitor = Visitor {
            world: Arc::clone(&world),
            witness: Arc::clone(&witness),
            trouble: Arc::clone(&trouble),
            dice: Dice::new(seed, task),
            http: visitor::http(),
            url: test.url.clone(),
        };
        tasks.spawn(visitor.visit(task * each..(task + 1) * each));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let connected = afterwards::sessions(&test).await;
    println!("{} requests in {:?}", each * TASKS, begun.elapsed());
    println!("{}", witness.report(connected));
    afterwards::the_pool_is_whole(&test).await;
    afterwards::nothing_is_left_open(&test).await;
    afterwards::ids_were_of_their_organizations(&test, &world, &witness).await;
    assert_eq!(witness.findings(), Vec::<String>::new(), "seed {seed}");
    afterwards::rows_lie_in_their_organizations(&test).await;
    afterwards::nothing_was_done_twice(&test).await;
    for what in Happened::ALL {
        assert!(witness.count(what) > 0, "{what:?} never happened");
    }
    assert!(
        connected > CONNECTIONS,
        "no connection to Postgres was ever given up"
    );
}
