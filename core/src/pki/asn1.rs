//! The seam to the `der` crate: its reader with our errors, and the few encodings that it has no call for.
//!
//! Reading keeps one reader over the whole input, so that offsets count from its start and raw slices stay
//! what was signed. Writing concatenates ready DER: a certificate has no structure that is worth a type of its own twice.

use crate::{Error, Result};
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Encode, ErrorKind, Header, Length, Reader, SliceReader, Tag, TagNumber};

/// Upper bound of any object, attached content included.
pub(super) const MAX_OBJECT: usize = 1 << 24;
/// Upper bound of a key, a certificate or a request; real ones have a few kilobytes.
pub(super) const MAX_SMALL_OBJECT: usize = 1 << 18;

/// Refuses more than [`MAX_SMALL_OBJECT`] bytes.
pub(super) fn check_small(field: &'static str, bytes: &[u8]) -> Result<()> {
    if bytes.len() <= MAX_SMALL_OBJECT {
        return Ok(());
    }
    Err(Error::InvalidLength { field, expected: MAX_SMALL_OBJECT, actual: bytes.len() })
}

/// What stops a parser: DER that does not parse, or a typed refusal.
pub(super) enum Fault {
    Der(der::Error),
    Typed(Error),
}

impl From<der::Error> for Fault {
    fn from(error: der::Error) -> Self {
        Fault::Der(error)
    }
}

impl From<ErrorKind> for Fault {
    fn from(kind: ErrorKind) -> Self {
        Fault::Der(kind.into())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Typed(error)
    }
}

pub(super) type Parse<T> = core::result::Result<T, Fault>;

/// Runs `read` over all of `bytes`; nothing may be left behind.
pub(super) fn parse<'a, T>(
    field: &'static str,
    bytes: &'a [u8],
    read: impl FnOnce(&mut SliceReader<'a>) -> Parse<T>,
) -> Result<T> {
    if bytes.len() > MAX_OBJECT {
        return Err(Error::InvalidLength { field, expected: MAX_OBJECT, actual: bytes.len() });
    }
    let run = || -> Parse<T> {
        let mut reader = SliceReader::new(bytes)?;
        let value = read(&mut reader)?;
        reader.finish()?;
        Ok(value)
    };
    run().map_err(|fault| typed(field, fault))
}

/// The typed error of a fault.
pub(super) fn typed(field: &'static str, fault: Fault) -> Error {
    match fault {
        Fault::Typed(error) => error,
        Fault::Der(error) => Error::InvalidEncoding {
            field,
            offset: error.position().and_then(|p| usize::try_from(p).ok()).unwrap_or(0),
            reason: reason(error.kind()),
        },
    }
}

fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Incomplete { .. } => "truncated: an element is longer than what is left",
        ErrorKind::TrailingData { .. } => "bytes are left after the end of the structure",
        ErrorKind::IndefiniteLength => "indefinite length (BER); DER is required",
        ErrorKind::Length { .. } | ErrorKind::Overlength | ErrorKind::Overflow => {
            "a length is not minimal or out of range"
        }
        ErrorKind::Noncanonical { .. } => "not in the canonical form that DER requires",
        ErrorKind::SetOrdering => "a SET OF is not in DER order",
        ErrorKind::TagUnexpected { .. } => "another element is expected here",
        ErrorKind::TagUnknown { .. } | ErrorKind::TagNumberInvalid => "not an ASN.1 tag of this format",
        ErrorKind::NestingDepth => "nested too deeply",
        ErrorKind::OidMalformed | ErrorKind::OidUnknown { .. } => "malformed object identifier",
        ErrorKind::DateTime => "not a date",
        ErrorKind::Utf8(_) => "text is not UTF-8",
        ErrorKind::Value { .. } => "a value is out of range",
        _ => "not the DER structure that is expected here",
    }
}

/// Reads `tag` and hands its content to `read`, which must consume it.
pub(super) fn nested<'a, T>(
    reader: &mut SliceReader<'a>,
    tag: Tag,
    read: impl FnOnce(&mut SliceReader<'a>) -> Parse<T>,
) -> Parse<T> {
    let header = Header::decode(reader)?;
    header.tag().assert_eq(tag)?;
    reader.read_nested(header.length(), read)
}

/// Reads a SEQUENCE and hands its content to `read`, which must consume it.
pub(super) fn sequence<'a, T>(
    reader: &mut SliceReader<'a>,
    read: impl FnOnce(&mut SliceReader<'a>) -> Parse<T>,
) -> Parse<T> {
    nested(reader, Tag::Sequence, read)
}

/// The tag `[number]`, constructed.
pub(super) fn context(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// Whether the next element has this tag.
pub(super) fn next_is(reader: &SliceReader<'_>, tag: Tag) -> bool {
    !reader.is_finished() && Tag::peek(reader).is_ok_and(|next| next == tag)
}

/// Reads `[number] { … }` when it is next.
pub(super) fn optional<'a, T>(
    reader: &mut SliceReader<'a>,
    number: u32,
    read: impl FnOnce(&mut SliceReader<'a>) -> Parse<T>,
) -> Parse<Option<T>> {
    if next_is(reader, context(number)) { nested(reader, context(number), read).map(Some) } else { Ok(None) }
}

/// The raw element that is next, with its header.
pub(super) fn raw<'a>(reader: &mut SliceReader<'a>) -> Parse<&'a [u8]> {
    Ok(reader.tlv_bytes()?)
}

