//! Hostile addresses in every form that parsers are known to read.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::*;

/// Answers with each list in turn, the last one for ever; counts the questions.
struct Script {
    answers: Mutex<Vec<Vec<SocketAddr>>>,
    asked: AtomicUsize,
}

impl Script {
    fn new(answers: Vec<Vec<SocketAddr>>) -> Arc<Self> {
        Arc::new(Script {
            answers: Mutex::new(answers),
            asked: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl Names for Script {
    async fn addresses(&self, _: &str) -> std::io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 {
            return Ok(answers.remove(0));
        }
        Ok(answers[0].clone())
    }
}

fn guarded(allowed: &[&str], names: Arc<dyn Names>) -> Guarded {
    let allowed = Allowed::parse(allowed.iter().copied()).unwrap();
    Guarded::with_names(Timeouts::default(), allowed, names).unwrap()
}

fn literal(url: &str, allowed: &[&str]) -> Result<Client> {
    guarded(allowed, Arc::new(SystemNames)).client_for(&Url::parse(url).unwrap())
}

/// Whether calling `url`, whose name has `addresses`, is refused by the guard.
async fn refused(addresses: Vec<SocketAddr>, allowed: &[&str]) -> bool {
    let guarded = guarded(allowed, Script::new(vec![addresses]));
    let url = Url::parse("http://name.example/").unwrap();
    let sent = guarded.client_for(&url).unwrap().get(url).send().await;
    sent.is_err_and(|error| refusal(&error).is_some())
}

async fn server() -> (MockServer, SocketAddr) {
    let server = MockServer::start().await;
    let ok = ResponseTemplate::new(200);
    Mock::given(any()).respond_with(ok).mount(&server).await;
    let address = *server.address();
    (server, address)
}

#[test]
fn no_line_of_the_tables_is_lost() {
    assert_eq!(TABLES.not_public_v4.len(), NOT_PUBLIC_V4.len());
    assert_eq!(TABLES.public_v6.len(), 1);
    assert_eq!(TABLES.not_public_v6.len(), NOT_PUBLIC_V6.len());
}

#[test]
fn every_spelling_of_an_internal_address_is_refused() {
    for url in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://127.0.0.1./",
        "http://%31%32%37.0.0.1/",
        "http://①②⑦.0.0.1/",
        "http://127。0。0。1/",
        "http://0.0.0.0/",
        "http://0/",
        "http://10.0.0.1:5432/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://100.100.100.200/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://168.63.129.16/",
        "http://192.0.0.192/",
        "http://198.18.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::]/",
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b:1::10.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001::1]/",
        "http://[2001:db8::1]/",
        "http://[fc00::1]/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
    ] {
        let error = literal(url, &[]).err();
        assert!(error.is_some(), "{url}");
    }
}

#[test]
fn other_schemes_and_passwords_are_refused() {
    for url in [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "http://user@example.com/",
        "http://:secret@example.com/",
        "http://example.com:80@127.0.0.1/",
    ] {
        assert!(literal(url, &[]).is_err(), "{url}");
    }
}

#[test]
fn public_addresses_pass_and_allowed_ones_do() {
    for url in [
        "https://api.openai.com/v1",
        "http://8.8.8.8/",
        "http://172.32.0.1/",
        "http://100.128.0.1/",
        "https://[2606:4700::1111]/",
    ] {
        assert!(literal(url, &[]).is_ok(), "{url}");
    }
    assert!(literal("http://10.1.2.3/", &["10.0.0.0/8"]).is_ok());
    assert!(literal("http://[::1]/", &["::1"]).is_ok());
    assert!(literal("http://11.0.0.1/", &["10.0.0.0/8"]).is_ok());
    assert!(literal("http://192.168.0.1/", &["10.0.0.0/8"]).is_err());
    assert!(Allowed::parse(["10.0.0.0/99"]).is_err());
}

#[tokio::test]
async fn a_name_that_means_an_internal_address_is_refused_and_nothing_is_called() {
    let (server, address) = server().await;
    assert!(refused(vec![address], &[]).await);
    let public: SocketAddr = "8.8.8.8:9".parse().unwrap();
    assert!(refused(vec![public, address], &[]).await, "one is enough");
    let mapped: SocketAddr = format!("[::ffff:127.0.0.1]:{}", address.port())
        .parse()
        .unwrap();
    assert!(refused(vec![mapped], &[]).await);
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_usual_names_of_this_machine_are_refused() {
    let guarded = guarded(&[], Arc::new(SystemNames));
    for (host, must_be_known) in [
        ("localhost", true),
        ("LOCALHOST", true),
        ("localhost.", false),
    ] {
        let url = Url::parse(&format!("http://{host}:1/")).unwrap();
        let error = guarded.client_for(&url).unwrap().get(url).send().await;
        let error = error.unwrap_err();
        // With a dot at its end the name is not everywhere known.
        let unknown = format!("{error:?}").contains("dns error") && !must_be_known;
        assert!(refusal(&error).is_some() || unknown, "{error:?}");
    }
}

#[tokio::test]
async fn what_the_operator_allows_is_called_by_name_or_network() {
    let (server, address) = server().await;
    assert!(!refused(vec![address], &["127.0.0.0/8"]).await);
    assert!(!refused(vec![address], &["Name.Example."]).await);
    assert!(refused(vec![address], &["other.example", "10.0.0.0/8"]).await);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_connected_to() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let good = listener.local_addr().unwrap();
    let inside: SocketAddr = format!("127.0.0.2:{}", good.port()).parse().unwrap();
    let names = Script::new(vec![vec![good], vec![inside]]);
    let guarded = guarded(&["127.0.0.1"], Arc::clone(&names) as Arc<dyn Names>);
    let url = Url::parse("http://name.example/").unwrap();
    let client = guarded.client_for(&url).unwrap();
    let serve = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut question = [0; 1024];
        assert!(socket.read(&mut question).await.unwrap() > 0);
        let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        socket.write_all(answer.as_bytes()).await.unwrap();
    };
    let (answer, ()) = tokio::join!(client.get(url.clone()).send(), serve);
    // One question served the check and the connection: the name was not asked again.
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(names.asked.load(Ordering::Relaxed), 1);
    // The name means something else now, and a new connection is checked anew.
    let error = client.get(url).send().await.unwrap_err();
    assert!(refusal(&error).is_some(), "{error:?}");
    assert_eq!(names.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_redirect_into_the_inside_is_not_followed() {
    let server = MockServer::start().await;
    let away = ResponseTemplate::new(307).insert_header("location", "http://127.0.0.1:1/");
    Mock::given(any()).respond_with(away).mount(&server).await;
    let names = Script::new(vec![vec![*server.address()]]);
    let guarded = guarded(&["127.0.0.1"], names);
    let url = Url::parse("http://name.example/").unwrap();
    let answer = guarded.client_for(&url).unwrap().get(url).send().await;
    assert_eq!(answer.unwrap().status(), 307);
}
