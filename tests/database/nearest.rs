//! Passages most like a vector: the plan goes by size, an index starves nobody, and what the
//! caller may not read is not found by any plan.

use std::sync::Arc;

use glassbox::{
    config::{DatabaseConfig, Plans},
    kernel::{OrgId, Scope, UserId, clock::System},
    platform::db::{
        Db,
        vectors::{self, Tended},
    },
    search::{
        model::{Filter, LikeVector, Place},
        ops::near,
    },
};
use uuid::Uuid;

use crate::{
    rows::{Tenant, two_tenants},
    support::Database,
};

const MODEL: &str = "it's a/model";
const DIMENSIONS: usize = 16;

/// Two organizations with nodes of one passage each: a hundred and twenty, and a few.
struct Shelf {
    database: Database,
    db: Db,
    large: Tenant,
    small: Tenant,
}

impl Shelf {
    async fn fill() -> Self {
        let shelf = Self::fill_unseen().await;
        shelf.database.execute("analyze").await;
        shelf
    }

    /// The same while the planner does not know yet how much there is.
    async fn fill_unseen() -> Self {
        let database = Database::create().await;
        let (large, small) = two_tenants(&database).await;
        for (tenant, count) in [(large, 1200), (small, 40)] {
            database.execute(&nodes(tenant, count)).await;
        }
        let config = DatabaseConfig {
            url: database.app_url().into(),
            owner_url: database.owner_url().into(),
            max_connections: 2,
            acquire_timeout_ms: 5_000,
            statement_timeout_ms: 30_000,
            plans: Plans::Fixed,
        };
        let db = Db::new(&config, Arc::new(System), Arc::new(System)).unwrap();
        Shelf {
            database,
            db,
            large,
            small,
        }
    }

    /// How many vectors were looked at so far.
    async fn looked_at(&self) -> i64 {
        let flush = "select pg_stat_force_next_flush()";
        self.db
            .tx(Scope::Nobody, async |tx| {
                diesel_async::RunQueryDsl::execute(diesel::sql_query(flush), tx.conn()).await?;
                Ok(())
            })
            .await
            .unwrap();
        let sum = "select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint::text \
                   as text from pg_stat_all_tables where schemaname = 'vectors'";
        self.database.text(sum).await.parse().unwrap()
    }

    async fn tend(&self, from: i64) -> Vec<Tended> {
        let owner = self.database.owner_url().into();
        vectors::tend(&owner, from).await.unwrap()
    }

    /// What the tenant's owner finds, and whether an index chose it.
    async fn near(
        &self,
        who: Tenant,
        place: Place,
        filter: Filter,
        most: i64,
    ) -> (Vec<Uuid>, bool) {
        let vector = question();
        let scope = Scope::User(UserId::from_uuid(who.user()));
        let (found, by_index) = self
            .db
            .tx(scope, async |tx| {
                near::near_in(tx, &place, &filter, like(&vector), most).await
            })
            .await
            .unwrap();
        (found.iter().map(|found| found.chunk).collect(), by_index)
    }

    async fn exactly(&self, who: Tenant, place: Place, filter: Filter, most: i64) -> Vec<Uuid> {
        let vector = question();
        let scope = Scope::User(UserId::from_uuid(who.user()));
        let found = self
            .db
            .tx(scope, async |tx| {
                near::near_exactly_in(tx, &place, &filter, like(&vector), most).await
            })
            .await
            .unwrap();
        found.iter().map(|found| found.chunk).collect()
    }

    async fn plan(&self, who: Tenant) -> String {
        let vector = question();
        let scope = Scope::User(UserId::from_uuid(who.user()));
        let (place, filter) = (all(who), Filter::default());
        let lines = self
            .db
            .tx(scope, async |tx| {
                near::near_plan_in(tx, &place, &filter, like(&vector), 10).await
            })
            .await
            .unwrap();
        lines.join("\n")
    }
}

/// Nodes in the tenant's project and in another one, which has every hundredth; one passage
/// each, whose vector is a point of a circle in two of sixteen dimensions, with some noise.
fn nodes(tenant: Tenant, count: u32) -> String {
    let (org, project, other) = (tenant.org(), tenant.id(7), tenant.id(500));
    let base = tenant.number;
    format!(
        "insert into projects (id, org_id, name, created_at, updated_at) \
            values ('{other}', '{org}', 'Other', now(), now()); \
         insert into nodes (id, org_id, project_id, title, status, author_type, version, created_at, updated_at) \
            select ('{base:08x}-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '{org}', \
                case when n % 100 = 0 then '{other}' else '{project}' end::uuid, \
                'Node ' || n, 'draft', 'human', 1, now(), now() from generate_series(1, {count}) n; \
         insert into chunks (id, org_id, node_id, ordinal, content, sha256, created_at) \
            select ('{base:08x}-0000-4000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, '{org}', \
                ('{base:08x}-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 0, 'Node ' || n, \
                'hash-' || n, now() from generate_series(1, {count}) n; \
         insert into chunk_vectors (org_id, model, chunk_id, embedding) \
            select '{org}', 'it''s a/model', ('{base:08x}-0000-4000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, \
                (array[cos(n * 0.7), sin(n * 0.7)] \
                  || array(select 0.3 * sin(n * (k + 1.3)) from generate_series(1, {DIMENSIONS} - 2) k))::vector \
            from generate_series(1, {count}) n;"
    )
}

fn question() -> Vec<f32> {
    let mut vector = vec![0.05; DIMENSIONS];
    vector[0] = 1.0;
    vector
}

fn like(vector: &[f32]) -> LikeVector<'_> {
    LikeVector {
        vector,
        model: MODEL,
        threshold: -1.0,
    }
}

