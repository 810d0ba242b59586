//! The structural gate: what a token must look like before we spend time on it.
//!
//! Anybody who holds a valid token can append blocks to it without asking us, and
//! the Datalog engine looks at its time limit only between two queries: measured on
//! biscuit-auth 6.0.0, a 978-byte token with one rule that joins 50 facts four times
//! took 4.4 s of CPU under a limit of 50 ms. So the gate decodes the token, before
//! signatures and Datalog, and admits appended blocks by a list of what is allowed:
//! checks over few facts with plain comparisons, which is all a narrowing needs.
//!
//! What makes the work that is admitted small:
//! * no facts and no rules, so an appended block only sees the few facts we state;
//! * a query names a predicate once at most. Of our facts only `within` has several
//!   values, so a query has as many matches as the node has ancestors, not a power
//!   of it;
//! * no closure, regular expression, arithmetic or text building: every operation
//!   takes a time that is linear in its operands.
//!
//! Keys are Ed25519 throughout: a secp256r1 signature can be rewritten into another
//! valid one, and with it the block's revocation id.
//!
//! The gate does not check signatures and believes nothing that it reads.

use std::collections::HashSet;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use biscuit_auth::format::schema::{
    Biscuit, Block, Check, Expression, Op, PublicKey, Rule, SignedBlock, Term, op, op_binary,
    op_unary, public_key, term,
};
use prost::Message;

/// The longest token, in characters of base64.
pub(super) const MAX_TEXT: usize = 4 * 1024;
/// The most blocks, the first one included.
pub(super) const MAX_BLOCKS: usize = 8;
const MAX_CHECKS: usize = 16;
const MAX_QUERIES: usize = 4;
const MAX_PREDICATES: usize = 3;
const MAX_EXPRESSIONS: usize = 8;
const MAX_OPS: usize = 32;
/// The most entries of a set, array or map; holds a set of every action.
pub(super) const MAX_ENTRIES: usize = 64;

