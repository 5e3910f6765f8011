//! Where a ledger is: a directory, or a Python object that reads objects of a store.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::{PyException, PyFileNotFoundError, PyOSError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sealcore::Error;
use sealcore::ledger::{Location, ObjectError, Objects};

use crate::error::CoreError;

/// The methods `list`, `length` and `read` of an object.
#[derive(Debug)]
struct PyObjects {
    store: Py<PyAny>,
    /// What the store raised last, so that it can be shown as the cause.
    raised: Mutex<Option<PyErr>>,
}

impl PyObjects {
    fn ask<T>(&self, question: impl FnOnce(Python<'_>, &Bound<'_, PyAny>) -> PyResult<T>) -> Result<T, ObjectError> {
        Python::attach(|py| {
            question(py, self.store.bind(py)).map_err(|error| {
                if error.is_instance_of::<PyFileNotFoundError>(py) {
                    return ObjectError::NotFound;
                }
                let number = error.is_instance_of::<PyOSError>(py).then(|| error.value(py).getattr("errno"));
                let number = number.and_then(Result::ok).and_then(|number| number.extract::<i32>().ok());
                *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                ObjectError::Failed(number.unwrap_or(0))
            })
        })
    }
}

impl Objects for PyObjects {
    fn list(&self, folder: &str) -> Result<Vec<String>, ObjectError> {
        self.ask(|_, store| store.call_method1("list", (folder,))?.extract())
    }

    fn length(&self, name: &str) -> Result<u64, ObjectError> {
        self.ask(|_, store| store.call_method1("length", (name,))?.extract())
    }

    fn read(&self, name: &str, offset: u64, out: &mut [u8]) -> Result<(), ObjectError> {
        self.ask(|_, store| {
            let bytes = store.call_method1("read", (name, offset, out.len()))?.cast_into::<PyBytes>()?;
            let bytes = bytes.as_bytes();
            if bytes.len() != out.len() {
                let message = format!("{name}: {} bytes at {offset} were asked for, {} came", out.len(), bytes.len());
                return Err(PyOSError::new_err(message));
            }
            out.copy_from_slice(bytes);
            Ok(())
        })
    }
}

/// A place that a Python caller named.
pub(crate) struct Place {
    pub(crate) location: Location,
    objects: Option<Arc<PyObjects>>,
}

impl Place {
    /// A path, or an object with `list`, `length` and `read`.
    pub(crate) fn of(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        for method in ["list", "length", "read"] {
            if !value.hasattr(method)? {
                let path: PathBuf = value.extract()?;
                return Ok(Place { location: Location::Directory(path), objects: None });
            }
        }
        let objects = Arc::new(PyObjects { store: value.clone().unbind(), raised: Mutex::default() });
        Ok(Place { location: Location::Objects(objects.clone()), objects: Some(objects) })
    }

    /// The exception for an error; what the store raised is its cause.
    pub(crate) fn error(&self, error: Error) -> PyErr {
        let exception: PyErr = CoreError(error).into();
        if let (Error::LedgerIo { .. }, Some(objects)) = (error, &self.objects) {
            let raised = objects.raised.lock().unwrap_or_else(PoisonError::into_inner).take();
            return Python::attach(|py| match raised {
                // A keyboard interrupt is none of the store's.
                Some(raised) if !raised.is_instance_of::<PyException>(py) => raised,
                raised => {
                    exception.set_cause(py, raised);
                    exception
                }
            });
        }
        exception
    }
}
