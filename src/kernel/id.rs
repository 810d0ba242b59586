//! Typed identifiers: a node's id can't be passed where a file's is expected.
//!
//! All are UUIDv7 made by the program, so rows sort by age and a client can be
//! told an id before the row is committed. Version 7 reveals when a thing was
//! made: secrets and share links must not use it.

use std::{fmt, hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::clock::Ids;

/// What an [`Id`] identifies.
pub trait Entity {
    /// The noun used in sentences: "node".
    const NOUN: &'static str;
    /// The name of the OpenAPI component: "NodeId".
    const SCHEMA: &'static str;
}

/// The identifier of one `K`.
///
/// The traits are written by hand because deriving them would ask the marker `K`
/// for them too.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

impl<K> Id<K> {
    /// A new identifier from the program's id source.
    pub fn new(ids: &dyn Ids) -> Self {
        Self::from_uuid(ids.uuid())
    }

    /// Reads a UUID, for instance from a database row, as an identifier.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The bare UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<K> FromStr for Id<K> {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::from_uuid)
    }
}
impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, K> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Self::from_uuid)
    }
}

impl<K: Entity> utoipa::PartialSchema for Id<K> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .description(Some(format!("The id of one {} (UUIDv7).", K::NOUN)))
            .into()
    }
}
impl<K: Entity> utoipa::ToSchema for Id<K> {
    fn name() -> std::borrow::Cow<'static, str> {
        K::SCHEMA.into()
    }
}

macro_rules! entities {
    ($($marker:ident, $alias:ident, $noun:literal;)+) => {
        /// The markers that tell identifiers apart; never constructed.
        pub mod entity {
            $(#[doc = concat!("Marks the id of one ", $noun, ".")] #[derive(Debug)] pub enum $marker {})+
        }
        $(
            impl Entity for entity::$marker {
                const NOUN: &'static str = $noun;
                const SCHEMA: &'static str = stringify!($alias);
            }
            #[doc = concat!("The id of one ", $noun, ".")]
            pub type $alias = Id<entity::$marker>;
        )+
    };
}

entities! {
    Org, OrgId, "organization";
    User, UserId, "user";
    Member, MemberId, "membership";
    Project, ProjectId, "project";
    Node, NodeId, "node";
    NodeVersion, NodeVersionId, "version of a node";
    Input, InputId, "input of a node";
    Output, OutputId, "output of a node";
    Dependency, DependencyId, "dependency between nodes";
    File, FileId, "file";
    Execution, ExecutionId, "execution";
    TraceEvent, TraceEventId, "trace event";
    Request, RequestId, "request to a person";
    Template, TemplateId, "template";
    Notification, NotificationId, "notification";
    Token, TokenId, "token";
    Audit, AuditId, "entry of the audit log";
    Outbox, OutboxId, "entry of the outbox";
    Job, JobId, "queued job";
    Worker, WorkerId, "worker process";
}
