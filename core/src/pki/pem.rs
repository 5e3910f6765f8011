//! PEM (RFC 7468): found in surrounding text, one label or several, whitespace ignored; written in 64 columns.
//! Base64 goes through a constant-time decoder, because private keys do too.

use crate::pki::asn1::MAX_OBJECT;
use crate::{Error, Result};
use base64ct::{Base64, Encoding};
use pem_rfc7468::LineEnding;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// A decoded block; its bytes may be a private key.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// The encoding of a key, certificate, request or CMS object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Base64 between `-----BEGIN …-----` and `-----END …-----`.
    Pem,
    /// The bytes themselves.
    Der,
}

impl Format {
    /// `"pem"` or `"der"`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for another name.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "pem" => Ok(Format::Pem),
            "der" => Ok(Format::Der),
            _ => Err(Error::InvalidArgument { field: "format", reason: "expected \"pem\" or \"der\"" }),
        }
    }
}

/// Whether this is PEM rather than DER: a DER SEQUENCE starts with `0`, which text may do too, but its
/// length bytes are not text.
fn is_pem(data: &[u8]) -> bool {
    let marked = data.windows(BEGIN.len()).any(|w| w == BEGIN.as_bytes());
    marked && (data.first() != Some(&0x30) || core::str::from_utf8(data).is_ok())
}

/// Every PEM block of `data` in order, or `None` when `data` is DER.
pub(super) fn blocks(field: &'static str, data: &[u8]) -> Result<Option<Vec<Block>>> {
    if data.len() > MAX_OBJECT {
        return Err(Error::InvalidLength { field, expected: MAX_OBJECT, actual: data.len() });
    }
    if !is_pem(data) {
        return Ok(None);
    }
    let wrong = |offset: usize, reason: &'static str| Error::InvalidEncoding { field, offset, reason };
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(begin) = find(data, at, BEGIN) {
        let label_at = begin + BEGIN.len();
        let label_end = find(data, label_at, DASHES).ok_or_else(|| wrong(begin, "the PEM label has no end"))?;
        let label = core::str::from_utf8(&data[label_at..label_end])
            .ok()
            .filter(|l| l.len() <= 64 && !l.contains(['\n', '\r']))
            .ok_or_else(|| wrong(label_at, "the PEM label is not one line of text"))?;
        let body_at = label_end + DASHES.len();
        let end_line = format!("-----END {label}-----");
        let body_end = find(data, body_at, &end_line)
            .ok_or_else(|| wrong(begin, "the PEM block has no END line with its label"))?;
        let body = &data[body_at..body_end];
        if body.contains(&b':') {
            return Err(wrong(
                body_at,
                "PEM headers (legacy OpenSSL encryption) are not supported; convert the key with `openssl pkcs8 -topk8`",
            ));
        }
        // Room for all at once: growing would leave copies of a private key behind.
        let mut text = Zeroizing::new(Vec::with_capacity(body.len()));
        text.extend(body.iter().filter(|b| !b.is_ascii_whitespace()));
        let mut der = Zeroizing::new(vec![0; text.len() / 4 * 3 + 3]);
        let length = Base64::decode(text.as_slice(), der.as_mut_slice())
            .map_err(|_| wrong(body_at, "the PEM body is not base64"))?
            .len();
        der.truncate(length);
        blocks.push(Block { label: label.to_owned(), der });
        at = body_end + end_line.len();
    }
    Ok(Some(blocks))
}

fn find(data: &[u8], from: usize, needle: &str) -> Option<usize> {
    data.get(from..)?.windows(needle.len()).position(|w| w == needle.as_bytes()).map(|i| from + i)
}

/// The DER of the only object in `data`, which is DER or PEM with one of `labels`.
pub(super) fn single(field: &'static str, data: &[u8], labels: &[&str]) -> Result<Zeroizing<Vec<u8>>> {
    match blocks(field, data)? {
        Some(blocks) => only(field, blocks, labels),
        None => Ok(Zeroizing::new(data.to_vec())),
    }
}

/// The DER of the only block with one of `labels`; DER is refused.
pub(super) fn decode(field: &'static str, data: &[u8], labels: &[&str]) -> Result<Zeroizing<Vec<u8>>> {
    let not_pem = Error::InvalidEncoding { field, offset: 0, reason: "no PEM text (no BEGIN line); is it DER?" };
    only(field, blocks(field, data)?.ok_or(not_pem)?, labels)
}

fn only(field: &'static str, blocks: Vec<Block>, labels: &[&str]) -> Result<Zeroizing<Vec<u8>>> {
    let mut fitting = blocks.into_iter().filter(|b| labels.contains(&b.label.as_str()));
    let first = fitting.next().ok_or(Error::InvalidEncoding {
        field,
        offset: 0,
        reason: "the PEM text holds another kind of object (see its BEGIN line)",
    })?;
    if fitting.next().is_some() {
        return Err(Error::InvalidEncoding { field, offset: 0, reason: "the PEM text holds several; one is expected" });
    }
    Ok(first.der)
}

/// One PEM block.
pub(super) fn encode(label: &str, der: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    pem_rfc7468::encode_string(label, LineEnding::LF, der)
        .map(|text| Zeroizing::new(text.into_bytes()))
        .map_err(|_| Error::Internal { reason: "PEM encoding of bounded bytes failed" })
}

/// `der` in the wanted format.
pub(super) fn write(format: Format, label: &str, der: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>> {
    match format {
        Format::Pem => encode(label, &der),
        Format::Der => Ok(der),
    }
}
