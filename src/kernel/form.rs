//! Bodies that come in several forms, as the OpenAPI document tells them.
//!
//! Such a body is one struct with every field optional, because then everything that is
//! wrong with it can be named at once. Its derived schema would allow what the struct's
//! own check refuses; here it becomes one schema for each form, of which one must fit.
//! This is about the document only: it checks nothing.

use std::{borrow::Cow, marker::PhantomData};

use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{Object, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type},
    },
};

/// A field, and what makes its schema.
pub type Given = (&'static str, fn() -> Schema);

/// One form of a body. Fields that it does not speak of are as they are derived.
#[derive(Debug)]
pub struct Form {
    /// What it is called.
    pub title: &'static str,
    /// A field, and the only value that it has in this form.
    pub tag: Option<(&'static str, &'static str)>,
    /// Fields that must be there.
    pub needs: &'static [&'static str],
    /// Fields that must not be there, or be `null`.
    pub refuses: &'static [&'static str],
    /// Fields with a schema of their own in this form.
    pub gives: &'static [Given],
}

impl Form {
    /// A form in which nothing is said yet.
    pub const fn new(title: &'static str) -> Self {
        Form {
            title,
            tag: None,
            needs: &[],
            refuses: &[],
            gives: &[],
        }
    }

    fn of(&self, whole: &Object) -> Schema {
        let mut form = whole.clone();
        form.title = Some(self.title.to_owned());
        form.description = None;
        let mut put = |field: &str, schema: Schema| {
            form.properties.insert(field.to_owned(), RefOr::T(schema));
        };
        if let Some((field, value)) = self.tag {
            let only = text().enum_values(Some([value])).build();
            put(field, Schema::Object(only));
        }
        for field in self.refuses {
            let null = ObjectBuilder::new().schema_type(Type::Null).build();
            put(field, Schema::Object(null));
        }
        for (field, schema) in self.gives {
            put(field, schema());
        }
        for field in self.needs {
            if !form.required.iter().any(|name| name == field) {
                form.required.push((*field).to_owned());
            }
        }
        Schema::Object(form)
    }
}

/// A text of whatever kind, to go on from.
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// Any JSON but `null`.
pub fn any_value() -> Schema {
    let types = [
        Type::Object,
        Type::Array,
        Type::String,
        Type::Number,
        Type::Boolean,
    ];
    let any = ObjectBuilder::new().schema_type(SchemaType::from_iter(types));
    Schema::Object(any.build())
}

/// An object that has `field`, which is `true`.
pub fn marked(field: &str) -> Schema {
    let yes = ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .enum_values(Some([json!(true)]));
    let object = ObjectBuilder::new().property(field, yes).required(field);
    Schema::Object(object.build())
}

/// A body of which the document tells the forms.
pub trait HasForms: ToSchema {
    /// All of them; one must fit.
    const FORMS: &'static [Form];
}

/// Stands for `T` in the document: its schema, form by form, under its name.
#[derive(Debug)]
pub struct FormsOf<T>(PhantomData<fn() -> T>);

impl<T: HasForms> PartialSchema for FormsOf<T> {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(whole)) = T::schema() else {
            return T::schema();
        };
        let description = whole.description.clone();
        let forms = T::FORMS.iter().map(|form| form.of(&whole));
        let all = forms.fold(OneOfBuilder::new(), OneOfBuilder::item);
        all.description(description).into()
    }
}

impl<T: HasForms> ToSchema for FormsOf<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thing.
    #[derive(ToSchema)]
    #[expect(dead_code, reason = "its fields are read by the derive")]
    struct Thing {
        kind: String,
        #[schema(nullable = false, min_length = 1)]
        a: Option<String>,
        #[schema(nullable = false)]
        b: Option<String>,
    }

    impl HasForms for Thing {
        const FORMS: &'static [Form] = &[
            Form {
                tag: Some(("kind", "of_a")),
                needs: &["a"],
                refuses: &["b"],
                ..Form::new("with a")
            },
            Form {
                tag: Some(("kind", "of_b")),
                needs: &["b"],
                refuses: &["a"],
                gives: &[("b", || Schema::Object(text().max_length(Some(0)).build()))],
                ..Form::new("with b")
            },
        ];
    }

    #[test]
    fn each_form_has_its_own_fields_and_refuses_the_others() {
        let schema = json!(FormsOf::<Thing>::schema());
        assert_eq!(FormsOf::<Thing>::name(), "Thing");
        assert_eq!(schema["description"], "A thing.");
        let forms = schema["oneOf"].as_array().unwrap();
        assert_eq!(forms.len(), 2);
        assert_eq!(forms[0]["title"], "with a");
        assert_eq!(forms[0]["required"], json!(["kind", "a"]));
        let fields = &forms[0]["properties"];
        assert_eq!(fields["kind"]["enum"], json!(["of_a"]));
        assert_eq!(fields["a"]["minLength"], 1);
        assert_eq!(fields["b"]["type"], "null");
        let fields = &forms[1]["properties"];
        assert_eq!(fields["a"]["type"], "null");
        assert_eq!(fields["b"]["maxLength"], 0);
    }
}
