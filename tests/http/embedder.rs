//! Vectors by a service: made, made anew when the model changes, and done without while the
//! service is away. And a service that puts what was found into order once more.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use glassbox::{ingest::indexer, search::ops::renew};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::path};

use crate::{
    support::{TestApp, until},
    workbench::Workbench,
};

/// Numbers of the vectors of the service.
const DIMENSIONS: usize = 64;

/// A service whose vectors count words, and what it was asked.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The texts of every request that was answered, in order.
    answered: Vec<Vec<String>>,
    /// Requests that are still answered; all when `None`.
    left: Option<usize>,
    /// Whether those beyond are never answered, rather than refused.
    hangs: bool,
}

impl Service {
    async fn start(&self) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(path("/embeddings"))
            .respond_with(self.clone())
            .mount(&server)
            .await;
        server
    }

    fn answer(&self, left: Option<usize>, hangs: bool) {
        let mut state = self.0.lock().unwrap();
        (state.left, state.hangs) = (left, hangs);
    }

    fn texts(&self) -> Vec<String> {
        self.0.lock().unwrap().answered.concat()
    }
}

impl Respond for Service {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        if state.left == Some(0) {
            let refused = ResponseTemplate::new(503);
            return match state.hangs {
                true => refused.set_delay(Duration::from_secs(3_600)),
                false => refused,
            };
        }
        state.left = state.left.map(|left| left - 1);
        let body: Value = request.body_json().unwrap();
        let texts = body["input"].as_array().unwrap();
        let texts: Vec<String> = texts
            .iter()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect();
        let items: Vec<Value> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| json!({ "index": index, "embedding": vector(text) }))
            .collect();
        state.answered.push(texts);
        ResponseTemplate::new(200).set_body_json(json!({ "data": items }))
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSIONS];
    for word in text.to_lowercase().split_whitespace() {
        let sum: usize = word.bytes().map(usize::from).sum();
        vector[sum % DIMENSIONS] += 1.0;
    }
    vector
}

fn settings(server: &MockServer) -> Vec<(&'static str, String)> {
    vec![
        ("embedder.model", "words".into()),
        ("embedder.base_url", server.uri()),
        ("embedder.dimensions", DIMENSIONS.to_string()),
        ("embedder.question_ms", "500".into()),
    ]
}

async fn index(test: &TestApp) {
    while indexer::round(&test.app).await.unwrap() > 0 {}
}

