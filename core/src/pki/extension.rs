//! The certificate extensions that decide something (RFC 5280 4.2.1); the others stay raw.

use crate::pki::asn1::{self, Parse};
use crate::pki::oid;
use crate::{Error, Result};
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Decode, SliceReader, Tag};
use x509_cert::ext::pkix;

/// One extension as it stands in a certificate or request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Dotted object identifier.
    pub oid: String,
    /// Whether who does not understand it must refuse the certificate.
    pub critical: bool,
    /// The DER inside the OCTET STRING.
    pub value: Vec<u8>,
}

/// basicConstraints (RFC 5280 4.2.1.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the key may sign certificates.
    pub ca: bool,
    /// How many intermediate certificates may follow.
    pub path_length: Option<u8>,
}

/// keyUsage (RFC 5280 4.2.1.3) as a set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: KeyUsage = KeyUsage(1);
    /// nonRepudiation, also called contentCommitment.
    pub const NON_REPUDIATION: KeyUsage = KeyUsage(1 << 1);
    /// keyCertSign.
    pub const KEY_CERT_SIGN: KeyUsage = KeyUsage(1 << 5);
    /// cRLSign.
    pub const CRL_SIGN: KeyUsage = KeyUsage(1 << 6);

    const NAMES: [&'static str; 9] = [
        "digital_signature",
        "non_repudiation",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ];

    /// Whether at least one flag of `other` is set.
    pub fn intersects(self, other: KeyUsage) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets of flags.
    #[must_use]
    pub fn union(self, other: KeyUsage) -> KeyUsage {
        KeyUsage(self.0 | other.0)
    }

    /// The names of the flags that are set, in the order of the standard.
    pub fn names(self) -> Vec<&'static str> {
        Self::NAMES.iter().enumerate().filter(|(i, _)| self.0 >> i & 1 == 1).map(|(_, n)| *n).collect()
    }

    /// NamedBitList: bit 0 first, trailing zeros removed (X.690 11.2.2).
    fn to_der(self) -> Result<Vec<u8>> {
        let bytes = [(self.0 as u8).reverse_bits(), ((self.0 >> 8) as u8).reverse_bits()];
        let length = if bytes[1] != 0 { 2 } else { 1 };
        let unused = bytes[length - 1].trailing_zeros().min(7) as u8;
        asn1::tlv(Tag::BitString, &[&[unused], &bytes[..length]])
    }
}

/// All extensions of a certificate, the deciding ones decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub(super) all: Vec<Extension>,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<Vec<String>>,
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) authority_key_id: Option<Vec<u8>>,
    /// A critical extension that the chain check does not understand, or one that it must not overlook.
    pub(super) unsupported: Option<&'static str>,
}

impl Extensions {
    /// Reads `Extensions ::= SEQUENCE OF Extension`; an identifier may stand once only.
    pub(super) fn read(field: &'static str, reader: &mut SliceReader<'_>) -> Parse<Self> {
        let mut found = Extensions::default();
        asn1::sequence(reader, |r| asn1::list(r, |r| found.read_one(field, r)))?;
        Ok(found)
    }

