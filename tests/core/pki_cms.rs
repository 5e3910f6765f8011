//! CMS SignedData: what is built, what verifies, and each rule with its refusal.

use sealcore::Error;
use sealcore::hash::{HashAlgorithm, sha256, sm3};
use sealcore::pki::*;
use sealcore::sign::{Algorithm, Signature, SigningKey};
use support::craft::{self, oid, seq, tlv};

const NOW: i64 = 1_750_000_000;
const VALIDITY: Validity = Validity { not_before: NOW - 1000, not_after: NOW + 1000 };
const BOTH: [Algorithm; 2] = [Algorithm::Sm2, Algorithm::P256];
const CONTENT: &[u8] = "合同内容".as_bytes();

struct Signer {
    root: CertificateAuthority,
    key: SigningKey,
    certificate: Certificate,
}

impl Signer {
    fn new(algorithm: Algorithm) -> Self {
        let key = || SigningKey::generate(algorithm).expect("random source");
        let root = CertificateAuthority::create_root(key(), "CN=Root", VALIDITY, None).expect("root");
        let key = key();
        let profile = Profile::Signer { extended_key_usage: &[] };
        let certificate = root.issue("CN=Signer", &key.verifying_key(), VALIDITY, &profile).expect("issued");
        Signer { root, key, certificate }
    }

    fn digest(&self) -> [u8; 32] {
        self.key.algorithm().hash().digest(CONTENT)
    }

    fn sign(&self, options: &CmsOptions<'_>) -> Vec<u8> {
        sign_cms(&self.key, &self.certificate, &self.digest(), options).expect("signed")
    }
}

fn verify(der: &[u8]) -> sealcore::Result<CmsInfo> {
    verify_cms(der, CmsContent::Bytes(CONTENT), &CmsVerification::default())
}

