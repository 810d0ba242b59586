//! SQL of search: [`index`] reads what changed, [`chunks`] and [`vectors`] write what is found,
//! [`embeddings`] knows by which models, [`find`] finds by words and [`nearest`] by vectors, and
//! [`show`] reads what is shown.

pub(super) mod chunks;
pub(super) mod embeddings;
pub(super) mod find;
pub(super) mod index;
pub(super) mod nearest;
pub(super) mod show;
pub(super) mod vectors;

use crate::{kernel::event::Indexed, platform::db::types::sql_text};

sql_text!(Indexed);
