//! Times, texts and lists as they cross the border of this room.

use crate::bytes::Bytes;
use crate::error::{CoreError, PyCoreResult};
use crate::pki::Certificate;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};
use sealcore::Error;
use sealcore::pki;

/// PEM text or a password as `str`, or bytes of any kind.
pub(crate) enum Text<'py> {
    Text(String),
    Bytes(Bytes<'py>),
}

impl Text<'_> {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Text::Text(text) => text.as_bytes(),
            Text::Bytes(bytes) => bytes.as_slice(),
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Text<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            return Ok(Text::Text(text.to_cow()?.into_owned()));
        }
        Bytes::extract(object).map(Text::Bytes)
    }
}

fn datetime_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS.import(py, "datetime", "datetime")
}

/// Unix seconds of a timezone-aware datetime; microseconds are cut off.
pub(crate) fn unix_seconds(object: &Bound<'_, PyAny>, field: &'static str) -> PyResult<i64> {
    let py = object.py();
    if !object.is_instance(datetime_class(py)?)? {
        let kind = object.get_type().name()?;
        return Err(PyTypeError::new_err(format!("{field}: expected a datetime with a time zone, got {kind}")));
    }
    if object.call_method0("utcoffset")?.is_none() {
        return Err(CoreError(Error::InvalidArgument {
            field,
            reason: "the datetime has no time zone; give one, for example datetime(2026, 1, 1, tzinfo=timezone.utc)",
        })
        .into());
    }
    // Whole seconds up to the year 9999 are exact in a float.
    let seconds: f64 = object.call_method0("timestamp")?.extract()?;
    Ok(seconds.floor() as i64)
}

/// The UTC datetime of unix seconds.
pub(crate) fn datetime(py: Python<'_>, seconds: i64) -> PyResult<Bound<'_, PyAny>> {
    let utc = py.import("datetime")?.getattr("timezone")?.getattr("utc")?;
    datetime_class(py)?.call_method1("fromtimestamp", (seconds, utc))
}

/// Any iterable of certificates.
pub(crate) fn certificates(object: &Bound<'_, PyAny>, field: &'static str) -> PyResult<Vec<pki::Certificate>> {
    let expected = || PyTypeError::new_err(format!("{field}: expected an iterable of Certificate"));
    let mut list = Vec::new();
    for item in object.try_iter().map_err(|_| expected())? {
        let item = item?;
        list.push(item.cast::<Certificate>().map_err(|_| expected())?.get().0.clone());
    }
    Ok(list)
}

/// 32 bytes.
pub(crate) fn digest_of(bytes: &[u8], field: &'static str) -> PyCoreResult<[u8; 32]> {
    Ok(bytes.try_into().map_err(|_| Error::InvalidLength { field, expected: 32, actual: bytes.len() })?)
}
