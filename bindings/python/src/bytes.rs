//! The buffer rule: `bytes` is borrowed, every other contiguous byte buffer is checked and copied, because
//! another thread may write to it while the interpreter is released.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Bytes that stay valid and unchanged while the interpreter is released.
pub(crate) enum Bytes<'py> {
    Borrowed(Bound<'py, PyBytes>),
    Copied(Vec<u8>),
}

impl Bytes<'_> {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Borrowed(bytes) => bytes.as_bytes(),
            Bytes::Copied(bytes) => bytes,
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Bytes<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Bytes::Borrowed(bytes.to_owned()));
        }
        let buffer = PyBuffer::<u8>::get(&object).map_err(|_| {
            PyTypeError::new_err("expected bytes or a contiguous buffer of bytes (bytearray, memoryview, numpy uint8)")
        })?;
        if !buffer.is_c_contiguous() {
            return Err(PyTypeError::new_err(
                "the buffer is not C-contiguous: copy it first, for example with bytes(x)",
            ));
        }
        buffer.to_vec(object.py()).map(Bytes::Copied)
    }
}
