//! What comes in through a socket, refused at the head of a frame that is too large.
//!
//! The library refuses such a frame only once all of it is there, and keeps it until then: a
//! client could have us keep whatever it likes to send.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{dev::Payload, error::PayloadError};
use bytes::Bytes;
use futures_util::Stream;

use crate::web::Upgraded;

/// Pieces that are read in a row: the library takes all that it is given before it looks at
/// any of it, and a client may send without a pause.
const IN_A_ROW: u8 = 8;

/// Bytes that pass as long as every frame in them is small enough.
pub(super) struct Guard {
    /// What HTTP had read already when the connection was taken over.
    before: Option<Payload>,
    connection: Upgraded,
    scan: Scan,
    in_a_row: u8,
}

impl Guard {
    /// Lets frames through whose contents have `most` bytes at most.
    pub(super) fn over(before: Payload, connection: Upgraded, most: u64) -> Payload {
        let guard = Guard {
            before: Some(before),
            connection,
            scan: Scan::new(most),
            in_a_row: 0,
        };
        Payload::Stream {
            payload: Box::pin(guard),
        }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        if let Some(before) = &mut self.before {
            if let Poll::Ready(Some(Ok(bytes))) = Pin::new(before).poll_next(cx) {
                return Poll::Ready(Some(Ok(bytes)));
            }
            // It ends in an error, since HTTP does not know where such a body ends.
            self.before = None;
        }
        self.connection.poll_bytes(cx).map(|read| match read {
            Ok(bytes) => (!bytes.is_empty()).then_some(Ok(bytes)),
            Err(error) => Some(Err(error.into())),
        })
    }
}

impl Stream for Guard {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.in_a_row == IN_A_ROW {
            this.in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = this.poll_bytes(cx);
        this.in_a_row = if next.is_ready() {
            this.in_a_row + 1
        } else {
            0
        };
        if let Poll::Ready(Some(Ok(bytes))) = &next
            && !this.scan.allows(bytes)
        {
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        next
    }
}

/// Where in a frame the bytes so far end.
struct Scan {
    most: u64,
    /// The head of the next frame, as far as it is known: two bytes, and up to eight more
    /// for the length.
    head: [u8; 10],
    known: usize,
    /// Bytes of the current frame that are still to come, its mask included.
    left: u64,
}

impl Scan {
    const fn new(most: u64) -> Self {
        Scan {
            most,
            head: [0; 10],
            known: 0,
            left: 0,
        }
    }

    /// Goes over more bytes; answers whether every frame that begins in them is allowed.
    fn allows(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let skipped =
                usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
            self.left -= skipped as u64;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let Some((first, rest)) = bytes.split_first() else {
                return true;
            };
            if let Some(place) = self.head.get_mut(self.known) {
                *place = *first;
            }
            self.known += 1;
            bytes = rest;
            if let Some(length) = self.length() {
                if length > self.most {
                    return false;
                }
                self.known = 0;
                self.left = length + self.mask();
            }
        }
    }

    /// The length of the frame's contents, once all of it is known (RFC 6455, 5.2).
    fn length(&self) -> Option<u64> {
        let [_, second, long @ ..] = self.head;
        match (self.known, second & 0x7f) {
            (0 | 1, _) => None,
            (4, 126) => {
                let [high, low, ..] = long;
                Some(u16::from_be_bytes([high, low]).into())
            }
            (10, 127) => Some(u64::from_be_bytes(long)),
            (_, 126 | 127) => None,
            (_, short) => Some(short.into()),
        }
    }

    /// The bytes of the mask between the head and the contents.
    const fn mask(&self) -> u64 {
        let [_, second, ..] = self.head;
        if second & 0x80 == 0 { 0 } else { 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(size: usize) -> Vec<u8> {
        let mut frame = vec![0x81];
        match size {
            0..126 => frame.push(0x80 | u8::try_from(size).unwrap()),
            126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(size).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend((size as u64).to_be_bytes());
            }
        }
        frame.extend([0xff; 4]);
        frame.extend(vec![0xff; size]);
        frame
    }

    #[test]
    fn frames_up_to_the_bound_pass_however_they_are_cut() {
        let sizes = [0, 1, 125, 126, 127, 4000, 8192, 0, 8192];
        let all: Vec<u8> = sizes.into_iter().flat_map(frame).collect();
        for piece in [1, 2, 3, 7, 1000, all.len()] {
            let mut scan = Scan::new(8192);
            assert!(all.chunks(piece).all(|bytes| scan.allows(bytes)), "{piece}");
            let large = frame(8193);
            let head = large.get(..8).unwrap();
            assert!(
                !head.chunks(piece).all(|bytes| scan.allows(bytes)),
                "{piece}"
            );
        }
    }

    #[test]
    fn a_huge_frame_is_refused_at_its_head() {
        let mut scan = Scan::new(8192);
        let mut head = vec![0x82, 0xff];
        head.extend(u64::MAX.to_be_bytes());
        assert!(scan.allows(head.get(..9).unwrap()));
        assert!(!scan.allows(head.get(9..).unwrap()));
    }
}
