//! Finds every path that a file speaks of, in `use` trees, in code and in
//! macro calls, and resolves `crate`, `super` and `self` to the crate's root.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A path and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    pub line: usize,
    /// `crate`, then modules from the crate's root; or the path of another crate.
    pub path: Vec<String>,
    /// Compiled for tests only.
    pub in_tests: bool,
}

/// The paths of `file`, which defines `module`.
pub fn uses(file: &syn::File, module: &[String]) -> Vec<Use> {
    let in_tests = module.iter().any(|name| name == "tests");
    let mut finder = Finder {
        module: module.to_vec(),
        in_tests,
        found: Vec::new(),
    };
    finder.visit_file(file);
    finder.found
}

struct Finder {
    module: Vec<String>,
    in_tests: bool,
    found: Vec<Use>,
}

impl Finder {
    fn add(&mut self, line: usize, path: &[String]) {
        let Some(path) = resolve(path, &self.module) else {
            return;
        };
        let in_tests = self.in_tests;
        self.found.push(Use {
            line,
            path,
            in_tests,
        });
    }

    fn add_tree(&mut self, tree: &syn::UseTree, prefix: &[String]) {
        let with = |name: &str| [prefix, &[name.to_owned()]].concat();
        let line = tree.span().start().line;
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&path.tree, &with(&path.ident.to_string())),
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.add_tree(item, prefix);
                }
            }
            syn::UseTree::Name(name) if name.ident == "self" => self.add(line, prefix),
            syn::UseTree::Name(name) => self.add(line, &with(&name.ident.to_string())),
            syn::UseTree::Rename(rename) => self.add(line, &with(&rename.ident.to_string())),
            syn::UseTree::Glob(_) => self.add(line, &with("*")),
        }
    }

    /// A macro's arguments need not be Rust, so its paths are read from tokens.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add(line, &std::mem::take(&mut path));
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.add(line, &std::mem::take(&mut path));
                    self.add_tokens(group.stream());
                }
                _ => self.add(line, &std::mem::take(&mut path)),
            }
        }
        self.add(line, &path);
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let outside = self.in_tests;
        self.in_tests |= attributes(item).iter().any(is_cfg_test);
        visit::visit_item(self, item);
        self.in_tests = outside;
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.add(path.span().start().line, &names);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }

    // Neither `serde(default)` nor `pub(crate)` uses anything.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

/// A path of more than one name, from the crate's root if it is one of ours.
fn resolve(path: &[String], module: &[String]) -> Option<Vec<String>> {
    let ups = path.iter().take_while(|name| *name == "super").count();
    let base = match path.first()?.as_str() {
        "crate" => &[],
        "super" => &module[..module.len().saturating_sub(ups)],
        "self" if path.len() > 1 => module,
        _ => return (path.len() > 1).then(|| path.to_vec()),
    };
    Some([&["crate".to_owned()], base, &path[ups.max(1)..]].concat())
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Ident>()
            .is_ok_and(|condition| condition == "test")
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, module: &[&str]) -> Vec<String> {
        let file = syn::parse_file(source).unwrap();
        let module: Vec<String> = module.iter().map(|name| (*name).to_owned()).collect();
        let uses = uses(&file, &module);
        uses.iter().map(|one| one.path.join("::")).collect()
    }

    #[test]
    fn use_trees_are_flattened() {
        let source = "use crate::{home::{self, Thing as T}, broker::*};";
        let paths = ["crate::home", "crate::home::Thing", "crate::broker::*"];
        assert_eq!(found(source, &["web"]), paths);
    }

    #[test]
    fn super_and_self_are_resolved() {
        let source = "use super::super::rules::Engine; use self::inner::X;";
        let paths = ["crate::rules::Engine", "crate::web::live::inner::X"];
        assert_eq!(found(source, &["web", "live"]), paths);
        let nested = "mod tests { use super::super::rules; }";
        assert_eq!(found(nested, &["web"]), ["crate::rules"]);
    }

    #[test]
    fn paths_in_code_and_macros_are_found() {
        let source =
            "pub(crate) fn f() -> crate::home::Thing { info!(x = crate::rules::y(a::b), \"z\"); }";
        let paths = ["crate::home::Thing", "crate::rules::y", "a::b"];
        assert_eq!(found(source, &["web"]), paths);
    }

    #[test]
    fn test_code_is_marked() {
        let file = syn::parse_file("use a::b; #[cfg(test)] mod t { use c::d; }").unwrap();
        let marks: Vec<bool> = uses(&file, &[]).iter().map(|one| one.in_tests).collect();
        assert_eq!(marks, [false, true]);
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let file = syn::parse_file("\n\nuse crate::{\n    home,\n};\n").unwrap();
        assert_eq!(uses(&file, &[])[0].line, 4);
    }
}
