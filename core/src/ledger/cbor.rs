//! Deterministic CBOR (RFC 8949, clause 4.2.1): the one encoding of every entry body.
//!
//! A value has exactly one encoding and the decoder accepts nothing else: shortest heads, definite lengths, map keys
//! of text in bytewise order, no duplicate key, no float, no tag, no trailing byte. Depth and length are bounded, so
//! hostile input costs what its length costs. Not a general CBOR library: what a body never holds is refused.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use crate::{Error, Result};

/// The deepest nesting that is encoded or decoded; a scalar has depth 1.
pub const MAX_DEPTH: usize = 16;
/// The longest encoding in bytes: what fits into an entry, rounded up to its frame.
pub const MAX_LENGTH: usize = 65_535;

/// A CBOR data item of the subset that bodies use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer; CBOR integers outside i64 are refused.
    Int(i64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text string.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// A map with text keys.
    Map(Map),
}

/// A map with text keys, kept in the order of their encoding: shorter keys first, then bytewise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map(Vec<(String, Value)>);

fn order(a: &str, b: &str) -> core::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

impl Map {
    /// An empty map.
    pub fn new() -> Self {
        Map::default()
    }

    /// Puts `value` under `key`; the value that was there before is returned.
    pub fn insert(&mut self, key: impl Into<String>, value: Value) -> Option<Value> {
        let key = key.into();
        match self.0.binary_search_by(|(k, _)| order(k, &key)) {
            Ok(at) => Some(core::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.binary_search_by(|(k, _)| order(k, key)).ok().map(|at| &self.0[at].1)
    }

    /// Takes the value under `key` out of the map.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.binary_search_by(|(k, _)| order(k, key)).ok().map(|at| self.0.remove(at).1)
    }

    /// The pairs, in the order of their encoding.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the map holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(pairs: I) -> Self {
        let mut map = Map::new();
        for (key, value) in pairs {
            map.insert(key, value);
        }
        map
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Value::Bytes(bytes.to_vec())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Value::Bool(truth)
    }
}

impl Value {
    /// A map of these pairs; of two pairs with one key the later counts.
    ///
    /// # Examples
    /// ```
    /// use sealcore::ledger::cbor::Value;
    /// let value = Value::map([("size", Value::Int(500)), ("id", "a".into())]);
    /// assert_eq!(value.encode()?, b"\xa2\x62id\x61a\x64size\x19\x01\xf4");
    /// # Ok::<(), sealcore::Error>(())
    /// ```
    pub fn map<K: Into<String>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Value {
        Value::Map(pairs.into_iter().collect())
    }

    /// The one encoding of this value.
    ///
    /// # Errors
    /// `InvalidArgument` when the value is nested deeper than [`MAX_DEPTH`] or its encoding is longer than [`MAX_LENGTH`].
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.write(&mut Encoder::new(&mut out), MAX_DEPTH)?;
        if out.len() > MAX_LENGTH {
            return Err(Error::InvalidArgument { field: "cbor", reason: "the encoding is longer than 65535 bytes" });
        }
        Ok(out)
    }

    /// Decodes exactly one value, and only from its one encoding.
    ///
    /// # Errors
    /// `InvalidEncoding` (field `cbor`) with the offset of the first byte that is not what [`Value::encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Value> {
        if bytes.len() > MAX_LENGTH {
            return Err(invalid(MAX_LENGTH, "longer than 65535 bytes"));
        }
        let mut decoder = Decoder::new(bytes);
        let mut long = None;
        let value = read(&mut decoder, MAX_DEPTH, &mut long)?;
        if decoder.position() != bytes.len() {
            return Err(invalid(decoder.position(), "bytes after the end of the value"));
        }
        if let Some(at) = long {
            return Err(invalid(at, "not the shortest form"));
        }
        // Types, order of keys and lengths of heads are all that an encoding could differ in.
        debug_assert_eq!(value.encode().as_deref(), Ok(bytes));
        Ok(value)
    }

    fn write(&self, out: &mut Encoder<&mut Vec<u8>>, depth: usize) -> Result<()> {
        if depth == 0 {
            return Err(Error::InvalidArgument { field: "cbor", reason: "nested deeper than 16" });
        }
        match self {
            Value::Null => out.null(),
            Value::Bool(truth) => out.bool(*truth),
            Value::Int(number) => out.i64(*number),
            Value::Bytes(bytes) => out.bytes(bytes),
            Value::Text(text) => out.str(text),
            Value::Array(items) => {
                out.array(items.len() as u64).map_err(|_| WRITE)?;
                for item in items {
                    item.write(out, depth - 1)?;
                }
                return Ok(());
            }
            Value::Map(map) => {
                out.map(map.len() as u64).map_err(|_| WRITE)?;
                for (key, value) in map.iter() {
                    out.str(key).map_err(|_| WRITE)?;
                    value.write(out, depth - 1)?;
                }
                return Ok(());
            }
        }
        .map(|_| ())
        .map_err(|_| WRITE)
    }
}

