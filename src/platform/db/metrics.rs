//! How the database's connections are used, over all pools of this process; read from the
//! pools whenever somebody asks.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use diesel_async::{AsyncPgConnection, pooled_connection::deadpool::Pool};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Registry,
};

use crate::platform::metrics::Figures;

/// All pools of this process.
#[derive(Clone)]
pub(super) struct Pools(Arc<Mutex<Vec<Pool<AsyncPgConnection>>>>);

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pools").finish_non_exhaustive()
    }
}

impl Figures for Pools {
    fn register(registry: &mut Registry) -> Self {
        let pools = Pools(Arc::default());
        registry.register_collector(Box::new(pools.clone()));
        pools
    }
}

/// The sums over all pools.
#[derive(Default)]
struct Connections {
    most: usize,
    used: usize,
    idle: usize,
    waiters: usize,
}

impl Pools {
    /// Takes another pool in.
    pub(super) fn add(&self, pool: Pool<AsyncPgConnection>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(pool);
    }

    fn connections(&self) -> Connections {
        let pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.iter().fold(Connections::default(), |sum, pool| {
            let status = pool.status();
            Connections {
                most: sum.most + status.max_size,
                used: sum.used + status.size.saturating_sub(status.available),
                idle: sum.idle + status.available,
                waiters: sum.waiters + status.waiting,
            }
        })
    }
}

impl Collector for Pools {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = self.connections();
        let mut states = encoder.encode_descriptor(
            "db_connections",
            "Connections to the database that are open.",
            None,
            MetricType::Gauge,
        )?;
        for (state, count) in [("used", now.used), ("idle", now.idle)] {
            let labels = [("state", state)];
            ConstGauge::new(count).encode(states.encode_family(&labels)?)?;
        }
        let most = encoder.encode_descriptor(
            "db_connections_max",
            "Connections to the database that may be open.",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(now.most).encode(most)?;
        let waiters = encoder.encode_descriptor(
            "db_connection_waiters",
            "Transactions that wait for a connection.",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(now.waiters).encode(waiters)
    }
}
