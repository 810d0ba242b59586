//! Reads every answer for what must not be in it, and counts what happened.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt::Write,
    sync::{Arc, Mutex},
};

use uuid::Uuid;

use crate::world::World;

/// What an answer may speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// This organization.
    One(usize),
    /// All organizations of the owner of this one.
    Person(usize),
    /// None at all.
    Nothing,
}

/// What a run must have seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Happened {
    /// A request about one's own was done.
    Done,
    /// One about another's was answered, and just like one about nothing.
    Foreign,
    /// A body named something of another's, with the same outcome.
    ForeignInBody,
    /// A narrowed token was used.
    Narrowed,
    /// Refused for what was wrong with it.
    Refused,
    /// Refused for the state that things were in.
    Conflict,
    /// The same key again got the same answer.
    Replayed,
    /// The client left while it still sent its body.
    DroppedWhileSending,
    /// The client left while it was served.
    DroppedWhileServed,
    /// The client left in the middle of its answer.
    DroppedWhileAnswered,
    /// The server's limit of time struck in the middle of a statement.
    TookTooLong,
    /// The same, in the middle of a body that came too slowly.
    CameTooSlowly,
    /// Postgres' limit of time for a statement struck.
    StatementTookTooLong,
    /// A connection to Postgres was cut.
    Cut,
}

impl Happened {
    pub const ALL: [Happened; 14] = [
        Happened::Done,
        Happened::Foreign,
        Happened::ForeignInBody,
        Happened::Narrowed,
        Happened::Refused,
        Happened::Conflict,
        Happened::Replayed,
        Happened::DroppedWhileSending,
        Happened::DroppedWhileServed,
        Happened::DroppedWhileAnswered,
        Happened::TookTooLong,
        Happened::CameTooSlowly,
        Happened::StatementTookTooLong,
        Happened::Cut,
    ];
}

/// What was seen so far.
pub struct Witness {
    world: Arc<World>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Whose an id is, as far as we know at once.
    owners: HashMap<Uuid, usize>,
    /// Persons by their ids.
    persons: HashMap<Uuid, usize>,
    /// Ids that answers held, with what those answers could speak of.
    ids: HashSet<(Uuid, Scope)>,
    happened: BTreeMap<Happened, usize>,
    /// How often each code or status was answered.
    answers: BTreeMap<String, usize>,
    findings: BTreeSet<String>,
}

/// Findings that are kept; the first ones tell enough.
const MAX_FINDINGS: usize = 30;

impl Witness {
    pub fn new(world: &Arc<World>) -> Self {
        let mut seen = Seen::default();
        for tenant in &world.tenants {
            let ids = [&tenant.org, &tenant.project, &tenant.template, &tenant.file];
            for id in ids {
                seen.owners.insert(id.parse().unwrap(), tenant.number);
            }
            seen.persons
                .insert(tenant.user.parse().unwrap(), tenant.number);
        }
        Witness {
            world: Arc::clone(world),
            seen: Mutex::new(seen),
        }
    }

    pub fn happened(&self, what: Happened) {
        *self.seen.lock().unwrap().happened.entry(what).or_default() += 1;
    }

    pub fn count(&self, what: Happened) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.happened.get(&what).copied().unwrap_or_default()
    }

    pub fn answered(&self, what: &str) {
        let mut seen = self.seen.lock().unwrap();
        *seen.answers.entry(what.to_owned()).or_default() += 1;
    }

    /// Notes that a new thing belongs to organization `org`.
    pub fn owns(&self, org: usize, id: &str) {
        let id = id.parse().unwrap();
        self.seen.lock().unwrap().owners.insert(id, org);
    }

    /// Something that must not be.
    pub fn found(&self, finding: String) {
        let mut seen = self.seen.lock().unwrap();
        if seen.findings.len() < MAX_FINDINGS {
            seen.findings.insert(finding);
        }
    }

    pub fn findings(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.findings.iter().cloned().collect()
    }

    /// Reads an answer to `request`, which may speak of `scope` only.
    pub fn read(&self, request: &str, scope: Scope, text: &str) {
        for org in marked(text, "tenant") {
            if !self.may_show_org(scope, org) {
                self.found(format!("{request} as {scope:?} shows text of {org}"));
            }
        }
        for person in marked(text, "person") {
            if !self.may_show_person(scope, person) {
                self.found(format!("{request} as {scope:?} shows person {person}"));
            }
        }
        for id in ids(text) {
            let mut seen = self.seen.lock().unwrap();
            let (owner, person) = (seen.owners.get(&id), seen.persons.get(&id));
            let (owner, person) = (owner.copied(), person.copied());
            seen.ids.insert((id, scope));
            drop(seen);
            let org_fits = owner.is_none_or(|org| self.may_show_org(scope, org));
            let person_fits = person.is_none_or(|person| self.may_show_person(scope, person));
            if !org_fits || !person_fits {
                self.found(format!(
                    "{request} as {scope:?} shows {id} of {owner:?} {person:?}"
                ));
            }
        }
    }

    /// Compares the ids that answers held with whose they are.
    pub fn compare(&self, owners: &HashMap<Uuid, usize>) {
        let ids = self.seen.lock().unwrap().ids.clone();
        for (id, scope) in ids {
            if let Some(org) = owners.get(&id)
                && !self.may_show_org(scope, *org)
            {
                self.found(format!("an answer for {scope:?} held {id} of {org}"));
            }
        }
    }

    fn may_show_org(&self, scope: Scope, org: usize) -> bool {
        match scope {
            Scope::One(one) => one == org,
            Scope::Person(person) => self.world.belongs(person, org),
            Scope::Nothing => false,
        }
    }

    fn may_show_person(&self, scope: Scope, person: usize) -> bool {
        match scope {
            Scope::One(org) => self.world.belongs(person, org),
            Scope::Person(one) => {
                let next = self.world.after(one).number;
                self.world.belongs(person, one) || self.world.belongs(person, next)
            }
            Scope::Nothing => false,
        }
    }

    /// What happened, a line each. `connected`: sessions that Postgres ever had.
    pub fn report(&self, connected: usize) -> String {
        let seen = self.seen.lock().unwrap();
        let mut report = format!("connections to Postgres in all: {connected}\n");
        for (what, count) in &seen.happened {
            writeln!(report, "{what:?}: {count}").unwrap();
        }
        for (answer, count) in &seen.answers {
            writeln!(report, "  {answer}: {count}").unwrap();
        }
        write!(report, "ids compared: {}", seen.ids.len()).unwrap();
        report
    }
}

/// The numbers after `word` in a text.
fn marked(text: &str, word: &str) -> BTreeSet<usize> {
    let digits = |(at, _): (usize, &str)| {
        let start = at + word.len();
        text.get(start..start + 4)?.parse().ok()
    };
    text.match_indices(word).filter_map(digits).collect()
}

/// The ids in a text.
fn ids(text: &str) -> BTreeSet<Uuid> {
    text.split(|c: char| !c.is_ascii_hexdigit() && c != '-')
        .filter(|word| word.len() == 36)
        .filter_map(|word| Uuid::try_parse(word).ok())
        .collect()
}

#[test]
fn marks_and_ids_are_found_wherever_they_stand() {
    let text = r#"{"a":"tenant0012 and Xtenant0007","b":["https://h/019c0000-0000-7000-8000-000000000001?x"]}"#;
    assert_eq!(marked(text, "tenant"), BTreeSet::from([7, 12]));
    assert_eq!(ids(text).len(), 1);
}
