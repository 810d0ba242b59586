//! Closed sets of words: an enum whose variants have one fixed spelling, used
//! alike in JSON, in SQL and in the OpenAPI document.

/// An enum with a fixed spelling for each variant.
pub trait TextEnum: Copy + Sized + 'static {
    /// Every variant, in order of declaration.
    const ALL: &'static [Self];
    /// The spelling.
    fn as_str(self) -> &'static str;
    /// The variant of a spelling.
    fn parse(text: &str) -> Option<Self>;
}

/// Declares a [`TextEnum`] with serde, `Display`, `FromStr` and an OpenAPI schema. All
/// of them are written from the spelling here; a derive would see the variants' names.
macro_rules! text_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $name { $($(#[$vmeta])* #[doc = concat!("`", $text, "`")] $variant,)+ }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::kernel::text::TextEnum::as_str(*self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                <Self as $crate::kernel::text::TextEnum>::parse(&text)
                    .ok_or_else(|| serde::de::Error::unknown_variant(&text, &[$($text),+]))
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($text),+]))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl $crate::kernel::text::TextEnum for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::kernel::text::TextEnum::as_str(*self))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::kernel::text::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                <Self as $crate::kernel::text::TextEnum>::parse(text)
                    .ok_or_else(|| $crate::kernel::text::UnknownWord(text.chars().take(100).collect()))
            }
        }
    };
}
pub(crate) use text_enum;

/// The text is none of the words of the set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown word {0:?}")]
pub struct UnknownWord(pub String);

#[cfg(test)]
mod tests {
    text_enum! {
        enum Size {
            Small = "small",
            VeryLarge = "very_large",
        }
    }

    #[test]
    fn every_side_has_the_same_spelling() {
        use utoipa::PartialSchema;
        let text = serde_json::to_string(&Size::VeryLarge).unwrap();
        assert_eq!(text, r#""very_large""#);
        assert_eq!(
            serde_json::from_str::<Size>(&text).unwrap(),
            Size::VeryLarge
        );
        assert!(serde_json::from_str::<Size>(r#""VeryLarge""#).is_err());
        assert_eq!("small".parse::<Size>().unwrap().to_string(), "small");
        let schema = serde_json::to_string(&Size::schema()).unwrap();
        assert!(
            schema.contains("very_large") && !schema.contains("VeryLarge"),
            "{schema}"
        );
    }
}
