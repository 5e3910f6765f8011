//! The AVX-512 instructions of the kernels, written out in plain Rust: what the test `model` puts in the place of
//! `core::arch::x86_64`.
//!
//! Each function does to arrays of words what Intel's Intrinsics Guide says of the instruction of its name, without
//! a branch and without an index that depends on a value: as the instructions, so that memcheck judges the program
//! made of them. A mask is one bit a lane.
#![allow(non_camel_case_types, missing_docs, clippy::missing_safety_doc)]

pub(crate) const _MM_HINT_T0: i32 = 3;
pub(crate) type __mmask8 = u8;
pub(crate) type __mmask16 = u16;
pub(crate) type __mmask64 = u64;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct __m512i([u64; 8]);

#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct __m256i([u64; 4]);

type V = __m512i;

fn words(v: V) -> [u32; 16] {
    core::array::from_fn(|i| (v.0[i / 2] >> (32 * (i % 2))) as u32)
}

fn from_words(words: [u32; 16]) -> V {
    __m512i(core::array::from_fn(|i| u64::from(words[2 * i]) | u64::from(words[2 * i + 1]) << 32))
}

fn map64(a: V, f: impl Fn(u64) -> u64) -> V {
    __m512i(core::array::from_fn(|i| f(a.0[i])))
}

fn zip64(a: V, b: V, f: impl Fn(u64, u64) -> u64) -> V {
    __m512i(core::array::from_fn(|i| f(a.0[i], b.0[i])))
}

fn map32(a: V, f: impl Fn(u32) -> u32) -> V {
    let a = words(a);
    from_words(core::array::from_fn(|i| f(a[i])))
}

fn zip32(a: V, b: V, f: impl Fn(u32, u32) -> u32) -> V {
    let (a, b) = (words(a), words(b));
    from_words(core::array::from_fn(|i| f(a[i], b[i])))
}

/// All ones for 1, all zeros for 0, of which the compiler knows neither.
fn spread(bit: u64) -> u64 {
    super::opaque(bit).wrapping_neg()
}

/// All ones where the bit of the lane is set.
fn spread64(mask: u8, lane: usize) -> u64 {
    spread(u64::from(mask >> lane) & 1)
}

fn spread32(mask: u16, lane: usize) -> u32 {
    spread(u64::from(mask >> lane) & 1) as u32
}

/// `yes` in the lanes of the mask, `no` in the others.
fn choose64(mask: u8, no: V, yes: V) -> V {
    __m512i(core::array::from_fn(|i| no.0[i] ^ ((no.0[i] ^ yes.0[i]) & spread64(mask, i))))
}

fn choose32(mask: u16, no: V, yes: V) -> V {
    let (no, yes) = (words(no), words(yes));
    from_words(core::array::from_fn(|i| no[i] ^ ((no[i] ^ yes[i]) & spread32(mask, i))))
}

/// 1 for zero, else 0.
fn is_zero(x: u64) -> u64 {
    (!x & x.wrapping_sub(1)) >> 63
}

/// The borrow of a - b.
fn below(a: u64, b: u64) -> u64 {
    ((!a & b) | (!(a ^ b) & a.wrapping_sub(b))) >> 63
}

fn mask64(a: V, b: V, f: impl Fn(u64, u64) -> u64) -> u8 {
    (0..8).fold(0, |mask, i| mask | ((f(a.0[i], b.0[i]) as u8) << i))
}

fn mask32(a: V, b: V, f: impl Fn(u64, u64) -> u64) -> u16 {
    let (a, b) = (words(a), words(b));
    (0..16).fold(0, |mask, i| mask | ((f(u64::from(a[i]), u64::from(b[i])) as u16) << i))
}

/// The word of `table` at a secret index: all are read.
fn look_up<const N: usize>(table: [u64; N], index: u64) -> u64 {
    (0..N).fold(0, |sum, i| sum | (table[i] & spread(is_zero(index ^ i as u64))))
}

fn bytes(v: V) -> [u8; 64] {
    core::array::from_fn(|i| (v.0[i / 8] >> (8 * (i % 8))) as u8)
}

