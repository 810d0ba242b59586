//! From a template to the nodes that it makes: which, under which, with what.
//!
//! Pure: the templates that the first one leads to are given. Their number, and how deep
//! they lie in each other, is bounded, because templates that name templates that name
//! templates grow by their product.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::{InputSlot, OutputSlot, Template, settings::AgentSettings};
use crate::{
    kernel::{Code, Error, Result, TemplateId},
    nodes::model::AuthorType,
};

/// Nodes that one application of a template makes at most.
pub const MAX_NODES: usize = 100;
/// Levels of the tree that it makes at most.
pub const MAX_LEVELS: usize = 10;

/// The nodes to make; each comes after the one it is under.
pub type Plan<'a> = Vec<Planned<'a>>;

/// One node to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned<'a> {
    /// Its place in the plan's list of the node that it is under; the first has none.
    pub under: Option<usize>,
    /// Its title.
    pub title: &'a str,
    /// Who does its work.
    pub author_type: AuthorType,
    /// The template that fills it; a sub-node may have none.
    pub template: Option<&'a Template>,
}

impl<'a> Planned<'a> {
    /// What it works from.
    pub fn inputs(&self) -> &'a [InputSlot] {
        self.template
            .map_or(&[], |template| &template.structure.inputs)
    }

    /// What is to come of it.
    pub fn outputs(&self) -> &'a [OutputSlot] {
        self.template
            .map_or(&[], |template| &template.structure.outputs)
    }

    /// How an agent is run on it.
    pub fn agent_config(&self) -> Option<&'a AgentSettings> {
        let settings = self.template.map(|template| &template.agent_config);
        settings.filter(|settings| !settings.is_empty())
    }
}

/// The nodes that `root` makes; `known` has every template that it leads to.
///
/// # Errors
/// [`Code::DependencyCycle`] when a template leads to itself, with `details.path`;
/// [`Code::Unprocessable`] when one is not known, or when there would be too many nodes
/// or levels.
pub fn plan<'a>(
    root: &'a Template,
    title: &'a str,
    known: &'a HashMap<TemplateId, Template>,
) -> Result<Plan<'a>> {
    refuse_cycle(root, known, &mut Vec::new(), &mut HashSet::new())?;
    let has_agent = !root.agent_config.is_empty();
    let mut plan = vec![Planned {
        under: None,
        title,
        author_type: if has_agent {
            AuthorType::Agent
        } else {
            AuthorType::Human
        },
        template: Some(root),
    }];
    add_sub_nodes(&mut plan, root, 2, known)?;
    Ok(plan)
}

/// Adds the sub-nodes of the plan's last node, which `template` fills, at `level`.
fn add_sub_nodes<'a>(
    plan: &mut Plan<'a>,
    template: &'a Template,
    level: usize,
    known: &'a HashMap<TemplateId, Template>,
) -> Result<()> {
    let under = plan.len().checked_sub(1);
    for sub in &template.structure.sub_nodes {
        if level > MAX_LEVELS {
            return Err(too_much("levels", MAX_LEVELS));
        }
        if plan.len() >= MAX_NODES {
            return Err(too_much("nodes", MAX_NODES));
        }
        let inner = sub.template_id.map(|id| find(known, id)).transpose()?;
        plan.push(Planned {
            under,
            title: &sub.title,
            author_type: sub.author_type,
            template: inner,
        });
        if let Some(inner) = inner {
            add_sub_nodes(plan, inner, level + 1, known)?;
        }
    }
    Ok(())
}

/// Looks at each template once, so this ends however they are tangled; `path` is the way
/// from the root to `template`.
fn refuse_cycle(
    template: &Template,
    known: &HashMap<TemplateId, Template>,
    path: &mut Vec<TemplateId>,
    done: &mut HashSet<TemplateId>,
) -> Result<()> {
    if let Some(first) = path.iter().position(|id| *id == template.id) {
        let mut cycle = path.split_off(first);
        cycle.push(template.id);
        return Err(Error::new(
            Code::DependencyCycle,
            "A template's sub-nodes lead back to the template itself.",
        )
        .with_details(json!({ "path": cycle })));
    }
    if !done.insert(template.id) {
        return Ok(());
    }
    path.push(template.id);
    for id in template.references() {
        refuse_cycle(find(known, id)?, known, path, done)?;
    }
    path.pop();
    Ok(())
}

