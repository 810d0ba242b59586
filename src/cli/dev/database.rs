//! The database of `glassbox dev`: a private Postgres in the data folder, or the
//! server that was named with `--database-url`. Either way the schema belongs to one
//! role and the program connects as another.

use std::{path::PathBuf, sync::Mutex};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use super::{
    folder::DataFolder,
    secrets::Secrets,
    show::{Screen, Step},
};
use crate::{
    kernel::{Code, Error, Result},
    platform::db::{
        cluster::{self, Cluster, ClusterError, ClusterOptions},
        given,
        migrate::{self, APP_ROLE, OWNER_ROLE},
    },
};

/// The database's name in a cluster of our own.
const NAME: &str = "glassbox";

/// A running database with the program's schema.
#[derive(Debug)]
pub struct Database {
    /// For the application's role.
    pub app_url: SecretString,
    /// For the schema's owner.
    pub owner_url: SecretString,
    cluster: Option<Cluster>,
}

impl Database {
    /// Starts the private Postgres, making it first if need be, and migrates it.
    pub async fn start_private(
        folder: &DataFolder,
        bin: Option<PathBuf>,
        screen: &Screen,
    ) -> Result<Self> {
        let options = ClusterOptions {
            dir: folder.postgres(),
            bin,
            durable: true,
        };
        let step = Mutex::new(None::<Step>);
        let cluster = Cluster::start(options, &|now| {
            let Ok(mut step) = step.lock() else { return };
            // There is one spinner, so the step before must be done with it.
            if let Some(before) = step.take() {
                before.done();
            }
            *step = told(now).map(|what| screen.step(what));
        })
        .await
        .map_err(|error| failed(&error))?;
        let step = screen.step("Migrating");
        migrate::bootstrap(|database| cluster.url("postgres", database), NAME).await?;
        let owner_url: SecretString = cluster.url(OWNER_ROLE, NAME).into();
        migrate::up(&owner_url, None).await?;
        step.done();
        Ok(Database {
            app_url: cluster.url(APP_ROLE, NAME).into(),
            owner_url,
            cluster: Some(cluster),
        })
    }

    /// Migrates the database at `url`, whose user owns it or is a superuser.
    pub async fn use_given(url: &SecretString, secrets: &Secrets, screen: &Screen) -> Result<Self> {
        let app_url = app_url(url, &secrets.database_password)?;
        let step = screen.step("Migrating the database of --database-url");
        given::prepare(url, &secrets.database_password).await?;
        migrate::up(url, Some(&secrets.database_password)).await?;
        given::check_app(&app_url).await?;
        step.done();
        Ok(Database {
            app_url,
            owner_url: url.clone(),
            cluster: None,
        })
    }

    /// Whether it is the private one, which nobody else uses.
    pub fn is_private(&self) -> bool {
        self.cluster.is_some()
    }

    /// Completes only if the private server ends by itself, with a sentence about it.
    pub async fn ended(&self) -> Error {
        match &self.cluster {
            Some(cluster) => failed(&cluster.ended().await),
            None => std::future::pending().await,
        }
    }

    /// Stops the private server.
    pub async fn stop(self) -> Result<()> {
        match self.cluster {
            Some(cluster) => cluster.stop().await.map_err(|error| failed(&error)),
            None => Ok(()),
        }
    }
}

fn told(step: cluster::Step) -> Option<&'static str> {
    match step {
        cluster::Step::Creating => Some("Creating the database cluster"),
        cluster::Step::EndingLeftover { .. } => Some("Ending the Postgres of an earlier run"),
        cluster::Step::Starting => Some("Starting Postgres"),
        cluster::Step::StillStarting => Some("Postgres recovers from a crash"),
        cluster::Step::Ready => None,
    }
}

fn failed(error: &ClusterError) -> Error {
    Error::new(Code::Unavailable, error.to_string())
}

/// The address of the same database for the application's role.
fn app_url(owner_url: &SecretString, password: &SecretString) -> Result<SecretString> {
    let url = owner_url.expose_secret();
    let place = url
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "postgres" | "postgresql"))
        .map(|(_, rest)| rest);
    let Some(place) = place else {
        return Err(Error::new(
            Code::ValidationFailed,
            "--database-url must look like postgres://user:password@host/database.",
        ));
    };
    // A password may hold an @, a host can't.
    let end = place.find(['/', '?']).unwrap_or(place.len());
    let (authority, rest) = place.split_at_checked(end).unwrap_or((place, ""));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let password = utf8_percent_encode(password.expose_secret(), NON_ALPHANUMERIC);
    Ok(format!("postgres://{APP_ROLE}:{password}@{host}{rest}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(url: &str) -> String {
        app_url(&url.into(), &"p/w".into())
            .unwrap()
            .expose_secret()
            .to_owned()
    }

    #[test]
    fn only_the_login_differs_in_the_applications_address() {
        let expected = "postgres://glassbox_app:p%2Fw@db:5433/x?sslmode=disable";
        assert_eq!(
            app("postgresql://me:a@b@db:5433/x?sslmode=disable"),
            expected
        );
        assert_eq!(app("postgres://db/x"), "postgres://glassbox_app:p%2Fw@db/x");
        assert_eq!(
            app("postgres://me@%2Frun%2Fpg/x"),
            "postgres://glassbox_app:p%2Fw@%2Frun%2Fpg/x"
        );
    }

    #[test]
    fn an_address_of_another_form_is_refused_without_quoting_it() {
        let error = app_url(&"host=db password=hunter2".into(), &"x".into()).unwrap_err();
        assert!(error.message().contains("postgres://"), "{error}");
        assert!(!error.chain().contains("hunter2"));
    }
}