const WRITE: Error = Error::Internal { reason: "writing CBOR to memory failed" };

fn invalid(offset: usize, reason: &'static str) -> Error {
    Error::InvalidEncoding { field: "cbor", offset, reason }
}

/// The bytes of the shortest head with this number.
fn head(number: u64) -> usize {
    match number {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}

/// Room for so many items, as far as a hostile head may be believed.
fn room(count: u64) -> usize {
    count.min(32) as usize
}

/// `long`: where the first head stands that is longer than it must be.
fn read(from: &mut Decoder<'_>, depth: usize, long: &mut Option<usize>) -> Result<Value> {
    let at = from.position();
    if depth == 0 {
        return Err(invalid(at, "nested deeper than 16"));
    }
    let cut = |_| invalid(at, "ends inside a value, or not valid CBOR");
    let expect = |from: &Decoder<'_>, length: usize, long: &mut Option<usize>| {
        if from.position() - at != length {
            long.get_or_insert(at);
        }
    };
    Ok(match from.datatype().map_err(cut)? {
        Type::Null => {
            from.null().map_err(cut)?;
            Value::Null
        }
        Type::Bool => Value::Bool(from.bool().map_err(cut)?),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
            let number = from.i64().map_err(|_| invalid(at, "an integer outside 64 bits, or cut short"))?;
            expect(from, head((number ^ (number >> 63)) as u64), long);
            Value::Int(number)
        }
        Type::Bytes => {
            let bytes = from.bytes().map_err(cut)?;
            expect(from, head(bytes.len() as u64) + bytes.len(), long);
            Value::Bytes(bytes.to_vec())
        }
        Type::String => {
            let text = from.str().map_err(|_| invalid(at, "a text that is cut short or not UTF-8"))?;
            expect(from, head(text.len() as u64) + text.len(), long);
            Value::Text(text.to_owned())
        }
        Type::Array => {
            let count = from.array().map_err(cut)?.ok_or_else(|| invalid(at, "an array of indefinite length"))?;
            expect(from, head(count), long);
            let mut items = Vec::with_capacity(room(count));
            for _ in 0..count {
                items.push(read(from, depth - 1, long)?);
            }
            Value::Array(items)
        }
        Type::Map => {
            let count = from.map().map_err(cut)?.ok_or_else(|| invalid(at, "a map of indefinite length"))?;
            expect(from, head(count), long);
            let mut pairs: Vec<(String, Value)> = Vec::with_capacity(room(count));
            for _ in 0..count {
                let at = from.position();
                let key = from.str().map_err(|_| invalid(at, "a map key that is not a text"))?.to_owned();
                if from.position() - at != head(key.len() as u64) + key.len() {
                    long.get_or_insert(at);
                }
                if let Some((before, _)) = pairs.last()
                    && order(before, &key) != core::cmp::Ordering::Less
                {
                    return Err(invalid(at, "map keys out of order or twice"));
                }
                pairs.push((key, read(from, depth - 1, long)?));
            }
            Value::Map(Map(pairs))
        }
        _ => {
            return Err(invalid(
                at,
                "a type that bodies do not use (float, tag, simple value, integer outside 64 bits)",
            ));
        }
    })
}

