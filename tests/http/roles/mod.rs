//! Every operation of the document, called by everybody, compared with the table of
//! roles. An operation without a line in `table.rs` fails here.

mod table;
mod world;

use diesel::{
    QueryableByName,
    sql_types::{Jsonb, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use glassbox::access::{Action, allows};
use serde_json::{Value, json};

use self::{
    table::About,
    world::{Access, Operation, Person, Things, operations, people, unknown},
};
use crate::{
    support::{Answer, TestApp},
    workbench::bad_fields,
};

/// Things that are never inserted.
const NOTHING: Things = Things { number: 999_999 };

/// What the table of roles says of one call.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Allowed,
    Forbidden,
    Hidden,
}

fn expected(operation: &Operation, person: &Person) -> Expected {
    let Access::Needs(action) = operation.access else {
        return match operation.line.about {
            About::Personal => Expected::Hidden,
            _ => Expected::Allowed,
        };
    };
    let Some(org) = person.org else {
        return Expected::Hidden;
    };
    let (project, sight) = match operation.line.about {
        About::Nothing | About::Personal => {
            panic!("{} is about something", operation.line.operation)
        }
        About::ListForGuests => return Expected::Allowed,
        // What lies in no project is asked for without one.
        About::Org => (None, Action::OrgRead),
        About::Project => (person.project, Action::ProjectRead),
        About::Node => (person.project, Action::NodeRead),
        About::File => (person.project, Action::FileRead),
        About::Execution => (person.project, Action::ExecutionRead),
        About::Template => (None, Action::TemplateRead),
    };
    if allows(action, org, project) {
        Expected::Allowed
    } else if allows(sight, org, project) {
        Expected::Forbidden
    } else {
        Expected::Hidden
    }
}

fn needs_token(operation: &Operation) -> bool {
    matches!(operation.access, Access::Own | Access::Needs(_))
}

/// An answer but for what differs from call to call.
fn bare(answer: &Answer) -> (u16, Value) {
    let mut body = answer.body.clone();
    if let Some(map) = body.as_object_mut() {
        map.remove("requestId");
    }
    (answer.status, body)
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Jsonb)]
    row: Value,
}

