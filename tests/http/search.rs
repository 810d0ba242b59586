//! Search: what is found, by whom, and that it keeps up with what changes.

use std::sync::Arc;

use glassbox::{
    agent::worker::AgentWorker,
    ingest::indexer,
    platform::{db::vectors, llm::Message},
    search::model::Stage,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    support::{
        Client, Scrape, TestApp,
        model::{Scripted, call},
        until,
    },
    workbench::{Workbench, bad_fields},
};

const HANDBOOK: &[u8] = b"# Inspection handbook\n\n## Pilings\n\nConcrete pilings stand in salt water. Look for cracks where \
the tide turns, and write down each of them.\n\n## Cranes\n\nThe rope of a crane is changed every two years.\n";

/// A bench whose indexer is worked by hand.
struct Library {
    bench: Workbench,
}

impl Library {
    async fn open() -> Self {
        Library {
            bench: Workbench::start().await,
        }
    }

    async fn index(&self) {
        while indexer::round(&self.bench.test.app).await.unwrap() > 0 {}
    }

    async fn handbook(&self) -> String {
        let bench = &self.bench;
        let file = bench
            .test
            .upload(
                &bench.ada,
                &bench.org,
                "handbook.md",
                "text/markdown",
                HANDBOOK,
            )
            .await;
        self.index().await;
        file
    }

    async fn ask(&self, client: &Client, body: Value) -> Value {
        let path = format!("/orgs/{}/search", self.bench.org);
        client.post(&path, body).await.expect(200)
    }

    /// The titles of what ada finds.
    async fn titles(&self, body: Value) -> Vec<String> {
        titles(&self.ask(&self.bench.ada, body).await)
    }
}

