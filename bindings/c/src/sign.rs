//! SM2 and ECDSA P-256 over the C ABI.

use crate::boundary::{array, boundary, free, handle, input, output, output_bytes};
use crate::status::SealcoreStatus;
use core_crate::sign::{Algorithm, Signature, SigningKey, VerifyingKey};

/// A signature algorithm.
#[repr(C)]
pub enum SealcoreAlgorithm {
    /// SM2 with SM3 (GB/T 32918.2-2016).
    Sm2 = 1,
    /// ECDSA over P-256 with SHA-256 (FIPS 186-5).
    P256 = 2,
}

/// A private key; zeroized when freed.
pub struct SealcoreSigningKey(SigningKey);

/// A public key.
pub struct SealcoreVerifyingKey(VerifyingKey);

fn algorithm(number: i32) -> Result<Algorithm, SealcoreStatus> {
    match number {
        n if n == SealcoreAlgorithm::Sm2 as i32 => Ok(Algorithm::Sm2),
        n if n == SealcoreAlgorithm::P256 as i32 => Ok(Algorithm::P256),
        _ => Err(SealcoreStatus::InvalidArgument),
    }
}

/// Hands a new object to the caller; `out` was checked before the object was made.
unsafe fn give<T>(out: *mut *mut T, make: impl FnOnce() -> Result<T, SealcoreStatus>) -> Result<(), SealcoreStatus> {
    if out.is_null() {
        return Err(SealcoreStatus::NullArgument);
    }
    let object = Box::into_raw(Box::new(make()?));
    // SAFETY: not NULL, and the header's contract for the pointer.
    unsafe { output(out, object) }
}

/// Makes a new private key from the random source of the operating system.
/// Returns: status.
/// Out: key        the handle.
/// In:  alg        a sealcore_algorithm.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_signing_key_generate(key: *mut *mut SealcoreSigningKey, alg: i32) -> SealcoreStatus {
    // SAFETY: the header's contract for the pointer.
    boundary(|| unsafe { give(key, || Ok(SealcoreSigningKey(SigningKey::generate(algorithm(alg)?)?))) })
}

/// Loads a private key.
/// Returns: status; INVALID_KEY unless 1 <= d <= n-1 (P-256) or n-2 (SM2).
/// Out: key        the handle.
/// In:  alg        a sealcore_algorithm.
///      d          32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_signing_key_from_bytes(
    key: *mut *mut SealcoreSigningKey,
    alg: i32,
    d: *const u8,
) -> SealcoreStatus {
    // SAFETY: the header's contract for the pointers.
    boundary(|| unsafe {
        give(key, || Ok(SealcoreSigningKey(SigningKey::from_bytes(algorithm(alg)?, array::<32>(d)?)?)))
    })
}

/// Writes the public key of a private key.
/// Returns: status.
/// Out: point      65 bytes, SEC 1 uncompressed: 04 || x || y.
/// In:  key        the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_signing_key_public(point: *mut u8, key: *const SealcoreSigningKey) -> SealcoreStatus {
    // SAFETY: the header's contract for the pointers.
    boundary(|| unsafe { output_bytes(point, &handle(key)?.0.verifying_key().to_sec1()) })
}

/// Ends a handle and erases the key.
/// In:  key        the handle or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_signing_key_free(key: *mut SealcoreSigningKey) {
    // SAFETY: the header's contract: a live handle that is not used again, or NULL.
    unsafe { free(key) }
}

/// Hashes a message and signs it.
/// Returns: status; INVALID_ARGUMENT for a distid with P-256.
/// Out: signature  64 bytes, r || s.
/// In:  key        the handle.
///      distid     SM2 only: the distinguishing identifier; NULL means "1234567812345678". A pointer that
///                 is not NULL with distid_len 0 means the empty identifier.
///      message    the message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_sign(
    signature: *mut u8,
    key: *const SealcoreSigningKey,
    distid: *const u8,
    distid_len: usize,
    message: *const u8,
    message_len: usize,
) -> SealcoreStatus {
    boundary(|| {
        // SAFETY: the header's contract for the pointers.
        let (key, message) = unsafe { (handle(key)?, input(message, message_len)?) };
        let made = if distid.is_null() {
            key.0.sign(message)
        } else {
            // SAFETY: the header's contract for the pointer.
            key.0.sign_with_distid(unsafe { input(distid, distid_len)? }, message)?
        };
        // SAFETY: the header's contract for the pointer.
        unsafe { output_bytes(signature, &made.to_bytes()) }
    })
}