fn reason(result: sealcore::Result<CmsInfo>) -> &'static str {
    match result {
        Err(
            Error::InvalidEncoding { reason, .. }
            | Error::InvalidCertificate { reason, .. }
            | Error::InvalidArgument { reason, .. },
        ) => reason,
        Err(Error::InvalidSignature) => "invalid signature",
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_built_verifies_and_says_what_it_is() {
    for algorithm in BOTH {
        let signer = Signer::new(algorithm);
        let extra = tlv(0x04, &[b"index 7"]);
        let big = "2.25.90272989434894856797604732404964682080";
        let options = CmsOptions {
            chain: &[signer.root.certificate().clone(), signer.certificate.clone()],
            signing_time: Some(NOW),
            attributes: &[("1.2.3.4", &extra), (big, &[5, 0])],
            ..CmsOptions::default()
        };
        let der = signer.sign(&options);
        for content in [CmsContent::Bytes(CONTENT), CmsContent::Digest(&signer.digest())] {
            let info = verify_cms(&der, content, &CmsVerification::default()).expect("valid");
            assert_eq!(info.signer, signer.certificate);
            assert_eq!(info.certificates.len(), 2, "no certificate twice");
            assert_eq!((info.algorithm, info.digest_algorithm), (algorithm, algorithm.hash()));
            assert_eq!((info.signing_time, info.binds_certificate, info.content), (Some(NOW), true, None));
            assert_eq!((info.deviations, info.unreadable_certificates), (vec![], vec![]));
            let attributes = info.signed_attributes.expect("attributes");
            assert_eq!(attributes.len(), 6);
            let value = |name: &str| attributes.iter().find(|a| a.oid == name).expect("there").values.clone();
            assert_eq!(value("1.2.3.4"), std::slice::from_ref(&extra));
            assert_eq!(value(big), [vec![5, 0]]);
        }
        // PAdES: no signing-time unless asked for.
        assert_eq!(verify(&signer.sign(&CmsOptions::default())).expect("valid").signing_time, None);
        verify(&craft::pem("CMS", &der)).expect("PEM");
    }
}

#[test]
fn the_encoding_is_the_one_that_validators_expect() {
    for algorithm in BOTH {
        let signer = Signer::new(algorithm);
        let der = signer.sign(&CmsOptions::default());
        let has = |bytes: &[u8]| der.windows(bytes.len()).filter(|w| *w == bytes).count();
        // signing-certificate-v2 with the default hash left out: SEQ{SEQ{SEQ{OCTET STRING}}}.
        let certificate = seq(&[&seq(&[&seq(&[&tlv(0x04, &[&sha256(signer.certificate.der())])])])]);
        let attribute = |name: &str, value: &[u8]| seq(&[&oid(name), &tlv(0x31, &[value])]);
        assert_eq!(has(&attribute("1.2.840.113549.1.9.16.2.47", &certificate)), 1);
        assert_eq!(has(&attribute("1.2.840.113549.1.9.3", &oid("1.2.840.113549.1.7.1"))), 1);
        assert_eq!(has(&attribute("1.2.840.113549.1.9.4", &tlv(0x04, &[&signer.digest()]))), 1);
        let (digest, signature) = match algorithm {
            Algorithm::Sm2 => ("1.2.156.10197.1.401", "1.2.156.10197.1.501"),
            Algorithm::P256 => ("2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2"),
        };
        assert_eq!(has(&seq(&[&oid(digest)])), 2, "in SignedData and SignerInfo, without parameters");
        assert!(has(&seq(&[&oid(signature)])) >= 1);
        assert_eq!(has(&seq(&[&oid("1.2.840.113549.1.7.1")])), 1, "eContent is absent");
        // With SM3 for the certificate its algorithm is written.
        let der = signer.sign(&CmsOptions { certificate_hash: HashAlgorithm::Sm3, ..CmsOptions::default() });
        let id = seq(&[&seq(&[&oid("1.2.156.10197.1.401")]), &tlv(0x04, &[&sm3(signer.certificate.der())])]);
        assert!(der.windows(id.len()).any(|w| w == id));
        assert!(verify(&der).expect("valid").binds_certificate);
    }
}

#[test]
fn two_phases_give_the_same_as_one() {
    for algorithm in BOTH {
        let signer = Signer::new(algorithm);
        let draft = prepare_cms(&signer.certificate, &signer.digest(), &CmsOptions::default()).expect("draft");
        assert_eq!(draft.algorithm(), algorithm);
        assert_eq!(draft.to_be_signed()[0], 0x31, "the SET OF, not its implicit tag");
        let by_message = draft.finish(&signer.key.sign(draft.to_be_signed())).expect("finished");
        assert!(verify(&by_message).is_ok());
        let by_digest = draft.finish(&signer.key.sign_digest(&draft.digest_to_be_signed())).expect("finished");
        assert!(verify(&by_digest).is_ok());
        let other = SigningKey::generate(algorithm).expect("random source");
        for wrong in [
            other.sign(draft.to_be_signed()),
            signer.key.sign(b"something else"),
            Signature::from_bytes(&[1; 64]).expect("64 bytes"),
        ] {
            assert_eq!(draft.finish(&wrong), Err(Error::InvalidSignature));
        }
        let foreign = sign_cms(&other, &signer.certificate, &signer.digest(), &CmsOptions::default());
        assert!(matches!(foreign, Err(Error::InvalidKey { field: "private key", .. })));
    }
}

#[test]
fn building_refuses() {
    let signer = Signer::new(Algorithm::Sm2);
    let refused = |options: CmsOptions<'_>, name: &str| match prepare_cms(&signer.certificate, &[0; 32], &options) {
        Err(Error::InvalidArgument { field, .. }) if field == name => {}
        other => panic!("expected {name}, got {other:?}"),
    };
    refused(CmsOptions { digest_algorithm: Some(HashAlgorithm::Sha256), ..CmsOptions::default() }, "digest_algorithm");
    refused(CmsOptions { signing_time: Some(-1), ..CmsOptions::default() }, "signing_time");
    for reserved in
        ["1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.5", "1.2.840.113549.1.9.16.2.47"]
    {
        refused(CmsOptions { attributes: &[(reserved, &[5, 0])], ..CmsOptions::default() }, "attributes");
    }
    refused(
        CmsOptions { attributes: &[("1.2.3", &[5, 0]), ("1.2.3", &[5, 0])], ..CmsOptions::default() },
        "attributes",
    );
    for value in [&[][..], &[5], &[5, 0, 0], &[4, 0x81, 1, 0], &[0x30, 0x80, 0, 0]] {
        refused(CmsOptions { attributes: &[("1.2.3", value)], ..CmsOptions::default() }, "attributes");
    }
    for name in ["", "a", "1", "4.1", "1.2.03"] {
        refused(CmsOptions { attributes: &[(name, &[5, 0])], ..CmsOptions::default() }, "attributes");
    }
}

