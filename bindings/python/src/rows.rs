//! Batches of byte strings: an iterable of bytes-like objects, or a two-dimensional uint8 buffer (numpy).

use crate::bytes::Bytes;
use crate::error::invalid_length;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// Rows that stay valid and unchanged while the interpreter is released.
pub(crate) enum Rows<'py> {
    Items(Vec<Bytes<'py>>),
    Matrix { data: Vec<u8>, count: usize, width: usize },
}

impl<'py> Rows<'py> {
    /// `field` names the argument in errors.
    pub(crate) fn new(object: &Bound<'py, PyAny>, field: &str) -> PyResult<Self> {
        if object.is_instance_of::<PyBytes>() || object.is_instance_of::<PyString>() {
            return Err(expected(field));
        }
        if let Ok(buffer) = PyBuffer::<u8>::get(object) {
            let &[count, width] = buffer.shape() else { return Err(expected(field)) };
            if !buffer.is_c_contiguous() {
                return Err(PyTypeError::new_err(format!("{field}: the array is not C-contiguous: copy it first")));
            }
            return Ok(Rows::Matrix { data: buffer.to_vec(object.py())?, count, width });
        }
        let mut items = Vec::with_capacity(object.len().unwrap_or(0));
        for (index, item) in object.try_iter().map_err(|_| expected(field))?.enumerate() {
            let bytes = item?.extract::<Bytes<'py>>();
            items
                .push(bytes.map_err(|error| {
                    PyTypeError::new_err(format!("{field}[{index}]: {}", error.value(object.py())))
                })?);
        }
        Ok(Rows::Items(items))
    }

    /// The rows, in order.
    pub(crate) fn slices(&self) -> Vec<&[u8]> {
        match self {
            Rows::Items(items) => items.iter().map(Bytes::as_slice).collect(),
            Rows::Matrix { count, width: 0, .. } => vec![&[]; *count],
            Rows::Matrix { data, width, .. } => data.chunks_exact(*width).collect(),
        }
    }

    /// The rows as arrays of `N` bytes; another length is an error that names the row.
    pub(crate) fn arrays<const N: usize>(&self, py: Python<'_>, field: &str) -> PyResult<Vec<[u8; N]>> {
        self.check_width::<N>(py, field)?;
        self.slices()
            .iter()
            .enumerate()
            .map(|(index, row)| {
                <[u8; N]>::try_from(*row).map_err(|_| invalid_length(py, &format!("{field}[{index}]"), N, row.len()))
            })
            .collect()
    }

    /// An array of the wrong width is a mistake of the caller, whatever its rows mean.
    pub(crate) fn check_width<const N: usize>(&self, py: Python<'_>, field: &str) -> PyResult<()> {
        match self {
            Rows::Matrix { width, .. } if *width != N => Err(invalid_length(py, field, N, *width)),
            _ => Ok(()),
        }
    }
}

fn expected(field: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "{field}: expected an iterable of bytes-like objects, or a two-dimensional array of uint8 with one row for each"
    ))
}