fn from_bytes(bytes: [u8; 64]) -> V {
    __m512i(core::array::from_fn(|i| (0..8).fold(0, |word, j| word | u64::from(bytes[8 * i + j]) << (8 * j))))
}

const LIMB: u64 = (1 << 52) - 1;

pub(crate) fn _mm512_madd52lo_epu64(sum: V, a: V, b: V) -> V {
    __m512i(core::array::from_fn(|i| {
        let product = u128::from(a.0[i] & LIMB) * u128::from(b.0[i] & LIMB);
        sum.0[i].wrapping_add(product as u64 & LIMB)
    }))
}

pub(crate) fn _mm512_madd52hi_epu64(sum: V, a: V, b: V) -> V {
    __m512i(core::array::from_fn(|i| {
        let product = u128::from(a.0[i] & LIMB) * u128::from(b.0[i] & LIMB);
        sum.0[i].wrapping_add((product >> 52) as u64)
    }))
}

pub(crate) fn _mm512_setzero_si512() -> V {
    __m512i([0; 8])
}

pub(crate) fn _mm512_set1_epi64(a: i64) -> V {
    __m512i([a as u64; 8])
}

pub(crate) fn _mm512_set_epi64(h: i64, g: i64, f: i64, e: i64, d: i64, c: i64, b: i64, a: i64) -> V {
    __m512i([a, b, c, d, e, f, g, h].map(|word| word as u64))
}

pub(crate) fn _mm512_set1_epi32(a: i32) -> V {
    from_words([a as u32; 16])
}

pub(crate) fn _mm512_set4_epi32(d: i32, c: i32, b: i32, a: i32) -> V {
    from_words(core::array::from_fn(|i| [a, b, c, d][i % 4] as u32))
}

pub(crate) unsafe fn _mm512_loadu_si512(from: *const V) -> V {
    // SAFETY: as of the instruction, the caller answers for 64 readable bytes.
    __m512i(unsafe { from.cast::<[u64; 8]>().read_unaligned() })
}

pub(crate) unsafe fn _mm512_storeu_si512(to: *mut V, v: V) {
    // SAFETY: as of the instruction, the caller answers for 64 writable bytes.
    unsafe { to.cast::<[u64; 8]>().write_unaligned(v.0) }
}

pub(crate) unsafe fn _mm256_storeu_si256(to: *mut __m256i, v: __m256i) {
    // SAFETY: as of the instruction, the caller answers for 32 writable bytes.
    unsafe { to.cast::<[u64; 4]>().write_unaligned(v.0) }
}

/// The bytes of the mask; the others are not touched. Masks come from lengths, which are public.
pub(crate) unsafe fn _mm512_mask_loadu_epi8(src: V, mask: __mmask64, from: *const i8) -> V {
    let mut loaded = bytes(src);
    for (i, byte) in loaded.iter_mut().enumerate() {
        if mask >> i & 1 == 1 {
            // SAFETY: as of the instruction, the caller answers for the bytes that the mask names.
            *byte = unsafe { from.add(i).read_unaligned() } as u8;
        }
    }
    from_bytes(loaded)
}

pub(crate) fn _mm_prefetch<const HINT: i32>(_: *const i8) {}

pub(crate) fn _bzhi_u64(a: u64, index: u32) -> u64 {
    if index >= 64 { a } else { a & ((1 << index) - 1) }
}

pub(crate) fn _mm512_castsi512_si256(a: V) -> __m256i {
    __m256i(core::array::from_fn(|i| a.0[i]))
}

pub(crate) fn _mm512_extracti64x4_epi64<const HALF: i32>(a: V) -> __m256i {
    __m256i(core::array::from_fn(|i| a.0[4 * HALF as usize + i]))
}

pub(crate) fn _mm512_and_si512(a: V, b: V) -> V {
    zip64(a, b, |a, b| a & b)
}

pub(crate) fn _mm512_or_si512(a: V, b: V) -> V {
    zip64(a, b, |a, b| a | b)
}

pub(crate) fn _mm512_xor_si512(a: V, b: V) -> V {
    zip64(a, b, |a, b| a ^ b)
}