#[test]
fn the_content_decides() {
    for algorithm in BOTH {
        let signer = Signer::new(algorithm);
        let der = signer.sign(&CmsOptions::default());
        let check = |content| verify_cms(&der, content, &CmsVerification::default());
        assert_eq!(reason(check(CmsContent::Bytes(b"other"))), "invalid signature");
        assert_eq!(reason(check(CmsContent::Digest(&[0; 32]))), "invalid signature");
        assert!(reason(check(CmsContent::Attached)).contains("detached"));
        let distid = CmsVerification { distid: Some(b"other"), ..CmsVerification::default() };
        let with_distid = verify_cms(&der, CmsContent::Bytes(CONTENT), &distid);
        assert_eq!(with_distid.is_ok(), algorithm == Algorithm::P256, "a distid is of SM2 only");
    }
}

/// A SignedData by hand, for what no builder here makes.
struct Craft<'a> {
    signer: &'a Signer,
    gm: (bool, bool),
    versions: [u8; 2],
    /// (name, value) in the order in which they are to stand; `None`: no signed attributes.
    attributes: Option<Vec<(&'a str, Vec<u8>)>>,
    content: Option<&'a [u8]>,
    digest_algorithms: Vec<Vec<u8>>,
    raw_signature: bool,
    signature_algorithm: &'a str,
    unsigned: Vec<u8>,
    key_id: bool,
    certificates: Vec<Vec<u8>>,
}

const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";
const DATA: &str = "1.2.840.113549.1.7.1";
const GM_DATA: &str = "1.2.156.10197.6.1.4.2.1";

impl<'a> Craft<'a> {
    fn new(signer: &'a Signer) -> Self {
        let sm2 = signer.key.algorithm() == Algorithm::Sm2;
        Craft {
            signer,
            gm: (false, false),
            versions: [1, 1],
            attributes: Some(vec![(CONTENT_TYPE, oid(DATA)), (MESSAGE_DIGEST, tlv(0x04, &[&signer.digest()]))]),
            content: None,
            digest_algorithms: vec![oid(if sm2 { "1.2.156.10197.1.401" } else { "2.16.840.1.101.3.4.2.1" })],
            raw_signature: false,
            signature_algorithm: if sm2 { "1.2.156.10197.1.501" } else { "1.2.840.10045.4.3.2" },
            unsigned: Vec::new(),
            key_id: false,
            certificates: vec![signer.certificate.der().to_vec()],
        }
    }

    fn with(mut self, name: &'a str, value: Vec<u8>) -> Self {
        let list = self.attributes.as_mut().expect("attributes");
        list.retain(|(n, _)| *n != name);
        list.push((name, value));
        list.sort_by_key(|(n, v)| seq(&[&oid(n), &tlv(0x31, &[v])]));
        self
    }

