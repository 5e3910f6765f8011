//! The inner routines on plain arrays, for the tests in `curve`.

use super::digits::{Digits, windows};
use super::field::{self, Loose, Operand};
use super::invert;
use super::lanes::{V, add, broadcast, load, stored, transpose, zero};
use super::order;
use super::prime::Prime;
use super::table::Table;
use crate::cpu::HasIfma;

type Lanes = [[u64; 4]; 8];
/// Digits in five limbs a lane.
type Limbs = [[u64; 5]; 8];

/// The routines that a test runs on digits, which need not be reduced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Routine {
    Mul,
    MulPair,
    Square,
    SquarePair,
    Invert,
    OrderMul,
    OrderInvert,
    Subtract,
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn from_limbs(a: &Limbs) -> Operand {
    Operand(core::array::from_fn(|i| load(&core::array::from_fn(|lane| a[lane][i]))))
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn words(a: &Loose) -> Lanes {
    let w: [[u64; 8]; 4] = a.to_words().map(|v: V| stored(v));
    core::array::from_fn(|lane| core::array::from_fn(|i| w[i][lane]))
}

/// The canonical result of a routine.
pub(crate) fn run<P: Prime>(_: HasIfma, routine: Routine, a: &Limbs, b: &Limbs) -> Lanes {
    // SAFETY: the token `HasIfma` proves that the processor has these instructions.
    unsafe { run_lanes::<P>(routine, a, b) }
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn run_lanes<P: Prime>(routine: Routine, a: &Limbs, b: &Limbs) -> Lanes {
    let (a, b) = (from_limbs(a), from_limbs(b));
    match routine {
        Routine::Mul => words(&field::mul::<P>(&a, &b).canonical::<P>()),
        Routine::MulPair => {
            let [first, second] = field::mul_pair::<P>([&a, &b], [&b, &a]);
            assert_eq!(words(&first.canonical::<P>()), words(&second.canonical::<P>()));
            words(&second.canonical::<P>())
        }
        Routine::Square => words(&field::square::<P>(&a).canonical::<P>()),
        Routine::SquarePair => {
            let [first, second] = field::square_pair::<P>([&b, &a]);
            assert_eq!(words(&first.canonical::<P>()), words(&field::square::<P>(&b).canonical::<P>()));
            words(&second.canonical::<P>())
        }
        Routine::Invert => words(&Loose(invert::invert::<P>(&a).digits().0).canonical::<P>()),
        Routine::OrderMul => words(&order::canonical::<P>(&order::mul::<P>(&a, &b))),
        Routine::OrderInvert => words(&order::canonical::<P>(&invert::invert_mod_n::<P>(&a))),
        Routine::Subtract => words(&Loose(a.0).sub(&Loose(b.0)).canonical::<P>()),
    }
}

/// The digits of eight scalars: their values, window by window.
pub(crate) fn digits<P: Prime>(_: HasIfma, width: usize, k: &Limbs) -> Vec<[i64; 8]> {
    // SAFETY: the token `HasIfma` proves that the processor has these instructions.
    unsafe { digits_lanes::<P>(width, k) }
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn digits_lanes<P: Prime>(width: usize, k: &Limbs) -> Vec<[i64; 8]> {
    let digits = Digits::new::<P>(&Loose(from_limbs(k).0), width);
    (0..windows(width))
        .map(|window| {
            let (index, negative) = digits.digit(window);
            let index = stored(add(index, zero()));
            core::array::from_fn(|lane| {
                let value = 2 * index[lane].cast_signed() + 1;
                if negative >> lane & 1 == 1 { -value } else { value }
            })
        })
        .collect()
}

/// The entries of a table as integers x and y.
pub(crate) fn entries<P: Prime>(_: HasIfma, table: &Table, window: usize) -> Vec<[[u64; 4]; 2]> {
    // SAFETY: the token `HasIfma` proves that the processor has these instructions.
    unsafe { entries_lanes::<P>(table, window) }
}

#[target_feature(enable = "avx512f,avx512ifma,avx512vbmi2")]
fn entries_lanes<P: Prime>(table: &Table, window: usize) -> Vec<[[u64; 4]; 2]> {
    let one = Operand(broadcast(&[1, 0, 0, 0, 0]));
    let plain = |w: [V; 4]| words(&field::mul::<P>(&Operand::from_words(&w), &one).canonical::<P>())[0];
    table
        .window(window)
        .iter()
        .map(|entry| {
            let w = transpose(&[load(&entry.0); 8]);
            [plain([w[0], w[1], w[2], w[3]]), plain([w[4], w[5], w[6], w[7]])]
        })
        .collect()
}
