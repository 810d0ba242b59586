//! Proof that the rules catch what they are for: small files that break them.

use crate::{
    rules::{self, Breach},
    source::Source,
};

fn found(rule: fn(&Source) -> Vec<Breach>, path: &str, text: &str) -> usize {
    rule(&Source::read(path, text)).len()
}

#[test]
fn an_import_of_an_upper_layer_is_found_however_it_is_written() {
    for text in [
        "use crate::nodes::ops::node_get;",
        "use crate::{kernel::Id, nodes::{model::Node, ops}};",
        "use super::super::nodes::model::Node;",
        "fn f() { crate::nodes::ops::node_get(); }",
        "fn f() { tell!(crate::nodes::ops::node_get); }",
        "#[derive(crate::nodes::model::Derive)] struct S;",
        "type T = Option<crate::nodes::model::Node>;",
    ] {
        assert!(found(rules::layers, "projects/ops.rs", text) > 0, "{text}");
        assert_eq!(found(rules::layers, "files/ops.rs", text), 0, "{text}");
    }
}

#[test]
fn a_module_without_a_place_in_the_table_is_found() {
    assert_eq!(found(rules::layers, "billing/mod.rs", ""), 1);
}

#[test]
fn modules_of_one_layer_know_nothing_of_each_other() {
    let text = "use crate::ingest::worker;";
    assert_eq!(found(rules::layers, "agent/worker.rs", text), 1);
}

#[test]
fn a_comment_is_no_import() {
    let text = "//! See [`crate::agent`].\n/// And crate::server too.\nfn f() {}";
    assert_eq!(found(rules::layers, "nodes/ops.rs", text), 0);
}

#[test]
fn the_inside_of_another_slice_is_closed() {
    let reach_in = "use crate::nodes::store; fn f() { store::get(); }";
    assert!(found(rules::slices, "files/ops.rs", reach_in) > 0);
    // Also by way of a name that stands for the slice.
    let by_name = "use crate::nodes; fn f() { nodes::store::get(); }";
    assert_eq!(found(rules::slices, "files/ops.rs", by_name), 1);
    let by_macro = "use crate::nodes; routes! { get nodes::store::get }";
    assert_eq!(found(rules::slices, "server/routes.rs", by_macro), 1);
    let by_export = "use crate::nodes::Node;";
    assert_eq!(found(rules::slices, "files/ops.rs", by_export), 1);
}

#[test]
fn operations_model_and_the_two_doors_are_open() {
    let text = "use crate::nodes::{model::Node, ops};";
    assert_eq!(found(rules::slices, "files/ops.rs", text), 0);
    let api = "use crate::nodes; routes! { get nodes::api::node_get }";
    assert_eq!(found(rules::slices, "server/routes.rs", api), 0);
    assert_eq!(found(rules::slices, "agent/worker.rs", api), 1);
    let journal = "use crate::executions::journal::append;";
    assert_eq!(found(rules::slices, "agent/driver.rs", journal), 0);
    assert_eq!(found(rules::slices, "search/ops.rs", journal), 1);
}

#[test]
fn a_slice_runs_from_api_to_ops_to_store() {
    for (file, text) in [
        ("nodes/api.rs", "use super::store;"),
        ("nodes/model.rs", "use super::ops;"),
        ("nodes/store.rs", "use super::ops::covers;"),
        ("nodes/store/graph.rs", "use super::super::ops::covers;"),
        ("nodes/ops/create.rs", "use crate::nodes::api::Body;"),
        ("executions/journal.rs", "use super::api::Body;"),
        (
            "executions/store/head.rs",
            "use super::super::journal::Totals;",
        ),
    ] {
        assert_eq!(found(rules::roles, file, text), 1, "{file}: {text}");
    }
    for (file, text) in [
        ("nodes/api.rs", "use super::{model::Node, ops};"),
        (
            "nodes/ops/create.rs",
            "use super::super::{model, store}; use super::news;",
        ),
        (
            "nodes/store/graph.rs",
            "use super::Row; use crate::nodes::model::Node;",
        ),
        ("executions/journal.rs", "use super::{chain, store};"),
    ] {
        assert_eq!(found(rules::roles, file, text), 0, "{file}: {text}");
    }
}

#[test]
fn a_library_outside_its_place_is_found() {
    for (file, text) in [
        ("nodes/ops.rs", "use diesel::prelude::*;"),
        ("nodes/model.rs", "#[derive(diesel::Queryable)] struct Row;"),
        (
            "nodes/ops.rs",
            "fn f() -> Result<(), ::diesel::result::Error> { Ok(()) }",
        ),
        ("nodes/ops.rs", "use actix_web::HttpResponse;"),
        ("agent/tools.rs", "use reqwest as client;"),
        ("web/caller.rs", "use biscuit_auth::Biscuit;"),
    ] {
        assert!(found(rules::crates, file, text) > 0, "{file}: {text}");
    }
    for (file, text) in [
        ("nodes/store/graph.rs", "use diesel::prelude::*;"),
        ("platform/queue/store.rs", "use diesel::prelude::*;"),
        ("nodes/api.rs", "use actix_web::HttpResponse;"),
        ("access/token.rs", "use biscuit_auth::Biscuit;"),
        // A name of ours that only looks like a library's.
        ("nodes/ops.rs", "fn diesel() {} fn f() { diesel(); }"),
    ] {
        assert_eq!(found(rules::crates, file, text), 0, "{file}: {text}");
    }
}

#[test]
fn an_empty_name_and_a_missing_introduction_are_found() {
    assert_eq!(found(rules::names, "nodes/utils.rs", ""), 1);
    assert_eq!(found(rules::names, "common/mod.rs", ""), 1);
    assert_eq!(found(rules::names, "nodes/graph.rs", ""), 0);
    assert_eq!(
        found(rules::introductions, "nodes/graph.rs", "fn f() {}"),
        1
    );
    assert_eq!(
        found(rules::introductions, "nodes/graph.rs", "//! Graphs."),
        0
    );
}

#[test]
fn a_long_function_and_a_long_file_are_found() {
    let lines = |count: usize| "    step();\n".repeat(count);
    let function = |count| format!("fn long() {{\n{}}}\n", lines(count));
    let method = |count| {
        format!(
            "struct S;\nimpl S {{\nfn long() {{\n{}}}\n}}\n",
            lines(count)
        )
    };
    assert_eq!(found(rules::lengths, "nodes/ops.rs", &function(98)), 0);
    assert_eq!(found(rules::lengths, "nodes/ops.rs", &function(99)), 1);
    assert_eq!(found(rules::lengths, "nodes/ops.rs", &method(99)), 1);
    let file = "// a line\n".repeat(501);
    assert_eq!(found(rules::lengths, "nodes/ops.rs", &file), 1);
    assert_eq!(found(rules::lengths, "platform/db/schema.rs", &file), 0);
}
