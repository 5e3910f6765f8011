//! The one error type of the core. Detail for bad *input*, silence for a bad *signature*.
//!
//! The enum is `Copy` and deliberately not `#[non_exhaustive]`: a new variant breaks both bindings until
//! they map it.

/// What went wrong, where, and (in the message) what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence names its fields")]
pub enum Error {
    /// A fixed-length or bounded field has another length.
    InvalidLength { field: &'static str, expected: usize, actual: usize },
    /// Bytes do not parse; `offset` counts from the start of the field.
    InvalidEncoding { field: &'static str, offset: usize, reason: &'static str },
    /// An argument is outside its domain.
    InvalidArgument { field: &'static str, reason: &'static str },
    /// A key is out of range, off the curve, or of another algorithm.
    InvalidKey { field: &'static str, reason: &'static str },
    /// An encrypted private key does not open with this password.
    WrongPassword,
    /// A picture cannot be decoded or is outside the bounds.
    InvalidImage { reason: &'static str },
    /// A picture shows no seal imprint.
    NoImprint { reason: &'static str },
    /// The signature does not verify. No detail, on purpose.
    InvalidSignature,
    /// A certificate or its chain is not acceptable; `depth` 0 is the end entity.
    InvalidCertificate { depth: usize, reason: &'static str },
    /// Entry `index` does not continue the hash chain.
    BrokenChain { index: u64 },
    /// A Merkle proof does not prove what it claims.
    InvalidProof { reason: &'static str },
    /// The recomputed root differs from the checkpoint's at this tree size.
    RootMismatch { tree_size: u64 },
    /// A ledger file is damaged at this byte offset.
    LedgerCorrupt { offset: u64, reason: &'static str },
    /// Another process holds the ledger for writing.
    LedgerLocked,
    /// A shared ledger's fence did not let a commit pass: another writer has taken over, or nobody could be asked.
    LedgerFenced,
    /// The operating system refused an operation on a ledger file; `os_code` is errno.
    LedgerIo { operation: &'static str, os_code: i32 },
    /// The operating system refused an operation on an index file; `os_code` is errno.
    IndexIo { operation: &'static str, os_code: i32 },
    /// The operating system refused an operation on a temporary file, in which the audit of a large ledger keeps what
    /// it does not hold in memory; `os_code` is errno.
    AuditIo { operation: &'static str, os_code: i32 },
    /// Authority refuses: which rule, the ledger index of the statement that decides (`u64::MAX`: none),
    /// its limit and the actual value.
    Refused { rule: Rule, statement: u64, limit: u64, actual: u64 },
    /// The operating system's random source failed.
    RandomSource,
    /// A bug in sealcore: please report it.
    Internal { reason: &'static str },
}

/// The rule by which authority refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The quorum of the policy is not met.
    ApprovalRequired,
    /// The grant's uses are all taken.
    GrantExhausted,
    /// The grant is outside its time window.
    GrantExpired,
    /// The grant or an ancestor is revoked.
    GrantRevoked,
    /// The child grant is wider than its parent.
    GrantWidened,
    /// The document is not the one that was approved.
    DocumentMismatch,
    /// The seal is not active, or another version is.
    SealNotActive,
    /// The applicant approves his own request.
    ApplicantExcluded,
    /// The person has not this role, or is gone.
    NotPermitted,
    /// The statement refers to something that is not in the ledger.
    UnknownReference,
    /// The identifier is taken.
    Duplicate,
    /// The transition is not in the table.
    InvalidTransition,
    /// An amount, class, number or time is outside a limit.
    LimitExceeded,
    /// An approver has refused the application.
    ApplicationRefused,
    /// The use number is not the next one of the grant.
    UseOutOfOrder,
    /// The key that signed is not valid, or belongs to somebody else.
    KeyNotValid,
    /// The entry is older than the one before it.
    TimeReversed,
}

/// The result of every fallible call of the core.
pub type Result<T> = core::result::Result<T, Error>;

/// What to do about an error of the system, where there is something to do.
fn remedy(kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind;
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "; make room, then open the ledger again: nothing that was acknowledged is lost"
        }
        ErrorKind::PermissionDenied => "; give this user access to the ledger's directory and its files",
        ErrorKind::ReadOnlyFilesystem => "; move the ledger to a place that can be written",
        ErrorKind::NotFound => "; is this the directory of a ledger?",
        _ => "",
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Error::InvalidLength { field, expected, actual } => {
                write!(f, "{field}: expected {expected} bytes, got {actual}")
            }
            Error::InvalidEncoding { field, offset, reason } => {
                write!(f, "{field}: {reason} (at byte {offset})")
            }
            Error::InvalidArgument { field, reason } | Error::InvalidKey { field, reason } => {
                write!(f, "{field}: {reason}")
            }
            Error::WrongPassword => {
                f.write_str("password: the private key does not open with it; check the password and that the file is the right one")
            }
            Error::InvalidImage { reason } => write!(f, "image: {reason}"),
            Error::NoImprint { reason } => write!(f, "no imprint: {reason}"),
            Error::InvalidSignature => f.write_str("invalid signature"),
            Error::InvalidCertificate { depth, reason } => {
                write!(f, "certificate {depth} of the chain: {reason}")
            }
            Error::BrokenChain { index } => {
                write!(f, "entry {index}: `prev` is not the leaf hash of entry {}", index.wrapping_sub(1))
            }
            Error::InvalidProof { reason } => write!(f, "proof: {reason}"),
            Error::RootMismatch { tree_size } => {
                write!(f, "root at tree size {tree_size} differs from the checkpoint's")
            }
            Error::LedgerCorrupt { offset, reason } => write!(f, "ledger: {reason} (at byte {offset})"),
            Error::LedgerLocked => f.write_str("ledger: another process holds it for writing; wait for it or stop it"),
            Error::LedgerFenced => f.write_str(
                "ledger: another writer has taken over, or the fence could not be asked; what was not acknowledged may be \
                 submitted again",
            ),
            Error::LedgerIo { operation, os_code } => {
                let error = std::io::Error::from_raw_os_error(os_code);
                write!(f, "ledger: {operation} failed: {error}{}", remedy(error.kind()))
            }
            Error::IndexIo { operation: "lock", .. } => {
                f.write_str("index: another process is adding to it; wait for it or stop it")
            }
            Error::IndexIo { operation, os_code } => {
                write!(f, "index: {operation} failed: {}", std::io::Error::from_raw_os_error(os_code))
            }
            Error::AuditIo { operation, os_code } => {
                let error = std::io::Error::from_raw_os_error(os_code);
                write!(f, "audit: cannot {operation}: {error}; the audit of a large ledger keeps records in the folder ")?;
                f.write_str("for temporary files (TMPDIR): make room in it, or name another")
            }
            Error::Refused { rule, statement, limit, actual } => {
                write!(f, "refused: {rule}")?;
                match rule {
                    Rule::ApprovalRequired => write!(f, ", {actual} of {limit}")?,
                    Rule::GrantExhausted => write!(f, ", {limit} of {limit}")?,
                    Rule::GrantExpired | Rule::TimeReversed => write!(f, ": {} against {}", Utc(actual), Utc(limit))?,
                    Rule::LimitExceeded | Rule::UseOutOfOrder => write!(f, ": {actual} against {limit}")?,
                    Rule::ApplicantExcluded
                    | Rule::ApplicationRefused
                    | Rule::DocumentMismatch
                    | Rule::Duplicate
                    | Rule::GrantRevoked
                    | Rule::GrantWidened
                    | Rule::InvalidTransition
                    | Rule::KeyNotValid
                    | Rule::NotPermitted
                    | Rule::SealNotActive
                    | Rule::UnknownReference => {}
                }
                if statement != u64::MAX {
                    write!(f, " (decided by ledger entry {statement})")?;
                }
                Ok(())
            }
            Error::RandomSource => f.write_str("the operating system's random source failed"),
            Error::Internal { reason } => write!(f, "internal error, please report it: {reason}"),
        }
    }
}

/// Microseconds since 1970, shown as a UTC time to the second.
struct Utc(u64);

impl core::fmt::Display for Utc {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let seconds = self.0 / 1_000_000;
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        // Howard Hinnant's civil_from_days, for days since 1970: years begin in March, eras have 146,097 days.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl core::fmt::Display for Rule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Rule::ApprovalRequired => "the quorum of approvals is not met",
            Rule::GrantExhausted => "every use of the grant is taken",
            Rule::GrantExpired => "the grant is outside its time window",
            Rule::GrantRevoked => "the grant or one above it is revoked",
            Rule::GrantWidened => "the grant is wider than its parent",
            Rule::DocumentMismatch => "the document is not the one that was approved",
            Rule::SealNotActive => "the seal is not active at this version",
            Rule::ApplicantExcluded => "the applicant may not approve his own request",
            Rule::NotPermitted => "the person does not hold the role that this needs",
            Rule::UnknownReference => "the statement refers to something that the ledger does not hold",
            Rule::Duplicate => "the ledger holds such a statement already, or something with this id",
            Rule::InvalidTransition => "the state does not allow this step",
            Rule::LimitExceeded => "a value is outside the limit set for it",
            Rule::ApplicationRefused => "an approver has refused the application",
            Rule::UseOutOfOrder => "the use number is not the next one of the grant",
            Rule::KeyNotValid => "the key is not valid for this person at this time",
            Rule::TimeReversed => "the time is earlier than that of the entry before",
        })
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_utc() {
        for (microseconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00Z"),
            (1_795_483_230_133_899, "2026-11-24T01:20:30Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Utc(microseconds).to_string(), text);
        }
    }
}
