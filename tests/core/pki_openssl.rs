//! Both ways across to OpenSSL: what it writes is read here, what is written here it reads and verifies.

use sealcore::hash::sha256;
use sealcore::pki::*;
use sealcore::sign::{Algorithm, Signature, SigningKey};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

const DISTID: &str = "distid:1234567812345678";

/// A folder of one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    /// `None` where OpenSSL is not installed; in CI that is a failure.
    fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "CI needs openssl (apt-get install openssl)");
            eprintln!("left out: openssl is not installed");
            return None;
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sealcore-pki-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("temporary folder");
        Some(Folder(path))
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.0.join(name), content).expect("write");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).expect("read")
    }

    /// Runs `openssl …` in the folder; whether it succeeded, and all it said.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(&self.0)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("openssl runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let (success, said) = self.run(arguments);
        assert!(success, "openssl {}: {said}", arguments.join(" "));
        said
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(Path::new(&self.0));
    }
}

const DAY: i64 = 86_400;

/// Valid now, because OpenSSL verifies at the present time.
fn validity() -> Validity {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("clock").as_secs() as i64;
    Validity { not_before: now - DAY, not_after: now + 3650 * DAY }
}

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).expect("random source")
}

fn curve_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::P256 => "prime256v1",
        Algorithm::Sm2 => "SM2",
    }
}

/// Root, intermediate, and a signer with its key.
fn chain(algorithm: Algorithm) -> (CertificateAuthority, CertificateAuthority, SigningKey, Certificate) {
    let root =
        CertificateAuthority::create_root(key(algorithm), "CN=Root,O=总公司,C=CN", validity(), None).expect("root");
    let below = key(algorithm);
    let profile = Profile::Authority { path_length: Some(0) };
    let certificate =
        root.issue("CN=Issuing,O=总公司,C=CN", &below.verifying_key(), validity(), &profile).expect("issued");
    let issuing = CertificateAuthority::new(below, certificate).expect("authority");
    let signer = key(algorithm);
    let profile = Profile::Signer { extended_key_usage: &[DOCUMENT_SIGNING] };
    let certificate =
        issuing.issue("CN=合同专用章,O=分公司,C=CN", &signer.verifying_key(), validity(), &profile).expect("issued");
    (root, issuing, signer, certificate)
}

const BOTH: [Algorithm; 2] = [Algorithm::P256, Algorithm::Sm2];

#[test]
fn openssl_reads_our_private_keys() {
    for algorithm in BOTH {
        let Some(folder) = Folder::new() else { return };
        let key = key(algorithm);
        let spki = dump_public_key(&key.verifying_key(), Format::Pem).expect("spki");
        folder.write("plain.pem", &dump_private_key(&key, None, Format::Pem).expect("plain"));
        folder.write("plain.der", &dump_private_key(&key, None, Format::Der).expect("plain"));
        folder.write("locked.pem", &dump_private_key(&key, Some("密码 1".as_bytes()), Format::Pem).expect("locked"));
        for arguments in [
            &["pkey", "-in", "plain.pem", "-pubout"][..],
            &["pkey", "-in", "plain.der", "-inform", "DER", "-pubout"],
            &["pkey", "-in", "locked.pem", "-passin", "pass:密码 1", "-pubout"],
        ] {
            assert_eq!(folder.ok(arguments).as_bytes(), spki, "{arguments:?}");
        }
        assert!(folder.ok(&["pkey", "-in", "plain.pem", "-noout", "-check"]).contains("valid"));
        assert!(!folder.run(&["pkey", "-in", "locked.pem", "-passin", "pass:other"]).0);
    }
}

