//! The way out to one client: frames that wait until its connection takes them.
//!
//! Feeds put an event's frame in here themselves, the same bytes for all who hear it, and wake
//! the [`Outflow`], which writes all that waits at once, from where it lies. How much may wait
//! is bounded; what must not be lost and finds no room ends the socket.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io::{self, IoSlice},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use actix_web::body::BoxBody;
use bytes::{Buf, Bytes};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::web::Upgraded;

/// Frames that a socket may write ahead of its client: more come from feeds alone.
const AHEAD: usize = 32;
/// Room for frames that is kept while none wait.
const KEPT: usize = 4;
/// Frames that are written at once.
const AT_ONCE: usize = 64;
/// How long a client may go on sending after the last frame. A connection that is closed with
/// bytes unread is reset, and the client may lose what it was told last.
const LINGER: Duration = Duration::from_secs(1);

/// What kind of frame it is (RFC 6455, 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Text = 1,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// A whole frame, as servers write them: without a mask. Answers also where the content begins.
pub(super) fn frame(opcode: Opcode, content: &[u8]) -> (Bytes, usize) {
    let mut frame = Vec::with_capacity(content.len() + 10);
    frame.push(0x80 | opcode as u8);
    match (u8::try_from(content.len()), u16::try_from(content.len())) {
        (Ok(length @ 0..126), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((content.len() as u64).to_be_bytes());
        }
    }
    let start = frame.len();
    frame.extend_from_slice(content);
    (frame.into(), start)
}

/// What waits for one client.
#[derive(Debug)]
pub(super) struct Outlet {
    state: Mutex<State>,
    /// Frames that may wait.
    room: usize,
    /// Told when few frames wait, if somebody asked.
    fewer: Notify,
    /// Cancelled when something that must not be lost found no room.
    pub(super) slow: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Bytes>,
    /// The outflow's, while it waits for frames.
    asleep: Option<Waker>,
    /// Whether somebody waits for `fewer`.
    asked: bool,
    /// Nothing is to come after what waits; nobody takes it when the connection is gone.
    ended: bool,
    gone: bool,
}

impl State {
    fn push(&mut self, frame: Bytes) {
        if !(self.ended || self.gone) {
            self.frames.push_back(frame);
            self.wake();
        }
    }

    fn wake(&mut self) {
        if let Some(connection) = self.asleep.take() {
            connection.wake();
        }
    }
}

impl Outlet {
    /// One in which `room` frames may wait.
    pub(super) fn new(room: usize) -> Arc<Self> {
        Arc::new(Outlet {
            state: Mutex::default(),
            room,
            fewer: Notify::new(),
            slow: CancellationToken::new(),
        })
    }

    /// Nothing under this lock can panic halfway, so a poisoned one is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many frames may wait.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Puts in what must not be lost; where there is no room the client is given up.
    pub(super) fn hand(&self, frames: impl Iterator<Item = Bytes>) {
        let mut state = self.state();
        for frame in frames {
            if state.frames.len() >= self.room {
                self.slow.cancel();
                return;
            }
            state.push(frame);
        }
    }

    /// Puts in what may be lost, while half of the room is free for what may not.
    pub(super) fn offer(&self, frame: Bytes) {
        let mut state = self.state();
        if state.frames.len() < self.room / 2 {
            state.push(frame);
        }
    }

    /// Puts in a frame if none waits; a client that has others to read needs no ping.
    pub(super) fn offer_first(&self, frame: Bytes) {
        let mut state = self.state();
        if state.frames.is_empty() {
            state.push(frame);
        }
    }

    /// Puts in a frame once few wait; false when the connection is gone.
    pub(super) async fn write(&self, frame: Bytes) -> bool {
        self.until_fewer_than(AHEAD.min(self.room)).await;
        let mut state = self.state();
        state.push(frame);
        !state.gone
    }

    /// Ends with `last` after what waits, or without that when the client does not read it
    /// anyway. Nothing can be put in from here on.
    pub(super) fn end(&self, last: Option<Bytes>) {
        let mut state = self.state();
        if self.slow.is_cancelled() {
            state.frames.clear();
        }
        last.into_iter().for_each(|last| state.push(last));
        state.ended = true;
        state.wake();
    }

    /// Waits until the connection has taken all, or is gone.
    pub(super) async fn taken(&self) {
        self.until_fewer_than(1).await;
    }

    async fn until_fewer_than(&self, number: usize) {
        loop {
            let fewer = self.fewer.notified();
            tokio::pin!(fewer);
            {
                let mut state = self.state();
                if state.gone || state.frames.len() < number {
                    return;
                }
                state.asked = true;
                // Under the lock, so that no call is missed.
                fewer.as_mut().enable();
            }
            fewer.await;
        }
    }