fn find(known: &HashMap<TemplateId, Template>, id: TemplateId) -> Result<&Template> {
    known.get(&id).ok_or_else(|| {
        Error::new(
            Code::Unprocessable,
            "A sub-node names a template that is not there or that you have no access to.",
        )
        .with_details(json!({ "templateId": id }))
    })
}

fn too_much(what: &str, most: usize) -> Error {
    Error::new(
        Code::Unprocessable,
        format!("A template makes at most {most} {what}, with those of the templates in it."),
    )
    .with_details(json!({ "limit": what, "maximum": most }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::model::{Structure, SubNode};
    use chrono::DateTime;
    use uuid::Uuid;

    fn id(n: u128) -> TemplateId {
        TemplateId::from_uuid(Uuid::from_u128(n))
    }

    /// A template whose sub-nodes name these others; 0 names none.
    fn template(n: u128, subs: &[u128]) -> Template {
        let sub = |n: &u128| SubNode {
            title: format!("part {n}"),
            author_type: AuthorType::Human,
            template_id: (*n > 0).then(|| id(*n)),
        };
        Template {
            id: id(n),
            org_id: None,
            name: format!("template {n}"),
            description: None,
            structure: Structure {
                sub_nodes: subs.iter().map(sub).collect(),
                ..Structure::default()
            },
            agent_config: AgentSettings::default(),
            is_public: false,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            created_by: None,
        }
    }

    fn known(templates: impl IntoIterator<Item = Template>) -> HashMap<TemplateId, Template> {
        templates.into_iter().map(|t| (t.id, t)).collect()
    }

    #[test]
    fn nested_templates_become_one_tree() {
        let root = template(1, &[2, 0]);
        let others = known([template(2, &[3]), template(3, &[0])]);
        let plan = plan(&root, "Root", &others).unwrap();
        let seen: Vec<_> = plan.iter().map(|p| (p.under, p.title)).collect();
        let expected = [
            (None, "Root"),
            (Some(0), "part 2"),
            (Some(1), "part 3"),
            (Some(2), "part 0"),
            (Some(0), "part 0"),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_cycle_is_refused_with_its_path() {
        let root = template(1, &[2]);
        let others = known([template(2, &[3]), template(3, &[2])]);
        let error = plan(&root, "Root", &others).unwrap_err();
        assert_eq!(error.code(), Code::DependencyCycle);
        assert_eq!(
            error.details().unwrap()["path"],
            json!([id(2), id(3), id(2)])
        );
    }

    #[test]
    fn the_same_template_twice_is_no_cycle() {
        let root = template(1, &[2, 2]);
        assert_eq!(
            plan(&root, "R", &known([template(2, &[])])).unwrap().len(),
            3
        );
    }

    #[test]
    fn what_grows_by_its_product_is_refused_before_it_is_made() {
        let wide = |n| template(n, &[n + 1; 20]);
        let others = known((2..9).map(wide).chain([template(9, &[])]));
        let error = plan(&wide(1), "R", &others).unwrap_err();
        assert_eq!(error.code(), Code::Unprocessable);
        assert_eq!(error.details().unwrap()["limit"], "nodes");
    }

    #[test]
    fn a_tree_has_ten_levels_at_most() {
        let chain = |last: u128| {
            let links = (2..last).map(|n| template(n, &[n + 1]));
            known(links.chain([template(last, &[])]))
        };
        assert_eq!(plan(&template(1, &[2]), "R", &chain(10)).unwrap().len(), 10);
        let others = chain(11);
        let root = template(1, &[2]);
        let error = plan(&root, "R", &others).unwrap_err();
        assert_eq!(error.details().unwrap()["limit"], "levels");
    }

    #[test]
    fn a_template_that_is_not_known_is_named() {
        let none = HashMap::new();
        let root = template(1, &[7]);
        let error = plan(&root, "R", &none).unwrap_err();
        assert_eq!(error.details().unwrap()["templateId"], json!(id(7)));
    }
}
