//! What a run may do with its tools: allowed, denied, or asked for.
//!
//! Rules come from the organization's `agentPolicies` and from the node's
//! `metadata.agentConfig.policies`. All that match a call are heard and the strictest
//! decides, so a node can only tighten what its organization allows. A rule that can't be
//! understood denies everything: it was meant to forbid something.

use serde::Deserialize;
use serde_json::Value;

use crate::kernel::objects;

/// What a rule, or all of them together, say of a call. Later is stricter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It may be made.
    Allow,
    /// A person must agree first; why.
    Ask(String),
    /// It may not be made; why.
    Deny(String),
}

/// One rule, as settings write it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    /// A tool's name, or `*` for every one.
    action: String,
    #[serde(default)]
    allowed: Option<bool>,
    #[serde(default)]
    requires_approval: Option<bool>,
    /// So many calls in a run need no approval; more do.
    #[serde(default)]
    max_without_approval: Option<u32>,
    /// The rule is about calls whose arguments are so, all of them.
    #[serde(default)]
    when: Option<Vec<Condition>>,
}

/// Something that is true of a call's arguments or not.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Condition {
    /// Where the argument is: a JSON pointer such as `/title`.
    argument: String,
    /// It is one of these.
    #[serde(default)]
    one_of: Option<Vec<Value>>,
    /// It is a text that contains this one, in whatever case.
    #[serde(default)]
    contains: Option<String>,
    /// It is a number above this one.
    #[serde(default)]
    above: Option<f64>,
}

/// All rules that hold for a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    rules: Vec<Rule>,
    /// Why nothing is allowed: rules that can't be understood.
    broken: Option<String>,
}

impl Policy {
    /// The rules of several lists, each absent or `null` when there are none.
    pub fn of<'a>(lists: impl IntoIterator<Item = (&'static str, Option<&'a Value>)>) -> Self {
        let mut policy = Policy::default();
        for (whose, list) in lists {
            let Some(list) = list.filter(|list| !list.is_null()) else {
                continue;
            };
            match objects::read::<Vec<Rule>>(list.clone()) {
                Ok(rules) => policy.rules.extend(rules),
                Err(error) => {
                    let why = format!("The agent policies of the {whose} can't be read: {error}.");
                    policy.broken = Some(why);
                }
            }
        }
        policy
    }

    /// What the rules say of a call of `tool`, which was called `before` times in this run.
    pub fn verdict(&self, tool: &str, arguments: &Value, before: u32) -> Verdict {
        if let Some(why) = &self.broken {
            return Verdict::Deny(why.clone());
        }
        let matching = self
            .rules
            .iter()
            .filter(|rule| rule.is_about(tool, arguments));
        matching
            .map(|rule| rule.verdict(tool, before))
            .max()
            .unwrap_or(Verdict::Allow)
    }
}

impl Rule {
    fn is_about(&self, tool: &str, arguments: &Value) -> bool {
        (self.action == "*" || self.action == tool)
            && self
                .when
                .iter()
                .flatten()
                .all(|condition| condition.holds(arguments))
    }

    fn verdict(&self, tool: &str, before: u32) -> Verdict {
        if self.allowed == Some(false) {
            return Verdict::Deny(format!("A policy does not allow {tool} here."));
        }
        if let Some(most) = self.max_without_approval {
            return if before >= most {
                Verdict::Ask(format!(
                    "A policy asks for approval after {most} calls of {tool}."
                ))
            } else {
                Verdict::Allow
            };
        }
        if self.requires_approval == Some(true) {
            return Verdict::Ask(format!("A policy asks for approval of {tool}."));
        }
        Verdict::Allow
    }
}

impl Condition {
    fn holds(&self, arguments: &Value) -> bool {
        let Some(value) = arguments.pointer(&self.argument) else {
            return false;
        };
        let listed = self.one_of.as_ref().is_none_or(|list| list.contains(value));
        let contained = self.contains.as_ref().is_none_or(|part| {
            let text = value.as_str().map(str::to_lowercase);
            text.is_some_and(|text| text.contains(&part.to_lowercase()))
        });
        let above = self
            .above
            .is_none_or(|least| value.as_f64().is_some_and(|number| number > least));
        listed && contained && above
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(organization: Value, node: Value) -> Policy {
        Policy::of([("organization", Some(&organization)), ("node", Some(&node))])
    }

    fn asks(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Ask(_))
    }

    #[test]
    fn what_no_rule_is_about_is_allowed() {
        let policy = policy(
            json!([{ "action": "add_output", "allowed": false }]),
            json!(null),
        );
        let verdict = policy.verdict("read_input", &json!({}), 0);
        assert_eq!(verdict, Verdict::Allow);
    }

    #[test]
    fn a_node_tightens_and_never_widens() {
        let strict = json!([{ "action": "add_output", "allowed": false }]);
        let lax = json!([{ "action": "add_output", "allowed": true }]);
        for policy in [policy(strict.clone(), lax.clone()), policy(lax, strict)] {
            let verdict = policy.verdict("add_output", &json!({}), 0);
            assert!(matches!(verdict, Verdict::Deny(_)), "{verdict:?}");
        }
    }

    #[test]
    fn more_than_so_many_calls_need_approval() {
        let policy = policy(
            json!([{ "action": "create_subnode", "maxWithoutApproval": 3.0 }]),
            json!(null),
        );
        let verdict = |before| policy.verdict("create_subnode", &json!({}), before);
        assert_eq!(verdict(2), Verdict::Allow);
        assert!(asks(&verdict(3)));
    }

    #[test]
    fn a_rule_may_be_about_certain_arguments() {
        let rule = json!([{
            "action": "*", "requiresApproval": true,
            "when": [{ "argument": "/title", "contains": "Invoice" }, { "argument": "/usd", "above": 10 }]
        }]);
        let policy = policy(rule, json!(null));
        let verdict = |arguments| policy.verdict("pay", &arguments, 0);
        assert!(asks(&verdict(json!({ "title": "an invoice", "usd": 11 }))));
        for other in [
            json!({ "title": "an invoice", "usd": 10 }),
            json!({ "title": "x", "usd": 11 }),
            json!({ "usd": 11 }),
        ] {
            assert_eq!(verdict(other), Verdict::Allow);
        }
    }

    #[test]
    fn rules_that_nobody_understands_deny_everything() {
        for broken in [
            json!({}),
            json!([{ "action": "x", "allow": false }]),
            json!([3]),
        ] {
            let policy = policy(json!(null), broken);
            let verdict = policy.verdict("read_input", &json!({}), 0);
            assert!(matches!(verdict, Verdict::Deny(_)), "{verdict:?}");
        }
    }
}
