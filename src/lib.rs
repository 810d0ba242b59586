//! GlassBox: people and AI agents work on nodes, and all an agent does is evidence.

pub mod kernel;
