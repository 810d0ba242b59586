//! The one way to a tenant's rows: find where a thing lives, what its caller is
//! there, and narrow the transaction to that organization.
//!
//! Operations get a [`Grant`] from here and hand it on to whatever they do, so an
//! operation that forgot to ask has nothing to work with.

use secrecy::{ExposeSecret, SecretString};

use super::{Action, Keyring, OrgRole, Place, ProjectRole, Token, allows, store};
use crate::{
    kernel::{
        Code, Error, ExecutionId, FileId, NodeId, OrgId, OutputId, ProjectId, Result, Scope,
        Timestamp, TokenId, UserId, id::Entity,
    },
    platform::db::Tx,
};

/// Who asks: a verified token, and where the request came from.
#[derive(Debug, Clone)]
pub struct Caller {
    token: Token,
    origin: Origin,
}

/// Where a request came from, for the audit log, and what it said about itself.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The request's id.
    pub request_id: Option<String>,
    /// The client's address.
    pub ip: Option<String>,
    /// The lock under which the client means to write the node that it names, by its epoch
    /// (`X-Lock-Epoch`). It travels with whoever asks, so that no writing operation can
    /// forget to look at it.
    pub lock_epoch: Option<i64>,
    /// The client's own span, its trace and its id with a dash between them: what an
    /// execution that the request starts is linked to.
    pub span: Option<String>,
}

/// Who did something: the person, and the execution or token that did it for them, if any.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The person.
    pub user: UserId,
    /// The execution, when an agent did it on their behalf.
    pub execution: Option<ExecutionId>,
    /// The organization's token, when it was done with one.
    pub token: Option<TokenId>,
    /// Where the request came from.
    pub origin: Origin,
}

/// Who asks, to be kept for later.
#[derive(Debug)]
pub struct Keepsake {
    /// The person.
    pub user: UserId,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// The token, where it was narrowed: then it can do less than its person, and the
    /// narrowing is in its text alone.
    pub narrowed: Option<SecretString>,
}

/// What an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// An organization, or things directly in it.
    Org(OrgId),
    /// A project, or its list of nodes.
    Project(ProjectId),
    /// A node that was not deleted.
    Node(NodeId),
    /// An execution.
    Execution(ExecutionId),
    /// An output of a node that was not deleted.
    Output(OutputId),
    /// A file.
    File(FileId),
}

/// Permission for one action at one place. The transaction it was given in sees
/// only that organization from then on.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The organization.
    pub org: OrgId,
    /// The project, where the thing lies in one.
    pub project: Option<ProjectId>,
    /// The node, where the thing is one or hangs on one.
    pub node: Option<NodeId>,
    /// What the caller is in the organization.
    pub org_role: OrgRole,
    /// What the caller is in the project.
    pub project_role: Option<ProjectRole>,
    /// The action that was allowed.
    pub action: Action,
    /// Who does it.
    pub actor: Actor,
}

impl Caller {
    /// The bearer of a verified token.
    pub fn new(token: Token, origin: Origin) -> Self {
        Caller { token, origin }
    }

    /// A person for whom an identity provider vouches until `expires_at`. Nothing narrows
    /// what they may do but their roles.
    pub fn vouched(user: UserId, expires_at: Timestamp, origin: Origin) -> Self {
        Caller::new(Token::vouched(user, expires_at), origin)
    }

    /// Fails with [`Code::Forbidden`] for a narrowed token. What is a person's own, such as
    /// their profile or the list of their organizations, lies at no place that a token
    /// could have been narrowed to, so a narrowed token never reaches it.
    pub fn require_whole(&self) -> Result<()> {
        if self.token.is_narrowed() {
            return Err(Error::new(
                Code::Forbidden,
                "This token was narrowed and can't be used for what is its person's own. \
                 Sign in as yourself.",
            ));
        }
        Ok(())
    }

    /// When the token ends at the latest.
    pub fn expires_at(&self) -> Timestamp {
        self.token.expires_at()
    }

