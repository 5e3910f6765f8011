/* sealcore: hashing, signing and verifying with SM2/SM3 and ECDSA P-256/SHA-256.
 *
 * Rules of this header:
 *  - Every function returns a sealcore_status (0 is success) unless its comment says otherwise.
 *  - Outputs come before inputs; an array's length comes right after it.
 *  - All numbers are big-endian byte strings: digests and scalars 32 bytes, signatures r || s 64 bytes.
 *  - Handles come from *_new, *_generate or *_from_*, and end with their *_free (NULL is allowed there).
 *  - A handle may be used from several threads at once, except sealcore_hasher, which belongs to one.
 *  - On failure outputs are left unchanged. Status numbers are never reused.
 *
 * Generated from bindings/c/src by `make header`; do not edit.
 */

#ifndef SEALCORE_H
#define SEALCORE_H

#include <stddef.h>
#include <stdint.h>

// The result of a call.
typedef enum {
  // Success.
  SEALCORE_STATUS_OK = 0,
  // A pointer that must not be NULL is NULL.
  SEALCORE_STATUS_NULL_ARGUMENT = 1,
  // The library failed inside; nothing was written. Please report it.
  SEALCORE_STATUS_PANIC = 2,
  // A length is not what the format allows.
  SEALCORE_STATUS_INVALID_LENGTH = 10,
  // Bytes do not parse.
  SEALCORE_STATUS_INVALID_ENCODING = 11,
  // An argument is outside its domain, for example a distid with P-256.
  SEALCORE_STATUS_INVALID_ARGUMENT = 12,
  // A key is out of range or off the curve.
  SEALCORE_STATUS_INVALID_KEY = 13,
  // A private key does not open with this password.
  SEALCORE_STATUS_WRONG_PASSWORD = 14,
  // A picture cannot be decoded.
  SEALCORE_STATUS_INVALID_IMAGE = 15,
  // A picture shows no seal imprint.
  SEALCORE_STATUS_NO_IMPRINT = 16,
  // The signature does not verify.
  SEALCORE_STATUS_INVALID_SIGNATURE = 20,
  // A certificate is not acceptable.
  SEALCORE_STATUS_INVALID_CERTIFICATE = 21,
  // A ledger is damaged, busy or contradicts a checkpoint.
  SEALCORE_STATUS_LEDGER = 30,
  // Another process holds the ledger.
  SEALCORE_STATUS_LEDGER_LOCKED = 31,
  // The operating system refused an operation on a file.
  SEALCORE_STATUS_IO = 32,
  // Authority refuses.
  SEALCORE_STATUS_REFUSED = 40,
  // The random source of the operating system failed.
  SEALCORE_STATUS_RANDOM_SOURCE = 50,
  // A bug in the library: please report it.
  SEALCORE_STATUS_INTERNAL = 51,
} sealcore_status;

// A signature algorithm.
typedef enum {
  // SM2 with SM3 (GB/T 32918.2-2016).
  SEALCORE_ALGORITHM_SM2 = 1,
  // ECDSA over P-256 with SHA-256 (FIPS 186-5).
  SEALCORE_ALGORITHM_P256 = 2,
} sealcore_algorithm;

// A hash function.
typedef enum {
  // SHA-256 (FIPS 180-4).
  SEALCORE_HASH_ALGORITHM_SHA256 = 1,
  // SM3 (GB/T 32905-2016).
  SEALCORE_HASH_ALGORITHM_SM3 = 2,
} sealcore_hash_algorithm;

// A digest in progress.
typedef struct sealcore_hasher sealcore_hasher;

// A private key; zeroized when freed.
typedef struct sealcore_signing_key sealcore_signing_key;

// A public key.
typedef struct sealcore_verifying_key sealcore_verifying_key;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Returns: the number of the ABI; it changes when a program must be recompiled.
uint32_t sealcore_abi_version(void);

// Returns: the version of the library as a static, NUL-terminated string.
const char *sealcore_version(void);

// Hashes one message.
// Returns: status.
// Out: digest     32 bytes.
// In:  hash       a sealcore_hash_algorithm.
//      data       the message; may be NULL if data_len is 0.
sealcore_status sealcore_hash(uint8_t *digest, int32_t hash, const uint8_t *data, size_t data_len);

// Authenticates one message with HMAC (RFC 2104).
// Returns: status.
// Out: mac        32 bytes. Compare it in constant time.
// In:  hash       a sealcore_hash_algorithm.
//      key        the secret key.
//      data       the message.
sealcore_status sealcore_hmac(uint8_t *mac,
                              int32_t hash,
                              const uint8_t *key,
                              size_t key_len,
                              const uint8_t *data,
                              size_t data_len);

// Starts a streaming digest.
// Returns: status.
// Out: hasher     the handle; end it with sealcore_hasher_finish or sealcore_hasher_free.
// In:  hash       a sealcore_hash_algorithm.
sealcore_status sealcore_hasher_new(sealcore_hasher **hasher, int32_t hash);

