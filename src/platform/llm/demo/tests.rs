//! The whole script, walked with tools that are made up.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::*;
use crate::platform::llm::ToolSpec;

/// The tools of a node, as far as the demo model sees them.
struct Node {
    inputs: Value,
    /// By input: the pages, or the parts of a text (an offset of 1000 each).
    texts: BTreeMap<&'static str, Vec<String>>,
    fail: &'static str,
    called: Vec<(String, Value)>,
}

impl Node {
    fn new(inputs: Value) -> Self {
        Node {
            inputs,
            texts: BTreeMap::new(),
            fail: "",
            called: Vec::new(),
        }
    }

    fn with(mut self, id: &'static str, parts: &[&str]) -> Self {
        let parts = parts.iter().map(|&part| part.to_owned()).collect();
        self.texts.insert(id, parts);
        self
    }

    fn call(&mut self, name: &str, arguments: Value) -> Value {
        self.called.push((name.to_owned(), arguments.clone()));
        if self.fail == name || self.fail == arguments["inputId"] {
            return json!({"error": {"message": "it is broken"}});
        }
        match name {
            "list_inputs" => json!({"inputs": self.inputs}),
            "read_input" => self.read(&arguments),
            "create_subnode" => json!({"nodeId": "n", "title": arguments["title"]}),
            "add_output" => json!({"outputId": "o", "fileId": "f"}),
            "mark_complete" => json!({"ok": true}),
            _ => json!({"error": "no such tool"}),
        }
    }

    fn read(&self, arguments: &Value) -> Value {
        let id = arguments["inputId"].as_str().unwrap();
        let parts = &self.texts[id];
        if let Some(page) = number(&arguments["page"]) {
            let text = &parts[page - 1];
            return json!({"inputId": id, "page": page, "pages": parts.len(), "offset": 0, "text": text});
        }
        let at = number(&arguments["offset"]).unwrap();
        let mut answer = json!({"inputId": id, "offset": at, "text": parts[at / 1000]});
        if at / 1000 + 1 < parts.len() {
            answer["nextOffset"] = json!(at + 1000);
        }
        answer
    }

    fn calls(&self, name: &str) -> Vec<&Value> {
        self.called
            .iter()
            .filter(|(called, _)| called == name)
            .map(|(_, arguments)| arguments)
            .collect()
    }
}

fn number(value: &Value) -> Option<usize> {
    value.as_u64()?.try_into().ok()
}

fn start(task: &str) -> ChatRequest {
    let tools = ["list_inputs", "read_input", "create_subnode", "add_output"];
    ChatRequest {
        model: NAME.into(),
        messages: vec![
            Message::System {
                text: "You are an agent.".into(),
            },
            Message::User { text: task.into() },
        ],
        tools: tools
            .into_iter()
            .chain(["request_human_input", "access_node", "mark_complete"])
            .map(|name| ToolSpec {
                name: name.into(),
                description: String::new(),
                parameters: json!({}),
            })
            .collect(),
        max_tokens: None,
        temperature: None,
    }
}

/// One turn; its words must have been streamed, in pieces.
async fn turn(request: &ChatRequest) -> ChatAnswer {
    let heard = Mutex::new(Vec::new());
    let listen = |word: &str| heard.lock().unwrap().push(word.to_owned());
    let answer = Demo.chat(request, &listen).await.unwrap();
    let heard = heard.into_inner().unwrap();
    assert!(heard.len() > 2, "{heard:?}");
    assert_eq!(heard.concat(), answer.text);
    assert!(answer.text.contains("demo model"), "{}", answer.text);
    answer
}

