//! What must hold once all is quiet again.

use std::{collections::HashMap, sync::Arc, time::Duration};

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use glassbox::kernel::Scope;
use tokio::{sync::Barrier, task::JoinSet};
use uuid::Uuid;

use crate::{CONNECTIONS, support::TestApp, witness::Witness, world::World};

/// How long to wait for what must come. Nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn count(admin: &mut AsyncPgConnection, of: &str) -> i64 {
    let row: Count = diesel::sql_query(format!("select count(*) as count from {of}"))
        .get_result(admin)
        .await
        .unwrap();
    row.count
}

/// How many connections the database ever had.
pub async fn sessions(test: &TestApp) -> usize {
    let row: Count = diesel::sql_query(
        "select sessions as count from pg_stat_database where datname = current_database()",
    )
    .get_result(&mut test.database.admin().await)
    .await
    .unwrap();
    row.count.try_into().unwrap()
}

/// As many transactions as there are connections, all open at the same time.
pub async fn the_pool_is_whole(test: &TestApp) {
    let all = Arc::new(Barrier::new(CONNECTIONS));
    let mut open = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (db, all) = (test.app.db.clone(), Arc::clone(&all));
        open.spawn(async move {
            db.tx(Scope::Nobody, async |_| {
                all.wait().await;
                Ok(())
            })
            .await
        });
    }
    let whole = async {
        while let Some(ended) = open.join_next().await {
            ended.unwrap().unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, whole)
        .await
        .expect("a connection of the pool is missing");
}

/// No transaction, and no lock, outlives its request.
pub async fn nothing_is_left_open(test: &TestApp) {
    let mut admin = test.database.admin().await;
    let open = "pg_stat_activity where datname = current_database() and usename = 'glassbox_app' \
                and state <> 'idle'";
    let quiet = async {
        while count(&mut admin, open).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, quiet)
        .await
        .expect("a transaction was left open");
}

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Owned {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
}

/// Asks the database whose each id is that an answer held, over all tables that know.
pub async fn ids_were_of_their_organizations(test: &TestApp, world: &World, witness: &Witness) {
    let mut admin = test.database.admin().await;
    let tables: Vec<Table> = diesel::sql_query(
        "select table_name::text as name from information_schema.columns \
         where table_schema = 'public' and column_name in ('id', 'org_id') and data_type = 'uuid' \
         group by table_name having count(*) = 2",
    )
    .load(&mut admin)
    .await
    .unwrap();
    assert!(tables.len() > 10, "{} tables", tables.len());
    let mut owners = HashMap::new();
    let orgs = world.tenants.iter();
    let orgs: HashMap<Uuid, usize> = orgs
        .map(|tenant| (tenant.org.parse().unwrap(), tenant.number))
        .collect();
    for Table { name } in tables {
        let sql = format!("select id, org_id from {name} where org_id is not null");
        let rows: Vec<Owned> = diesel::sql_query(sql).load(&mut admin).await.unwrap();
        for row in rows {
            owners.insert(row.id, orgs[&row.org_id]);
        }
    }
    witness.compare(&owners);
}

/// No request wrote where it had no business: every text has the mark of its organization.
pub async fn rows_lie_in_their_organizations(test: &TestApp) {
    let mut admin = test.database.admin().await;
    for (table, text) in [
        ("projects", "coalesce(t.description, o.slug)"),
        ("nodes", "t.title"),
        ("node_versions", "t.snapshot->>'title'"),
        (
            "node_inputs",
            "coalesce(nullif(t.text_content, ''), o.slug)",
        ),
        // Places for inputs and outputs are empty.
        (
            "node_outputs",
            "coalesce(nullif(t.text_content, ''), o.slug)",
        ),
        ("templates", "t.description"),
        ("files", "t.filename"),
        ("audit_log", "coalesce(t.after->>'title', o.slug)"),
        ("outbox", "coalesce(t.payload->'node'->>'title', o.slug)"),
    ] {
        let wrong = format!(
            "{table} t join organizations o on o.id = t.org_id where position(o.slug in {text}) = 0"
        );
        assert_eq!(count(&mut admin, &wrong).await, 0, "{wrong}");
    }
}

/// A request that was dropped and sent again under its key was done once.
pub async fn nothing_was_done_twice(test: &TestApp) {
    let mut admin = test.database.admin().await;
    let once = "nodes where title like '% once-%'";
    assert!(count(&mut admin, once).await > 0);
    let twice = format!("(select title from {once} group by title having count(*) > 1) q");
    assert_eq!(count(&mut admin, &twice).await, 0);
}
