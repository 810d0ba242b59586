//! Who is where: told from process to process over the bus, and stored nowhere.
//!
//! Each process knows its own sockets' and was told the others' by them: each change at once,
//! and once a second all of it, which mends what was lost and shows that the process lives.
//! One that is silent for four seconds is gone, and all who were present through it.
//!
//! A person with several tabs is one person, who does the most that any of the tabs does.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    hub::Hub,
    protocol::{Doing, Frame},
};
use crate::{
    kernel::{
        Clock, NodeId, ProjectId, Timestamp, UserId,
        event::{Channel, EventKind},
    },
    platform::bus::{Bus, Message},
};

/// The time between two tellings of everything.
const BEAT: Duration = Duration::from_secs(1);
/// The silence after which another process counts as dead.
const DEAD: Duration = Duration::from_secs(4);
/// The least time between two tellings of changes.
const PACE: Duration = Duration::from_millis(15);

/// Somebody, as others see them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    pub id: UserId,
    pub email: String,
    pub name: Option<String>,
    pub avatar_url: Option<String>,
}

/// What one socket's person does with one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Here {
    pub person: Person,
    pub project: ProjectId,
    pub doing: Doing,
    pub cursor: Option<Value>,
    pub seen: Timestamp,
}

/// A socket at a node.
type Spot = (u64, NodeId);

/// What a process tells of one spot: who is there, or that nobody is any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Change {
    spot: Spot,
    here: Option<Here>,
}

/// What a process tells the others.
#[derive(Debug, Serialize, Deserialize)]
struct Gossip {
    process: u64,
    /// Whether spots that are not among the changes are empty.
    all: bool,
    changes: Vec<Change>,
}

#[derive(Debug, Default)]
struct State {
    mine: HashMap<Spot, Here>,
    others: HashMap<u64, Other>,
    /// What the others were not told of yet.
    untold: Vec<Change>,
}

#[derive(Debug)]
struct Other {
    spots: HashMap<Spot, Here>,
    heard: Instant,
}

/// Who is where, over all processes.
#[derive(Debug)]
pub(super) struct Presence {
    /// Names this process among the others.
    process: u64,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: Notify,
}

/// What is to be told of a change to those who watch.
struct Told {
    node: NodeId,
    before: Option<Here>,
    after: Option<Here>,
}

impl Presence {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Presence {
            process: getrandom::u64().unwrap_or_default(),
            clock,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Nothing under this lock can panic halfway, so a poisoned one is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the person of a socket does with a node from now on.
    pub(super) fn set(
        &self,
        hub: &Hub,
        spot: Spot,
        here: Option<(Person, ProjectId, Doing, Option<Value>)>,
    ) {
        let here = here.map(|(person, project, doing, cursor)| Here {
            person,
            project,
            doing,
            cursor,
            seen: self.clock.now(),
        });
        let mut state = self.state();
        let before = match &here {
            Some(here) => state.mine.insert(spot, here.clone()),
            None => state.mine.remove(&spot),
        };
        if before.is_none() && here.is_none() {
            return;
        }
        let change = Change {
            spot,
            here: here.clone(),
        };
        state.untold.push(change);
        drop(state);
        self.changed.notify_one();
        let told = Told {
            node: spot.1,
            before,
            after: here,
        };
        self.tell(hub, &told);
    }

    /// Those who are present where a channel is about.
    pub(super) fn at(&self, channel: Channel) -> Vec<Value> {
        match channel {
            Channel::Node(node) => self.users(|spot, _| spot.1 == node),
            Channel::Project(project) => self.users(|_, here| here.project == project),
            Channel::Execution(_) | Channel::User(_) | Channel::Processes => Vec::new(),
        }
    }

    /// Each person once a node, in the order of their ids.
    fn users(&self, wanted: impl Fn(&Spot, &Here) -> bool) -> Vec<Value> {
        let state = self.state();
        let others = state.others.values().flat_map(|other| &other.spots);
        let mut found: BTreeMap<(NodeId, UserId), Here> = BTreeMap::new();
        for (spot, here) in state.mine.iter().chain(others) {
            if !wanted(spot, here) {
                continue;
            }
            let one = found.entry((spot.1, here.person.id));
            let one = one.or_insert_with(|| here.clone());
            one.seen = one.seen.max(here.seen);
            // The list of what one may do begins with the most.
            one.doing = one.doing.min(here.doing);
        }
        drop(state);
        let users = found.iter().map(|((node, _), here)| user(*node, here));
        users.collect()
    }

