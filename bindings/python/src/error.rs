//! The one mapping from the core's errors to the exceptions of `sealcore.errors`.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use sealcore::{Error, Rule};

/// A core error on its way to Python.
pub(crate) struct CoreError(pub(crate) Error);

impl From<Error> for CoreError {
    fn from(error: Error) -> Self {
        CoreError(error)
    }
}

/// The result of every exported function.
pub(crate) type PyCoreResult<T> = Result<T, CoreError>;

impl From<CoreError> for PyErr {
    fn from(CoreError(error): CoreError) -> PyErr {
        Python::attach(|py| match build(py, error) {
            Ok(exception) => PyErr::from_value(exception),
            Err(failure) => failure,
        })
    }
}

fn build(py: Python<'_>, error: Error) -> PyResult<Bound<'_, PyAny>> {
    let fields = PyDict::new(py);
    let class = match error {
        Error::InvalidLength { field, expected, actual } => {
            fields.set_item("field", field)?;
            fields.set_item("expected", expected)?;
            fields.set_item("actual", actual)?;
            "InvalidLength"
        }
        Error::InvalidEncoding { field, offset, .. } => {
            fields.set_item("field", field)?;
            fields.set_item("offset", offset)?;
            "InvalidEncoding"
        }
        Error::InvalidArgument { field, .. } => {
            fields.set_item("field", field)?;
            "InvalidArgument"
        }
        Error::InvalidKey { field, .. } => {
            fields.set_item("field", field)?;
            "InvalidKey"
        }
        Error::WrongPassword => "WrongPassword",
        Error::InvalidImage { .. } => "InvalidImage",
        Error::NoImprint { .. } => "NoImprint",
        Error::InvalidSignature => "InvalidSignature",
        Error::InvalidCertificate { depth, .. } => {
            fields.set_item("depth", depth)?;
            "InvalidCertificate"
        }
        Error::BrokenChain { index } => {
            fields.set_item("index", index)?;
            "BrokenChain"
        }
        Error::InvalidProof { .. } => "InvalidProof",
        Error::RootMismatch { tree_size } => {
            fields.set_item("tree_size", tree_size)?;
            "RootMismatch"
        }
        Error::LedgerCorrupt { offset, .. } => {
            fields.set_item("offset", offset)?;
            "LedgerCorrupt"
        }
        Error::LedgerLocked => "LedgerLocked",
        Error::LedgerFenced => "LedgerFenced",
        Error::LedgerIo { operation, os_code } => {
            fields.set_item("operation", operation)?;
            fields.set_item("errno", os_code)?;
            "LedgerIOError"
        }
        Error::IndexIo { operation, os_code } | Error::AuditIo { operation, os_code } => {
            fields.set_item("operation", operation)?;
            fields.set_item("errno", os_code)?;
            "StorageError"
        }
        Error::Refused { rule, statement, limit, actual } => {
            fields.set_item("statement", (statement != u64::MAX).then_some(statement))?;
            fields.set_item("limit", limit)?;
            fields.set_item("actual", actual)?;
            rule_class(rule)
        }
        Error::RandomSource => "RandomSourceFailed",
        Error::Internal { .. } => "InternalError",
    };
    let class = py.import("sealcore.errors")?.getattr(class)?;
    class.call((error.to_string(),), Some(&fields))
}

/// `InvalidLength` for a field whose name is made at run time, such as a row of a batch.
pub(crate) fn invalid_length(py: Python<'_>, field: &str, expected: usize, actual: usize) -> PyErr {
    let make = || {
        let fields = PyDict::new(py);
        fields.set_item("field", field)?;
        fields.set_item("expected", expected)?;
        fields.set_item("actual", actual)?;
        let message = format!("{field}: expected {expected} bytes, got {actual}");
        py.import("sealcore.errors")?.getattr("InvalidLength")?.call((message,), Some(&fields))
    };
    make().map_or_else(|failure| failure, PyErr::from_value)
}

fn rule_class(rule: Rule) -> &'static str {
    match rule {
        Rule::ApprovalRequired => "ApprovalRequired",
        Rule::GrantExhausted => "GrantExhausted",
        Rule::GrantExpired => "GrantExpired",
        Rule::GrantRevoked => "GrantRevoked",
        Rule::GrantWidened => "GrantWidened",
        Rule::DocumentMismatch => "DocumentMismatch",
        Rule::SealNotActive => "SealNotActive",
        Rule::ApplicantExcluded => "ApplicantExcluded",
        Rule::NotPermitted => "NotPermitted",
        Rule::UnknownReference => "UnknownReference",
        Rule::Duplicate => "Duplicate",
        Rule::InvalidTransition => "InvalidTransition",
        Rule::LimitExceeded => "LimitExceeded",
        Rule::ApplicationRefused => "ApplicationRefused",
        Rule::UseOutOfOrder => "UseOutOfOrder",
        Rule::KeyNotValid => "KeyNotValid",
        Rule::TimeReversed => "TimeReversed",
    }
}
