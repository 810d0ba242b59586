//! Forks: what is shared costs nothing, what differs is followed, and it can be proved.

use std::sync::Arc;

use glassbox::platform::llm::Message;
use serde_json::{Value, json};

use super::{Run, diligent, id_of, run, work};
use crate::support::model::{Scripted, call, says};

fn kinds(trace: &[Value]) -> Vec<&str> {
    trace
        .iter()
        .map(|event| event["eventType"].as_str().unwrap())
        .collect()
}

/// The entries of the run that `diligent` makes, by number: 1 start, 2 answer, 3 list_inputs,
/// 4 answer, 5 add_output, 6 output_added, 7 answer, 8 mark_complete, 9 complete.
const LENGTH: usize = 9;

/// Gives the run's server and workers another model.
fn with_model(mut run: Run, model: Scripted) -> Run {
    run.test = run.test.with_model(model);
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_goes_on_from_the_entry_and_asks_the_model_for_the_rest_only() {
    let run = run(diligent()).await;
    assert_eq!(run.trace(&run.id).await.len(), LENGTH);
    let rest = Scripted::calling(vec![("mark_complete", json!({ "summary": "Sooner." }))]);
    let asked = Arc::clone(&rest.asked);
    let run = with_model(run, rest);
    let fork = run.fork(&run.id, json!({ "afterSequence": 3 })).await;
    let made = run.get(&fork).await;
    assert_eq!(made["status"], "pending");
    assert_eq!(
        made["forkedFrom"],
        json!({ "executionId": run.id, "sequenceNumber": 3 })
    );
    work(&run.test).await;

    let ended = run.get(&fork).await;
    assert_eq!(ended["status"], "complete", "{ended}");
    let trace = run.trace(&fork).await;
    let expected = [
        "execution_start",
        "llm_call",
        "tool_call",
        "execution_complete",
    ];
    assert_eq!(kinds(&trace), expected);
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1, "what is shared is not asked again");
    // The conversation: what it is, the task, the call of list_inputs and its result.
    assert_eq!(asked[0].messages.len(), 4, "{:?}", asked[0].messages);
    assert!(matches!(&asked[0].messages[3], Message::Tool { name, .. } if name == "list_inputs"));
    // Only its own call counts.
    assert_eq!(
        (&ended["totalTokensIn"], &ended["totalTokensOut"]),
        (&json!(100), &json!(10))
    );
    let shared = &run.trace(&run.id).await[2];
    let origin = &trace[0]["eventData"]["forkedFrom"];
    assert_eq!(origin["hash"], shared["hash"]);
    let found = run.verify(&fork).await;
    assert_eq!(
        (&found["valid"], &found["events"]),
        (&json!(true), &json!(4))
    );
    assert_eq!(found["forkedFrom"]["valid"], true);
    assert!(run.verify(&run.id).await.get("forkedFrom").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn between_a_call_and_its_result_the_fork_runs_the_call() {
    let run = run(diligent()).await;
    let model = Scripted::calling(vec![("mark_complete", json!({ "summary": "Done." }))]);
    let run = with_model(run, model);
    let fork = run.fork(&run.id, json!({ "afterSequence": 4 })).await;
    work(&run.test).await;
    let trace = run.trace(&fork).await;
    assert_eq!(trace[1]["eventData"]["tool"], "add_output", "{trace:?}");
    let node = run
        .ada
        .get(&format!("/nodes/{}", run.node))
        .await
        .expect(200);
    // One of the run, which stays, and one of the fork.
    assert_eq!(node["outputs"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_answer_is_what_the_model_is_taken_to_have_said() {
    let run = run(diligent()).await;
    let model = Scripted::calling(vec![("mark_complete", json!({ "summary": "Done." }))]);
    let asked = Arc::clone(&model.asked);
    let run = with_model(run, model);
    let arguments = json!({ "label": "Findings", "text": "Rotten." }).to_string();
    let answer = json!({ "text": "No, it is rotten.", "toolCalls": [
        { "name": "add_output", "arguments": arguments }] });
    let body = json!({ "afterSequence": 4, "edit": { "answer": answer } });
    let fork = run.fork(&run.id, body).await;
    work(&run.test).await;
    let trace = run.trace(&fork).await;
    let recorded = &trace[0]["eventData"]["edit"]["answer"];
    assert_eq!(recorded["text"], "No, it is rotten.");
    assert_eq!(trace[1]["eventData"]["tool"], "add_output");
    let asked = asked.lock().unwrap().clone();
    let answers: Vec<_> = asked[0]
        .messages
        .iter()
        .filter_map(|message| match message {
            Message::Assistant { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(answers, ["", "No, it is rotten."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_prompts_and_messages_reach_the_model() {
    let run = run(diligent()).await;
    let model = Scripted::new(|_| Ok(call("mark_complete", r#"{"summary":"Done."}"#)));
    let asked = Arc::clone(&model.asked);
    let run = with_model(run, model);
    let edit = json!({ "systemPrompt": "Be brief.", "task": "Look again.", "message": "Hurry." });
    let body = json!({ "afterSequence": 1, "edit": edit });
    run.fork(&run.id, body).await;
    work(&run.test).await;
    let asked = asked.lock().unwrap().clone();
    let words = [
        Message::System {
            text: "Be brief.".into(),
        },
        Message::User {
            text: "Look again.".into(),
        },
        Message::User {
            text: "Hurry.".into(),
        },
    ];
    assert_eq!(asked[0].messages, words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_of_a_fork_stands_on_both() {
    let run = run(diligent()).await;
    let run = with_model(
        run,
        Scripted::calling(vec![
            ("list_inputs", json!({})),
            ("mark_complete", json!({ "summary": "Once." })),
        ]),
    );
    let first = run.fork(&run.id, json!({ "afterSequence": 3 })).await;
    work(&run.test).await;
    let model = Scripted::new(|_| Ok(call("mark_complete", r#"{"summary":"Twice."}"#)));
    let asked = Arc::clone(&model.asked);
    let run = with_model(run, model);
    let second = run.fork(&first, json!({ "afterSequence": 3 })).await;
    work(&run.test).await;
    assert_eq!(run.get(&second).await["status"], "complete");
    // Two of the opening, and a call with its result of each ancestor.
    assert_eq!(asked.lock().unwrap()[0].messages.len(), 6);
    assert_eq!(run.verify(&second).await["valid"], true);

    // A change in what both stand on is found from either.
    run.test
        .database
        .execute(&format!(
            "update agent_trace_events set event_data = '{{\"changed\":true}}' \
             where execution_id = '{}' and sequence_number = 2",
            run.id
        ))
        .await;
    for id in [&first, &second] {
        let found = run.verify(id).await;
        assert_eq!(found["valid"], false, "{found}");
        assert_eq!(found["forkedFrom"]["valid"], false, "{found}");
        assert!(found.get("brokenAt").is_none(), "its own part is whole");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_failed_can_go_on_from_its_last_entry() {
    let run = run(Scripted::new(|_| Ok(says("I don't know.")))).await;
    let last = run.trace(&run.id).await.len();
    let model = Scripted::new(|_| Ok(call("mark_complete", r#"{"summary":"Done."}"#)));
    let run = with_model(run, model);
    let edit = json!({ "message": "Then say so." });
    let fork = run
        .fork(&run.id, json!({ "afterSequence": last, "edit": edit }))
        .await;
    work(&run.test).await;
    assert_eq!(run.get(&fork).await["status"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_forks_are_refused_and_change_nothing() {
    let run = run(diligent()).await;
    let path = format!("/executions/{}/fork", run.id);
    let answer = json!({ "text": "No." });
    for (body, field) in [
        (json!({}), "body"),
        (json!({ "afterSequence": 0 }), "afterSequence"),
        (json!({ "afterSequence": LENGTH + 1 }), "afterSequence"),
        (
            json!({ "afterSequence": 3, "edit": { "answer": answer } }),
            "edit.answer",
        ),
        (
            json!({ "afterSequence": 3, "edit": { "message": "" } }),
            "edit.message",
        ),
        (
            json!({ "afterSequence": 2, "edit": { "answer": { "toolCalls": [{ "name": "", "arguments": "{}" }] } } }),
            "edit.answer.toolCalls[0].name",
        ),
    ] {
        let refused = run.ada.post(&path, body.clone()).await;
        refused.expect_problem(400, "VALIDATION_FAILED");
        let fields = &refused.body["details"]["fields"];
        assert_eq!(fields[0]["field"], field, "{body}: {fields}");
    }
    let list = format!("/nodes/{}/executions", run.node);
    assert_eq!(run.ada.get(&list).await.expect(200)["total"], 1);

    // While a run has not ended there is no other one.
    run.fork(&run.id, json!({ "afterSequence": 1 })).await;
    let second = run.ada.post(&path, json!({ "afterSequence": 1 })).await;
    second.expect_problem(409, "EXECUTION_ACTIVE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_and_a_viewer_fork_nothing() {
    let run = run(diligent()).await;
    let path = format!("/executions/{}/fork", run.id);
    let body = json!({ "afterSequence": 1 });
    let eve = run.test.user("eve").await;
    eve.workspace("eves").await;
    let refused = eve.post(&path, body.clone()).await;
    refused.expect_problem(404, "NOT_FOUND");
    let anonymous = run.test.anonymous().post(&path, body).await;
    anonymous.expect_problem(401, "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_goes_with_its_organization() {
    let run = run(diligent()).await;
    let path = format!("/executions/{}/fork", run.id);
    id_of(
        &run.ada
            .post(&path, json!({ "afterSequence": 1 }))
            .await
            .expect(201),
    );
    run.ada
        .delete(&format!("/orgs/{}", run.org))
        .await
        .expect(204);
    run.ada
        .get(&format!("/executions/{}", run.id))
        .await
        .expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_whose_row_forgot_what_it_is_does_not_verify() {
    let run = run(diligent()).await;
    let fork = run.fork(&run.id, json!({ "afterSequence": 3 })).await;
    assert_eq!(run.verify(&fork).await["valid"], true);
    run.test
        .database
        .execute("update agent_executions set forked_from = null, forked_after = null")
        .await;
    assert_eq!(run.verify(&fork).await["valid"], false);
}
