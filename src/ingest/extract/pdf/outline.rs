//! The outline of a PDF (ISO 32000-1, 12.3.3): which sections its pages are in.
//!
//! Entries and names are walked with a bound and not to their end, since both may go
//! round. What can't be followed is left out; an outline is a help and no more.

use std::collections::{BTreeMap, HashMap};

use pdf_extract::{Dictionary, Document, Object, ObjectId};

use super::super::assemble::HeadingPath;

/// Entries and names that are looked at.
const MAX_STEPS: usize = 50_000;
/// Bytes of a title; a longer one is none.
const MAX_TITLE: usize = 500;
/// Levels of an outline.
const MAX_LEVELS: usize = 16;

/// For each page the titles above it, where the outline tells: those of the first section
/// that begins on it, or of the one that runs on from the pages before.
pub(super) fn headings(
    document: &Document,
    pages: &BTreeMap<u32, ObjectId>,
) -> BTreeMap<u32, String> {
    let mut begins = BTreeMap::new();
    let mut last = BTreeMap::new();
    let mut path = HeadingPath::default();
    for entry in Walk::new(document, pages).entries() {
        path.enter(entry.level, &entry.title);
        if let Some(text) = path.text() {
            begins.entry(entry.page).or_insert_with(|| text.clone());
            last.insert(entry.page, text);
        }
    }
    let on = |page: &u32| {
        let before = || last.range(..page).next_back().map(|(_, text)| text);
        begins.get(page).or_else(before).cloned()
    };
    pages
        .keys()
        .filter_map(|page| Some((*page, on(page)?)))
        .collect()
}

struct Entry {
    level: u8,
    title: String,
    page: u32,
}

struct Walk<'a> {
    document: &'a Document,
    numbers: HashMap<ObjectId, u32>,
    named: HashMap<Vec<u8>, &'a Object>,
    steps: usize,
}

impl<'a> Walk<'a> {
    fn new(document: &'a Document, pages: &BTreeMap<u32, ObjectId>) -> Self {
        let mut walk = Walk {
            document,
            numbers: pages.iter().map(|(page, id)| (*id, *page)).collect(),
            named: HashMap::new(),
            steps: MAX_STEPS,
        };
        walk.collect_names();
        walk.steps = MAX_STEPS;
        walk
    }

    /// The entries in the order in which a reader shows them.
    fn entries(mut self) -> Vec<Entry> {
        let catalog = self.document.catalog().ok();
        let outlines = catalog.and_then(|catalog| self.dictionary(catalog, b"Outlines"));
        let mut found = Vec::new();
        // What comes next on each level, deepest last; their number is the level.
        let mut open = vec![outlines.and_then(|outlines| self.dictionary(outlines, b"First"))];
        while let Some(next) = open.pop() {
            if !self.step() {
                break;
            }
            let Some(node) = next else {
                continue;
            };
            let level = open.len();
            if let Some((title, page)) = self.entry(node)
                && let Ok(level) = u8::try_from(level)
            {
                found.push(Entry { level, title, page });
            }
            open.push(self.dictionary(node, b"Next"));
            if level < MAX_LEVELS {
                open.push(self.dictionary(node, b"First"));
            }
        }
        found
    }

    fn entry(&self, node: &'a Dictionary) -> Option<(String, u32)> {
        let (_, title) = self.document.dereference(node.get(b"Title").ok()?).ok()?;
        title.as_str().ok().filter(|text| text.len() <= MAX_TITLE)?;
        let title = pdf_extract::decode_text_string(title).ok()?;
        let target = node.get(b"Dest").ok().or_else(|| {
            let action = self.dictionary(node, b"A")?;
            action.get(b"D").ok()
        })?;
        Some((title, self.page(target)?))
    }

    /// The page that a destination names: as an array with the page first, in a dictionary,
    /// or by a name.
    fn page(&self, target: &'a Object) -> Option<u32> {
        let (_, mut target) = self.document.dereference(target).ok()?;
        if let Object::Name(name) | Object::String(name, _) = target {
            (_, target) = self.document.dereference(self.named.get(name)?).ok()?;
        }
        if let Object::Dictionary(around) = target {
            (_, target) = self.document.dereference(around.get(b"D").ok()?).ok()?;
        }
        let page = target.as_array().ok()?.first()?.as_reference().ok()?;
        self.numbers.get(&page).copied()
    }