// Adds bytes to a streaming digest.
// Returns: status.
// In/out: hasher  the handle.
// In:  data       the next bytes.
sealcore_status sealcore_hasher_update(sealcore_hasher *hasher,
                                       const uint8_t *data,
                                       size_t data_len);

// Ends a streaming digest. The handle stays valid and goes on from where it is; free it.
// Returns: status.
// Out: digest     32 bytes: the digest of everything so far.
// In:  hasher     the handle.
sealcore_status sealcore_hasher_finish(uint8_t *digest, const sealcore_hasher *hasher);

// Ends a handle.
// In:  hasher     the handle or NULL.
void sealcore_hasher_free(sealcore_hasher *hasher);

// Makes a new private key from the random source of the operating system.
// Returns: status.
// Out: key        the handle.
// In:  alg        a sealcore_algorithm.
sealcore_status sealcore_signing_key_generate(sealcore_signing_key **key, int32_t alg);

// Loads a private key.
// Returns: status; INVALID_KEY unless 1 <= d <= n-1 (P-256) or n-2 (SM2).
// Out: key        the handle.
// In:  alg        a sealcore_algorithm.
//      d          32 bytes.
sealcore_status sealcore_signing_key_from_bytes(sealcore_signing_key **key,
                                                int32_t alg,
                                                const uint8_t *d);

// Writes the public key of a private key.
// Returns: status.
// Out: point      65 bytes, SEC 1 uncompressed: 04 || x || y.
// In:  key        the handle.
sealcore_status sealcore_signing_key_public(uint8_t *point, const sealcore_signing_key *key);

// Ends a handle and erases the key.
// In:  key        the handle or NULL.
void sealcore_signing_key_free(sealcore_signing_key *key);

// Hashes a message and signs it.
// Returns: status; INVALID_ARGUMENT for a distid with P-256.
// Out: signature  64 bytes, r || s.
// In:  key        the handle.
//      distid     SM2 only: the distinguishing identifier; NULL means "1234567812345678". A pointer that
//                 is not NULL with distid_len 0 means the empty identifier.
//      message    the message.
sealcore_status sealcore_sign(uint8_t *signature,
                              const sealcore_signing_key *key,
                              const uint8_t *distid,
                              size_t distid_len,
                              const uint8_t *message,
                              size_t message_len);

// Signs a digest (for SM2: e, that is SM3(Z_A || message)).
// Returns: status.
// Out: signature  64 bytes, r || s.
// In:  key        the handle.
//      digest     32 bytes.
sealcore_status sealcore_sign_digest(uint8_t *signature,
                                     const sealcore_signing_key *key,
                                     const uint8_t *digest);

// Loads a public key.
// Returns: status; INVALID_KEY if the point is not on the curve.
// Out: key        the handle.
// In:  alg        a sealcore_algorithm.
//      point      SEC 1: 65 bytes 04 || x || y, or 33 bytes 02 or 03 || x.
sealcore_status sealcore_verifying_key_from_sec1(sealcore_verifying_key **key,
                                                 int32_t alg,
                                                 const uint8_t *point,
                                                 size_t point_len);

// Ends a handle.
// In:  key        the handle or NULL.
void sealcore_verifying_key_free(sealcore_verifying_key *key);

// Verifies a signature over a message.
// Returns: OK if it is valid, INVALID_SIGNATURE if not, another status for bad input.
// In:  key        the handle.
//      distid     as for sealcore_sign.
//      message    the message.
//      signature  64 bytes, r || s.
sealcore_status sealcore_verify(const sealcore_verifying_key *key,
                                const uint8_t *distid,
                                size_t distid_len,
                                const uint8_t *message,
                                size_t message_len,
                                const uint8_t *signature);

// Verifies a signature over a digest.
// Returns: as sealcore_verify.
// In:  key        the handle.
//      digest     32 bytes.
//      signature  64 bytes, r || s.
sealcore_status sealcore_verify_digest(const sealcore_verifying_key *key,
                                       const uint8_t *digest,
                                       const uint8_t *signature);

// Encodes a signature as DER: SEQUENCE { r INTEGER, s INTEGER }.
// Returns: status.
// Out: der        room for 72 bytes.
//      der_len    the number of bytes written.
// In:  signature  64 bytes, r || s.
sealcore_status sealcore_signature_to_der(uint8_t *der, size_t *der_len, const uint8_t *signature);

// Decodes a strict DER signature: minimal positive integers, no trailing bytes.
// Returns: status; INVALID_ENCODING if it is anything else.
// Out: signature  64 bytes, r || s.
// In:  der        the encoding.
sealcore_status sealcore_signature_from_der(uint8_t *signature, const uint8_t *der, size_t der_len);

// Returns: one English sentence for a status, static and NUL-terminated; never NULL.
// In:  status  any number.
const char *sealcore_status_message(int32_t status);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SEALCORE_H */
