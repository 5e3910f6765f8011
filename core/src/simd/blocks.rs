//! A message as padded blocks, for the programs that take their blocks by reference.

/// The blocks of a message in two parts, of which the first is shorter than a block.
pub(super) struct Blocks<'a> {
    head: usize,
    body: &'a [u8],
    /// Blocks that the message fills.
    full: usize,
    /// At [`FIRST`] the first block, if the message fills it and its first part is not empty. At [`LAST`] what is left,
    /// the mark of the end, zeros and the length in bits, in one block or two. Between them anything.
    own: [[u8; 64]; 4],
}

const FIRST: usize = 0;
const LAST: usize = 2;

/// Blocks of a message, padding included. Bound: less than 2^37 bytes.
#[inline]
pub(super) fn count([head, body]: [&[u8]; 2]) -> u32 {
    ((head.len() + body.len() + 8) / 64) as u32 + 1
}

impl<'a> Blocks<'a> {
    /// Of no message yet: they are large, so they are made once and stay where they are.
    pub(super) const fn new() -> Self {
        Blocks { head: 0, body: &[], full: 0, own: [[0; 64]; 4] }
    }

    /// The blocks of this message from now on.
    ///
    /// Bytes are copied a block at a time, to where their part that counts is in its place: copies of as many bytes as
    /// happen to be left jump each time to another place.
    pub(super) fn set(&mut self, [head, body]: [&'a [u8]; 2]) {
        assert!(head.len() < 64);
        let length = head.len() + body.len();
        let (full, rest) = (length / 64, length % 64);
        let own = self.own.as_flattened_mut();
        if let (Some(begin), Some(end)) = (body.first_chunk::<64>(), body.last_chunk::<64>()) {
            own[head.len()..head.len() + 64].copy_from_slice(begin);
            own[64 * LAST + rest - 64..64 * LAST + rest].copy_from_slice(end);
            own[..head.len()].copy_from_slice(head);
        } else {
            let start = if full == 0 { 64 * LAST } else { 64 * FIRST };
            own[start..start + head.len()].copy_from_slice(head);
            copy_short(&mut own[start + head.len()..], body);
            if full > 0 {
                own.copy_within(64..128, 64 * LAST);
            }
        }
        let last = &mut own[64 * LAST..];
        last[rest..rest + 64].fill(0);
        last[64..].fill(0);
        last[rest] = 0x80;
        let end = if rest < 56 { 64 } else { 128 };
        last[end - 8..end].copy_from_slice(&(length as u64 * 8).to_be_bytes());
        (self.head, self.body, self.full) = (head.len(), body, full);
    }

    /// Block `index`; behind the last one comes any.
    #[inline]
    pub(super) fn get(&self, index: u32) -> &[u8; 64] {
        let index = index as usize;
        match (index * 64).checked_sub(self.head) {
            _ if index >= self.full => &self.own[LAST + (index - self.full).min(1)],
            Some(at) => self.body[at..].first_chunk().expect("a full block"),
            None => &self.own[FIRST],
        }
    }
}

/// Copies fewer than 64 bytes, as two that overlap.
#[inline]
fn copy_short(to: &mut [u8], from: &[u8]) {
    #[inline]
    fn ends<const N: usize>(to: &mut [u8], from: &[u8]) {
        let behind = from.len() - N;
        to[..N].copy_from_slice(&from[..N]);
        to[behind..behind + N].copy_from_slice(&from[behind..]);
    }
    match from.len() {
        32.. => ends::<32>(to, from),
        16.. => ends::<16>(to, from),
        8.. => ends::<8>(to, from),
        _ => to.iter_mut().zip(from).for_each(|(to, from)| *to = *from),
    }
}