/// Runs the agent loop until the model stops or completes.
async fn walk(task: &str, node: &mut Node) -> ChatRequest {
    let mut request = start(task);
    for _ in 0..40 {
        let answer = turn(&request).await;
        assert_eq!(
            answer,
            turn(&request).await,
            "the same question, the same answer"
        );
        assert!(answer.tool_calls.len() <= CALLS_PER_TURN);
        request.messages.push(Message::Assistant {
            text: answer.text,
            tool_calls: answer.tool_calls.clone(),
        });
        for call in &answer.tool_calls {
            let content = node.call(&call.name, serde_json::from_str(&call.arguments).unwrap());
            request.messages.push(Message::Tool {
                call_id: call.id.clone(),
                name: call.name.clone(),
                content: content.to_string(),
            });
        }
        let ended = answer.tool_calls.iter().any(|c| c.name == "mark_complete");
        if ended || answer.finish == Finish::Stop {
            return request;
        }
    }
    panic!("the script does not end");
}

fn report() -> Node {
    Node::new(json!([
        {"id": "t", "type": "text", "label": "Question", "characters": 60},
        {"id": "r", "type": "file", "filename": "report.pdf", "characters": 900, "pages": 6},
        {"id": "l", "type": "external_link", "label": "Link"},
    ]))
    .with("t", &["How did groundwater levels ", "change near Ulm?"])
    .with(
        "r",
        &[
            "Annual report\nof the water office. It has six pages in all.",
            "Groundwater levels near\nUlm fell by 2.5 metres, cf. Table 1. Rain was scarce that year.",
            "The office moved to a new building in May. Staff were pleased.",
            "In the north the levels\nof groundwater did not change at all. Wells stayed full.",
            "Budget matters are discussed elsewhere in this series.",
            "The authors expect that groundwater near Ulm will recover by 2030. They may be wrong.",
        ],
    )
}

#[tokio::test]
async fn the_script_goes_from_the_inputs_to_a_brief_with_sources() {
    let mut node = report();
    let request = walk("Do the work.", &mut node).await;

    let reads: Vec<_> = node.calls("read_input").into_iter().cloned().collect();
    assert_eq!(reads[0], json!({"inputId": "t", "offset": 0}));
    assert_eq!(reads[1], json!({"inputId": "t", "offset": 1000}));
    let pages: Vec<_> = reads[2..]
        .iter()
        .map(|r| r["page"].as_u64().unwrap())
        .collect();
    assert_eq!(pages, [1, 2, 3, 4, 5, 6]);
    assert!(
        reads.iter().all(|r| r["inputId"] != "l"),
        "a link without text is not read"
    );

    let subnode = node.calls("create_subnode")[0];
    assert_eq!(
        subnode["title"],
        "Evidence: How did groundwater levels change near Ulm?"
    );
    assert!(
        subnode["description"]
            .as_str()
            .unwrap()
            .contains("2.5 metres")
    );

    let output = node.calls("add_output")[0];
    let text = output["text"].as_str().unwrap();
    assert!(text.starts_with("*Made by the demo model"), "{text}");
    let quoted =
        "“Groundwater levels near Ulm fell by 2.5 metres, cf. Table 1.” (report.pdf, p. 2)";
    assert!(text.contains(quoted), "{text}");
    let sources = output["sources"].as_array().unwrap();
    let pages: Vec<_> = sources
        .iter()
        .map(|s| s["page"].as_u64().unwrap())
        .collect();
    assert_eq!(pages, [2, 4, 6], "{text}");
    for source in sources {
        let page = &node.texts["r"][number(&source["page"]).unwrap() - 1];
        assert!(page.contains(source["quote"].as_str().unwrap()), "{source}");
    }

    let (last, arguments) = node.called.last().unwrap();
    assert_eq!(last, "mark_complete");
    assert_eq!(arguments["summary"], "The demo model quoted 3 passages.");
    let ids: Vec<_> = request
        .messages
        .iter()
        .filter_map(|m| match m {
            Message::Tool { call_id, .. } => Some(call_id.clone()),
            _ => None,
        })
        .collect();
    let expected: Vec<_> = (1..=ids.len()).map(|n| format!("call_{n}")).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn a_turn_reads_at_most_four_pages_at_once() {
    let mut node = report();
    let request = walk("Do the work.", &mut node).await;
    let sizes: Vec<_> = request
        .messages
        .iter()
        .filter_map(|m| match m {
            Message::Assistant { tool_calls, .. } => Some(tool_calls.len()),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [1, 1, 1, 4, 2, 1, 1, 1]);
}

#[tokio::test]
async fn an_input_that_cannot_be_read_is_left_out_and_named() {
    let mut node = report().with("s", &["Groundwater near Ulm is measured at nine wells."]);
    node.fail = "r";
    node.inputs
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "s", "type": "node_reference", "label": "Sites"}));
    walk("Do the work.", &mut node).await;
    let output = node.calls("add_output")[0];
    let text = output["text"].as_str().unwrap();
    assert!(
        text.contains("(Sites)") && text.contains("readable: report.pdf."),
        "{text}"
    );
    assert_eq!(output["sources"].as_array().unwrap().len(), 1);
    assert!(output["sources"][0].get("page").is_none());
}

