//! Figures for Prometheus: the registry that they are in, and its text.
//!
//! It knows no figure but the process's own and the program's version. Each part of the
//! program has the others in a file `metrics.rs` beside its code, in a type that is
//! [`Figures`], which is made and registered when it is first asked for ([`Metrics::of`]).
//!
//! Every label has a closed set of values that the program's text bounds: no ids, no raw
//! paths, nothing that a client or an organization chose.

#[cfg(target_os = "linux")]
mod process;

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use chrono::TimeDelta;
use prometheus_client::{
    encoding::prometheus_text,
    metrics::{gauge::Gauge, info::Info},
    registry::Registry,
};

use crate::kernel::{Error, Result};

/// The type of the text.
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// What stands before the names of all figures that are ours.
const PREFIX: &str = "glassbox";

/// Rows that a figure counts at most, so that no look costs more than that many; a figure that
/// stands there says "so many or more".
pub const MOST_COUNTED: i64 = 100_000;

/// A time that may become longer or shorter.
pub type SecondsGauge = Gauge<f64, AtomicU64>;

/// A time as figures have it: in seconds, and none before it began.
pub fn seconds(time: TimeDelta) -> f64 {
    time.as_seconds_f64().max(0.0)
}

/// The figures of one part of the program.
pub trait Figures: Send + Sync + 'static {
    /// Makes them, and enters each under its name without the program's prefix.
    fn register(registry: &mut Registry) -> Self;
}

/// All figures of this process since it began. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    ours: Mutex<Registry>,
    /// What has the same names in every program.
    usual: Registry,
    parts: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut ours = Registry::with_prefix(PREFIX);
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        ours.register("build", "The program's version, as a label", build);
        Metrics(Arc::new(Inner {
            ours: Mutex::new(ours),
            usual: usual(),
            parts: Mutex::default(),
        }))
    }
}

#[cfg(target_os = "linux")]
fn usual() -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(process::Process));
    registry
}

/// Elsewhere the system is asked by other means, and nobody runs servers there.
#[cfg(not(target_os = "linux"))]
fn usual() -> Registry {
    Registry::default()
}

impl Metrics {
    /// The figures of one part. Whoever counts often asks once and keeps them.
    pub fn of<F: Figures>(&self) -> Arc<F> {
        let mut parts = self.0.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = parts.get(&TypeId::of::<F>()).cloned();
        if let Some(known) = known.and_then(|part| part.downcast().ok()) {
            return known;
        }
        let mut registry = self.0.ours.lock().unwrap_or_else(PoisonError::into_inner);
        let made = Arc::new(F::register(&mut registry));
        parts.insert(TypeId::of::<F>(), Arc::clone(&made) as _);
        made
    }

    /// All figures, as Prometheus reads them: see [`CONTENT_TYPE`].
    pub fn text(&self) -> Result<String> {
        let mut text = String::new();
        {
            let ours = self.0.ours.lock().unwrap_or_else(PoisonError::into_inner);
            prometheus_text::encode(&mut text, &ours).map_err(Error::internal)?;
        }
        prometheus_text::encode(&mut text, &self.0.usual).map_err(Error::internal)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    struct Knocks(Counter);

    impl Figures for Knocks {
        fn register(registry: &mut Registry) -> Self {
            let knocks = Counter::default();
            registry.register("knocks", "Knocks at the door", knocks.clone());
            Knocks(knocks)
        }
    }

    #[test]
    fn a_part_is_registered_once_and_whoever_asks_counts_the_same() {
        let metrics = Metrics::default();
        metrics.of::<Knocks>().0.inc();
        metrics.clone().of::<Knocks>().0.inc();
        let text = metrics.text().unwrap();
        assert_eq!(text.matches("# TYPE glassbox_knocks_total").count(), 1);
        assert!(text.contains("\nglassbox_knocks_total 2\n"), "{text}");
        assert!(!Metrics::default().text().unwrap().contains("knocks"));
    }

    #[test]
    fn the_version_and_the_process_are_always_there() {
        let text = Metrics::default().text().unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert!(text.contains(&format!("glassbox_build_info{{version=\"{version}\"}} 1\n")));
        if cfg!(target_os = "linux") {
            assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
        }
    }
}
