//! What a version adds to a node and takes from it, which is kept in the place of all that
//! hangs on the node.
//!
//! What a node has been can be read from its last whole version on. Whole ones come as far
//! apart as there are things on the node, so that all versions together take no more room
//! than a few times what was ever added, and none is far from a whole one.

use serde::{Deserialize, Serialize};

use super::{Input, Output};
use crate::kernel::{InputId, OutputId, ProjectId};

/// Versions between two whole ones at least.
const LEAST: usize = 64;

/// What was added and removed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Turns {
    /// Inputs that are new, or other than before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs_added: Vec<Input>,
    /// Inputs that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs_removed: Vec<InputId>,
    /// Outputs that are new, or other than before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs_added: Vec<Output>,
    /// Outputs that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs_removed: Vec<OutputId>,
}

impl Turns {
    /// Whether nothing was added or removed.
    pub fn is_empty(&self) -> bool {
        *self == Turns::default()
    }

    /// The same for whoever sees the node's project and no other.
    pub fn seen_from(mut self, project: ProjectId) -> Self {
        for input in &mut self.inputs_added {
            input.hide_source_outside(project);
        }
        self
    }

    /// Makes of the lists before it those after it, in the order of the node's own.
    pub fn apply(self, inputs: &mut Vec<Input>, outputs: &mut Vec<Output>) {
        let new: Vec<InputId> = self.inputs_added.iter().map(|input| input.id).collect();
        inputs.retain(|input| !self.inputs_removed.contains(&input.id) && !new.contains(&input.id));
        inputs.extend(self.inputs_added);
        inputs.sort_by_key(|input| (input.sort_order, input.created_at, input.id));
        let new: Vec<OutputId> = self.outputs_added.iter().map(|output| output.id).collect();
        outputs.retain(|output| {
            !self.outputs_removed.contains(&output.id) && !new.contains(&output.id)
        });
        outputs.extend(self.outputs_added);
        outputs.sort_by_key(|output| (output.sort_order, output.created_at, output.id));
    }
}

/// Whether this version of a node with so many inputs and outputs is to be kept whole.
pub fn is_whole(version: i32, things: usize) -> bool {
    let apart = things.max(LEAST).next_power_of_two();
    let apart = i32::try_from(apart).unwrap_or(i32::MAX);
    version == 1 || version % apart == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_versions_are_as_far_apart_as_there_are_things_on_the_node() {
        let whole_among = |versions: std::ops::Range<i32>, things: usize| {
            versions
                .filter(|version| is_whole(*version, things))
                .count()
        };
        assert_eq!(whole_among(1..2, 500), 1);
        assert_eq!(whole_among(2..1026, 0), 16);
        assert_eq!(whole_among(2..1026, 300), 2);
    }
}
