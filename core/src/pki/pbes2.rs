//! Password-based encryption of private keys: PBES2 (RFC 8018), with PBKDF2 or scrypt (RFC 7914).
//!
//! Written: PBKDF2-HMAC-SHA-256 and AES-256-CBC, which every OpenSSL since 1.1 opens. Read: also HMAC-SHA-1/384/512,
//! scrypt, AES-128/192, and the HMAC-SM3 with SM4-CBC of GmSSL. Not here: DES, RC2, PBES1 and GCM.

use crate::hash::{HashAlgorithm, Hmac};
use crate::pki::asn1::{self, AlgorithmRef, Fault, Parse};
use crate::pki::oid;
use crate::{Error, Result};
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag};
use zeroize::Zeroizing;

/// Iterations that are written: what OWASP recommends for PBKDF2-HMAC-SHA-256 (2023), 0.1 to 0.3 s to open.
const ITERATIONS: u32 = 600_000;
/// Bound against hostile files: a few seconds of work.
const MAX_ITERATIONS: u64 = 10_000_000;
/// scrypt: bound of N·r, that is 256 MiB, and of N·r·p.
const MAX_SCRYPT_MEMORY: u64 = (256 << 20) / 128;
const MAX_SCRYPT_WORK: u64 = 2 * MAX_SCRYPT_MEMORY;

const FIELD: &str = "encrypted private key";
const BLOCK: usize = 16;

fn unsupported(reason: &'static str) -> Fault {
    Fault::Typed(Error::InvalidKey { field: FIELD, reason })
}

enum Kdf<'a> {
    Pbkdf2 { salt: &'a [u8], iterations: u32, prf: Prf },
    Scrypt { salt: &'a [u8], parameters: scrypt::Params },
}

#[derive(Clone, Copy)]
enum Prf {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Sm3,
}

#[derive(Clone, Copy, PartialEq)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    Sm4,
}

impl Cipher {
    fn key_length(self) -> usize {
        match self {
            Cipher::Aes128 | Cipher::Sm4 => 16,
            Cipher::Aes192 => 24,
            Cipher::Aes256 => 32,
        }
    }
}

/// Reads the encryption algorithm of an EncryptedPrivateKeyInfo and opens `ciphertext` with it.
///
/// # Errors
/// [`Error::WrongPassword`] when the padding is wrong; [`Error::InvalidKey`] naming an algorithm that is not supported
/// or parameters beyond the bounds.
pub(super) fn decrypt(algorithm: AlgorithmRef<'_>, ciphertext: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (kdf, cipher, iv) = read_parameters(algorithm).map_err(|fault| asn1::typed(FIELD, fault))?;
    if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
        return Err(Error::InvalidEncoding {
            field: FIELD,
            offset: 0,
            reason: "the ciphertext is not a whole number of blocks; the file is truncated",
        });
    }
    let key = derive(&kdf, password, cipher.key_length())?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length = match cipher {
        Cipher::Aes128 => open::<cbc::Decryptor<aes::Aes128>>(&key, iv, &mut buffer),
        Cipher::Aes192 => open::<cbc::Decryptor<aes::Aes192>>(&key, iv, &mut buffer),
        Cipher::Aes256 => open::<cbc::Decryptor<aes::Aes256>>(&key, iv, &mut buffer),
        Cipher::Sm4 => open::<cbc::Decryptor<sm4::Sm4>>(&key, iv, &mut buffer),
    }?;
    buffer.truncate(length);
    Ok(buffer)
}

fn open<D: BlockModeDecrypt + KeyIvInit>(key: &[u8], iv: &[u8], buffer: &mut [u8]) -> Result<usize> {
    let cipher = D::new_from_slices(key, iv).map_err(|_| Error::InvalidLength {
        field: "initialisation vector",
        expected: BLOCK,
        actual: iv.len(),
    })?;
    cipher.decrypt_padded::<Pkcs7>(buffer).map(<[u8]>::len).map_err(|_| Error::WrongPassword)
}