    /// Tells those who watch the node or its project here.
    fn tell(&self, hub: &Hub, told: &Told) {
        let Some(here) = told.after.as_ref().or(told.before.as_ref()) else {
            return;
        };
        let users = self.at(Channel::Node(told.node));
        let id = json!(here.person.id);
        let still = users.iter().find(|user| user.get("userId") == Some(&id));
        let left = json!(Doing::Left);
        let action = still.and_then(|user| user.get("action")).unwrap_or(&left);
        let mut payload = json!({
            "nodeId": told.node,
            "users": users,
            "user": { "id": id, "email": here.person.email, "name": here.person.name },
            "action": action,
        });
        let cursor = told.after.as_ref().and_then(|here| here.cursor.clone());
        if let (Some(cursor), Some(fields)) = (cursor, payload.as_object_mut()) {
            fields.insert("cursorPosition".to_owned(), cursor);
        }
        let message = Message {
            kind: EventKind::PresenceUpdate,
            payload: Arc::new(payload),
            told: None,
        };
        for channel in [Channel::Node(told.node), Channel::Project(here.project)] {
            hub.tell(channel, || Frame::of(channel, &message));
        }
    }

    /// Takes in what another process tells; answers what that changed.
    fn hear(&self, gossip: Gossip) -> Vec<Told> {
        if gossip.process == self.process {
            return Vec::new();
        }
        let mut state = self.state();
        let other = state.others.entry(gossip.process).or_insert_with(|| Other {
            spots: HashMap::new(),
            heard: Instant::now(),
        });
        other.heard = Instant::now();
        let mut changes = gossip.changes;
        if gossip.all {
            let named: HashSet<Spot> = changes.iter().map(|change| change.spot).collect();
            let gone = other.spots.keys().filter(|spot| !named.contains(spot));
            let gone: Vec<Change> = gone
                .map(|spot| Change {
                    spot: *spot,
                    here: None,
                })
                .collect();
            changes.extend(gone);
        }
        let mut told = Vec::new();
        for Change { spot, here } in changes {
            let before = match &here {
                Some(here) => other.spots.insert(spot, here.clone()),
                None => other.spots.remove(&spot),
            };
            if before != here {
                told.push(Told {
                    node: spot.1,
                    before,
                    after: here,
                });
            }
        }
        if gossip.all && other.spots.is_empty() {
            state.others.remove(&gossip.process);
        }
        told
    }

    /// Forgets processes that are dead; answers what that changed.
    fn bury(&self) -> Vec<Told> {
        let mut state = self.state();
        let dead = |(_, other): &(&u64, &Other)| other.heard.elapsed() > DEAD;
        let dead: Vec<u64> = state
            .others
            .iter()
            .filter(dead)
            .map(|(id, _)| *id)
            .collect();
        let mut told = Vec::new();
        for id in dead {
            let spots = state.others.remove(&id).map(|other| other.spots);
            for (spot, here) in spots.into_iter().flatten() {
                told.push(Told {
                    node: spot.1,
                    before: Some(here),
                    after: None,
                });
            }
        }
        told
    }

    fn untold(&self) -> Vec<Change> {
        std::mem::take(&mut self.state().untold)
    }

    fn everything(&self) -> Vec<Change> {
        let state = self.state();
        let change = |(spot, here): (&Spot, &Here)| Change {
            spot: *spot,
            here: Some(here.clone()),
        };
        state.mine.iter().map(change).collect()
    }

