//! One spelling for each JSON value, so that a hash over it can be checked later
//! by anyone, also after the value went through a `jsonb` column.
//!
//! Keys are sorted by their UTF-8 bytes, there is no white space, and a number
//! that is a whole number is written as one (`jsonb` keeps numbers as decimals, so
//! `1e3` comes back as `1000` and `-0.0` as `0`).

use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

/// The canonical text of `value`.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// The lower-case hexadecimal SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// `value` with every NUL character replaced. Postgres can't hold one, and a write
/// that fails for what a model wrote would fail for ever.
pub fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => Value::String(text.replace('\0', "\u{fffd}")),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key.replace('\0', "\u{fffd}"), without_nul(value)))
            .collect(),
        other => other,
    }
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            out.push('{');
            for (i, (key, value)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Number(number) => out.push_str(&number_text(number)),
        other => out.push_str(&other.to_string()),
    }
}

/// The largest magnitude below which every whole `f64` is exact: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "bounded by EXACT just above"
            )]
            let whole = float as i64;
            whole.to_string()
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_and_number_spelling_do_not_matter() {
        let a: Value = serde_json::from_str(r#"{"b":1.0,"a":[-0.0,{"y":1,"x":2}]}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":[0,{"x":2,"y":1}],"b":1}"#).unwrap();
        assert_eq!(text(&a), text(&b));
        assert_eq!(text(&a), r#"{"a":[0,{"x":2,"y":1}],"b":1}"#);
    }

    #[test]
    fn text_is_escaped_as_json_does() {
        assert_eq!(text(&json!("a\"\n")), r#""a\"\n""#);
    }
}
