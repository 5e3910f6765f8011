//! Names, certificates, chains and the development authority: each rule with its refusal.

use sealcore::Error;
use sealcore::pki::*;
use sealcore::sign::{Algorithm, SigningKey, VerifyingKey};
use support::craft::{self, Recipe, oid, seq, tlv};

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).expect("random source")
}

fn refused_key<T>(result: sealcore::Result<T>, text: &str) {
    match result {
        Err(Error::InvalidKey { reason, .. }) if reason.contains(text) => {}
        Err(other) => panic!("expected {text:?}, got {other:?}"),
        Ok(_) => panic!("expected {text:?}, but it was accepted"),
    }
}

fn refused_encoding<T>(result: sealcore::Result<T>, text: &str) -> usize {
    match result {
        Err(Error::InvalidEncoding { reason, offset, .. }) if reason.contains(text) => offset,
        Err(other) => panic!("expected {text:?}, got {other:?}"),
        Ok(_) => panic!("expected {text:?}, but it was accepted"),
    }
}

// --- names ---

#[test]
fn names_read_as_rfc_4514_and_return() {
    let key = key(Algorithm::P256);
    let show = |text: &str| CertificateRequest::create(&key, text).map(|r| r.subject().to_owned());
    for (text, shown) in [
        ("CN=合同专用章,O=Example,C=CN", "CN=合同专用章,O=Example,C=CN"),
        ("cn=a, o = b", "CN=a,O=b"),
        (r"CN=Doe\, John", r"CN=Doe\, John"),
        (r"CN=Doe\2C John", r"CN=Doe\, John"),
        (r"CN=\E5\90\88", "CN=合"),
        (r"CN=a\\\,b", r"CN=a\\\,b"),
        (r"CN=a\\,O=b", r"CN=a\\,O=b"),
        (r"CN=\ a\ ", r"CN=\ a\ "),
        (r"CN=\#a", r"CN=\#a"),
        (r#"CN=\"\+\;\<\>"#, r#"CN=\"\+\;\<\>"#),
        ("CN=a=b", "CN=a=b"),
        ("CN=a+OU=b,O=c", "CN=a+OU=b,O=c"),
        ("OU=b+CN=a", "CN=a+OU=b"),
        ("2.5.4.3=x", "CN=x"),
        ("CN=#0c0178", "CN=x"),
        ("1.2.3.4=#0c0178", "1.2.3.4=#0c0178"),
        ("DC=example,DC=com", "DC=example,DC=com"),
    ] {
        assert_eq!(show(text).as_deref(), Ok(shown), "{text}");
        assert_eq!(show(shown).as_deref(), Ok(shown), "{shown}");
    }
    for (text, reason, offset) in [
        ("", "a part like", 0),
        ("CN", "a part like", 0),
        ("CN=", "empty", 3),
        ("CN=a,", "a part like", 5),
        ("CN=a+", "a part like", 5),
        ("Bogus=a", "unknown kind", 0),
        ("C=China", "two letters", 2),
        ("C=C1", "two letters", 2),
        ("CN=a;b", "must be escaped", 4),
        ("CN=a\"", "must be escaped", 4),
        ("CN=a\0", "must be escaped", 4),
        ("CN=a\\", "has no character", 5),
        ("CN=a\\x", "two hex digits", 5),
        ("CN=a\\+1\\合", "two hex digits", 8),
        ("CN=\\ff", "not UTF-8", 6),
        ("CN=#0c", "hexadecimal", 4),
        ("CN=#0c01780", "hexadecimal", 4),
        ("CN=#", "hexadecimal", 4),
        ("emailAddress=合@b", "ASCII", 13),
    ] {
        assert_eq!(refused_encoding(show(text), reason), offset, "{text:?}");
    }
    assert!(show(&format!("CN={}", "章".repeat(64))).is_ok());
    refused_encoding(show(&format!("CN={}", "章".repeat(65))), "64 characters");
}

// --- chains ---

const NOW: i64 = 1_750_000_000;
const LIFE: (&str, &str) = ("250101000000Z", "260101000000Z");

fn ca<'a>(subject: &'a str, issuer: &'a str) -> Recipe<'a> {
    let extensions = vec![craft::basic_constraints(true, None), craft::key_usage(0x04)];
    Recipe { subject, issuer, validity: LIFE, extensions }
}

fn leaf<'a>(subject: &'a str, issuer: &'a str) -> Recipe<'a> {
    Recipe { subject, issuer, validity: LIFE, extensions: vec![craft::key_usage(0xc0)] }
}

/// Keys of root, intermediate and leaf.
struct Keys([SigningKey; 3]);

impl Keys {
    fn new() -> Self {
        Keys([key(Algorithm::Sm2), key(Algorithm::P256), key(Algorithm::Sm2)])
    }

    /// Verifies root -> middle -> leaf as the recipes have them.
    fn verify(
        &self,
        root: &Recipe<'_>,
        middle: &Recipe<'_>,
        leaf: &Recipe<'_>,
        options: &ChainOptions<'_>,
    ) -> sealcore::Result<usize> {
        let [r, m, l] = &self.0;
        let root = root.certificate(&r.verifying_key(), r);
        let middle = middle.certificate(&m.verifying_key(), r);
        let leaf = leaf.certificate(&l.verifying_key(), m);
        verify_chain(&leaf, &[middle], &[root], options).map(|path| path.len())
    }
}

fn refused(result: sealcore::Result<usize>, depth: usize, reason: &str) {
    match result {
        Err(Error::InvalidCertificate { depth: d, reason: r }) if d == depth && r.contains(reason) => {}
        other => panic!("expected {reason:?} at depth {depth}, got {other:?}"),
    }
}

#[test]
fn each_chain_rule_refuses() {
    let keys = Keys::new();
    let options = ChainOptions::at(NOW);
    let (root, middle, end) = (ca("root", "root"), ca("middle", "root"), leaf("leaf", "middle"));
    let with = |recipe: &Recipe<'static>, extensions: Vec<Vec<u8>>| Recipe { extensions, ..recipe.clone() };
    assert_eq!(keys.verify(&root, &middle, &end, &options), Ok(3), "the chain that the refusals are made from");

    // Basic constraints and key usage of authorities.
    let no_constraints = with(&middle, vec![craft::key_usage(0x04)]);
    refused(keys.verify(&root, &no_constraints, &end, &options), 1, "not a certificate authority");
    let not_ca = with(&middle, vec![craft::basic_constraints(false, None), craft::key_usage(0x04)]);
    refused(keys.verify(&root, &not_ca, &end, &options), 1, "not a certificate authority");
    let no_cert_sign = with(&middle, vec![craft::basic_constraints(true, None), craft::key_usage(0x80)]);
    refused(keys.verify(&root, &no_cert_sign, &end, &options), 1, "sign certificates");
    let root_no_cert_sign = with(&root, vec![craft::basic_constraints(true, None), craft::key_usage(0x02)]);
    refused(keys.verify(&root_no_cert_sign, &middle, &end, &options), 2, "sign certificates");
    let version1 = with(&root, vec![]);
    refused(keys.verify(&version1, &middle, &end, &options), 2, "not a certificate authority");
    let no_key_usage = with(&middle, vec![craft::basic_constraints(true, None)]);
    assert_eq!(keys.verify(&root, &no_key_usage, &end, &options), Ok(3), "without keyUsage nothing is restricted");

    // Path length.
    let zero = with(&root, vec![craft::basic_constraints(true, Some(0)), craft::key_usage(0x04)]);
    refused(keys.verify(&zero, &middle, &end, &options), 2, "path length");
    let one = with(&root, vec![craft::basic_constraints(true, Some(1)), craft::key_usage(0x04)]);
    assert_eq!(keys.verify(&one, &middle, &end, &options), Ok(3));
    let zero = with(&middle, vec![craft::basic_constraints(true, Some(0)), craft::key_usage(0x04)]);
    assert_eq!(keys.verify(&root, &zero, &end, &options), Ok(3), "an end entity does not count");

    // Time: both ends belong to the validity, 2025-01-01 to 2026-01-01.
    let (first, last) = (1_735_689_600, 1_767_225_600);
    for at in [first, last] {
        assert_eq!(keys.verify(&root, &middle, &end, &ChainOptions::at(at)), Ok(3));
    }
    refused(keys.verify(&root, &middle, &end, &ChainOptions::at(first - 1)), 0, "not yet valid");
    refused(keys.verify(&root, &middle, &end, &ChainOptions::at(last + 1)), 0, "expired");
    let past = Recipe { validity: ("200101000000Z", "210101000000Z"), ..middle.clone() };
    refused(keys.verify(&root, &past, &end, &options), 1, "expired");
    let future = Recipe { validity: ("300101000000Z", "310101000000Z"), ..root.clone() };
    refused(keys.verify(&future, &middle, &end, &options), 2, "not yet valid");

    // Critical extensions.
    let unknown = |recipe: &Recipe<'static>, critical| {
        let mut extensions = recipe.extensions.clone();
        extensions.push(craft::extension("1.2.3.4", critical, &[5, 0]));
        with(recipe, extensions)
    };
    assert_eq!(keys.verify(&root, &middle, &unknown(&end, false), &options), Ok(3));
    refused(keys.verify(&root, &middle, &unknown(&end, true), &options), 0, "critical extension");
    refused(keys.verify(&root, &unknown(&middle, true), &end, &options), 1, "critical extension");
    refused(keys.verify(&unknown(&root, true), &middle, &end, &options), 2, "critical extension");
    let mut constrained = middle.extensions.clone();
    constrained.push(craft::extension("2.5.29.30", false, &seq(&[])));
    refused(keys.verify(&root, &with(&middle, constrained), &end, &options), 1, "name constraints");

    // Names.
    refused(keys.verify(&root, &middle, &leaf("leaf", "another"), &options), 0, "neither among");
    refused(keys.verify(&root, &ca("middle", "another"), &end, &options), 1, "neither among");
    refused(keys.verify(&root, &middle, &leaf("leaf", "leaf"), &options), 0, "self-issued and not among");

    // Uses.
    for (bits, usage, accepted) in [
        (0x80, Usage::Signature, true),
        (0x40, Usage::Signature, true),
        (0x20, Usage::Signature, false),
        (0x80, Usage::DigitalSignature, true),
        (0x40, Usage::DigitalSignature, false),
        (0x40, Usage::NonRepudiation, true),
        (0x80, Usage::NonRepudiation, false),
        (0x20, Usage::Any, true),
        (0x04, Usage::CertificateSigning, false),
    ] {
        let end = with(&end, vec![craft::key_usage(bits)]);
        let result = keys.verify(&root, &middle, &end, &ChainOptions { usage, ..options });
        if accepted { assert_eq!(result, Ok(3)) } else { refused(result, 0, "") }
    }
    let none = with(&end, vec![craft::basic_constraints(false, None)]);
    assert_eq!(keys.verify(&root, &middle, &none, &options), Ok(3), "without keyUsage nothing is restricted");

    // Purposes.
    let purpose = ChainOptions { extended_key_usage: Some(DOCUMENT_SIGNING), ..options };
    refused(keys.verify(&root, &middle, &end, &purpose), 0, "no extended key usage");
    for (has, accepted) in [(DOCUMENT_SIGNING, true), ("2.5.29.37.0", true), ("1.3.6.1.5.5.7.3.1", false)] {
        let result = keys.verify(&root, &middle, &with(&end, vec![craft::extended_key_usage(has)]), &purpose);
        if accepted { assert_eq!(result, Ok(3)) } else { refused(result, 0, "does not allow the purpose") }
    }
    let mut narrow = middle.extensions.clone();
    narrow.push(craft::extended_key_usage("1.3.6.1.5.5.7.3.1"));
    let good_end = with(&end, vec![craft::extended_key_usage(DOCUMENT_SIGNING)]);
    refused(keys.verify(&root, &with(&middle, narrow), &good_end, &purpose), 1, "does not allow the purpose");
}

