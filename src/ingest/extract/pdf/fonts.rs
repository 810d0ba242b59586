//! Spares the reader work on fonts. It reads every font of a page anew for each page, and
//! a manual of a thousand pages has the same ten fonts on each. So what it would unpack or
//! parse for nothing is taken away, what is to be unpacked is unpacked once, and what a
//! Type 1 program says of its characters is written down where it is found at once.

use std::collections::HashSet;

use pdf_extract::{Dictionary, Document, Object, ObjectId};

/// What is to be done to a document's objects.
#[derive(Debug, Default)]
struct Plan {
    /// Font programs that are not looked at: the descriptor, and the key in it.
    unused: HashSet<(ObjectId, &'static [u8])>,
    /// Descriptors of fonts whose program alone tells which character is which.
    needed: HashSet<ObjectId>,
    /// Streams that are read for each page.
    unpack: HashSet<ObjectId>,
    /// What the program of a font says which character is which.
    encodings: Vec<(ObjectId, Vec<Object>)>,
}

/// Prepares the fonts of `document`. What it says is the same afterwards.
pub(super) fn spare(document: &mut Document) {
    let mut plan = Plan::default();
    for (id, object) in &document.objects {
        if let Ok(font) = object.as_dict()
            && font.has_type(b"Font")
        {
            plan.consider(document, *id, font);
        }
    }
    for (font, differences) in plan.encodings {
        if let Ok(Object::Dictionary(font)) = document.get_object_mut(font) {
            let mut encoding = Dictionary::new();
            encoding.set("Differences", differences);
            font.set("Encoding", encoding);
        }
    }
    for (descriptor, key) in &plan.unused {
        if plan.needed.contains(descriptor) {
            continue;
        }
        if let Ok(Object::Dictionary(descriptor)) = document.get_object_mut(*descriptor) {
            descriptor.remove(key);
        }
    }
    for id in &plan.unpack {
        if let Ok(Object::Stream(stream)) = document.get_object_mut(*id)
            && stream.dict.has(b"Filter")
        {
            // One that can't be unpacked stays as it is, for the reader to complain of.
            drop(stream.decompress());
        }
    }
}

impl Plan {
    fn consider(&mut self, document: &Document, font_id: ObjectId, font: &Dictionary) {
        self.unpack.extend(reference(font, b"ToUnicode"));
        let Some(id) = reference(font, b"FontDescriptor") else {
            return;
        };
        let Ok(descriptor) = document.get_dictionary(id) else {
            return;
        };
        self.unpack.extend(reference(descriptor, b"FontFile3"));
        match font.get(b"Subtype").and_then(Object::as_name) {
            Ok(b"TrueType") => drop(self.unused.insert((id, b"FontFile2"))),
            // The encoding goes before that of the program.
            Ok(b"Type1") if font.has(b"Encoding") => drop(self.unused.insert((id, b"FontFile"))),
            Ok(b"Type1") => match own_encoding(document, descriptor) {
                Some(differences) => {
                    self.encodings.push((font_id, differences));
                    self.unused.insert((id, b"FontFile"));
                }
                None => {
                    self.needed.insert(id);
                    self.unpack.extend(reference(descriptor, b"FontFile"));
                }
            },
            _ => {}
        }
    }
}

fn reference(dictionary: &Dictionary, key: &[u8]) -> Option<ObjectId> {
    dictionary.get(key).and_then(Object::as_reference).ok()
}

/// The encoding that a Type 1 program spells out, `dup 65 /A put` for each character
/// (Adobe Type 1 Font Format, 2.2), as the differences of an encoding dictionary; `None`
/// if it does so in any other way.
fn own_encoding(document: &Document, descriptor: &Dictionary) -> Option<Vec<Object>> {
    let program = document
        .get_object(reference(descriptor, b"FontFile")?)
        .and_then(Object::as_stream)
        .ok()?;
    let program = program.decompressed_content().ok()?;
    // Behind this word the program is encrypted.
    let end = program.windows(5).position(|word| word == b"eexec")?;
    let clear = String::from_utf8_lossy(program.get(..end)?).replace('/', " /");
    let (_, encoding) = clear.split_once("/Encoding")?;
    let mut differences = Vec::new();
    let mut words = encoding.split_ascii_whitespace();
    while let Some(word) = words.next() {
        match word {
            "dup" => {
                let code: u8 = words.next()?.parse().ok()?;
                let name = words.next()?.strip_prefix('/')?;
                differences.push(Object::Integer(code.into()));
                differences.push(Object::Name(name.into()));
            }
            "readonly" | "def" if !differences.is_empty() => break,
            _ => {}
        }
    }
    (!differences.is_empty()).then_some(differences)
}
