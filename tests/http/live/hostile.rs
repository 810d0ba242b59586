//! Clients that mean no good: each is refused or closed with the code that is documented,
//! and others notice nothing.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::{
    support::{Socket, TestApp, until},
    workbench::Workbench,
};

struct Stage {
    bench: Workbench,
    node: String,
    witness: Socket,
}

impl Stage {
    async fn set(settings: &[(&'static str, String)]) -> Self {
        let bench = Workbench::of(TestApp::start_configured(settings).await).await;
        bench.test.relay_always();
        let node = bench.titled("One").await;
        let mut witness = Socket::open(&bench.test.url, &bench.ada).await;
        witness.subscribe(&format!("node:{node}")).await;
        Stage {
            bench,
            node,
            witness,
        }
    }

    async fn socket(&self) -> Socket {
        Socket::open(&self.bench.test.url, &self.bench.ada).await
    }

    /// Somebody else hears what happens, soon.
    async fn others_notice_nothing(&mut self) {
        let body = json!({ "metadata": { "n": 1 } });
        self.bench.patch(&self.node, body).await.expect(200);
        let heard = tokio::time::timeout(Duration::from_secs(5), self.witness.next());
        heard.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_eight_kibibytes_is_read_and_one_more_byte_closes() {
    let mut stage = Stage::set(&[]).await;
    let message = |size: usize| {
        let shell = r#"{"type":"ping","payload":""}"#.len();
        let payload = "x".repeat(size - shell);
        Message::text(json!({ "type": "ping", "payload": payload }).to_string())
    };
    let mut socket = stage.socket().await;
    socket.raw(message(8192)).await;
    assert_eq!(socket.next().await["type"], "pong");
    socket.raw(message(8193)).await;
    assert_eq!(socket.closed().await, 1009);
    stage.others_notice_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_closes() {
    let mut stage = Stage::set(&[]).await;
    let mut socket = stage.socket().await;
    socket.raw(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(socket.closed().await, 1003);
    // Text of a byte that begins nothing in UTF-8, masked with zeros.
    let mut socket = stage.socket().await;
    let raw = socket.stream.get_mut();
    raw.write_all(&[0x81, 0x81, 0, 0, 0, 0, 0xff])
        .await
        .unwrap();
    assert_eq!(socket.closed().await, 1007);
    // A frame without a mask.
    let mut socket = stage.socket().await;
    let raw = socket.stream.get_mut();
    raw.write_all(&[0x81, 0x01, b'x']).await.unwrap();
    assert_eq!(socket.closed().await, 1002);
    stage.others_notice_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_of_64_megabytes_is_refused_at_its_head() {
    let mut stage = Stage::set(&[]).await;
    let mut socket = stage.socket().await;
    let size = 64_u64 << 20;
    let mut head = vec![0x81, 0xff];
    head.extend(size.to_be_bytes());
    head.extend([0; 4]);
    socket.stream.get_mut().write_all(&head).await.unwrap();
    assert_eq!(socket.closed().await, 1009);
    stage.others_notice_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_in_pieces_is_bounded_as_a_whole() {
    let mut stage = Stage::set(&[]).await;
    let mut socket = stage.socket().await;
    let raw = socket.stream.get_mut();
    for number in 0..4 {
        let opcode = if number == 0 { 0x01 } else { 0x00 };
        let mut frame = vec![opcode, 0x80 | 126];
        frame.extend(4000_u16.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(vec![b'x'; 4000]);
        let _ = raw.write_all(&frame).await;
    }
    assert_eq!(socket.closed().await, 1009);
    stage.others_notice_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_messages_are_refused_and_then_the_socket_is_closed() {
    let mut stage = Stage::set(&[]).await;
    let mut socket = stage.socket().await;
    for _ in 0..150 {
        socket.send("ping", json!({}), "p").await;
    }
    let mut refused = 0;
    for _ in 0..150 {
        let answer = socket.next().await;
        if answer["payload"]["code"] == "RATE_LIMITED" {
            refused += 1;
        }
    }
    assert!((10..=50).contains(&refused), "{refused}");
    for _ in 0..10_000 {
        socket.raw(Message::Ping(Bytes::from_static(b"?"))).await;
    }
    // The connection may be reset before its last words are read.
    let code = socket.closed().await;
    assert!(code == 1008 || code == 0, "{code}");
    stage.others_notice_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_of_a_socket_are_bounded() {
    let settings = [
        ("live.subscriptions", "3".to_owned()),
        ("live.messages_per_second", "10000".to_owned()),
    ];
    let mut stage = Stage::set(&settings).await;
    let mut socket = stage.socket().await;
    let mut nodes = Vec::new();
    for number in 0..5 {
        nodes.push(stage.bench.titled(&format!("Node {number}")).await);
    }
    let mut answers = Vec::new();
    for _ in 0..40 {
        for node in &nodes {
            let ask = json!({ "channel": format!("node:{node}") });
            let answer = socket.ask("subscribe", ask).await;
            answers.push(answer["type"] == "subscribed");
        }
    }
    // The same three again and again are three.
    assert_eq!(answers.iter().filter(|is_new| **is_new).count(), 3 * 40);
    stage.others_notice_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_subscriptions_of_one_socket_are_refused_but_for_the_allowed() {
    let settings = [
        ("live.subscriptions", "20".to_owned()),
        ("live.messages_per_second", "10000".to_owned()),
    ];
    let mut stage = Stage::set(&settings).await;
    let mut socket = stage.socket().await;
    let mut channels = Vec::new();
    for number in 0..21 {
        let node = stage.bench.titled(&format!("Node {number}")).await;
        channels.push(format!("node:{node}"));
    }
    let one_too_many = channels.pop().unwrap();
    for channel in &channels {
        socket.subscribe(channel).await;
    }
    for _ in 0..20 {
        for _ in 0..500 {
            let ask = json!({ "channel": one_too_many });
            socket.send("subscribe", ask, "s").await;
        }
        for _ in 0..500 {
            assert_eq!(socket.next().await["payload"]["code"], "RATE_LIMITED");
        }
    }
    let answer = socket.ask("unsubscribe", json!({ "channel": channels[0] }));
    assert_eq!(answer.await["type"], "unsubscribed");
    socket.subscribe(&one_too_many).await;
    stage.others_notice_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_closed() {
    let settings = [("live.silence_seconds", "2".to_owned())];
    let stage = Stage::set(&settings).await;
    let socket = stage.socket().await;
    // The library answers pings only while it is read from; this one is half-open.
    let tokio_tungstenite::MaybeTlsStream::Plain(mut raw) = socket.stream.into_inner() else {
        panic!("no TLS here");
    };
    let mut heard = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(20), raw.read_to_end(&mut heard));
    end.await.unwrap().unwrap();
    // The last frame is a close with our code.
    let code = 4009_u16.to_be_bytes();
    assert!(heard.windows(2).any(|pair| pair == code), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_answers_to_pings_by_that() {
    let settings = [("live.silence_seconds", "2".to_owned())];
    let mut stage = Stage::set(&settings).await;
    let mut socket = stage.socket().await;
    let silence = tokio::time::timeout(Duration::from_secs(5), socket.hear()).await;
    assert!(silence.is_err(), "closed or heard: {silence:?}");
    assert_eq!(socket.ask("ping", json!({})).await["type"], "pong");
    drop(stage.socket().await);
    stage.witness = socket;
    let node = stage.node.clone();
    stage.witness.subscribe(&format!("node:{node}")).await;
    stage.others_notice_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_is_cut_off_and_its_place_is_free_again() {
    let settings = [
        ("live.queue", "16".to_owned()),
        ("live.connections_per_user", "2".to_owned()),
        ("live.silence_seconds", "3".to_owned()),
    ];
    let mut stage = Stage::set(&settings).await;
    let mut deaf = stage.socket().await;
    deaf.subscribe(&format!("node:{}", stage.node)).await;
    let tokio_tungstenite::MaybeTlsStream::Plain(raw) = deaf.stream.get_ref() else {
        panic!("no TLS here");
    };
    let port = raw.local_addr().unwrap().port();
    let text = "x".repeat(60_000);
    let bob = stage.bench.member("bob", "member").await;
    // Buffers of the kernel take some megabytes.
    until("an end of its queue", async || {
        for _ in 0..10 {
            let body = json!({ "description": format!("{text}{}", uuid::Uuid::now_v7()) });
            let path = format!("/nodes/{}", stage.node);
            bob.patch(&path, body).await.expect(200);
            stage.witness.next_of("node_updated").await;
        }
        let token = Socket::ticket(&stage.bench.ada).await;
        Socket::with_ticket(&stage.bench.test.url, &token, None)
            .await
            .ok()
    })
    .await;
    // Nor does the server keep the connection, though its client never reads the end of it.
    until("an end of the connection", async || {
        let remote = format!(":{port:04X} 01 ");
        // The witness shows that it lives by reading.
        stage
            .witness
            .subscribe(&format!("node:{}", stage.node))
            .await;
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        (!table.contains(&remote)).then_some(())
    })
    .await;
    stage.others_notice_nothing().await;
}
