//! Reading and writing the CBOR maps of statements: every field is asked for by name, every limit is checked where
//! the field is read, and what is left over at the end is refused.

use super::name::{Amount, Digests, MAX_TIME, Name, Position, StatementId};
use crate::ledger::cbor::{Map, Value};
use crate::{Error, Result};

/// One map being read. `path` names it in errors; a field's path is `"<map>.<key>"`.
pub(crate) struct Fields<'a> {
    path: &'static str,
    map: &'a Map,
    taken: u64,
}

fn key_of(path: &'static str) -> &'static str {
    path.bytes().rposition(|letter| letter == b'.').map_or(path, |dot| &path[dot + 1..])
}

fn wrong_type(field: &'static str, reason: &'static str) -> Error {
    Error::InvalidEncoding { field, offset: 0, reason }
}

impl<'a> Fields<'a> {
    pub(crate) fn new(path: &'static str, value: &'a Value) -> Result<Self> {
        match value {
            // The mask has 64 places; no statement has half as many fields.
            Value::Map(map) if map.len() <= 32 => Ok(Fields { path, map, taken: 0 }),
            Value::Map(_) => Err(wrong_type(path, "a map of at most 32 fields belongs here")),
            _ => Err(wrong_type(path, "a map belongs here")),
        }
    }

    fn optional_value(&mut self, path: &'static str) -> Option<&'a Value> {
        let key = key_of(path);
        let (at, (_, value)) = self.map.iter().enumerate().find(|(_, (name, _))| *name == key)?;
        self.taken |= 1 << at;
        Some(value)
    }

    fn value(&mut self, path: &'static str) -> Result<&'a Value> {
        self.optional_value(path).ok_or(wrong_type(path, "this field is missing"))
    }

    /// Reads a field that may be absent (never null).
    pub(crate) fn optional<T>(
        &mut self,
        path: &'static str,
        read: impl FnOnce(&'static str, &'a Value) -> Result<T>,
    ) -> Result<Option<T>> {
        self.optional_value(path).map(|value| read(path, value)).transpose()
    }

    /// Reads a field that must be there.
    pub(crate) fn required<T>(
        &mut self,
        path: &'static str,
        read: impl FnOnce(&'static str, &'a Value) -> Result<T>,
    ) -> Result<T> {
        read(path, self.value(path)?)
    }

    /// Reads a list. An empty one is left out and not written, so that one statement has one encoding.
    pub(crate) fn list<T>(
        &mut self,
        path: &'static str,
        most: usize,
        read: impl Fn(&'static str, &'a Value) -> Result<T>,
    ) -> Result<Vec<T>> {
        let Some(value) = self.optional_value(path) else { return Ok(Vec::new()) };
        let Value::Array(items) = value else { return Err(wrong_type(path, "an array belongs here")) };
        if items.is_empty() {
            return Err(wrong_type(path, "an empty array: leave the field out instead"));
        }
        if items.len() > most {
            return Err(Error::InvalidLength { field: path, expected: most, actual: items.len() });
        }
        items.iter().map(|item| read(path, item)).collect()
    }

    /// A list that is a set: strictly ascending, so that one set has one encoding.
    pub(crate) fn set<T: Ord>(
        &mut self,
        path: &'static str,
        most: usize,
        read: impl Fn(&'static str, &'a Value) -> Result<T>,
    ) -> Result<Vec<T>> {
        let items = self.list(path, most, read)?;
        if items.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::InvalidArgument {
                field: path,
                reason: "the items must be sorted ascending, each once",
            });
        }
        Ok(items)
    }

    /// Nothing may be left over.
    ///
    /// # Errors
    /// [`Error::InvalidEncoding`] with the offset of the first field that nobody asked for.
    pub(crate) fn finish(self, allowed: &'static str) -> Result<()> {
        let Some(at) = (0..self.map.len()).find(|&at| self.taken & (1 << at) == 0) else { return Ok(()) };
        let before: Map = self.map.iter().take(at).map(|(key, value)| (key, value.clone())).collect();
        // The head of a map is one byte up to 23 pairs, two up to 255.
        let head = |pairs: usize| if pairs < 24 { 1 } else { 2 };
        let offset = head(self.map.len()) + Value::Map(before).encode()?.len() - head(at);
        Err(Error::InvalidEncoding { field: self.path, offset, reason: allowed })
    }
}

/// A whole number in `least..=most`.
pub(crate) fn number(field: &'static str, value: &Value, least: u64, most: u64, reason: &'static str) -> Result<u64> {
    let Value::Int(number) = value else { return Err(wrong_type(field, "a whole number belongs here")) };
    match u64::try_from(*number) {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(Error::InvalidArgument { field, reason }),
    }
}

/// A count: 1 to a million.
pub(crate) fn count(field: &'static str, value: &Value) -> Result<u32> {
    number(field, value, 1, 1_000_000, "a number from 1 to 1,000,000 belongs here").map(|n| n as u32)
}

/// A time: µs since 1970 UTC, up to the year 9999.
pub(crate) fn time(field: &'static str, value: &Value) -> Result<u64> {
    number(field, value, 0, MAX_TIME, "a time from 1970 to 9999 in µs since 1970 UTC belongs here")
}

fn bytes<const N: usize>(field: &'static str, value: &Value, reason: &'static str) -> Result<[u8; N]> {
    let Value::Bytes(bytes) = value else { return Err(wrong_type(field, reason)) };
    <[u8; N]>::try_from(bytes.as_slice()).map_err(|_| Error::InvalidLength { field, expected: N, actual: bytes.len() })
}

/// 32 bytes: a digest or a commitment.
pub(crate) fn bytes32(field: &'static str, value: &Value) -> Result<[u8; 32]> {
    bytes(field, value, "32 bytes belong here")
}

/// 65 bytes: a point as it stands in the key table.
pub(crate) fn point(field: &'static str, value: &Value) -> Result<[u8; 65]> {
    bytes(field, value, "the 65 bytes of a public key, 04 then x and y, belong here")
}

/// The id of a statement.
pub(crate) fn statement_id(field: &'static str, value: &Value) -> Result<StatementId> {
    bytes32(field, value).map(StatementId)
}

/// A name.
pub(crate) fn name(field: &'static str, value: &Value) -> Result<Name> {
    Name::new(field, text(field, value)?)
}

/// A text.
pub(crate) fn text<'a>(field: &'static str, value: &'a Value) -> Result<&'a str> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err(wrong_type(field, "a text belongs here")),
    }
}