/// Elements of a list at most: far more than real objects have, few enough that a hostile one stays cheap.
pub(super) const MAX_ELEMENTS: usize = 1024;

/// The elements up to the end of the reader.
pub(super) fn list<'a, T>(
    reader: &mut SliceReader<'a>,
    mut read: impl FnMut(&mut SliceReader<'a>) -> Parse<T>,
) -> Parse<Vec<T>> {
    let mut elements = Vec::new();
    while !reader.is_finished() {
        if elements.len() == MAX_ELEMENTS {
            let offset = usize::try_from(reader.position())?;
            return Err(Error::InvalidEncoding { field: "list", offset, reason: "more than 1024 elements" }.into());
        }
        elements.push(read(reader)?);
    }
    Ok(elements)
}

/// The raw elements up to the end of the reader.
pub(super) fn raw_elements<'a>(reader: &mut SliceReader<'a>) -> Parse<Vec<&'a [u8]>> {
    list(reader, raw)
}

/// Skips what is left of the reader.
pub(super) fn skip(reader: &mut SliceReader<'_>) -> Parse<()> {
    while !reader.is_finished() {
        raw(reader)?;
    }
    Ok(())
}

/// Where the next element lies in the input, with its header.
pub(super) fn span(reader: &mut SliceReader<'_>) -> Parse<core::ops::Range<usize>> {
    let start = usize::try_from(reader.position())?;
    raw(reader)?;
    Ok(start..usize::try_from(reader.position())?)
}

/// An AlgorithmIdentifier as read: its parameters stay undecoded.
#[derive(Clone, Copy)]
pub(super) struct AlgorithmRef<'a> {
    pub(super) oid: ObjectIdentifier,
    pub(super) parameters: Option<AnyRef<'a>>,
}

impl<'a> AlgorithmRef<'a> {
    pub(super) fn read(reader: &mut SliceReader<'a>) -> Parse<Self> {
        sequence(reader, |r| {
            let oid = ObjectIdentifier::decode(r)?;
            let parameters = if r.is_finished() { None } else { Some(AnyRef::decode(r)?) };
            Ok(AlgorithmRef { oid, parameters })
        })
    }

    /// Absent or NULL: what every signature and digest algorithm here has.
    pub(super) fn has_no_parameters(&self) -> bool {
        self.parameters.is_none_or(|p| p.is_null())
    }
}

/// The content of a BIT STRING of whole bytes.
pub(super) fn bit_string<'a>(reader: &mut SliceReader<'a>) -> Parse<&'a [u8]> {
    let bits = BitStringRef::decode(reader)?;
    Ok(bits.as_bytes().ok_or_else(|| Tag::BitString.value_error())?)
}

/// `tag`, length, then the parts.
pub(super) fn tlv(tag: Tag, parts: &[&[u8]]) -> Result<Vec<u8>> {
    let content: usize = parts.iter().map(|p| p.len()).sum();
    let too_long = Error::InvalidLength { field: "DER element", expected: MAX_OBJECT, actual: content };
    if content > MAX_OBJECT {
        return Err(too_long);
    }
    let length = Length::try_from(content).map_err(|_| too_long)?;
    let mut out = encode(&Header::new(tag, length))?;
    out.reserve_exact(content);
    parts.iter().for_each(|p| out.extend_from_slice(p));
    Ok(out)
}

/// SEQUENCE of ready elements.
pub(super) fn seq(parts: &[&[u8]]) -> Result<Vec<u8>> {
    tlv(Tag::Sequence, parts)
}

/// SET OF: the elements in DER order (X.690 11.6: ascending, the shorter padded with zeros).
pub(super) fn set_of(elements: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut sorted: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
    sorted.sort_by(|a, b| set_order(a, b));
    tlv(Tag::Set, &sorted)
}

/// The order of X.690 11.6. Complete elements never are prefixes of each other, so slice order suffices.
pub(super) fn set_order(a: &[u8], b: &[u8]) -> core::cmp::Ordering {
    a.cmp(b)
}

/// The DER of a value of the `der` crates.
pub(super) fn encode(value: &impl Encode) -> Result<Vec<u8>> {
    value.to_der().map_err(|_| Error::Internal { reason: "DER encoding of a bounded value failed" })
}

pub(super) fn oid(oid: ObjectIdentifier) -> Result<Vec<u8>> {
    encode(&oid)
}

/// AlgorithmIdentifier without parameters.
pub(super) fn algorithm(identifier: ObjectIdentifier) -> Result<Vec<u8>> {
    seq(&[&oid(identifier)?])
}

pub(super) fn octets(bytes: &[u8]) -> Result<Vec<u8>> {
    tlv_of(OctetStringRef::new(bytes))
}

pub(super) fn bits(bytes: &[u8]) -> Result<Vec<u8>> {
    tlv_of(BitStringRef::from_bytes(bytes))
}

/// A non-negative INTEGER from big-endian bytes.
pub(super) fn uint(bytes: &[u8]) -> Result<Vec<u8>> {
    tlv_of(UintRef::new(bytes))
}

fn tlv_of<T: Encode>(value: der::Result<T>) -> Result<Vec<u8>> {
    encode(&value.map_err(|_| Error::Internal { reason: "DER encoding of a bounded value failed" })?)
}