/// What was found, and by what.
async fn ask(bench: &Workbench, query: &str, mode: &str) -> (Vec<String>, String) {
    let path = format!("/orgs/{}/search", bench.org);
    let body = json!({ "query": query, "mode": mode });
    let answer = bench.ada.post(&path, body).await.expect(200);
    let hits = answer["data"].as_array().unwrap();
    let titles = hits
        .iter()
        .map(|hit| hit["title"].as_str().unwrap().to_owned());
    (
        titles.collect(),
        answer["mode"].as_str().unwrap().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_service_words_are_found_and_nothing_is_lost() {
    let service = Service::default();
    let server = service.start().await;
    let test = TestApp::start_configured(&settings(&server)).await;
    let bench = Workbench::of(test).await;
    bench.titled("Salt water").await;
    index(&bench.test).await;
    assert_eq!(ask(&bench, "salt", "semantic").await.0, ["Salt water"]);
    let stored = "select model || ' ' || vector_dims(embedding) as text from chunk_vectors";
    assert_eq!(bench.test.database.text(stored).await, "openai/words@64 64");

    service.answer(Some(0), false);
    bench.titled("Salt mine").await;
    index(&bench.test).await;
    assert_eq!(ask(&bench, "mine", "text").await.0, ["Salt mine"]);
    let found = ask(&bench, "mine", "hybrid").await;
    assert_eq!(found, (vec!["Salt mine".to_owned()], "text".to_owned()));
    let path = format!("/orgs/{}/search/semantic", bench.org);
    let refused = bench.ada.post(&path, json!({ "query": "mine" })).await;
    refused.expect_problem(503, "EMBEDDINGS_UNAVAILABLE");
    assert_eq!(bench.count("index_work").await, 1);
    assert_eq!(bench.count("chunk_vectors").await, 1);

    service.answer(None, false);
    let due = "update index_work set due_at = now() - interval '1 minute'";
    bench.test.database.execute(due).await;
    index(&bench.test).await;
    assert_eq!(bench.count("index_work").await, 0);
    // It is not asked again for a moment after it failed.
    until("the service to be asked again", async || {
        let answer = bench.ada.post(&path, json!({ "query": "mine" })).await;
        (answer.status == 200).then_some(())
    })
    .await;
    assert_eq!(ask(&bench, "mine", "semantic").await.0, ["Salt mine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_change_keeps_its_vectors() {
    let service = Service::default();
    let server = service.start().await;
    let test = TestApp::start_configured(&settings(&server)).await;
    let bench = Workbench::of(test).await;
    let node = bench.titled("Pier").await;
    let outputs = format!("/nodes/{node}/outputs");
    for text in ["One.", "Two."] {
        let output = json!({ "outputType": "text", "textContent": text });
        bench.ada.post(&outputs, output).await.expect(201);
    }
    index(&bench.test).await;
    assert_eq!(service.texts().len(), 3);
    let vectors =
        "select string_agg(chunk_id::text, ',' order by chunk_id) as text from chunk_vectors";
    let before = bench.test.database.text(vectors).await;
    // One that comes before them moves both, and the version in every place.
    bench
        .patch(&node, json!({ "description": "Concrete." }))
        .await
        .expect(200);
    let input = json!({ "inputType": "text", "textContent": "Zero." });
    bench
        .ada
        .post(&format!("/nodes/{node}/inputs"), input)
        .await
        .expect(201);
    index(&bench.test).await;
    assert_eq!(service.texts()[3..], ["Pier\nConcrete.", "Pier\nZero."]);
    let after = bench.test.database.text(vectors).await;
    let kept = before.split(',').filter(|id| after.contains(id)).count();
    assert_eq!(kept, 2, "{before} {after}");
    let places = "select string_agg(ordinal || ' ' || content || ' ' || (place->>'version'), ', ' order by ordinal) as text from chunks";
    let places = bench.test.database.text(places).await;
    assert_eq!(places, "0 Concrete. 5, 1 Zero. 5, 2 One. 5, 3 Two. 5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_model_makes_every_vector_once_and_search_goes_on_meanwhile() {
    let before = Workbench::start().await;
    for n in 0..150 {
        before.titled(&format!("Pier {n} of concrete")).await;
    }
    index(&before.test).await;
    let service = Service::default();
    let server = service.start().await;
    let database = before.test.database.clone();
    let test = TestApp::start_on_database(database, &settings(&server)).await;
    let ada = test.user("ada").await;
    let after = Workbench {
        ada,
        test,
        org: before.org.clone(),
        project: before.project.clone(),
    };
    let app = Arc::clone(&after.test.app);
    let step = async || renew::step(&app.db, &app.embedders).await;
    let free = "update embeddings set due_at = now() - interval '1 minute'";
    let old_is_used = async || {
        assert_eq!(ask(&after, "concrete", "semantic").await.0.len(), 50);
        let pier = ask(&after, "pier 77", "semantic").await.0;
        assert_eq!(pier[0], "Pier 77 of concrete");
    };

    // The second request is never answered, and the process dies while it waits.
    service.answer(Some(1), true);
    let died = tokio::time::timeout(Duration::from_secs(2), step()).await;
    assert!(died.is_err());
    assert_eq!(service.texts().len(), 64);
    old_is_used().await;
    assert_eq!(
        service.texts().len(),
        64,
        "questions are not put to the new model yet"
    );
    assert!(
        !step().await.unwrap(),
        "while it may still live, nobody else takes its work"
    );

    // The next one is refused: told, and left for later.
    after.test.database.execute(free).await;
    service.answer(Some(1), false);
    assert!(step().await.is_err());
    assert!(!step().await.unwrap());
    old_is_used().await;
    let told = renew::progress(&app.db).await.unwrap();
    let made: Vec<_> = told.iter().map(|one| (one.of.made, one.chunks)).collect();
    assert_eq!(made, [(0, None), (128, Some(150))]);

    // What is new meanwhile has vectors of both.
    service.answer(None, false);
    after.titled("Lighthouse").await;
    index(&after.test).await;
    assert_eq!(
        ask(&after, "lighthouse", "semantic").await.0[0],
        "Lighthouse"
    );

    after.test.database.execute(free).await;
    assert!(step().await.unwrap());
    let mut texts = service.texts();
    texts.sort();
    texts.dedup();
    assert_eq!((texts.len(), service.texts().len()), (151, 151));
    assert_eq!(
        ask(&after, "lighthouse", "semantic").await.0[0],
        "Lighthouse"
    );
    assert_eq!(service.texts().last().unwrap(), "lighthouse");

    // The old ones stay for questions that were begun with them, and then they go.
    assert!(!step().await.unwrap());
    assert_eq!(after.count("chunk_vectors").await, 2 * 151);
    let later = "update embeddings set due_at = now() - interval '1 minute', complete_at = complete_at - interval '2 minutes'";
    after.test.database.execute(later).await;
    while step().await.unwrap() {}
    assert_eq!(after.count("chunk_vectors").await, 151);
    let models = "select string_agg(distinct model, ',') as text from (select model from embeddings union all select model from chunk_vectors) m";
    assert_eq!(after.test.database.text(models).await, "openai/words@64");
    assert!(!step().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reranker_puts_hybrid_hits_into_order_and_is_done_without() {
    let server = MockServer::start().await;
    Mock::given(path("/rerank"))
        .respond_with(|request: &Request| {
            let body: Value = request.body_json().unwrap();
            assert_eq!(body["query"], "pier");
            let documents = body["documents"].as_array().unwrap();
            let worth = |text: &str| if text.contains("north") { 0.9 } else { 0.1 };
            let results = documents.iter().enumerate().map(|(index, document)| {
                json!({ "index": index, "relevance_score": worth(document.as_str().unwrap()) })
            });
            let results: Vec<Value> = results.collect();
            ResponseTemplate::new(200).set_body_json(json!({ "results": results }))
        })
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let url = format!("{}/rerank", server.uri());
    let bench = Workbench::of(TestApp::start_configured(&[("reranker.url", url)]).await).await;
    bench.titled("Pier, pier, pier").await;
    bench.titled("A long walk to the north, past a pier").await;
    index(&bench.test).await;
    let reranked = ask(&bench, "pier", "hybrid").await.0;
    assert_eq!(reranked[0], "A long walk to the north, past a pier");
    assert_eq!(reranked.len(), 2);
    // Now it answers 404 to everything.
    let (own, mode) = ask(&bench, "pier", "hybrid").await;
    assert_eq!(
        (own[0].as_str(), mode.as_str()),
        ("Pier, pier, pier", "hybrid")
    );
}
