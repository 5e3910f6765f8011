//! Domain parameters as they stand in explicit EC parameters, for comparison only.

use crate::consts;
use crate::sign::Algorithm;

/// The numbers of a SpecifiedECDomain (SEC 1 C.2), big-endian.
pub(super) struct Domain {
    pub(super) p: [u8; 32],
    pub(super) a: [u8; 32],
    pub(super) b: [u8; 32],
    pub(super) gx: [u8; 32],
    pub(super) gy: [u8; 32],
    pub(super) n: [u8; 32],
}

/// P-256 (SP 800-186 3.2.1.3) and SM2 (GB/T 32918.5-2017 clause 4).
pub(super) const DOMAINS: [(Algorithm, Domain); 2] = [
    (
        Algorithm::P256,
        Domain {
            p: bytes(consts::P256_P),
            a: minus_three(consts::P256_P),
            b: bytes(consts::P256_B),
            gx: bytes(consts::P256_GX),
            gy: bytes(consts::P256_GY),
            n: bytes(consts::P256_N),
        },
    ),
    (
        Algorithm::Sm2,
        Domain {
            p: bytes(consts::SM2_P),
            a: minus_three(consts::SM2_P),
            b: bytes(consts::SM2_B),
            gx: bytes(consts::SM2_GX),
            gy: bytes(consts::SM2_GY),
            n: bytes(consts::SM2_N),
        },
    ),
];

impl Domain {
    /// Whether `point` is the generator, uncompressed or compressed (SEC 1 2.3.3).
    pub(super) fn is_generator(&self, point: &[u8]) -> bool {
        match point.split_first() {
            Some((4, xy)) => xy.len() == 64 && xy[..32] == self.gx && xy[32..] == self.gy,
            Some((sign @ (2 | 3), x)) => *x == self.gx[..] && *sign == 2 + (self.gy[31] & 1),
            _ => false,
        }
    }
}

const fn bytes(limbs: [u64; 4]) -> [u8; 32] {
    let mut out = [0; 32];
    let mut i = 0;
    while i < 32 {
        out[31 - i] = (limbs[i / 8] >> (8 * (i % 8))) as u8;
        i += 1;
    }
    out
}

/// a = p - 3 of both curves; their lowest limb is all ones.
const fn minus_three(p: [u64; 4]) -> [u8; 32] {
    bytes([p[0] - 3, p[1], p[2], p[3]])
}
