//! The whole table of roles as a literal, so that a change of it is seen in review.

use super::*;
use crate::kernel::text::TextEnum;

/// Columns: the role in the organization (owner, admin, member, guest), each
/// without a role in the project and then as its viewer, editor and admin.
const TABLE: &str = "\
                       owner admin member guest
                       -vea  -vea  -vea  -vea
org.create             yyyy  ....  ....  ....
org.read               yyyy  yyyy  yyyy  yyyy
org.update             yyyy  yyyy  ....  ....
org.delete             yyyy  ....  ....  ....
member.read            yyyy  yyyy  yyyy  ....
member.add             yyyy  yyyy  ....  ....
member.update          yyyy  yyyy  ....  ....
member.remove          yyyy  yyyy  ....  ....
member.leave           yyyy  yyyy  yyyy  yyyy
audit.read             yyyy  yyyy  yyyy  ....
usage.read             yyyy  yyyy  yyyy  ....
token.manage           yyyy  yyyy  ....  ....
template.read          yyyy  yyyy  yyyy  ....
template.write         yyyy  yyyy  ....  ....
search                 yyyy  yyyy  yyyy  .yyy
project.create         yyyy  yyyy  yyyy  ....
project.read           yyyy  yyyy  yyyy  .yyy
project.update         yyyy  yyyy  ...y  ...y
project.delete         yyyy  yyyy  ...y  ....
project_member.read    yyyy  yyyy  yyyy  .yyy
project_member.manage  yyyy  yyyy  ...y  ...y
project_member.leave   yyyy  yyyy  yyyy  .yyy
node.create            yyyy  yyyy  yyyy  ..yy
node.read              yyyy  yyyy  yyyy  .yyy
node.update            yyyy  yyyy  yyyy  ..yy
node.delete            yyyy  yyyy  yyyy  ..yy
node.lock              yyyy  yyyy  yyyy  ..yy
node.lock_break        yyyy  yyyy  ...y  ...y
input.add              yyyy  yyyy  yyyy  ..yy
input.remove           yyyy  yyyy  yyyy  ..yy
output.add             yyyy  yyyy  yyyy  ..yy
output.remove          yyyy  yyyy  yyyy  ..yy
file.create            yyyy  yyyy  yyyy  ..yy
file.read              yyyy  yyyy  yyyy  .yyy
file.delete            yyyy  yyyy  yyyy  ..yy
file.reprocess         yyyy  yyyy  yyyy  ..yy
execution.start        yyyy  yyyy  yyyy  ..yy
execution.read         yyyy  yyyy  yyyy  .yyy
execution.control      yyyy  yyyy  yyyy  ..yy
execution.input        yyyy  yyyy  yyyy  ..yy
execution.fork         yyyy  yyyy  yyyy  ..yy
";

const IN_PROJECT: [Option<ProjectRole>; 4] = [
    None,
    Some(ProjectRole::Viewer),
    Some(ProjectRole::Editor),
    Some(ProjectRole::Admin),
];

fn printed() -> String {
    let mut out: String = TABLE
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect();
    for &action in Action::ALL {
        let cells: Vec<String> = OrgRole::ALL
            .iter()
            .map(|&org| {
                let cell = |project| {
                    if allows(action, org, project) {
                        'y'
                    } else {
                        '.'
                    }
                };
                IN_PROJECT.into_iter().map(cell).collect()
            })
            .collect();
        out.push_str(&format!("{:<23}{}\n", action.as_str(), cells.join("  ")));
    }
    out
}

#[test]
fn the_table_of_roles_is_as_reviewed() {
    let printed = printed();
    assert_eq!(printed, TABLE, "the table is now:\n{printed}");
}

#[test]
fn a_role_in_a_project_counts_only_for_actions_of_a_project() {
    for &action in Action::ALL {
        let counts = OrgRole::ALL.iter().any(|&org| {
            IN_PROJECT
                .iter()
                .any(|&project| allows(action, org, project) != allows(action, org, None))
        });
        assert_eq!(counts, action.level() == Level::Project, "{action}");
    }
}

#[test]
fn a_more_powerful_role_never_allows_less() {
    for &action in Action::ALL {
        for project in IN_PROJECT {
            let allowed: Vec<bool> = OrgRole::ALL
                .iter()
                .map(|&org| allows(action, org, project))
                .collect();
            assert!(allowed.is_sorted_by(|a, b| a >= b), "{action} {project:?}");
        }
        for &org in OrgRole::ALL {
            let allowed: Vec<bool> = IN_PROJECT
                .iter()
                .map(|&project| allows(action, org, project))
                .collect();
            assert!(allowed.is_sorted(), "{action} {org}");
        }
    }
}

#[test]
fn only_owners_make_and_unmake_owners() {
    let manages = |actor| -> Vec<OrgRole> {
        OrgRole::ALL
            .iter()
            .copied()
            .filter(|&subject| may_manage(actor, subject))
            .collect()
    };
    assert_eq!(manages(OrgRole::Owner), OrgRole::ALL);
    assert_eq!(
        manages(OrgRole::Admin),
        [OrgRole::Admin, OrgRole::Member, OrgRole::Guest]
    );
    assert_eq!(manages(OrgRole::Member), []);
    assert_eq!(manages(OrgRole::Guest), []);
}

#[test]
fn every_action_has_a_phrase_of_its_own() {
    let mut seen = std::collections::HashSet::new();
    for action in Action::ALL {
        assert!(seen.insert(action.phrase()), "{action}");
    }
}