fn titles(answer: &Value) -> Vec<String> {
    let hits = answer["data"].as_array().unwrap();
    let title = |hit: &Value| hit["title"].as_str().unwrap().to_owned();
    hits.iter().map(title).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_found_by_words_and_shows_where_they_stand() {
    let library = Library::open().await;
    let file = library.handbook().await;
    for mode in ["text", "semantic", "hybrid"] {
        let question = json!({ "query": "cracks in pilings", "mode": mode, "includeText": true });
        let answer = library.ask(&library.bench.ada, question).await;
        assert_eq!(answer["total"], 1, "{mode}: {answer}");
        assert_eq!(answer["results"], answer["data"]);
        let hit = &answer["data"][0];
        assert_eq!(hit["id"], file.as_str());
        assert_eq!(
            (&hit["type"], &hit["status"]),
            (&json!("file"), &json!("complete"))
        );
        let best = &hit["passages"][0];
        let (place, text) = (&best["place"], best["text"].as_str().unwrap());
        let heading = place["heading"].as_str().unwrap();
        assert!(heading.ends_with("Pilings"), "{mode}: {place}");
        let whole = std::str::from_utf8(HANDBOOK).unwrap();
        let at = |name: &str| usize::try_from(place[name].as_u64().unwrap()).unwrap();
        assert_eq!(&whole[at("start")..at("end")], text);
        assert!(
            hit["highlights"][0].as_str().unwrap().contains("<mark>"),
            "{mode}: {hit}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_forms_phrases_beginnings_and_exclusions_are_understood() {
    let library = Library::open().await;
    let bench = &library.bench;
    bench
        .node(json!({ "title": "Salt water damage", "description": "Pilings crack." }))
        .await;
    bench
        .node(json!({ "title": "Water supply", "description": "No salt in it." }))
        .await;
    library.index().await;
    let text = |query: &str| json!({ "query": query, "mode": "text" });
    assert_eq!(
        library.titles(text("cracked piling")).await,
        ["Salt water damage"]
    );
    assert_eq!(
        library.titles(text("\"salt water\"")).await,
        ["Salt water damage"]
    );
    assert_eq!(
        library.titles(text("water -damage")).await,
        ["Water supply"]
    );
    assert_eq!(
        library.titles(text("water dam")).await[0],
        "Salt water damage"
    );
    assert_eq!(library.titles(text("zebra")).await, [""; 0]);
    // A whole sentence has words that no text has all of.
    let sentence = text("Which pilings did crack in the harbour last winter?");
    assert_eq!(library.titles(sentence).await, ["Salt water damage"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_of_the_keyboard_finds_what_was_meant_and_nothing_hidden() {
    let library = Library::open().await;
    let bench = &library.bench;
    bench
        .node(json!({ "title": "Concrete pilings", "description": "Look for cracks in the pilings." }))
        .await;
    let secret = bench.project_named("Secret").await;
    bench
        .ada
        .post(
            &format!("/projects/{secret}/nodes"),
            json!({ "title": "Zeppelin hangar" }),
        )
        .await
        .expect(201);
    let guest = bench.member("gus", "guest").await;
    bench.join_project("gus", &bench.project, "viewer").await;
    library.index().await;
    let text = |query: &str| json!({ "query": query, "mode": "text" });
    for slip in ["concreet", "conrcete pilings", "pilngs", "concrete pilngs"] {
        assert_eq!(
            library.titles(text(slip)).await,
            ["Concrete pilings"],
            "{slip}"
        );
    }
    let marked = library.ask(&bench.ada, text("pilngs")).await;
    let marked = marked["data"][0]["highlights"][0].as_str().unwrap();
    assert!(marked.contains("<mark>pilings</mark>"), "{marked}");
    assert_eq!(library.titles(text("zepelin")).await, ["Zeppelin hangar"]);
    let none = [""; 0];
    for exact in ["\"pilngs\"", "cracks -pilngs salt", "12345"] {
        assert_eq!(library.titles(text(exact)).await, none, "{exact}");
    }
    // Who reads one project is not told of words in the other.
    let found = library.ask(&guest, text("zepelin")).await;
    assert_eq!((titles(&found), &found["total"]), (vec![], &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_and_pages_agree_with_the_total() {
    let library = Library::open().await;
    let bench = &library.bench;
    let other = bench.project_named("Other").await;
    for n in 0..5 {
        bench
            .node(json!({ "title": format!("Pier {n}"), "status": "in_progress" }))
            .await;
    }
    bench
        .node(json!({ "title": "Pier draft", "authorType": "agent" }))
        .await;
    let path = format!("/projects/{other}/nodes");
    bench
        .ada
        .post(&path, json!({ "title": "Pier elsewhere" }))
        .await
        .expect(201);
    library.index().await;
    let count = async |rest: Value| {
        let mut body = json!({ "query": "pier", "mode": "text" });
        body.as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        library.ask(&bench.ada, body).await["total"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(count(json!({})).await, 7);
    assert_eq!(count(json!({ "projectId": bench.project })).await, 6);
    assert_eq!(count(json!({ "status": "in_progress" })).await, 5);
    assert_eq!(count(json!({ "authorType": "agent" })).await, 1);
    assert_eq!(count(json!({ "types": ["files"] })).await, 0);
    assert_eq!(count(json!({ "types": ["nodes", "file"] })).await, 7);
    assert_eq!(
        count(json!({ "updatedAfter": "2999-01-01T00:00:00Z" })).await,
        0
    );
    assert_eq!(
        count(json!({ "updatedBefore": "2999-01-01T00:00:00Z" })).await,
        7
    );
    let mut seen = Vec::new();
    for offset in [0, 3, 6] {
        let body = json!({ "query": "pier", "limit": 3, "offset": offset });
        let page = library.ask(&bench.ada, body).await;
        assert_eq!(
            (&page["total"], &page["hasMore"]),
            (&json!(7), &json!(offset < 6))
        );
        seen.extend(titles(&page));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7);
    let newest = json!({ "query": "pier", "sort": "updated" });
    assert_eq!(library.titles(newest).await[0], "Pier elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_or_counts_what_is_not_theirs_to_read() {
    let library = Library::open().await;
    let bench = &library.bench;
    let file = library.handbook().await;
    let secret = bench.project_named("Secret").await;
    let path = format!("/projects/{secret}/nodes");
    bench
        .ada
        .post(&path, json!({ "title": "Secret piling" }))
        .await
        .expect(201);
    let open = bench.titled("Open piling").await;
    let gus = bench.member("gus", "guest").await;
    bench.join_project("gus", &bench.project, "viewer").await;
    library.index().await;
    let question = json!({ "query": "piling" });
    let of = |answer: Value| (titles(&answer), answer["total"].clone());
    // A guest finds what lies in their projects; the file is in none.
    let found = of(library.ask(&gus, question.clone()).await);
    assert_eq!(found, (vec!["Open piling".to_owned()], json!(1)));
    let semantic = format!("/orgs/{}/search/semantic", bench.org);
    let found = of(gus.post(&semantic, question.clone()).await.expect(200));
    assert_eq!(found, (vec!["Open piling".to_owned()], json!(1)));
    // Used there, it is theirs to find.
    let input = json!({ "inputType": "file", "fileId": file });
    bench
        .ada
        .post(&format!("/nodes/{open}/inputs"), input)
        .await
        .expect(201);
    assert_eq!(library.ask(&gus, question.clone()).await["total"], 2);
    // Another's organization is not there, whatever one asks for.
    let eve = bench.test.user("eve").await;
    let (theirs, _) = eve.workspace("others").await;
    let path = format!("/orgs/{}/search", bench.org);
    eve.post(&path, question.clone())
        .await
        .expect_problem(404, "NOT_FOUND");
    let own = format!("/orgs/{theirs}/search");
    assert_eq!(
        eve.post(&own, question.clone()).await.expect(200)["total"],
        0
    );
    let through = json!({ "query": "piling", "projectId": bench.project });
    eve.post(&own, through)
        .await
        .expect_problem(404, "NOT_FOUND");
    let foreign = json!({ "query": "piling", "projectId": secret });
    let path = format!("/orgs/{}/search", bench.org);
    gus.post(&path, foreign)
        .await
        .expect_problem(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn search_keeps_up_with_what_changes() {
    let library = Library::open().await;
    let bench = &library.bench;
    let node = bench.titled("Zebra crossing").await;
    library.index().await;
    let zebra = || library.titles(json!({ "query": "zebra", "mode": "text" }));
    let output = json!({ "outputType": "text", "textContent": "Painted by giraffes." });
    assert_eq!(zebra().await, ["Zebra crossing"]);
    bench
        .patch(&node, json!({ "title": "A crossing" }))
        .await
        .expect(200);
    let path = format!("/nodes/{node}/outputs");
    let output = bench.ada.post(&path, output).await.id();
    library.index().await;
    assert_eq!(zebra().await, [""; 0]);
    let giraffes = json!({ "query": "giraffe", "mode": "text" });
    let answer = library.ask(&bench.ada, giraffes.clone()).await;
    assert_eq!(
        answer["data"][0]["passages"][0]["place"]["outputId"],
        output.as_str()
    );
    assert_eq!(answer["data"][0]["passages"][0]["place"]["version"], 3);
    // Deleted, it is found no more even before the indexer has come by.
    bench
        .ada
        .delete(&format!("/nodes/{node}"))
        .await
        .expect(204);
    assert_eq!(library.titles(giraffes).await, [""; 0]);
    library.index().await;
    assert_eq!(bench.count("chunks").await, 0);
    assert_eq!(bench.count("chunk_vectors").await, 0);
    assert_eq!(bench.count("index_work").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_leaves_nothing_behind() {
    let library = Library::open().await;
    let bench = &library.bench;
    let file = library.handbook().await;
    assert!(bench.count("chunks").await > 0);
    bench
        .ada
        .delete(&format!("/files/{file}"))
        .await
        .expect(204);
    library.index().await;
    for table in ["chunks", "chunk_vectors", "index_work"] {
        assert_eq!(bench.count(table).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_makes_no_sense_is_refused() {
    let library = Library::open().await;
    let ada = &library.bench.ada;
    let path = format!("/orgs/{}/search", library.bench.org);
    for (body, field) in [
        (json!({ "query": "  " }), "query"),
        (json!({ "query": "x".repeat(1001) }), "query"),
        (json!({ "query": "a", "limit": 0 }), "limit"),
        (json!({ "query": "a", "limit": 101 }), "limit"),
        (json!({ "query": "a", "offset": -1 }), "offset"),
        (json!({ "query": "a", "types": vec!["file"; 11] }), "types"),
    ] {
        let refused = ada.post(&path, body).await;
        refused.expect_problem(400, "VALIDATION_FAILED");
        assert_eq!(bad_fields(&refused), [field]);
    }
    let semantic = json!({ "query": "a", "threshold": 2 });
    let refused = ada.post(&format!("{path}/semantic"), semantic).await;
    assert_eq!(bad_fields(&refused), ["threshold"]);
    // What means something to the grammar of the database means nothing here.
    for odd in [
        "'", "a & | !", "((", "\\", "🦓", "the", "a:*", "<->", "\"", "-", "or or",
    ] {
        library.ask(ada, json!({ "query": odd })).await;
        library
            .ask(ada, json!({ "query": odd, "mode": "text" }))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_context_of_a_node_has_what_is_around_it_within_its_room() {
    let library = Library::open().await;
    let bench = &library.bench;
    let file = library.handbook().await;
    let root = bench.titled("Harbour").await;
    let node = bench.child("Inspect the pilings", &root).await;
    let beside = bench.child("Paint the crane", &root).await;
    let like = bench
        .node(json!({ "title": "Last year", "description": "Cracks in pilings were found." }))
        .await;
    let inputs = format!("/nodes/{node}/inputs");
    let input = json!({ "inputType": "file", "fileId": file });
    bench.ada.post(&inputs, input).await.expect(201);
    let input = json!({ "inputType": "text", "textContent": "Cracks first. ".repeat(100) });
    bench.ada.post(&inputs, input).await.expect(201);
    let output = json!({ "outputType": "text", "textContent": "All sound." });
    bench
        .ada
        .post(&format!("/nodes/{node}/outputs"), output)
        .await
        .expect(201);
    library.index().await;
    let path = format!("/nodes/{node}/context");
    let context = bench.ada.get(&path).await.expect(200);
    assert_eq!(context["node"]["title"], "Inspect the pilings");
    assert_eq!(context["parentChain"][0]["id"], root.as_str());
    assert_eq!(context["siblings"][0]["id"], beside.as_str());
    assert_eq!(context["inputs"][0]["filename"], "handbook.md");
    let text = context["inputs"][0]["extractedText"].as_str().unwrap();
    assert_eq!(text.as_bytes(), HANDBOOK);
    assert_eq!(context["inputs"][0]["citation"]["fileId"], file.as_str());
    assert_eq!(context["outputs"][0]["textContent"], "All sound.");
    assert_eq!(context["truncated"], false);
    let related = context["related"].as_array().unwrap();
    assert_eq!(related[0]["id"], like.as_str(), "{related:?}");
    assert_eq!(
        related[0]["citation"]["quote"],
        "Cracks in pilings were found."
    );
    assert_eq!(related[0]["citation"]["version"], 1);
    let own = |one: &Value| one["id"] == node.as_str() || one["id"] == file.as_str();
    assert!(!related.iter().any(own), "{related:?}");
    let little = bench
        .ada
        .get(&format!("{path}?maxTokens=100"))
        .await
        .expect(200);
    assert_eq!(little["truncated"], true);
    assert!(little["tokens"].as_u64().unwrap() <= 100, "{little}");
    let refused = bench.ada.get(&format!("{path}?maxTokens=99")).await;
    assert_eq!(bad_fields(&refused), ["maxTokens"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_indexer_that_died_is_followed_by_another() {
    let library = Library::open().await;
    let bench = &library.bench;
    bench.titled("Zebra").await;
    let app = &bench.test.app;
    let taken = glassbox::search::ops::index::take(&app.db, Stage::Cut, 8)
        .await
        .unwrap();
    assert_eq!(taken.len(), 1);
    // While it may still live, nobody else takes its work.
    assert_eq!(indexer::round(app).await.unwrap(), 0);
    let minutes = "update index_work set due_at = now() - interval '1 minute'";
    bench.test.database.execute(minutes).await;
    library.index().await;
    assert_eq!(library.titles(json!({ "query": "zebra" })).await, ["Zebra"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_searches_its_inputs_and_its_subtree_and_nothing_else() {
    let model = Scripted::new(|request| {
        let said = |message: &&Message| matches!(message, Message::Assistant { .. });
        Ok(match request.messages.iter().filter(said).count() {
            0 => call("search", r#"{ "query": "cracks in pilings" }"#),
            _ => call("mark_complete", r#"{ "summary": "Done." }"#),
        })
    });
    let library = Library {
        bench: Workbench::of(TestApp::start_with_model(model).await).await,
    };
    let bench = &library.bench;
    let file = library.handbook().await;
    bench.titled("Secret cracks in pilings").await;
    let node = bench.titled("Inspect").await;
    let child = bench.child("Cracks in piling 12", &node).await;
    let input = json!({ "inputType": "file", "fileId": file });
    let path = format!("/nodes/{node}/inputs");
    let input = bench.ada.post(&path, input).await.id();
    library.index().await;
    let path = format!("/nodes/{node}/execute");
    let run = bench
        .ada
        .post(&path, json!({ "model": "script/ed" }))
        .await
        .expect(201);
    bench.test.relay().await;
    let worker = AgentWorker::register(Arc::clone(&bench.test.app))
        .await
        .unwrap();
    while worker.step(&CancellationToken::new()).await.unwrap() {}
    let path = format!(
        "/executions/{}/trace",
        run["execution"]["id"].as_str().unwrap()
    );
    let trace = bench.ada.get(&path).await.expect(200);
    let entries = trace["data"].as_array().unwrap();
    let searched = |entry: &&Value| entry["eventData"]["tool"] == "search";
    let entry = entries.iter().find(searched).unwrap();
    let passages = entry["eventData"]["result"]["passages"].as_array().unwrap();
    let mut ids: Vec<_> = passages
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let mut expected = [file.as_str(), child.as_str()];
    expected.sort_unstable();
    assert_eq!(ids, expected, "{passages:?}");
    let of_file = passages
        .iter()
        .find(|one| one["id"] == file.as_str())
        .unwrap();
    assert_eq!(of_file["inputId"], input.as_str());
    assert!(of_file["text"].as_str().unwrap().contains("cracks"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citation_says_whether_its_quote_still_stands() {
    let library = Library::open().await;
    let bench = &library.bench;
    let file = library.handbook().await;
    let source = bench
        .node(json!({ "title": "A source", "description": "Sound since 1999." }))
        .await;
    let node = bench.titled("A report").await;
    let quote = "Concrete pilings stand in salt water.";
    let start = std::str::from_utf8(HANDBOOK).unwrap().find(quote).unwrap();
    let end = start + quote.len();
    let foreign = "019c0000-0000-7000-8000-000000000001";
    let citations = json!([
        { "fileId": file, "start": start, "end": end, "quote": quote },
        { "fileId": file, "quote": "stand in\n salt water" },
        { "fileId": file, "start": 0, "end": 10, "quote": quote },
        { "nodeId": source, "version": 1, "quote": "Sound since 1999." },
        { "nodeId": source, "quote": "Sound since 1999." },
        { "nodeId": source, "version": 9, "quote": "Sound since 1999." },
        { "fileId": foreign, "quote": quote },
        { "fileId": 7 },
    ]);
    let output = json!({ "outputType": "text", "textContent": "All sound.", "metadata": { "citations": citations } });
    let path = format!("/nodes/{node}/outputs");
    let output = bench.ada.post(&path, output).await.id();
    bench
        .patch(&source, json!({ "description": "Cracked since 2024." }))
        .await
        .expect(200);
    let path = format!("/outputs/{output}/citations");
    let answer = bench.ada.get(&path).await.expect(200);
    let checked = answer["data"].as_array().unwrap();
    let stands: Vec<_> = checked
        .iter()
        .map(|one| one["stands"].as_bool().unwrap())
        .collect();
    assert_eq!(
        stands,
        [true, true, false, true, false, false, false, false],
        "{answer}"
    );
    assert_eq!(checked[0]["citation"]["quote"], quote);
    assert!(
        checked
            .iter()
            .all(|one| one["stands"] == one["reason"].is_null()),
        "{answer}"
    );
    let eve = bench.test.user("eve").await;
    eve.get(&path).await.expect_problem(404, "NOT_FOUND");
    bench
        .ada
        .delete(&format!("/files/{file}"))
        .await
        .expect(204);
    let answer = bench.ada.get(&path).await.expect(200);
    assert_eq!(answer["data"][0]["stands"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_index_answers_is_compared_with_the_truth_and_counted() {
    let settings = [("search.recall_every", "1".to_owned())];
    let test = TestApp::start_configured(&settings).await;
    let library = Library {
        bench: Workbench::of(test).await,
    };
    let bench = &library.bench;
    let (org, project) = (&bench.org, &bench.project);
    let nodes = format!(
        "with made as ( \
            insert into nodes (id, org_id, project_id, title, status, author_type, version, created_at, updated_at) \
            select gen_random_uuid(), '{org}', '{project}', \
                'Pier ' || n || ' with ' || left(md5(n::text), 6) || ' and ' || left(md5(n || 'b'), 6), \
                'draft', 'human', 1, now(), now() \
            from generate_series(1, 300) n returning id) \
         insert into index_work (org_id, kind, owner_id, due_at, created_at) \
            select '{org}', 'node', id, now(), now() from made"
    );
    bench.test.database.execute(&nodes).await;
    library.index().await;
    let semantic = json!({ "query": "a pier with planks", "mode": "semantic", "limit": 10 });
    library.ask(&bench.ada, semantic.clone()).await;
    assert_eq!(bench.test.app.recall.totals().questions, 0);
    let owner = bench.test.database.owner_url().into();
    assert_eq!(vectors::tend(&owner, 100).await.unwrap().len(), 1);
    let answer = library.ask(&bench.ada, semantic).await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 10, "{answer}");
    let counted = async || (bench.test.app.recall.totals().questions == 1).then_some(());
    until("the answer to be compared", counted).await;
    let totals = bench.test.app.recall.totals();
    assert_eq!(totals.expected, 10);
    assert!(totals.found >= 8, "{totals:?}");
    let told = Scrape::read(&bench.test.app.db.metrics().text().unwrap());
    assert_eq!(told.get("glassbox_search_recall_ratio_count", &[]), 1.0);
    let share = told.get("glassbox_search_recall_ratio_sum", &[]);
    assert_eq!(share, totals.found as f64 / 10.0);
}