fn all(who: Tenant) -> Place {
    Place {
        org: OrgId::from_uuid(who.org()),
        projects: None,
        things: None,
    }
}

fn shared(one: &[Uuid], other: &[Uuid]) -> usize {
    one.iter().filter(|id| other.contains(id)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_organization_is_answered_by_its_index_and_a_small_one_by_comparing_all() {
    let shelf = Shelf::fill().await;
    let made = shelf.tend(1000).await;
    let [Tended::Made(set, count)] = made.as_slice() else {
        panic!("{made:?}");
    };
    assert_eq!((set.org, *count), (shelf.large.org(), 1200));
    let plan = shelf.plan(shelf.large).await;
    assert!(plan.contains(&set.index()), "{plan}");
    let plan = shelf.plan(shelf.small).await;
    assert!(!plan.contains("Index Scan using near_"), "{plan}");
    for (who, expected) in [(shelf.large, true), (shelf.small, false)] {
        let (found, by_index) = shelf.near(who, all(who), Filter::default(), 10).await;
        let exact = shelf.exactly(who, all(who), Filter::default(), 10).await;
        assert_eq!(by_index, expected);
        assert_eq!((found.len(), exact.len()), (10, 10));
        assert!(shared(&found, &exact) >= 9, "{found:?} {exact:?}");
    }
    // A second time there is nothing to do.
    assert_eq!(shelf.tend(1000).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_that_the_planner_does_not_know_of_are_looked_at_once_each() {
    let shelf = Shelf::fill_unseen().await;
    let before = shelf.looked_at().await;
    let drafts = Filter {
        status: Some("draft".to_owned()),
        ..Filter::default()
    };
    let (found, _) = shelf.near(shelf.large, all(shelf.large), drafts, 10).await;
    assert_eq!(found.len(), 10);
    let looked = shelf.looked_at().await - before;
    assert!((1..=3 * 1240).contains(&looked), "{looked} for 1,200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_leaves_little_does_not_starve_the_answer() {
    let shelf = Shelf::fill().await;
    shelf.tend(1000).await;
    let who = shelf.large;
    let narrow = || Place {
        projects: Some(vec![who.id(500)]),
        ..all(who)
    };
    let (found, by_index) = shelf.near(who, narrow(), Filter::default(), 10).await;
    let exact = shelf.exactly(who, narrow(), Filter::default(), 10).await;
    assert_eq!((found.len(), by_index), (10, false));
    assert_eq!(found, exact);
    // Everything there is, where there is less than was asked for.
    let (found, _) = shelf.near(who, narrow(), Filter::default(), 100).await;
    assert_eq!(found.len(), 12);
    // One that leaves much is the index's to answer.
    let wide = Place {
        projects: Some(vec![who.id(7)]),
        ..all(who)
    };
    let (found, by_index) = shelf.near(who, wide, Filter::default(), 50).await;
    assert_eq!((found.len(), by_index), (50, true));
    let nobodys = Filter {
        status: Some("complete".to_owned()),
        ..Filter::default()
    };
    assert!(shelf.near(who, all(who), nobodys, 10).await.0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_since_does_not_starve_the_answer() {
    let shelf = Shelf::fill().await;
    shelf.tend(1000).await;
    let who = shelf.large;
    // All but every hundredth, which no indexer has come by for.
    let other = who.id(500);
    let delete = format!("update nodes set deleted_at = now() where project_id <> '{other}'");
    shelf.database.execute(&delete).await;
    let (found, by_index) = shelf.near(who, all(who), Filter::default(), 12).await;
    assert_eq!((found.len(), by_index), (12, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_plan_finds_what_is_another_organizations() {
    let shelf = Shelf::fill().await;
    for from in [1000, 100_000] {
        shelf.tend(from).await;
        let (found, _) = shelf
            .near(shelf.small, all(shelf.large), Filter::default(), 10)
            .await;
        assert!(found.is_empty(), "{found:?}");
        let (found, _) = shelf
            .near(shelf.large, all(shelf.large), Filter::default(), 10)
            .await;
        assert_eq!(found.len(), 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_goes_when_few_are_left_and_one_that_is_not_complete_is_made_anew() {
    let shelf = Shelf::fill().await;
    let made = shelf.tend(1000).await;
    let [Tended::Made(set, _)] = made.as_slice() else {
        panic!("{made:?}");
    };
    let broken = format!(
        "update pg_index set indisvalid = false where indexrelid = 'vectors.{}'::regclass",
        set.index()
    );
    shelf.database.execute(&broken).await;
    let who = shelf.large;
    let (found, by_index) = shelf.near(who, all(who), Filter::default(), 10).await;
    assert_eq!((found.len(), by_index), (10, false));
    let dropped = Tended::Dropped(set.index());
    let again = [dropped.clone(), Tended::Made(set.clone(), 1200)];
    assert_eq!(shelf.tend(1000).await, again);
    // Half is enough to keep one, less is not.
    assert_eq!(shelf.tend(2400).await, []);
    assert_eq!(shelf.tend(2402).await, [dropped]);
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_another_length_lie_beside_an_index_and_are_not_compared() {
    let shelf = Shelf::fill().await;
    shelf.tend(1000).await;
    let org = shelf.large.org();
    let other = format!(
        "update chunk_vectors set embedding = '[1,0,0]' where org_id = '{org}' \
         and chunk_id in (select chunk_id from chunk_vectors where org_id = '{org}' limit 100)"
    );
    shelf.database.execute(&other).await;
    let who = shelf.large;
    let (found, by_index) = shelf.near(who, all(who), Filter::default(), 10).await;
    assert_eq!((found.len(), by_index), (10, true));
}