/// Signs a digest (for SM2: e, that is SM3(Z_A || message)).
/// Returns: status.
/// Out: signature  64 bytes, r || s.
/// In:  key        the handle.
///      digest     32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_sign_digest(
    signature: *mut u8,
    key: *const SealcoreSigningKey,
    digest: *const u8,
) -> SealcoreStatus {
    // SAFETY: the header's contract for the pointers.
    boundary(|| unsafe { output_bytes(signature, &handle(key)?.0.sign_digest(array::<32>(digest)?).to_bytes()) })
}

/// Loads a public key.
/// Returns: status; INVALID_KEY if the point is not on the curve.
/// Out: key        the handle.
/// In:  alg        a sealcore_algorithm.
///      point      SEC 1: 65 bytes 04 || x || y, or 33 bytes 02 or 03 || x.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_verifying_key_from_sec1(
    key: *mut *mut SealcoreVerifyingKey,
    alg: i32,
    point: *const u8,
    point_len: usize,
) -> SealcoreStatus {
    boundary(|| {
        // SAFETY: the header's contract for the pointers.
        unsafe {
            give(key, || Ok(SealcoreVerifyingKey(VerifyingKey::from_sec1(algorithm(alg)?, input(point, point_len)?)?)))
        }
    })
}

/// Ends a handle.
/// In:  key        the handle or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_verifying_key_free(key: *mut SealcoreVerifyingKey) {
    // SAFETY: the header's contract: a live handle that is not used again, or NULL.
    unsafe { free(key) }
}

/// Verifies a signature over a message.
/// Returns: OK if it is valid, INVALID_SIGNATURE if not, another status for bad input.
/// In:  key        the handle.
///      distid     as for sealcore_sign.
///      message    the message.
///      signature  64 bytes, r || s.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_verify(
    key: *const SealcoreVerifyingKey,
    distid: *const u8,
    distid_len: usize,
    message: *const u8,
    message_len: usize,
    signature: *const u8,
) -> SealcoreStatus {
    boundary(|| {
        // SAFETY: the header's contract for the pointers.
        let (key, message, signature) =
            unsafe { (handle(key)?, input(message, message_len)?, array::<64>(signature)?) };
        let signature = Signature::from_bytes(signature)?;
        if distid.is_null() {
            key.0.verify(message, &signature)?;
        } else {
            // SAFETY: the header's contract for the pointer.
            key.0.verify_with_distid(unsafe { input(distid, distid_len)? }, message, &signature)?;
        }
        Ok(())
    })
}

/// Verifies a signature over a digest.
/// Returns: as sealcore_verify.
/// In:  key        the handle.
///      digest     32 bytes.
///      signature  64 bytes, r || s.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_verify_digest(
    key: *const SealcoreVerifyingKey,
    digest: *const u8,
    signature: *const u8,
) -> SealcoreStatus {
    boundary(|| {
        // SAFETY: the header's contract for the pointers.
        let (key, digest, signature) = unsafe { (handle(key)?, array::<32>(digest)?, array::<64>(signature)?) };
        Ok(key.0.verify_digest(digest, &Signature::from_bytes(signature)?)?)
    })
}

/// Encodes a signature as DER: SEQUENCE { r INTEGER, s INTEGER }.
/// Returns: status.
/// Out: der        room for 72 bytes.
///      der_len    the number of bytes written.
/// In:  signature  64 bytes, r || s.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_signature_to_der(
    der: *mut u8,
    der_len: *mut usize,
    signature: *const u8,
) -> SealcoreStatus {
    boundary(|| {
        // SAFETY: the header's contract for the pointer.
        let encoded = Signature::from_bytes(unsafe { array::<64>(signature)? })?.to_der();
        if der_len.is_null() {
            return Err(SealcoreStatus::NullArgument);
        }
        // SAFETY: the header's contract; a DER signature of two 32-byte integers has at most 72 bytes.
        unsafe {
            output_bytes(der, &encoded)?;
            output(der_len, encoded.len())
        }
    })
}

/// Decodes a strict DER signature: minimal positive integers, no trailing bytes.
/// Returns: status; INVALID_ENCODING if it is anything else.
/// Out: signature  64 bytes, r || s.
/// In:  der        the encoding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealcore_signature_from_der(
    signature: *mut u8,
    der: *const u8,
    der_len: usize,
) -> SealcoreStatus {
    // SAFETY: the header's contract for the pointers.
    boundary(|| unsafe { output_bytes(signature, &Signature::from_der(input(der, der_len)?)?.to_bytes()) })
}