    /// What makes the same caller again, later and in another process.
    pub fn keepsake(&self) -> Result<Keepsake> {
        Ok(Keepsake {
            user: self.token.user(),
            expires_at: self.token.expires_at(),
            narrowed: self.token.text()?,
        })
    }

    /// The caller of a keepsake, asking from `origin` now. It has the rights that it had and
    /// no others: they are asked for at each step, as always.
    ///
    /// # Errors
    /// The token has ended, or its key is no longer one of ours.
    pub fn recall(
        keepsake: &Keepsake,
        keyring: &Keyring,
        now: Timestamp,
        origin: Origin,
    ) -> Result<Self> {
        let token = match &keepsake.narrowed {
            Some(text) => keyring.verify(text.expose_secret(), now)?,
            None => Token::vouched(keepsake.user, keepsake.expires_at),
        };
        token.check_expiry(now)?;
        Ok(Caller::new(token, origin))
    }

    /// Whether [`authorise()`] is one statement for this caller: nothing of the token is
    /// to be looked up.
    pub fn asks_once(&self) -> bool {
        self.token.id().is_none() && !self.token.is_narrowed()
    }

    /// The person.
    pub fn user(&self) -> UserId {
        self.token.user()
    }

    /// For a narrowed token, what tells it from all others of the same person: the
    /// revocation id of its last block.
    pub fn part(&self) -> Option<&str> {
        let ids = self.token.revocation_ids();
        ids.last()
            .filter(|_| self.token.is_narrowed())
            .map(String::as_str)
    }

    /// The caller as the audit log names them.
    pub fn actor(&self) -> Actor {
        Actor {
            user: self.token.user(),
            execution: self.token.execution(),
            token: self.token.id(),
            origin: self.origin.clone(),
        }
    }
}

impl Target {
    fn noun(self) -> &'static str {
        use crate::kernel::entity;
        match self {
            Target::Org(_) => entity::Org::NOUN,
            Target::Project(_) => entity::Project::NOUN,
            Target::Node(_) => entity::Node::NOUN,
            Target::Execution(_) => entity::Execution::NOUN,
            Target::Output(_) => entity::Output::NOUN,
            Target::File(_) => entity::File::NOUN,
        }
    }

    /// The action without which the thing is not the caller's to know of.
    fn sight(self) -> Action {
        match self {
            Target::Org(_) => Action::OrgRead,
            Target::Project(_) => Action::ProjectRead,
            Target::Node(_) => Action::NodeRead,
            Target::Execution(_) => Action::ExecutionRead,
            Target::Output(_) => Action::NodeRead,
            Target::File(_) => Action::FileRead,
        }
    }
}

/// Allows `action` on `target`, or says what the caller may know: that there is no
/// such thing (also when it is not theirs to know of), or that it is not allowed.
///
/// The transaction must be in the caller's scope or already in the organization's.
pub async fn authorise(tx: &Tx, caller: &Caller, action: Action, target: Target) -> Result<Grant> {
    standing(tx, caller, target).await?.grant(caller, action)
}

/// What `caller` is at a place, found once for all that a transaction does there.
#[derive(Debug, Clone)]
pub struct Standing {
    target: Target,
    /// Whether the token was revoked.
    revoked: bool,
    /// `None` where there is no such thing, or it is not theirs to know of.
    found: Option<store::Standing>,
    /// For a narrowed token, the node and those above it.
    within: Vec<NodeId>,
    now: Timestamp,
}

/// Finds it; what speaks against the caller is told by [`Standing::grant`]. The transaction
/// must be in the caller's scope or already in the organization's, and is in that from then on.
pub async fn standing(tx: &Tx, caller: &Caller, target: Target) -> Result<Standing> {
    let revoked = is_revoked(tx, caller).await?;
    // A node's ancestors are asked for together with it, which saves a round trip.
    let narrowed = caller.token.is_narrowed();
    let early = match target {
        Target::Node(node) => Some(node).filter(|_| narrowed),
        _ => None,
    };
    let (found, above) =
        tokio::try_join!(biased; store::enter(tx, target), store::lineage(tx, early))?;
    let within = match (&found, early) {
        (Some(found), None) if narrowed => store::lineage(tx, found.node).await?,
        _ => above,
    };
    Ok(Standing {
        target,
        revoked,
        found,
        within,
        now: tx.now(),
    })
}

