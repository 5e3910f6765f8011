//! Certification path validation (RFC 5280 6.1) at an explicit time against explicit roots.
//!
//! A depth-first search over the given intermediates with bounds on depth and on signature checks, so that hostile
//! sets end quickly. Policies are not processed (none is asked for), names are not constrained, revocation is the
//! caller's.

use crate::pki::certificate::Certificate;
use crate::pki::extension::KeyUsage;
use crate::pki::oid;
use crate::{Error, Result};

/// Certificates in a path at most, root included.
const MAX_PATH: usize = 10;
/// Signature checks in one search at most.
const MAX_CHECKS: usize = 100;

/// What the end entity's key is to be good for (RFC 5280 4.2.1.3). A certificate without keyUsage is good for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Signatures: digitalSignature or nonRepudiation.
    Signature,
    /// digitalSignature.
    DigitalSignature,
    /// nonRepudiation.
    NonRepudiation,
    /// Certificates: keyCertSign, and basicConstraints of a CA.
    CertificateSigning,
    /// Not checked, for example for an encryption certificate.
    Any,
}

impl Usage {
    /// `"signature"`, `"digital_signature"`, `"non_repudiation"`, `"certificate_signing"` or `"any"`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for another name.
    pub fn from_name(name: &str) -> Result<Self> {
        Ok(match name {
            "signature" => Usage::Signature,
            "digital_signature" => Usage::DigitalSignature,
            "non_repudiation" => Usage::NonRepudiation,
            "certificate_signing" => Usage::CertificateSigning,
            "any" => Usage::Any,
            _ => {
                return Err(Error::InvalidArgument {
                    field: "usage",
                    reason: "expected \"signature\", \"digital_signature\", \"non_repudiation\", \"certificate_signing\" or \"any\"",
                });
            }
        })
    }

    fn flags(self) -> Option<KeyUsage> {
        match self {
            Usage::Signature => Some(KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::NON_REPUDIATION)),
            Usage::DigitalSignature => Some(KeyUsage::DIGITAL_SIGNATURE),
            Usage::NonRepudiation => Some(KeyUsage::NON_REPUDIATION),
            Usage::CertificateSigning => Some(KeyUsage::KEY_CERT_SIGN),
            Usage::Any => None,
        }
    }
}

/// What a chain is verified against.
#[derive(Clone, Copy, Debug)]
pub struct ChainOptions<'a> {
    /// The time at which every certificate must be valid, unix seconds.
    pub at: i64,
    /// What the end entity's key is to be good for.
    pub usage: Usage,
    /// A dotted object identifier that the extKeyUsage of the end entity and of every CA that has one must allow.
    pub extended_key_usage: Option<&'a str>,
    /// The SM2 distinguishing identifier of every signature in the chain; `None` is the default.
    pub distid: Option<&'a [u8]>,
}

impl ChainOptions<'_> {
    /// For signatures at a time (unix seconds), with the default distid.
    pub fn at(at: i64) -> Self {
        ChainOptions { at, usage: Usage::Signature, extended_key_usage: None, distid: None }
    }
}

/// Finds and verifies a path from `certificate` to one of `roots`.
///
/// # Inputs
/// `intermediates` in any order, useless ones allowed. `roots` are trusted as they are: their own signature is not
/// checked, everything else is.
///
/// # Outputs
/// The path, end entity first, root last; one certificate when the end entity is itself among the roots.
///
/// # Errors
/// [`Error::InvalidCertificate`] with the depth at which the most promising path ended and the reason.
///
/// # Timing
/// Variable; everything is public. At most 100 signature checks.
///
/// # Source
/// RFC 5280 6.1, GB/T 20518.
pub fn verify_chain(
    certificate: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    options: &ChainOptions<'_>,
) -> Result<Vec<Certificate>> {
    check_end_entity(certificate, options)?;
    let mut search = Search { intermediates, roots, options, checks: 0, failure: None };
    let mut path = vec![certificate.clone()];
    if search.extend(&mut path)? {
        return Ok(path);
    }
    Err(search.failure.unwrap_or(Error::Internal { reason: "a chain search ended without a reason" }))
}

fn refuse(depth: usize, reason: &'static str) -> Error {
    Error::InvalidCertificate { depth, reason }
}

