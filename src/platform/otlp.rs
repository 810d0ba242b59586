//! Spans for an OpenTelemetry collector, by OTLP over HTTP in its JSON encoding.
//!
//! Our spans are told after the fact, from what was written down, under ids that follow
//! from it; an SDK makes spans while something happens, under ids of its own. So this is
//! the exporter alone: a bounded buffer, batches, one try more. Losing spans costs nobody
//! a run: what does not fit or can't be sent is dropped and counted in the log.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::http::{self, Client, Timeouts};
use crate::kernel::{Error, Result, Timestamp};

/// Spans kept until they are sent, at most.
const CAPACITY: usize = 4096;
/// Spans sent at once, at most.
const BATCH: usize = 512;
/// How long to gather before sending.
const GATHER: Duration = Duration::from_secs(1);
/// The pause before the one try more.
const PAUSE: Duration = Duration::from_secs(1);
/// The version of the conventions that names and attributes follow.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.41.0";

/// What part a span has in an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Work of our own.
    Internal,
    /// A call of another system.
    Client,
}

/// A trace and a span in it: 32 and 16 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanRef {
    /// The trace.
    pub trace: String,
    /// The span.
    pub span: String,
}

/// Something that began and ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Which it is.
    pub id: SpanRef,
    /// The span of the same trace that it is part of.
    pub parent: Option<String>,
    /// What it is called.
    pub name: String,
    /// Its part.
    pub kind: SpanKind,
    /// When it began.
    pub begun: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Texts, whole numbers and lists of texts, by name.
    pub attributes: Vec<(&'static str, Value)>,
    /// A sentence, when it failed.
    pub failed: Option<String>,
    /// What led to it, in another trace.
    pub link: Option<SpanRef>,
}

/// Where spans go; nowhere when no collector is configured.
#[derive(Debug, Clone, Default)]
pub struct Spans(Option<Arc<Exporter>>);

#[derive(Debug)]
struct Exporter {
    client: Client,
    url: String,
    resource: Value,
    buffer: Mutex<Buffer>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Buffer {
    spans: Vec<Span>,
    dropped: u64,
}

impl Spans {
    /// Spans to the collector at `endpoint`, below which OTLP's own path is; to nobody when
    /// it is empty. `host` is told as the name of this machine.
    pub fn to(endpoint: &str, host: &str) -> Result<Self> {
        if endpoint.is_empty() {
            return Ok(Spans::default());
        }
        let timeouts = Timeouts {
            total: Duration::from_secs(10),
            ..Timeouts::default()
        };
        let resource = attributes(&[
            ("service.name", json!("glassbox")),
            ("service.version", json!(env!("CARGO_PKG_VERSION"))),
            ("host.name", json!(host)),
        ]);
        Ok(Spans(Some(Arc::new(Exporter {
            client: http::client(timeouts)?,
            url: format!("{}/v1/traces", endpoint.trim_end_matches('/')),
            resource: json!({ "attributes": resource }),
            buffer: Mutex::default(),
            filled: Notify::new(),
        }))))
    }

    /// Whether somebody wants them.
    pub fn are_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Tells of `spans`; they leave by and by.
    pub fn tell(&self, spans: Vec<Span>) {
        let Some(exporter) = &self.0 else { return };
        if spans.is_empty() {
            return;
        }
        let mut buffer = exporter.buffer();
        for span in spans {
            if buffer.spans.len() < CAPACITY {
                buffer.spans.push(span);
            } else {
                buffer.dropped += 1;
            }
        }
        drop(buffer);
        exporter.filled.notify_one();
    }

    /// Sends what is told until `stop`, and then the rest.
    pub async fn run(self, stop: CancellationToken) {
        let Some(exporter) = self.0 else { return };
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = exporter.filled.notified() => {}
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(GATHER) => {}
            }
            exporter.send_all().await;
        }
        exporter.send_all().await;
    }
}

impl Exporter {
    fn buffer(&self) -> std::sync::MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send_all(&self) {
        let Buffer { spans, dropped } = mem::take(&mut *self.buffer());
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "spans were dropped: the collector does not keep up"
            );
        }
        for batch in spans.chunks(BATCH) {
            let body = self.body(batch);
            if self.post(&body).await.is_ok() {
                continue;
            }
            tokio::time::sleep(PAUSE).await;
            if let Err(error) = self.post(&body).await {
                let spans = batch.len();
                tracing::warn!(spans, error = %error.chain(), "spans were not taken and are dropped");
            }
        }
    }

    async fn post(&self, body: &Value) -> Result<()> {
        let sent = self.client.post(&self.url).json(body).send().await;
        let answer = sent.map_err(Error::internal)?;
        answer.error_for_status().map_err(Error::internal)?;
        Ok(())
    }

    fn body(&self, spans: &[Span]) -> Value {
        let spans: Vec<Value> = spans.iter().map(span).collect();
        let scope = json!({ "name": "glassbox", "version": env!("CARGO_PKG_VERSION") });
        json!({ "resourceSpans": [{
            "resource": self.resource,
            "scopeSpans": [{ "scope": scope, "schemaUrl": SCHEMA, "spans": spans }],
        }] })
    }
}