/// EncryptedPrivateKeyInfo (RFC 5958 3) of `plaintext`.
pub(super) fn encrypt(plaintext: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut salt = [0u8; 16];
    let mut iv = [0u8; BLOCK];
    getrandom::fill(&mut salt).and_then(|()| getrandom::fill(&mut iv)).map_err(|_| Error::RandomSource)?;
    let kdf = Kdf::Pbkdf2 { salt: &salt, iterations: ITERATIONS, prf: Prf::Sha256 };
    let key = derive(&kdf, password, Cipher::Aes256.key_length())?;

    let mut buffer = Zeroizing::new(vec![0; plaintext.len() + BLOCK]);
    buffer[..plaintext.len()].copy_from_slice(plaintext);
    let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key, &iv)
        .map_err(|_| Error::Internal { reason: "AES-256 key or IV length" })?;
    let ciphertext = cipher
        .encrypt_padded::<Pkcs7>(&mut buffer, plaintext.len())
        .map_err(|_| Error::Internal { reason: "room for CBC padding" })?;

    let prf = asn1::seq(&[&asn1::oid(oid::HMAC_SHA256)?, &asn1::encode(&AnyRef::NULL)?])?;
    let pbkdf2_params = asn1::seq(&[&asn1::octets(&salt)?, &asn1::uint(&ITERATIONS.to_be_bytes())?, &prf])?;
    let kdf = asn1::seq(&[&asn1::oid(oid::PBKDF2)?, &pbkdf2_params])?;
    let scheme = asn1::seq(&[&asn1::oid(oid::AES256_CBC)?, &asn1::octets(&iv)?])?;
    let pbes2 = asn1::seq(&[&asn1::oid(oid::PBES2)?, &asn1::seq(&[&kdf, &scheme])?])?;
    asn1::seq(&[&pbes2, &asn1::octets(ciphertext)?]).map(Zeroizing::new)
}

fn read_parameters(algorithm: AlgorithmRef<'_>) -> Parse<(Kdf<'_>, Cipher, &[u8])> {
    if algorithm.oid != oid::PBES2 {
        return Err(unsupported(
            "encrypted with PBES1 or PKCS#12 encryption (DES, RC2); only PBES2 is supported: convert with `openssl pkcs8 -topk8 -v2 aes-256-cbc`",
        ));
    }
    let parameters = algorithm.parameters.ok_or_else(|| Tag::Sequence.value_error())?;
    parameters.sequence(|r| {
        let kdf = AlgorithmRef::read(r)?;
        let scheme = AlgorithmRef::read(r)?;
        let cipher = cipher(scheme.oid)?;
        let iv = scheme.parameters.ok_or_else(|| Tag::OctetString.value_error())?.decode_as::<&OctetStringRef>()?;
        Ok((read_kdf(kdf, cipher)?, cipher, iv.as_bytes()))
    })
}

fn cipher(identifier: ObjectIdentifier) -> Parse<Cipher> {
    match identifier {
        oid::AES128_CBC => Ok(Cipher::Aes128),
        oid::AES192_CBC => Ok(Cipher::Aes192),
        oid::AES256_CBC => Ok(Cipher::Aes256),
        oid::SM4_CBC => Ok(Cipher::Sm4),
        _ => Err(match identifier.to_string().as_str() {
            "1.2.840.113549.3.7" => unsupported("encrypted with DES-EDE3-CBC, which is not supported; use aes-256-cbc"),
            "1.2.840.113549.3.2" => unsupported("encrypted with RC2-CBC, which is not supported; use aes-256-cbc"),
            "1.3.14.3.2.7" => unsupported("encrypted with DES-CBC, which is not supported; use aes-256-cbc"),
            "2.16.840.1.101.3.4.1.6" | "2.16.840.1.101.3.4.1.26" | "2.16.840.1.101.3.4.1.46" => {
                unsupported("encrypted with AES-GCM, which is not supported; use aes-256-cbc")
            }
            "1.2.156.10197.1.104" => unsupported(
                "encrypted with SM4 of unnamed mode (1.2.156.10197.1.104); SM4-CBC is 1.2.156.10197.1.104.2",
            ),
            _ => unsupported("encrypted with a cipher other than AES-128/192/256-CBC and SM4-CBC"),
        }),
    }
}

