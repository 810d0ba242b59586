//! Executions: runs of an agent on a node, and their journal.
