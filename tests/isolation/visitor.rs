//! One task: asks as one person after another, and judges what it is answered.

use std::{ops::Range, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    dice::Dice,
    requests::{Attachment, KINDS, Kind, NAMING, Request},
    trouble::{Leave, STATEMENT, TOO_LONG, Trouble},
    witness::{Happened, Scope, Witness},
    world::{Tenant, Things, World, mark},
};

/// More nodes than this in one organization, and one is deleted instead of made.
const MANY: usize = 30;

pub struct Visitor {
    pub world: Arc<World>,
    pub witness: Arc<Witness>,
    pub trouble: Arc<Trouble>,
    pub dice: Dice,
    pub http: reqwest::Client,
    pub url: String,
}

/// A client whose connections serve all organizations in turn.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(60))
        // Before the server does.
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}

/// What was answered.
struct Answer {
    status: u16,
    replayed: bool,
    text: String,
    body: Value,
}

impl Answer {
    /// The code of an error, or the status.
    fn name(&self) -> String {
        match self.body["code"].as_str() {
            Some(code) => code.to_owned(),
            None => self.status.to_string(),
        }
    }

    /// All that a client can see but for the request's own id.
    fn visible(mut self) -> (u16, Value) {
        if let Some(body) = self.body.as_object_mut() {
            body.remove("requestId");
        }
        (self.status, self.body)
    }

    /// Whether it was refused for the state of the server and not for what was asked.
    fn is_trouble(&self) -> bool {
        self.status == 503
    }
}

/// What the n-th request is. Shares are fixed, so that none of them is missed by chance.
enum Turn {
    Usual,
    Foreign,
    ForeignInBody,
    Narrowed,
    Drop(Leave),
    TooLong,
    Trickle,
    Statement,
    Cut,
}

impl Turn {
    fn of(n: usize) -> Self {
        match n % 1000 {
            1 | 501 => Turn::TooLong,
            2 | 502 => Turn::Trickle,
            3 | 503 => Turn::Statement,
            5 | 255 | 505 | 755 => Turn::Cut,
            n if n % 50 == 10 => Turn::Drop(Leave::Sending),
            n if n % 50 == 20 => Turn::Drop(Leave::Served),
            n if n % 50 == 30 => Turn::Drop(Leave::Answered),
            n if n % 10 == 4 => Turn::Foreign,
            n if n % 20 == 7 => Turn::ForeignInBody,
            n if n % 20 == 9 => Turn::Narrowed,
            _ => Turn::Usual,
        }
    }
}

impl Visitor {
    /// Makes the requests of these numbers.
    pub async fn visit(mut self, numbers: Range<usize>) {
        let world = Arc::clone(&self.world);
        for n in numbers {
            let who = &world.tenants[self.dice.below(world.tenants.len())];
            match Turn::of(n) {
                Turn::Usual => self.usual(who).await,
                Turn::Foreign => self.foreign(who).await,
                Turn::ForeignInBody => self.foreign_in_body(who).await,
                Turn::Narrowed => self.narrowed(who).await,
                Turn::Drop(leave) => self.dropped(who, leave).await,
                Turn::TooLong => self.limited(who, TOO_LONG).await,
                Turn::Trickle => self.trickled(who).await,
                Turn::Statement => self.limited(who, STATEMENT).await,
                Turn::Cut => {
                    let cut = self.trouble.cut().await;
                    (0..cut).for_each(|_| self.witness.happened(Happened::Cut));
                    self.usual(who).await;
                }
            }
        }
    }

    /// Somebody in their own organization, or as a member of the next one.
    async fn usual(&mut self, who: &Tenant) {
        let world = Arc::clone(&self.world);
        let place = match self.dice.below(4) {
            0 => world.after(who.number),
            _ => who,
        };
        let mut kind = self.dice.weighted(KINDS);
        if matches!(kind, Kind::Create | Kind::CreateTwice | Kind::Apply)
            && place.node_count() > MANY
        {
            kind = Kind::Delete;
        }
        let things = place.things(&mut self.dice);
        let request = kind.request(&things, &mark(place.number), &mut self.dice);
        let scope = match kind {
            Kind::Own(_) => Scope::Person(who.number),
            _ => Scope::One(place.number),
        };
        let answer = self.send(&request, &who.token, scope).await;
        self.learn(kind, place, &things, &answer);
        if kind == Kind::CreateTwice && answer.status == 201 {
            let again = self.send(&request, &who.token, scope).await;
            if !again.is_trouble() {
                assert_eq!((again.status, &again.body), (201, &answer.body));
                assert!(again.replayed, "{request:?}");
                self.witness.happened(Happened::Replayed);
            }
        }
        self.witness.happened(match answer.status {
            200..300 => Happened::Done,
            409 => Happened::Conflict,
            _ => Happened::Refused,
        });
    }

