//! A message as padded blocks, for the programs that take their blocks by reference.

/// The blocks of a message in two parts, of which the first is shorter than a block.
pub(super) struct Blocks<'a> {
    head: usize,
    body: &'a [u8],
    /// Blocks that the message fills.
    full: usize,
    /// The first block, if the message fills it and its first part is not empty.
    first: [u8; 64],
    /// What is left, the mark of the end, zeros and the length in bits.
    last: [[u8; 64]; 2],
}

/// Blocks of a message, padding included. Bound: less than 2^37 bytes.
#[inline]
pub(super) fn count([head, body]: [&[u8]; 2]) -> u32 {
    ((head.len() + body.len() + 8) / 64) as u32 + 1
}

impl<'a> Blocks<'a> {
    pub(super) fn new([head, body]: [&'a [u8]; 2]) -> Self {
        assert!(head.len() < 64);
        let length = head.len() + body.len();
        let (full, rest) = (length / 64, length % 64);
        let (mut first, mut last) = ([0; 64], [[0; 64]; 2]);
        if full > 0 {
            last[0][..rest].copy_from_slice(&body[body.len() - rest..]);
            if !head.is_empty() {
                first[..head.len()].copy_from_slice(head);
                first[head.len()..].copy_from_slice(&body[..64 - head.len()]);
            }
        } else {
            last[0][..head.len()].copy_from_slice(head);
            last[0][head.len()..length].copy_from_slice(body);
        }
        last[0][rest] = 0x80;
        last[usize::from(rest >= 56)][56..].copy_from_slice(&(length as u64 * 8).to_be_bytes());
        Blocks { head: head.len(), body, full, first, last }
    }

    /// Block `index`; behind the last one comes any.
    #[inline]
    pub(super) fn get(&self, index: u32) -> &[u8; 64] {
        let index = index as usize;
        match (index * 64).checked_sub(self.head) {
            _ if index >= self.full => &self.last[(index - self.full).min(1)],
            Some(at) => self.body[at..].first_chunk().expect("a full block"),
            None => &self.first,
        }
    }
}
