//! The committed header is what the sources say. `make header` rewrites it.

use std::path::Path;

#[test]
fn the_header_is_current() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings/c");
    let config = cbindgen::Config::from_file(crate_dir.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut made = Vec::new();
    cbindgen::Builder::new()
        .with_crate(&crate_dir)
        .with_config(config)
        .generate()
        .expect("the C crate parses")
        .write(&mut made);
    let committed = crate_dir.join("include/sealcore.h");
    if std::env::var_os("SEALCORE_UPDATE_HEADER").is_some() {
        std::fs::write(&committed, &made).expect("the header is writable");
    }
    let found = std::fs::read(&committed).expect("bindings/c/include/sealcore.h is committed");
    assert!(found == made, "bindings/c/include/sealcore.h is stale: run `make header`");
}
