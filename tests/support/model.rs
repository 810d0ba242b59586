//! A model that says what a test tells it to.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use glassbox::platform::llm::{
    ChatAnswer, ChatRequest, Delta, Finish, Model, ModelError, ToolCall, Usage,
};
use serde_json::Value;
use tokio::sync::{Notify, Semaphore};

type Answers = Box<dyn FnMut(&ChatRequest) -> Result<ChatAnswer, ModelError> + Send>;

/// Answers with what a closure says; remembers what it was asked.
#[derive(Clone)]
pub struct Scripted {
    answers: Arc<Mutex<Answers>>,
    pub asked: Arc<Mutex<Vec<ChatRequest>>>,
}

impl Scripted {
    pub fn new(
        answers: impl FnMut(&ChatRequest) -> Result<ChatAnswer, ModelError> + Send + 'static,
    ) -> Self {
        Scripted {
            answers: Arc::new(Mutex::new(Box::new(answers))),
            asked: Arc::default(),
        }
    }

    /// Calls these tools, one an answer, and then says nothing more.
    pub fn calling(calls: Vec<(&str, Value)>) -> Self {
        let mut calls: Vec<_> = calls
            .into_iter()
            .map(|(name, a)| (name.to_owned(), a))
            .collect();
        calls.reverse();
        Self::new(move |_| {
            Ok(match calls.pop() {
                Some((name, arguments)) => call(&name, &arguments.to_string()),
                None => says("I have nothing more to say."),
            })
        })
    }
}

#[async_trait]
impl Model for Scripted {
    async fn chat(&self, request: &ChatRequest, _: Delta<'_>) -> Result<ChatAnswer, ModelError> {
        self.asked.lock().unwrap().push(request.clone());
        (self.answers.lock().unwrap())(request)
    }
}

/// Gives these answers in turn, each when the test lets it, and says so when it is asked.
#[derive(Clone)]
pub struct Gated {
    answers: Arc<Mutex<Vec<ChatAnswer>>>,
    asked: Arc<Semaphore>,
    allowed: Arc<Semaphore>,
}

impl Gated {
    pub fn new(mut answers: Vec<ChatAnswer>) -> Self {
        answers.reverse();
        Gated {
            answers: Arc::new(Mutex::new(answers)),
            asked: Arc::new(Semaphore::new(0)),
            allowed: Arc::new(Semaphore::new(0)),
        }
    }

    /// Waits until the model is asked again.
    pub async fn asked(&self) {
        self.asked.acquire().await.unwrap().forget();
    }

    /// Lets one answer go.
    pub fn answer(&self) {
        self.allowed.add_permits(1);
    }
}

#[async_trait]
impl Model for Gated {
    async fn chat(&self, _: &ChatRequest, _: Delta<'_>) -> Result<ChatAnswer, ModelError> {
        self.asked.add_permits(1);
        self.allowed.acquire().await.unwrap().forget();
        Ok(self.answers.lock().unwrap().pop().unwrap())
    }
}

/// An answer with several calls.
pub fn calls(list: &[(&str, Value)]) -> ChatAnswer {
    let tool_call = |(name, arguments): &(&str, Value)| ToolCall {
        id: String::new(),
        name: (*name).to_owned(),
        arguments: arguments.to_string(),
    };
    ChatAnswer {
        tool_calls: list.iter().map(tool_call).collect(),
        finish: Finish::ToolCalls,
        ..says("")
    }
}

/// Says a few words and then nothing, until it is dropped.
#[derive(Clone, Default)]
pub struct Stuck {
    pub asked: Arc<Notify>,
    pub dropped: Arc<Notify>,
}

struct Guard(Arc<Notify>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[async_trait]
impl Model for Stuck {
    async fn chat(&self, _: &ChatRequest, delta: Delta<'_>) -> Result<ChatAnswer, ModelError> {
        let _guard = Guard(Arc::clone(&self.dropped));
        delta("Let me think");
        self.asked.notify_one();
        std::future::pending().await
    }
}

/// An answer of words alone.
pub fn says(text: &str) -> ChatAnswer {
    ChatAnswer {
        text: text.to_owned(),
        tool_calls: Vec::new(),
        finish: Finish::Stop,
        usage: Some(Usage {
            input_tokens: 100,
            output_tokens: 10,
            ..Usage::default()
        }),
        model: "scripted".to_owned(),
    }
}

/// An answer that calls one tool.
pub fn call(name: &str, arguments: &str) -> ChatAnswer {
    ChatAnswer {
        tool_calls: vec![ToolCall {
            id: String::new(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        }],
        finish: Finish::ToolCalls,
        ..says("")
    }
}
