//! HMAC_DRBG of RFC 6979 in sixteen lanes: eighteen compressions for sixteen nonces.

use super::compress::{self, V, load, set};
use crate::simd::Function;
use core::arch::x86_64::{_mm512_storeu_si512, _mm512_xor_si512 as xor};
use core::hint::black_box;

/// The states after the key block, for the inner and the outer hash.
struct Keyed {
    inner: [V; 8],
    outer: [V; 8],
}

/// Absorbs a block, given as words. Constant time.
#[inline]
#[target_feature(enable = "avx512f")]
fn absorb(function: Function, state: &mut [V; 8], words: &[V; 16]) {
    let mut group = state.map(|v| [v]);
    compress::absorb(function, &mut group, &words.map(|v| [v]), [!0]);
    *state = group.map(|[v]| v);
}

/// Numbers side by side, from one a lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn gather<const N: usize>(word: impl Fn(usize, usize) -> u32) -> [V; N] {
    let mut out = [set(0); N];
    for (i, v) in out.iter_mut().enumerate() {
        let mut words = [0; 16];
        for (lane, slot) in words.iter_mut().enumerate() {
            *slot = word(lane, i);
        }
        *v = load(&words);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f")]
fn stored(v: V) -> [u32; 16] {
    let mut words = [0; 16];
    // SAFETY: the reference is valid for 64 bytes, and the instruction needs no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), v) };
    words
}

/// HMAC keyed with 32 bytes. Constant time.
#[target_feature(enable = "avx512f")]
fn keyed(function: Function, key: &[V; 8]) -> Keyed {
    let initial = function.initial().map(|word| set(word));
    let mut pads = [(initial, 0x3636_3636), (initial, 0x5c5c_5c5c)];
    for (state, pad) in &mut pads {
        let mut words = [set(*pad); 16];
        for (word, &key) in words.iter_mut().zip(key) {
            *word = xor(*word, key);
        }
        absorb(function, state, &words);
    }
    let [(inner, _), (outer, _)] = pads;
    Keyed { inner, outer }
}

impl Keyed {
    /// HMAC of a message of `bytes` bytes, given as words whose rest is zero. Bound: the message and its padding fit.
    #[target_feature(enable = "avx512f")]
    fn tag(&self, function: Function, message: &[V], bytes: usize) -> [V; 8] {
        let zero = set(0);
        let mut inner = self.inner;
        let blocks = (bytes + 9).div_ceil(64);
        for block in 0..blocks {
            let mut words = [zero; 16];
            for (word, value) in words.iter_mut().zip(message.iter().skip(16 * block)) {
                *word = *value;
            }
            let end = (bytes / 4).wrapping_sub(16 * block);
            if end < 16 {
                words[end] = xor(words[end], set(0x8000_0000 >> (8 * (bytes % 4))));
            }
            if block == blocks - 1 {
                words[15] = set((64 + bytes) as u32 * 8);
            }
            absorb(function, &mut inner, &words);
        }
        let mut words = [zero; 16];
        words[..8].copy_from_slice(&inner);
        words[8] = set(0x8000_0000);
        words[15] = set((64 + 32) * 8);
        let mut outer = self.outer;
        absorb(function, &mut outer, &words);
        outer
    }

    /// HMAC of V || separator || data.
    #[target_feature(enable = "avx512f")]
    fn update(&self, function: Function, value: &[V; 8], separator: u32, data: &[V]) -> [V; 8] {
        let mut message = [set(0); 8 + 24 + 1];
        message[..8].copy_from_slice(value);
        // Behind the one byte of the separator all words are shifted by a byte.
        let mut before = set(separator);
        for (slot, &word) in message[8..].iter_mut().zip(data) {
            *slot = shifted(before, word);
            before = word;
        }
        message[8 + data.len()] = shifted(before, set(0));
        self.tag(function, &message, 33 + 4 * data.len())
    }
}

/// The last byte of one word before the first three of the next.
#[inline]
#[target_feature(enable = "avx512f")]
fn shifted(before: V, word: V) -> V {
    use core::arch::x86_64::{_mm512_or_si512, _mm512_slli_epi32, _mm512_srli_epi32};
    _mm512_or_si512(_mm512_slli_epi32::<24>(before), _mm512_srli_epi32::<8>(word))
}

#[target_feature(enable = "avx512f")]
pub(super) fn nonces(
    function: Function,
    d: &[u8; 32],
    digests: &[[u8; 32]; 16],
    hedges: Option<&[[u8; 32]; 16]>,
) -> [[u64; 4]; 16] {
    let zero = set(0);
    let mut data = [zero; 24];
    let word = |bytes: &[u8; 32], i: usize| u32::from_be_bytes(bytes.as_chunks::<4>().0[i]);
    for (i, slot) in data[..8].iter_mut().enumerate() {
        *slot = set(word(d, i));
    }
    data[8..16].copy_from_slice(&gather::<8>(|lane, i| word(&digests[lane], i)));
    let count = match hedges {
        Some(hedges) => {
            data[16..].copy_from_slice(&gather::<8>(|lane, i| word(&hedges[lane], i)));
            24
        }
        None => 16,
    };
    let data_words = &data[..count];
    // Steps b to g.
    let mut value = [set(0x0101_0101); 8];
    let mut hmac = keyed(function, &[zero; 8]);
    for separator in [0, 1] {
        hmac = keyed(function, &hmac.update(function, &value, separator, data_words));
        value = hmac.tag(function, &value, 32);
    }
    // Step h.2.
    let words = hmac.tag(function, &value, 32).map(|v| stored(v));
    let mut out = [[0; 4]; 16];
    for (lane, k) in out.iter_mut().enumerate() {
        for (i, limb) in k.iter_mut().enumerate() {
            *limb = u64::from(words[6 - 2 * i][lane]) << 32 | u64::from(words[7 - 2 * i][lane]);
        }
    }
    // Nothing secret stays behind in the longer-lived arrays.
    data = [zero; 24];
    black_box(&data);
    out
}
