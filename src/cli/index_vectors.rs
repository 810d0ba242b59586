//! `glassbox index-vectors`: an index of its own for each organization with many vectors.
//!
//! It is made by the schema's owner, whose rights no serving process has, so it is a command
//! of its own. Until it has run a large organization's answers are slower, and as right.

use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::roles::stop_on_signal;
use crate::{
    config::Config,
    kernel::Result,
    platform::db::vectors::{self, Tended},
};

/// Arguments of `index-vectors`.
#[derive(Debug, Args)]
pub struct IndexVectorsArgs {
    /// Do it again every N minutes until told to stop.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    every: Option<u32>,
}

/// Runs the command as the schema's owner.
#[expect(
    clippy::print_stdout,
    reason = "what was done is this command's output"
)]
pub async fn run(config: &Config, args: &IndexVectorsArgs) -> Result<()> {
    if let Some(minutes) = args.every {
        let every = Duration::from_secs(u64::from(minutes) * 60);
        keep(config, every, stop_on_signal()?).await;
        return Ok(());
    }
    let all = tend(config).await?;
    if all.is_empty() {
        println!("nothing to do");
    }
    for one in &all {
        println!("{}", said(one));
    }
    Ok(())
}

/// Indexes again and again until `stop`. What an interruption leaves unfinished is made anew
/// the next time.
pub(super) async fn keep(config: &Config, every: Duration, stop: CancellationToken) {
    loop {
        let tended = tokio::select! {
            () = stop.cancelled() => return,
            tended = tend(config) => tended,
        };
        match tended {
            Ok(all) => all.iter().for_each(|one| tracing::info!("{}", said(one))),
            Err(error) => {
                tracing::warn!(error = %error.chain(), "vectors were not indexed; trying again later");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

async fn tend(config: &Config) -> Result<Vec<Tended>> {
    let owner = config.database.owner()?;
    vectors::tend(&owner, config.search.index_from).await
}

fn said(one: &Tended) -> String {
    match one {
        Tended::Made(set, count) => format!(
            "made  {}: {count} vectors of {}, organization {}",
            set.index(),
            set.model,
            set.org
        ),
        Tended::Dropped(name) => format!("took away  {name}"),
    }
}