/// Reads the pairs of a map one by one and refuses what is left over: closed formats in a few lines.
///
/// # Examples
/// ```
/// use sealcore::ledger::cbor::{Fields, Value};
/// let mut fields = Fields::new("unit", Value::map([("id", "hq".into())]))?;
/// assert_eq!(fields.text("id")?, "hq");
/// fields.finish()?;
/// # Ok::<(), sealcore::Error>(())
/// ```
#[derive(Debug)]
pub struct Fields {
    what: &'static str,
    map: Map,
}

impl Fields {
    /// Starts on `value`, which must be a map; `what` names the format in errors.
    ///
    /// # Errors
    /// `InvalidEncoding` when the value is no map.
    pub fn new(what: &'static str, value: Value) -> Result<Self> {
        match value {
            Value::Map(map) => Ok(Fields { what, map }),
            _ => Err(Error::InvalidEncoding { field: what, offset: 0, reason: "must be a map" }),
        }
    }

    /// Takes an optional value.
    pub fn optional(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key)
    }

    /// Takes a value that must be there.
    ///
    /// # Errors
    /// `InvalidArgument` naming `key` when it is missing.
    pub fn required(&mut self, key: &'static str) -> Result<Value> {
        self.map.remove(key).ok_or(Error::InvalidArgument { field: key, reason: "missing from the map" })
    }

    /// Takes a text.
    ///
    /// # Errors
    /// `InvalidArgument` naming `key` when it is missing or no text.
    pub fn text(&mut self, key: &'static str) -> Result<String> {
        match self.required(key)? {
            Value::Text(text) => Ok(text),
            _ => Err(Error::InvalidArgument { field: key, reason: "must be a text" }),
        }
    }

    /// Takes a byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// `InvalidArgument` naming `key` when it is missing or no byte string, `InvalidLength` for another length.
    pub fn bytes<const N: usize>(&mut self, key: &'static str) -> Result<[u8; N]> {
        let value = self.required(key)?;
        exactly(key, value)
    }

    /// Takes a byte string of exactly `N` bytes that may be left out.
    ///
    /// # Errors
    /// `InvalidArgument` naming `key` when it is no byte string, `InvalidLength` for another length.
    pub fn optional_bytes<const N: usize>(&mut self, key: &'static str) -> Result<Option<[u8; N]>> {
        self.map.remove(key).map(|value| exactly(key, value)).transpose()
    }

    /// Takes an integer.
    ///
    /// # Errors
    /// `InvalidArgument` naming `key` when it is missing or no integer.
    pub fn int(&mut self, key: &'static str) -> Result<i64> {
        match self.required(key)? {
            Value::Int(number) => Ok(number),
            _ => Err(Error::InvalidArgument { field: key, reason: "must be an integer" }),
        }
    }

    /// Ends: nothing may be left.
    ///
    /// # Errors
    /// `InvalidEncoding` naming the format when the map holds a key that nobody asked for.
    pub fn finish(self) -> Result<()> {
        if self.map.is_empty() {
            Ok(())
        } else {
            Err(Error::InvalidEncoding {
                field: self.what,
                offset: 0,
                reason: "holds a key that the format does not have",
            })
        }
    }
}

fn exactly<const N: usize>(key: &'static str, value: Value) -> Result<[u8; N]> {
    let Value::Bytes(bytes) = value else {
        return Err(Error::InvalidArgument { field: key, reason: "must be a byte string" });
    };
    <[u8; N]>::try_from(bytes.as_slice()).map_err(|_| Error::InvalidLength {
        field: key,
        expected: N,
        actual: bytes.len(),
    })
}
