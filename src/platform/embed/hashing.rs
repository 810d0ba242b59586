//! The built-in embedder: feature hashing, offline, with no model file.
//!
//! Each text becomes a bag of features (its terms, and the character n-grams of its
//! words), and each feature is hashed to a dimension and a sign (Weinberger et al.,
//! "Feature Hashing for Large Scale Multitask Learning", 2009): the signs make
//! collisions cancel on average instead of adding up. A feature counts
//! `1 + ln(tf)`, so that repetition adds little, and the vector is brought to
//! length 1, so that a dot product is the cosine.
//!
//! What it finds is lexical likeness: shared words, forms of a word, misspellings.
//! It does not know synonyms; a language model's embedder does.

use std::collections::HashMap;

use async_trait::async_trait;

use super::{Embedder, normalize};
use crate::kernel::Result;
use crate::platform::words;

/// What the hash starts from; 64-bit FNV's own offset basis.
const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// What one n-gram counts beside a term's 1. A word has about ten of them, which
/// together should weigh about as much as the word.
const GRAM_WEIGHT: f32 = 0.3;

/// Texts between two chances for other tasks to run.
const BATCH: usize = 16;

/// A version of the built-in embedder. To change anything that changes a vector, the seed and
/// the word lists included, is to make another version; older ones stay for as long as
/// questions may be put to vectors that they made.
#[derive(Debug, Clone, Copy)]
pub struct Hashing {
    model: &'static str,
    /// The length of a vector.
    dimensions: usize,
    /// The lengths of the character n-grams, the longest included.
    grams: (usize, usize),
}

impl Hashing {
    /// What new vectors are made with. A passage has hundreds of features, and in 384
    /// dimensions what they hit by chance was as loud as what a question shares with its
    /// answer (`docs/BENCHMARKS.md`). More than 1,024 bring little.
    pub const PRESENT: Hashing = Hashing {
        model: "builtin/hashing-v2",
        dimensions: 1_024,
        grams: (4, 5),
    };

    /// Every version, the newest first.
    pub const ALL: [Hashing; 2] = [
        Hashing::PRESENT,
        Hashing {
            model: "builtin/hashing-v1",
            dimensions: 384,
            grams: (3, 5),
        },
    ];
}

#[async_trait]
impl Embedder for Hashing {
    fn model(&self) -> &str {
        self.model
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            vectors.extend(batch.iter().map(|text| self.vector(text)));
            // A chunk takes well under a millisecond, a whole file may take seconds.
            tokio::task::yield_now().await;
        }
        Ok(vectors)
    }
}

impl Hashing {
    fn vector(&self, text: &str) -> Vec<f32> {
        let mut counts: HashMap<u64, (f32, f32)> = HashMap::new();
        for term in words::terms(text) {
            count(&mut counts, feature('w', &term), 1.0);
            for gram in self.grams(&term) {
                count(&mut counts, feature('c', &gram), GRAM_WEIGHT);
            }
        }
        // Sorted, because sums of floats depend on their order and a map's is random.
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_unstable_by_key(|(hash, _)| *hash);
        let mut vector = vec![0.0_f32; self.dimensions];
        for (hash, (tf, weight)) in counts {
            let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
            let at = usize::try_from(hash % self.dimensions as u64).unwrap_or_default();
            if let Some(value) = vector.get_mut(at) {
                *value += sign * weight * (1.0 + tf.ln());
            }
        }
        normalize(&mut vector);
        vector
    }

    /// The n-grams of a word between two marks, so that a beginning and an ending are
    /// told from a middle.
    fn grams(&self, word: &str) -> Vec<String> {
        let marked: Vec<char> = format!("<{word}>").chars().collect();
        (self.grams.0..=self.grams.1)
            .flat_map(|n| marked.windows(n).map(|gram| gram.iter().collect()))
            .collect()
    }
}

fn count(counts: &mut HashMap<u64, (f32, f32)>, feature: u64, weight: f32) {
    counts.entry(feature).or_insert((0.0, weight)).0 += 1.0;
}

