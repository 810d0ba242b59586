//! The demo job: the main thing that GlassBox does, on a real document.
//!
//! The sample is uploaded through a signed address, extracted, put on a node beside an
//! instruction, and the node is executed while its journal is shown. Every step first
//! looks whether it is done already, so the job can be killed anywhere and started
//! again: it goes on where it was and does nothing twice.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    client::Client,
    follow::follow,
    outputs::{self, Extent, Output},
    show::{Screen, bold, dim, wrap},
    trace::dollars,
};
use crate::{
    cli::workspace::INSTRUCTION,
    executions::model::{Status, Verification},
    files::model::ProcessingStatus,
    kernel::{Code, Error, ExecutionId, FileId, NodeId, OrgId, Result},
};

/// The document: the review of an outage at a company that does not exist.
const SAMPLE: &[u8] = include_bytes!("sample.pdf");
const FILENAME: &str = "post-incident-review-inc-0417.pdf";
const CONTENT_TYPE: &str = "application/pdf";
/// What the instruction is called among the node's inputs, where it is found again.
const INSTRUCTION_LABEL: &str = "Instruction";
/// How often it is looked whether the file's text is there.
const GLANCE: Duration = Duration::from_millis(100);

/// The job.
#[derive(Debug)]
pub struct Job<'a> {
    /// The owner of the workspace, over HTTP.
    pub client: &'a Client,
    /// Where it is shown.
    pub screen: &'a Screen,
    /// The organization that the file belongs to.
    pub org: OrgId,
    /// The node that is executed.
    pub node: NodeId,
    /// The model that it runs on.
    pub model: &'a str,
}

#[derive(Debug, Deserialize)]
struct NodeView {
    title: String,
    #[serde(default)]
    inputs: Vec<InputView>,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Debug, Deserialize)]
struct InputView {
    label: Option<String>,
    file: Option<FileBrief>,
}

#[derive(Debug, Deserialize)]
struct FileBrief {
    id: FileId,
    filename: String,
}

#[derive(Debug, Deserialize)]
struct Files {
    data: Vec<FileView>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileView {
    id: FileId,
    filename: String,
    /// Absent until the upload is confirmed.
    sha256: Option<String>,
    processing_status: ProcessingStatus,
    processing_error: Option<String>,
    extracted_text: Option<String>,
    #[serde(default)]
    metadata: FileMetadata,
}

#[derive(Debug, Default, Deserialize)]
struct FileMetadata {
    pages: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UploadAnswer {
    file_id: FileId,
    upload_url: String,
}

#[derive(Debug, Deserialize)]
struct ExecutionAnswer {
    execution: Execution,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Execution {
    id: ExecutionId,
    status: Status,
    model_id: String,
    error_message: Option<String>,
    total_tokens_in: i64,
    total_tokens_out: i64,
    estimated_cost_usd: Option<f64>,
}

/// What to do about the node's latest execution.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Start,
    Follow,
    Show,
}

/// Whether `model` is the scripted stand-in.
pub fn is_scripted(model: &str) -> bool {
    model.starts_with("demo/")
}

impl Job<'_> {
    /// Does what is left of the job and shows it; answers with the execution that
    /// completed.
    pub async fn run(&self) -> Result<ExecutionId> {
        let node: NodeView = self.client.get(&self.node_path("")).await?;
        self.introduce(&node.title);
        self.give_document(&node).await?;
        self.give_instruction(&node).await?;
        let (execution, extent) = self.executed().await?;
        self.sum_up(&execution).await?;
        self.show_outputs(&execution, extent).await?;
        match execution.status {
            Status::Complete => Ok(execution.id),
            _ => Err(Error::new(
                Code::Unprocessable,
                execution
                    .error_message
                    .unwrap_or_else(|| format!("The execution ended as {}.", execution.status)),
            )),
        }
    }

    fn introduce(&self, title: &str) {
        self.screen.heading(&format!("The main job: “{title}”"));
        let about = if is_scripted(self.model) {
            format!(
                "It runs on {}, a scripted stand-in that only selects passages: no language \
                 model, no judgement. With OPENAI_API_KEY set it runs on a real one.",
                self.model
            )
        } else {
            format!("It runs on {}.", self.model)
        };
        for line in wrap(&about, self.screen.measure()) {
            self.screen.line(&dim().apply_to(line).to_string());
        }
    }

