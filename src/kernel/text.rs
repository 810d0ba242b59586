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

/// Declares a [`TextEnum`] with serde, `Display`, `FromStr` and an OpenAPI schema.
macro_rules! text_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
                 serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        $vis enum $name { $($(#[$vmeta])* #[serde(rename = $text)] #[doc = concat!("`", $text, "`")] $variant,)+ }

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