    /// Keeps track of what there is.
    fn learn(&self, kind: Kind, place: &Tenant, things: &Things, answer: &Answer) {
        let id = answer.body["id"].as_str().unwrap_or_default();
        match (kind, answer.status) {
            (Kind::Create | Kind::CreateTwice, 201) => {
                place.add_node(id);
                self.witness.owns(place.number, id);
            }
            (Kind::Apply, 201) => {
                let top = answer.body["data"][0]["id"].as_str().unwrap_or_default();
                place.add_node(top);
                self.witness.owns(place.number, top);
            }
            (Kind::Attach(what), 201) => {
                let place_of = match what {
                    Attachment::Output => "outputs",
                    _ => "inputs",
                };
                place.add_attachment(format!("/nodes/{}/{place_of}/{id}", things.node));
                self.witness.owns(place.number, id);
            }
            (Kind::Detach, 204 | 404) => place.forget_attachment(&things.attachment),
            (Kind::Delete, 204) | (Kind::Read("/nodes/{node}"), 404) => {
                place.forget_node(&things.node);
            }
            _ => {}
        }
    }

    /// Another's thing, and a thing that nobody has: the same answer.
    async fn foreign(&mut self, who: &Tenant) {
        let kind = self.dice.weighted(KINDS);
        if !kind.names_things() {
            return self.usual(who).await;
        }
        let world = Arc::clone(&self.world);
        let theirs = world
            .foreign(who.number, &mut self.dice)
            .things(&mut self.dice);
        let nobodys = Things::unknown(&mut self.dice);
        let token = match self.dice.below(4) {
            0 => &who.program,
            _ => &who.token,
        };
        if self.compare(kind, &theirs, &nobodys, who, token).await {
            self.witness.happened(Happened::Foreign);
        }
    }

    /// One's own thing with another's in the body, and with nobody's.
    async fn foreign_in_body(&mut self, who: &Tenant) {
        let kind = self.dice.weighted(NAMING);
        let world = Arc::clone(&self.world);
        let own = who.things(&mut self.dice);
        let theirs = world
            .foreign(who.number, &mut self.dice)
            .things(&mut self.dice);
        let nobodys = Things::unknown(&mut self.dice);
        let (theirs, nobodys) = (own.clone().naming(theirs), own.naming(nobodys));
        if self.compare(kind, &theirs, &nobodys, who, &who.token).await {
            self.witness.happened(Happened::ForeignInBody);
        }
    }

    /// Whether both were answered; a difference between the answers is a finding.
    async fn compare(
        &mut self,
        kind: Kind,
        theirs: &Things,
        nobodys: &Things,
        who: &Tenant,
        token: &str,
    ) -> bool {
        let text = mark(who.number);
        let theirs = kind.request(theirs, &text, &mut self.dice);
        let nobodys = kind.request(nobodys, &text, &mut self.dice);
        let scope = Scope::One(who.number);
        let first = self.send(&theirs, token, scope).await;
        let second = self.send(&nobodys, token, scope).await;
        let third = self.send(&theirs, token, scope).await;
        let all = [&first, &second, &third];
        if all.iter().any(|answer| answer.is_trouble()) {
            return false;
        }
        // A list of what is shared with all says nothing of anybody.
        let refused = first.status >= 400 || kind == Kind::Read("/templates?orgId={org}");
        let [first, second, third] = [first, second, third].map(Answer::visible);
        // Somebody else may have changed the own thing between two of them.
        let changed = first != third;
        if !refused || (first != second && !changed) {
            let finding = format!("{theirs:?}: {first:?}, but for nobody's: {second:?}");
            self.witness.found(finding);
        }
        true
    }

    /// A program's token, which may read and change nodes of its organization.
    async fn narrowed(&mut self, who: &Tenant) {
        let kinds = [
            (2, Kind::Read("/nodes/{node}")),
            (2, Kind::Read("/projects/{project}/nodes?limit=20")),
            (1, Kind::Read("/nodes/{node}/children")),
            (1, Kind::Read("/orgs/{org}")),
            (1, Kind::Change),
            // It may not.
            (1, Kind::Create),
            (1, Kind::Own("/orgs")),
        ];
        let kind = self.dice.weighted(&kinds);
        let things = who.things(&mut self.dice);
        let request = kind.request(&things, &mark(who.number), &mut self.dice);
        let scope = Scope::One(who.number);
        let answer = self.send(&request, &who.program, scope).await;
        let allowed = !matches!(kind, Kind::Create | Kind::Own(_));
        if answer.status == 200 && allowed {
            self.witness.happened(Happened::Narrowed);
        } else if answer.status < 300 {
            self.witness
                .found(format!("{request:?} was done for a narrowed token"));
        }
    }

