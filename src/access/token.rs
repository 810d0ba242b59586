//! A token that was checked: who it speaks for, and what it was narrowed to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use biscuit_auth::builder::{self, AuthorizerBuilder, Term, fact};
use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::error;
use biscuit_auth::format::schema::{Block, term::Content};
use biscuit_auth::macros::authorizer;
use biscuit_auth::{AuthorizerLimits, Biscuit};
use chrono::DateTime;
use secrecy::SecretString;

use super::action::Action;
use super::gate::{Admitted, Refusal};
use crate::kernel::{
    Code, Error, ExecutionId, NodeId, OrgId, ProjectId, Result, Timestamp, TokenId, UserId,
};

/// The facts that we state, in a token's first block and about a request.
pub(super) mod fact_name {
    /// First block: the person.
    pub const USER: &str = "user";
    /// First block: the execution, in a token made for one.
    pub const EXECUTION: &str = "execution";
    /// First block: the row of a token that an organization gave out.
    pub const TOKEN: &str = "token";
    /// First block: when the token stops being good.
    pub const EXPIRES: &str = "expires";
    /// Request: the present moment.
    pub const TIME: &str = "time";
    /// Request: the action's dotted name.
    pub const OPERATION: &str = "operation";
    /// Request: the organization.
    pub const ORG: &str = "org";
    /// Request: the project.
    pub const PROJECT: &str = "project";
    /// Request: the node, and each of its ancestors.
    pub const WITHIN: &str = "within";
}

/// The most time the Datalog of one decision may take. The library's own 1 ms runs
/// out by chance on a busy core: measured, 113 good tokens of 160,000 were refused,
/// and none at 50 ms. What bounds the work is the gate; this is a second line.
const MAX_TIME: Duration = Duration::from_millis(50);

/// The most characters of a token's own text that reach a log.
const MAX_QUOTED: usize = 200;

/// Where an action is to happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The organization, if the action is in one.
    pub org: Option<OrgId>,
    /// The project, if the thing lies in one.
    pub project: Option<ProjectId>,
    /// The node and all of its ancestors; empty where no node is concerned, and
    /// then a token that was narrowed to a node is refused.
    pub within: Vec<NodeId>,
}

/// A token whose form, signatures and expiry were good. Cheap to clone, since it is
/// remembered between requests.
#[derive(Clone)]
pub struct Token {
    claims: Claims,
    revocation_ids: Arc<[String]>,
    /// The token itself where blocks were appended to it, for their checks. A token
    /// of one block has no checks: [`Claims::read`] admits facts only. So there is
    /// nothing Datalog could refuse, and its 20 µs are saved on most requests.
    narrowed: Option<Arc<Biscuit>>,
}

/// What the first block states. Only we can sign it, so it is believed; a later
/// block is anybody's and is never read for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claims {
    user: UserId,
    execution: Option<ExecutionId>,
    token: Option<TokenId>,
    expires_at: Timestamp,
}

impl Token {
    /// Stands for the token of an identity provider, which somebody else verified: it
    /// says who asks and until when, and was narrowed to nothing.
    pub(super) fn vouched(user: UserId, expires_at: Timestamp) -> Self {
        Token {
            claims: Claims {
                user,
                execution: None,
                token: None,
                expires_at,
            },
            revocation_ids: Arc::default(),
            narrowed: None,
        }
    }

    /// Reads a token whose signatures were checked: `biscuit` must have been made
    /// from the bytes of `admitted`.
    pub(super) fn read(admitted: &Admitted, biscuit: Biscuit) -> Result<Self, Refusal> {
        let claims = Claims::read(&admitted.authority)
            .ok_or(Refusal("was signed by us but states things we don't know"))?;
        let ids = biscuit.revocation_identifiers();
        Ok(Token {
            claims,
            revocation_ids: ids.iter().map(hex::encode).collect(),
            narrowed: admitted.narrowed.then(|| Arc::new(biscuit)),
        })
    }

    /// The person that the token speaks for.
    pub fn user(&self) -> UserId {
        self.claims.user
    }

    /// The execution that it was made for, if any.
    pub fn execution(&self) -> Option<ExecutionId> {
        self.claims.execution
    }

    /// The organization's token that it is, if it is one: then it can be revoked, and
    /// whoever lets it act looks that up.
    pub fn id(&self) -> Option<TokenId> {
        self.claims.token
    }

    /// One id for each block, the first block's first, in lower-case hexadecimal.
    /// The token is revoked when any of them is: revoking the first block's id ends
    /// the token and all that was narrowed from it, a later one's only that branch.
    pub fn revocation_ids(&self) -> &[String] {
        &self.revocation_ids
    }

    /// When the token stops being good; a narrowing may end it sooner.
    pub fn expires_at(&self) -> Timestamp {
        self.claims.expires_at
    }

    /// Whether blocks were appended, so that [`Token::permits`] needs to know the place.
    pub fn is_narrowed(&self) -> bool {
        self.narrowed.is_some()
    }

    /// The text of a narrowed token: a bearer secret. Another one is told by its claims alone.
    pub(super) fn text(&self) -> Result<Option<SecretString>> {
        let text = self.narrowed.as_deref().map(Biscuit::to_base64);
        let text = text.transpose().map_err(Error::internal)?;
        Ok(text.map(SecretString::from))
    }

    /// Fails with [`Code::TokenExpired`] once the token's time is over.
    pub(super) fn check_expiry(&self, now: Timestamp) -> Result<()> {
        if now < self.claims.expires_at {
            return Ok(());
        }
        Err(Error::new(
            Code::TokenExpired,
            "The token has expired. Get a new one.",
        ))
    }

