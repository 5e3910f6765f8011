//! Every file of `data/eseal/pki` and `data/eseal/cms`, judged as its MANIFEST says. The table covers the folders: a
//! new file fails the test until somebody judges it.

use sealcore::Error;
use sealcore::hash::sm3;
use sealcore::pki::*;
use sealcore::sign::{Algorithm, Signature, SigningKey};
use std::collections::BTreeSet;
use std::path::PathBuf;

struct Data(PathBuf);

impl Data {
    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn certificate(&self, name: &str) -> Certificate {
        Certificate::load(&self.read(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn key(&self, name: &str) -> SigningKey {
        load_private_key(&self.read(name), None).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The two certificates of chain-ca.crt: root and sub CA.
    fn tongsuo_chain(&self) -> Vec<Certificate> {
        Certificate::load_all(&self.read("pki/tongsuo/chain-ca.crt")).expect("two certificates")
    }
}

/// 2024-06-01T00:00:00Z: inside every certificate here but those that the MANIFEST calls expired.
const JUNE_2024: i64 = 1_717_200_000;

fn at(time: i64, usage: Usage) -> ChainOptions<'static> {
    ChainOptions { usage, ..ChainOptions::at(time) }
}

fn refused(depth: usize, reason: &str, result: sealcore::Result<Vec<Certificate>>) {
    match result {
        Err(Error::InvalidCertificate { depth: d, reason: r }) if d == depth && r.contains(reason) => {}
        other => panic!("expected a refusal at depth {depth} with {reason:?}, got {other:?}"),
    }
}

fn unsupported_container(data: &Data, name: &str) {
    for password in [None, Some(&b"123456"[..])] {
        match load_private_key(&data.read(name), password) {
            Err(Error::InvalidKey { field: "private key", reason }) => {
                assert!(reason.starts_with("unsupported container"), "{reason}")
            }
            other => panic!("{name}: {:?}", other.map(|_| ())),
        }
    }
}

fn out_of_range(data: &Data, name: &str) {
    match load_private_key(&data.read(name), None) {
        Err(Error::InvalidKey { .. }) => {}
        other => panic!("{name}: {:?}", other.map(|_| ())),
    }
}

fn key_of(data: &Data, key: &str, certificate: &str) {
    assert!(
        data.key(key).verifying_key() == data.certificate(certificate).public_key().expect("SM2"),
        "{key}, {certificate}"
    );
}

/// The public key in the file is compared while it is read.
fn sm2_key(data: &Data, name: &str) {
    assert_eq!(data.key(name).algorithm(), Algorithm::Sm2);
}

type Judge = fn(&Data, &str);

/// File, and what the MANIFEST has it be.
const PKI: &[(&str, Judge)] = &[
    ("pki/aliyun_kms_sm2.csr.pem", |data, name| {
        let request = CertificateRequest::load(&data.read(name)).expect(name);
        request.verify(None).expect("valid");
        assert!(request.has_repeated_attributes());
        let names: Vec<&str> = request.extensions().iter().map(|e| e.oid.as_str()).collect();
        assert_eq!(names, ["2.5.29.14", "2.5.29.17"], "of both attributes");
        assert_eq!(request.subject(), "ST=Guangdong,L=Zhuhai,CN=CargoSmart,C=CN");
    }),
    ("pki/cfca_test_sm2_oca1.crt.pem", |data, name| {
        let certificate = data.certificate(name);
        assert_eq!(certificate.subject(), "CN=CFCA TEST SM2 OCA1,O=China Financial Certification Authority,C=CN");
        assert!(certificate.basic_constraints().is_some_and(|b| b.ca));
        let options = at(JUNE_2024, Usage::CertificateSigning);
        refused(
            0,
            "neither among",
            verify_chain(&certificate, &[], &[data.certificate("pki/nrcac_rootca.crt.pem")], &options),
        );
        verify_chain(&certificate, &[], std::slice::from_ref(&certificate), &options).expect("a root when told so");
    }),
    ("pki/cfca_test_user.sm2.pem", unsupported_container),
    ("pki/nrcac_rootca.crt.pem", |data, name| {
        let root = data.certificate(name);
        assert!(root.is_self_signed());
        assert_eq!((root.not_before(), root.not_after()), (1_342_235_519, 2_288_315_519));
    }),
    ("pki/ofdrw_ROOT.p12", unsupported_container),
    ("pki/ofdrw_SealBuilder.p12", unsupported_container),
    ("pki/ofdrw_USER.p12", unsupported_container),
    ("pki/ofdrw_sign_cert.pem", |data, name| {
        let certificate = data.certificate(name);
        refused(0, "expired", verify_chain(&certificate, &[], &[], &ChainOptions::at(JUNE_2024)));
        refused(0, "neither among", verify_chain(&certificate, &[], &[], &ChainOptions::at(1_650_000_000)));
    }),
    ("pki/ofdrw_sign_key.pem", |data, name| key_of(data, name, "pki/ofdrw_sign_cert.pem")),
    ("pki/openssl3_sm2_root.crt.pem", |data, name| {
        let root = data.certificate(name);
        let key = root.public_key().expect("SM2 identifier as algorithm");
        assert_eq!(root.verify_signature(&key, None), Err(Error::InvalidSignature));
        assert_eq!(root.verify_signature(&key, Some(b"1234567812345678")), Err(Error::InvalidSignature));
        root.verify_signature(&key, Some(b"")).expect("the empty distid");
        assert!(!root.is_self_signed(), "not with the default distid");
    }),
    ("pki/rustcrypto_pkcs8-private-key.der", |data, name| {
        assert!(
            data.key(name).verifying_key()
                == load_public_key(&data.read("pki/rustcrypto_pkcs8-public-key.der")).expect("SPKI")
        );
    }),
    ("pki/rustcrypto_pkcs8-private-key.pem", |data, name| {
        assert!(data.key(name) == data.key("pki/rustcrypto_pkcs8-private-key.der"));
    }),
    ("pki/rustcrypto_pkcs8-public-key.der", |data, name| {
        let key = load_public_key(&data.read(name)).expect("SPKI");
        assert_eq!(key.algorithm(), Algorithm::Sm2);
        assert_eq!(dump_public_key(&key, Format::Der).expect("written"), data.read(name));
    }),
    ("pki/rustcrypto_pkcs8-public-key.pem", |data, name| {
        let key = load_public_key(&data.read(name)).expect("SPKI");
        assert_eq!(dump_public_key(&key, Format::Pem).expect("written"), data.read(name));
    }),
    ("pki/sheca_sm2_ca.crt.pem", |data, name| {
        let (sheca, root) = (data.certificate(name), data.certificate("pki/nrcac_rootca.crt.pem"));
        let options = at(JUNE_2024, Usage::CertificateSigning);
        let path = verify_chain(&sheca, &[], std::slice::from_ref(&root), &options).expect("NRCAC -> SHECA");
        assert_eq!(path, [sheca.clone(), root.clone()]);
        refused(0, "key usage", verify_chain(&sheca, &[], std::slice::from_ref(&root), &ChainOptions::at(JUNE_2024)));
        refused(0, "expired", verify_chain(&sheca, &[], &[root], &at(2_100_000_000, Usage::CertificateSigning)));
    }),
    ("pki/tongsuo/chain-ca.crt", |data, _| {
        let [root, sub] = data.tongsuo_chain().try_into().expect("two");
        let (root, sub) = if root.is_self_signed() { (root, sub) } else { (sub, root) };
        verify_chain(&sub, &[], &[root], &at(JUNE_2024, Usage::CertificateSigning)).expect("root -> sub");
    }),
    ("pki/tongsuo/client_sign_expire.crt", |data, name| {
        let certificate = data.certificate(name);
        let chain = data.tongsuo_chain();
        refused(0, "expired", verify_chain(&certificate, &chain, &chain, &ChainOptions::at(JUNE_2024)));
        // Its issuer began in 2023, so at no time is the chain valid; the signature is.
        refused(1, "not yet valid", verify_chain(&certificate, &chain, &chain, &ChainOptions::at(960_000_000)));
        let issuer = chain.iter().find(|c| c.subject() == certificate.issuer()).expect("issuer");
        certificate.verify_signature(&issuer.public_key().expect("SM2"), None).expect("signature OK");
    }),
    ("pki/tongsuo/server_enc.crt", |data, name| {
        let (certificate, chain) = (data.certificate(name), data.tongsuo_chain());
        let root: Vec<Certificate> = chain.iter().filter(|c| c.is_self_signed()).cloned().collect();
        assert_eq!(verify_chain(&certificate, &chain, &root, &at(JUNE_2024, Usage::Any)).expect("chain OK").len(), 3);
        refused(0, "key usage", verify_chain(&certificate, &chain, &root, &ChainOptions::at(JUNE_2024)));
    }),
    ("pki/tongsuo/server_enc.key", |data, name| key_of(data, name, "pki/tongsuo/server_enc.crt")),
    ("pki/tongsuo/server_sign.crt", |data, name| {
        let (certificate, chain) = (data.certificate(name), data.tongsuo_chain());
        let root: Vec<Certificate> = chain.iter().filter(|c| c.is_self_signed()).cloned().collect();
        for usage in [Usage::Signature, Usage::DigitalSignature, Usage::NonRepudiation] {
            assert_eq!(verify_chain(&certificate, &chain, &root, &at(JUNE_2024, usage)).expect("chain OK").len(), 3);
        }
        refused(
            2,
            "self-issued and not among the roots",
            verify_chain(&certificate, &chain, &[], &ChainOptions::at(JUNE_2024)),
        );
    }),
    ("pki/tongsuo/server_sign.key", |data, name| key_of(data, name, "pki/tongsuo/server_sign.crt")),
    ("pki/tongsuo/sm2-cert.pem", |data, name| {
        let (leaf, root) = (data.certificate(name), data.certificate("pki/tongsuo/sm2-root-cert.pem"));
        // Same subject as its issuer, but another key.
        assert!(leaf.is_self_issued() && !leaf.is_self_signed());
        verify_chain(&leaf, &[], &[root], &ChainOptions::at(JUNE_2024)).expect("valid with the default ID");
    }),
    ("pki/tongsuo/sm2-csr.pem", |data, name| {
        let request = CertificateRequest::load(&data.read(name)).expect(name);
        request.verify(None).expect("default ID");
        assert!(!request.has_repeated_attributes());
        assert!(request.public_key() == data.key("pki/tongsuo/sm2.key").verifying_key());
    }),
    ("pki/tongsuo/sm2-noza-cert.pem", |data, name| {
        let (leaf, root) = (data.certificate(name), data.certificate("pki/tongsuo/sm2-noza-root-cert.pem"));
        refused(
            0,
            "does not verify",
            verify_chain(&leaf, &[], std::slice::from_ref(&root), &ChainOptions::at(JUNE_2024)),
        );
        let empty = ChainOptions { distid: Some(b""), ..ChainOptions::at(JUNE_2024) };
        refused(0, "does not verify", verify_chain(&leaf, &[], std::slice::from_ref(&root), &empty));
        // Without Z_A, and only so.
        let signature = Signature::from_der(leaf.signature()).expect("DER");
        root.public_key().expect("SM2").verify_digest(&sm3(leaf.tbs()), &signature).expect("no Z_A");
    }),
    ("pki/tongsuo/sm2-noza-csr.pem", |data, name| {
        let request = CertificateRequest::load(&data.read(name)).expect(name);
        assert_eq!(request.verify(None), Err(Error::InvalidSignature));
        assert_eq!(request.verify(Some(b"")), Err(Error::InvalidSignature));
    }),
    ("pki/tongsuo/sm2-noza-root-cert.pem", |data, name| {
        let root = data.certificate(name);
        assert!(root.is_self_issued() && !root.is_self_signed());
        let signature = Signature::from_der(root.signature()).expect("DER");
        root.public_key().expect("SM2").verify_digest(&sm3(root.tbs()), &signature).expect("no Z_A");
    }),
    ("pki/tongsuo/sm2-root-cert.pem", |data, name| {
        assert!(data.certificate(name).is_self_signed());
    }),
    ("pki/tongsuo/sm2-root.key", |data, name| key_of(data, name, "pki/tongsuo/sm2-root-cert.pem")),
    ("pki/tongsuo/sm2.key", |data, name| key_of(data, name, "pki/tongsuo/sm2-cert.pem")),
    ("pki/tongsuo/sm2_bad_0.pem", out_of_range),
    ("pki/tongsuo/sm2_bad_1.pem", out_of_range),
    ("pki/tongsuo/sm2_bad_neg1.pem", out_of_range),
    ("pki/tongsuo/sm2_begin_ec.key", sm2_key),
    ("pki/tongsuo/sm2_begin_sm2.key", sm2_key),
];

const CMS: &[(&str, Judge)] = &[
    ("cms/cfca_sadk_attached.p7", |data, name| {
        let info = verify_cms(&data.read(name), CmsContent::Attached, &CmsVerification::default()).expect("valid");
        assert_eq!(info.content.as_deref(), Some(&b"Hello Secret World!"[..]));
        assert_eq!(info.content_type, "1.2.156.10197.6.1.4.2.1");
        assert!(info.signed_attributes.is_none() && info.deviations.is_empty());
        assert_eq!(info.signer.subject(), "CN=Jon Snow,O=Acme Co");
    }),
    ("cms/cfca_sadk_detached.p7", |data, name| {
        let verify = |content| verify_cms(&data.read(name), content, &CmsVerification::default()).map(|_| ());
        verify(CmsContent::Bytes(b"Hello Secret World!")).expect("valid");
        assert_eq!(verify(CmsContent::Bytes(b"Hello Secret World?")), Err(Error::InvalidSignature));
        assert!(matches!(verify(CmsContent::Attached), Err(Error::InvalidArgument { field: "content", .. })));
        assert!(matches!(
            verify(CmsContent::Digest(&sm3(b"Hello Secret World!"))),
            Err(Error::InvalidArgument { field: "content", .. })
        ));
    }),
    ("cms/gmcert_enc.crt.pem", |data, name| {
        let usage = data.certificate(name).key_usage().expect("key usage").names();
        assert!(!usage.contains(&"digital_signature"), "{usage:?}");
    }),
    ("cms/gmcert_enc.key.pem", |data, name| key_of(data, name, "cms/gmcert_enc.crt.pem")),
    ("cms/gmcert_sign.crt.pem", |data, name| {
        let usage = data.certificate(name).key_usage().expect("key usage").names();
        assert!(usage.contains(&"digital_signature"), "{usage:?}");
    }),
    ("cms/gmcert_sign.key.pem", |data, name| key_of(data, name, "cms/gmcert_sign.crt.pem")),
    ("cms/gmcert_signed_enveloped.p7.pem", |data, name| {
        match verify_cms(&data.read(name), CmsContent::Attached, &CmsVerification::default()) {
            Err(Error::InvalidEncoding { field: "CMS", reason, .. }) => {
                assert!(reason.starts_with("unsupported container: signedAndEnvelopedData"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }),
    ("cms/gmssl_cn_certs_only.p7b.pem", |data, name| {
        let certificates = cms_certificates(&data.read(name)).expect("certificates");
        assert_eq!(certificates.len(), 2);
        certificates[1]
            .verify_signature(&certificates[0].public_key().expect("SM2"), None)
            .expect("cert[1] by cert[0]");
        match verify_cms(&data.read(name), CmsContent::Attached, &CmsVerification::default()) {
            Err(Error::InvalidEncoding { reason, .. }) => assert!(reason.contains("no signature"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }),
];

#[test]
fn every_file_is_judged_as_its_manifest_says() {
    let Some(root) = support::shared_data() else { return };
    let data = Data(root.join("eseal"));
    let mut there = BTreeSet::new();
    for folder in ["pki", "pki/tongsuo", "cms"] {
        for entry in std::fs::read_dir(data.0.join(folder)).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_file() {
                there.insert(format!("{folder}/{}", path.file_name().expect("name").to_string_lossy()));
            }
        }
    }
    let judged: BTreeSet<String> = PKI.iter().chain(CMS).map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, judged, "the table and the folder");
    for (name, judge) in PKI.iter().chain(CMS) {
        println!("{name}");
        judge(&data, name);
    }
}
