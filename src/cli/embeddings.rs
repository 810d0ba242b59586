//! `glassbox embeddings`: by which models organizations are searched, and how far a change of
//! model has come.

use std::sync::Arc;

use clap::Args;
use serde_json::json;

use crate::{
    config::Config,
    kernel::{Result, clock::System},
    platform::{db::Db, embed::Embedders},
    search::ops::renew::{Progress, progress},
};

/// Arguments of `embeddings`.
#[derive(Debug, Args)]
pub struct EmbeddingsArgs {
    /// Answer in JSON, for programs: one model of one organization a line.
    #[arg(long)]
    json: bool,
}

/// Shows every organization's models. What is to be made is made by file workers by
/// themselves.
pub async fn run(config: &Config, args: &EmbeddingsArgs) -> Result<()> {
    let db = Db::new(&config.database, Arc::new(System), Arc::new(System))?;
    let all = progress(&db).await?;
    if args.json {
        all.iter().for_each(tell);
        return Ok(());
    }
    let embedders = Embedders::new(&config.embedder, &config.models)?;
    summarize(embedders.current().model(), &all);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the lines are this command's output")]
fn tell(one: &Progress) {
    let of = &one.of;
    let line = json!({
        "orgId": of.org, "model": of.model, "dimensions": of.dimensions,
        "completeAt": of.complete_at, "made": of.made, "passages": one.chunks,
    });
    println!("{line}");
}

#[expect(clippy::print_stdout, reason = "the lines are this command's output")]
fn summarize(current: &str, all: &[Progress]) {
    println!("The model of the settings: {current}");
    let mut models: Vec<&str> = all.iter().map(|one| one.of.model.as_str()).collect();
    models.sort_unstable();
    models.dedup();
    for model in models {
        let of_model = || all.iter().filter(|one| one.of.model == model);
        let complete = of_model().filter(|one| one.of.complete_at.is_some());
        println!("{model}: complete in {} organizations", complete.count());
        let waiting = of_model().filter(|one| one.of.complete_at.is_none());
        for one in waiting {
            let verb = if model == current {
                "being made"
            } else {
                "going"
            };
            let passages = one.chunks.unwrap_or(0);
            println!(
                "  {}  {verb}: {} made, {passages} passages",
                one.of.org, one.of.made
            );
        }
    }
}
