//! ECDSA-Sig-Value as strict DER: one encoding a signature, everything else refused.

use crate::{Error, Result};

/// SEQUENCE { INTEGER r, INTEGER s } to r || s.
pub(super) fn decode(der: &[u8]) -> Result<[u8; 64]> {
    let mut reader = Reader { der, at: 0 };
    let length = reader.header(0x30, "expected a SEQUENCE (30)")?;
    if length != der.len() - reader.at {
        let reason =
            if length < der.len() - reader.at { "trailing bytes after the SEQUENCE" } else { "truncated SEQUENCE" };
        let offset = if length < der.len() - reader.at { reader.at + length } else { der.len() };
        return Err(Error::InvalidEncoding { field: "signature", offset, reason });
    }
    let mut bytes = [0; 64];
    let (r, s) = bytes.split_at_mut(32);
    reader.integer(r)?;
    reader.integer(s)?;
    if reader.at != der.len() {
        return Err(reader.error("more than two INTEGERs in the SEQUENCE"));
    }
    Ok(bytes)
}

struct Reader<'a> {
    der: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn error(&self, reason: &'static str) -> Error {
        Error::InvalidEncoding { field: "signature", offset: self.at, reason }
    }

    fn byte(&mut self) -> Result<u8> {
        let byte = *self.der.get(self.at).ok_or_else(|| self.error("truncated"))?;
        self.at += 1;
        Ok(byte)
    }

    /// A tag and a length below 128: two 33-byte integers need no more, so the long form is never minimal.
    fn header(&mut self, tag: u8, expected: &'static str) -> Result<usize> {
        if self.byte()? != tag {
            self.at -= 1;
            return Err(self.error(expected));
        }
        let length = self.byte()?;
        if length >= 0x80 {
            self.at -= 1;
            return Err(self.error("expected a length in one byte below 80"));
        }
        Ok(usize::from(length))
    }

    fn integer(&mut self, out: &mut [u8]) -> Result<()> {
        let length = self.header(0x02, "expected an INTEGER (02)")?;
        let content = self.der.get(self.at..self.at + length).ok_or_else(|| self.error("truncated INTEGER"))?;
        let magnitude = match content {
            [] => return Err(self.error("an INTEGER without content")),
            [0x80..=0xff, ..] => return Err(self.error("a negative INTEGER")),
            [0, rest @ ..] if rest.first().is_some_and(|&byte| byte >= 0x80) => rest,
            [0, _, ..] => return Err(self.error("an INTEGER with a needless leading zero")),
            all => all,
        };
        if magnitude.len() > out.len() {
            return Err(self.error("an INTEGER of more than 32 bytes"));
        }
        let start = out.len() - magnitude.len();
        out[start..].copy_from_slice(magnitude);
        self.at += length;
        Ok(())
    }
}

/// r || s to SEQUENCE { INTEGER r, INTEGER s }.
pub(super) fn encode(signature: &[u8; 64]) -> Vec<u8> {
    let mut der = Vec::with_capacity(72);
    der.extend([0x30, 0]);
    for half in signature.as_chunks::<32>().0 {
        let leading = half.iter().take_while(|&&byte| byte == 0).count().min(31);
        let magnitude = &half[leading..];
        let pad = magnitude[0] >= 0x80;
        der.extend([0x02, magnitude.len() as u8 + u8::from(pad)]);
        der.extend(pad.then_some(0));
        der.extend_from_slice(magnitude);
    }
    der[1] = (der.len() - 2) as u8;
    der
}
