//! Finding: by words, by vectors, or by both.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    super::{
        model::{
            LikeVector, Mode, Passage, Place, Question, SearchAnswer, SearchHit, SearchQuery,
            SemanticQuery, Sort,
            rank::{self, Found, Hit},
        },
        store::{
            find::{self as store, Readings},
            nearest,
            show::{self, ChunkRow, MARKS},
        },
    },
    embed, place, recall, spelling,
};
use crate::{
    app::{App, Ctx},
    kernel::{Code, OrgId, Result, event::Indexed},
    platform::{db::Tx, words},
};

/// Passages that are ranked at most, by words and by vectors each.
const CANDIDATES: i64 = 500;
/// Passages that are ranked by vectors for each thing on a page, and at least: a vector costs
/// more than a word, and whoever asks for few things needs few passages.
const PER_THING: i64 = 10;
const FEWEST: i64 = 100;

/// Finds nodes and files.
pub async fn search(ctx: &Ctx, org: OrgId, query: SearchQuery) -> Result<SearchAnswer> {
    ask(ctx, org, query.check()?).await
}

/// Finds what means the same.
///
/// # Errors
/// [`Code::EmbeddingsUnavailable`] when the embedder does not answer.
pub async fn semantic(ctx: &Ctx, org: OrgId, query: SemanticQuery) -> Result<SearchAnswer> {
    ask(ctx, org, query.check()?).await
}

async fn ask(ctx: &Ctx, org: OrgId, question: Question) -> Result<SearchAnswer> {
    let mut searching = Searching::begin(&ctx.app, org, question).await?;
    rerank(ctx, org, &mut searching).await?;
    let searching = Arc::new(searching);
    let asked = Arc::clone(&searching);
    let (answer, looked) = ctx
        .asking_tx(async move |tx| {
            let place = place::of(tx, ctx, org, &asked.question.filter).await?;
            let (answer, best) = answer_in(tx, &place, &asked).await?;
            Ok((answer, best.map(|best| (place, best))))
        })
        .await?;
    if let Some((place, best)) = looked {
        recall::compare(ctx, place, searching, best);
    }
    Ok(answer)
}

/// A question with what was asked outside the database about it: no transaction waits for an
/// embedder.
pub struct Searching {
    pub(super) question: Question,
    /// Its vector and that one's model.
    vector: Option<(Vec<f32>, String)>,
    /// The order of the best passages, by a reranker.
    order: Vec<Uuid>,
}

impl Searching {
    /// What vectors are compared with, if they are.
    pub(super) fn like(&self) -> Option<LikeVector<'_>> {
        let (vector, model) = self.vector.as_ref()?;
        Some(LikeVector {
            vector,
            model,
            threshold: self.question.threshold,
        })
    }

    /// Asks the embedder that the organization's vectors are of, where the question needs it.
    /// `hybrid` does without one that does not answer.
    pub async fn begin(app: &App, org: OrgId, mut question: Question) -> Result<Self> {
        let vector = match question.mode {
            Mode::Text => None,
            Mode::Semantic => Some(vector(app, org, &question.text).await?),
            Mode::Hybrid => match vector(app, org, &question.text).await {
                Ok(vector) => Some(vector),
                Err(error) if error.code() == Code::EmbeddingsUnavailable => {
                    question.mode = Mode::Text;
                    None
                }
                Err(error) => return Err(error),
            },
        };
        Ok(Searching {
            question,
            vector,
            order: Vec::new(),
        })
    }
}

/// The vector of `text` and its model: the one by which the organization's chunks are
/// found. One that can't be reached from here any more is not waited for.
pub(super) async fn vector(app: &App, org: OrgId, text: &str) -> Result<(Vec<f32>, String)> {
    let used = embed::in_use(&app.db, org).await?;
    let used = used.and_then(|model| app.embedders.of(&model));
    let embedder = used.unwrap_or_else(|| Arc::clone(app.embedders.current()));
    let vector = embedder.question(text).await?;
    Ok((vector, embedder.model().to_owned()))
}

