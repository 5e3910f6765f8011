//! Damaged and hostile input: every byte flipped, every truncation, random bytes, and lists without end. Nothing
//! panics, nothing damaged is accepted, nothing costs much.

use proptest::prelude::*;
use sealcore::Error;
use sealcore::pki::*;
use sealcore::sign::{Algorithm, SigningKey};
use support::craft::{self, oid, seq, tlv};

const NOW: i64 = 1_750_000_000;
const VALIDITY: Validity = Validity { not_before: NOW - 1000, not_after: NOW + 1000 };
const BOTH: [Algorithm; 2] = [Algorithm::Sm2, Algorithm::P256];
const CONTENT: &[u8] = b"content";

struct Good {
    key: SigningKey,
    issuer: Certificate,
    certificate: Vec<u8>,
    request: Vec<u8>,
    cms: Vec<u8>,
    private: Vec<u8>,
    public: Vec<u8>,
}

impl Good {
    fn new(algorithm: Algorithm) -> Self {
        let key = SigningKey::generate(algorithm).expect("random source");
        let above = SigningKey::generate(algorithm).expect("random source");
        let root = CertificateAuthority::create_root(above, "CN=r", VALIDITY, None).expect("root");
        let profile = Profile::Signer { extended_key_usage: &[DOCUMENT_SIGNING] };
        let certificate = root.issue("CN=s", &key.verifying_key(), VALIDITY, &profile).expect("issued");
        let digest = algorithm.hash().digest(CONTENT);
        let options = CmsOptions { attributes: &[("1.2.3", &[5, 0])], ..CmsOptions::default() };
        Good {
            issuer: root.certificate().clone(),
            certificate: certificate.der().to_vec(),
            request: CertificateRequest::create(&key, "CN=s").expect("request").der().to_vec(),
            cms: sign_cms(&key, &certificate, &digest, &options).expect("signed"),
            private: dump_private_key(&key, None, Format::Der).expect("PKCS#8").to_vec(),
            public: dump_public_key(&key.verifying_key(), Format::Der).expect("SPKI"),
            key,
        }
    }
}

/// Each byte with one bit, the sign bit, and all bits changed.
fn flips(good: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..good.len()).flat_map(move |at| {
        [0x01, 0x80, 0xff, 0x02, 0x04, 0x20].into_iter().map(move |mask| {
            let mut bytes = good.to_vec();
            bytes[at] ^= mask;
            (at, bytes)
        })
    })
}

#[test]
fn no_flipped_certificate_is_accepted() {
    for algorithm in BOTH {
        let good = Good::new(algorithm);
        let options = ChainOptions { extended_key_usage: Some(DOCUMENT_SIGNING), ..ChainOptions::at(NOW) };
        let accepted = |der: &[u8]| {
            let certificate = Certificate::from_der(der)?;
            verify_chain(&certificate, &[], std::slice::from_ref(&good.issuer), &options).map(|_| ())
        };
        accepted(&good.certificate).expect("good");
        for (at, bytes) in flips(&good.certificate) {
            assert!(accepted(&bytes).is_err(), "{algorithm:?}: byte {at} of a certificate");
        }
        // As the root: its own signature is not checked, but the key and name are what the signature below needs.
        for (at, bytes) in flips(good.issuer.der()) {
            if let Ok(root) = Certificate::from_der(&bytes) {
                let end = Certificate::from_der(&good.certificate).expect("good");
                if verify_chain(&end, &[], std::slice::from_ref(&root), &options).is_ok() {
                    assert_eq!(root.spki(), good.issuer.spki(), "byte {at} of a root");
                    assert_eq!(root.subject_der(), good.issuer.subject_der(), "byte {at} of a root");
                }
            }
        }
    }
}

#[test]
fn no_flipped_request_is_accepted() {
    for algorithm in BOTH {
        let good = Good::new(algorithm);
        let accepted = |der: &[u8]| CertificateRequest::from_der(der)?.verify(None);
        accepted(&good.request).expect("good");
        for (at, bytes) in flips(&good.request) {
            assert!(accepted(&bytes).is_err(), "{algorithm:?}: byte {at} of a request");
        }
    }
}

#[test]
fn no_flipped_cms_is_accepted_without_a_report() {
    for algorithm in BOTH {
        let good = Good::new(algorithm);
        let verify = |der: &[u8]| verify_cms(der, CmsContent::Bytes(CONTENT), &CmsVerification::default());
        let original = verify(&good.cms).expect("good");
        for (at, bytes) in flips(&good.cms) {
            if let Ok(info) = verify(&bytes) {
                // What no signature covers and no check needs: the version numbers and the list of digest
                // algorithms. The report says so, and all the rest is as it was.
                assert!(
                    [[Deviation::Version], [Deviation::DigestAlgorithmNotListed]].contains(&[info.deviations[0]]),
                    "{algorithm:?}: byte {at}: {:?}",
                    info.deviations
                );
                assert_eq!(info.deviations.len(), 1);
                assert_eq!(info.signer, original.signer);
                assert_eq!(info.signed_attributes, original.signed_attributes);
                assert_eq!(info.signature, original.signature);
            }
        }
    }
}

