//! Status numbers. Once published a number keeps its meaning for ever.

use core_crate::Error;

/// The result of a call.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SealcoreStatus {
    /// Success.
    Ok = 0,
    /// A pointer that must not be NULL is NULL.
    NullArgument = 1,
    /// The library failed inside; nothing was written. Please report it.
    Panic = 2,
    /// A length is not what the format allows.
    InvalidLength = 10,
    /// Bytes do not parse.
    InvalidEncoding = 11,
    /// An argument is outside its domain, for example a distid with P-256.
    InvalidArgument = 12,
    /// A key is out of range or off the curve.
    InvalidKey = 13,
    /// A private key does not open with this password.
    WrongPassword = 14,
    /// A picture cannot be decoded.
    InvalidImage = 15,
    /// A picture shows no seal imprint.
    NoImprint = 16,
    /// The signature does not verify.
    InvalidSignature = 20,
    /// A certificate is not acceptable.
    InvalidCertificate = 21,
    /// A ledger is damaged, busy or contradicts a checkpoint.
    Ledger = 30,
    /// Another process holds the ledger.
    LedgerLocked = 31,
    /// The operating system refused an operation on a file.
    Io = 32,
    /// Authority refuses.
    Refused = 40,
    /// The random source of the operating system failed.
    RandomSource = 50,
    /// A bug in the library: please report it.
    Internal = 51,
}

impl From<Error> for SealcoreStatus {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidLength { .. } => Self::InvalidLength,
            Error::InvalidEncoding { .. } => Self::InvalidEncoding,
            Error::InvalidArgument { .. } => Self::InvalidArgument,
            Error::InvalidKey { .. } => Self::InvalidKey,
            Error::WrongPassword => Self::WrongPassword,
            Error::InvalidImage { .. } => Self::InvalidImage,
            Error::NoImprint { .. } => Self::NoImprint,
            Error::InvalidSignature => Self::InvalidSignature,
            Error::InvalidCertificate { .. } => Self::InvalidCertificate,
            Error::BrokenChain { .. }
            | Error::InvalidProof { .. }
            | Error::RootMismatch { .. }
            | Error::LedgerCorrupt { .. } => Self::Ledger,
            Error::LedgerLocked | Error::LedgerFenced => Self::LedgerLocked,
            Error::LedgerIo { .. } | Error::IndexIo { .. } | Error::AuditIo { .. } => Self::Io,
            Error::Refused { .. } => Self::Refused,
            Error::RandomSource => Self::RandomSource,
            Error::Internal { .. } => Self::Internal,
        }
    }
}

/// Returns: one English sentence for a status, static and NUL-terminated; never NULL.
/// In:  status  any number.
#[unsafe(no_mangle)]
pub extern "C" fn sealcore_status_message(status: i32) -> *const std::ffi::c_char {
    let text: &'static std::ffi::CStr = match status {
        0 => c"success",
        1 => c"a pointer that must not be NULL is NULL",
        2 => c"the library failed inside: please report it",
        10 => c"a length is not what the format allows",
        11 => c"the bytes do not parse",
        12 => c"an argument is outside its domain",
        13 => c"the key is out of range or not on the curve",
        14 => c"the private key does not open with this password",
        15 => c"the picture cannot be decoded",
        16 => c"the picture shows no seal imprint",
        20 => c"the signature does not verify",
        21 => c"the certificate is not acceptable",
        30 => c"the ledger is damaged or contradicts a checkpoint",
        31 => c"another process holds the ledger",
        32 => c"the operating system refused a file operation",
        40 => c"authority refuses",
        50 => c"the random source of the operating system failed",
        51 => c"a bug in the library: please report it",
        _ => c"unknown status",
    };
    text.as_ptr()
}