/// What holds for every certificate of a path.
fn check_any(certificate: &Certificate, depth: usize, options: &ChainOptions<'_>) -> Result<()> {
    if options.at < certificate.not_before() {
        return Err(refuse(depth, "it is not yet valid at the time of verification"));
    }
    if options.at > certificate.not_after() {
        return Err(refuse(depth, "it has expired at the time of verification"));
    }
    if let Some(reason) = certificate.unsupported_extension() {
        return Err(refuse(depth, reason));
    }
    if certificate.public_key().is_err() {
        return Err(refuse(depth, "its key is neither P-256 nor SM2"));
    }
    let allows = |wanted: &str, list: &[String]| {
        list.iter().any(|oid| oid == wanted || *oid == oid::ANY_EXTENDED_KEY_USAGE.to_string())
    };
    match (options.extended_key_usage, certificate.extended_key_usage()) {
        (Some(wanted), Some(list)) if !allows(wanted, list) => {
            Err(refuse(depth, "its extended key usage does not allow the purpose that is asked for"))
        }
        (Some(_), None) if depth == 0 => Err(refuse(depth, "it has no extended key usage, and a purpose is asked for")),
        _ => Ok(()),
    }
}

fn check_end_entity(certificate: &Certificate, options: &ChainOptions<'_>) -> Result<()> {
    check_any(certificate, 0, options)?;
    let ca = certificate.basic_constraints().is_some_and(|b| b.ca);
    if options.usage == Usage::CertificateSigning && !ca {
        return Err(refuse(0, "it is not a certificate authority (basic constraints)"));
    }
    match (options.usage.flags(), certificate.key_usage()) {
        (Some(wanted), Some(usage)) if !usage.intersects(wanted) => {
            Err(refuse(0, "its key usage does not allow the use that is asked for"))
        }
        _ => Ok(()),
    }
}

/// Whether `issuer` may stand at `depth` of `path` (which ends below it), its signature aside.
fn check_issuer(issuer: &Certificate, path: &[Certificate], options: &ChainOptions<'_>) -> Result<()> {
    let depth = path.len();
    check_any(issuer, depth, options)?;
    let constraints = issuer.basic_constraints().unwrap_or_default();
    if !constraints.ca {
        return Err(refuse(depth, "it is not a certificate authority (basic constraints)"));
    }
    if issuer.key_usage().is_some_and(|usage| !usage.intersects(KeyUsage::KEY_CERT_SIGN)) {
        return Err(refuse(depth, "its key usage does not allow it to sign certificates"));
    }
    let between = path.iter().skip(1).filter(|c| !c.is_self_issued()).count();
    if constraints.path_length.is_some_and(|most| between > usize::from(most)) {
        return Err(refuse(depth, "more certificates follow it than its path length allows"));
    }
    Ok(())
}

struct Search<'a> {
    intermediates: &'a [Certificate],
    roots: &'a [Certificate],
    options: &'a ChainOptions<'a>,
    checks: usize,
    /// The first failure at the greatest depth reached.
    failure: Option<Error>,
}

impl Search<'_> {
    fn note(&mut self, error: Error) {
        let depth = |e: &Error| if let Error::InvalidCertificate { depth, .. } = e { *depth } else { 0 };
        if self.failure.as_ref().is_none_or(|old| depth(&error) > depth(old)) {
            self.failure = Some(error);
        }
    }

    /// Extends `path` to a root, or restores it and says no. An error ends the whole search.
    fn extend(&mut self, path: &mut Vec<Certificate>) -> Result<bool> {
        let Some(last) = path.last().cloned() else { return Ok(false) };
        if self.roots.contains(&last) {
            return Ok(true);
        }
        let depth = path.len();
        let issues = |c: &&Certificate| c.subject_der() == last.issuer_der() && !path.contains(c);
        let mut candidates: Vec<Certificate> =
            self.roots.iter().filter(issues).chain(self.intermediates.iter().filter(issues)).cloned().collect();
        // Key identifiers are hints: what they fit is tried first (stable, so roots stay before intermediates).
        candidates.sort_by_key(|c| match (last.authority_key_id(), c.subject_key_id()) {
            (Some(wanted), Some(id)) => u8::from(wanted != id) * 2,
            _ => 1,
        });
        if candidates.is_empty() {
            let reason = if last.is_self_issued() {
                "it is self-issued and not among the roots"
            } else {
                "its issuer is neither among the intermediates nor among the roots"
            };
            self.note(refuse(depth - 1, reason));
            return Ok(false);
        }
        if depth >= MAX_PATH {
            self.note(refuse(depth, "the path is longer than 10 certificates"));
            return Ok(false);
        }
        for issuer in candidates {
            if let Err(error) = check_issuer(&issuer, path, self.options) {
                self.note(error);
                continue;
            }
            if self.checks == MAX_CHECKS {
                return Err(refuse(depth, "no path found within 100 signature checks; give fewer intermediates"));
            }
            self.checks += 1;
            match last.verify_signature(&issuer.public_key()?, self.options.distid) {
                Ok(()) => {
                    path.push(issuer);
                    if self.extend(path)? {
                        return Ok(true);
                    }
                    path.pop();
                }
                Err(Error::InvalidCertificate { reason, .. }) => self.note(refuse(depth - 1, reason)),
                Err(_) => self.note(refuse(depth - 1, "its signature does not verify with the key of its issuer")),
            }
        }
        Ok(false)
    }
}
