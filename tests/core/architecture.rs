//! The rules of the house, as tests: who may import whom, where `unsafe` may stand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Modules in layer order; a module may use only those of a lower rank.
const RANKS: &[(&str, u32)] = &[
    ("consts", 0),
    ("error", 0),
    ("cpu", 1),
    ("simd", 2),
    ("hash", 3),
    ("curve", 3),
    ("sign", 4),
    ("pki", 5),
    ("ledger", 5),
    ("authority", 6),
    // Beside the others: simd and cpu only.
    ("imprint", 3),
];

fn rank(module: &str) -> Option<u32> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src");
    let mut found = Vec::new();
    let mut pending = vec![root];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).expect("core/src is readable") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("source is UTF-8");
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 4, "the test looks in the wrong place");
    found
}

/// The module of `core/src/<module>.rs` or `core/src/<module>/…`.
fn module_of(path: &Path) -> String {
    let mut parts = path.components().rev().map(|c| c.as_os_str().to_string_lossy().into_owned());
    let file = parts.next().expect("file").trim_end_matches(".rs").to_owned();
    let above: Vec<String> = parts.take_while(|p| p != "src").collect();
    above.last().cloned().unwrap_or(file)
}

/// `use crate::{…}` and `crate::x::…` alike: every module named after `crate::`.
fn imports(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + 7..];
            if let Some(list) = rest.strip_prefix('{') {
                let mut depth = 0;
                let mut word = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => names.push(std::mem::take(&mut word)),
                        ' ' => {}
                        c if depth == 0 => word.push(c),
                        _ => {}
                    }
                }
                names.push(word);
            } else {
                names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect());
            }
        }
    }
    names.iter().map(|n| n.split("::").next().unwrap_or("").to_owned()).collect()
}

#[test]
fn no_module_imports_upwards() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        if module == "lib" {
            continue;
        }
        let own = rank(&module).unwrap_or_else(|| panic!("{module} has no rank: add it to the house"));
        for import in imports(&text) {
            if let Some(other) = rank(&import)
                && import != module
                && other >= own
            {
                wrong.push(format!("{}: {module} uses crate::{import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "upward imports:\n{}", wrong.join("\n"));
}

#[test]
fn unsafe_stands_only_in_simd() {
    /// A ratchet: it may go down, and up only with a reason in the commit.
    const ALLOWED: usize = 39;
    let mut count = 0;
    for (path, text) in sources() {
        let here = text
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
            .map(|l| l.matches("unsafe ").count())
            .sum::<usize>();
        assert!(here == 0 || module_of(&path) == "simd", "{}: unsafe outside simd", path.display());
        count += here;
    }
    assert_eq!(count, ALLOWED, "the number of unsafe sites changed: say why, and move the ratchet");
}

#[test]
fn the_root_stays_a_map() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/lib.rs")).expect("lib.rs");
    assert!(text.lines().count() <= 60);
    assert!(text.contains("#![deny(unsafe_code)]"));
}

/// The libraries that the core needs, each with its features, as a build of `package` resolves them.
fn features(package: &str, edges: &str) -> BTreeMap<String, String> {
    let tree = |package: &str, edges: &str| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let arguments = ["tree", "--locked", "--prefix=none", "--no-dedupe", "--format={p}|{f}"];
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .args(["-p", package, "-e", edges])
            .current_dir(root)
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        let split = |line: &str| line.split_once('|').map(|(name, set)| (name.to_owned(), set.to_owned()));
        text.lines().filter_map(split).collect::<BTreeMap<_, _>>()
    };
    let needed = tree("sealcore", "normal");
    assert!(needed.len() > 20, "the core's libraries: {needed:?}");
    tree(package, edges).into_iter().filter(|(name, _)| needed.contains_key(name)).collect()
}

/// Every build has the same core, so that the tests judge the machine code that ships (`bindings/features`).
#[test]
fn the_core_is_built_once() {
    let shipped = features("sealcore-python", "normal");
    for (package, edges) in [("sealcore-capi", "normal"), ("sealcore-tests", "normal,dev")] {
        let here = features(package, edges);
        for (library, set) in &shipped {
            assert_eq!(here.get(library), Some(set), "features of {library} for {package}: see bindings/features");
        }
    }
}