/// Has a reranker put the best passages of a hybrid question into order, if there is one. It is
/// asked between two transactions, and what is answered is read anew in the second. Without its
/// answer the order stays as it is.
async fn rerank(ctx: &Ctx, org: OrgId, searching: &mut Searching) -> Result<()> {
    let question = &searching.question;
    let Some(reranker) = &ctx.app.reranker else {
        return Ok(());
    };
    if question.mode != Mode::Hybrid || question.sort != Sort::Relevance {
        return Ok(());
    }
    let most = ctx.app.config.reranker.passages;
    let asking = &*searching;
    let best = ctx
        .asking_tx(async move |tx| {
            let place = place::of(tx, ctx, org, &asking.question.filter).await?;
            let mut readings = read(tx, &asking.question.text).await?;
            let (found, _) = found(tx, &place, asking, &mut readings).await?;
            let best = found.iter().take(most).map(|found| found.chunk);
            show::texts(tx, best.collect()).await
        })
        .await?;
    if best.is_empty() {
        return Ok(());
    }
    let (ids, texts): (Vec<Uuid>, Vec<String>) = best.into_iter().unzip();
    match reranker.rerank(&question.text, &texts).await {
        Ok(order) => {
            let order = order.into_iter().filter_map(|at| ids.get(at).copied());
            searching.order = order.collect();
        }
        Err(error) => {
            tracing::warn!(error = %error.chain(), "passages were not reranked");
        }
    }
    Ok(())
}

/// Answers a question about what `place` has.
pub async fn search_in(tx: &mut Tx, place: &Place, searching: &Searching) -> Result<SearchAnswer> {
    Ok(answer_in(tx, place, searching).await?.0)
}

/// As [`search_in`], with the chunks that an index over vectors found best, if one was asked.
async fn answer_in(
    tx: &mut Tx,
    place: &Place,
    searching: &Searching,
) -> Result<(SearchAnswer, Option<Vec<Uuid>>)> {
    let question = &searching.question;
    let mut readings = read(tx, &question.text).await?;
    let (found, best) = found(tx, place, searching, &mut readings).await?;
    let mut hits = rank::by_thing(found);
    if question.sort == Sort::Updated {
        hits.sort_by(|a, b| b.updated_at.cmp(&a.updated_at).then(a.owner.cmp(&b.owner)));
    }
    let total = i64::try_from(hits.len()).unwrap_or(i64::MAX);
    let skip = usize::try_from(question.offset).unwrap_or(usize::MAX);
    let take = usize::try_from(question.limit).unwrap_or(0);
    let page: Vec<Hit> = hits.into_iter().skip(skip).take(take).collect();
    let shown = i64::try_from(page.len()).unwrap_or(0);
    let data = show(tx, page, &readings.any, question.include_text).await?;
    let answer = SearchAnswer {
        results: data.clone(),
        data,
        total,
        limit: question.limit,
        offset: question.offset,
        has_more: question.offset.saturating_add(shown) < total,
        query: question.text.clone(),
        mode: question.mode,
    };
    Ok((answer, best))
}

/// What was found; `readings` become those by which it was, when the question had a slip.
async fn found(
    tx: &mut Tx,
    place: &Place,
    searching: &Searching,
    readings: &mut Readings,
) -> Result<(Vec<Found>, Option<Vec<Uuid>>)> {
    let question = &searching.question;
    let filter = &question.filter;
    let mut lists = Vec::new();
    if question.mode != Mode::Semantic {
        lists.push((rank::WORDS, by_words(tx, place, question, readings).await?));
    }
    let mut best = None;
    if let Some(like) = searching.like() {
        let most = (question.limit * PER_THING).clamp(FEWEST, CANDIDATES);
        let nearest = nearest::by_vector(tx, place, filter, like, most).await?;
        best = nearest.by_index.then(|| recall::best(&nearest.found));
        lists.push((1.0, nearest.found));
    }
    let found = match lists.len() {
        1 => lists.pop().map(|(_, only)| only).unwrap_or_default(),
        _ => rank::reranked(rank::fuse(&lists), &searching.order),
    };
    Ok((found, best))
}

