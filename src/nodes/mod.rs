//! Nodes: units of work with inputs, outputs, versions and a place in a tree and a DAG.
