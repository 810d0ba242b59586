//! Requests, counted by their route's template, which the route itself writes down: a path
//! is never a label, and what no route took is counted together.

use std::{cell::Cell, fmt, fmt::Write, rc::Rc, time::Instant};

use actix_web::{
    HttpMessage, Route,
    body::BoxBody,
    dev::ServiceRequest,
    http::{Method, StatusCode},
    middleware::{Next, from_fn},
    web,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use crate::platform::metrics::Figures;

/// The buckets that OpenTelemetry's conventions advise for `http.server.request.duration`.
const BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// A row of the route table: what stands before its path, and its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Named {
    pub prefix: &'static str,
    pub path: &'static str,
}

impl EncodeLabelValue for Named {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.prefix)?;
        encoder.write_str(self.path)
    }
}

/// What no row of the table took: unknown paths, and the pages of the documentation.
const OTHER: Named = Named {
    prefix: "",
    path: "other",
};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Ended {
    Answered(StatusCode),
    /// The client went away before there was an answer.
    Aborted,
}

impl EncodeLabelValue for Ended {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        match self {
            Ended::Answered(status) => encoder.write_str(status.as_str()),
            Ended::Aborted => encoder.write_str("aborted"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Counted {
    method: &'static str,
    route: Named,
    status: Ended,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    method: &'static str,
    route: Named,
}

/// The figures.
pub struct RequestFigures {
    requests: Family<Counted, Counter>,
    durations: Family<Timed, Histogram, fn() -> Histogram>,
}

impl Figures for RequestFigures {
    fn register(registry: &mut Registry) -> Self {
        let figures = RequestFigures {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        };
        registry.register(
            "http_requests",
            "Requests, by their route and the status of the answer",
            figures.requests.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "Time from a request's head to its answer's head",
            figures.durations.clone(),
        );
        figures
    }
}

/// Where the route that takes a request writes its name down.
#[derive(Clone, Default)]
struct Slot(Rc<Cell<Option<Named>>>);

/// A request from its head on; it is counted when this is dropped, so also when nobody waits
/// for the answer any more.
pub struct Watched {
    figures: Option<web::Data<RequestFigures>>,
    slot: Slot,
    method: &'static str,
    begun: Instant,
    ended: Ended,
}

impl Watched {
    /// Begins with `request`, before any route is looked for.
    pub fn begin(request: &ServiceRequest) -> Self {
        let slot = Slot::default();
        request.extensions_mut().insert(slot.clone());
        Watched {
            figures: request.app_data::<web::Data<RequestFigures>>().cloned(),
            slot,
            method: known(request.method()),
            begun: Instant::now(),
            ended: Ended::Aborted,
        }
    }

    /// There is an answer.
    pub fn answered(mut self, status: StatusCode) {
        self.ended = Ended::Answered(status);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let Some(figures) = &self.figures else { return };
        let (method, route) = (self.method, self.slot.0.get().unwrap_or(OTHER));
        let status = self.ended;
        let counted = Counted {
            method,
            route,
            status,
        };
        figures.requests.get_or_create(&counted).inc();
        figures
            .durations
            .get_or_create(&Timed { method, route })
            .observe(self.begun.elapsed().as_secs_f64());
    }
}

/// The method's name, unless a client made it up: OpenTelemetry's word for those.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE",
    ];
    let name = KNOWN.into_iter().find(|known| *known == method.as_str());
    name.unwrap_or("_OTHER")
}

/// `route`, which tells the figures that a request is its own.
pub fn named(route: Route, name: Named) -> Route {
    route.wrap(from_fn(
        move |request: ServiceRequest, next: Next<BoxBody>| {
            if let Some(slot) = request.extensions().get::<Slot>() {
                slot.0.set(Some(name));
            }
            next.call(request)
        },
    ))
}
