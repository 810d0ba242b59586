//! Collecting what is wrong with a request, so that a client hears of every bad
//! field at once instead of one a try.

use serde::Serialize;
use serde_json::json;

use super::error::{Code, Error, Result};
use super::patch::Patch;

/// One bad field: its path in the request and a sentence about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field as the client spelled it: `settings.budget.monthlyUsd`.
    pub field: String,
    /// What is wrong, for a person.
    pub message: String,
}

/// A collector of [`FieldError`]s.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// Notes that `field` is wrong unless `good`.
    pub fn check(&mut self, good: bool, field: &str, message: impl Into<String>) {
        if !good {
            self.bad(field, message);
        }
    }

    /// Notes that `field` is wrong.
    pub fn bad(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// Keeps a parsed value, or notes why it could not be parsed.
    pub fn take<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        parsed: std::result::Result<T, E>,
    ) -> Option<T> {
        parsed
            .map_err(|error| self.bad(field, error.to_string()))
            .ok()
    }

    /// Checks that `text` has between `min` and `max` characters (not bytes).
    pub fn length(&mut self, field: &str, text: &str, min: usize, max: usize) {
        let count = text.chars().count();
        if count < min {
            let message = if min == 1 {
                "must not be empty".to_owned()
            } else {
                format!("must have at least {min} characters")
            };
            self.bad(field, message);
        } else if count > max {
            self.bad(
                field,
                format!("must have at most {max} characters; it has {count}"),
            );
        }
    }

    /// Checks that `text` is not only blanks. An empty one is left to [`Fields::length`].
    pub fn not_blank(&mut self, field: &str, text: &str) {
        let blank = !text.is_empty() && is_blank(text);
        self.check(!blank, field, "must not be blank");
    }

    /// The new value of a field that a PATCH may change but not clear.
    pub fn required<T>(&mut self, field: &str, patch: Patch<T>) -> Option<T> {
        match patch {
            Patch::Keep => None,
            Patch::Clear => {
                self.bad(field, "can't be cleared");
                None
            }
            Patch::Set(value) => Some(value),
        }
    }

    /// The parsed value when nothing was wrong.
    pub fn finish_with<T>(self, parsed: Option<T>) -> Result<T> {
        self.finish()?;
        parsed.ok_or_else(|| Error::internal("a field that could not be parsed must be noted"))
    }

    /// `Ok` when nothing was wrong, else one error naming every field.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = self
            .0
            .iter()
            .map(|f| format!("{} {}", f.field, f.message))
            .collect();
        Err(
            Error::new(Code::ValidationFailed, format!("{}.", names.join("; ")))
                .with_details(json!({ "fields": self.0 })),
        )
    }
}

/// One bad field, as an error at once.
pub fn invalid(field: &str, message: impl Into<String>) -> Error {
    let mut fields = Fields::default();
    fields.bad(field, message);
    match fields.finish() {
        Err(error) => error,
        Ok(()) => Error::internal("a noted field error must fail"),
    }
}

/// Checks a name: 1 to 200 characters, not only blanks.
pub fn name(fields: &mut Fields, field: &str, text: &str) {
    fields.length(field, text, 1, 200);
    fields.not_blank(field, text);
}

/// Whether `text` has nothing in it but blanks, as the pattern `\S` of the OpenAPI document
/// tells them: ECMAScript's, which count the byte order mark and not the control U+0085.
pub fn is_blank(text: &str) -> bool {
    let blank = |c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}';
    text.chars().all(blank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_those_of_the_documents_patterns() {
        for blank in ["", " ", "\t\r\n", "\u{a0}\u{2003}", "\u{feff}"] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for text in ["a", " a ", "\u{85}", "\u{200b}", "\u{1}"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }
}
