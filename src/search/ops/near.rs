//! Passages most like a vector, for those who have one already, and by which plan they are
//! found. Searches ask the same of the store; this is the way in for tests and measurements.

use super::super::{
    model::{Filter, LikeVector, Place, rank::Found},
    store::nearest,
};
use crate::{kernel::Result, platform::db::Tx};

/// The `most` passages of `place` most like a vector, best first, and whether an index chose
/// them.
pub async fn near_in(
    tx: &mut Tx,
    place: &Place,
    filter: &Filter,
    like: LikeVector<'_>,
    most: i64,
) -> Result<(Vec<Found>, bool)> {
    let nearest = nearest::by_vector(tx, place, filter, like, most).await?;
    Ok((nearest.found, nearest.by_index))
}

/// The same by comparing everything.
pub async fn near_exactly_in(
    tx: &mut Tx,
    place: &Place,
    filter: &Filter,
    like: LikeVector<'_>,
    most: i64,
) -> Result<Vec<Found>> {
    nearest::exactly(tx, place, filter, like, most).await
}

/// How the database would go about the first pass of [`near_in`], one line of `explain` each.
pub async fn near_plan_in(
    tx: &mut Tx,
    place: &Place,
    filter: &Filter,
    like: LikeVector<'_>,
    most: i64,
) -> Result<Vec<String>> {
    nearest::plan(tx, place, filter, like, most).await
}