    async fn dropped(&mut self, who: &Tenant, leave: Leave) {
        let kinds = [
            (3, Kind::Change),
            (2, Kind::Create),
            (2, Kind::CreateTwice),
            (2, Kind::Attach(Attachment::Node)),
            (1, Kind::Read("/nodes/{node}")),
            (1, Kind::Read("/projects/{project}/nodes?limit=20")),
        ];
        let kind = self.dice.weighted(&kinds);
        let things = who.things(&mut self.dice);
        let request = kind.request(&things, &mark(who.number), &mut self.dice);
        let other = Kind::Own("/users/me").request(&things, "", &mut self.dice);
        let scope = Scope::One(who.number);
        let meanwhile = async {
            self.send(&other, &who.token, Scope::Person(who.number))
                .await;
        };
        let trouble = &self.trouble;
        let start = trouble
            .abandon(&request, &who.token, leave, meanwhile)
            .await;
        self.witness.read("the start of an answer", scope, &start);
        self.witness.happened(match leave {
            Leave::Sending => Happened::DroppedWhileSending,
            Leave::Served => Happened::DroppedWhileServed,
            Leave::Answered => Happened::DroppedWhileAnswered,
        });
        if request.key.is_some() {
            // Who lost the answer asks again; the end says whether it was done twice.
            let answer = self.send(&request, &who.token, scope).await;
            self.learn(kind, who, &things, &answer);
        }
    }

    /// A change that takes longer than a limit, of a node that nobody else knows.
    async fn limited(&mut self, who: &Tenant, ending: &str) {
        let mut things = who.things(&mut self.dice);
        let new = json!({ "title": mark(who.number) });
        let new = Request {
            method: "POST",
            path: format!("/projects/{}/nodes", who.project),
            body: Some(new.to_string()),
            key: None,
        };
        let new = self.send(&new, &who.token, Scope::One(who.number)).await;
        if let Some(id) = new.body["id"].as_str() {
            things.node = id.to_owned();
        }
        let text = format!("{}{ending}", mark(who.number));
        let request = Kind::Change.request(&things, &text, &mut self.dice);
        let answer = self
            .send(&request, &who.token, Scope::One(who.number))
            .await;
        let sentence = answer.body["error"].as_str().unwrap_or_default();
        match (answer.name().as_str(), sentence.contains("database")) {
            ("TIMEOUT", true) => self.witness.happened(Happened::StatementTookTooLong),
            ("TIMEOUT", false) => self.witness.happened(Happened::TookTooLong),
            _ => {}
        }
        if answer.status == 200 {
            self.witness.found(format!("{request:?} was in time"));
        }
    }

    async fn trickled(&mut self, who: &Tenant) {
        let things = who.things(&mut self.dice);
        let request = Kind::Change.request(&things, &mark(who.number), &mut self.dice);
        let answer = self.trouble.trickle(&request, &who.token).await;
        self.witness
            .read("a trickle", Scope::One(who.number), &answer);
        if answer.contains("\"TIMEOUT\"") {
            self.witness.happened(Happened::CameTooSlowly);
        }
    }

    async fn send(&self, request: &Request, token: &str, scope: Scope) -> Answer {
        let url = format!("{}/api/v1{}", self.url, request.path);
        let mut ask = self.http.request(request.method.parse().unwrap(), url);
        ask = ask.bearer_auth(token);
        if let Some(body) = &request.body {
            ask = ask.header("content-type", "application/json");
            ask = ask.body(body.clone());
        }
        if let Some(key) = &request.key {
            ask = ask.header("idempotency-key", key);
        }
        let response = ask.send().await.unwrap();
        let status = response.status().as_u16();
        let replayed = response.headers().contains_key("idempotency-replayed");
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        let answer = Answer {
            status,
            replayed,
            text,
            body,
        };
        let what = format!("{} {}", request.method, request.path);
        // An error tells nothing but what was asked, unless it names what is in the way.
        let scope = match status {
            409 | 412 | 422 => scope,
            400.. => Scope::Nothing,
            _ => scope,
        };
        self.witness.read(&what, scope, &answer.text);
        self.witness.answered(&answer.name());
        if status == 500 {
            self.witness.found(format!("{what}: {}", answer.text));
        }
        answer
    }
}