#[test]
fn we_read_the_private_keys_of_openssl() {
    for algorithm in BOTH {
        let Some(folder) = Folder::new() else { return };
        let curve = format!("ec_paramgen_curve:{}", curve_name(algorithm));
        folder.ok(&["genpkey", "-algorithm", "EC", "-pkeyopt", &curve, "-out", "key.pem"]);
        folder.ok(&["pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"]);
        let public = load_public_key(&folder.read("public.pem")).expect("public key");
        assert_eq!(public.algorithm(), algorithm);
        let check = |name: &str, password: Option<&[u8]>| {
            let key =
                load_private_key(&folder.read(name), password).unwrap_or_else(|e| panic!("{algorithm:?} {name}: {e}"));
            assert!(key.verifying_key() == public, "{name}");
        };
        check("key.pem", None);
        folder.ok(&["pkey", "-in", "key.pem", "-outform", "DER", "-out", "key.der"]);
        check("key.der", None);
        folder.ok(&["ec", "-in", "key.pem", "-out", "sec1.pem"]);
        check("sec1.pem", None);
        folder.ok(&["ec", "-in", "key.pem", "-outform", "DER", "-out", "sec1.der"]);
        check("sec1.der", None);
        folder.ok(&["ec", "-in", "key.pem", "-param_enc", "explicit", "-out", "explicit.pem"]);
        check("explicit.pem", None);
        folder.ok(&["ec", "-in", "key.pem", "-conv_form", "compressed", "-out", "compressed.pem"]);
        check("compressed.pem", None);
        for (name, extra) in [
            ("default", &[][..]),
            ("sha1", &["-v2prf", "hmacWithSHA1"]),
            ("sha384", &["-v2prf", "hmacWithSHA384"]),
            ("sha512", &["-v2prf", "hmacWithSHA512", "-v2", "aes-128-cbc"]),
            ("aes192", &["-v2", "aes-192-cbc", "-iter", "10000"]),
            ("scrypt", &["-scrypt"]),
            ("sm4", &["-v2", "sm4-cbc"]),
        ] {
            let arguments =
                [&["pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:p w", "-out", name], extra].concat();
            folder.ok(&arguments);
            check(name, Some(b"p w"));
            let wrong = load_private_key(&folder.read(name), Some(b"p v")).map(|_| ());
            assert_eq!(wrong, Err(sealcore::Error::WrongPassword), "{name}");
        }
    }
}

