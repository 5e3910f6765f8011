//! SHA-256 and SM3 over the C ABI.

use crate::boundary::{boundary, free, handle, input, output, output_bytes};
use crate::status::SealcoreStatus;
use core_crate::hash::{HashAlgorithm, Hasher};

/// A hash function.
#[repr(C)]
pub enum SealcoreHash {
    /// SHA-256 (FIPS 180-4).
    Sha256 = 1,
    /// SM3 (GB/T 32905-2016).
    Sm3 = 2,
}

/// A digest in progress.
pub struct SealcoreHasher(Hasher);

fn algorithm(number: i32) -> Result<HashAlgorithm, SealcoreStatus> {
    match number {
        n if n == SealcoreHash::Sha256 as i32 => Ok(HashAlgorithm::Sha256),
        n if n == SealcoreHash::Sm3 as i32 => Ok(HashAlgorithm::Sm3),
        _ => Err(SealcoreStatus::InvalidArgument),
    }
}

/// Hashes one message.
/// Returns: status.
/// Out: digest     32 bytes.
/// In:  hash       a sealcore_hash_algorithm.
///      data       the message; may be NULL if data_len is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_hash(digest: *mut u8, hash: i32, data: *const u8, data_len: usize) -> SealcoreStatus {
    boundary(|| {
        // SAFETY: the header's contract for the pointers.
        unsafe { output_bytes(digest, &algorithm(hash)?.digest(input(data, data_len)?)) }
    })
}

/// Authenticates one message with HMAC (RFC 2104).
/// Returns: status.
/// Out: mac        32 bytes. Compare it in constant time.
/// In:  hash       a sealcore_hash_algorithm.
///      key        the secret key.
///      data       the message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_hmac(
    mac: *mut u8,
    hash: i32,
    key: *const u8,
    key_len: usize,
    data: *const u8,
    data_len: usize,
) -> SealcoreStatus {
    boundary(|| {
        // SAFETY: the header's contract for the pointers.
        unsafe { output_bytes(mac, &algorithm(hash)?.hmac(input(key, key_len)?, input(data, data_len)?)) }
    })
}

/// Starts a streaming digest.
/// Returns: status.
/// Out: hasher     the handle; end it with sealcore_hasher_finish or sealcore_hasher_free.
/// In:  hash       a sealcore_hash_algorithm.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_hasher_new(hasher: *mut *mut SealcoreHasher, hash: i32) -> SealcoreStatus {
    boundary(|| {
        if hasher.is_null() {
            return Err(SealcoreStatus::NullArgument);
        }
        let new = Box::new(SealcoreHasher(algorithm(hash)?.hasher()));
        // SAFETY: not NULL, and the header's contract for the pointer.
        unsafe { output(hasher, Box::into_raw(new)) }
    })
}

/// Adds bytes to a streaming digest.
/// Returns: status.
/// In/out: hasher  the handle.
/// In:  data       the next bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_hasher_update(
    hasher: *mut SealcoreHasher,
    data: *const u8,
    data_len: usize,
) -> SealcoreStatus {
    boundary(|| {
        // SAFETY: the header's contract: a live handle that no other thread uses now.
        let hasher = unsafe { hasher.as_mut() }.ok_or(SealcoreStatus::NullArgument)?;
        // SAFETY: the header's contract for the pointer.
        hasher.0.update(unsafe { input(data, data_len)? });
        Ok(())
    })
}

/// Ends a streaming digest. The handle stays valid and goes on from where it is; free it.
/// Returns: status.
/// Out: digest     32 bytes: the digest of everything so far.
/// In:  hasher     the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_hasher_finish(digest: *mut u8, hasher: *const SealcoreHasher) -> SealcoreStatus {
    boundary(|| {
        // SAFETY: the header's contract for the pointers.
        unsafe { output_bytes(digest, &handle(hasher)?.0.clone().finalize()) }
    })
}

/// Ends a handle.
/// In:  hasher     the handle or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_hasher_free(hasher: *mut SealcoreHasher) {
    // SAFETY: the header's contract: a live handle that is not used again, or NULL.
    unsafe { free(hasher) }
}