/// Bit (a b c) of the table, for every bit.
pub(crate) fn _mm512_ternarylogic_epi32<const TABLE: i32>(a: V, b: V, c: V) -> V {
    __m512i(core::array::from_fn(|i| {
        (0..8).filter(|entry| TABLE >> entry & 1 == 1).fold(0, |sum, entry| {
            let side = |word: u64, bit: i32| if entry >> bit & 1 == 1 { word } else { !word };
            sum | (side(a.0[i], 2) & side(b.0[i], 1) & side(c.0[i], 0))
        })
    }))
}

pub(crate) fn _mm512_add_epi64(a: V, b: V) -> V {
    zip64(a, b, u64::wrapping_add)
}

pub(crate) fn _mm512_sub_epi64(a: V, b: V) -> V {
    zip64(a, b, u64::wrapping_sub)
}

pub(crate) fn _mm512_slli_epi64<const N: u32>(a: V) -> V {
    map64(a, |a| a << N)
}

pub(crate) fn _mm512_srli_epi64<const N: u32>(a: V) -> V {
    map64(a, |a| a >> N)
}

pub(crate) fn _mm512_srai_epi64<const N: u32>(a: V) -> V {
    map64(a, |a| (a as i64 >> N) as u64)
}

pub(crate) fn _mm512_srlv_epi64(a: V, count: V) -> V {
    zip64(a, count, |a, count| a.wrapping_shr(count as u32) & spread(below(count, 64)))
}

/// b ‖ a, shifted right.
fn funnel(a: u64, b: u64, count: u64) -> u64 {
    ((u128::from(b) << 64 | u128::from(a)) >> (count & 63)) as u64
}

pub(crate) fn _mm512_shrdi_epi64<const N: i32>(a: V, b: V) -> V {
    zip64(a, b, |a, b| funnel(a, b, N as u64))
}

pub(crate) fn _mm512_shrdv_epi64(a: V, b: V, count: V) -> V {
    __m512i(core::array::from_fn(|i| funnel(a.0[i], b.0[i], count.0[i])))
}

pub(crate) fn _mm512_mask_sub_epi64(src: V, mask: __mmask8, a: V, b: V) -> V {
    choose64(mask, src, _mm512_sub_epi64(a, b))
}

pub(crate) fn _mm512_mask_xor_epi64(src: V, mask: __mmask8, a: V, b: V) -> V {
    choose64(mask, src, _mm512_xor_si512(a, b))
}

pub(crate) fn _mm512_mask_mov_epi64(src: V, mask: __mmask8, a: V) -> V {
    choose64(mask, src, a)
}

pub(crate) fn _mm512_mask_blend_epi64(mask: __mmask8, a: V, b: V) -> V {
    choose64(mask, a, b)
}

pub(crate) fn _mm512_cmpeq_epi64_mask(a: V, b: V) -> __mmask8 {
    mask64(a, b, |a, b| is_zero(a ^ b))
}

/// Signed.
pub(crate) fn _mm512_cmplt_epi64_mask(a: V, b: V) -> __mmask8 {
    mask64(a, b, |a, b| below(a ^ 1 << 63, b ^ 1 << 63))
}

pub(crate) fn _mm512_test_epi64_mask(a: V, b: V) -> __mmask8 {
    mask64(a, b, |a, b| 1 ^ is_zero(a & b))
}

/// Of sixteen words, eight of a and eight of b, the one at bits 0 to 3 of the lane's index.
pub(crate) fn _mm512_permutex2var_epi64(a: V, index: V, b: V) -> V {
    let table: [u64; 16] = core::array::from_fn(|i| if i < 8 { a.0[i] } else { b.0[i - 8] });
    map64(index, |index| look_up(table, index & 15))
}

fn quarter(control: i32, place: usize) -> usize {
    (control >> (2 * place) & 3) as usize
}

/// Four words of each half, by the control.
pub(crate) fn _mm512_permutex_epi64<const CONTROL: i32>(a: V) -> V {
    __m512i(core::array::from_fn(|i| a.0[i / 4 * 4 + quarter(CONTROL, i % 4)]))
}

/// 128-bit pieces: two of a, two of b.
pub(crate) fn _mm512_shuffle_i64x2<const CONTROL: i32>(a: V, b: V) -> V {
    let piece = |place: usize| if place < 2 { a } else { b };
    __m512i(core::array::from_fn(|i| piece(i / 2).0[2 * quarter(CONTROL, i / 2) + i % 2]))
}

