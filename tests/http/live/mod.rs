//! Sockets and streams: who may open one, what they hear, and what they may not miss.

mod channels;
mod hostile;
mod instances;
mod presence;
mod resume;
mod tickets;