fn read_kdf(kdf: AlgorithmRef<'_>, cipher: Cipher) -> Parse<Kdf<'_>> {
    let parameters = kdf.parameters.ok_or_else(|| Tag::Sequence.value_error())?;
    match kdf.oid {
        oid::PBKDF2 => parameters.sequence(|r| {
            if !asn1::next_is(r, Tag::OctetString) {
                return Err(unsupported("the PBKDF2 salt comes from another algorithm; a salt in the file is required"));
            }
            let salt = <&OctetStringRef>::decode(r)?.as_bytes();
            let iterations = u64::decode(r)?;
            key_length(r, cipher)?;
            let prf = if r.is_finished() { Prf::Sha1 } else { prf(AlgorithmRef::read(r)?)? };
            if iterations == 0 || iterations > MAX_ITERATIONS {
                return Err(unsupported("the PBKDF2 iteration count is outside 1..=10000000"));
            }
            let iterations = u32::try_from(iterations).map_err(|_| unsupported("the PBKDF2 iteration count"))?;
            Ok(Kdf::Pbkdf2 { salt, iterations, prf })
        }),
        oid::SCRYPT => parameters.sequence(|r| {
            let salt = <&OctetStringRef>::decode(r)?.as_bytes();
            let (n, block, parallel) = (u64::decode(r)?, u64::decode(r)?, u64::decode(r)?);
            key_length(r, cipher)?;
            let memory = n.checked_mul(block).filter(|m| *m <= MAX_SCRYPT_MEMORY);
            let work = memory.and_then(|m| m.checked_mul(parallel)).filter(|w| *w <= MAX_SCRYPT_WORK);
            if work.is_none() || n < 2 || !n.is_power_of_two() {
                return Err(unsupported("the scrypt cost is outside the bounds (N a power of two, N*r*128 <= 256 MiB, p*N*r*128 <= 512 MiB)"));
            }
            let narrow = |v: u64| u32::try_from(v).map_err(|_| unsupported("the scrypt cost is outside the bounds"));
            let log_n = u8::try_from(n.ilog2()).map_err(|_| unsupported("the scrypt cost is outside the bounds"))?;
            let parameters = scrypt::Params::new(log_n, narrow(block)?, narrow(parallel)?)
                .map_err(|_| unsupported("the scrypt parameters contradict each other"))?;
            Ok(Kdf::Scrypt { salt, parameters })
        }),
        _ => Err(unsupported("the key derivation is neither PBKDF2 nor scrypt")),
    }
}

fn key_length(reader: &mut SliceReader<'_>, cipher: Cipher) -> Parse<()> {
    if asn1::next_is(reader, Tag::Integer) && u64::decode(reader)? != cipher.key_length() as u64 {
        return Err(unsupported("the derived key has another length than the cipher needs"));
    }
    Ok(())
}

fn prf(algorithm: AlgorithmRef<'_>) -> Parse<Prf> {
    if !algorithm.has_no_parameters() {
        return Err(unsupported("the PBKDF2 PRF has parameters"));
    }
    match algorithm.oid {
        oid::HMAC_SHA1 => Ok(Prf::Sha1),
        oid::HMAC_SHA256 => Ok(Prf::Sha256),
        oid::HMAC_SHA384 => Ok(Prf::Sha384),
        oid::HMAC_SHA512 => Ok(Prf::Sha512),
        oid::HMAC_SM3 | oid::HMAC_SM3_0091 => Ok(Prf::Sm3),
        _ => Err(unsupported("the PBKDF2 PRF is not HMAC with SHA-1, SHA-256, SHA-384, SHA-512 or SM3")),
    }
}

fn derive(kdf: &Kdf<'_>, password: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; length]);
    match *kdf {
        Kdf::Pbkdf2 { salt, iterations, prf } => match prf {
            Prf::Sha1 => pbkdf2::pbkdf2_hmac::<sha1::Sha1>(password, salt, iterations, &mut key),
            Prf::Sha256 => pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, salt, iterations, &mut key),
            Prf::Sha384 => pbkdf2::pbkdf2_hmac::<sha2::Sha384>(password, salt, iterations, &mut key),
            Prf::Sha512 => pbkdf2::pbkdf2_hmac::<sha2::Sha512>(password, salt, iterations, &mut key),
            Prf::Sm3 => pbkdf2_sm3(password, salt, iterations, &mut key),
        },
        Kdf::Scrypt { salt, ref parameters } => scrypt::scrypt(password, salt, parameters, &mut key)
            .map_err(|_| Error::Internal { reason: "scrypt output length" })?,
    }
    Ok(key)
}

/// PBKDF2 (RFC 8018 5.2) over our own HMAC-SM3: the `sm3` crate would be a second SM3 for one rare format.
fn pbkdf2_sm3(password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) {
    let keyed = Hmac::new(HashAlgorithm::Sm3, password);
    for (block, chunk) in (1u32..).zip(key.chunks_mut(32)) {
        let mut mac = keyed.clone();
        mac.update(salt);
        mac.update(&block.to_be_bytes());
        let mut u = Zeroizing::new(mac.finalize());
        let mut total = u.clone();
        for _ in 1..iterations {
            let mut mac = keyed.clone();
            mac.update(u.as_slice());
            *u = mac.finalize();
            total.iter_mut().zip(u.iter()).for_each(|(t, u)| *t ^= u);
        }
        chunk.copy_from_slice(&total[..chunk.len()]);
    }
}
