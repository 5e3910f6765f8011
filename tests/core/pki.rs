//! Keys, certificates and chains: the data of others, judged as its MANIFEST says, and each rule with its refusal.

use sealcore::pki::*;

#[test]
fn certificates_of_others_parse() {
    let Some(data) = support::shared_data() else { return };
    for name in ["pki/nrcac_rootca.crt.pem", "pki/sheca_sm2_ca.crt.pem"] {
        let bytes = std::fs::read(data.join("eseal").join(name)).expect("read");
        let certificate = Certificate::load(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));

    }
}
