//! The border itself: panics stop here, pointers become slices here.

use crate::status::SealcoreStatus;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs one entry; an unwinding panic becomes a status.
pub(crate) fn boundary(body: impl FnOnce() -> Result<(), SealcoreStatus>) -> SealcoreStatus {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => SealcoreStatus::Ok,
        Ok(Err(status)) => status,
        Err(_) => SealcoreStatus::Panic,
    }
}

/// Borrows `len` bytes; NULL is allowed for an empty input only.
///
/// # Safety
/// `data` is NULL or points to `len` readable bytes that nobody writes during the call.
pub(crate) unsafe fn input<'a>(data: *const u8, len: usize) -> Result<&'a [u8], SealcoreStatus> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(SealcoreStatus::NullArgument);
    }
    if isize::try_from(len).is_err() {
        return Err(SealcoreStatus::InvalidLength);
    }
    // SAFETY: not NULL, and the caller promises `len` readable bytes.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// Borrows a fixed-size input.
///
/// # Safety
/// `data` is NULL or points to `N` readable bytes that nobody writes during the call.
pub(crate) unsafe fn array<'a, const N: usize>(data: *const u8) -> Result<&'a [u8; N], SealcoreStatus> {
    // SAFETY: the caller promises NULL or N readable bytes; u8 has no alignment.
    unsafe { data.cast::<[u8; N]>().as_ref() }.ok_or(SealcoreStatus::NullArgument)
}

/// Borrows a handle.
///
/// # Safety
/// `handle` is NULL or a live handle of this library.
pub(crate) unsafe fn handle<'a, T>(handle: *const T) -> Result<&'a T, SealcoreStatus> {
    // SAFETY: the caller promises NULL or a live handle.
    unsafe { handle.as_ref() }.ok_or(SealcoreStatus::NullArgument)
}

/// Writes an output once everything else has succeeded.
///
/// # Safety
/// `out` is NULL or valid for writing one `T`.
pub(crate) unsafe fn output<T>(out: *mut T, value: T) -> Result<(), SealcoreStatus> {
    if out.is_null() {
        return Err(SealcoreStatus::NullArgument);
    }
    // SAFETY: not NULL, and the caller promises room for one T.
    unsafe { out.write(value) };
    Ok(())
}

/// Writes an output of bytes once everything else has succeeded.
///
/// # Safety
/// `out` is NULL or valid for writing `bytes.len()` bytes that do not overlap `bytes`.
pub(crate) unsafe fn output_bytes(out: *mut u8, bytes: &[u8]) -> Result<(), SealcoreStatus> {
    if out.is_null() {
        return Err(SealcoreStatus::NullArgument);
    }
    // SAFETY: not NULL, and the caller promises the room; `bytes` is a value of this library.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), out, bytes.len()) };
    Ok(())
}

/// Takes a handle back and drops it.
///
/// # Safety
/// `handle` is NULL or a live handle of this library that is not used again.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: the handle came from Box::into_raw in this library and ends here.
        drop(unsafe { Box::from_raw(handle) });
    }
}
