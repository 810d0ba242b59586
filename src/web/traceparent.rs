//! The `traceparent` header of W3C Trace Context: which trace a request belongs to.

use std::fmt;

use actix_web::http::header::HeaderMap;

use crate::kernel::clock::Ids;

/// The header.
pub const TRACEPARENT: &str = "traceparent";

/// The header as the client sent it. Two of them are as good as none.
pub fn named_trace(headers: &HeaderMap) -> Option<&str> {
    let mut named = headers.get_all(TRACEPARENT);
    let first = named.next().and_then(|value| value.to_str().ok());
    first.filter(|_| named.next().is_none())
}

/// The client's own span, when the header names one: its trace and its id, with a dash
/// between them.
pub fn named_span(headers: &HeaderMap) -> Option<String> {
    let header = named_trace(headers)?;
    parse(header)?;
    let mut fields = header.trim().split('-').skip(1);
    Some(format!("{}-{}", fields.next()?, fields.next()?))
}

/// A trace, and our part in it. Shown as the header is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent {
    trace: String,
    span: String,
    flags: String,
}

impl TraceParent {
    /// Our own part in the trace of `header`, or in a new one when that is absent or
    /// malformed.
    pub fn continued(header: Option<&str>, ids: &dyn Ids) -> Self {
        let (trace, flags) = header.and_then(parse).unwrap_or_else(|| {
            // Not sampled, as far as we know: nobody here records spans.
            (ids.uuid().simple().to_string(), "00".to_owned())
        });
        // The second half of an id is the random one.
        let (_, low) = ids.uuid().as_u64_pair();
        TraceParent {
            trace,
            span: format!("{low:016x}"),
            flags,
        }
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn trace(&self) -> &str {
        &self.trace
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{}", self.trace, self.span, self.flags)
    }
}

/// The trace's id and the flags. A later version may have more fields at the end; ours
/// has not, and `ff` is no version (W3C Trace Context, 3.2.2).
fn parse(header: &str) -> Option<(String, String)> {
    let mut fields = header.trim().split('-');
    let version = hex(fields.next()?, 2)?;
    let trace = hex(fields.next()?, 32)?;
    let span = hex(fields.next()?, 16)?;
    let flags = hex(fields.next()?, 2)?;
    let zero = |id: &str| id.bytes().all(|digit| digit == b'0');
    let odd_end = version == "00" && fields.next().is_some();
    if version == "ff" || zero(trace) || zero(span) || odd_end {
        return None;
    }
    Some((trace.to_owned(), flags.to_owned()))
}

fn hex(text: &str, length: usize) -> Option<&str> {
    let digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    (text.len() == length && text.bytes().all(digit)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::System;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_trace_is_continued_under_a_span_of_our_own() {
        let header = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let ours = TraceParent::continued(Some(&header), &System);
        assert_eq!(ours.trace(), TRACE);
        assert_ne!(ours.to_string(), header);
        assert!(ours.to_string().ends_with("-01"), "{ours}");
        assert!(parse(&ours.to_string()).is_some(), "{ours}");
    }

    #[test]
    fn a_later_version_may_say_more() {
        let header = format!("01-{TRACE}-00f067aa0ba902b7-01-more");
        assert_eq!(parse(&header).unwrap().0, TRACE);
    }

    #[test]
    fn a_malformed_header_begins_a_new_trace() {
        for odd in [
            "".to_owned(),
            "00".to_owned(),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-00f067aa0ba902b7-0"),
        ] {
            let ours = TraceParent::continued(Some(&odd), &System);
            assert_ne!(ours.trace(), TRACE, "{odd}");
            assert!(parse(&ours.to_string()).is_some(), "{ours}");
        }
    }
}