#[test]
fn another_algorithm_under_the_right_password_is_no_wrong_password() {
    let Some(folder) = Folder::new() else { return };
    folder.ok(&[
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-aes-256-cbc",
        "-pass",
        "pass:p",
        "-out",
        "rsa",
    ]);
    folder.ok(&["ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "p384"]);
    for (name, password) in [("rsa", Some(&b"p"[..])), ("p384", None)] {
        match load_private_key(&folder.read(name), password) {
            Err(sealcore::Error::InvalidKey { reason, .. }) => {
                assert!(reason.contains("neither P-256 nor SM2"), "{reason}")
            }
            other => panic!("{name}: {:?}", other.map(|_| ())),
        }
    }
    assert_eq!(load_private_key(&folder.read("rsa"), Some(b"q")).map(|_| ()), Err(sealcore::Error::WrongPassword));
}

#[test]
fn openssl_verifies_our_certificates() {
    for algorithm in BOTH {
        let Some(folder) = Folder::new() else { return };
        let (root, issuing, _, signer) = chain(algorithm);
        folder.write("root.pem", root.certificate().to_pem().expect("pem").as_bytes());
        folder.write("issuing.pem", issuing.certificate().to_pem().expect("pem").as_bytes());
        folder.write("signer.pem", signer.to_pem().expect("pem").as_bytes());
        let text = folder.ok(&["x509", "-in", "signer.pem", "-noout", "-text", "-nameopt", "utf8"]);
        for expected in ["Digital Signature, Non Repudiation", "CA:FALSE", "合同专用章", "Authority Key Identifier"]
        {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        let text = folder.ok(&["x509", "-in", "issuing.pem", "-noout", "-text"]);
        assert!(text.contains("CA:TRUE, pathlen:0") && text.contains("Certificate Sign, CRL Sign"), "{text}");
        if algorithm == Algorithm::P256 {
            folder.ok(&[
                "verify",
                "-x509_strict",
                "-check_ss_sig",
                "-CAfile",
                "root.pem",
                "-untrusted",
                "issuing.pem",
                "signer.pem",
            ]);
        } else {
            // OpenSSL 3.0 gives the distid to the end entity only: one link at a time.
            folder.ok(&["verify", "-vfyopt", DISTID, "-CAfile", "root.pem", "issuing.pem"]);
            folder.ok(&["verify", "-vfyopt", DISTID, "-partial_chain", "-trusted", "issuing.pem", "signer.pem"]);
        }
    }
}

#[test]
fn openssl_verifies_our_signatures_and_we_those_of_openssl() {
    for algorithm in BOTH {
        let Some(folder) = Folder::new() else { return };
        let ours = key(algorithm);
        folder.write("key.pem", &dump_private_key(&ours, None, Format::Pem).expect("pkcs8"));
        folder.write("public.pem", &dump_public_key(&ours.verifying_key(), Format::Pem).expect("spki"));
        folder.write("message", "一份合同".as_bytes());
        folder.write("ours.sig", &ours.sign("一份合同".as_bytes()).to_der());
        let digest = if algorithm == Algorithm::Sm2 { "sm3" } else { "sha256" };
        let mut verify = vec!["pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-digest", digest];
        verify.extend(["-in", "message", "-sigfile", "ours.sig"]);
        let mut sign = vec!["pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-digest", digest];
        sign.extend(["-in", "message", "-out", "theirs.sig"]);
        if algorithm == Algorithm::Sm2 {
            verify.extend(["-pkeyopt", DISTID]);
            sign.extend(["-pkeyopt", DISTID]);
        }
        folder.ok(&verify);
        folder.ok(&sign);
        let theirs = Signature::from_der(&folder.read("theirs.sig")).expect("DER");
        ours.verifying_key().verify("一份合同".as_bytes(), &theirs).expect("valid");
    }
}

#[test]
fn openssl_verifies_our_cms() {
    let Some(folder) = Folder::new() else { return };
    let (root, issuing, key, signer) = chain(Algorithm::P256);
    let content = "内容".as_bytes();
    let options = CmsOptions {
        chain: &[issuing.certificate().clone()],
        signing_time: Some(1_700_000_000),
        ..CmsOptions::default()
    };
    let cms = sign_cms(&key, &signer, &sha256(content), &options).expect("signed");
    folder.write("cms.der", &cms);
    folder.write("content", content);
    folder.write("root.pem", root.certificate().to_pem().expect("pem").as_bytes());
    let arguments = [
        "cms", "-verify", "-inform", "DER", "-in", "cms.der", "-content", "content", "-binary", "-CAfile", "root.pem",
        "-cades", "-purpose", "any",
    ];
    folder.ok(&arguments);
    folder.write("content", "内客".as_bytes());
    assert!(!folder.run(&arguments).0, "another content");
}

/// DER of a short element.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    support::craft::tlv(tag, parts)
}

#[test]
fn we_open_keys_under_hmac_sm3_and_sm4() {
    // OpenSSL 3.0 has the primitives, but not the combination (hmacWithSM3 as PRF): put together from them.
    use support::craft::{oid, seq};
    let Some(folder) = Folder::new() else { return };
    let key = key(Algorithm::Sm2);
    folder.write("plain", &dump_private_key(&key, None, Format::Der).expect("PKCS#8"));
    let salt: Vec<u8> = (1..=16).collect();
    let hex_salt = format!("hexsalt:{}", hex::encode(&salt));
    let kdf = ["kdf", "-keylen", "16", "-kdfopt", "digest:SM3", "-kdfopt", "pass:口令", "-kdfopt", &hex_salt];
    let derived = folder.ok(&[&kdf[..], &["-kdfopt", "iter:3000", "PBKDF2"]].concat()).replace(':', "");
    let iv = "0f0e0d0c0b0a09080706050403020100";
    folder.ok(&["enc", "-sm4-cbc", "-K", derived.trim(), "-iv", iv, "-in", "plain", "-out", "cipher"]);
    for prf in ["1.2.156.10197.1.401.2", "1.2.156.10197.1.401.3.1"] {
        for key_length in [&[][..], &[2, 1, 16]] {
            let prf = seq(&[&oid(prf), &[5, 0]]);
            let parameters = seq(&[&tlv(0x04, &[&salt]), &[2, 2, 0x0b, 0xb8], key_length, &prf]);
            let kdf = seq(&[&oid("1.2.840.113549.1.5.12"), &parameters]);
            let scheme = seq(&[&oid("1.2.156.10197.1.104.2"), &tlv(0x04, &[&hex::decode(iv).expect("hex")])]);
            let pbes2 = seq(&[&oid("1.2.840.113549.1.5.13"), &seq(&[&kdf, &scheme])]);
            let file = seq(&[&pbes2, &tlv(0x04, &[&folder.read("cipher")])]);
            assert!(load_private_key(&file, Some("口令".as_bytes())).expect("opens") == key);
            assert_eq!(load_private_key(&file, Some(b"other")).map(|_| ()), Err(sealcore::Error::WrongPassword));
        }
    }
}

#[test]
fn requests_cross_in_both_directions() {
    for algorithm in BOTH {
        let Some(folder) = Folder::new() else { return };
        let ours = key(algorithm);
        folder.write("key.pem", &dump_private_key(&ours, None, Format::Pem).expect("pkcs8"));
        let request = CertificateRequest::create(&ours, r"CN=Doe\, John,OU=章,O=甲,C=CN").expect("request");
        folder.write("ours.pem", request.to_pem().expect("PEM").as_bytes());
        let mut verify =
            vec!["req", "-in", "ours.pem", "-verify", "-noout", "-subject", "-nameopt", "RFC2253,-esc_msb,utf8"];
        let mut make =
            vec!["req", "-new", "-key", "key.pem", "-subj", "/C=CN/O=甲/CN=乙", "-utf8", "-out", "theirs.pem"];
        make.extend(["-addext", "keyUsage=digitalSignature"]);
        if algorithm == Algorithm::Sm2 {
            verify.extend(["-vfyopt", DISTID]);
            make.extend(["-sm3", "-sigopt", DISTID]);
        }
        let said = folder.ok(&verify);
        assert!(said.contains("verify OK"), "{said}");
        // OpenSSL shows the same RFC 4514 text.
        assert!(said.contains(&format!("subject={}", request.subject())), "{said} / {}", request.subject());
        folder.ok(&make);
        let theirs = CertificateRequest::load(&folder.read("theirs.pem")).expect("read");
        theirs.verify(None).expect("valid");
        assert_eq!(theirs.subject(), "CN=乙,O=甲,C=CN");
        assert_eq!(theirs.extensions().len(), 1);
        assert!(theirs.public_key() == ours.verifying_key());
    }
}

#[test]
fn we_verify_the_certificates_of_openssl() {
    for algorithm in BOTH {
        let Some(folder) = Folder::new() else { return };
        let root = key(algorithm);
        let end = key(algorithm);
        folder.write("root.key", &dump_private_key(&root, None, Format::Pem).expect("pkcs8"));
        folder.write("end.key", &dump_private_key(&end, None, Format::Pem).expect("pkcs8"));
        let sign: &[&str] = if algorithm == Algorithm::Sm2 { &["-sm3", "-sigopt", DISTID] } else { &["-sha256"] };
        let make = |rest: &[&str]| folder.ok(&[&["req", "-new", "-x509", "-days", "10"], rest, sign].concat());
        make(&[
            "-key",
            "root.key",
            "-subj",
            "/CN=root",
            "-out",
            "root.pem",
            "-addext",
            "keyUsage=critical,keyCertSign",
        ]);
        folder.ok(&[&["req", "-new", "-key", "end.key", "-subj", "/CN=end", "-out", "end.csr"], sign].concat());
        folder.write("end.ext", b"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=1.3.6.1.5.5.7.3.36\n");
        let mut issue =
            vec!["x509", "-req", "-in", "end.csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "-5"];
        issue.extend(["-days", "5", "-extfile", "end.ext", "-out", "end.pem"]);
        if algorithm == Algorithm::Sm2 {
            issue.extend(["-vfyopt", DISTID]);
        }
        issue.extend(sign);
        folder.ok(&issue);
        let [root, end] = ["root.pem", "end.pem"].map(|n| Certificate::from_pem(&folder.read(n)).expect("read"));
        assert!(root.is_self_signed());
        assert_eq!(end.serial(), [0xfb], "negative serial numbers exist");
        let at = validity().not_before + DAY + 60;
        let options = ChainOptions {
            extended_key_usage: Some(DOCUMENT_SIGNING),
            usage: Usage::DigitalSignature,
            ..ChainOptions::at(at)
        };
        assert_eq!(verify_chain(&end, &[], std::slice::from_ref(&root), &options).expect("path").len(), 2);
        let dates =
            folder.ok(&["x509", "-in", "end.pem", "-noout", "-fingerprint", "-sha256"]).replace(':', "").to_lowercase();
        assert!(dates.trim().ends_with(&hex::encode(end.fingerprint())), "{dates}");
        let options = ChainOptions { usage: Usage::NonRepudiation, ..options };
        assert!(verify_chain(&end, &[], &[root], &options).is_err());
    }
    // Without a distid OpenSSL signs with the empty one.
    let Some(folder) = Folder::new() else { return };
    folder.write("key.pem", &dump_private_key(&key(Algorithm::Sm2), None, Format::Pem).expect("pkcs8"));
    folder.ok(&["req", "-new", "-x509", "-key", "key.pem", "-sm3", "-subj", "/CN=empty", "-out", "empty.pem"]);
    let certificate = Certificate::from_pem(&folder.read("empty.pem")).expect("read");
    let own = certificate.public_key().expect("SM2");
    assert_eq!(certificate.verify_signature(&own, None), Err(sealcore::Error::InvalidSignature));
    certificate.verify_signature(&own, Some(b"")).expect("empty distid");
}

#[test]
fn we_verify_the_cms_of_openssl() {
    let Some(folder) = Folder::new() else { return };
    let (root, issuing, key, signer) = chain(Algorithm::P256);
    folder.write("key.pem", &dump_private_key(&key, None, Format::Pem).expect("pkcs8"));
    folder.write("signer.pem", signer.to_pem().expect("pem").as_bytes());
    folder.write("issuing.pem", issuing.certificate().to_pem().expect("pem").as_bytes());
    folder.write("content", b"content");
    let digest = sha256(b"content");
    for (name, extra, attached, attributes, bound) in [
        ("plain", &[][..], false, true, false),
        ("attached", &["-nodetach"], true, true, false),
        ("noattr", &["-noattr"], false, false, false),
        ("keyid", &["-keyid"], false, true, false),
        ("cades", &["-cades"], false, true, true),
        ("nocerts", &["-nocerts"], false, true, false),
    ] {
        let common = ["cms", "-sign", "-binary", "-in", "content", "-signer", "signer.pem", "-inkey", "key.pem"];
        let output = ["-certfile", "issuing.pem", "-outform", "DER", "-out", name];
        folder.ok(&[&common[..], &output, extra].concat());
        let certificates = [signer.clone()];
        let options = CmsVerification { certificates: &certificates, ..CmsVerification::default() };
        let contents = [CmsContent::Bytes(b"content"), CmsContent::Digest(&digest)];
        for content in contents.into_iter().chain(attached.then_some(CmsContent::Attached)) {
            let info = verify_cms(&folder.read(name), content, &options).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(info.signer == signer, "{name}");
            assert_eq!(info.deviations, [], "{name}");
            assert_eq!(info.content.is_some(), attached, "{name}");
            assert_eq!(info.signed_attributes.is_some(), attributes, "{name}");
            assert_eq!(info.signing_time.is_some(), attributes, "{name}");
            assert_eq!(info.binds_certificate, bound, "{name}");
            assert_eq!(info.certificates.len(), if name == "nocerts" { 1 } else { 2 }, "{name}");
            let options = ChainOptions::at(validity().not_before + DAY);
            verify_chain(&info.signer, &info.certificates, &[root.certificate().clone()], &options).expect("chain");
        }
        let other = verify_cms(&folder.read(name), CmsContent::Bytes(b"Content"), &options).map(|_| ());
        assert_eq!(other, Err(sealcore::Error::InvalidSignature), "{name}");
    }
    folder.ok(&[
        "cms",
        "-sign",
        "-binary",
        "-in",
        "content",
        "-signer",
        "signer.pem",
        "-inkey",
        "key.pem",
        "-md",
        "sha512",
        "-outform",
        "DER",
        "-out",
        "sha512",
    ]);
    let refused =
        verify_cms(&folder.read("sha512"), CmsContent::Bytes(b"content"), &CmsVerification::default()).map(|_| ());
    assert!(
        matches!(refused, Err(sealcore::Error::InvalidEncoding { reason, .. }) if reason.contains("digest algorithm")),
        "{refused:?}"
    );
}

#[test]
fn openssl_reads_our_sm2_cms_and_verifies_its_signature() {
    // OpenSSL 3.0 cannot give a distid to `cms -verify`: it shows the structure and verifies the attributes as a message.
    let Some(folder) = Folder::new() else { return };
    let (_, issuing, key, signer) = chain(Algorithm::Sm2);
    let digest = sealcore::hash::sm3(b"content");
    let options = CmsOptions { chain: &[issuing.certificate().clone()], ..CmsOptions::default() };
    let draft = prepare_cms(&signer, &digest, &options).expect("draft");
    let cms = draft.finish(&key.sign(draft.to_be_signed())).expect("finished");
    folder.write("cms.der", &cms);
    let text = folder.ok(&["cms", "-cmsout", "-print", "-inform", "DER", "-in", "cms.der"]);
    for expected in
        ["algorithm: sm3", "algorithm: SM2-with-SM3", "id-smime-aa-signingCertificateV2", "eContent: <ABSENT>"]
    {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let info = verify_cms(&cms, CmsContent::Digest(&digest), &CmsVerification::default()).expect("valid");
    folder.write("attributes", draft.to_be_signed());
    folder.write("signature", &info.signature.to_der());
    folder.write("signer.pem", signer.to_pem().expect("PEM").as_bytes());
    let mut arguments = vec!["pkeyutl", "-verify", "-certin", "-inkey", "signer.pem", "-rawin", "-digest", "sm3"];
    arguments.extend(["-in", "attributes", "-sigfile", "signature", "-pkeyopt", DISTID]);
    folder.ok(&arguments);
}