#[test]
fn no_flipped_key_is_another_key() {
    for algorithm in BOTH {
        let good = Good::new(algorithm);
        assert!(load_private_key(&good.private, None).expect("good") == good.key);
        for (at, bytes) in flips(&good.private) {
            assert!(load_private_key(&bytes, None).is_err(), "{algorithm:?}: byte {at} of a private key");
        }
        assert!(load_public_key(&good.public).expect("good") == good.key.verifying_key());
        for (at, bytes) in flips(&good.public) {
            assert!(load_public_key(&bytes).is_err(), "{algorithm:?}: byte {at} of a public key");
        }
    }
    // Encrypted: the scheme authenticates nothing, the public key inside does.
    let read = |name: &str| std::fs::read(support::vectors().join("pki").join(name)).expect("vector");
    let text = String::from_utf8(read("pbes2_one_iteration.pem")).expect("ASCII");
    let key = load_private_key(&read("pbes2_plain.pem"), None).expect("plain");
    assert!(load_private_key(text.as_bytes(), Some(b"vector")).expect("opens") == key);
    let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let der = unbase64(&base64);
    assert!(load_private_key(&der, Some(b"vector")).expect("opens") == key);
    for (at, bytes) in flips(&der) {
        assert!(load_private_key(&bytes, Some(b"vector")).is_err(), "byte {at} of an encrypted private key");
    }
    for length in 0..der.len() {
        assert!(load_private_key(&der[..length], Some(b"vector")).is_err(), "{length} bytes");
    }
}

fn unbase64(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> = text.chars().filter_map(|c| DIGITS.find(c)).map(|d| d as u32).collect();
    let mut out = Vec::new();
    for chunk in digits.chunks(4) {
        let word = (0..4).fold(0, |word, i| word << 6 | chunk.get(i).copied().unwrap_or(0));
        out.extend(&word.to_be_bytes()[1..chunk.len()]);
    }
    out
}

#[test]
fn no_truncation_is_accepted() {
    for algorithm in BOTH {
        let good = Good::new(algorithm);
        for (name, bytes) in [
            ("certificate", &good.certificate),
            ("request", &good.request),
            ("cms", &good.cms),
            ("private", &good.private),
            ("public", &good.public),
        ] {
            for length in 0..bytes.len() {
                let part = &bytes[..length];
                assert!(Certificate::load(part).is_err(), "{name} {length}");
                assert!(CertificateRequest::load(part).is_err(), "{name} {length}");
                assert!(
                    verify_cms(part, CmsContent::Bytes(CONTENT), &CmsVerification::default()).is_err(),
                    "{name} {length}"
                );
                assert!(cms_certificates(part).is_err(), "{name} {length}");
                assert!(load_private_key(part, None).is_err(), "{name} {length}");
                assert!(load_public_key(part).is_err(), "{name} {length}");
            }
        }
        let pem = dump_private_key(&good.key, None, Format::Pem).expect("PEM");
        for length in 0..pem.len() - 1 {
            assert!(load_private_key(&pem[..length], None).is_err(), "{length} characters of PEM");
        }
    }
}

#[test]
fn one_kind_of_object_is_never_another() {
    let good = Good::new(Algorithm::P256);
    let all = [&good.certificate, &good.request, &good.cms, &good.private, &good.public];
    for (kind, bytes) in all.iter().enumerate() {
        assert_eq!(Certificate::load(bytes).is_ok(), kind == 0);
        assert_eq!(CertificateRequest::load(bytes).is_ok(), kind == 1);
        assert_eq!(cms_certificates(bytes).is_ok(), kind == 2);
        assert_eq!(load_private_key(bytes, None).is_ok(), kind == 3);
        assert_eq!(load_public_key(bytes).is_ok(), kind == 4);
    }
}