    /// Adds those of another list, as when a request carries two lists.
    pub(super) fn read_one(&mut self, field: &'static str, reader: &mut SliceReader<'_>) -> Parse<()> {
        let (name, critical, value) = asn1::sequence(reader, |r| {
            let name = oid::read(r)?;
            // FALSE is the default and should be absent; several vendors write it.
            let critical = asn1::next_is(r, Tag::Boolean) && bool::decode(r)?;
            Ok((name, critical, <&OctetStringRef>::decode(r)?.as_bytes()))
        })?;
        if self.all.len() == asn1::MAX_ELEMENTS || self.all.iter().any(|e| e.oid == name) {
            return Err(Error::InvalidEncoding {
                field,
                offset: 0,
                reason: "an extension occurs twice, or there are over 1024",
            }
            .into());
        }
        match oid::known(&name) {
            Some(oid::BASIC_CONSTRAINTS) => {
                let read = pkix::BasicConstraints::from_der(value)?;
                self.basic_constraints = Some(BasicConstraints { ca: read.ca, path_length: read.path_len_constraint });
            }
            Some(oid::KEY_USAGE) => self.key_usage = Some(KeyUsage(pkix::KeyUsage::from_der(value)?.0.bits())),
            Some(oid::EXTENDED_KEY_USAGE) => self.extended_key_usage = Some(asn1::parse(field, value, purposes)?),
            Some(oid::SUBJECT_KEY_ID) => {
                self.subject_key_id = Some(pkix::SubjectKeyIdentifier::from_der(value)?.0.as_bytes().to_vec());
            }
            Some(oid::AUTHORITY_KEY_ID) => {
                let read = pkix::AuthorityKeyIdentifier::from_der(value)?;
                self.authority_key_id = read.key_identifier.map(|id| id.as_bytes().to_vec());
            }
            // Names are shown, not matched; no policy is asked for, and policyConstraints is refused below.
            Some(oid::SUBJECT_ALT_NAME | oid::CERTIFICATE_POLICIES) => {}
            Some(oid::NAME_CONSTRAINTS) => {
                self.unsupported = Some("it carries name constraints, which are not supported")
            }
            _ if critical => self.unsupported = Some("it carries a critical extension that is not supported"),
            _ => {}
        }
        self.all.push(Extension { oid: name, critical, value: value.to_vec() });
        Ok(())
    }
}

/// `ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId`.
fn purposes(reader: &mut SliceReader<'_>) -> Parse<Vec<String>> {
    asn1::sequence(reader, |r| {
        let first = oid::read(r)?;
        let mut all = asn1::list(r, oid::read)?;
        all.insert(0, first);
        Ok(all)
    })
}

fn extension(identifier: ObjectIdentifier, critical: bool, value: &[u8]) -> Result<Vec<u8>> {
    let flag: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    asn1::seq(&[&asn1::oid(identifier)?, flag, &asn1::octets(value)?])
}

/// What an issued certificate says.
pub(super) struct Issued<'a> {
    pub(super) basic_constraints: BasicConstraints,
    pub(super) key_usage: KeyUsage,
    /// Dotted object identifiers.
    pub(super) extended_key_usage: &'a [&'a str],
    pub(super) subject_key_id: &'a [u8],
    pub(super) authority_key_id: &'a [u8],
}

impl Issued<'_> {
    /// `Extensions`, DER-encoded. basicConstraints and keyUsage are critical (RFC 5280 4.2.1.3, 4.2.1.9).
    pub(super) fn to_der(&self) -> Result<Vec<u8>> {
        let BasicConstraints { ca, path_length } = self.basic_constraints;
        let flag: &[u8] = if ca { &[0x01, 0x01, 0xff] } else { &[] };
        let length = path_length.map(|n| asn1::uint(&[n])).transpose()?.unwrap_or_default();
        let mut all = vec![
            extension(oid::BASIC_CONSTRAINTS, true, &asn1::seq(&[flag, &length])?)?,
            extension(oid::KEY_USAGE, true, &self.key_usage.to_der()?)?,
            extension(oid::SUBJECT_KEY_ID, false, &asn1::octets(self.subject_key_id)?)?,
        ];
        let primitive = Tag::ContextSpecific { constructed: false, number: der::TagNumber(0) };
        let authority = asn1::seq(&[&asn1::tlv(primitive, &[self.authority_key_id])?])?;
        all.push(extension(oid::AUTHORITY_KEY_ID, false, &authority)?);
        if !self.extended_key_usage.is_empty() {
            let encode = |purpose: &&str| oid::encode("extended_key_usage", purpose);
            let purposes: Vec<Vec<u8>> = self.extended_key_usage.iter().map(encode).collect::<Result<_>>()?;
            let parts: Vec<&[u8]> = purposes.iter().map(Vec::as_slice).collect();
            all.push(extension(oid::EXTENDED_KEY_USAGE, false, &asn1::seq(&parts)?)?);
        }
        let parts: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
        asn1::seq(&parts)
    }
}