async fn by_words(
    tx: &mut Tx,
    place: &Place,
    question: &Question,
    readings: &mut Readings,
) -> Result<Vec<Found>> {
    let filter = &question.filter;
    let strict = store::by_words(tx, place, filter, &readings.strict, CANDIDATES).await?;
    if question.mode == Mode::Text && !strict.is_empty() {
        return Ok(strict);
    }
    // Any word would be enough otherwise, also one that was excluded.
    if spelling::is_exact(&question.text) {
        return Ok(strict);
    }
    // A question in whole sentences has words that no text has all of.
    let any = store::by_words(tx, place, filter, &readings.any, CANDIDATES).await?;
    let slipped = strict.is_empty() && (any.is_empty() || question.mode == Mode::Text);
    let as_asked = followed(strict, any);
    if slipped && let Some(meant) = spelling::respelled(tx, place, filter, &question.text).await? {
        *readings = meant;
        let strict = store::by_words(tx, place, filter, &readings.strict, CANDIDATES).await?;
        let any = store::by_words(tx, place, filter, &readings.any, CANDIDATES).await?;
        return Ok(followed(strict, any));
    }
    Ok(as_asked)
}

/// What matches a question as it stands, then what has some of its words.
fn followed(strict: Vec<Found>, any: Vec<Found>) -> Vec<Found> {
    let known: std::collections::HashSet<Uuid> = strict.iter().map(|found| found.chunk).collect();
    let rest = any
        .into_iter()
        .filter(|found| !known.contains(&found.chunk));
    strict.into_iter().chain(rest).collect()
}

/// The question in the grammar of the database.
async fn read(tx: &mut Tx, question: &str) -> Result<Readings> {
    // Letters and digits alone, so nothing in them means anything to the grammar.
    let all: Vec<String> = words::words(question).collect();
    let begun = begun(question, &all);
    let mut any = all.join(" | ");
    if let Some((_, last)) = &begun {
        any = format!("{any} | {last}");
    }
    let begun = begun
        .as_ref()
        .map(|(before, last)| (before.as_str(), last.as_str()));
    store::read(tx, question, &any, begun).await
}

/// Characters of a word from which on it may be the beginning of another.
const BEGINNING: usize = 3;

/// The last word of a question as the beginning of one, with what stands before it, unless
/// the question says more than its words do.
fn begun(question: &str, all: &[String]) -> Option<(String, String)> {
    let last = all
        .last()
        .filter(|word| word.chars().count() >= BEGINNING)?;
    let plain = question
        .chars()
        .all(|c| c.is_alphanumeric() || c.is_whitespace());
    if !plain || all.iter().any(|word| word == "or") {
        return None;
    }
    let before = question.trim_end();
    let before = before
        .rsplit_once(char::is_whitespace)
        .map_or("", |(before, _)| before);
    Some((before.to_owned(), format!("{last}:*")))
}

async fn show(
    tx: &mut Tx,
    hits: Vec<Hit>,
    question: &str,
    include_text: bool,
) -> Result<Vec<SearchHit>> {
    let ids = |kind: Indexed| -> Vec<Uuid> {
        let of_kind = hits.iter().filter(|hit| hit.kind == kind);
        of_kind.map(|hit| hit.owner).collect()
    };
    let chunks: Vec<Uuid> = hits
        .iter()
        .flat_map(|hit| &hit.chunks)
        .map(|(id, _)| *id)
        .collect();
    let (nodes, files) = (ids(Indexed::Node), ids(Indexed::File));
    let chunks = show::chunks(tx, chunks, question).await?;
    let chunks: HashMap<Uuid, ChunkRow> = chunks.into_iter().map(|row| (row.id, row)).collect();
    let mut things: HashMap<Uuid, SearchHit> = HashMap::new();
    for row in show::nodes(tx, &nodes).await? {
        things.insert(row.0, node(row));
    }
    for row in show::files(tx, &files).await? {
        things.insert(row.0, file(row));
    }
    let complete = |hit: Hit| {
        let mut shown = things.remove(&hit.owner)?;
        (shown.score, shown.updated_at) = (hit.score, hit.updated_at);
        for (chunk, score) in &hit.chunks {
            let Some(row) = chunks.get(chunk) else {
                continue;
            };
            let (snippet, highlight) = plain_and_marked(&row.headline);
            shown.highlights.push(highlight);
            shown.passages.push(Passage {
                snippet,
                place: row.place.clone(),
                score: *score,
                text: include_text.then(|| row.content.clone()),
            });
        }
        shown.snippet = shown
            .passages
            .first()
            .map(|best| best.snippet.clone())
            .unwrap_or_default();
        Some(shown)
    };
    Ok(hits.into_iter().filter_map(complete).collect())
}

