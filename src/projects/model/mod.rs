//! Projects as the program and its clients know them.

mod member;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::kernel::{
    Error, OrgId, ProjectId, Result,
    field::{Fields, is_blank, name},
    patch::Patch,
};

pub use member::{
    ProjectMember, ProjectMemberAdd, ProjectMemberFilter, ProjectMemberForms, ProjectMemberQuery,
    ProjectMemberUpdate, Whom,
};

/// Characters of a description at most.
const MAX_DESCRIPTION: usize = 100_000;
/// States of a project at most.
const MAX_STATES: usize = 50;
/// Characters of a state at most.
const MAX_STATE: usize = 100;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Whose it is.
    pub org_id: OrgId,
    /// Its name.
    pub name: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// How new nodes begin.
    pub settings: ProjectSettings,
    /// The states its nodes go through, in order.
    pub workflow_states: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A workflow state: 1 to 100 characters, not only blanks.
// Its shape for the OpenAPI document, and nothing else.
#[derive(utoipa::ToSchema)]
#[schema(min_length = 1, max_length = 100, pattern = "\\S")]
#[expect(dead_code, reason = "its shape is read by the derive")]
pub struct StateName(String);

/// How new nodes of a project begin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSettings {
    /// The state of new nodes, one of the project's; the first one unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "workflow-state")]
    pub default_node_status: Option<String>,
    /// Whether new nodes are given to an agent.
    #[serde(default)]
    pub auto_assign_agent: bool,
}

/// What makes a project.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectCreate {
    /// 1 to 200 characters.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "\\S",
        example = "Harbour bridge inspection"
    )]
    pub name: String,
    /// At most 100,000 characters.
    #[schema(max_length = 100_000)]
    pub description: Option<String>,
    /// How new nodes begin.
    pub settings: Option<ProjectSettings>,
    /// 1 to 50 different states of 1 to 100 characters; `draft`, `in_progress`,
    /// `complete` unless said.
    #[schema(value_type = Option<HashSet<StateName>>, min_items = 1, max_items = 50)]
    pub workflow_states: Option<Vec<String>>,
}

/// What changes in a project.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectUpdate {
    /// 1 to 200 characters.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200, pattern = "\\S")]
    pub name: Patch<String>,
    /// At most 100,000 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100_000)]
    pub description: Patch<String>,
    /// How new nodes begin; replaced as a whole.
    #[serde(default)]
    #[schema(value_type = Option<ProjectSettings>)]
    pub settings: Patch<ProjectSettings>,
    /// All states, in order; `null` brings the usual three back. A state that nodes
    /// are in can't be left out.
    #[serde(default)]
    #[schema(value_type = Option<HashSet<StateName>>, min_items = 1, max_items = 50)]
    pub workflow_states: Patch<Vec<String>>,
}

impl ProjectCreate {
    /// The project that this makes, with every field checked.
    pub fn make(self, id: ProjectId, org: OrgId, now: DateTime<Utc>) -> Result<Project> {
        let project = Project {
            id,
            org_id: org,
            name: self.name,
            description: self.description,
            settings: self.settings.unwrap_or_default(),
            workflow_states: self.workflow_states.unwrap_or_else(usual_states),
            created_at: now,
            updated_at: now,
        };
        let mut fields = Fields::default();
        project.check(&mut fields);
        fields.finish()?;
        Ok(project)
    }
}

impl ProjectUpdate {
    /// The project with the change applied.
    pub fn apply(self, mut row: Project) -> Result<Project> {
        let mut fields = Fields::default();
        if let Some(value) = fields.required("name", self.name) {
            row.name = value;
        }
        self.description.apply(&mut row.description);
        match self.settings {
            Patch::Keep => {}
            Patch::Clear => row.settings = ProjectSettings::default(),
            Patch::Set(settings) => row.settings = settings,
        }
        match self.workflow_states {
            Patch::Keep => {}
            Patch::Clear => row.workflow_states = usual_states(),
            Patch::Set(states) => row.workflow_states = states,
        }
        row.check(&mut fields);
        fields.finish()?;
        Ok(row)
    }
}

impl Project {
    fn check(&self, fields: &mut Fields) {
        name(fields, "name", &self.name);
        if let Some(text) = &self.description {
            fields.length("description", text, 0, MAX_DESCRIPTION);
        }
        check_states(fields, &self.workflow_states);
        if let Some(status) = &self.settings.default_node_status {
            let known = self.workflow_states.contains(status);
            fields.check(
                known,
                "settings.defaultNodeStatus",
                one_of(&self.workflow_states),
            );
        }
    }