#[test]
fn signatures_and_keys_of_the_chain_are_checked() {
    let [r, m, l] = [key(Algorithm::Sm2), key(Algorithm::P256), key(Algorithm::Sm2)];
    let stranger = key(Algorithm::P256);
    let root = ca("root", "root").certificate(&r.verifying_key(), &r);
    let middle = ca("middle", "root").certificate(&m.verifying_key(), &r);
    let end = leaf("leaf", "middle");
    let options = ChainOptions::at(NOW);
    let verify = |leaf: &Certificate, middle: &Certificate, root: &Certificate| {
        verify_chain(leaf, std::slice::from_ref(middle), std::slice::from_ref(root), &options).map(|path| path.len())
    };
    refused(verify(&end.certificate(&l.verifying_key(), &stranger), &middle, &root), 0, "does not verify");
    refused(verify(&end.certificate(&l.verifying_key(), &l), &middle, &root), 0, "signature algorithm");
    let impostor = ca("middle", "root").certificate(&m.verifying_key(), &key(Algorithm::Sm2));
    refused(verify(&end.certificate(&l.verifying_key(), &m), &impostor, &root), 1, "does not verify");
    let other_root = ca("root", "root").certificate(&stranger.verifying_key(), &stranger);
    refused(verify(&end.certificate(&l.verifying_key(), &m), &middle, &other_root), 1, "signature algorithm");

    // A self-signed certificate is trusted when it is a root, and only then.
    let own = leaf("own", "own").certificate(&l.verifying_key(), &l);
    assert_eq!(verify_chain(&own, &[], std::slice::from_ref(&own), &options).map(|p| p.len()), Ok(1));
    refused(
        verify_chain(&own, std::slice::from_ref(&own), &[root], &options).map(|p| p.len()),
        0,
        "not among the roots",
    );

    // Another distid for the whole chain, only when asked for.
    let tbs_with = |distid: &[u8]| {
        let template = leaf("leaf", "root").der(&l.verifying_key(), &r);
        let parsed = Certificate::from_der(&template).expect("parses");
        let signature = r.sign_with_distid(distid, parsed.tbs()).expect("signed").to_der();
        let algorithm = craft::signature_algorithm(Algorithm::Sm2);
        Certificate::from_der(&seq(&[parsed.tbs(), &algorithm, &tlv(0x03, &[&[0], &signature])])).expect("parses")
    };
    let root = ca("root", "root").certificate(&r.verifying_key(), &r);
    for (made, asked, accepted) in [
        (&b"1234567812345678"[..], None, true),
        (b"", None, false),
        (b"", Some(&b""[..]), true),
        (b"1234567812345678", Some(b""), false),
        (b"mine", Some(b"mine"), true),
    ] {
        let result =
            verify_chain(&tbs_with(made), &[], std::slice::from_ref(&root), &ChainOptions { distid: asked, ..options });
        assert_eq!(result.is_ok(), accepted, "made {made:?}, asked {asked:?}");
    }
}

