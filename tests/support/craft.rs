//! DER by hand, for certificates that no authority would issue.

use sealcore::pki::Certificate;
use sealcore::sign::{Algorithm, SigningKey, VerifyingKey};

/// Tag, length, content.
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=127 => out.push(length as u8),
        128..=255 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}

/// SEQUENCE.
pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

/// OBJECT IDENTIFIER from dotted text.
pub fn oid(text: &str) -> Vec<u8> {
    let arcs: Vec<u64> = text.split('.').map(|arc| arc.parse().expect("a number")).collect();
    let mut content = Vec::new();
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let mut digits = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            digits.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        digits.reverse();
        content.extend(digits);
    }
    tlv(0x06, &[&content])
}

/// One PEM block.
pub fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in base64(der).as_bytes().chunks(64) {
        text.extend(line.iter().map(|c| *c as char));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text.into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            out.push(if i <= chunk.len() { DIGITS[(word >> (18 - 6 * i)) as usize & 63] as char } else { '=' });
        }
    }
    out
}

/// A Name of one CN.
pub fn name(cn: &str) -> Vec<u8> {
    let attribute = seq(&[&oid("2.5.4.3"), &tlv(0x0c, &[cn.as_bytes()])]);
    seq(&[&tlv(0x31, &[&attribute])])
}

/// An Extension.
pub fn extension(identifier: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    seq(&[&oid(identifier), flag, &tlv(0x04, &[value])])
}

/// basicConstraints.
pub fn basic_constraints(ca: bool, path_length: Option<u8>) -> Vec<u8> {
    let flag: &[u8] = if ca { &[1, 1, 0xff] } else { &[] };
    let length = path_length.map(|n| vec![2, 1, n]).unwrap_or_default();
    extension("2.5.29.19", true, &seq(&[flag, &length]))
}

/// keyUsage from the first byte of the bit string (0x80 digitalSignature, 0x40 nonRepudiation, 0x04 keyCertSign).
pub fn key_usage(bits: u8) -> Vec<u8> {
    extension("2.5.29.15", true, &tlv(0x03, &[&[bits.trailing_zeros() as u8, bits]]))
}

/// extKeyUsage.
pub fn extended_key_usage(purpose: &str) -> Vec<u8> {
    extension("2.5.29.37", false, &seq(&[&oid(purpose)]))
}

/// SubjectPublicKeyInfo.
pub fn spki(key: &VerifyingKey) -> Vec<u8> {
    let curve = match key.algorithm() {
        Algorithm::P256 => "1.2.840.10045.3.1.7",
        Algorithm::Sm2 => "1.2.156.10197.1.301",
    };
    let algorithm = seq(&[&oid("1.2.840.10045.2.1"), &oid(curve)]);
    seq(&[&algorithm, &tlv(0x03, &[&[0], &key.to_sec1()])])
}

/// The AlgorithmIdentifier of a signature.
pub fn signature_algorithm(algorithm: Algorithm) -> Vec<u8> {
    match algorithm {
        Algorithm::P256 => seq(&[&oid("1.2.840.10045.4.3.2")]),
        Algorithm::Sm2 => seq(&[&oid("1.2.156.10197.1.501")]),
    }
}

/// A certificate as somebody may make it.
#[derive(Clone)]
pub struct Recipe<'a> {
    /// CN of the subject.
    pub subject: &'a str,
    /// CN of the issuer.
    pub issuer: &'a str,
    /// UTCTime texts.
    pub validity: (&'a str, &'a str),
    /// Extensions, each DER.
    pub extensions: Vec<Vec<u8>>,
}

impl Recipe<'_> {
    /// The DER certificate of `key`, signed by `signer`.
    pub fn der(&self, key: &VerifyingKey, signer: &SigningKey) -> Vec<u8> {
        let algorithm = signature_algorithm(signer.algorithm());
        let extensions: Vec<&[u8]> = self.extensions.iter().map(Vec::as_slice).collect();
        let extensions = match extensions.is_empty() {
            true => Vec::new(),
            false => tlv(0xa3, &[&seq(&extensions)]),
        };
        let version: &[u8] = if extensions.is_empty() { &[] } else { &[0xa0, 3, 2, 1, 2] };
        let (from, to) = self.validity;
        let tbs = seq(&[
            version,
            &[2, 1, 7],
            &algorithm,
            &name(self.issuer),
            &seq(&[&tlv(0x17, &[from.as_bytes()]), &tlv(0x17, &[to.as_bytes()])]),
            &name(self.subject),
            &spki(key),
            &extensions,
        ]);
        let signature = signer.sign(&tbs).to_der();
        seq(&[&tbs, &algorithm, &tlv(0x03, &[&[0], &signature])])
    }

    /// The certificate of `key`, signed by `signer`.
    ///
    /// # Panics
    /// When it does not parse.
    pub fn certificate(&self, key: &VerifyingKey, signer: &SigningKey) -> Certificate {
        Certificate::from_der(&self.der(key, signer)).expect("a certificate that parses")
    }
}
