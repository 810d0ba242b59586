//! What waits for a task that looks at what its channels say.
//!
//! Bounded, and without room of its own while nothing waits: the runtime's channels keep 32
//! places from the beginning, for thousands of sockets whose users are seldom told anything.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::feed::Delivery;

/// Room that is kept while nothing waits.
const KEPT: usize = 4;

/// What waits for one task.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    room: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Delivery>,
    asleep: Option<Waker>,
}

impl Queue {
    /// One in which `room` deliveries may wait.
    pub(super) fn new(room: usize) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Queue { state, room })
    }

    /// Nothing under this lock can panic halfway, so a poisoned one is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts one in; false where there is no room. What may be lost leaves half of it to what
    /// may not.
    pub(super) fn put(&self, delivery: &Delivery) -> bool {
        let room = if delivery.may_be_lost() {
            self.room / 2
        } else {
            self.room
        };
        let mut state = self.state();
        if state.waiting.len() >= room {
            return false;
        }
        state.waiting.push_back(delivery.clone());
        let asleep = state.asleep.take();
        drop(state);
        asleep.into_iter().for_each(Waker::wake);
        true
    }

    /// The next one, for the only task that takes them.
    pub(super) async fn next(&self) -> Delivery {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`Queue::next`], for one that waits in its own way.
    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Delivery> {
        let mut state = self.state();
        if let Some(next) = state.waiting.pop_front() {
            return Poll::Ready(next);
        }
        if state.waiting.capacity() > KEPT {
            state.waiting = VecDeque::new();
        }
        state.asleep = Some(cx.waker().clone());
        Poll::Pending
    }
}
