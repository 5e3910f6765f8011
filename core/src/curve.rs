//! P-256 and SM2 over one generic curve implementation: both are y² = x³ - 3x + b over a 256-bit prime that is
//! -1 mod 2^64, of prime order n with 2^255 < n < p.
//!
//! Not part of the public interface (hidden, for the tests of this crate). The scalar code here is the oracle
//! and the fallback of every faster backend. Functions whose name ends in `_vartime` are for public values.
#![allow(
    clippy::should_implement_trait,
    reason = "add, sub, mul: the vector backends cannot carry operators, and both are written alike"
)]
#![allow(clippy::needless_range_loop, reason = "limbs are indexed in several arrays at once")]

mod combine;
mod extended;
mod field;
mod invert;
#[cfg(target_arch = "x86_64")]
pub(crate) mod lanes;
mod limbs;
mod point;
mod public;
mod scalar;
mod select;
mod tables;
mod tree;

pub use combine::{Combination, combine_many_vartime};
pub use field::{Modulus, Residue};
pub(crate) use limbs::to_bytes as limbs_to_bytes;
pub use point::{Affine, Jacobian};
pub use public::{PublicTable, double_multiply_vartime};
pub use scalar::Scalar;
pub use select::Choice;
pub use tables::FixedTable;

use crate::consts::{P256_B, P256_GX, P256_GY, P256_N, P256_P, SM2_B, SM2_GX, SM2_GY, SM2_N, SM2_P};
use std::sync::OnceLock;

/// An element of the field of curve `C`.
pub type Fe<C> = Residue<<C as Curve>::P>;

mod sealed {
    pub trait Sealed {}
}

/// The constants of a curve. Sealed: the formulas rely on a = -3, prime order and the shape of p.
pub trait Curve: sealed::Sealed + Copy + core::fmt::Debug + Eq + Send + Sync + 'static {
    /// Arithmetic mod p.
    type P: Modulus;
    /// Arithmetic mod n.
    type N: Modulus;
    /// The constant b.
    const B: Fe<Self>;
    /// The base point G.
    const G: Affine<Self>;
    /// The table of G for secret scalars, built at first use.
    fn g_table() -> &'static FixedTable<Self>;
    /// The table of G for public scalars, built at first use.
    fn public_table() -> &'static PublicTable<Self, { public::BASE_WIDTH }>;
}

macro_rules! modulus {
    ($name:ident, $value:expr, $step:path, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;
        impl sealed::Sealed for $name {}
        impl Modulus for $name {
            const M: [u64; 4] = $value;

            #[inline(always)]
            fn step(t: [u64; 4]) -> [u64; 4] {
                $step(t)
            }
        }
    };
}

modulus!(P256Field, P256_P, limbs::montgomery_step_p256, "p of P-256.");
modulus!(P256Order, P256_N, limbs::montgomery_step::<Self>, "n of P-256.");
modulus!(Sm2Field, SM2_P, limbs::montgomery_step_sm2, "p of SM2.");
modulus!(Sm2Order, SM2_N, limbs::montgomery_step::<Self>, "n of SM2.");

macro_rules! curve {
    ($name:ident, $p:ident, $n:ident, $b:expr, $gx:expr, $gy:expr, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;
        impl sealed::Sealed for $name {}
        impl Curve for $name {
            type P = $p;
            type N = $n;
            const B: Fe<Self> = Residue::constant($b);
            const G: Affine<Self> = Affine::new_unchecked(Residue::constant($gx), Residue::constant($gy));
            fn g_table() -> &'static FixedTable<Self> {
                static TABLE: OnceLock<FixedTable<$name>> = OnceLock::new();
                TABLE.get_or_init(|| FixedTable::new(&Self::G))
            }
            fn public_table() -> &'static PublicTable<Self, { public::BASE_WIDTH }> {
                static TABLE: OnceLock<PublicTable<$name, { public::BASE_WIDTH }>> = OnceLock::new();
                TABLE.get_or_init(|| PublicTable::new(&Self::G))
            }
        }
    };
}

curve!(P256, P256Field, P256Order, P256_B, P256_GX, P256_GY, "P-256 of SP 800-186.");
curve!(Sm2, Sm2Field, Sm2Order, SM2_B, SM2_GX, SM2_GY, "The curve of GB/T 32918.5-2017.");
