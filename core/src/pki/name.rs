//! Distinguished names: read from RFC 4514 text, shown as RFC 4514 text, compared as the bytes that were signed.

use crate::pki::asn1;
use crate::{Error, Result};
use const_oid::db::DB;
use der::asn1::{Any, ObjectIdentifier};
use der::{Decode, Tag};
use x509_cert::name::Name;

/// Upper bound of CN, O, OU, L and ST in characters (RFC 5280 A.1).
const MAX_CHARACTERS: usize = 64;

/// The DER Name of RFC 4514 text such as `CN=Contract seal,O=Example,C=CN` (most specific part first).
///
/// # Errors
/// [`Error::InvalidEncoding`] with the byte offset in `text`.
pub(super) fn parse(field: &'static str, text: &str) -> Result<Vec<u8>> {
    let mut parser = Parser { field, text, at: 0 };
    let mut rdns = Vec::new();
    loop {
        let mut rdn = vec![parser.attribute()?];
        while parser.eat('+') {
            rdn.push(parser.attribute()?);
        }
        rdns.push(asn1::set_of(&rdn)?);
        if parser.at == text.len() {
            break;
        }
        if !parser.eat(',') {
            return Err(parser.wrong("expected `,` between the parts of the name"));
        }
    }
    // RFC 4514 2.1: the text is the reverse of the sequence.
    rdns.reverse();
    let parts: Vec<&[u8]> = rdns.iter().map(Vec::as_slice).collect();
    asn1::seq(&parts)
}

/// RFC 4514 text of a DER Name.
pub(super) fn display(field: &'static str, der: &[u8]) -> Result<String> {
    Name::from_der(der).map(|name| name.to_string()).map_err(|e| asn1::typed(field, e.into()))
}

struct Parser<'a> {
    field: &'static str,
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn wrong(&self, reason: &'static str) -> Error {
        Error::InvalidEncoding { field: self.field, offset: self.at, reason }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        self.at += if found { c.len_utf8() } else { 0 };
        found
    }

    /// `type=value`, DER-encoded.
    fn attribute(&mut self) -> Result<Vec<u8>> {
        while self.eat(' ') {}
        let equals = self.rest().find('=').ok_or_else(|| self.wrong("expected a part like `CN=…`"))?;
        let key = self.rest()[..equals].trim_end();
        let oid = match DB.by_name(key) {
            Some(oid) => *oid,
            None => ObjectIdentifier::new(key).map_err(|_| {
                self.wrong("unknown kind of name; use CN, O, OU, L, ST, C, DC, emailAddress or a dotted OID")
            })?,
        };
        self.at += equals + 1;
        while self.eat(' ') {}
        let start = self.at;
        let value = if self.eat('#') {
            let digits = self.rest().find([',', '+']).map_or(self.rest(), |end| &self.rest()[..end]).trim_end();
            let value = unhex(digits).and_then(|der| Any::from_der(&der).ok());
            let length = digits.len();
            let value = value.ok_or_else(|| self.wrong("expected the DER of a value in hexadecimal"))?;
            self.at += length;
            while self.eat(' ') {}
            value
        } else {
            let bytes = self.value()?;
            let text = core::str::from_utf8(&bytes).map_err(|_| self.wrong("the escapes are not UTF-8"))?;
            let tag = check(oid, text).map_err(|reason| Error::InvalidEncoding {
                field: self.field,
                offset: start,
                reason,
            })?;
            Any::new(tag, bytes.as_slice()).map_err(|_| self.wrong("too long"))?
        };
        asn1::seq(&[&asn1::oid(oid)?, &asn1::encode(&value)?])
    }

    /// An attribute value with its escapes undone, up to an unescaped `,` or `+`.
    fn value(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        // Spaces at the end count only when escaped.
        let mut kept = 0;
        while let Some(c) = self.rest().chars().next() {
            match c {
                ',' | '+' => break,
                '"' | ';' | '<' | '>' | '\0' => return Err(self.wrong("this character must be escaped with `\\`")),
                '\\' => {
                    self.at += 1;
                    let next = self.rest().chars().next().ok_or_else(|| self.wrong("an escape has no character"))?;
                    if matches!(next, ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\') {
                        out.push(next as u8);
                        self.at += 1;
                    } else {
                        let byte = self.rest().get(..2).and_then(unhex).filter(|b| b.len() == 1);
                        out.push(
                            byte.ok_or_else(|| {
                                self.wrong("an escape is neither a special character nor two hex digits")
                            })?[0],
                        );
                        self.at += 2;
                    }
                    kept = out.len();
                }
                c => {
                    let mut buffer = [0; 4];
                    out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                    self.at += c.len_utf8();
                    if c != ' ' {
                        kept = out.len();
                    }
                }
            }
        }
        out.truncate(kept);
        Ok(out)
    }
}

/// The string type of an attribute (RFC 5280 A.1), and whether `text` is of it.
fn check(oid: ObjectIdentifier, text: &str) -> core::result::Result<Tag, &'static str> {
    use const_oid::db::{rfc3280::EMAIL_ADDRESS, rfc4519};
    let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
    if text.is_empty() {
        return Err("the value is empty");
    }
    match oid {
        rfc4519::COUNTRY_NAME if text.len() != 2 || !text.chars().all(|c| c.is_ascii_alphabetic()) => {
            Err("a country is two letters (ISO 3166)")
        }
        rfc4519::COUNTRY_NAME => Ok(Tag::PrintableString),
        rfc4519::SERIAL_NUMBER if !text.chars().all(printable) => {
            Err("a serial number has only PrintableString characters")
        }
        rfc4519::SERIAL_NUMBER => Ok(Tag::PrintableString),
        EMAIL_ADDRESS | rfc4519::DOMAIN_COMPONENT if !text.is_ascii() => Err("this value must be ASCII"),
        EMAIL_ADDRESS | rfc4519::DOMAIN_COMPONENT => Ok(Tag::Ia5String),
        _ if text.chars().count() > MAX_CHARACTERS => Err("longer than 64 characters"),
        _ => Ok(Tag::Utf8String),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    digits.filter(|d| !d.is_empty() && d.len() % 2 == 0).map(|d| d.chunks(2).map(|p| p[0] << 4 | p[1]).collect())
}