    /// Sees to it that the node has the document as an input, with its text.
    async fn give_document(&self, node: &NodeView) -> Result<()> {
        let mut files = node.inputs.iter().filter_map(|input| input.file.as_ref());
        let given = files.find(|file| file.filename == FILENAME);
        let file = match given {
            Some(file) => file.id,
            None => self.uploaded().await?,
        };
        self.wait_for_text(file).await?;
        if given.is_none() {
            self.add_input(json!({ "inputType": "file", "fileId": file, "label": "Report" }))
                .await?;
        }
        Ok(())
    }

    async fn give_instruction(&self, node: &NodeView) -> Result<()> {
        let label = Some(INSTRUCTION_LABEL);
        if node.inputs.iter().any(|i| i.label.as_deref() == label) {
            return Ok(());
        }
        self.add_input(
            json!({ "inputType": "text", "textContent": INSTRUCTION, "label": INSTRUCTION_LABEL }),
        )
        .await
    }

    async fn add_input(&self, body: serde_json::Value) -> Result<()> {
        let added = self.client.post(&self.node_path("/inputs"), &body).await?;
        added.map(drop).map_err(Error::from)
    }

    /// The document in the organization: from an earlier try, or uploaded now.
    async fn uploaded(&self) -> Result<FileId> {
        let step = self.screen.step(&format!("Uploading {FILENAME}"));
        let path = format!("/orgs/{}/files?limit=100", self.org);
        let files: Files = self.client.get(&path).await?;
        let sha256 = hex::encode(Sha256::digest(SAMPLE));
        for file in files.data.iter().filter(|file| file.filename == FILENAME) {
            let ours = match (&file.sha256, file.processing_status) {
                // Given up after too many tries, each of which was killed.
                (Some(_), ProcessingStatus::Failed) => {
                    self.remove(file.id).await?;
                    false
                }
                (Some(hash), _) => *hash == sha256,
                (None, _) => self.confirm_or_remove(file.id).await?,
            };
            if ours {
                step.done();
                return Ok(file.id);
            }
        }
        let id = self.upload().await?;
        step.done();
        Ok(id)
    }

    async fn upload(&self) -> Result<FileId> {
        let body = json!({
            "filename": FILENAME, "contentType": CONTENT_TYPE, "sizeBytes": SAMPLE.len(),
        });
        let path = format!("/orgs/{}/files/upload", self.org);
        let answer = self.client.post(&path, &body).await?.map_err(Error::from)?;
        let upload: UploadAnswer = serde_json::from_value(answer).map_err(Error::internal)?;
        self.client
            .put_signed(&upload.upload_url, CONTENT_TYPE, SAMPLE)
            .await?;
        self.confirm(upload.file_id).await?.map_err(Error::from)?;
        Ok(upload.file_id)
    }

