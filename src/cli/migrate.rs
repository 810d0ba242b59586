//! `glassbox migrate`: bring the database to this program's schema.

use clap::Args;

use crate::{config::Config, kernel::Result, platform::db::migrate};

/// Arguments of `migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Only say which migrations the database has; changes nothing.
    #[arg(long, conflicts_with = "down")]
    status: bool,
    /// Take back the last N migrations.
    #[arg(long, value_name = "N")]
    down: Option<usize>,
}

/// Runs the command as the schema's owner.
#[expect(
    clippy::print_stdout,
    reason = "what was done is this command's output"
)]
pub async fn run(config: &Config, args: &MigrateArgs) -> Result<()> {
    let owner = config.database.owner()?;
    if args.status {
        for state in migrate::status(&owner).await? {
            let mark = if state.applied { "applied" } else { "pending" };
            println!("{mark}  {}", state.name);
        }
        return Ok(());
    }
    let (verb, names) = match args.down {
        Some(count) => ("took back", migrate::down(&owner, count).await?),
        None => {
            let password = config.database.app_password();
            ("applied", migrate::up(&owner, password.as_ref()).await?)
        }
    };
    if names.is_empty() {
        println!("nothing to do");
    }
    for name in names {
        println!("{verb}  {name}");
    }
    Ok(())
}
