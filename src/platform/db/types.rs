//! How the kernel's types are stored: an [`Id`] as `uuid`, a closed set of words as
//! `text`. The kernel itself knows nothing of SQL, so the impls that a derive would
//! put beside the types are written here.

use diesel::{
    deserialize::{self, FromSql, Queryable},
    expression::AsExpression,
    internal::derives::as_expression::Bound,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::{Nullable, SingleValue, Uuid as SqlUuid},
};
use uuid::Uuid;

use crate::kernel::Id;

impl<K> ToSql<SqlUuid, Pg> for Id<K> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<SqlUuid, Pg>::to_sql(&self.uuid(), &mut out.reborrow())
    }
}

impl<K> ToSql<Nullable<SqlUuid>, Pg> for Id<K> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<SqlUuid, Pg>::to_sql(self, out)
    }
}

impl<K> FromSql<SqlUuid, Pg> for Id<K> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <Uuid as FromSql<SqlUuid, Pg>>::from_sql(value).map(Id::from_uuid)
    }
}

impl<K, ST> Queryable<ST, Pg> for Id<K>
where
    ST: SingleValue,
    Self: FromSql<ST, Pg>,
{
    type Row = Self;

    fn build(row: Self) -> deserialize::Result<Self> {
        Ok(row)
    }
}

macro_rules! id_expressions {
    ($($sql:ty),+) => {$(
        impl<K> AsExpression<$sql> for Id<K> {
            type Expression = Bound<$sql, Self>;

            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
        impl<'a, K> AsExpression<$sql> for &'a Id<K> {
            type Expression = Bound<$sql, &'a Id<K>>;

            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
    )+};
}
id_expressions!(SqlUuid, Nullable<SqlUuid>);

/// Stores a [`TextEnum`](crate::kernel::text::TextEnum) as `text`. A store writes
/// `sql_text!(Status)` once for each such type of its slice; an unknown word in the
/// database is an error, not a default.
macro_rules! sql_text {
    ($name:ty) => {
        const _: () = {
            use diesel::{
                deserialize::{self, FromSql, Queryable},
                expression::AsExpression,
                internal::derives::as_expression::Bound,
                pg::{Pg, PgValue},
                serialize::{self, Output, ToSql},
                sql_types::{Nullable, Text},
            };
            use $crate::kernel::text::TextEnum;

            impl ToSql<Text, Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                    ToSql::<Text, Pg>::to_sql(TextEnum::as_str(*self), &mut out.reborrow())
                }
            }
            impl ToSql<Nullable<Text>, Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                    ToSql::<Text, Pg>::to_sql(self, out)
                }
            }
            impl FromSql<Text, Pg> for $name {
                fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                    let text = <String as FromSql<Text, Pg>>::from_sql(value)?;
                    <$name as TextEnum>::parse(&text)
                        .ok_or_else(|| format!("unknown word {text:?} in the database").into())
                }
            }
            impl<ST: diesel::sql_types::SingleValue> Queryable<ST, Pg> for $name
            where
                Self: FromSql<ST, Pg>,
            {
                type Row = Self;

                fn build(row: Self) -> deserialize::Result<Self> {
                    Ok(row)
                }
            }
            impl AsExpression<Text> for $name {
                type Expression = Bound<Text, Self>;

                fn as_expression(self) -> Self::Expression {
                    Bound::new(self)
                }
            }
            impl<'a> AsExpression<Text> for &'a $name {
                type Expression = Bound<Text, &'a $name>;

                fn as_expression(self) -> Self::Expression {
                    Bound::new(self)
                }
            }
            impl AsExpression<Nullable<Text>> for $name {
                type Expression = Bound<Nullable<Text>, Self>;

                fn as_expression(self) -> Self::Expression {
                    Bound::new(self)
                }
            }
        };
    };
}
pub(crate) use sql_text;
