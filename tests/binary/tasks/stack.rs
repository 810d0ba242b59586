//! Which variables the stacks on AWS give to the task of each role, read from
//! `deploy/cdk/lib/roles.ts`, so that nobody has to keep a second list of them.

use std::collections::{BTreeMap, BTreeSet};

const ROLES: &str = include_str!("../../../deploy/cdk/lib/roles.ts");
/// What the names of variables begin with; those without our prefix are for
/// `deploy/image/start.sh`.
const PREFIXES: [&str; 3] = ["GLASSBOX_", "DATABASE_", "REDIS_"];

/// The names that the function `role` of the stack sets, itself or through others there.
pub fn variables(role: &str) -> BTreeSet<&'static str> {
    let functions = functions();
    let (mut names, mut open, mut seen) = (BTreeSet::new(), vec![role], BTreeSet::new());
    while let Some(function) = open.pop() {
        if !seen.insert(function) {
            continue;
        }
        let body = functions[function];
        let words = body.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_');
        for word in words {
            if let Some(name) = word.strip_suffix(':')
                && PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            {
                names.insert(name);
            }
            if let Some(called) = word.strip_suffix('(')
                && functions.contains_key(called)
            {
                open.push(called);
            }
        }
    }
    names
}

/// The functions of the file and their text.
fn functions() -> BTreeMap<&'static str, &'static str> {
    let rest = ROLES.split("function ").skip(1);
    rest.filter_map(|text| text.split_once('(')).collect()
}

#[test]
fn what_a_role_is_given_is_found_in_the_functions_that_it_calls() {
    let file_worker = variables("fileWorker");
    assert!(file_worker.contains("GLASSBOX_ENV") && file_worker.contains("DATABASE_APP_PASSWORD"));
    assert!(!file_worker.contains("REDIS_HOST") && !file_worker.contains("GLASSBOX_VAULT__KEY"));
    assert!(variables("serve").len() > file_worker.len());
    assert!(variables("migrate").contains("DATABASE_OWNER_PASSWORD"));
}