/// Every row of the tenant, and its organization.
async fn dump(conn: &mut AsyncPgConnection, things: Things) -> Vec<Value> {
    let tables: Vec<Name> = diesel::sql_query(
        "select c.relname::text as name from pg_class c \
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped \
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1",
    )
    .load(conn)
    .await
    .unwrap();
    let of_tables = tables
        .iter()
        .map(|table| format!("{} t where t.org_id", table.name));
    let mut rows = Vec::new();
    for from in of_tables.chain(["organizations t where t.id".to_owned()]) {
        let sql = format!(
            "select to_jsonb(t) as row from {from} = '{}' order by to_jsonb(t)::text",
            things.org()
        );
        let of_table: Vec<Row> = diesel::sql_query(sql).load(conn).await.unwrap();
        rows.extend(of_table.into_iter().map(|row| row.row));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_allowed_is_refused_and_nothing_changes() {
    let test = TestApp::start().await;
    let people = people(&test).await;
    let mut admin = test.database.admin().await;
    let things = Things { number: 1 }.insert(&mut admin, &people).await;
    let before = dump(&mut admin, things).await;
    assert!(before.len() > 15, "{before:?}");
    for operation in operations() {
        for person in &people {
            let name = format!("{} as {}", operation.line.operation, person.name);
            match expected(&operation, person) {
                Expected::Allowed => {}
                Expected::Forbidden => {
                    let answer = operation.call(&person.client, things).await;
                    assert_eq!(answer.status, 403, "{name}: {}", answer.text);
                    answer.expect_problem(403, "FORBIDDEN");
                }
                Expected::Hidden => {
                    let answer = operation.call(&person.client, things).await;
                    assert_eq!(answer.status, 404, "{name}: {}", answer.text);
                    answer.expect_problem(404, "NOT_FOUND");
                    // Nothing tells "not yours" from "not there".
                    let nothing = operation.call(&person.client, NOTHING).await;
                    assert_eq!(bare(&answer), bare(&nothing), "{name}");
                }
            }
        }
    }
    assert_eq!(dump(&mut admin, things).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_a_good_token_gets_anywhere() {
    let test = TestApp::start().await;
    let people = people(&test).await;
    let mut admin = test.database.admin().await;
    let things = Things { number: 1 }.insert(&mut admin, &people).await;
    let before = dump(&mut admin, things).await;
    let unknown = unknown(&test, &people.last().unwrap().user);
    for operation in operations() {
        for (name, client) in &unknown {
            let name = format!("{} with {name}", operation.line.operation);
            let answer = operation.call(client, things).await;
            match operation.access {
                Access::Open => assert!(answer.status < 400, "{name}: {}", answer.text),
                // What stands in its address is a token.
                Access::Signed if operation.line.operation == "ws_open" => {
                    answer.expect_problem(401, "UNAUTHENTICATED");
                }
                Access::Signed => answer.expect_problem(403, "SIGNATURE_INVALID"),
                Access::Own | Access::Needs(_) => {
                    assert_eq!(answer.status, 401, "{name}: {}", answer.text);
                    assert!(answer.headers.contains_key("www-authenticate"), "{name}");
                }
            }
        }
    }
    assert_eq!(dump(&mut admin, things).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_allowed_is_served() {
    let test = TestApp::start().await;
    let people = people(&test).await;
    let mut admin = test.database.admin().await;
    let mut number = 0;
    for operation in operations()
        .iter()
        .filter(|operation| needs_token(operation))
    {
        for person in &people {
            if expected(operation, person) != Expected::Allowed {
                continue;
            }
            // Fresh ones for each, since many of these operations can be done but once.
            number += 1;
            let things = Things { number }.insert(&mut admin, &people).await;
            let answer = operation.call(&person.client, things).await;
            let name = format!("{} as {}", operation.line.operation, person.name);
            // What the state does not allow (409, 422) was allowed to them.
            let served = answer.status < 300 || [409, 422].contains(&answer.status);
            // There is no lock to give back, which says 404 to who may look for it.
            let served =
                served || (operation.line.operation, answer.status) == ("lock_release", 404);
            assert!(served, "{name}: {} {}", answer.status, answer.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_and_queries_that_are_none_are_bad_fields() {
    let test = TestApp::start().await;
    let people = people(&test).await;
    let mut admin = test.database.admin().await;
    let things = Things { number: 1 }.insert(&mut admin, &people).await;
    let owner = &people.last().unwrap().client;
    for operation in operations()
        .iter()
        .filter(|operation| needs_token(operation))
    {
        let body = (operation.line.body)(&things);
        let name = operation.line.operation;
        let good = things.fill(name, &operation.path);
        for segment in operation
            .path
            .split('/')
            .filter(|part| part.starts_with('{'))
        {
            for bad in ["7", "%00", "null", "019c0000-0000-7000-8000-00000000000g"] {
                // A version is a number.
                if bad == "7" && ["{version}", "{from}", "{to}"].contains(&segment) {
                    continue;
                }
                // Only this one is bad, so that it is this one that is answered.
                let path = things.fill(name, &operation.path.replace(segment, bad));
                let answer = operation.send(owner, &path, body.clone()).await;
                assert_eq!(answer.status, 400, "{name} {path}: {}", answer.text);
                let field = segment.trim_matches(['{', '}']);
                assert_eq!(bad_fields(&answer), [field], "{name} {path}");
            }
        }
        for (parameter, value) in [
            ("limit", "0"),
            ("limit", "x"),
            ("offset", "-1"),
            ("cursor", "x"),
        ] {
            if operation.query.iter().any(|name| name == parameter) {
                let path = format!("{good}?{parameter}={value}");
                let answer = operation.send(owner, &path, body.clone()).await;
                assert_eq!(answer.status, 400, "{name} {path}: {}", answer.text);
                assert_eq!(bad_fields(&answer), [parameter], "{name} {path}");
            }
        }
    }
}

/// A body that names a thing of these.
type Naming = fn(Things) -> Value;

/// What a body may name: the operation, and the body that names a thing of `other`.
const NAMED: &[(&str, Naming)] = &[
    (
        "node_create",
        |other| json!({ "title": "x", "parentId": other.node() }),
    ),
    ("node_update", |other| json!({ "parentId": other.node() })),
    (
        "input_add",
        |other| json!({ "inputType": "file", "fileId": other.file() }),
    ),
    (
        "input_add",
        |other| json!({ "inputType": "node_reference", "sourceNodeId": other.node() }),
    ),
    (
        "output_add",
        |other| json!({ "outputType": "file", "fileId": other.file() }),
    ),
    ("template_create", |other| {
        let part = json!({ "title": "x", "authorType": "human", "templateId": other.template() });
        json!({ "orgId": Things { number: 1 }.org(), "name": "x", "structure": { "subNodes": [part] } })
    }),
    ("template_update", |other| {
        let part = json!({ "title": "x", "authorType": "human", "templateId": other.template() });
        json!({ "structure": { "subNodes": [part] } })
    }),
    (
        "template_create",
        |other| json!({ "orgId": other.org(), "name": "x" }),
    ),
    (
        "template_apply",
        |other| json!({ "projectId": other.project() }),
    ),
    (
        "template_apply",
        |other| json!({ "projectId": Things { number: 1 }.project(), "parentId": other.node() }),
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_another_organization_has_is_not_there_in_bodies_either() {
    let test = TestApp::start().await;
    let people = people(&test).await;
    let mut admin = test.database.admin().await;
    let (strangers, own) = people.split_at(1);
    let things = Things { number: 1 }.insert(&mut admin, own).await;
    let theirs = Things { number: 2 }.insert(&mut admin, strangers).await;
    let owner = people.last().unwrap();
    let before = dump(&mut admin, things).await;
    let all = operations();
    let find = |name: &str| {
        all.iter()
            .find(|operation| operation.line.operation == name)
            .unwrap()
    };
    for (name, body) in NAMED {
        let operation = find(name);
        let path = things.fill(name, &operation.path);
        let foreign = operation.send(&owner.client, &path, body(theirs)).await;
        let nothing = operation.send(&owner.client, &path, body(NOTHING)).await;
        assert!(
            [400, 404].contains(&foreign.status),
            "{name}: {}",
            foreign.text
        );
        assert_eq!(bare(&foreign), bare(&nothing), "{name}");
    }
    // A person is named by what they are to the organization, and there are others.
    for (name, path) in [
        ("node_create", "/projects/{projectId}/nodes"),
        ("node_update", "/nodes/{nodeId}"),
    ] {
        let operation = find(name);
        let path = things.fill(name, path);
        let body = |id: &str| json!({ "title": "x", "supervisorUserId": id });
        let foreign = operation
            .send(&owner.client, &path, body(&strangers[0].user))
            .await;
        let nothing = operation
            .send(&owner.client, &path, body(&NOTHING.node()))
            .await;
        assert_eq!(bad_fields(&foreign), ["supervisorUserId"]);
        assert_eq!(bare(&foreign), bare(&nothing), "{name}");
    }
    assert_eq!(dump(&mut admin, things).await, before);
}
