//! Entries of the audit log as clients read them; `access::audit` writes them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::kernel::{AuditId, ExecutionId, OrgId, Result, UserId, field::Fields};

/// Characters of an action or a kind of thing at most.
const MAX_WORD: usize = 100;

/// Who did it. Absent from the entry once the user was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditActor {
    /// The person, also when an agent did it on their behalf.
    pub id: UserId,
    /// Their address at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<String>,
}

/// One entry of an organization's audit log.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// Whose log it is in.
    pub org_id: OrgId,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub actor: Option<AuditActor>,
    /// The execution that did it, when an agent did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub execution_id: Option<ExecutionId>,
    /// What was done, such as `node.update`.
    pub action: String,
    /// To what kind of thing.
    pub resource_type: String,
    /// To which one; of a member this is the user, of a project's member the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resource_id: Option<Uuid>,
    /// What changed, as it was, in brief.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub before: Option<Value>,
    /// What changed, as it is since, in brief.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub after: Option<Value>,
    /// The request's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<String>,
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ip: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// The filters of the audit log, as they come in the query string.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only what this user did, or agents on their behalf.
    #[param(value_type = Option<UserId>, nullable = false)]
    pub actor: Option<String>,
    /// Only this action, such as `node.update`.
    #[param(nullable = false, max_length = 100)]
    pub action: Option<String>,
    /// Only things of this kind, such as `node`.
    #[param(nullable = false, max_length = 100)]
    pub resource_type: Option<String>,
    /// Only this thing.
    #[param(value_type = Option<Uuid>, nullable = false)]
    pub resource_id: Option<String>,
    /// Only from this time on (RFC 3339).
    #[param(value_type = Option<DateTime<Utc>>, nullable = false)]
    pub since: Option<String>,
    /// Only before this time (RFC 3339).
    #[param(value_type = Option<DateTime<Utc>>, nullable = false)]
    pub until: Option<String>,
}

/// Checked filters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only what this user did.
    pub actor: Option<UserId>,
    /// Only this action.
    pub action: Option<String>,
    /// Only things of this kind.
    pub resource_type: Option<String>,
    /// Only this thing.
    pub resource_id: Option<Uuid>,
    /// Only from this time on.
    pub since: Option<DateTime<Utc>>,
    /// Only before this time.
    pub until: Option<DateTime<Utc>>,
}

impl AuditQuery {
    /// Checks and parses every filter.
    pub fn parse(self) -> Result<AuditFilter> {
        let mut fields = Fields::default();
        let filter = AuditFilter {
            actor: parsed(&mut fields, "actor", self.actor),
            action: word(&mut fields, "action", self.action),
            resource_type: word(&mut fields, "resourceType", self.resource_type),
            resource_id: parsed(&mut fields, "resourceId", self.resource_id),
            since: parsed(&mut fields, "since", self.since),
            until: parsed(&mut fields, "until", self.until),
        };
        fields.finish()?;
        Ok(filter)
    }
}

fn given(text: Option<String>) -> Option<String> {
    text
}

fn parsed<T>(fields: &mut Fields, field: &str, text: Option<String>) -> Option<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    given(text).and_then(|text| fields.take(field, text.parse()))
}

fn word(fields: &mut Fields, field: &str, text: Option<String>) -> Option<String> {
    let text = given(text)?;
    fields.length(field, &text, 0, MAX_WORD);
    let nul = text.contains('\0');
    fields.check(!nul, field, "must not contain the NUL character");
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_filter_is_named_also_a_blank_one() {
        let odd = || Some("odd".to_owned());
        let query = AuditQuery {
            actor: odd(),
            action: Some("a\0".into()),
            resource_type: Some("x".repeat(101)),
            resource_id: odd(),
            since: odd(),
            until: odd(),
        };
        let error = query.parse().unwrap_err();
        let fields = error.details().unwrap()["fields"].as_array().unwrap();
        assert_eq!(fields.len(), 6, "{error}");
        let blank = AuditQuery {
            actor: Some(String::new()),
            ..AuditQuery::default()
        };
        let error = blank.parse().unwrap_err();
        let fields = &error.details().unwrap()["fields"];
        assert_eq!(fields[0]["field"], "actor", "{fields}");
    }
}