    /// The states that `self` has and `next` has not.
    pub fn states_lost_in(&self, next: &Project) -> Vec<String> {
        let lost = |state: &&String| !next.workflow_states.contains(state);
        self.workflow_states.iter().filter(lost).cloned().collect()
    }
}

fn usual_states() -> Vec<String> {
    ["draft", "in_progress", "complete"]
        .map(str::to_owned)
        .into()
}

fn check_states(fields: &mut Fields, states: &[String]) {
    const FIELD: &str = "workflowStates";
    let count = (1..=MAX_STATES).contains(&states.len());
    fields.check(count, FIELD, "must be 1 to 50 states");
    let blank = states.iter().any(|state| is_blank(state));
    fields.check(!blank, FIELD, "must not have a blank state");
    let long = states.iter().any(|s| s.chars().count() > MAX_STATE);
    fields.check(!long, FIELD, "must have states of at most 100 characters");
    let different: HashSet<&String> = states.iter().collect();
    let repeats = different.len() < states.len();
    fields.check(!repeats, FIELD, "must not name a state twice");
}

fn one_of(states: &[String]) -> String {
    format!("must be one of the project's states: {}", states.join(", "))
}

/// The states that nodes of one project go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    states: Vec<String>,
    initial: String,
}

impl Workflow {
    /// The workflow of a project with these states and this default, if it has one.
    pub fn new(states: Vec<String>, default: Option<String>) -> Result<Self> {
        let initial = default
            .or_else(|| states.first().cloned())
            .ok_or_else(|| Error::internal("a project without workflow states"))?;
        Ok(Workflow { states, initial })
    }

    /// The state of a new node.
    pub fn initial(&self) -> &str {
        &self.initial
    }

    /// Whether there is such a state.
    pub fn has(&self, status: &str) -> bool {
        self.states.iter().any(|state| state == status)
    }

    /// Notes that `field` is wrong, and which states there are, unless `status` is one.
    pub fn check(&self, fields: &mut Fields, field: &str, status: &str) {
        fields.check(self.has(status), field, one_of(&self.states));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Code;
    use uuid::Uuid;

    fn make(new: ProjectCreate) -> Result<Project> {
        let id = ProjectId::from_uuid(Uuid::from_u128(1));
        let org = OrgId::from_uuid(Uuid::from_u128(2));
        new.make(id, org, DateTime::UNIX_EPOCH)
    }

    fn with_states(states: &[&str], default: Option<&str>) -> Result<Project> {
        make(ProjectCreate {
            name: "Bridge".into(),
            workflow_states: Some(states.iter().map(|s| (*s).to_owned()).collect()),
            settings: Some(ProjectSettings {
                default_node_status: default.map(str::to_owned),
                auto_assign_agent: false,
            }),
            ..ProjectCreate::default()
        })
    }

    fn bad_field(result: Result<Project>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.code(), Code::ValidationFailed);
        let fields = &error.details().unwrap()["fields"];
        fields[0]["field"].as_str().unwrap().to_owned()
    }

    #[test]
    fn odd_states_are_refused() {
        let long = "x".repeat(101);
        let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for states in [&[][..], &[" "], &["a", "a"], &[&long], &many] {
            assert_eq!(bad_field(with_states(states, None)), "workflowStates");
        }
    }

    #[test]
    fn the_default_must_be_one_of_the_states() {
        assert!(with_states(&["open", "done"], Some("done")).is_ok());
        assert_eq!(
            bad_field(with_states(&["open"], Some("done"))),
            "settings.defaultNodeStatus"
        );
    }

    #[test]
    fn a_change_of_states_is_held_against_the_default_that_stays() {
        let project = with_states(&["open", "done"], Some("done")).unwrap();
        let update = ProjectUpdate {
            workflow_states: Patch::Set(vec!["open".into()]),
            ..ProjectUpdate::default()
        };
        assert_eq!(
            bad_field(update.apply(project)),
            "settings.defaultNodeStatus"
        );
    }

    #[test]
    fn a_new_node_begins_in_the_default_or_else_in_the_first_state() {
        let states = || vec!["open".to_owned(), "done".to_owned()];
        let by_default = Workflow::new(states(), Some("done".into())).unwrap();
        assert_eq!(by_default.initial(), "done");
        assert_eq!(Workflow::new(states(), None).unwrap().initial(), "open");
    }

    #[test]
    fn lost_states_are_those_that_the_change_leaves_out() {
        let before = with_states(&["a", "b", "c"], None).unwrap();
        let after = with_states(&["c", "d", "a"], None).unwrap();
        assert_eq!(before.states_lost_in(&after), ["b"]);
    }
}
