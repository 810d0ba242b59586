//! The folder, over real files. What every storage promises is tested in `tests/http`, over the
//! folder and over a server that speaks like S3.

use std::collections::HashMap;
use std::path::Path;

use chrono::TimeDelta;
use futures_util::{Stream, StreamExt, stream};
use reqwest::Url;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use super::*;
use crate::kernel::{Code, canonical};

const BASE: &str = "http://127.0.0.1:8080/api/v1";
const TTL: Duration = Duration::from_secs(900);
const NO_LIMIT: u64 = u64::MAX;

fn storage() -> (TempDir, Folder) {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new(dir.path(), BASE, "a secret of the tests".to_owned().into()).unwrap();
    (dir, folder)
}

fn key(text: &str) -> BlobKey {
    BlobKey::parse(text).unwrap()
}

fn now() -> Timestamp {
    "2026-11-23T10:00:00.250Z".parse().unwrap()
}

fn parts(parts: &[&'static str]) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Unpin {
    let parts: Vec<_> = parts
        .iter()
        .map(|p| Ok(Bytes::from_static(p.as_bytes())))
        .collect();
    stream::iter(parts)
}

async fn read(blobs: &dyn Blobs, key: &BlobKey) -> Vec<u8> {
    let mut bytes = Vec::new();
    blobs
        .open(key)
        .await
        .unwrap()
        .read_to_end(&mut bytes)
        .await
        .unwrap();
    bytes
}

/// Every file below `dir`.
fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn declared(content_type: &str) -> Declared<'_> {
    Declared {
        content_type,
        size: None,
        sha256: None,
    }
}

/// The query of a signed address, read as the route will read it.
fn query(request: &SignedRequest) -> SignedQuery {
    let url = Url::parse(&request.url).unwrap();
    let pairs: HashMap<_, _> = url.query_pairs().into_owned().collect();
    SignedQuery {
        expires: pairs["expires"].parse().unwrap(),
        filename: pairs.get("filename").cloned(),
        signature: pairs["signature"].clone(),
    }
}

