//! The kernels for AVX-512 on every processor: their own source, with each instruction written out in plain Rust.
//!
//! A copy of the core is made in which `tests/model/lanes.rs` stands in the place of `core::arch::x86_64` in the
//! kernels of `simd/ifma` and `simd/avx512`. The rooms that use no kernel of these are left out, and nothing else is
//! changed. The copy must pass the tests of the engine
//! (`tests/core/model.rs`), and memcheck, which does not know these instructions, judges the signing in lanes by it
//! (`tests/core/constant_time.rs`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Rooms of instructions that are written out.
const KERNELS: [&str; 2] = ["core/src/simd/ifma/", "core/src/simd/avx512/"];

/// Rooms of the core that have no part in the engine.
const OTHERS: [&str; 4] = ["imprint", "pki", "ledger", "authority"];

/// The tests that judge the copy.
pub const TESTS: [&str; 7] = ["--release", "-p", "sealcore-tests", "--test", "engine", "--test", "hash_many"];

/// The copy of the core and of its tests.
pub struct Model {
    folder: PathBuf,
    target: PathBuf,
}

impl Model {
    /// Makes the copy, or brings it up to date. `target` is the folder of cargo's builds, where the libraries that the
    /// copy needs are built already.
    ///
    /// # Panics
    /// When the source has not what the copy changes.
    pub fn new(target: &Path) -> Self {
        let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), target.join("model"));
        let mut found = Vec::new();
        for folder in ["core", "tests", "bindings/features"] {
            files(&from.join(folder), &mut found);
        }
        for path in found {
            let name = path.strip_prefix(&from).expect("inside").to_str().expect("a name").to_owned();
            let bytes = fs::read(&path).expect("readable");
            let bytes = match String::from_utf8(bytes) {
                Ok(text) => modelled(&name, text).into_bytes(),
                Err(binary) => binary.into_bytes(),
            };
            write(&to.join(name), &bytes);
        }
        for (name, source) in [("core/src/simd/model.rs", "tests/model/lanes.rs"), ("Cargo.lock", "Cargo.lock")] {
            write(&to.join(name), &fs::read(from.join(source)).expect("readable"));
        }
        let workspace = fs::read_to_string(from.join("Cargo.toml")).expect("readable");
        let settings = workspace.lines().filter(|line| !line.starts_with("members") && !line.starts_with("default-"));
        let settings = settings.collect::<Vec<_>>().join("\n");
        let members = "[workspace]\nmembers = [\"core\", \"tests\", \"bindings/features\"]\n";
        let workspace = replaced(&settings, "[workspace]\n", members);
        // What optimisers make of the model says nothing about the kernels, and takes half of the time.
        let packages = "[profile.release.package]\n";
        let workspace = replaced(&workspace, packages, &format!("{packages}sealcore = {{ opt-level = 1 }}\n"));
        // Another version, or cargo would take the builds of the two for each other's.
        let workspace = workspace.replace(r#"version = "0.1.0""#, r#"version = "0.1.0-model""#);
        write(&to.join("Cargo.toml"), workspace.as_bytes());
        Model { folder: to, target: target.to_owned() }
    }

    /// Runs cargo in the copy; what it said.
    ///
    /// # Panics
    /// When cargo fails.
    pub fn cargo(&self, arguments: &[&str]) -> String {
        let (command, rest) = arguments.split_first().expect("a command");
        let output = Command::new(env!("CARGO"))
            .args([command, "--offline", "--target-dir"])
            .arg(&self.target)
            .args(rest)
            .current_dir(&self.folder)
            .env_remove("SEALCORE_BACKEND")
            .env("SEALCORE_REQUIRE_BACKENDS", "avx512,ifma")
            .output()
            .expect("cargo runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}:\n{said}");
        said
    }

    /// The program of the constant-time test, made of the copy.
    ///
    /// # Panics
    /// When cargo fails.
    pub fn ctime(&self) -> PathBuf {
        // The tests bring the programs of their package.
        self.cargo(&[&["test", "--no-run"][..], &TESTS].concat());
        self.target.join("release/ctime-model")
    }
}

/// Replaces what must be there once.
fn replaced(text: &str, what: &str, with: &str) -> String {
    assert_eq!(text.matches(what).count(), 1, "{what:?} in the source that the model is made of");
    text.replace(what, with)
}

/// The text of the copy that stands for the file at `name`.
fn modelled(name: &str, text: String) -> String {
    if KERNELS.iter().any(|room| name.starts_with(room)) {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("#[target_feature(enable = \"avx512"));
        let text = lines.collect::<Vec<_>>().join("\n") + "\n";
        return text.replace("core::arch::x86_64::", "crate::simd::model::");
    }
    match name {
        "core/src/lib.rs" => {
            let text = OTHERS.iter().fold(text, |text, room| replaced(&text, &format!("pub mod {room};\n"), ""));
            format!("#![allow(warnings)]\n{text}")
        }
        // What crafts certificates.
        "tests/support/lib.rs" => replaced(&text, "pub mod craft;\n", ""),
        "core/src/simd.rs" => text + "\n#[cfg(target_arch = \"x86_64\")]\nmod model;\n",
        "core/src/cpu.rs" => {
            // What the copy needs of the processor is SSE2, which every x86-64 has.
            let text = replaced(&text, r#"HasAvx512: "avx512f" "avx512bw" "bmi2""#, r#"HasAvx512: "sse2""#);
            let features = r#"HasIfma: "avx512f" "avx512bw" "avx512ifma" "avx512vbmi2""#;
            replaced(&text, features, r#"HasIfma: "sse2""#)
        }
        // Both programs stand in one folder.
        "tests/Cargo.toml" => {
            let text = replaced(&text, "name = \"ctime\"", "name = \"ctime-model\"");
            let soak = "[[bin]]\nname = \"soak-imprint\"\npath = \"soak/imprint.rs\"\ntest = false\ndoc = false\n";
            replaced(&text, soak, "")
        }
        _ => text,
    }
}

/// Writes what is not there yet, so that cargo builds only what changed.
fn write(path: &Path, bytes: &[u8]) {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return;
    }
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
    fs::write(path, bytes).expect("a file can be written");
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}