    /// Puts the next frames for the connection into `batch`, which is empty; false at the end.
    fn take(&self, batch: &mut VecDeque<Bytes>, cx: &Context<'_>) -> Poll<bool> {
        let mut state = self.state();
        if state.frames.is_empty() {
            batch.shrink_to(KEPT);
            if !state.ended {
                state.asleep = Some(cx.waker().clone());
                return Poll::Pending;
            }
        } else if state.frames.len() <= AT_ONCE {
            std::mem::swap(&mut state.frames, batch);
            state.frames.shrink_to(KEPT);
        } else {
            batch.extend(state.frames.drain(..AT_ONCE));
        }
        if state.asked && state.frames.len() < AHEAD / 2 {
            state.asked = false;
            self.fewer.notify_waiters();
        }
        Poll::Ready(!batch.is_empty())
    }
}

/// Writes what comes out to the connection.
pub(super) struct Outflow {
    outlet: Arc<Outlet>,
    /// The library's own, in whose place this is: by dropping it, it knows that the
    /// connection has ended.
    _replaced: BoxBody,
}

impl Outflow {
    pub(super) fn of(outlet: Arc<Outlet>, replaced: BoxBody) -> Self {
        Outflow {
            outlet,
            _replaced: replaced,
        }
    }

    /// Writes until the end of what comes out, or of the connection.
    pub(super) async fn run(self, connection: &Upgraded) {
        if self.write(connection).await.is_err() || connection.end().await.is_err() {
            return;
        }
        let silent = poll_fn(|cx| {
            while let Ok(bytes) = std::task::ready!(connection.poll_bytes(cx)) {
                if bytes.is_empty() {
                    break;
                }
            }
            Poll::Ready(())
        });
        let _ = tokio::time::timeout(LINGER, silent).await;
    }

    async fn write(&self, connection: &Upgraded) -> io::Result<()> {
        let mut batch = VecDeque::new();
        while poll_fn(|cx| self.outlet.take(&mut batch, cx)).await {
            while !batch.is_empty() {
                let written = poll_fn(|cx| {
                    let mut pieces = [IoSlice::new(&[]); AT_ONCE];
                    let used = pieces.iter_mut().zip(&batch);
                    used.for_each(|(piece, frame)| *piece = IoSlice::new(frame));
                    let pieces = pieces.get(..batch.len()).unwrap_or(&pieces);
                    connection.poll_write(cx, pieces)
                });
                let written = written.await?;
                advance(&mut batch, written);
            }
        }
        Ok(())
    }
}

/// Drops the first `written` bytes.
fn advance(batch: &mut VecDeque<Bytes>, mut written: usize) {
    while let Some(first) = batch.front_mut() {
        if written < first.len() {
            first.advance(written);
            return;
        }
        written -= first.len();
        batch.pop_front();
    }
}

impl Drop for Outflow {
    fn drop(&mut self) {
        let mut state = self.outlet.state();
        state.gone = true;
        state.frames.clear();
        self.outlet.fewer.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    fn taken(outlet: &Outlet) -> Vec<Bytes> {
        let cx = Context::from_waker(Waker::noop());
        let (mut all, mut batch) = (Vec::new(), VecDeque::new());
        while outlet.take(&mut batch, &cx) == Poll::Ready(true) {
            all.extend(batch.drain(..));
        }
        all
    }

    #[test]
    fn lengths_are_written_in_the_shortest_form() {
        for (length, head) in [
            (0, &[0x81_u8, 0][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 255, 255]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let (frame, start) = frame(Opcode::Text, &vec![b'x'; length]);
            assert_eq!(frame.get(..start).unwrap(), head);
            assert_eq!(frame.len() - start, length);
        }
    }

    #[test]
    fn who_does_not_read_loses_what_may_be_lost_first_and_is_then_given_up() {
        let outlet = Outlet::new(4);
        (0..9).for_each(|_| outlet.offer(some("word")));
        assert_eq!(outlet.state().frames.len(), 2, "half of the room");
        outlet.hand([some("a"), some("b")].into_iter());
        assert!(!outlet.slow.is_cancelled());
        outlet.hand(std::iter::once(some("c")));
        assert!(outlet.slow.is_cancelled());
    }

    #[test]
    fn the_end_comes_after_what_waits_and_nothing_after_it() {
        let outlet = Outlet::new(4);
        outlet.hand(std::iter::once(some("a")));
        outlet.end(Some(some("end")));
        outlet.hand(std::iter::once(some("late")));
        assert_eq!(taken(&outlet), ["a", "end"]);
    }

    #[tokio::test]
    async fn who_writes_waits_for_the_client_and_not_for_one_that_is_gone() {
        let outlet = Outlet::new(64);
        outlet.hand(vec![some("a"); AHEAD].into_iter());
        let writer = {
            let outlet = Arc::clone(&outlet);
            async move { outlet.write(some("b")).await }
        };
        tokio::pin!(writer);
        assert!(futures_util::poll!(&mut writer).is_pending());
        assert_eq!(taken(&outlet).len(), AHEAD);
        assert!(writer.await);
        drop(Outflow::of(Arc::clone(&outlet), BoxBody::new(())));
        assert!(!outlet.write(some("c")).await);
    }

    #[test]
    fn what_was_written_in_part_goes_on_where_it_was() {
        let mut batch = VecDeque::from([some("abc"), some("de"), some("f")]);
        advance(&mut batch, 4);
        assert_eq!(batch, [some("e"), some("f")]);
        advance(&mut batch, 2);
        assert!(batch.is_empty());
    }
}