    /// Names of destinations: a dictionary of old, else a tree.
    fn collect_names(&mut self) {
        let Ok(catalog) = self.document.catalog() else {
            return;
        };
        if let Some(old) = self.dictionary(catalog, b"Dests") {
            let old = old.iter().take(MAX_STEPS);
            self.named.extend(old.map(|(name, to)| (name.clone(), to)));
        }
        let names = self.dictionary(catalog, b"Names");
        let tree = names.and_then(|names| self.dictionary(names, b"Dests"));
        let mut open: Vec<&Dictionary> = tree.into_iter().collect();
        while let Some(node) = open.pop() {
            if !self.step() {
                return;
            }
            for pair in self.array(node, b"Names").chunks_exact(2) {
                if let [Object::String(name, _), to] = pair {
                    self.named.insert(name.clone(), to);
                }
            }
            for kid in self.array(node, b"Kids").iter().take(MAX_STEPS) {
                let kid = self.document.dereference(kid).map(|(_, kid)| kid);
                open.extend(kid.and_then(Object::as_dict));
            }
        }
    }

    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps > 0
    }

    fn dictionary(&self, node: &'a Dictionary, key: &[u8]) -> Option<&'a Dictionary> {
        let (_, found) = self.document.dereference(node.get(key).ok()?).ok()?;
        found.as_dict().ok()
    }

    fn array(&self, node: &'a Dictionary, key: &[u8]) -> &'a [Object] {
        let found = node
            .get(key)
            .and_then(|found| self.document.dereference(found));
        let found = found.and_then(|(_, found)| found.as_array());
        found.map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four pages; `outline` are the objects from number 8 on, the first its root.
    fn document(outline: &[&str]) -> Document {
        let mut objects = vec![
            "<< /Type /Catalog /Pages 2 0 R /Outlines 8 0 R /Dests << /chapter [6 0 R /Fit] >> >>",
            "<< /Type /Pages /Count 4 /Kids [3 0 R 4 0 R 5 0 R 6 0 R] >>",
        ];
        objects.extend(["<< /Type /Page /Parent 2 0 R >>"; 4]);
        objects.push("null");
        objects.extend(outline);
        let mut source = b"%PDF-1.4\n".to_vec();
        let mut table = String::new();
        for (number, object) in (1..).zip(&objects) {
            table.push_str(&format!("{:010} 00000 n \n", source.len()));
            source.extend(format!("{number} 0 obj\n{object}\nendobj\n").into_bytes());
        }
        let (begin, size) = (source.len(), objects.len() + 1);
        let end = format!(
            "xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{begin}\n%%EOF\n"
        );
        source.extend(end.into_bytes());
        Document::load_mem(&source).unwrap()
    }

    fn told(outline: &[&str]) -> Vec<(u32, String)> {
        let document = document(outline);
        let pages = document.get_pages();
        headings(&document, &pages).into_iter().collect()
    }

    #[test]
    fn pages_are_under_the_sections_of_the_outline() {
        let told = told(&[
            "<< /First 9 0 R >>",
            "<< /Title (One) /Dest [4 0 R /Fit] /Next 11 0 R /First 10 0 R >>",
            "<< /Title (Part) /A << /S /GoTo /D [4 0 R /Fit] >> >>",
            "<< /Title <FEFF0032> /Dest /chapter >>",
        ]);
        let expected = [(2, "One"), (3, "One > Part"), (4, "2")];
        assert_eq!(told, expected.map(|(page, text)| (page, text.to_owned())));
    }

    #[test]
    fn an_outline_that_goes_round_comes_to_an_end() {
        assert_eq!(told(&["<< /First 8 0 R /Next 8 0 R >>"]), []);
        let told = told(&[
            "<< /First 9 0 R >>",
            "<< /Title (A) /Dest [3 0 R] /First 9 0 R /Next 9 0 R >>",
        ]);
        assert_eq!(told.len(), 4);
    }
}