/// Our spelling of tokens. Padding may be there or not, because other Biscuit
/// libraries write it; anything else that is not canonical is refused.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a token was not admitted. It carries no text of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token {0}")]
pub(super) struct Refusal(pub(super) &'static str);

/// A token of an acceptable form. Nothing of it is to be believed before the
/// signatures over `bytes` were checked.
pub(super) struct Admitted {
    /// The token as signed.
    pub(super) bytes: Vec<u8>,
    /// The first block.
    pub(super) authority: Block,
    /// Whether blocks were appended to it.
    pub(super) narrowed: bool,
}

/// Decodes `text` and refuses every form that we have no need of.
pub(super) fn admit(text: &str) -> Result<Admitted, Refusal> {
    require(text.len() <= MAX_TEXT, "is too long")?;
    let bytes = BASE64
        .decode(text)
        .map_err(|_| Refusal("is not base64 for URLs"))?;
    let token = Biscuit::decode(bytes.as_slice()).map_err(|_| Refusal("is not a Biscuit"))?;
    // Protobuf has many spellings for one message: unknown fields, fields given
    // twice, numbers written too long. With one spelling only, an altered text is
    // never the same token, so a text may be hashed or compared.
    require(
        token.encode_to_vec() == bytes,
        "is not written in the one canonical way",
    )?;
    require(token.blocks.len() < MAX_BLOCKS, "has too many blocks")?;
    let authority = block(&token.authority)?;
    for signed in &token.blocks {
        appended(&block(signed)?)?;
    }
    Ok(Admitted {
        bytes,
        authority,
        narrowed: !token.blocks.is_empty(),
    })
}

fn require(good: bool, otherwise: &'static str) -> Result<(), Refusal> {
    if good {
        Ok(())
    } else {
        Err(Refusal(otherwise))
    }
}

/// Decodes the content of a block, and checks what holds for the first one too.
fn block(signed: &SignedBlock) -> Result<Block, Refusal> {
    require(
        signed.external_signature.is_none(),
        "has a third-party block",
    )?;
    require(is_ed25519(&signed.next_key), "has a key that isn't Ed25519")?;
    Block::decode(signed.block.as_slice()).map_err(|_| Refusal("has an unreadable block"))
}

fn is_ed25519(key: &PublicKey) -> bool {
    key.algorithm == public_key::Algorithm::Ed25519 as i32
}

/// Checks a block that anybody may have appended.
fn appended(block: &Block) -> Result<(), Refusal> {
    require(block.facts.is_empty(), "has facts in an appended block")?;
    require(block.rules.is_empty(), "has rules in an appended block")?;
    // Scopes and keys only serve third-party blocks.
    require(
        block.scope.is_empty() && block.public_keys.is_empty(),
        "has a scope in an appended block",
    )?;
    // The library refuses a symbol that another block has, but not one that the
    // same block lists twice. Without this, two indexes could name one predicate,
    // and `query` could not tell repetitions by the index.
    require(
        all_different(&block.symbols),
        "lists a symbol twice in a block",
    )?;
    require(block.checks.len() <= MAX_CHECKS, "has too many checks")?;
    block.checks.iter().try_for_each(check)
}

fn check(check: &Check) -> Result<(), Refusal> {
    require(
        check.queries.len() <= MAX_QUERIES,
        "has too many queries in a check",
    )?;
    check.queries.iter().try_for_each(query)
}

fn query(query: &Rule) -> Result<(), Refusal> {
    require(query.scope.is_empty(), "has a scope in a check")?;
    require(query.head.terms.is_empty(), "has a check with a head")?;
    require(
        query.body.len() <= MAX_PREDICATES,
        "joins too many predicates",
    )?;
    require(
        all_different(query.body.iter().map(|predicate| predicate.name)),
        "joins a predicate with itself",
    )?;
    require(
        query.expressions.len() <= MAX_EXPRESSIONS,
        "has too many expressions in a query",
    )?;
    for predicate in &query.body {
        predicate.terms.iter().try_for_each(value)?;
    }
    query.expressions.iter().try_for_each(expression)
}

fn all_different<T: std::hash::Hash + Eq>(items: impl IntoIterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    items.into_iter().all(|item| seen.insert(item))
}

fn expression(expression: &Expression) -> Result<(), Refusal> {
    require(
        expression.ops.len() <= MAX_OPS,
        "has too many operations in an expression",
    )?;
    expression.ops.iter().try_for_each(operation)
}

fn operation(operation: &Op) -> Result<(), Refusal> {
    match &operation.content {
        Some(op::Content::Value(term)) => value(term),
        Some(op::Content::Unary(unary)) => {
            require(is_plain_unary(unary.kind), "has an operation we refuse")
        }
        Some(op::Content::Binary(binary)) => {
            require(is_plain_binary(binary.kind), "has an operation we refuse")
        }
        Some(op::Content::Closure(_)) => Err(Refusal("has a closure")),
        None => Err(Refusal("has an empty operation")),
    }
}

fn is_plain_unary(kind: i32) -> bool {
    use op_unary::Kind;
    [Kind::Negate, Kind::Parens]
        .iter()
        .any(|plain| *plain as i32 == kind)
}

/// Comparing and asking for membership. What is missing calls out (`Ffi`), needs a
/// closure (`All`, `Any`, `LazyAnd`, `LazyOr`, `TryOr`), runs a program of the
/// token's own (`Regex`) or makes values that grow (`Add`, `Union` and the like).
fn is_plain_binary(kind: i32) -> bool {
    use op_binary::Kind;
    [
        Kind::LessThan,
        Kind::GreaterThan,
        Kind::LessOrEqual,
        Kind::GreaterOrEqual,
        Kind::Equal,
        Kind::NotEqual,
        Kind::HeterogeneousEqual,
        Kind::HeterogeneousNotEqual,
        Kind::Contains,
        Kind::Prefix,
        Kind::Suffix,
        Kind::And,
        Kind::Or,
    ]
    .iter()
    .any(|plain| *plain as i32 == kind)
}

/// A scalar, or a collection of a bounded number of scalars.
fn value(term: &Term) -> Result<(), Refusal> {
    match &term.content {
        Some(term::Content::Set(set)) => entries(set.set.iter()),
        Some(term::Content::Array(array)) => entries(array.array.iter()),
        // A repeated key would be kept once by the library, so the count is of
        // what was sent.
        Some(term::Content::Map(map)) => entries(map.entries.iter().map(|entry| &entry.value)),
        Some(_) => Ok(()),
        None => Err(Refusal("has an empty term")),
    }
}

fn entries<'a>(mut terms: impl ExactSizeIterator<Item = &'a Term>) -> Result<(), Refusal> {
    require(terms.len() <= MAX_ENTRIES, "has too large a collection")?;
    require(terms.all(is_scalar), "nests collections")
}

fn is_scalar(term: &Term) -> bool {
    match &term.content {
        Some(term::Content::Set(_) | term::Content::Array(_) | term::Content::Map(_)) | None => {
            false
        }
        Some(_) => true,
    }
}