    async fn publish(&self, bus: &dyn Bus, all: bool, changes: Vec<Change>) {
        let gossip = Gossip {
            process: self.process,
            all,
            changes,
        };
        let Ok(payload) = serde_json::to_value(&gossip) else {
            return;
        };
        let message = Message {
            kind: EventKind::Presence,
            payload: Arc::new(payload),
            told: None,
        };
        if let Err(error) = bus.publish(Channel::Processes, message).await {
            tracing::debug!(error = %error.chain(), "the others were not told who is present");
        }
    }
}

fn user(node: NodeId, here: &Here) -> Value {
    json!({
        "userId": here.person.id,
        "email": here.person.email,
        "name": here.person.name,
        "avatarUrl": here.person.avatar_url,
        "action": here.doing,
        "lastSeen": here.seen,
        "nodeId": node,
    })
}

/// Tells the other processes and hears them, until `stop`; then says that nobody is here.
pub(super) async fn run(hub: Weak<Hub>, bus: Arc<dyn Bus>, stop: CancellationToken) {
    // A bus of this process alone subscribes always; one that is away tells us later.
    let Ok(mut news) = bus.subscribe(Channel::Processes).await else {
        return;
    };
    let mut beat = tokio::time::interval(BEAT);
    let mut was_empty = true;
    loop {
        let Some(hub) = hub.upgrade() else { return };
        let presence = &hub.presence;
        tokio::select! {
            () = stop.cancelled() => {
                presence.publish(&*bus, true, Vec::new()).await;
                return;
            }
            () = presence.changed.notified() => {
                let changes = presence.untold();
                if !changes.is_empty() {
                    presence.publish(&*bus, false, changes).await;
                }
                tokio::time::sleep(PACE).await;
            }
            _ = beat.tick() => {
                let all = presence.everything();
                let is_empty = all.is_empty();
                // Once more when the last one has left, in case that news was lost.
                if !(is_empty && was_empty) {
                    presence.publish(&*bus, true, all).await;
                }
                was_empty = is_empty;
                presence.bury().iter().for_each(|told| presence.tell(&hub, told));
            }
            heard = news.recv() => {
                let gossip = heard.ok().and_then(|message| Gossip::deserialize(&*message.payload).ok());
                let told = gossip.map(|gossip| presence.hear(gossip)).unwrap_or_default();
                told.iter().for_each(|told| presence.tell(&hub, told));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::{Id, clock::System};

    fn spot(socket: u64) -> Spot {
        (socket, Id::from_uuid(Uuid::from_u128(5)))
    }

    fn here(person: u128, doing: Doing) -> Here {
        Here {
            person: Person {
                id: Id::from_uuid(Uuid::from_u128(person)),
                email: format!("{person}@example.com"),
                name: None,
                avatar_url: None,
            },
            project: Id::from_uuid(Uuid::from_u128(9)),
            doing,
            cursor: None,
            seen: System.now(),
        }
    }

    fn told(process: u64, all: bool, spots: &[(u64, Option<Here>)]) -> Gossip {
        let change = |(socket, here): &(u64, Option<Here>)| Change {
            spot: spot(*socket),
            here: here.clone(),
        };
        Gossip {
            process,
            all,
            changes: spots.iter().map(change).collect(),
        }
    }

    fn doings(presence: &Presence) -> Vec<Value> {
        let users = presence.at(Channel::Node(spot(1).1));
        users
            .into_iter()
            .map(|user| user["action"].clone())
            .collect()
    }

    #[test]
    fn several_tabs_are_one_person_who_does_the_most_of_them() {
        let presence = Presence::new(Arc::new(System));
        let tabs = [
            (1, Some(here(1, Doing::Idle))),
            (2, Some(here(1, Doing::Editing))),
            (3, Some(here(2, Doing::Viewing))),
        ];
        assert_eq!(presence.hear(told(7, true, &tabs)).len(), 3);
        assert_eq!(doings(&presence), ["editing", "viewing"]);
        presence.hear(told(7, false, &[(2, None)]));
        assert_eq!(doings(&presence), ["idle", "viewing"]);
    }

    #[test]
    fn what_a_process_does_not_name_any_more_is_gone_and_the_same_again_is_no_news() {
        let presence = Presence::new(Arc::new(System));
        let one = [(1, Some(here(1, Doing::Viewing)))];
        assert_eq!(presence.hear(told(7, true, &one)).len(), 1);
        assert!(presence.hear(told(7, true, &one)).is_empty());
        assert_eq!(presence.hear(told(7, true, &[])).len(), 1);
        assert!(doings(&presence).is_empty());
    }

    #[test]
    fn what_we_say_ourselves_is_not_heard() {
        let presence = Presence::new(Arc::new(System));
        let own = told(presence.process, true, &[(1, Some(here(1, Doing::Idle)))]);
        assert!(presence.hear(own).is_empty());
    }
}