    fn der(&self) -> Vec<u8> {
        let certificate = &self.signer.certificate;
        let elements: Option<Vec<Vec<u8>>> =
            self.attributes.as_ref().map(|list| list.iter().map(|(n, v)| seq(&[&oid(n), &tlv(0x31, &[v])])).collect());
        let joined = elements.as_ref().map(|e| e.concat());
        let message = match &joined {
            Some(attributes) => tlv(0x31, &[attributes]),
            None => self.content.unwrap_or(CONTENT).to_vec(),
        };
        let signature = self.signer.key.sign(&message);
        let signature = if self.raw_signature { signature.to_bytes().to_vec() } else { signature.to_der() };
        let sid = match self.key_id {
            true => tlv(0x80, &[certificate.subject_key_id().expect("key id")]),
            false => seq(&[certificate.issuer_der(), &tlv(0x02, &[certificate.serial()])]),
        };
        let own_digest = match self.signer.key.algorithm() {
            Algorithm::Sm2 => oid("1.2.156.10197.1.401"),
            Algorithm::P256 => oid("2.16.840.1.101.3.4.2.1"),
        };
        let info = seq(&[
            &[2, 1, self.versions[1]],
            &sid,
            &seq(&[&own_digest]),
            &joined.map(|a| tlv(0xa0, &[&a])).unwrap_or_default(),
            &seq(&[&oid(self.signature_algorithm)]),
            &tlv(0x04, &[&signature]),
            &self.unsigned,
        ]);
        let content = self.content.map(|c| tlv(0xa0, &[&tlv(0x04, &[c])])).unwrap_or_default();
        let digests: Vec<Vec<u8>> = self.digest_algorithms.iter().map(|d| seq(&[d])).collect();
        let signed = seq(&[
            &[2, 1, self.versions[0]],
            &tlv(0x31, &[&digests.concat()]),
            &seq(&[&oid(if self.gm.1 { GM_DATA } else { DATA }), &content]),
            &tlv(0xa0, &[&self.certificates.concat()]),
            &tlv(0x31, &[&info]),
        ]);
        let outer = oid(if self.gm.0 { "1.2.156.10197.6.1.4.2.2" } else { "1.2.840.113549.1.7.2" });
        seq(&[&outer, &tlv(0xa0, &[&signed])])
    }
}

#[test]
fn deviations_are_accepted_and_reported() {
    for algorithm in BOTH {
        let signer = Signer::new(algorithm);
        let found = |craft: Craft<'_>| verify(&craft.der()).expect("valid").deviations;
        assert_eq!(found(Craft::new(&signer)), [], "what the deviations are made from");
        assert_eq!(found(Craft { raw_signature: true, ..Craft::new(&signer) }), [Deviation::RawSignature]);
        assert_eq!(found(Craft { versions: [3, 1], ..Craft::new(&signer) }), [Deviation::Version]);
        assert_eq!(found(Craft { versions: [1, 3], ..Craft::new(&signer) }), [Deviation::Version]);
        assert_eq!(found(Craft { key_id: true, versions: [3, 3], ..Craft::new(&signer) }), []);
        assert_eq!(found(Craft { key_id: true, ..Craft::new(&signer) }), [Deviation::Version]);
        assert_eq!(
            found(Craft { digest_algorithms: vec![], ..Craft::new(&signer) }),
            [Deviation::DigestAlgorithmNotListed]
        );
        // GM/T 0010: all of its arc, or mixed with that of RFC 5652.
        let gm = || Craft { gm: (true, true), ..Craft::new(&signer) }.with(CONTENT_TYPE, oid(GM_DATA));
        assert_eq!(found(gm()), []);
        assert_eq!(found(Craft { gm: (true, false), ..Craft::new(&signer) }), [Deviation::MixedContentTypes]);
        assert_eq!(found(gm().with(CONTENT_TYPE, oid(DATA))), [Deviation::MixedContentTypes]);
        if algorithm == Algorithm::Sm2 {
            assert_eq!(found(Craft { signature_algorithm: "1.2.156.10197.1.301.1", ..gm() }), []);
        }
        // Out of DER order: refused, or accepted and reported.
        let mut craft = Craft::new(&signer);
        craft.attributes.as_mut().expect("attributes").reverse();
        let der = craft.der();
        assert!(reason(verify(&der)).contains("DER order"));
        let lenient = CmsVerification { allow_unordered_attributes: true, ..CmsVerification::default() };
        let info = verify_cms(&der, CmsContent::Bytes(CONTENT), &lenient).expect("valid");
        assert_eq!(info.deviations, [Deviation::UnorderedAttributes]);
    }
}

