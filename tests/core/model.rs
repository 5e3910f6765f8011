//! The engine and the digests in lanes of AVX-512, judged on every processor by the model of their instructions.

use std::path::Path;
use support::model::{Model, TESTS};

/// What takes minutes on the model, and is left to the long run (`make soak ROOM=model`, which sets `SEALCORE_SOAK`).
const LONG: [&str; 4] = ["exceptional_points", "every_length", "random_batches", "a_long_message"];

#[test]
fn the_model_passes_the_tests_of_the_engine() {
    if !cfg!(target_arch = "x86_64") {
        eprintln!("left out: the kernels are for x86_64");
        return;
    }
    // target/<profile>/ctime, or target/<triple>/<profile>/ctime.
    let target = Path::new(env!("CARGO_BIN_EXE_ctime")).ancestors().nth(2).expect("a target folder");
    let mut arguments = [&["test"][..], &TESTS, &["--"]].concat();
    if std::env::var_os("SEALCORE_SOAK").is_none() {
        arguments.extend(LONG.iter().flat_map(|name| ["--skip", name]));
    }
    let said = Model::new(target).cargo(&arguments);
    assert!(!said.contains("left out") && said.matches("test result: ok").count() == 2, "{said}");
}