    /// Confirms an upload that an earlier try began; when its bytes never came, it is
    /// removed and begun anew, since its address is lost.
    async fn confirm_or_remove(&self, file: FileId) -> Result<bool> {
        match self.confirm(file).await? {
            Ok(()) => Ok(true),
            Err(refusal) if refusal.is(Code::UploadMissing) => {
                self.remove(file).await?;
                Ok(false)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn remove(&self, file: FileId) -> Result<()> {
        self.client.delete(&format!("/files/{file}")).await
    }

    async fn confirm(&self, file: FileId) -> Result<Result<(), super::client::Refusal>> {
        let path = format!("/files/{file}/confirm");
        Ok(self.client.post(&path, &json!({})).await?.map(drop))
    }

    async fn wait_for_text(&self, id: FileId) -> Result<()> {
        let file_path = format!("/files/{id}");
        let mut file: FileView = self.client.get(&file_path).await?;
        if file.processing_status == ProcessingStatus::Complete {
            return Ok(());
        }
        let what = "Extracting its text in a process with limits";
        let step = self.screen.step(what);
        loop {
            match file.processing_status {
                ProcessingStatus::Complete => {
                    step.done();
                    self.tell_extracted(&file);
                    return Ok(());
                }
                ProcessingStatus::Failed => {
                    let why = file.processing_error.unwrap_or_default();
                    let sentence = format!("{FILENAME} could not be read: {why}");
                    return Err(Error::new(Code::Unprocessable, sentence));
                }
                ProcessingStatus::Pending | ProcessingStatus::Processing => {
                    tokio::time::sleep(GLANCE).await;
                }
            }
            file = self.client.get(&file_path).await?;
        }
    }

    fn tell_extracted(&self, file: &FileView) {
        let characters = file
            .extracted_text
            .as_deref()
            .map_or(0, |text| text.chars().count());
        let told = match file.metadata.pages {
            Some(pages) => format!("  {pages} pages, {characters} characters"),
            None => format!("  {characters} characters"),
        };
        self.screen.line(&dim().apply_to(told).to_string());
    }

    /// The node's execution when it has ended, and how much of it is news.
    async fn executed(&self) -> Result<(Execution, Extent)> {
        let current = self.current().await?;
        let execution = match (next(current.as_ref(), self.model), current) {
            (Next::Show, Some(execution)) => {
                self.screen.line("");
                self.screen.line(&format!(
                    "The job ran before, on {}; `--reset` begins anew.",
                    execution.model_id
                ));
                return Ok((execution, Extent::Brief));
            }
            (Next::Follow, Some(execution)) => execution,
            _ => self.start().await?,
        };
        follow(self.client, self.screen, execution.id).await?;
        let path = format!("/executions/{}", execution.id);
        let answer: ExecutionAnswer = self.client.get(&path).await?;
        Ok((answer.execution, Extent::Whole))
    }

    async fn current(&self) -> Result<Option<Execution>> {
        let answer: Option<ExecutionAnswer> =
            self.client.find(&self.node_path("/execution")).await?;
        Ok(answer.map(|answer| answer.execution))
    }

    async fn start(&self) -> Result<Execution> {
        let body = json!({ "model": self.model });
        let path = self.node_path("/execute");
        let answer = self.client.post(&path, &body).await?.map_err(Error::from)?;
        let answer: ExecutionAnswer = serde_json::from_value(answer).map_err(Error::internal)?;
        Ok(answer.execution)
    }

    async fn sum_up(&self, execution: &Execution) -> Result<()> {
        let path = format!("/executions/{}/verify", execution.id);
        let check: Verification = self.client.get(&path).await?;
        let cost = execution
            .estimated_cost_usd
            .map_or_else(|| "at an unknown cost".to_owned(), dollars);
        let chain = if check.valid {
            "its hash chain is whole"
        } else {
            "its hash chain is BROKEN"
        };
        self.screen.line("");
        self.screen.line(&format!(
            "It ended as {}: {} events, {} tokens read, {} written, {cost}; {chain}.",
            bold().apply_to(execution.status),
            check.events,
            execution.total_tokens_in,
            execution.total_tokens_out,
        ));
        Ok(())
    }

    async fn show_outputs(&self, execution: &Execution, extent: Extent) -> Result<()> {
        let node: NodeView = self.client.get(&self.node_path("")).await?;
        let by = Some(execution.id.to_string());
        let outputs: Vec<&Output> = node
            .outputs
            .iter()
            .filter(|output| output.execution_id == by)
            .collect();
        if outputs.is_empty() {
            self.screen.line("It added no outputs.");
            return Ok(());
        }
        self.screen.heading("Outputs");
        for output in outputs {
            outputs::show(self.screen, output, extent);
        }
        Ok(())
    }

    fn node_path(&self, rest: &str) -> String {
        format!("/nodes/{}{rest}", self.node)
    }
}

/// A failed or cancelled run is done again; so is a scripted one, once there is a real
/// model to do it.
fn next(current: Option<&Execution>, model: &str) -> Next {
    match current {
        Some(execution) if !execution.status.is_terminal() => Next::Follow,
        Some(execution) if execution.status == Status::Complete => {
            let better = is_scripted(&execution.model_id) && !is_scripted(model);
            if better { Next::Start } else { Next::Show }
        }
        _ => Next::Start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(status: Status, ran_on: &str, model: &str) -> Next {
        let execution = Execution {
            id: ExecutionId::from_uuid(uuid::Uuid::from_u128(1)),
            status,
            model_id: ran_on.to_owned(),
            error_message: None,
            total_tokens_in: 0,
            total_tokens_out: 0,
            estimated_cost_usd: None,
        };
        next(Some(&execution), model)
    }

    #[test]
    fn what_runs_is_followed_and_what_failed_is_done_again() {
        let demo = "demo/analyst";
        assert_eq!(next(None, demo), Next::Start);
        for status in [Status::Pending, Status::Running, Status::AwaitingInput] {
            assert_eq!(decided(status, demo, "openai/x"), Next::Follow);
        }
        for status in [Status::Failed, Status::Cancelled] {
            assert_eq!(decided(status, demo, demo), Next::Start);
        }
    }

    #[test]
    fn what_is_complete_is_shown_unless_a_real_model_can_do_it_now() {
        let (demo, real) = ("demo/analyst", "openai/gpt-4o-mini");
        assert_eq!(decided(Status::Complete, demo, demo), Next::Show);
        assert_eq!(decided(Status::Complete, real, real), Next::Show);
        assert_eq!(decided(Status::Complete, real, demo), Next::Show);
        assert_eq!(decided(Status::Complete, demo, real), Next::Start);
    }
}
