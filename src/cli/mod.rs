//! The command line: one file for each subcommand, and [`compose`], the only place
//! that turns settings into the program's parts.

pub mod compose;
mod dead_letters;
mod dev;
mod doctor;
mod embeddings;
mod extract;
mod index_vectors;
mod migrate;
mod roles;
pub mod seed;
mod trace;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::trace::TraceCommand;
use crate::{
    config,
    kernel::{Code, Error, Result},
    telemetry,
};

/// GlassBox: people and AI agents work on nodes, and all an agent does is evidence.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    /// Which `config/<env>.toml` to read.
    #[arg(
        long,
        global = true,
        env = "GLASSBOX_ENV",
        default_value = "production"
    )]
    env: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: everything in this one process, with a database of its own.
    Dev(dev::DevArgs),
    /// Serve the HTTP API.
    Serve(roles::ServeArgs),
    /// Run executions.
    AgentWorker,
    /// Turn uploaded files into text.
    FileWorker,
    /// Bring the database to this program's schema.
    Migrate(migrate::MigrateArgs),
    /// Put a small workspace into a development database.
    Seed,
    /// Check on a live system what must always hold, and say what to do where it does not.
    ///
    /// Ends with 0 when nothing was found, 1 when something was, 2 when it could not look.
    Doctor(doctor::DoctorArgs),
    /// Show messages of the queues that nobody could handle, and deliver them again.
    DeadLetters(dead_letters::DeadLettersArgs),
    /// Show by which models organizations are searched, and how far a change of model has come.
    Embeddings(embeddings::EmbeddingsArgs),
    /// Index the vectors of organizations that have many; run it now and then, as from cron.
    IndexVectors(index_vectors::IndexVectorsArgs),
    /// Write journals of executions to files, and check such files.
    Trace(trace::TraceArgs),
    /// Print the OpenAPI document.
    Openapi,
    /// Read one file in a process with limits; the file worker calls this.
    #[command(hide = true)]
    Extract(extract::ExtractArgs),
}

/// Parses the arguments and runs the command.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    // The parsing child runs before anything else is set up: it must not read the
    // configuration, start threads or open connections.
    if let Command::Extract(args) = cli.command {
        return extract::run(&args);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    match runtime.block_on(dispatch(&cli.env, cli.command)) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(error = %error.chain(), "the command failed");
            fail(&last_word(&error))
        }
    }
}

async fn dispatch(env: &str, command: Command) -> Result<ExitCode> {
    let load = |overrides: &[config::Override]| -> Result<config::Config> {
        let config = config::load(env, overrides)?;
        telemetry::start(&config.log)?;
        Ok(config)
    };
    match command {
        Command::Dev(args) => dev::run(args).await,
        Command::Serve(args) => roles::serve(load(&args.overrides())?).await,
        Command::AgentWorker => roles::agent_worker(load(&[])?).await,
        Command::FileWorker => roles::file_worker(load(&[])?).await,
        Command::Migrate(args) => migrate::run(&load(&[])?, &args).await,
        Command::Seed => seed::run(load(&[])?).await,
        Command::Doctor(args) => return Ok(doctor::run(&load(&[])?, &args).await),
        Command::DeadLetters(args) => dead_letters::run(&load(&[])?, &args).await,
        Command::Embeddings(args) => embeddings::run(&load(&[])?, &args).await,
        Command::IndexVectors(args) => index_vectors::run(&load(&[])?, &args).await,
        Command::Trace(args) => match args.command {
            TraceCommand::Export(args) => trace::export(&load(&[])?, &args).await,
            TraceCommand::Verify(args) => return trace::verify(&args),
        },
        Command::Openapi => openapi(),
        Command::Extract(_) => Ok(()),
    }
    .map(|()| ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the document is this command's output")]
fn openapi() -> Result<()> {
    let document = crate::server::document();
    let text = serde_json::to_string_pretty(document).map_err(crate::kernel::Error::internal)?;
    println!("{text}");
    Ok(())
}

/// What the person at the terminal reads. Of a failure of ours the sentence says
/// nothing, and they are the ones who can look at its cause.
fn last_word(error: &Error) -> String {
    match error.code() {
        Code::Internal => error.chain(),
        _ => error.message().to_owned(),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the last word of a command that failed"
)]
fn fail(sentence: &str) -> ExitCode {
    eprintln!("glassbox: {sentence}");
    ExitCode::FAILURE
}
