//! One source file, read: what it refers to, and how long its functions are.
//!
//! A reference is a path as it stands in a `use`, in code, in an attribute or in the
//! tokens of a macro, made absolute: `super` and `self` are followed, and so is a
//! name that the file imported. Text in comments is no reference.

use std::collections::HashMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::{spanned::Spanned, visit::Visit};

/// A file below `src` or `tests`.
#[derive(Debug)]
pub struct Source {
    /// Its path below that folder: `nodes/ops/create.rs`.
    pub path: String,
    pub lines: usize,
    pub introduced: bool,
    pub references: Vec<Reference>,
    pub functions: Vec<Function>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Absolute: `["crate", "nodes", "ops"]`, or `["diesel", …]` of a library.
    pub path: Vec<String>,
    pub line: usize,
}

#[derive(Debug)]
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

impl Reference {
    /// The segments inside this crate; `None` for a library.
    pub fn inside(&self) -> Option<&[String]> {
        let (first, rest) = self.path.split_first()?;
        (first == "crate").then_some(rest)
    }

    /// Whether it points at `prefix`, such as `executions::journal`, or into it.
    pub fn begins_with(&self, prefix: &str) -> bool {
        let inside = self.inside().unwrap_or_default();
        let prefix: Vec<&str> = prefix.split("::").collect();
        inside.len() >= prefix.len() && prefix.iter().zip(inside).all(|(a, b)| a == b)
    }
}

impl Source {
    /// Reads `text`, the content of the file `path`.
    pub fn read(path: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut reader = Reader {
            module: module_of(path),
            names: HashMap::new(),
            references: Vec::new(),
            functions: Vec::new(),
        };
        // Imports first: code may use a name before the line that imports it.
        Imports(&mut reader).visit_file(&file);
        reader.visit_file(&file);
        let mut references = reader.references;
        references.dedup();
        Source {
            path: path.to_owned(),
            lines: text.lines().count(),
            introduced: text.starts_with("//!"),
            references,
            functions: reader.functions,
        }
    }
}

/// The module that a file is: `nodes/ops/mod.rs` is `["nodes", "ops"]`.
fn module_of(path: &str) -> Vec<String> {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
    if matches!(
        module.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        module.pop();
    }
    module
}

struct Reader {
    /// Where we are, inline modules included.
    module: Vec<String>,
    /// What an imported or declared name stands for.
    names: HashMap<String, Vec<String>>,
    references: Vec<Reference>,
    functions: Vec<Function>,
}

impl Reader {
    /// The absolute form of a path as it is written here.
    fn absolute(&self, path: &[String]) -> Vec<String> {
        let mut module = self.module.clone();
        let mut rest = path;
        let mut relative = false;
        loop {
            match rest.split_first() {
                Some((first, _)) if first == "crate" => return rest.to_vec(),
                Some((first, tail)) if first == "self" => rest = tail,
                Some((first, tail)) if first == "super" => {
                    module.pop();
                    rest = tail;
                }
                Some((first, tail)) if !relative => {
                    return match self.names.get(first) {
                        Some(meaning) => [meaning.as_slice(), tail].concat(),
                        None => path.to_vec(),
                    };
                }
                _ => {
                    let start = vec!["crate".to_owned()];
                    return [start.as_slice(), &module, rest].concat();
                }
            }
            relative = true;
        }
    }

    fn refer(&mut self, path: &[String], line: usize) {
        let path = self.absolute(path);
        self.references.push(Reference { path, line });
    }

    /// Paths among the tokens of a macro or an attribute.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut line = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end_of(&mut path, line);
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end_of(&mut path, line);
                    self.tokens(group.stream());
                    colons = 0;
                }
                _ => {
                    self.end_of(&mut path, line);
                    colons = 0;
                }
            }
        }
        self.end_of(&mut path, line);
    }

    fn end_of(&mut self, path: &mut Vec<String>, line: usize) {
        if path.len() > 1 {
            self.refer(path, line);
        }
        path.clear();
    }

    fn function(&mut self, name: &syn::Ident, whole: proc_macro2::Span) {
        let (start, end) = (whole.start().line, whole.end().line);
        self.functions.push(Function {
            name: name.to_string(),
            line: start,
            lines: end + 1 - start,
        });
    }

    fn within(&mut self, name: &syn::Ident, work: impl FnOnce(&mut Self)) {
        self.module.push(name.to_string());
        work(self);
        self.module.pop();
    }
}

/// Every leaf of a `use`, with the name it brings.
fn leaves(tree: &syn::UseTree, before: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let with = |name: String| [before, &[name]].concat();
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree, &with(path.ident.to_string()), found),
        syn::UseTree::Group(group) => {
            group
                .items
                .iter()
                .for_each(|item| leaves(item, before, found));
        }
        syn::UseTree::Name(name) if name.ident == "self" => {
            let last = before.last().cloned().unwrap_or_default();
            found.push((before.to_vec(), last));
        }
        syn::UseTree::Name(name) => {
            found.push((with(name.ident.to_string()), name.ident.to_string()));
        }
        syn::UseTree::Rename(rename) => {
            found.push((with(rename.ident.to_string()), rename.rename.to_string()));
        }
        syn::UseTree::Glob(_) => found.push((before.to_vec(), String::new())),
    }
}

/// The first pass: what names stand for.
struct Imports<'a>(&'a mut Reader);

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut found = Vec::new();
        leaves(&item.tree, &[], &mut found);
        for (path, name) in found {
            self.0.refer(&path, item.span().start().line);
            // What a name means is kept for paths inside; a library's path begins
            // with the library's name in any case, or was just referred to.
            if item.leading_colon.is_none() {
                let meaning = self.0.absolute(&path);
                if meaning.first().is_some_and(|first| first == "crate") {
                    self.0.names.insert(name, meaning);
                }
            }
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_none() {
            let name = item.ident.to_string();
            let meaning = self.0.absolute(&["self".to_owned(), name.clone()]);
            self.0.names.insert(name, meaning);
        }
        self.0.module.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.0.module.pop();
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_use(&mut self, _: &'ast syn::ItemUse) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.within(&item.ident, |reader| {
            syn::visit::visit_item_mod(reader, item)
        });
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if names.len() > 1 {
            self.refer(&names, path.span().start().line);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        syn::visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
        syn::visit::visit_attribute(self, attribute);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(
            &item.sig.ident,
            item.sig.span().join(item.block.span()).unwrap(),
        );
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(
            &item.sig.ident,
            item.sig.span().join(item.block.span()).unwrap(),
        );
        syn::visit::visit_impl_item_fn(self, item);
    }
}
