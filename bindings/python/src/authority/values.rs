//! Between Python's objects and the values of statements.

use crate::error::CoreError;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};
use sealcore::Error;
use sealcore::ledger::cbor::{MAX_DEPTH, Map, Value};

/// Turns None, bool, int, bytes, str, list, tuple and dict with text keys into a value.
pub(super) fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    convert(object, MAX_DEPTH)
}

fn convert(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    if depth == 0 {
        return Err(CoreError(Error::InvalidArgument { field: "statement", reason: "nested deeper than 16" }).into());
    }
    if object.is_none() {
        Ok(Value::Null)
    } else if let Ok(truth) = object.cast::<PyBool>() {
        Ok(Value::Bool(truth.is_true()))
    } else if object.is_instance_of::<PyInt>() {
        let reason = "a whole number beyond 64 bits";
        object
            .extract()
            .map(Value::Int)
            .map_err(|_| CoreError(Error::InvalidArgument { field: "statement", reason }).into())
    } else if let Ok(bytes) = object.cast::<PyBytes>() {
        Ok(Value::Bytes(bytes.as_bytes().to_vec()))
    } else if let Ok(text) = object.cast::<PyString>() {
        Ok(Value::Text(text.extract()?))
    } else if let Ok(list) = object.cast::<PyList>() {
        list.iter().map(|item| convert(&item, depth - 1)).collect::<PyResult<_>>().map(Value::Array)
    } else if let Ok(tuple) = object.cast::<PyTuple>() {
        tuple.iter().map(|item| convert(&item, depth - 1)).collect::<PyResult<_>>().map(Value::Array)
    } else if let Ok(dict) = object.cast::<PyDict>() {
        let mut map = Map::new();
        for (key, value) in dict.iter() {
            map.insert(key.extract::<String>()?, convert(&value, depth - 1)?);
        }
        Ok(Value::Map(map))
    } else {
        let kind = object.get_type().qualname()?;
        Err(PyTypeError::new_err(format!("a statement holds int, bytes, str, lists and dictionaries, not {kind}")))
    }
}

/// Turns a value into int, bytes, str, tuple and dict.
pub(super) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(truth) => PyBool::new(py, *truth).to_owned().into_any(),
        Value::Int(number) => number.into_pyobject(py)?.into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::Text(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let items = items.iter().map(|item| to_python(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(py, items)?.into_any()
        }
        Value::Map(map) => {
            let dict = PyDict::new(py);
            for (key, value) in map.iter() {
                dict.set_item(key, to_python(py, value)?)?;
            }
            dict.into_any()
        }
    })
}
