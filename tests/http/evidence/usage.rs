//! What executions used, summed up.

use glassbox::platform::llm::Message;
use serde_json::{Value, json};

use super::{diligent, run, start, work};
use crate::support::model::Scripted;

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_unknown_costs_are_summed_up_by_each_grouping() {
    let run = run(diligent()).await;
    let path = |by: &str| format!("/orgs/{}/usage?groupBy={by}", run.org);
    // The scripted model has no price: three calls of 100 and 10 tokens each.
    let sum = json!({ "executions": 1, "calls": 3, "tokensIn": 300, "tokensOut": 30,
                      "costUsd": 0.0, "costUnknownCalls": 3 });
    let node = run
        .ada
        .get(&format!("/nodes/{}", run.node))
        .await
        .expect(200);
    let day = run.get(&run.id).await["completedAt"].as_str().unwrap()[..10].to_owned();
    for (by, key, name) in [
        ("project", node["projectId"].clone(), json!("Project")),
        ("node", json!(run.node), json!("A task")),
        ("model", json!("script/ed"), Value::Null),
        ("day", json!(day), Value::Null),
    ] {
        let usage = run.ada.get(&path(by)).await.expect(200);
        assert_eq!(usage["groupBy"], by);
        assert_eq!(usage["totals"], sum, "{usage}");
        assert_eq!(usage["truncated"], false);
        let groups = usage["data"].as_array().unwrap();
        assert_eq!(groups.len(), 1, "{usage}");
        assert_eq!((&groups[0]["key"], &groups[0]["name"]), (&key, &name));
        for (field, value) in sum.as_object().unwrap() {
            assert_eq!(&groups[0][field], value, "{by} {field}");
        }
    }
    let all = run.ada.get(&format!("/orgs/{}/usage", run.org)).await;
    assert_eq!(all.expect(200)["groupBy"], "day");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_costs_are_told_apart_and_only_the_time_that_is_asked_for_counts() {
    let run = run(diligent()).await;
    run.test
        .database
        .execute(
            "update agent_trace_events set cost_micros = 1250000 \
             where event_type = 'llm_call' and sequence_number = 2; \
             update agent_trace_events set occurred_at = '2025-12-31T23:59:59.999Z' \
             where event_type = 'llm_call' and sequence_number = 2; \
             update agent_trace_events set occurred_at = '2026-01-01T00:00:00Z' \
             where event_type = 'llm_call' and sequence_number = 4",
        )
        .await;
    let ask = async |from: &str, to: &str| {
        let path = format!("/orgs/{}/usage?from={from}&to={to}", run.org);
        run.ada.get(&path).await.expect(200)
    };
    let both = ask("2025-12-01T00:00:00Z", "2026-02-01T00:00:00Z").await;
    let days: Vec<_> = both["data"].as_array().unwrap().iter().collect();
    assert_eq!(days[0]["key"], "2025-12-31");
    assert_eq!(days[1]["key"], "2026-01-01");
    assert_eq!(both["totals"]["executions"], 1, "once, though on two days");
    assert_eq!(both["totals"]["costUsd"], 1.25);
    assert_eq!(both["totals"]["costUnknownCalls"], 1);
    let one = ask("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z").await;
    assert_eq!(one["totals"]["calls"], 1);
    let none = ask("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z").await;
    assert_eq!(
        (&none["data"], &none["totals"]["calls"]),
        (&json!([]), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_is_charged_for_its_own_calls_only() {
    let run = run(diligent()).await;
    let last = Scripted::new(|request| {
        assert!(matches!(
            request.messages.last(),
            Some(Message::Tool { .. })
        ));
        Ok(crate::support::model::call(
            "mark_complete",
            r#"{"summary":"s"}"#,
        ))
    });
    let test = run.test;
    let test = test.with_model(last);
    let path = format!("/executions/{}/fork", run.id);
    run.ada
        .post(&path, json!({ "afterSequence": 5 }))
        .await
        .expect(201);
    work(&test).await;
    let path = format!("/orgs/{}/usage", run.org);
    let usage = run.ada.get(&path).await.expect(200);
    assert_eq!(usage["totals"]["calls"], 4);
    assert_eq!(usage["totals"]["executions"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_are_refused_and_others_see_nothing() {
    let run = run(diligent()).await;
    let path = format!("/orgs/{}/usage", run.org);
    for (query, field) in [
        ("from=yesterday", "from"),
        ("to=2026-01-28", "to"),
        ("groupBy=user", "groupBy"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
    ] {
        let refused = run.ada.get(&format!("{path}?{query}")).await;
        refused.expect_problem(400, "VALIDATION_FAILED");
        let fields = &refused.body["details"]["fields"];
        assert_eq!(fields[0]["field"], field, "{query}");
    }
    let eve = run.test.user("eve").await;
    let (eves, project) = eve.workspace("eves").await;
    eve.get(&path).await.expect_problem(404, "NOT_FOUND");
    let nodes = format!("/projects/{project}/nodes");
    let node = eve.post(&nodes, json!({ "title": "n" })).await.id();
    start(&eve, &node).await;
    let own = eve.get(&format!("/orgs/{eves}/usage")).await.expect(200);
    assert_eq!(own["totals"]["calls"], 0, "{own}");
}
