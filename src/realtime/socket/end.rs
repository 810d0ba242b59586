//! Why a socket ends, and the code that says so. Codes from 4000 on are ours.

use std::io;

use actix_web::error::PayloadError;
use actix_ws::{CloseCode, CloseReason, ProtocolError};
use bytes::Bytes;

use crate::realtime::outlet::{self, Opcode};

/// Why a socket ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::realtime) enum End {
    /// The connection is gone.
    Gone,
    /// The client closed it.
    Closed(Option<CloseReason>),
    /// The server goes.
    Draining,
    /// The client did not read.
    Slow,
    /// The client was silent.
    Silent,
    /// The client's token has ended or was revoked.
    Token,
    /// The client sent too much.
    Flood,
    /// A message was too large.
    TooLarge,
    /// A message was not text.
    Binary,
    /// A text was not UTF-8.
    NotUtf8,
    /// What came is no WebSocket.
    Protocol,
    /// We can't say what the client may hear.
    Unable,
}

impl End {
    /// What the library's error means.
    pub(super) fn of(error: &ProtocolError) -> Self {
        match error {
            ProtocolError::Overflow => End::TooLarge,
            ProtocolError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                End::NotUtf8
            }
            ProtocolError::Io(error) if is_overflow(error) => End::TooLarge,
            ProtocolError::Io(_) => End::Gone,
            _ => End::Protocol,
        }
    }

    /// What the client is told; nothing when nobody is there to hear it.
    pub(super) fn frame(self) -> Option<Bytes> {
        let (code, text) = match self {
            End::Gone => return None,
            End::Closed(reason) => {
                let CloseReason { code, description } = reason.unwrap_or(CloseCode::Normal.into());
                return Some(close(code.into(), &description.unwrap_or_default()));
            }
            End::Draining => (
                1012,
                "The server restarts. Connect again, with a new token.",
            ),
            End::Slow => (
                4008,
                "You read too slowly. Connect again and ask for what you missed.",
            ),
            End::Silent => (4009, "Nothing was heard of you."),
            End::Token => (4401, "Your token has ended. Get a new one."),
            End::Flood => (1008, "You send too much."),
            End::TooLarge => (1009, "A message has 8 KiB at most."),
            End::Binary => (1003, "Send text."),
            End::NotUtf8 => (1007, "Text is UTF-8."),
            End::Protocol => (1002, "This is no WebSocket."),
            End::Unable => (1013, "We can't look up your rights. Connect again later."),
        };
        Some(close(code, text))
    }
}

/// A frame that closes. Its text has 123 bytes at most: a client's own comes back, and the
/// library has seen to that.
fn close(code: u16, text: &str) -> Bytes {
    let mut content = code.to_be_bytes().to_vec();
    content.extend_from_slice(text.as_bytes());
    outlet::frame(Opcode::Close, &content).0
}

/// Whether a frame was too large for the guard, or a text in pieces too long for the
/// library, which says so in words alone.
fn is_overflow(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(PayloadError::Overflow)) || error.to_string().contains("continuation size")
}
