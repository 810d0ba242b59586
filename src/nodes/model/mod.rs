//! Nodes, and what hangs on them, as the program and its clients know them.

mod attach;
mod attachment;
mod change;
mod graph;
mod lock;
mod node;
mod query;

pub use attach::{InputBody, InputContent, InputCreate, OutputBody, OutputContent, OutputCreate};
pub use attachment::{FileBrief, Input, InputType, NodeBrief, Output, OutputType};
pub use change::{Change, ChangeType, Differences, Expected, differences};
pub use graph::shortest_path;
pub use lock::{Holder, Lock, LockState, ReleaseQuery};
pub use node::{AuthorType, MAX_DEPTH, Node, NodeCreate, NodeUpdate, Position};
pub use query::{Children, DeleteQuery, NodeFilter, NodeQuery, ParentFilter};
