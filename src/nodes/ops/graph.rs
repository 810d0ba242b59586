//! Reading what lies around a node: its children, and what feeds it or is fed by it.

use std::collections::{HashMap, HashSet};

use super::super::{
    model::{Dependencies, Direction, Edge, Node},
    store::{self, graph},
};
use crate::{
    access::{self, Action, Grant, Target, allows},
    app::Ctx,
    kernel::{
        Code, NodeId, Result,
        page::{Page, PageRequest},
    },
    platform::db::Tx,
};

/// Nodes that one answer has at most, those counted that were looked at and are not the
/// caller's to see: for them each costs a question.
const MAX_NODES: usize = 1000;
/// Edges that are followed in one step at most.
const MAX_EDGES: usize = 5000;

/// The direct children of a node, oldest first, without inputs and outputs.
pub async fn node_children(ctx: &Ctx, id: NodeId, page: PageRequest) -> Result<Page<Node>> {
    ctx.tx(Action::NodeRead, Target::Node(id), async |tx, _grant| {
        store::children_page(tx, id, &page).await
    })
    .await
}

/// What feeds a node or is fed by it, up to `depth` edges away. Deleted nodes, and those
/// that the caller may not read, are not there, and nothing is found through them.
pub async fn node_dependencies(
    ctx: &Ctx,
    id: NodeId,
    direction: Direction,
    depth: u32,
) -> Result<Dependencies> {
    ctx.tx(Action::NodeRead, Target::Node(id), async |tx, grant| {
        let mut walk = Walk::new(ctx, grant, id);
        if direction != Direction::Downstream {
            walk.follow(tx, Direction::Upstream, depth).await?;
        }
        if direction != Direction::Upstream {
            walk.follow(tx, Direction::Downstream, depth).await?;
        }
        walk.finish(tx).await
    })
    .await
}

/// A walk along the edges, breadth first, one statement a step.
struct Walk<'a> {
    ctx: &'a Ctx,
    /// Whether the caller reads every node of the organization.
    reads_all: bool,
    start: NodeId,
    /// What was found, nearest first.
    order: Vec<NodeId>,
    found: HashSet<NodeId>,
    hidden: HashSet<NodeId>,
    edges: Vec<Edge>,
    truncated: bool,
}

impl<'a> Walk<'a> {
    fn new(ctx: &'a Ctx, grant: &Grant, start: NodeId) -> Self {
        // What a narrowed token may read depends on where a node lies; so does what a
        // guest may. Everybody else is spared a question for each node.
        let whole = ctx.caller.require_whole().is_ok();
        Walk {
            ctx,
            reads_all: whole && allows(Action::NodeRead, grant.org_role, None),
            start,
            order: Vec::new(),
            found: HashSet::new(),
            hidden: HashSet::new(),
            edges: Vec::new(),
            truncated: false,
        }
    }

    async fn follow(&mut self, tx: &mut Tx, direction: Direction, depth: u32) -> Result<()> {
        let mut frontier = vec![self.start];
        let mut been = HashSet::from([self.start]);
        for _ in 0..depth {
            if frontier.is_empty() {
                break;
            }
            // One more than is followed tells whether there is more.
            let limit = i64::try_from(MAX_EDGES + 1).unwrap_or(i64::MAX);
            let mut step = match direction {
                Direction::Downstream => graph::edges_out_of(tx, &frontier, limit).await?,
                _ => graph::edges_into(tx, &frontier, limit).await?,
            };
            self.truncated |= step.len() > MAX_EDGES;
            step.truncate(MAX_EDGES);
            frontier.clear();
            for edge in step {
                let next = match direction {
                    Direction::Downstream => edge.target_node_id,
                    _ => edge.source_node_id,
                };
                if !self.take(tx, next).await? {
                    continue;
                }
                self.edges.push(edge);
                if been.insert(next) {
                    frontier.push(next);
                }
            }
        }
        Ok(())
    }

    /// Notes a node; whether it is a part of the answer.
    async fn take(&mut self, tx: &mut Tx, node: NodeId) -> Result<bool> {
        if node == self.start || self.found.contains(&node) {
            return Ok(true);
        }
        if self.hidden.contains(&node) {
            return Ok(false);
        }
        if self.order.len() + self.hidden.len() >= MAX_NODES {
            self.truncated = true;
            return Ok(false);
        }
        if !self.may_read(tx, node).await? {
            self.hidden.insert(node);
            return Ok(false);
        }
        self.found.insert(node);
        self.order.push(node);
        Ok(true)
    }

    async fn may_read(&self, tx: &mut Tx, node: NodeId) -> Result<bool> {
        if self.reads_all {
            return Ok(true);
        }
        let target = Target::Node(node);
        match access::authorise(tx, &self.ctx.caller, Action::NodeRead, target).await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.code(), Code::NotFound | Code::Forbidden) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn finish(self, tx: &mut Tx) -> Result<Dependencies> {
        let nodes = store::get_nodes(tx, &self.order).await?;
        let mut by_id: HashMap<NodeId, Node> =
            nodes.into_iter().map(|node| (node.id, node)).collect();
        let data = self.order.iter().filter_map(|id| by_id.remove(id));
        Ok(Dependencies {
            data: data.collect(),
            edges: self.edges,
            truncated: self.truncated,
        })
    }
}
