//! Projects: where nodes live, with their workflow states.