#[tokio::test]
async fn without_inputs_it_says_so_and_completes() {
    let mut node = Node::new(json!([]));
    walk("Find out.", &mut node).await;
    let names: Vec<_> = node.called.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["list_inputs", "add_output", "mark_complete"]);
    let output = node.calls("add_output")[0];
    assert!(output["text"].as_str().unwrap().contains("no inputs"));
    assert_eq!(output["sources"], json!([]));
}

#[tokio::test]
async fn text_inputs_alone_are_searched_for_the_task() {
    let mut node = Node::new(json!([{"id": "t", "type": "text", "characters": 9}])).with(
        "t",
        &[
            "The bridge was built in 1890. It is made ",
            "of iron and stone, they say.",
        ],
    );
    walk("What is the bridge made of? Is it iron?", &mut node).await;
    let output = node.calls("add_output")[0];
    let quotes: Vec<_> = output["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["quote"].clone())
        .collect();
    // The second sentence is whole although it was read in two parts.
    assert_eq!(
        quotes,
        [
            "The bridge was built in 1890.",
            "It is made of iron and stone, they say."
        ]
    );
}

#[tokio::test]
async fn a_long_file_is_read_up_to_the_limit_and_the_brief_says_so() {
    let pages: Vec<String> = (1..=60)
        .map(|n| format!("This is page number {n} of the long file."))
        .collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    let mut node =
        Node::new(json!([{"id": "f", "type": "file", "filename": "long.pdf", "pages": 60}]))
            .with("f", &pages);
    walk("What is on page 50?", &mut node).await;
    assert_eq!(node.calls("read_input").len(), MAX_PAGES);
    let text = node.calls("add_output")[0]["text"].as_str().unwrap();
    assert!(
        text.contains("long.pdf (40 of 60 pages)") && text.contains("at most 40 pages"),
        "{text}"
    );
}

#[tokio::test]
async fn failing_tools_never_keep_it_from_ending() {
    for tool in [
        "list_inputs",
        "create_subnode",
        "add_output",
        "mark_complete",
    ] {
        let mut node = report();
        node.fail = tool;
        let request = walk("Do the work.", &mut node).await;
        assert_eq!(node.calls(tool).len(), 1, "{tool} is tried once");
        let answer = turn(&request).await;
        assert_eq!(
            answer.finish,
            Finish::Stop,
            "after the end there is only a word"
        );
    }
}

#[tokio::test]
async fn without_tools_it_answers_in_words() {
    let mut request = start("Hello?");
    request.tools.clear();
    let answer = turn(&request).await;
    assert_eq!((answer.finish, answer.tool_calls.len()), (Finish::Stop, 0));
    let usage = answer.usage.unwrap();
    assert!(usage.estimated);
    assert_eq!(usage.input_tokens, 6, "23 characters");
}

#[tokio::test]
async fn another_name_is_no_demo_model() {
    let mut request = start("Hello?");
    request.model = "demo/poet".into();
    let error = Demo.chat(&request, &|_| ()).await.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::BadRequest);
}
