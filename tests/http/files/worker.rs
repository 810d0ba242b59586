//! The file worker: leases, faults, the sweep.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use chrono::TimeDelta;
use glassbox::{
    files::{
        model::{Claim, ClaimRules, Claiming, Reading},
        ops::processing,
    },
    ingest::sandbox::Sandbox,
    kernel::{
        FileId, JobId, OrgId, WorkerId,
        event::{Channel, EventKind, QueueName},
    },
    platform::workers::{self, Heartbeat, WorkerRole},
};
use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Granted, MARKDOWN, org, sandbox, upload, use_in_a_node, uuid, work, worker, worker_with,
};
use crate::support::{Client, TestApp};

/// One organization with one confirmed file, its message relayed.
struct Bench {
    test: TestApp,
    ada: Client,
    org: String,
    file: Granted,
}

impl Bench {
    async fn new(test: TestApp) -> Self {
        let ada = test.user("ada").await;
        let org = org(&ada, "labs").await;
        let file = upload(&ada, &org, "a.md", MARKDOWN, "# A").await;
        test.relay().await;
        Bench {
            test,
            ada,
            org,
            file,
        }
    }

    async fn status(&self) -> String {
        let file = self.ada.get(&self.file.path()).await.expect(200);
        file["processingStatus"].as_str().unwrap().to_owned()
    }

    async fn until_status(&self, status: &str) {
        let waiting = async { while self.status().await != status {} };
        tokio::time::timeout(Duration::from_secs(30), waiting)
            .await
            .unwrap();
    }

    async fn register(&self) -> WorkerId {
        let db = &self.test.app.db;
        workers::register(db, WorkerRole::File).await.unwrap()
    }

    async fn claim(&self, worker: WorkerId) -> Claiming {
        let config = &self.test.app.config;
        let rules = ClaimRules {
            worker,
            lease: config.agent.lease(),
            max_attempts: config.ingest.max_attempts,
        };
        let org: OrgId = self.org.parse().unwrap();
        let file: FileId = self.file.id.parse().unwrap();
        processing::claim(&self.test.app.db, org, file, &rules)
            .await
            .unwrap()
    }

    async fn granted(&self, worker: WorkerId) -> Claim {
        match self.claim(worker).await {
            Claiming::Granted(claim) => claim,
            other => panic!("{other:?}"),
        }
    }

    async fn finish(&self, claim: &Claim, text: &str) -> bool {
        let reading = Reading::Text {
            text: text.to_owned(),
            segments: vec![],
            metadata: json!({}),
        };
        processing::finish(&self.test.app.db, claim, &reading)
            .await
            .unwrap()
    }

