//! SQL of the list of a project's nodes: its filters and orders.
//!
//! Each order has an index that begins with the organization and the project, and a
//! page begins in it where the page before ended.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, PgTextExpressionMethods,
    QueryDsl, SelectableHelper,
    dsl::sql,
    pg::Pg,
    sql_types::{Bool, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{NodeRow, at};
use crate::{
    kernel::{
        NodeId, ProjectId, Result, Timestamp,
        page::{Page, PageRequest},
    },
    nodes::model::{Node, NodeFilter, NodeKey, Order, ParentFilter, Sort, SortValue, Sorting},
    platform::db::{
        Tx, containing,
        schema::{nodes, projects},
    },
};

diesel::define_sql_function! {
    /// The text in lower case, as the database sees it.
    fn lower(text: Text) -> Text;
}

type Query<'a> = nodes::BoxedQuery<'a, Pg>;

/// Live nodes of a project that match, in the order that the filter asks for.
pub async fn nodes(
    tx: &Tx,
    project: ProjectId,
    filter: &NodeFilter,
    page: &PageRequest<NodeKey>,
) -> Result<Page<Node>> {
    let now = tx.now();
    let (mut first, mut second) = (tx.pipe(), tx.pipe());
    let count = matching(project, filter).count().get_result(&mut first);
    let mut query = matching(project, filter);
    if let Some(key) = &page.after {
        query = match &key.value {
            SortValue::Time(at) => after_time(query, key.sorting, *at, key.id),
            SortValue::Title(title) => after_title(query, key.sorting.order, title, key.id),
        };
    }
    let mut query = sorted(query, filter.sorting).limit(page.limit + 1);
    if page.offset > 0 {
        // Not always: Postgres takes an offset that it can't see for a tenth of the rows,
        // and would rather plan anew for each request than skip so many.
        query = query.offset(page.offset);
    }
    let rows = query.select(NodeRow::as_select()).load(&mut second);
    let (total, rows): (i64, Vec<NodeRow>) = tokio::try_join!(count, rows)?;
    Ok(Page::new(at(rows, now)?, total, page, |node: &Node| {
        NodeKey::of(node, filter.sorting)
    }))
}

fn sorted(query: Query<'_>, sorting: Sorting) -> Query<'_> {
    match (sorting.by, sorting.order) {
        (Sort::Created, Order::Asc) => query.order((nodes::created_at, nodes::id)),
        (Sort::Created, Order::Desc) => query.order((nodes::created_at.desc(), nodes::id.desc())),
        (Sort::Updated, Order::Asc) => query.order((nodes::updated_at, nodes::id)),
        (Sort::Updated, Order::Desc) => query.order((nodes::updated_at.desc(), nodes::id.desc())),
        (Sort::Title, Order::Asc) => query.order((nodes::title_key, nodes::id)),
        (Sort::Title, Order::Desc) => query.order((nodes::title_key.desc(), nodes::id.desc())),
    }
}

/// The rest of a list by time. The first condition alone finds the place in the index,
/// the second one decides among equal times.
fn after_time(query: Query<'_>, sorting: Sorting, time: Timestamp, id: NodeId) -> Query<'_> {
    let (created, updated) = (nodes::created_at, nodes::updated_at);
    match (sorting.by, sorting.order) {
        (Sort::Updated, Order::Asc) => query
            .filter(updated.ge(time))
            .filter(updated.gt(time).or(nodes::id.gt(id))),
        (Sort::Updated, Order::Desc) => query
            .filter(updated.le(time))
            .filter(updated.lt(time).or(nodes::id.lt(id))),
        (_, Order::Asc) => query
            .filter(created.ge(time))
            .filter(created.gt(time).or(nodes::id.gt(id))),
        (_, Order::Desc) => query
            .filter(created.le(time))
            .filter(created.lt(time).or(nodes::id.lt(id))),
    }
}

/// The rest of a list by title. The database makes the key of the title, as it made
/// those in the index.
fn after_title<'a>(query: Query<'a>, order: Order, title: &'a str, id: NodeId) -> Query<'a> {
    let key = nodes::title_key;
    match order {
        Order::Asc => query
            .filter(key.ge(lower(title)))
            .filter(key.gt(lower(title)).or(nodes::id.gt(id))),
        Order::Desc => query
            .filter(key.le(lower(title)))
            .filter(key.lt(lower(title)).or(nodes::id.lt(id))),
    }
}

fn matching(project: ProjectId, filter: &NodeFilter) -> nodes::BoxedQuery<'_, Pg> {
    // Only with the organization named is an index in the list's order of use; row
    // security, which adds it too, adds it in a form that no order can come from.
    let org = projects::table
        .find(project)
        .select(projects::org_id)
        .single_value();
    let mut query = nodes::table
        .filter(nodes::org_id.nullable().eq(org))
        .filter(nodes::project_id.eq(project))
        .filter(nodes::deleted_at.is_null())
        .into_boxed();
    if !filter.statuses.is_empty() {
        query = query.filter(nodes::status.eq_any(&filter.statuses));
    }
    if let Some(author) = filter.author_type {
        query = query.filter(nodes::author_type.eq(author));
    }
    match filter.parent {
        None => {}
        Some(ParentFilter::Root) => query = query.filter(nodes::parent_id.is_null()),
        Some(ParentFilter::Of(id)) => query = query.filter(nodes::parent_id.eq(id)),
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(nodes::updated_at.ge(since));
    }
    if let Some(text) = &filter.text {
        let pattern = containing(text);
        query = query.filter(
            nodes::title
                .ilike(pattern.clone())
                .or(nodes::description.ilike(pattern)),
        );
    }
    if let Some((node, depth)) = filter.under {
        // A walk down the tree; its bound ends it should a cycle ever slip in.
        let below = sql::<Bool>(
            "nodes.id in (with recursive down(id, level) as ( \
               select c.id, 1 from nodes c where c.deleted_at is null and c.parent_id = ",
        )
        .bind::<SqlUuid, _>(node)
        .sql(
            " union select c.id, down.level + 1 from nodes c join down on c.parent_id = down.id \
               where c.deleted_at is null and down.level < ",
        )
        .bind::<Integer, _>(depth)
        .sql(") select id from down)");
        query = query.filter(below);
    }
    query
}
