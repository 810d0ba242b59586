//! What happens, told to those who watch: sockets, and streams of Server-Sent Events.
//!
//! A change is an event of the outbox, and the relay numbers it on each of its channels. For
//! each channel that somebody here listens to there is one [`feed`], which hears the bus and
//! hands each event on once, in order and without a gap: what the bus lost it reads from the
//! log. It makes an event's text once, however many sockets take it. The [`watch`] tells
//! feeds of what the bus never brought.
//!
//! A [`socket`] is one task. It asks for the right to read when it subscribes, and again when
//! it hears that its user's rights have changed. What waits for a slow client is bounded: a
//! model's words are dropped first, and then the client is cut off and told to come back. It
//! is never given a stream with a hole: it is replayed what it missed, or told to read anew.
//!
//! Who is [`present`] where is told from process to process and stored nowhere. A socket is
//! opened with a [`ticket`], which is good once.

pub mod api;
mod feed;
mod guard;
mod hub;
mod line;
mod meter;
mod metrics;
mod outlet;
mod present;
mod protocol;
mod queue;
mod socket;
mod store;
mod stream;
mod subscriptions;
mod ticket;
mod watch;

pub use hub::Hub;
