//! The documents in the repository say what the program does.
//!
//! `UPDATE_GENERATED=1` (which is `make generate`) writes the generated ones instead
//! of comparing them.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's own code may fail loudly; clippy knows only #[test] functions as tests"
)]

mod configuration;
mod evidence;
mod links;
mod openapi;
mod settings;

use std::path::{Path, PathBuf};

fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    let path = path_of(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares a generated document with the one in the repository, or writes it.
#[track_caller]
fn is_current(name: &str, text: &str) {
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(path_of(name), text).unwrap();
        return;
    }
    let present = std::fs::read_to_string(path_of(name)).unwrap_or_default();
    if present == text {
        return;
    }
    let differs = |(a, b): &(&str, &str)| a != b;
    let line = present
        .lines()
        .zip(text.lines())
        .take_while(|pair| !differs(pair))
        .count()
        + 1;
    panic!("{name} is out of date from line {line} on; run `make generate` and commit it");
}

#[test]
fn the_list_of_errors_is_current() {
    let text = format!("{ERRORS}{}", glassbox::server::error_table());
    is_current("docs/ERRORS.md", &text);
}

const ERRORS: &str = "\
# Errors

<!-- Generated from `src/kernel/error.rs` by `make generate`; do not edit. -->

Every error has the same body, whatever went wrong:

```json
{
  \"error\": \"A sentence for a person.\",
  \"message\": \"The same sentence, for older clients.\",
  \"code\": \"NODE_LOCKED\",
  \"details\": { \"what\": \"a program may want to know; absent when there is nothing\" },
  \"requestId\": \"finds the request in the logs; also in the X-Request-Id header\"
}
```

Codes are stable: a client may branch on them. Sentences are not. With
`VALIDATION_FAILED`, `details.fields` is a list of `{field, message}`, all of them at
once. `RATE_LIMITED` and `UNAVAILABLE` are worth another try; the others will fail
again until the request or the state it meets changes.

";
