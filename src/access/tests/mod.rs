//! Tests of the roles' table, of tokens, and of what a hostile bearer may try.

mod hostile;
mod table;
mod tokens;

use biscuit_auth::{Biscuit, BlockBuilder, PublicKey};
use chrono::{DateTime, TimeDelta};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::*;
use crate::kernel::{Code, ExecutionId, Id, NodeId, OrgId, ProjectId, Timestamp, UserId};

const KEY_ID: u32 = 7;

fn now() -> Timestamp {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn hour() -> TimeDelta {
    TimeDelta::hours(1)
}

fn id<K>(number: u128) -> Id<K> {
    Id::from_uuid(Uuid::from_u128(number))
}

fn user() -> UserId {
    id(1)
}

fn org() -> OrgId {
    id(2)
}

fn execution() -> ExecutionId {
    id(3)
}

/// The root of the subtree that [`execution_token`] is narrowed to.
fn root() -> NodeId {
    id(10)
}

fn keyring() -> Keyring {
    Keyring::new(Keyring::generate(), KEY_ID, &[]).unwrap()
}

fn text(minted: &Minted) -> String {
    minted.token.expose_secret().to_owned()
}

fn user_token(keys: &Keyring) -> String {
    text(&keys.mint_user(user(), now(), hour()).unwrap())
}

fn execution_token(keys: &Keyring, actions: &[Action]) -> String {
    let rights = ExecutionRights {
        user: user(),
        org: org(),
        execution: execution(),
        node: root(),
        actions,
    };
    text(&keys.mint_execution(&rights, now(), hour()).unwrap())
}

/// A token of [`org`] with these actions, narrowed to `project` and `node` if there are any.
fn org_token(
    keys: &Keyring,
    actions: &[Action],
    project: Option<ProjectId>,
    node: Option<NodeId>,
) -> String {
    let rights = OrgTokenRights {
        token: id(20),
        user: user(),
        org: org(),
        project,
        node,
        actions,
    };
    text(&keys.mint_org_token(&rights, now(), hour()).unwrap())
}

/// The token as a bearer who wants to append to it holds it.
fn open(keys: &Keyring, token: &str) -> Biscuit {
    let key = PublicKey::from_bytes_hex(&keys.public_key(), biscuit_auth::Algorithm::Ed25519);
    Biscuit::from_base64(token, key.unwrap()).unwrap()
}

/// The token with one more block, as a bearer makes it without us.
fn append(keys: &Keyring, token: &str, block: BlockBuilder) -> String {
    open(keys, token)
        .append(block)
        .unwrap()
        .to_base64()
        .unwrap()
}

/// A block from Datalog text.
fn datalog(source: &str) -> BlockBuilder {
    BlockBuilder::new().code(source).unwrap()
}

/// A node with these ancestors, in [`org`].
fn place(within: &[NodeId]) -> Place {
    Place {
        org: Some(org()),
        project: Some(id::<crate::kernel::entity::Project>(4)),
        within: within.to_vec(),
    }
}

fn verdict(keys: &Keyring, token: &str) -> Result<(), Code> {
    keys.verify(token, now())
        .map(|_| ())
        .map_err(|error| error.code())
}

fn permitted(keys: &Keyring, token: &str, action: Action, place: &Place) -> Result<(), Code> {
    let token = keys.verify(token, now()).map_err(|error| error.code())?;
    token
        .permits(action, place, now())
        .map_err(|error| error.code())
}

fn project(number: u128) -> ProjectId {
    id(number)
}