fn span(span: &Span) -> Value {
    let mut body = json!({
        "traceId": span.id.trace,
        "spanId": span.id.span,
        "name": span.name,
        "kind": match span.kind { SpanKind::Internal => 1, SpanKind::Client => 3 },
        "startTimeUnixNano": nanos(span.begun),
        "endTimeUnixNano": nanos(span.ended),
        "attributes": attributes(&span.attributes),
        "status": match &span.failed {
            Some(message) => json!({ "code": 2, "message": message }),
            None => json!({}),
        },
    });
    if let Some(fields) = body.as_object_mut() {
        if let Some(parent) = &span.parent {
            fields.insert("parentSpanId".to_owned(), json!(parent));
        }
        if let Some(link) = &span.link {
            let link = json!([{ "traceId": link.trace, "spanId": link.span }]);
            fields.insert("links".to_owned(), link);
        }
    }
    body
}

/// 64-bit numbers are texts in the JSON of Protocol Buffers.
fn nanos(time: Timestamp) -> String {
    time.timestamp_nanos_opt().unwrap_or_default().to_string()
}

fn attributes(list: &[(&str, Value)]) -> Vec<Value> {
    list.iter()
        .map(|(key, value)| json!({ "key": key, "value": any_value(value) }))
        .collect()
}

fn any_value(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Array(values) => {
            let values: Vec<Value> = values.iter().map(any_value).collect();
            json!({ "arrayValue": { "values": values } })
        }
        Value::String(text) => json!({ "stringValue": text }),
        other => json!({ "stringValue": other.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

    use super::*;

    fn a_span(name: &str) -> Span {
        let begun = DateTime::from_timestamp_millis(1_700_000_000_000).unwrap();
        Span {
            id: SpanRef {
                trace: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
                span: "00f067aa0ba902b7".into(),
            },
            parent: None,
            name: name.into(),
            kind: SpanKind::Client,
            begun,
            ended: begun,
            attributes: vec![("n", json!(3)), ("list", json!(["a"]))],
            failed: Some("No.".into()),
            link: None,
        }
    }

    /// Runs an exporter that is told to stop at once, which sends what was told before.
    async fn sent(endpoint: &str, spans: Vec<Span>) {
        let exporter = Spans::to(endpoint, "here").unwrap();
        exporter.tell(spans);
        let stop = CancellationToken::new();
        stop.cancel();
        exporter.run(stop).await;
    }

    #[tokio::test]
    async fn spans_arrive_as_otlp_says() {
        let server = MockServer::start().await;
        Mock::given(path("/v1/traces"))
            .respond_with(ResponseTemplate::new(200))
            .mount(&server)
            .await;
        sent(&server.uri(), vec![a_span("chat gpt")]).await;
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.len(), 1);
        let body: Value = requests[0].body_json().unwrap();
        let scope = &body["resourceSpans"][0]["scopeSpans"][0];
        assert_eq!(scope["schemaUrl"], SCHEMA);
        let span = &scope["spans"][0];
        assert_eq!(span["startTimeUnixNano"], "1700000000000000000");
        assert_eq!(span["status"], json!({ "code": 2, "message": "No." }));
        let expected = json!([
            { "key": "n", "value": { "intValue": "3" } },
            { "key": "list", "value": { "arrayValue": { "values": [{ "stringValue": "a" }] } } },
        ]);
        assert_eq!(span["attributes"], expected);
    }

    #[tokio::test]
    async fn a_collector_that_refuses_is_asked_once_more_and_not_for_ever() {
        let server = MockServer::start().await;
        Mock::given(path("/v1/traces"))
            .respond_with(ResponseTemplate::new(503))
            .expect(2)
            .mount(&server)
            .await;
        sent(&server.uri(), vec![a_span("a")]).await;
    }

    #[tokio::test]
    async fn what_does_not_fit_is_dropped() {
        let exporter = Spans::to("http://127.0.0.1:1", "here").unwrap();
        exporter.tell(vec![a_span("a"); CAPACITY + 3]);
        let buffer = exporter.0.as_ref().unwrap().buffer();
        assert_eq!((buffer.spans.len(), buffer.dropped), (CAPACITY, 3));
        assert!(!Spans::to("", "here").unwrap().are_wanted());
    }
}
