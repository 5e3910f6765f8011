//! Every standard number, each with its clause.

/// Default distinguishing identifier of SM2 signers (GM/T 0009-2012, clause 10).
pub(crate) const DEFAULT_DISTID: &[u8] = b"1234567812345678";

// --- hash ---

/// SHA-256 initial value (FIPS 180-4, 5.3.3).
pub(crate) const SHA256_IV: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

/// SHA-256 round constants (FIPS 180-4, 4.2.2).
#[rustfmt::skip]
pub(crate) const SHA256_K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// SM3 initial value (GB/T 32905-2016, 4.1).
pub(crate) const SM3_IV: [u32; 8] =
    [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e];

/// SM3 constants, T_j rotated left by j, for round j (GB/T 32905-2016, 4.2 and 5.3.3).
pub(crate) const SM3_T: [u32; 64] = {
    let mut t = [0u32; 64];
    let mut j = 0;
    while j < 64 {
        let constant: u32 = if j < 16 { 0x79cc4519 } else { 0x7a879d8a };
        t[j] = constant.rotate_left(j as u32 % 32);
        j += 1;
    }
    t
};

// --- curve: y^2 = x^3 - 3x + b mod p, base point G of prime order n, cofactor 1 ---

/// P-256 p (SP 800-186, 3.2.1.3).
pub(crate) const P256_P: [u64; 4] = limbs(b"ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
/// P-256 n (SP 800-186, 3.2.1.3).
pub(crate) const P256_N: [u64; 4] = limbs(b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
/// P-256 b (SP 800-186, 3.2.1.3).
pub(crate) const P256_B: [u64; 4] = limbs(b"5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");
/// P-256 x of G (SP 800-186, 3.2.1.3).
pub(crate) const P256_GX: [u64; 4] = limbs(b"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
/// P-256 y of G (SP 800-186, 3.2.1.3).
pub(crate) const P256_GY: [u64; 4] = limbs(b"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");

/// SM2 p (GB/T 32918.5-2017, clause 4).
pub(crate) const SM2_P: [u64; 4] = limbs(b"fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff");
/// SM2 n (GB/T 32918.5-2017, clause 4).
pub(crate) const SM2_N: [u64; 4] = limbs(b"fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
/// SM2 b (GB/T 32918.5-2017, clause 4).
pub(crate) const SM2_B: [u64; 4] = limbs(b"28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93");
/// SM2 x of G (GB/T 32918.5-2017, clause 4).
pub(crate) const SM2_GX: [u64; 4] = limbs(b"32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7");
/// SM2 y of G (GB/T 32918.5-2017, clause 4).
pub(crate) const SM2_GY: [u64; 4] = limbs(b"bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0");

/// A published 256-bit number in hexadecimal as four 64-bit limbs, the least significant first.
const fn limbs(hex: &[u8; 64]) -> [u64; 4] {
    let mut limbs = [0u64; 4];
    let mut i = 0;
    while i < 64 {
        let digit = match hex[i] {
            c @ b'0'..=b'9' => c - b'0',
            c @ b'a'..=b'f' => c - b'a' + 10,
            _ => panic!("a lower-case hexadecimal digit"),
        };
        let limb = 3 - i / 16;
        limbs[limb] = (limbs[limb] << 4) | digit as u64;
        i += 1;
    }
    limbs
}