/// A hash that is the same on every machine and in every release, which the
/// standard library's is not: 64-bit FNV-1a over the kind and the text, then the
/// finalizer of `SplitMix64`, because FNV alone mixes its high bits badly and
/// the sign is one of them.
fn feature(kind: char, text: &str) -> u64 {
    let mut buffer = [0; 4];
    let kind = kind.encode_utf8(&mut buffer).bytes();
    let mut hash = kind.chain(text.bytes()).fold(SEED, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: &str, b: &str) -> f32 {
        let (a, b) = (Hashing::PRESENT.vector(a), Hashing::PRESENT.vector(b));
        a.iter().zip(&b).map(|(x, y)| x * y).sum()
    }

    const PARAPHRASES: &[(&str, &str)] = &[
        (
            "Groundwater levels near the city fell by two metres.",
            "The level of the ground water fell two meters near the city.",
        ),
        (
            "The committee approved the annual budget on Monday.",
            "On Monday the annual budget was approved by the committees.",
        ),
        (
            "How do I reset my password?",
            "Resetting a forgotten password",
        ),
        (
            "Contracts may be terminated with thirty days' notice.",
            "Termination of a contract needs a notice of thirty days.",
        ),
        (
            "The vaccine reduced infections among children.",
            "Fewer infected children after vaccination",
        ),
    ];

    #[test]
    fn paraphrases_are_clearly_nearer_than_unrelated_texts() {
        for (i, (a, b)) in PARAPHRASES.iter().enumerate() {
            let paraphrase = near(a, b);
            assert!(paraphrase > 0.3, "{paraphrase} {a}");
            for (j, (_, other)) in PARAPHRASES.iter().enumerate().filter(|(j, _)| *j != i) {
                let unrelated = near(a, other);
                assert!(unrelated < 0.2, "{unrelated} {i} {j}");
                assert!(
                    paraphrase > 2.0 * unrelated,
                    "{paraphrase} {unrelated} {i} {j}"
                );
            }
        }
    }

    #[test]
    fn a_misspelled_word_is_still_near() {
        assert!(near("environmental assessment", "enviromental asessment") > 0.4);
    }

    #[tokio::test]
    async fn vectors_have_unit_length_and_an_empty_text_none() {
        let texts: Vec<String> = [
            "One two three four.",
            "日本語の文章",
            "x".repeat(10_000).as_str(),
            "the of",
        ]
        .map(str::to_owned)
        .to_vec();
        let vectors = Hashing::PRESENT.embed(&texts).await.unwrap();
        let lengths: Vec<f32> = vectors
            .iter()
            .map(|v| v.iter().map(|x| x * x).sum())
            .collect();
        assert!(
            vectors
                .iter()
                .all(|v| v.len() == Hashing::PRESENT.dimensions())
        );
        assert!(
            lengths[..3]
                .iter()
                .all(|length| (length - 1.0).abs() < 1e-5),
            "{lengths:?}"
        );
        assert_eq!(lengths[3], 0.0);
    }

    /// Stored vectors were made by these very numbers: a change here needs a new
    /// version in the name.
    #[test]
    fn a_known_text_has_its_known_vector() {
        let known =
            |version: Hashing, plus: &[usize], minus: &[usize], gram: f32, word: (usize, f32)| {
                let vector = version.vector("Evidence");
                let set = vector.iter().zip(0..).filter(|(x, _)| **x != 0.0);
                let set: Vec<(usize, f32)> = set.map(|(x, at)| (at, (x * 1e4).round())).collect();
                let plus = plus.iter().map(|&at| (at, gram));
                let minus = minus.iter().map(|&at| (at, -gram));
                let mut known: Vec<(usize, f32)> = plus.chain(minus).chain([word]).collect();
                known.sort_by_key(|(at, _)| *at);
                assert_eq!(set, known, "{}", version.model);
            };
        let [second, first] = Hashing::ALL;
        let plus = [12, 38, 49, 154, 182, 185, 241, 251, 261, 303, 371];
        let minus = [81, 148, 163, 201, 248, 300, 322];
        known(first, &plus, &minus, 1853.0, (166, -6178.0));
        let plus = [12, 369, 433, 499, 635, 934, 950];
        let minus = [194, 337, 632, 931];
        known(second, &plus, &minus, 2127.0, (294, -7089.0));
    }
}