    /// Whether the token was not narrowed so far that `action` at `place` is out of
    /// it. Whether the person's roles allow it is another question.
    ///
    /// Fails with [`Code::Forbidden`] when one of the token's checks does not hold;
    /// with [`Code::TokenExpired`] for a token that was kept too long;
    /// also for managing tokens, whatever its checks say: or a token could have one
    /// made that is wider than itself;
    /// with [`Code::Unavailable`] when there was not enough time to decide, which
    /// says nothing about the caller's rights.
    pub fn permits(&self, action: Action, place: &Place, now: Timestamp) -> Result<()> {
        self.check_expiry(now)?;
        let Some(biscuit) = &self.narrowed else {
            return Ok(());
        };
        if action == Action::TokenManage {
            return Err(Error::forbidden(action.phrase())
                .because("a narrowed token can't be used to manage tokens"));
        }
        place
            .facts(action, now)
            .and_then(|facts| facts.build(biscuit))
            .and_then(|mut authorizer| authorizer.authorize())
            .map(|_policy| ())
            .map_err(|error| refused(action, &error))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("user", &self.claims.user)
            .field("execution", &self.claims.execution)
            .field("token", &self.claims.token)
            .field("expires_at", &self.claims.expires_at)
            .finish_non_exhaustive()
    }
}

impl Claims {
    /// Reads a first block of exactly the form that we sign. Anything more in it,
    /// even under our signature, is from a version of the program that meant
    /// something by it; to ignore it could be to ignore a restriction.
    fn read(block: &Block) -> Option<Self> {
        let facts_only = block.rules.is_empty()
            && block.checks.is_empty()
            && block.scope.is_empty()
            && block.public_keys.is_empty();
        if !facts_only {
            return None;
        }
        let symbols = SymbolTable::from(block.symbols.clone()).ok()?;
        let (mut user, mut execution, mut token, mut expires_at) = (None, None, None, None);
        for fact in &block.facts {
            let [term] = fact.predicate.terms.as_slice() else {
                return None;
            };
            let twice = match (symbols.get_symbol(fact.predicate.name)?, &term.content) {
                (fact_name::USER, Some(Content::String(text))) => user
                    .replace(symbols.get_symbol(*text)?.parse().ok()?)
                    .is_some(),
                (fact_name::EXECUTION, Some(Content::String(text))) => execution
                    .replace(symbols.get_symbol(*text)?.parse().ok()?)
                    .is_some(),
                (fact_name::TOKEN, Some(Content::String(text))) => token
                    .replace(symbols.get_symbol(*text)?.parse().ok()?)
                    .is_some(),
                (fact_name::EXPIRES, Some(Content::Date(seconds))) => expires_at
                    .replace(DateTime::from_timestamp(i64::try_from(*seconds).ok()?, 0)?)
                    .is_some(),
                _ => true,
            };
            if twice {
                return None;
            }
        }
        Some(Claims {
            user: user?,
            execution,
            token,
            expires_at: expires_at?,
        })
    }
}

impl Place {
    /// All that a token's checks can see of a request.
    fn facts(&self, action: Action, now: Timestamp) -> Result<AuthorizerBuilder, error::Token> {
        let text = |value: String| [builder::string(&value)];
        let mut facts = authorizer!("allow if true")
            .set_limits(AuthorizerLimits {
                max_time: MAX_TIME,
                ..AuthorizerLimits::default()
            })
            .fact(fact(fact_name::TIME, &[date(now)]))?
            .fact(fact(fact_name::OPERATION, &text(action.to_string())))?;
        if let Some(org) = self.org {
            facts = facts.fact(fact(fact_name::ORG, &text(org.to_string())))?;
        }
        if let Some(project) = self.project {
            facts = facts.fact(fact(fact_name::PROJECT, &text(project.to_string())))?;
        }
        for node in &self.within {
            facts = facts.fact(fact(fact_name::WITHIN, &text(node.to_string())))?;
        }
        Ok(facts)
    }
}

/// A moment as a Datalog date, which counts seconds since 1970.
pub(super) fn date(at: Timestamp) -> Term {
    Term::Date(u64::try_from(at.timestamp()).unwrap_or(0))
}

/// Why the checks of a token did not let an action through.
pub(super) fn refused(action: Action, error: &error::Token) -> Error {
    match error {
        // A check that can't be evaluated, say for comparing a text with a number,
        // does not hold.
        error::Token::FailedLogic(_) | error::Token::Execution(_) => {
            Error::forbidden(action.phrase()).because(quoted(error))
        }
        // Too little time is our trouble and not the caller's lack of rights.
        error::Token::RunLimit(limit) => {
            tracing::error!(%action, %limit, "a token's checks ran into the limit");
            Error::new(
                Code::Unavailable,
                "The token could not be checked in time. Try again.",
            )
            .because(limit.clone())
        }
        other => invalid(quoted(other)),
    }
}

/// An unusable token; `cause` must not hold more of its text than [`quoted`] does.
pub(super) fn invalid(
    cause: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
) -> Error {
    Error::new(Code::TokenInvalid, "The token is not valid.").because(cause)
}

/// An error of the library, fit for a log. Failed checks are quoted in it, and they
/// are whatever somebody appended to the token: cut short, and without the line
/// breaks and control characters with which a log entry could be forged.
pub(super) fn quoted(error: &error::Token) -> String {
    let text = error.to_string();
    text.chars()
        .take(MAX_QUOTED)
        .flat_map(char::escape_debug)
        .collect()
}