#[tokio::test]
async fn what_is_put_is_read_and_described_until_it_is_deleted() {
    let (_dir, folder) = storage();
    let key = key("org/1/file/2");
    assert_eq!(folder.head(&key).await.unwrap(), None);
    assert_eq!(folder.open(&key).await.unwrap_err().code(), Code::NotFound);
    let info = BlobInfo {
        size: 5,
        sha256: Some(canonical::sha256(b"hello")),
        content_type: Some("text/plain".into()),
    };
    for _ in 0..2 {
        let put = folder
            .put(&key, "text/plain", Bytes::from_static(b"hello"))
            .await;
        assert_eq!(put.unwrap(), info, "again is the same");
    }
    assert_eq!(folder.head(&key).await.unwrap(), Some(info.clone()));
    assert_eq!(folder.open(&key).await.unwrap().info(), &info);
    assert_eq!(read(&folder, &key).await, b"hello");
    for _ in 0..2 {
        folder.delete(&key).await.unwrap();
        assert_eq!(folder.head(&key).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_upload_in_pieces_replaces_what_was_there_and_an_open_reader_keeps_the_old() {
    let (_dir, folder) = storage();
    let key = key("a");
    folder
        .receive(&key, None, parts(&["old ", "bytes"]), NO_LIMIT)
        .await
        .unwrap();
    let mut reader = folder.open(&key).await.unwrap();
    let info = folder
        .receive(&key, Some("a/b"), parts(&["new"]), NO_LIMIT)
        .await
        .unwrap();
    assert_eq!(info.sha256, Some(canonical::sha256(b"new")));
    assert_eq!(read(&folder, &key).await, b"new");
    let mut old = String::new();
    reader.read_to_string(&mut old).await.unwrap();
    assert_eq!(old, "old bytes");
    assert_eq!(reader.info().content_type, None);
}

#[tokio::test]
async fn an_empty_blob_and_a_key_below_another_are_blobs_like_any() {
    let (_dir, folder) = storage();
    for text in ["a", "a/b", "a/b/c"] {
        folder.put(&key(text), "a/b", Bytes::new()).await.unwrap();
    }
    assert_eq!(read(&folder, &key("a/b")).await, b"");
    assert_eq!(folder.head(&key("a/b/d/e")).await.unwrap(), None);
}

#[tokio::test]
async fn an_upload_that_is_too_large_or_breaks_off_leaves_nothing() {
    let (dir, folder) = storage();
    let key = key("a/b");
    let large = folder.receive(&key, None, parts(&["12345", "6"]), 5).await;
    assert_eq!(large.unwrap_err().code(), Code::BodyTooLarge);
    let broken = stream::iter([
        Ok(Bytes::from_static(b"half")),
        Err(std::io::Error::other("reset")),
    ]);
    let broken = folder.receive(&key, None, broken, NO_LIMIT).await;
    assert_eq!(broken.unwrap_err().code(), Code::MalformedRequest);
    assert_eq!(files(dir.path()), Vec::<std::path::PathBuf>::new());
    folder
        .receive(&key, None, parts(&["12345"]), 5)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_and_the_old_blob_stays() {
    let (dir, folder) = storage();
    let key = key("a");
    folder
        .put(&key, "a/b", Bytes::from_static(b"old"))
        .await
        .unwrap();
    let (asked, mut waiting) = tokio::sync::mpsc::unbounded_channel();
    let endless = parts(&["half"]).chain(stream::poll_fn(move |_| {
        asked.send(()).unwrap();
        Poll::Pending
    }));
    tokio::select! {
        _ = folder.receive(&key, None, endless, NO_LIMIT) => panic!("the stream does not end"),
        _ = waiting.recv() => {}
    }
    assert_eq!(files(dir.path()).len(), 1);
    assert_eq!(read(&folder, &key).await, b"old");
}

#[tokio::test]
async fn of_two_writers_at_once_one_wins_whole() {
    let (dir, folder) = storage();
    let key = key("a");
    for _ in 0..20 {
        let (a, b) = tokio::join!(
            folder.receive(&key, Some("a/a"), parts(&["aaaa", "aaaa"]), NO_LIMIT),
            folder.receive(&key, Some("b/b"), parts(&["bb", "bb"]), NO_LIMIT),
        );
        let stored = folder.head(&key).await.unwrap().unwrap();
        assert!([a.unwrap(), b.unwrap()].contains(&stored));
        let read = canonical::sha256(&read(&folder, &key).await);
        assert_eq!(Some(read), stored.sha256);
    }
    assert_eq!(files(dir.path()).len(), 1);
}

#[tokio::test]
async fn a_torn_file_is_an_error_and_not_a_shorter_blob() {
    let (dir, folder) = storage();
    let key = key("a");
    folder
        .put(&key, "a/b", Bytes::from_static(b"hello"))
        .await
        .unwrap();
    let path = files(dir.path()).remove(0);
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = folder.head(&key).await.unwrap_err();
        assert_eq!(error.code(), Code::Internal, "{length}: it stays so");
    }
}

#[tokio::test]
async fn what_a_killed_process_left_is_swept_and_a_running_upload_is_not() {
    let (dir, folder) = storage();
    let left = dir.path().join("incoming/left");
    std::fs::write(&left, "half").unwrap();
    let long_ago: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(folder.sweep(long_ago).await.unwrap(), 0);
    let later: Timestamp = "2200-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(folder.sweep(later).await.unwrap(), 1);
    assert!(!left.exists());
}

#[tokio::test]
async fn a_ping_writes_and_leaves_nothing_and_fails_without_the_folder() {
    let (dir, folder) = storage();
    folder.ping().await.unwrap();
    assert!(files(dir.path()).is_empty());
    std::fs::remove_dir(dir.path().join("incoming")).unwrap();
    assert_eq!(folder.ping().await.unwrap_err().code(), Code::Unavailable);
}

#[test]
fn a_key_cannot_leave_its_folder() {
    for bad in [
        "",
        "/",
        "/etc/passwd",
        "a//b",
        "a/",
        "..",
        "../a",
        "a/../b",
        "a/..",
        "a/.",
        ".a",
        "a/.git",
        "a..b",
        "%2e%2e/a",
        "a%2fb",
        "a\\b",
        "A",
        "a b",
        "a\0",
        "é",
        "a@v1",
        "a\n",
    ] {
        assert_eq!(
            BlobKey::parse(bad).unwrap_err().code(),
            Code::ValidationFailed,
            "{bad:?}"
        );
    }
    assert!(BlobKey::parse(&"a".repeat(200)).is_ok());
    assert!(BlobKey::parse(&"a".repeat(201)).is_err());
    let good = "org/0199aa00-0000-7000-8000-000000000000/file/a_b.c-1";
    assert_eq!(good.parse::<BlobKey>().unwrap().as_str(), good);
}

#[tokio::test]
async fn a_signed_upload_holds_for_its_method_key_type_and_time() {
    let (_dir, folder) = storage();
    let a = key("org/1/file/2");
    let request = folder
        .sign_put(&a, declared("text/plain"), now(), TTL)
        .await
        .unwrap();
    assert_eq!(request.method, "PUT");
    assert_eq!(request.headers["Content-Type"], "text/plain");
    assert_eq!(
        request.expires_at,
        "2026-11-23T10:15:00Z".parse::<Timestamp>().unwrap()
    );
    let start = format!("{BASE}/blobs/org/1/file/2?expires=1795428900&signature=");
    assert!(request.url.starts_with(&start), "{}", request.url);
    assert!(!format!("{request:?}").contains("signature="));

    let good = query(&request);
    let check = |method, key: &BlobKey, query: &SignedQuery, content_type, now| {
        folder
            .check(method, key, query, content_type, now)
            .map_err(|e| {
                assert_eq!(e.code(), Code::SignatureInvalid);
                e.message().contains("expired")
            })
    };
    let text = Some("text/plain");
    assert_eq!(check("PUT", &a, &good, text, now()), Ok(()));
    assert_eq!(
        check("PUT", &a, &good, text, now() + TimeDelta::seconds(899)),
        Ok(())
    );
    assert_eq!(
        check("PUT", &a, &good, text, now() + TimeDelta::seconds(900)),
        Err(true)
    );

    assert_eq!(check("GET", &a, &good, None, now()), Err(false));
    assert_eq!(
        check("PUT", &key("org/1/file/3"), &good, text, now()),
        Err(false)
    );
    assert_eq!(
        check("PUT", &a, &good, Some("text/html"), now()),
        Err(false)
    );
    assert_eq!(check("PUT", &a, &good, None, now()), Err(false));
    let longer = SignedQuery {
        expires: good.expires + 1,
        ..good.clone()
    };
    assert_eq!(check("PUT", &a, &longer, text, now()), Err(false));
    let named = SignedQuery {
        filename: Some("x".into()),
        ..good.clone()
    };
    assert_eq!(check("PUT", &a, &named, text, now()), Err(false));
    for signature in [
        "",
        "00",
        "zz",
        &good.signature[..62],
        &good.signature.replace(['0', '1'], "2"),
    ] {
        let other = SignedQuery {
            signature: signature.to_owned(),
            ..good.clone()
        };
        assert_eq!(
            check("PUT", &a, &other, text, now()),
            Err(false),
            "{signature}"
        );
    }
}

#[tokio::test]
async fn a_signed_download_holds_for_its_name_and_not_for_an_upload() {
    let (_dir, folder) = storage();
    let a = key("a");
    let name = "Report & notes/é \"1\".pdf";
    let good = query(&folder.sign_get(&a, name, now(), TTL).await.unwrap());
    assert_eq!(good.filename.as_deref(), Some(name));
    folder.check("GET", &a, &good, None, now()).unwrap();
    // Some clients send a type with every request.
    folder
        .check("GET", &a, &good, Some("text/plain"), now())
        .unwrap();
    assert!(folder.check("PUT", &a, &good, None, now()).is_err());
    let renamed = SignedQuery {
        filename: Some("evil.exe".into()),
        ..good
    };
    assert!(folder.check("GET", &a, &renamed, None, now()).is_err());
}

#[tokio::test]
async fn another_secret_makes_another_signature() {
    let (dir, folder) = storage();
    let other = Folder::new(dir.path(), BASE, "another secret".to_owned().into()).unwrap();
    let request = folder.sign_get(&key("a"), "f", now(), TTL).await.unwrap();
    assert!(
        other
            .check("GET", &key("a"), &query(&request), None, now())
            .is_err()
    );
}

#[tokio::test]
async fn a_type_that_would_break_a_header_is_not_signed() {
    let (_dir, folder) = storage();
    for bad in ["", "a/b\r\nx: y", "é/é", &"a".repeat(256)] {
        assert!(
            folder
                .sign_put(&key("a"), declared(bad), now(), TTL)
                .await
                .is_err(),
            "{bad:?}"
        );
    }
}