#[test]
fn loops_depth_and_crowds_end_quickly() {
    let options = ChainOptions::at(NOW);
    let [a, b, l] = [key(Algorithm::P256), key(Algorithm::P256), key(Algorithm::P256)];
    // Two authorities that certify each other.
    let circle = [ca("a", "b").certificate(&a.verifying_key(), &b), ca("b", "a").certificate(&b.verifying_key(), &a)];
    let end = leaf("leaf", "a").certificate(&l.verifying_key(), &a);
    refused(verify_chain(&end, &circle, &[], &options).map(|p| p.len()), 2, "");

    // Every name is the same and every authority has certified every other: paths without number.
    let crowd: Vec<SigningKey> = (0..12).map(|_| key(Algorithm::P256)).collect();
    let mut intermediates = Vec::new();
    for subject in &crowd {
        for issuer in &crowd {
            intermediates.push(ca("x", "x").certificate(&subject.verifying_key(), issuer));
        }
    }
    let end = leaf("leaf", "x").certificate(&l.verifying_key(), &crowd[0]);
    let started = std::time::Instant::now();
    match verify_chain(&end, &intermediates, &[], &options) {
        Err(Error::InvalidCertificate { reason, .. }) => assert!(reason.contains("100 signature checks"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(started.elapsed().as_secs() < 10);

    // A path of 10 certificates, and of 11.
    for (length, accepted) in [(10, true), (11, false)] {
        let keys: Vec<SigningKey> = (0..length).map(|_| key(Algorithm::P256)).collect();
        let names: Vec<String> = (0..length).map(|i| format!("level {i}")).collect();
        let root = ca(&names[0], &names[0]).certificate(&keys[0].verifying_key(), &keys[0]);
        let below = |i: usize| ca(&names[i], &names[i - 1]).certificate(&keys[i].verifying_key(), &keys[i - 1]);
        let intermediates: Vec<Certificate> = (1..length - 1).map(below).collect();
        let last = length - 1;
        let end = leaf(&names[last], &names[last - 1]).certificate(&keys[last].verifying_key(), &keys[last - 1]);
        let result = verify_chain(&end, &intermediates, &[root], &options).map(|p| p.len());
        if accepted { assert_eq!(result, Ok(length)) } else { refused(result, 10, "longer than 10") }
    }
}

#[test]
fn a_detour_over_a_useless_intermediate_is_left_again() {
    let [r, m, l] = [key(Algorithm::P256), key(Algorithm::P256), key(Algorithm::P256)];
    let root = ca("root", "root").certificate(&r.verifying_key(), &r);
    let good = ca("middle", "root").certificate(&m.verifying_key(), &r);
    let expired = Recipe { validity: ("200101000000Z", "210101000000Z"), ..ca("middle", "root") };
    let useless = [
        expired.certificate(&m.verifying_key(), &r),
        ca("middle", "nobody").certificate(&m.verifying_key(), &r),
        ca("middle", "root").certificate(&l.verifying_key(), &r),
    ];
    let end = leaf("leaf", "middle").certificate(&l.verifying_key(), &m);
    for position in 0..=useless.len() {
        let mut intermediates = useless.to_vec();
        intermediates.insert(position, good.clone());
        let path =
            verify_chain(&end, &intermediates, std::slice::from_ref(&root), &ChainOptions::at(NOW)).expect("path");
        assert_eq!(path, [end.clone(), good.clone(), root.clone()]);
    }
}

// --- certificates ---

#[test]
fn odd_certificates_are_refused() {
    let k = key(Algorithm::P256);
    let der = |extensions| Recipe { extensions, ..leaf("a", "a") }.der(&k.verifying_key(), &k);
    let twice = vec![craft::key_usage(0x80), craft::key_usage(0x80)];
    refused_encoding(Certificate::from_der(&der(twice)), "occurs twice");
    refused_encoding(Certificate::from_der(&der(vec![craft::extension("2.5.29.15", true, &[4, 0])])), "");
    refused_encoding(Certificate::from_der(&der(vec![craft::extension("2.5.29.37", false, &seq(&[]))])), "");
    let mut good = der(vec![craft::key_usage(0x80)]);
    Certificate::from_der(&good).expect("parses");
    good.push(0);
    refused_encoding(Certificate::from_der(&good), "after the end");
    refused_encoding(Certificate::from_pem(&good), "no PEM text");
    refused_encoding(Certificate::load_all(b"-----BEGIN X-----\n-----END X-----\n"), "CERTIFICATE");

    // A certificate with an RSA key is read and shown; its key is refused when asked for.
    let certificate = Certificate::from_der(&der(vec![craft::key_usage(0x80)])).expect("parses");
    let rsa =
        seq(&[&seq(&[&oid("1.2.840.113549.1.1.1"), &[5, 0]]), &tlv(0x03, &[&[0], &seq(&[&[2, 1, 3], &[2, 1, 3]])])]);
    let spki = certificate.spki().to_vec();
    let at = certificate.tbs().windows(spki.len()).position(|w| w == spki).expect("there");
    let header = certificate.tbs().len() - Certificate::from_der(certificate.der()).expect("parses").tbs().len();
    assert_eq!(header, 0);
    let content = &certificate.tbs()
        [if certificate.tbs()[1] & 0x80 == 0 { 2 } else { 2 + (certificate.tbs()[1] & 0x7f) as usize }..];
    let at = at - (certificate.tbs().len() - content.len());
    let tbs = seq(&[&content[..at], &rsa, &content[at + spki.len()..]]);
    let algorithm = craft::signature_algorithm(Algorithm::P256);
    let signature = k.sign(&tbs).to_der();
    let rsa = Certificate::from_der(&seq(&[&tbs, &algorithm, &tlv(0x03, &[&[0], &signature])])).expect("parses");
    refused_key(rsa.public_key(), "neither P-256 nor SM2");
    rsa.verify_signature(&k.verifying_key(), None).expect("its issuer's signature is good");
    let result = verify_chain(&rsa, &[], std::slice::from_ref(&rsa), &ChainOptions::at(NOW)).map(|p| p.len());
    refused(result, 0, "neither P-256 nor SM2");
}

// --- the authority ---

const VALIDITY: Validity = Validity { not_before: NOW - 1000, not_after: NOW + 1000 };

fn root(algorithm: Algorithm, path_length: Option<u8>) -> CertificateAuthority {
    CertificateAuthority::create_root(key(algorithm), "CN=Root,C=CN", VALIDITY, path_length).expect("root")
}

#[test]
fn the_authority_issues_what_verifies() {
    for (above, below) in
        [(Algorithm::Sm2, Algorithm::Sm2), (Algorithm::P256, Algorithm::P256), (Algorithm::Sm2, Algorithm::P256)]
    {
        let root = root(above, Some(1));
        assert!(root.certificate().is_self_signed());
        let issuing_key = key(below);
        let certificate = root
            .issue("CN=Issuing", &issuing_key.verifying_key(), VALIDITY, &Profile::Authority { path_length: Some(0) })
            .expect("issued");
        let issuing = CertificateAuthority::new(issuing_key, certificate).expect("authority");
        let signer = key(below);
        let request = CertificateRequest::create(&signer, "CN=印章,O=甲").expect("request");
        request.verify(None).expect("valid");
        let request = CertificateRequest::load(request.to_pem().expect("PEM").as_bytes()).expect("read");
        let purposes = [DOCUMENT_SIGNING, "2.25.340282366920938463463374607431768211455"];
        let profile = Profile::Signer { extended_key_usage: &purposes };
        let end = issuing.issue_request(&request, VALIDITY, &profile).expect("issued");
        assert_eq!(end.subject(), "CN=印章,O=甲");
        assert_eq!(end.issuer(), "CN=Issuing");
        assert_eq!((end.not_before(), end.not_after()), (VALIDITY.not_before, VALIDITY.not_after));
        assert_eq!(end.extended_key_usage().expect("purposes"), purposes);
        assert_eq!(end.key_usage().expect("usage").names(), ["digital_signature", "non_repudiation"]);
        assert_eq!(end.authority_key_id(), issuing.certificate().subject_key_id());
        assert!(end.public_key().expect("key") == signer.verifying_key());
        assert!(end.serial().len() >= 16 && (0x40..0x80).contains(&end.serial()[0]), "random and positive");
        let options = ChainOptions { extended_key_usage: Some(DOCUMENT_SIGNING), ..ChainOptions::at(NOW) };
        let path = verify_chain(&end, &[issuing.certificate().clone()], &[root.certificate().clone()], &options);
        assert_eq!(path.expect("path").len(), 3);
        let again = issuing.issue_request(&request, VALIDITY, &profile).expect("issued");
        assert_ne!(again.serial(), end.serial());
    }
}

#[test]
fn the_authority_refuses() {
    let ca = root(Algorithm::P256, Some(0));
    let signer = Profile::Signer { extended_key_usage: &[] };
    let public: VerifyingKey = key(Algorithm::P256).verifying_key();
    let argument = |result: sealcore::Result<Certificate>, name: &str| match result {
        Err(Error::InvalidArgument { field, .. }) if field == name => {}
        other => panic!("expected {name}, got {other:?}"),
    };
    for validity in [
        Validity { not_before: VALIDITY.not_before - 1, ..VALIDITY },
        Validity { not_after: VALIDITY.not_after + 1, ..VALIDITY },
        Validity { not_before: NOW, not_after: NOW - 1 },
    ] {
        argument(ca.issue("CN=a", &public, validity, &signer), "validity");
    }
    for path_length in [None, Some(0), Some(1)] {
        argument(ca.issue("CN=a", &public, VALIDITY, &Profile::Authority { path_length }), "path_length");
    }
    argument(
        ca.issue("CN=a", &public, VALIDITY, &Profile::Signer { extended_key_usage: &["nonsense"] }),
        "extended_key_usage",
    );
    for wrong in
        ["", "1", "3.1", "1.40", "1.2.", "1..2", "1.02", "1.2.-3", "1.2.340282366920938463463374607431768211456"]
    {
        argument(
            ca.issue("CN=a", &public, VALIDITY, &Profile::Signer { extended_key_usage: &[wrong] }),
            "extended_key_usage",
        );
    }
    refused_encoding(ca.issue("nonsense", &public, VALIDITY, &signer), "a part like");
    for (before, after) in [(-1, 1), (0, 253_402_300_800)] {
        let validity = Validity { not_before: before, not_after: after };
        let made = CertificateAuthority::create_root(key(Algorithm::P256), "CN=a", validity, None).map(|_| ());
        assert!(matches!(made, Err(Error::InvalidArgument { .. })), "{made:?}");
    }
    let end = ca.issue("CN=a", &public, VALIDITY, &signer).expect("issued");
    refused_key(CertificateAuthority::new(key(Algorithm::P256), ca.certificate().clone()), "not the key");
    let end_key = key(Algorithm::Sm2);
    let end_of = ca.issue("CN=b", &end_key.verifying_key(), VALIDITY, &signer).expect("issued");
    assert!(matches!(CertificateAuthority::new(end_key, end_of), Err(Error::InvalidCertificate { depth: 0, .. })));
    let request = CertificateRequest::create(&key(Algorithm::Sm2), "CN=c").expect("request");
    let mut forged = request.der().to_vec();
    let at = forged.windows(3).position(|w| w == b"\x0c\x01c").expect("CN") + 2;
    forged[at] = b'd';
    let forged = CertificateRequest::from_der(&forged).expect("parses");
    assert_eq!(ca.issue_request(&forged, VALIDITY, &signer), Err(Error::InvalidSignature));
    // Beyond 2049 the dates are GeneralizedTime.
    let late = Validity { not_before: NOW, not_after: 253_402_300_799 };
    let root = CertificateAuthority::create_root(key(Algorithm::P256), "CN=late", late, None).expect("root");
    assert_eq!(root.certificate().not_after(), 253_402_300_799);
    assert!(end.to_pem().expect("PEM").starts_with("-----BEGIN CERTIFICATE-----\n"));
}
