//! How many watch through this process.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::platform::metrics::Figures;

/// By what somebody watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A WebSocket.
    Socket,
    /// Server-Sent Events of a project.
    Stream,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByKind {
    kind: &'static str,
}

/// The figures.
#[derive(Debug)]
pub(super) struct LiveFigures {
    open: Family<ByKind, Gauge>,
}

impl Figures for LiveFigures {
    fn register(registry: &mut Registry) -> Self {
        let figures = LiveFigures {
            open: Family::default(),
        };
        for kind in [Kind::Socket, Kind::Stream] {
            figures.of(kind);
        }
        registry.register(
            "live_connections",
            "Sockets and streams of projects that are open",
            figures.open.clone(),
        );
        figures
    }
}

impl LiveFigures {
    /// Those of one kind that are open.
    pub(super) fn of(&self, kind: Kind) -> Gauge {
        let kind = match kind {
            Kind::Socket => "socket",
            Kind::Stream => "stream",
        };
        self.open.get_or_create_owned(&ByKind { kind })
    }
}