#[test]
fn without_signed_attributes_the_content_is_signed() {
    for algorithm in BOTH {
        let signer = Signer::new(algorithm);
        let bare = || Craft { attributes: None, ..Craft::new(&signer) };
        let info = verify(&bare().der()).expect("valid");
        assert!(info.signed_attributes.is_none() && !info.binds_certificate);
        let by_digest = verify_cms(&bare().der(), CmsContent::Digest(&signer.digest()), &CmsVerification::default());
        match algorithm {
            Algorithm::P256 => assert!(by_digest.is_ok()),
            Algorithm::Sm2 => assert!(reason(by_digest).contains("content itself")),
        }
        let attached = Craft { content: Some(CONTENT), ..bare() }.der();
        let digest = signer.digest();
        for content in [CmsContent::Attached, CmsContent::Bytes(CONTENT), CmsContent::Digest(&digest)] {
            let info = verify_cms(&attached, content, &CmsVerification::default()).expect("valid");
            assert_eq!(info.content.as_deref(), Some(CONTENT));
        }
        for content in [CmsContent::Bytes(b"x"), CmsContent::Digest(&[0; 32])] {
            assert_eq!(reason(verify_cms(&attached, content, &CmsVerification::default())), "invalid signature");
        }
        // The attributes of one signature, presented as the attached content of another: the bytes are signed.
        let list = Craft::new(&signer).attributes.expect("attributes");
        let elements: Vec<Vec<u8>> = list.iter().map(|(n, v)| seq(&[&oid(n), &tlv(0x31, &[v])])).collect();
        let set = tlv(0x31, &[&elements.concat()]);
        let confused = Craft { attributes: None, content: Some(&set), ..Craft::new(&signer) }.der();
        for content in [CmsContent::Attached, CmsContent::Bytes(&set)] {
            assert_eq!(reason(verify_cms(&confused, content, &CmsVerification::default())), "invalid signature");
        }
        // Other content that starts like a SET is content.
        let harmless = Craft { attributes: None, content: Some(&[0x31, 0]), ..Craft::new(&signer) }.der();
        verify_cms(&harmless, CmsContent::Attached, &CmsVerification::default()).expect("valid");
    }
}

#[test]
fn each_rule_of_the_attributes_refuses() {
    let signer = Signer::new(Algorithm::P256);
    let craft = || Craft::new(&signer);
    let without = |name: &str| {
        let mut craft = craft();
        craft.attributes.as_mut().expect("attributes").retain(|(n, _)| *n != name);
        reason(verify(&craft.der()))
    };
    assert!(without(CONTENT_TYPE).contains("contentType is missing"));
    assert!(without(MESSAGE_DIGEST).contains("messageDigest is missing"));
    let refused = |craft: Craft<'_>| reason(verify(&craft.der()));
    assert_eq!(refused(craft().with(CONTENT_TYPE, oid("1.2.3"))), "invalid signature");
    assert_eq!(refused(craft().with(MESSAGE_DIGEST, tlv(0x04, &[&[0; 32]]))), "invalid signature");
    assert_eq!(refused(craft().with(MESSAGE_DIGEST, tlv(0x04, &[&signer.digest()[..31]]))), "invalid signature");
    let mut twice = craft();
    let list = twice.attributes.as_mut().expect("attributes");
    list.push(list[1].clone());
    list.sort_by_key(|(n, v)| seq(&[&oid(n), &tlv(0x31, &[v])]));
    assert!(refused(twice).contains("occurs twice"));
    let values =
        craft().with(MESSAGE_DIGEST, [tlv(0x04, &[&signer.digest()]), tlv(0x04, &[&signer.digest()])].concat());
    assert!(refused(values).contains("one value"));
    assert!(refused(craft().with("1.2.840.113549.1.9.5", tlv(0x17, &[b"today"]))).contains("out of range"));

    // signing-certificate-v2: another certificate, another hash, another serial number.
    let id = |hash: &[u8], rest: &[u8]| seq(&[&seq(&[&seq(&[&tlv(0x04, &[hash]), rest])])]);
    let own = sha256(signer.certificate.der());
    let issuer = |name: &[u8], serial: &[u8]| seq(&[&seq(&[&tlv(0xa4, &[name])]), &tlv(0x02, &[serial])]);
    let right = issuer(signer.certificate.issuer_der(), signer.certificate.serial());
    for (value, accepted) in [
        (id(&own, &[]), true),
        (id(&own, &right), true),
        (id(&sha256(signer.root.certificate().der()), &[]), false),
        (id(&own[..31], &[]), false),
        (id(&own, &issuer(signer.certificate.issuer_der(), &[1])), false),
        (id(&own, &issuer(signer.certificate.subject_der(), signer.certificate.serial())), false),
        (seq(&[&seq(&[])]), false),
        (seq(&[&seq(&[&seq(&[&seq(&[&oid("1.2.840.113549.2.5")]), &tlv(0x04, &[&own])])])]), false),
    ] {
        let result = verify(&craft().with(SIGNING_CERTIFICATE_V2, value).der());
        assert_eq!(result.as_ref().is_ok_and(|info| info.binds_certificate), accepted, "{result:?}");
        assert_eq!(result.is_ok(), accepted);
    }
    // signing-certificate of RFC 2634, SHA-1.
    let sha1 = |bytes: &[u8]| seq(&[&seq(&[&seq(&[&tlv(0x04, &[bytes])])])]);
    assert!(verify(&craft().with("1.2.840.113549.1.9.16.2.12", sha1(&[0; 20])).der()).is_err());

    // CMSAlgorithmProtection (RFC 6211).
    let protection = |digest: &str, signature: &str| seq(&[&seq(&[&oid(digest)]), &tlv(0xa1, &[&oid(signature)])]);
    let (digest, signature) = ("2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2");
    for (value, accepted) in [
        (protection(digest, signature), true),
        (protection("2.16.840.1.101.3.4.2.3", signature), false),
        (protection(digest, "1.2.840.10045.4.3.4"), false),
    ] {
        assert_eq!(verify(&craft().with("1.2.840.113549.1.9.52", value).der()).is_ok(), accepted);
    }
}