pub(crate) fn _mm512_shuffle_i32x4<const CONTROL: i32>(a: V, b: V) -> V {
    _mm512_shuffle_i64x2::<CONTROL>(a, b)
}

pub(crate) fn _mm512_unpacklo_epi64(a: V, b: V) -> V {
    __m512i(core::array::from_fn(|i| if i % 2 == 0 { a.0[i] } else { b.0[i - 1] }))
}

pub(crate) fn _mm512_unpackhi_epi64(a: V, b: V) -> V {
    __m512i(core::array::from_fn(|i| if i % 2 == 0 { a.0[i + 1] } else { b.0[i] }))
}

pub(crate) fn _mm512_add_epi32(a: V, b: V) -> V {
    zip32(a, b, u32::wrapping_add)
}

pub(crate) fn _mm512_slli_epi32<const N: u32>(a: V) -> V {
    map32(a, |a| a << N)
}

pub(crate) fn _mm512_srli_epi32<const N: u32>(a: V) -> V {
    map32(a, |a| a >> N)
}

pub(crate) fn _mm512_rol_epi32<const N: i32>(a: V) -> V {
    map32(a, |a| a.rotate_left(N as u32))
}

pub(crate) fn _mm512_ror_epi32<const N: i32>(a: V) -> V {
    map32(a, |a| a.rotate_right(N as u32))
}

pub(crate) fn _mm512_mask_add_epi32(src: V, mask: __mmask16, a: V, b: V) -> V {
    choose32(mask, src, _mm512_add_epi32(a, b))
}

pub(crate) fn _mm512_mask_xor_epi32(src: V, mask: __mmask16, a: V, b: V) -> V {
    choose32(mask, src, _mm512_xor_si512(a, b))
}

pub(crate) fn _mm512_mask_srli_epi32<const N: u32>(src: V, mask: __mmask16, a: V) -> V {
    choose32(mask, src, _mm512_srli_epi32::<N>(a))
}

pub(crate) fn _mm512_mask_mov_epi32(src: V, mask: __mmask16, a: V) -> V {
    choose32(mask, src, a)
}

pub(crate) fn _mm512_maskz_mov_epi32(mask: __mmask16, a: V) -> V {
    choose32(mask, _mm512_setzero_si512(), a)
}

pub(crate) fn _mm512_cmpeq_epi32_mask(a: V, b: V) -> __mmask16 {
    mask32(a, b, |a, b| is_zero(a ^ b))
}

pub(crate) fn _mm512_cmpge_epu32_mask(a: V, b: V) -> __mmask16 {
    mask32(a, b, |a, b| 1 ^ below(a, b))
}

pub(crate) fn _mm512_cmpgt_epu32_mask(a: V, b: V) -> __mmask16 {
    mask32(a, b, |a, b| below(b, a))
}

/// Four words of each 128-bit piece, by the control.
pub(crate) fn _mm512_shuffle_epi32<const CONTROL: i32>(a: V) -> V {
    let a = words(a);
    from_words(core::array::from_fn(|i| a[i / 4 * 4 + quarter(CONTROL, i % 4)]))
}

/// Bytes of each 128-bit piece, by the low bits of the control's byte; zero where its highest bit is set. Controls
/// are constants.
pub(crate) fn _mm512_shuffle_epi8(a: V, control: V) -> V {
    let (a, control) = (bytes(a), bytes(control));
    from_bytes(core::array::from_fn(|i| {
        if control[i] & 0x80 == 0 { a[i / 16 * 16 + usize::from(control[i] & 15)] } else { 0 }
    }))
}

pub(crate) fn _mm512_unpacklo_epi32(a: V, b: V) -> V {
    let (a, b) = (words(a), words(b));
    from_words(core::array::from_fn(|i| [a, b][i % 2][i / 4 * 4 + i % 4 / 2]))
}

pub(crate) fn _mm512_unpackhi_epi32(a: V, b: V) -> V {
    let (a, b) = (words(a), words(b));
    from_words(core::array::from_fn(|i| [a, b][i % 2][i / 4 * 4 + 2 + i % 4 / 2]))
}