#[test]
fn lists_without_end_and_deep_nesting_cost_little() {
    let started = std::time::Instant::now();
    let many = |element: &[u8], bytes: usize| element.repeat(bytes / element.len());
    let long = |tag: u8, content: &[u8]| {
        let length = content.len() as u32;
        [&[tag, 0x84][..], &length.to_be_bytes(), content].concat()
    };
    let signed_data = |certificates: &[u8], signers: &[u8]| {
        let digest = seq(&[&oid("2.16.840.1.101.3.4.2.1")]);
        let signed =
            [&[2, 1, 1][..], &tlv(0x31, &[&digest]), &seq(&[&oid("1.2.840.113549.1.7.1")]), certificates, signers]
                .concat();
        long(0x30, &[oid("1.2.840.113549.1.7.2"), long(0xa0, &long(0x30, &signed))].concat())
    };
    const MIB: usize = 1 << 20;
    for hostile in [
        signed_data(&long(0xa0, &many(&[5, 0], 8 * MIB)), &[0x31, 0]),
        signed_data(&[], &long(0x31, &many(&[0x30, 0], 8 * MIB))),
        signed_data(&[], &long(0x31, &long(0x30, &many(&[2, 1, 1], 8 * MIB)))),
    ] {
        assert!(matches!(cms_certificates(&hostile), Err(Error::InvalidEncoding { .. })));
        assert!(verify_cms(&hostile, CmsContent::Bytes(CONTENT), &CmsVerification::default()).is_err());
    }
    // Length bounds, of bytes and of text.
    for bytes in [vec![0x30; (1 << 18) + 1], vec![b'a'; 17 * MIB]] {
        assert!(matches!(Certificate::from_der(&bytes), Err(Error::InvalidLength { .. })));
        assert!(matches!(CertificateRequest::from_der(&bytes), Err(Error::InvalidLength { .. })));
        assert!(load_private_key(&bytes, None).is_err() && load_public_key(&bytes).is_err());
        assert!(verify_cms(&bytes, CmsContent::Attached, &CmsVerification::default()).is_err());
    }
    // Many extensions in one certificate.
    let key = SigningKey::generate(Algorithm::P256).expect("random source");
    let extensions = |count: u32| (0..count).map(|i| craft::extension(&format!("1.2.3.{i}"), false, &[])).collect();
    let recipe = |count| craft::Recipe {
        subject: "x",
        issuer: "x",
        validity: ("250101000000Z", "260101000000Z"),
        extensions: extensions(count),
    };
    let der = |count| recipe(count).der(&key.verifying_key(), &key);
    assert_eq!(Certificate::from_der(&der(1024)).expect("parses").extensions().len(), 1024);
    match Certificate::from_der(&der(1025)) {
        Err(Error::InvalidEncoding { reason, .. }) => assert!(reason.contains("1024"), "{reason}"),
        other => panic!("{other:?}"),
    }
    // Nesting.
    let mut nested = vec![];
    for _ in 0..2000 {
        nested = if nested.len() < 60_000 { tlv(0x30, &[&nested]) } else { nested };
    }
    assert!(Certificate::from_der(&nested).is_err() && load_private_key(&nested, None).is_err());
    assert!(verify_cms(&nested, CmsContent::Attached, &CmsVerification::default()).is_err());
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

/// Every reader of the room; the password is never the right one for what proptest makes.
fn read_everything(bytes: &[u8]) {
    let _ = Certificate::load(bytes).map(|c| (c.is_self_signed(), c.to_pem(), c.key_usage().map(KeyUsage::names)));
    let _ = Certificate::load_all(bytes);
    let _ = CertificateRequest::load(bytes).map(|r| r.verify(None));
    let _ = cms_certificates(bytes);
    for content in [CmsContent::Attached, CmsContent::Bytes(CONTENT), CmsContent::Digest(&[7; 32])] {
        let _ = verify_cms(
            bytes,
            content,
            &CmsVerification { allow_unordered_attributes: true, ..CmsVerification::default() },
        );
    }
    let _ = load_private_key(bytes, None);
    let _ = load_public_key(bytes);
}

fn good_objects() -> &'static [Vec<u8>] {
    static OBJECTS: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    OBJECTS.get_or_init(|| {
        let mut all = Vec::new();
        for algorithm in BOTH {
            let good = Good::new(algorithm);
            let pem = dump_private_key(&good.key, None, Format::Pem).expect("PEM").to_vec();
            let certificate =
                Certificate::from_der(&good.certificate).expect("good").to_pem().expect("PEM").into_bytes();
            all.extend([good.certificate, good.request, good.cms, good.private, good.public, pem, certificate]);
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_everything(&bytes);
        read_everything(&tlv(0x30, &[&bytes]));
    }

    #[test]
    fn damaged_objects_never_panic(
        which in 0usize..14,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..6),
    ) {
        let mut bytes = good_objects()[which].clone();
        for (index, value, kind) in cuts {
            if bytes.is_empty() { break; }
            let at = index.index(bytes.len());
            match kind {
                0 => bytes[at] = value,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, value),
                _ => bytes.truncate(at),
            }
        }
        read_everything(&bytes);
    }

    #[test]
    fn random_names_never_panic_and_return(text in "\\PC{0,40}", structured in "(CN|O|OU|1\\.2\\.3|DC)=[a-z\\\\,+=#\" 合]{0,12}") {
        let key = SigningKey::from_bytes(Algorithm::P256, &[1; 32]).expect("a scalar");
        for name in [text, structured] {
            if let Ok(request) = CertificateRequest::create(&key, &name) {
                let again = CertificateRequest::create(&key, request.subject()).expect("what is shown is read");
                prop_assert_eq!(again.subject(), request.subject());
            }
        }
    }
}