fn node(
    (id, title, description, project, status, author, metadata, _): show::NodeRow,
) -> SearchHit {
    SearchHit {
        kind: Indexed::Node,
        title,
        description,
        project_id: Some(project),
        status,
        author_type: Some(author),
        metadata,
        ..empty(id)
    }
}

fn file((id, filename, content_type, status, metadata): show::FileRow) -> SearchHit {
    let title = metadata.get("title").and_then(Value::as_str);
    let mut fields = match &metadata {
        Value::Object(fields) => fields.clone(),
        _ => Map::new(),
    };
    fields.insert("filename".to_owned(), json!(filename));
    fields.insert("contentType".to_owned(), json!(content_type));
    SearchHit {
        kind: Indexed::File,
        title: title.unwrap_or(&filename).to_owned(),
        status: status.to_string(),
        metadata: Value::Object(fields),
        ..empty(id)
    }
}

fn empty(id: Uuid) -> SearchHit {
    SearchHit {
        id,
        kind: Indexed::Node,
        title: String::new(),
        description: None,
        snippet: String::new(),
        highlights: Vec::new(),
        project_id: None,
        status: String::new(),
        author_type: None,
        score: 0.0,
        updated_at: chrono::DateTime::UNIX_EPOCH,
        metadata: Value::Null,
        passages: Vec::new(),
    }
}

/// A headline as plain text, and as HTML in which the marks are elements.
fn plain_and_marked(headline: &str) -> (String, String) {
    let [start, stop] = MARKS;
    let mut plain = String::with_capacity(headline.len());
    let mut marked = String::with_capacity(headline.len() + 32);
    for c in headline.chars() {
        match c {
            c if c == start => marked.push_str("<mark>"),
            c if c == stop => marked.push_str("</mark>"),
            c => {
                plain.push(c);
                match c {
                    '<' => marked.push_str("&lt;"),
                    '>' => marked.push_str("&gt;"),
                    '&' => marked.push_str("&amp;"),
                    '"' => marked.push_str("&quot;"),
                    '\'' => marked.push_str("&#39;"),
                    c => marked.push(c),
                }
            }
        }
    }
    (plain, marked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_elements_and_the_rest_is_no_html() {
        let (plain, marked) = plain_and_marked("a <b> \u{e000}salt\u{e001} & water");
        assert_eq!(plain, "a <b> salt & water");
        assert_eq!(marked, "a &lt;b&gt; <mark>salt</mark> &amp; water");
    }

    #[test]
    fn only_a_plain_question_may_end_in_the_beginning_of_a_word() {
        let begun = |text: &str| {
            let all: Vec<String> = words::words(text).collect();
            begun(text, &all)
        };
        assert_eq!(begun("salt wat"), Some(("salt".into(), "wat:*".into())));
        assert_eq!(begun("wat "), Some((String::new(), "wat:*".into())));
        assert_eq!(begun("\"salt wat\""), None);
        assert_eq!(begun("salt -wat"), None);
        assert_eq!(begun("salt or wat"), None);
        assert_eq!(begun("a"), None);
    }
}
