//! `[ingest]`: the limits under which files are read.

use serde::Deserialize;

use crate::kernel::field::Fields;

/// Reading files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestConfig {
    /// Files at a time, per process.
    pub concurrency: usize,
    /// Address space of the parsing child, in bytes.
    pub memory_bytes: u64,
    /// Its processor time, in seconds.
    pub cpu_seconds: u64,
    /// Its time by the clock, in seconds.
    pub wall_seconds: u64,
    /// The most it may answer, in bytes.
    pub output_bytes: u64,
    /// Folders with programs that read what ours can't, separated as in `PATH`.
    pub tools: String,
    /// The languages of text in images, as Tesseract names them.
    pub ocr_languages: String,
    /// Tries when the fault is ours.
    pub max_attempts: i32,
}

impl IngestConfig {
    pub(super) fn validate(&self, fields: &mut Fields) {
        fields.check(
            self.concurrency > 0,
            "ingest.concurrency",
            "must not be zero",
        );
        fields.check(
            self.memory_bytes >= 64 << 20,
            "ingest.memory_bytes",
            "must be at least 64 MiB",
        );
        fields.check(
            self.wall_seconds > 0,
            "ingest.wall_seconds",
            "must not be zero",
        );
        fields.check(
            is_languages(&self.ocr_languages),
            "ingest.ocr_languages",
            "must be names of Tesseract's languages with a plus between them, such as eng+deu",
        );
        fields.check(
            self.max_attempts > 0,
            "ingest.max_attempts",
            "must not be zero",
        );
    }
}

/// It becomes an argument of a program, so it must not look like an option.
fn is_languages(text: &str) -> bool {
    text.split('+').all(|language| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        language.bytes().all(plain) && !language.is_empty()
    })
}