    /// A program that takes the place of the parser.
    fn script(&self, folder: &Path, body: &str) -> Sandbox {
        let program = folder.join("parser");
        std::fs::write(&program, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        Sandbox {
            program,
            ..sandbox(&self.test)
        }
    }

    async fn requeue(&self) -> usize {
        let found = worker(&self.test).await.requeue_abandoned().await.unwrap();
        self.test.relay().await;
        found
    }
}

/// Advances past the life of every lease that nobody renews.
fn outlive(test: &TestApp) {
    test.clock.advance(TimeDelta::seconds(31));
}

/// A PDF whose page draws a form that draws itself without end.
fn hostile_pdf() -> Vec<u8> {
    let form =
        "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >>";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R \
         /Resources << /XObject << /X 5 0 R >> >> >>"
            .to_owned(),
        "<< /Length 5 >>\nstream\n/X Do\nendstream".to_owned(),
        format!("<< {form} /Length 5 >>\nstream\n/X Do\nendstream"),
    ];
    let mut out = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (i, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", out.len());
        out += &format!("{} 0 obj\n{object}\nendobj\n", i + 1);
    }
    let start = out.len();
    out += &format!(
        "xref\n0 6\n{table}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    out.into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_kills_its_parser_fails_alone() {
    let test = TestApp::start().await;
    let ada = test.user("ada").await;
    let org = org(&ada, "labs").await;
    let hostile = upload(&ada, &org, "evil.pdf", "application/pdf", hostile_pdf()).await;
    let good = upload(&ada, &org, "a.md", MARKDOWN, "# A").await;
    assert_eq!(work(&test, &worker(&test).await).await, 2);
    let failed = ada.get(&hostile.path()).await.expect(200);
    assert_eq!(failed["processingStatus"], "failed");
    assert_eq!(failed["metadata"]["outcome"], "crashed");
    assert!(failed["processingError"].as_str().unwrap().ends_with('.'));
    assert_eq!(ada.get(&good.text_path()).await.text, "# A");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_deleted_while_it_is_read_stays_deleted() {
    let bench = Bench::new(TestApp::start().await).await;
    let claim = bench.granted(bench.register().await).await;
    bench.ada.delete(&bench.file.path()).await.expect(204);
    assert!(!bench.finish(&claim, "late").await);
    let answer = bench.ada.get(&bench.file.path()).await;
    answer.expect_problem(404, "NOT_FOUND");
    // The message that it is there to be read, and the one to remove its bytes.
    assert_eq!(work(&bench.test, &worker(&bench.test).await).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_holder_keeps_its_file_and_a_dead_one_is_fenced() {
    let bench = Bench::new(TestApp::start_with_manual_clock().await).await;
    let first = bench.register().await;
    let slow = bench.granted(first).await;
    let second = bench.register().await;
    assert_eq!(bench.claim(second).await, Claiming::Held);

    bench.test.clock.advance(TimeDelta::seconds(20));
    assert!(workers::beat(&bench.test.app.db, first).await.unwrap());
    bench.test.clock.advance(TimeDelta::seconds(20));
    assert_eq!(bench.claim(second).await, Claiming::Held);

    outlive(&bench.test);
    let third = bench.register().await;
    let taken = bench.granted(third).await;
    assert_eq!(taken.epoch, slow.epoch + 1);
    assert!(!bench.finish(&slow, "of the slow one").await);
    assert!(bench.finish(&taken, "of the one who took over").await);
    assert!(!bench.finish(&taken, "twice").await);
    let text = bench.ada.get(&bench.file.text_path()).await.text;
    assert_eq!(text, "of the one who took over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_worker_loses_its_files_at_once() {
    let bench = Bench::new(TestApp::start_with_manual_clock().await).await;
    let first = bench.register().await;
    bench.granted(first).await;
    let db = &bench.test.app.db;
    let host = workers::host();
    assert_eq!(
        workers::retire_others_on_this_host(db, "elsewhere")
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        workers::retire_others_on_this_host(db, &host)
            .await
            .unwrap(),
        1
    );
    assert!(!workers::beat(db, first).await.unwrap());
    bench.granted(bench.register().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_file_is_queued_again_once() {
    let bench = Bench::new(TestApp::start_with_manual_clock().await).await;
    let dead = worker(&bench.test).await;
    // The message is lost, and then the worker.
    let queue = &bench.test.app.queue;
    let message = queue
        .receive(QueueName::File, Duration::from_secs(1))
        .await
        .unwrap()
        .unwrap();
    queue.delete(&message).await.unwrap();
    assert_eq!(bench.requeue().await, 0, "it may be on its way");
    bench.granted(bench.register().await).await;
    assert_eq!(bench.requeue().await, 0, "its holder lives");
    drop(dead);
    outlive(&bench.test);
    assert_eq!(bench.requeue().await, 1);
    outlive(&bench.test);
    assert_eq!(bench.requeue().await, 0, "its message waits");
    assert_eq!(work(&bench.test, &worker(&bench.test).await).await, 1);
    assert_eq!(bench.status().await, "complete");
    outlive(&bench.test);
    assert_eq!(bench.requeue().await, 0, "it is finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_ours_is_tried_again_and_then_said_to_be_ours() {
    let bench = Bench::new(TestApp::start_with_manual_clock().await).await;
    let nothing = Sandbox {
        program: "/nonexistent/parser".into(),
        ..sandbox(&bench.test)
    };
    let worker = worker_with(&bench.test, nothing).await;
    for expected in ["pending", "pending", "failed"] {
        assert_eq!(work(&bench.test, &worker).await, 1);
        assert_eq!(bench.status().await, expected);
        bench.test.clock.advance(TimeDelta::seconds(60));
    }
    assert_eq!(work(&bench.test, &worker).await, 0);
    let file = bench.ada.get(&bench.file.path()).await.expect(200);
    assert_eq!(file["metadata"]["outcome"], "given_up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_takes_its_worker_down_is_given_up() {
    let bench = Bench::new(TestApp::start_with_manual_clock().await).await;
    for _ in 0..3 {
        bench.granted(bench.register().await).await;
        outlive(&bench.test);
    }
    let last = bench.register().await;
    assert_eq!(bench.claim(last).await, Claiming::GivenUp);
    assert_eq!(bench.status().await, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_and_foreign_messages_are_put_aside() {
    let bench = Bench::new(TestApp::start().await).await;
    let org: OrgId = bench.org.parse().unwrap();
    let foreign = format!("{}/{}", uuid(), bench.file.id);
    let bodies: [Value; 6] = [
        json!(null),
        json!({}),
        json!({ "fileId": "no id" }),
        json!({ "fileId": uuid() }),
        json!({ "deleteKey": foreign }),
        json!({ "deleteKey": format!("{org}/../{org}") }),
    ];
    for body in bodies {
        let id = JobId::from_uuid(uuid());
        let queue = &bench.test.app.queue;
        queue.send(QueueName::File, id, org, body).await.unwrap();
    }
    assert_eq!(work(&bench.test, &worker(&bench.test).await).await, 7);
    assert_eq!(work(&bench.test, &worker(&bench.test).await).await, 0);
    assert_eq!(bench.status().await, "complete");
    // All but the one of a file that there is not: it may have been deleted.
    let dead = bench.test.app.queue.dead(QueueName::File, 10).await;
    assert_eq!(dead.unwrap().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_can_not_be_removed_are_tried_for_long_and_then_put_aside() {
    let bench = Bench::new(TestApp::start_with_manual_clock().await).await;
    let worker = worker(&bench.test).await;
    work(&bench.test, &worker).await;
    let objects = bench.test.app.config.storage.folder.join("objects");
    let key = objects.join(format!("{}/{}@v1", bench.org, bench.file.id));
    // What is a folder can't be removed as a file.
    std::fs::remove_file(&key).unwrap();
    std::fs::create_dir(&key).unwrap();
    bench.ada.delete(&bench.file.path()).await.expect(204);
    for _ in 0..100 {
        assert_eq!(work(&bench.test, &worker).await, 1);
        bench.test.clock.advance(TimeDelta::seconds(600));
    }
    assert_eq!(work(&bench.test, &worker).await, 0);
    let queue = &bench.test.app.queue;
    let dead = queue.dead(QueueName::File, 10).await.unwrap();
    assert_eq!(dead[0].attempts, 100);
    std::fs::remove_dir(&key).unwrap();
    std::fs::write(&key, "").unwrap();
    queue.revive(&dead[0]).await.unwrap();
    assert_eq!(work(&bench.test, &worker).await, 1);
    assert!(!key.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_deleted_at_any_step_of_its_reading_leaves_nothing() {
    for step in ["queued", "claimed", "parsing", "read", "reopened"] {
        let bench = Bench::new(TestApp::start().await).await;
        let folder = tempfile::tempdir().unwrap();
        let real = sandbox(&bench.test).program.display().to_string();
        let here = folder.path().display();
        let halting = format!(
            "touch {here}/begun; while [ ! -e {here}/go ]; do sleep 0.02; done; exec {real} \"$@\""
        );
        let halting = worker_with(&bench.test, bench.script(folder.path(), &halting)).await;
        let delete = async || bench.ada.delete(&bench.file.path()).await.expect(204);
        match step {
            "queued" => drop(delete().await),
            "claimed" => {
                let claim = bench.granted(bench.register().await).await;
                delete().await;
                assert!(!bench.finish(&claim, "late").await);
            }
            "parsing" => {
                let deleting = async {
                    while !folder.path().join("begun").exists() {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    delete().await;
                    std::fs::write(folder.path().join("go"), "").unwrap();
                };
                let (step, ()) = tokio::join!(halting.step(), deleting);
                step.unwrap();
            }
            _ => {
                work(&bench.test, &worker(&bench.test).await).await;
                if step == "reopened" {
                    let again = format!("{}/reprocess", bench.file.path());
                    bench.ada.post_empty(&again).await.expect(200);
                }
                delete().await;
            }
        }
        work(&bench.test, &worker(&bench.test).await).await;
        let answer = bench.ada.get(&bench.file.path()).await;
        answer.expect_problem(404, "NOT_FOUND");
        for table in ["files", "chunks", "jobs"] {
            let sql = format!("select count(*)::text as text from {table}");
            assert_eq!(bench.test.database.text(&sql).await, "0", "{step}: {table}");
        }
        assert!(super::files_in(&bench.test, "objects").is_empty(), "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_worker_is_woken_and_stops_when_told() {
    let test = TestApp::start().await;
    test.relay_always();
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(worker(&test).await.run(stop.clone()));
    let bench = Bench::new(test).await;
    bench.until_status("complete").await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_hands_over_what_it_holds() {
    let at_once = [("agent.drain_seconds", "0".to_owned())];
    let bench = Bench::new(TestApp::start_configured(&at_once).await).await;
    let folder = tempfile::tempdir().unwrap();
    let endless = bench.script(folder.path(), "exec sleep 600");
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let stopping = worker_with(&bench.test, endless).await;
    tasks.spawn(stopping.run(stop.clone()));
    bench.until_status("processing").await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    assert_eq!(bench.status().await, "pending");
    assert_eq!(work(&bench.test, &worker(&bench.test).await).await, 1);
    assert_eq!(bench.status().await, "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_that_use_a_file_hear_of_each_step() {
    let bench = Bench::new(TestApp::start().await).await;
    let (_, node) = use_in_a_node(&bench.test, &bench.org, &bench.file.id).await;
    let channel = Channel::Node(node.parse().unwrap());
    let mut news = bench.test.app.bus.subscribe(channel).await.unwrap();
    work(&bench.test, &worker(&bench.test).await).await;
    bench.test.relay().await;
    for status in ["processing", "complete"] {
        let message = news.try_recv().unwrap();
        assert_eq!(message.kind, EventKind::FileUpdated);
        assert_eq!(
            *message.payload,
            json!({
                "fileId": bench.file.id,
                "filename": "a.md",
                "processingStatus": status,
                "nodeIds": [node],
            })
        );
    }
    assert!(news.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_enters_its_worker_again_and_retires_it_at_the_end() {
    let bench = Bench::new(TestApp::start().await).await;
    let id = bench.register().await;
    let db = &bench.test.app.db;
    workers::retire(db, id).await.unwrap();
    let heartbeat = Heartbeat {
        db: db.clone(),
        id,
        role: WorkerRole::File,
        every: Duration::from_millis(1),
    };
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(heartbeat.run(stop.clone()));
    let entered = async { while !workers::beat(db, id).await.unwrap() {} };
    tokio::time::timeout(Duration::from_secs(30), entered)
        .await
        .unwrap();
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    assert!(!workers::beat(db, id).await.unwrap());
}
