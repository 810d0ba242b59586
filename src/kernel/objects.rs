//! Reading a [`Value`] such that an object is wanted where a struct or a map is, and a whole
//! number may be written as `5.0`.
//!
//! Serde also reads a list into a struct, its fields in order, and `null` into a map. Over
//! the wire that would take `[null, null]` for an update that changes nothing. And it tells
//! `5.0` from `5`, which JSON Schema does not, nor many a client whose numbers are all of
//! one type.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor,
    },
    forward_to_deserialize_any,
};
use serde_json::{Error, Value};

macro_rules! whole_numbers {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            Objects(whole(self.0)).deserialize_any(visitor)
        })+
    };
}

/// What a client wrote, as a `T`.
///
/// # Errors
/// When it is none; in words for who wrote it.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(Objects(value))
}

/// The number that `value` is, if it is a whole one from 0 up.
pub fn whole_number(value: &Value) -> Option<u64> {
    whole(value.clone()).as_u64()
}

/// A number without a fraction as an integer, where it is one of 64 bits.
fn whole(value: Value) -> Value {
    let float = value
        .as_f64()
        .filter(|_| !value.is_i64() && !value.is_u64());
    let Some(float) = float.filter(|float| float.fract() == 0.0) else {
        return value;
    };
    // Exact, because a float without a fraction is written with all its digits.
    let digits = format!("{float:.0}");
    let signed = digits.parse::<i64>().map(Value::from);
    signed
        .or_else(|_| digits.parse::<u64>().map(Value::from))
        .unwrap_or(value)
}

/// A value in which structs are objects, at any depth.
#[derive(Debug)]
pub struct Objects(pub Value);

impl<'de> IntoDeserializer<'de, Error> for Objects {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Objects {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Object(map) => visitor.visit_map(Members {
                rest: map.into_iter(),
                value: None,
            }),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(_) => Err(de::Error::invalid_type(de::Unexpected::Seq, &AnObject)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => Err(de::Error::invalid_type(de::Unexpected::Unit, &AnObject)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct identifier ignored_any
    }
}

struct AnObject;

impl de::Expected for AnObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let next = self.0.next();
        next.map(|value| seed.deserialize(Objects(value)))
            .transpose()
    }
}

struct Members {
    rest: serde_json::map::IntoIter,
    value: Option<Value>,
}

impl<'de> MapAccess<'de> for Members {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.value.take().ok_or_else(|| {
            <Error as de::Error>::custom("a member's value was asked for before its name")
        })?;
        seed.deserialize(Objects(value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::kernel::patch::Patch;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Deep {
        x: Option<f64>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Body {
        deep: Option<Deep>,
        list: Option<Vec<Deep>>,
        #[serde(default)]
        patch: Patch<Deep>,
        free: Option<Value>,
        map: Option<BTreeMap<String, u8>>,
    }

    fn read(value: Value) -> Result<Body, Error> {
        super::read(value)
    }

    #[test]
    fn a_list_is_no_object_at_any_depth() {
        for bad in [
            json!([null, null, null, null, null]),
            json!({ "deep": [1.0] }),
            json!({ "list": [[1.0]] }),
            json!({ "patch": [1.0] }),
        ] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.contains("expected an object"), "{error}");
        }
    }

    #[test]
    fn nothing_is_no_object() {
        type Maps = Vec<serde_json::Map<String, Value>>;
        for bad in [json!([null]), json!([3]), json!([[]])] {
            assert!(super::read::<Maps>(bad.clone()).is_err(), "{bad}");
        }
        let error = super::read::<Maps>(json!([null])).unwrap_err();
        assert!(error.to_string().contains("expected an object"), "{error}");
    }

    #[test]
    fn a_number_without_a_fraction_is_whole_however_it_is_written() {
        #[derive(Deserialize)]
        struct Numbers {
            a: Option<i32>,
            b: u64,
            c: Value,
        }
        let read = |text: &str| super::read::<Numbers>(serde_json::from_str(text).unwrap());
        let numbers = read(r#"{"a":-5.0,"b":1e3,"c":1.0}"#).unwrap();
        assert_eq!((numbers.a, numbers.b), (Some(-5), 1000));
        assert_eq!(numbers.c, json!(1.0));
        for bad in [
            r#"{"a":1.5,"b":1,"c":1}"#,
            r#"{"a":1e10,"b":1,"c":1}"#,
            r#"{"a":1,"b":-1.0,"c":1}"#,
            r#"{"a":1,"b":1e300,"c":1}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn all_else_is_read_as_it_is() {
        let body = read(json!({
            "deep": { "x": 1.5 },
            "list": [{ "x": null }],
            "patch": null,
            "free": [1, { "a": [2] }],
            "map": { "a": 1 },
            "unknown": [[]],
        }))
        .unwrap();
        assert_eq!(body.deep, Some(Deep { x: Some(1.5) }));
        assert_eq!(body.list, Some(vec![Deep { x: None }]));
        assert_eq!(body.patch, Patch::Clear);
        assert_eq!(body.free, Some(json!([1, { "a": [2] }])));
        assert_eq!(body.map.unwrap()["a"], 1);
    }
}