#[test]
fn the_signer_must_be_there_and_of_the_right_kind() {
    let signer = Signer::new(Algorithm::Sm2);
    let craft = || Craft::new(&signer);
    let der = Craft { certificates: vec![], ..craft() }.der();
    assert!(reason(verify(&der)).contains("certificate is not there"));
    let given = [signer.certificate.clone()];
    let options = CmsVerification { certificates: &given, ..CmsVerification::default() };
    assert!(verify_cms(&der, CmsContent::Bytes(CONTENT), &options).expect("valid").certificates.is_empty());
    let der = Craft { certificates: vec![signer.root.certificate().der().to_vec()], ..craft() }.der();
    assert!(reason(verify(&der)).contains("certificate is not there"));
    // A second certificate that cannot be read is kept, not lost.
    let broken = seq(&[&[2, 1, 1]]);
    let der = Craft { certificates: vec![signer.certificate.der().to_vec(), broken.clone()], ..craft() }.der();
    assert_eq!(verify(&der).expect("valid").unreadable_certificates, [broken]);
    for algorithm in ["1.2.840.10045.4.3.2", "1.2.156.10197.1.503", "1.2.3"] {
        assert!(
            reason(verify(&Craft { signature_algorithm: algorithm, ..craft() }.der())).contains("signature algorithm")
        );
    }
    // Unsigned attributes are shown.
    let unsigned = tlv(0xa1, &[&seq(&[&oid("1.2.840.113549.1.9.16.2.14"), &tlv(0x31, &[&[5, 0]])])]);
    let info = verify(&Craft { unsigned, ..craft() }.der()).expect("valid");
    assert_eq!(info.unsigned_attributes[0].oid, "1.2.840.113549.1.9.16.2.14");
}

#[test]
fn sm2_signs_the_attributes_as_a_message_with_the_default_distid() {
    let signer = Signer::new(Algorithm::Sm2);
    let draft = prepare_cms(&signer.certificate, &signer.digest(), &CmsOptions::default()).expect("draft");
    let der = signer.sign(&CmsOptions::default());
    let info = verify(&der).expect("valid");
    let key = signer.key.verifying_key();
    key.verify_with_distid(b"1234567812345678", draft.to_be_signed(), &info.signature)
        .expect("Z_A of the default distid");
    assert_eq!(key.verify_with_distid(b"", draft.to_be_signed(), &info.signature), Err(Error::InvalidSignature));
    assert_eq!(key.verify_digest(&sm3(draft.to_be_signed()), &info.signature), Err(Error::InvalidSignature));
    // The other two forms of signature are not even finished.
    let empty = signer.key.sign_with_distid(b"", draft.to_be_signed()).expect("signed");
    assert_eq!(draft.finish(&empty), Err(Error::InvalidSignature));
    let no_za = signer.key.sign_digest(&sm3(draft.to_be_signed()));
    assert_eq!(draft.finish(&no_za), Err(Error::InvalidSignature));
}
