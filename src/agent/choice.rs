//! Which models an execution may ask, in order, and each of them ready to be asked.
//!
//! The organization's settings say what a name means and what is tried when it does
//! not answer. They are read again after some seconds, so a change of settings reaches
//! runs that are under way; keys are opened with them and kept no longer.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::SecretString;
use tokio::time::Instant;

use crate::{
    app::App,
    kernel::{Code, Error, OrgId, Result, Scope},
    platform::{
        db::Tx,
        llm::{Model, connect::Connector},
    },
    tenants::{
        self,
        model::{Found, KeyField, OrgModels, Place},
    },
};

/// How long settings and opened keys are kept.
const FRESH: Duration = Duration::from_secs(5);

/// Models asked for one answer, at most: each may take minutes.
const MAX_MODELS: usize = 5;

/// The models of one execution.
pub struct Choice {
    app: Arc<App>,
    scope: Scope,
    org: OrgId,
    /// The name that the execution asks for.
    asked: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The models in order, and when they were read.
    found: Option<(Instant, Vec<Found>)>,
    /// By the name here.
    open: HashMap<String, Arc<dyn Model>>,
    /// Models that could read less than their window promised.
    narrow: HashSet<String>,
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choice")
            .field("org", &self.org)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

impl Choice {
    /// The models for the name `asked`; `scope` acts for `org`.
    pub fn new(app: Arc<App>, scope: Scope, org: OrgId, asked: String) -> Self {
        Choice {
            app,
            scope,
            org,
            asked,
            kept: Mutex::default(),
        }
    }

    /// The model that was asked for, and those to fall back to.
    ///
    /// # Errors
    /// `MODEL_UNAVAILABLE` when there is no model of the name; what the database says.
    pub async fn candidates(&self) -> Result<Vec<Found>> {
        let fresh = |(at, _): &&(Instant, _)| at.elapsed() < FRESH;
        if let Some((_, found)) = self.kept().found.as_ref().filter(fresh) {
            return Ok(found.clone());
        }
        let org = self.org;
        let read = async |tx: &mut Tx| tenants::ops::org_models_in(tx, org).await;
        let models = self.app.db.tx(self.scope.clone(), read).await?;
        let found = self.in_order(&models)?;
        let mut kept = self.kept();
        kept.open.clear();
        kept.found = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    /// The model that is asked first, where that was found out not long ago.
    pub fn first_known(&self) -> Option<Found> {
        let kept = self.kept();
        let (at, found) = kept.found.as_ref()?;
        (at.elapsed() < FRESH).then(|| found.first().cloned())?
    }

    fn in_order(&self, models: &OrgModels) -> Result<Vec<Found>> {
        let offered = |name: &str| self.app.models.resolve(name).is_ok();
        let first = models.find(&self.asked, offered);
        let first = first.ok_or_else(|| self.app.models.unknown(&self.asked))?;
        let mut names = HashSet::from([first.name.clone()]);
        let next: Vec<Found> = models
            .after(&first.name)
            .into_iter()
            .filter_map(|name| models.find(name, offered))
            .filter(|found| names.insert(found.name.clone()))
            .take(MAX_MODELS - 1)
            .collect();
        Ok([first].into_iter().chain(next).collect())
    }

    /// The model that was found, ready to be asked.
    ///
    /// # Errors
    /// With a sentence for whoever set it up: its address may not be called, or its key
    /// does not open.
    pub async fn open(&self, found: &Found) -> Result<Arc<dyn Model>> {
        if let Some(model) = self.kept().open.get(&found.name) {
            return Ok(Arc::clone(model));
        }
        let model = match &found.place {
            Place::Offered => self.app.models.resolve(&found.served)?,
            Place::Provider(key) => {
                let key = self.key(key).await?;
                self.connector()?.at_operators(found.provider(), key)?
            }
            Place::Address(base, key) => {
                let key = self.key(key).await?;
                self.connector()?.at_users(found.provider(), base, key)?
            }
        };
        let mut kept = self.kept();
        kept.open.insert(found.name.clone(), Arc::clone(&model));
        Ok(model)
    }

    /// A key that does not open is the model's trouble; a database that does not answer is
    /// ours, and then the transaction fails as a whole.
    async fn key(&self, field: &KeyField) -> Result<Option<SecretString>> {
        let (org, vault) = (self.org, &self.app.vault);
        let read = async |tx: &mut Tx| Ok(tenants::ops::org_key_in(tx, vault, org, field).await);
        let opened = self.app.db.tx(self.scope.clone(), read).await?;
        opened.map_err(|error| {
            let message = error.message().to_owned();
            Error::new(Code::ModelUnavailable, message).because(error)
        })
    }

    fn connector(&self) -> Result<&Connector> {
        let none = || {
            let why = "Models of an organization's own can't be called by this process.";
            Error::new(Code::ModelUnavailable, why)
        };
        self.app.models.connector().ok_or_else(none)
    }

    /// The tokens that the model can read, as far as is known.
    pub fn window(&self, found: &Found) -> u64 {
        let window = self.app.prices.window(&found.served);
        let window = window.unwrap_or(self.app.config.models.default_window);
        if self.kept().narrow.contains(&found.name) {
            return window / 2;
        }
        window
    }

    /// Notes that the model could not read what its window promised; false when that is
    /// no news.
    pub fn narrow(&self, found: &Found) -> bool {
        self.kept().narrow.insert(found.name.clone())
    }

    /// Nothing here can be left half changed, so another thread's panic changes nothing.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