/// The pair of a document's digests.
pub(crate) fn digests(field: &'static str, value: &Value) -> Result<Digests> {
    let mut fields = Fields::new(field, value)?;
    let sha256 = fields.required("document.sha256", bytes32)?;
    let sm3 = fields.required("document.sm3", bytes32)?;
    fields.finish("unknown field: a document's digests are `sha256` and `sm3`")?;
    Ok(Digests { sha256, sm3 })
}

/// An amount.
pub(crate) fn amount(field: &'static str, value: &Value) -> Result<Amount> {
    let mut fields = Fields::new(field, value)?;
    let code = fields.required("amount.currency", text)?;
    let minor = fields.required("amount.minor", |field, value| {
        number(field, value, 0, i64::MAX as u64, "minor units from 0 to 2^63 - 1 belong here")
    })?;
    fields.finish("unknown field: an amount has `currency` and `minor`")?;
    match <[u8; 3]>::try_from(code.as_bytes()) {
        Ok(currency) if currency.iter().all(u8::is_ascii_uppercase) => Ok(Amount { currency, minor }),
        _ => Err(Error::InvalidArgument {
            field: "amount.currency",
            reason: "three capital letters belong here (ISO 4217), as in CNY",
        }),
    }
}

/// A place on a page; ten metres are enough for every page.
pub(crate) fn position(field: &'static str, value: &Value) -> Result<Position> {
    let length = |field, value: &Value| {
        number(field, value, 0, 10_000_000, "a length from 0 to 10,000,000 µm belongs here").map(|n| n as u32)
    };
    let mut fields = Fields::new(field, value)?;
    let page = fields.required("position.page", count)?;
    let x_um = fields.required("position.x_um", length)?;
    let y_um = fields.required("position.y_um", length)?;
    fields.finish("unknown field: a position has `page`, `x_um` and `y_um`")?;
    Ok(Position { page, x_um, y_um })
}

/// One ceiling a currency, sorted by currency.
pub(crate) fn ceilings(fields: &mut Fields<'_>, path: &'static str) -> Result<Vec<Amount>> {
    let ceilings = fields.list(path, 16, amount)?;
    if ceilings.windows(2).any(|pair| pair[0].currency >= pair[1].currency) {
        let reason = "the ceilings must be sorted by currency, one for each";
        return Err(Error::InvalidArgument { field: path, reason });
    }
    Ok(ceilings)
}

/// What can stand in a statement.
pub(crate) trait ToValue {
    fn to_value(&self) -> Value;
}

impl ToValue for u64 {
    /// Above 2^63 - 1 the value becomes -1, which every reader of a number refuses.
    fn to_value(&self) -> Value {
        Value::Int(i64::try_from(*self).unwrap_or(-1))
    }
}

impl ToValue for u32 {
    fn to_value(&self) -> Value {
        Value::Int(i64::from(*self))
    }
}

impl ToValue for u8 {
    fn to_value(&self) -> Value {
        Value::Int(i64::from(*self))
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value {
        Value::Text(self.to_owned())
    }
}

impl ToValue for Name {
    fn to_value(&self) -> Value {
        self.as_str().to_value()
    }
}

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Value {
        Value::Bytes(self.to_vec())
    }
}

impl ToValue for StatementId {
    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

impl ToValue for Digests {
    fn to_value(&self) -> Value {
        Writer::default().put("sha256", &self.sha256).put("sm3", &self.sm3).finish()
    }
}

impl ToValue for Amount {
    fn to_value(&self) -> Value {
        Writer::default().put("currency", self.currency()).put("minor", &self.minor).finish()
    }
}

impl ToValue for Position {
    fn to_value(&self) -> Value {
        Writer::default().put("page", &self.page).put("x_um", &self.x_um).put("y_um", &self.y_um).finish()
    }
}

/// A map being written.
#[derive(Default)]
pub(crate) struct Writer(Map);

impl Writer {
    pub(crate) fn put<T: ToValue + ?Sized>(&mut self, key: &str, value: &T) -> &mut Self {
        self.0.insert(key, value.to_value());
        self
    }

    /// An absent value is left out.
    pub(crate) fn put_some<T: ToValue>(&mut self, key: &str, value: &Option<T>) -> &mut Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    /// An empty list is left out.
    pub(crate) fn put_list<T: ToValue>(&mut self, key: &str, items: &[T]) -> &mut Self {
        if !items.is_empty() {
            self.0.insert(key, Value::Array(items.iter().map(ToValue::to_value).collect()));
        }
        self
    }

    /// The map.
    pub(crate) fn finish(&mut self) -> Value {
        Value::Map(self.finish_map())
    }

    pub(crate) fn finish_map(&mut self) -> Map {
        core::mem::take(&mut self.0)
    }
}
