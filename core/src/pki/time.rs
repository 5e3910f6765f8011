//! UTCTime and GeneralizedTime as unix seconds (RFC 5280 4.1.2.5).

use crate::pki::asn1::{self, Parse};
use crate::{Error, Result};
use core::time::Duration;
use der::{DateTime, Decode, SliceReader};
use x509_cert::time::Time;

/// Reads either form. Dates before 1970 are refused: no certificate of these algorithms is that old.
pub(super) fn read(reader: &mut SliceReader<'_>) -> Parse<i64> {
    let seconds = Time::decode(reader)?.to_unix_duration().as_secs();
    Ok(i64::try_from(seconds).map_err(|_| der::ErrorKind::DateTime)?)
}

/// UTCTime up to 2049, GeneralizedTime after.
pub(super) fn encode(field: &'static str, unix: i64) -> Result<Vec<u8>> {
    let out_of_range = Error::InvalidArgument { field, reason: "expected a time from 1970 to 9999" };
    let seconds = u64::try_from(unix).map_err(|_| out_of_range)?;
    let date = DateTime::from_unix_duration(Duration::from_secs(seconds)).map_err(|_| out_of_range)?;
    asn1::encode(&Time::from(date))
}
