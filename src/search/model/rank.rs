//! Putting what was found into one order, by thing.
//!
//! Two lists of chunks, one by words and one by vectors, have scores that can't be compared, so
//! their ranks are: reciprocal-rank fusion (Cormack, Clarke, Büttcher: "Reciprocal Rank Fusion
//! outperforms Condorcet and individual Rank Learning Methods", 2009).

use std::collections::HashMap;

use uuid::Uuid;

use crate::kernel::{Timestamp, event::Indexed};

/// What softens the first ranks. The paper's own number is 60, for many lists that are about
/// as good; of two, 20 was better in the retrieval benchmark's half for tuning.
const SOFTEN: f64 = 20.0;
/// What the list by words counts beside the one by vectors; from the same benchmark, with the
/// built-in embedder, which knows no meaning.
pub const WORDS: f64 = 1.5;
/// Passages of a thing that are shown.
pub const PASSAGES: usize = 3;

/// A chunk that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The chunk.
    pub chunk: Uuid,
    /// Whose it is.
    pub kind: Indexed,
    /// The same.
    pub owner: Uuid,
    /// When that was changed.
    pub updated_at: Timestamp,
    /// How good it is; higher is better.
    pub score: f64,
}

/// A node or file that was found, with its best chunks.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What it is.
    pub kind: Indexed,
    /// Its id.
    pub owner: Uuid,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// How good its best chunk is.
    pub score: f64,
    /// Its best chunks with their scores, best first, [`PASSAGES`] at most.
    pub chunks: Vec<(Uuid, f64)>,
}

/// One list made of several, each best first and with what it counts: a chunk counts by its
/// rank in each.
pub fn fuse(lists: &[(f64, Vec<Found>)]) -> Vec<Found> {
    let mut fused: HashMap<Uuid, Found> = HashMap::new();
    for (weight, list) in lists {
        let mut rank = 0.0;
        for found in list {
            rank += 1.0;
            let part = weight / (SOFTEN + rank);
            fused
                .entry(found.chunk)
                .and_modify(|known| known.score += part)
                .or_insert_with(|| Found {
                    score: part,
                    ..found.clone()
                });
        }
    }
    let mut fused: Vec<Found> = fused.into_values().collect();
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)));
    fused
}

/// `found` with those first that a reranker knows, in its order. The scores only order.
pub fn reranked(mut found: Vec<Found>, order: &[Uuid]) -> Vec<Found> {
    let places: HashMap<Uuid, f64> = order.iter().copied().zip((1..).map(f64::from)).collect();
    for one in &mut found {
        if let Some(place) = places.get(&one.chunk) {
            one.score = 1.0 + 1.0 / place;
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)));
    found
}

/// The things behind `found`, which is best first, in the same order.
pub fn by_thing(found: Vec<Found>) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    let mut places: HashMap<(Indexed, Uuid), usize> = HashMap::new();
    for one in found {
        let at = *places.entry((one.kind, one.owner)).or_insert(hits.len());
        match hits.get_mut(at) {
            Some(hit) if hit.chunks.len() < PASSAGES => hit.chunks.push((one.chunk, one.score)),
            Some(_) => {}
            None => hits.push(Hit {
                kind: one.kind,
                owner: one.owner,
                updated_at: one.updated_at,
                score: one.score,
                chunks: vec![(one.chunk, one.score)],
            }),
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(chunk: u128, owner: u128, score: f64) -> Found {
        Found {
            chunk: Uuid::from_u128(chunk),
            kind: Indexed::Node,
            owner: Uuid::from_u128(owner),
            updated_at: Timestamp::UNIX_EPOCH,
            score,
        }
    }

    fn chunks(list: &[Found]) -> Vec<u128> {
        list.iter().map(|found| found.chunk.as_u128()).collect()
    }

    #[test]
    fn what_both_lists_know_comes_before_what_one_has_first() {
        let words = vec![found(1, 1, 9.0), found(2, 2, 8.0)];
        let vectors = vec![found(3, 3, 0.9), found(2, 2, 0.8)];
        let fused = fuse(&[(1.0, words.clone()), (1.0, vectors.clone())]);
        assert_eq!(chunks(&fused), [2, 1, 3]);
        let fused = fuse(&[(1.0, words), (1.5, vectors)]);
        assert_eq!(chunks(&fused), [2, 3, 1]);
    }

    #[test]
    fn what_a_reranker_knows_comes_first_in_its_order() {
        let list = (1..5).map(|n| found(n, n, 0.1 / n as f64)).collect();
        let order = [3, 9, 2].map(Uuid::from_u128);
        assert_eq!(chunks(&reranked(list, &order)), [3, 2, 1, 4]);
    }

    #[test]
    fn a_thing_stands_where_its_best_chunk_does_and_shows_a_few() {
        let list = (0..10).map(|n| found(n, n % 2, 1.0 / (n as f64 + 1.0)));
        let hits = by_thing(list.collect());
        assert_eq!(hits.len(), 2);
        assert_eq!(hits[0].chunks.len(), PASSAGES);
        assert_eq!(hits[0].score, 1.0);
        assert!(hits[0].score > hits[1].score);
    }
}