impl Standing {
    /// Allows `caller`, whose standing it is, one action there, as [`authorise()`] does.
    pub fn grant(&self, caller: &Caller, action: Action) -> Result<Grant> {
        // A stream asks again and again with the token that it was opened with.
        caller.token.check_expiry(self.now)?;
        if self.revoked {
            return Err(revoked());
        }
        let hidden = || Error::not_found(self.target.noun());
        let found = self.found.as_ref().ok_or_else(hidden)?;
        let may = |action| allows(action, found.org_role, found.project_role);
        if !may(action) {
            return Err(if may(self.target.sight()) {
                Error::forbidden(action.phrase())
            } else {
                hidden()
            });
        }
        if caller.token.is_narrowed() {
            let place = Place {
                org: Some(found.org),
                project: found.project,
                within: self.within.clone(),
            };
            caller.token.permits(action, &place, self.now)?;
        }
        Ok(Grant {
            org: found.org,
            project: found.project,
            node: found.node,
            org_role: found.org_role,
            project_role: found.project_role,
            action,
            actor: caller.actor(),
        })
    }
}

/// Whether the caller has a revoked token of an organization. It is looked up in the
/// transaction that does the work and is remembered nowhere, so a revocation holds at once and
/// everywhere; other tokens can't be revoked and cost no statement. A token whose maker has
/// left the organization is not visible to them any more, and counts as revoked as well.
async fn is_revoked(tx: &Tx, caller: &Caller) -> Result<bool> {
    match caller.token.id() {
        Some(id) => Ok(!store::token_stands(tx, id).await?),
        None => Ok(false),
    }
}

fn revoked() -> Error {
    let why = "The token was revoked. Get a new one.";
    Error::new(Code::TokenInvalid, why)
}

/// The caller's organizations in which they may do `action`, for lists over all of them.
/// The transaction must be in the caller's scope.
pub async fn orgs_that_allow(tx: &mut Tx, caller: &Caller, action: Action) -> Result<Vec<OrgId>> {
    if is_revoked(tx, caller).await? {
        return Err(revoked());
    }
    let mut orgs = Vec::new();
    for (org, role) in store::memberships(tx, caller.user()).await? {
        if !allows(action, role, None) {
            continue;
        }
        let place = Place {
            org: Some(org),
            project: None,
            within: Vec::new(),
        };
        match caller.token.permits(action, &place, tx.now()) {
            Ok(()) => orgs.push(org),
            Err(error) if error.code() == Code::Forbidden => {}
            Err(error) => return Err(error),
        }
    }
    Ok(orgs)
}

impl Grant {
    /// The grant of whoever makes an organization; the transaction acts for it from
    /// here on. Nothing is asked, because anybody may make one.
    pub async fn founding(tx: &mut Tx, org: OrgId, actor: Actor) -> Result<Self> {
        let user = Some(actor.user);
        tx.rescope(&Scope::Org { org, user });
        Ok(Grant {
            org,
            project: None,
            node: None,
            org_role: OrgRole::Owner,
            project_role: None,
            action: Action::OrgCreate,
            actor,
        })
    }

    /// The project; an error of ours where the target has none.
    pub fn project(&self) -> Result<ProjectId> {
        self.project
            .ok_or_else(|| Error::internal("the grant's target lies in no project"))
    }

    /// The node; an error of ours where the target is none.
    pub fn node(&self) -> Result<NodeId> {
        self.node
            .ok_or_else(|| Error::internal("the grant's target is no node"))
    }

    /// Whether the caller's roles also allow `action` at the same place. What their token
    /// was narrowed to is not asked: for that, [`authorise()`] again.
    pub fn also_allows(&self, action: Action) -> bool {
        allows(action, self.org_role, self.project_role)
    }
}
