//! Signing under valgrind with every secret marked undefined: no branch and no address may depend on one.
//!
//! The program is tests/ctime, built like this test: `make test` builds both as what ships is built. What is secret
//! and what is declassified: core/docs/constant-time.md.

use std::path::Path;
use std::process::Command;
use support::model::Model;

/// The exit status that says that memcheck reported something.
const REPORTED: i32 = 99;

/// Whether the test can run here; in CI it must.
fn possible() -> bool {
    if !cfg!(target_arch = "x86_64") {
        eprintln!("left out: the requests to valgrind are written down for x86_64 only");
        return false;
    }
    if Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs valgrind (apt-get install valgrind)");
    eprintln!("left out: valgrind is not installed");
    false
}

/// The program.
fn program() -> &'static Path {
    assert!(std::env::var_os("CI").is_none() || !cfg!(debug_assertions), "CI judges what ships (cargo test --release)");
    Path::new(env!("CARGO_BIN_EXE_ctime"))
}

/// Runs cases under memcheck; the exit status and what was said.
fn memcheck(program: &Path, cases: &[&str], suppressed: bool) -> (Option<i32>, String) {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("ctime/declassified.supp");
    let mut command = Command::new("valgrind");
    command.args(["--tool=memcheck", "--quiet", "--leak-check=no", "--error-limit=no", "--track-origins=no"]);
    command.arg(format!("--error-exitcode={REPORTED}"));
    if suppressed {
        command.arg(format!("--suppressions={}", rules.display()));
    }
    let output = command.arg(program).args(cases).output().expect("valgrind runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn cases(program: &Path) -> Vec<String> {
    let output = Command::new(program).output().expect("ctime runs");
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn no_secret_decides_a_branch_or_an_address() {
    if !possible() {
        return;
    }
    let cases: Vec<String> = cases(program()).into_iter().filter(|case| !case.starts_with("leak-")).collect();
    assert_eq!(cases.len(), 9);
    silent(program(), &cases);
}

fn silent(program: &Path, cases: &[String]) {
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    let (status, said) = memcheck(program, &cases, true);
    assert_eq!(status, Some(0), "{}: {said}", program.display());
    let done: String = cases.iter().map(|case| format!("{case}: done\n")).collect();
    assert_eq!(said, done);
}

/// Memcheck does not know AVX-512: it judges the signing in lanes by the model of its instructions.
#[test]
fn no_secret_decides_in_the_lanes() {
    if !possible() {
        return;
    }
    // target/<profile>/ctime, or target/<triple>/<profile>/ctime.
    let target = program().ancestors().nth(2).expect("a target folder");
    let program = Model::new(target).ctime();
    let listed = Command::new(&program).output().expect("ctime runs");
    assert_eq!(String::from_utf8_lossy(&listed.stderr), "signing on ifma\n", "the model signs in lanes");
    let cases: Vec<String> = cases(&program).into_iter().filter(|case| !case.starts_with("leak-")).collect();
    silent(&program, &cases);
    let (status, said) = memcheck(&program, &["leak-index"], true);
    assert_eq!(status, Some(REPORTED), "a leak must be reported:\n{said}");
}

/// Without these the test above could not fail.
#[test]
fn leaks_are_reported() {
    if !possible() {
        return;
    }
    for (case, what) in [
        ("leak-branch", "Conditional jump or move depends on uninitialised value"),
        ("leak-index", "Use of uninitialised value of size 8"),
    ] {
        let (status, said) = memcheck(program(), &[case], true);
        assert_eq!(status, Some(REPORTED), "{case} must be reported:\n{said}");
        assert!(said.contains(what), "{said}");
        assert!(said.contains("ctime::leak_"), "in that very function: {said}");
    }
}

/// The suppression is needed, and `Choice::reveal` is all that it hides.
#[test]
fn only_reveal_is_excused() {
    if !possible() {
        return;
    }
    for case in ["sm2-hedged", "p256-hedged"] {
        let (status, said) = memcheck(program(), &[case], false);
        assert_eq!(status, Some(REPORTED), "{case} uses reveal:\n{said}");
        let reports = said.lines().filter(|line| line.contains("uninitialised")).count();
        let excused = said
            .lines()
            .filter(|line| line.contains(" at 0x") && line.contains("Choice") && line.contains("::reveal"))
            .count();
        assert!(reports > 0 && reports == excused, "{reports} reports, {excused} in reveal:\n{said}");
    }
}
