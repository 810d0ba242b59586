//! Nodes, and what hangs on them, as the program and its clients know them.

mod attach;
mod attachment;
mod change;
mod forms;
mod graph;
mod lock;
mod node;
mod query;
mod turns;
mod version;

pub use attach::{
    InputBody, InputContent, InputCreate, OutputBody, OutputContent, OutputCreate, PLACEHOLDER,
};
pub use attachment::{FileBrief, Input, InputType, NodeBrief, Output, OutputType, PinnedVersion};
pub use change::{Change, ChangeType, Differences, Expected, differences, mismatch};
pub use forms::{InputForms, OutputForms};
pub use graph::{ChildrenQuery, Dependencies, DependencyQuery, Direction, Edge, shortest_path};
pub use lock::{Holder, Lock, LockState, ReleaseQuery};
pub use node::{AuthorType, MAX_DEPTH, Node, NodeCreate, NodeUpdate, Position};
pub use query::{
    Children, DeleteQuery, NodeFilter, NodeKey, NodeQuery, Order, ParentFilter, Sort, SortValue,
    Sorting,
};
pub use turns::{Turns, is_whole};
pub use version::{
    InputChange, InputsDiff, NodeVersion, OutputChange, OutputsDiff, ValueChange, VersionDiff,
    VersionKey, version_diff,
};
