//! CRC-32C (Castagnoli), against torn writes only: whoever wants to can make it fit.
//!
//! # Source
//! RFC 3720, appendix B.4; eight bytes a step ("slicing by 8").

/// The reflected polynomial.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// `TABLES[k][b]`: the remainder of byte b followed by k zero bytes.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0u32; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[k - 1][byte];
            tables[k][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

/// The CRC of these parts, one after the other.
pub(super) fn crc32c(parts: &[&[u8]]) -> u32 {
    let table = |k: usize, byte: u64| TABLES[k][(byte & 0xff) as usize];
    let mut crc = u32::MAX;
    for part in parts {
        let (words, rest) = part.as_chunks::<8>();
        for word in words {
            let word = u64::from_le_bytes(*word) ^ u64::from(crc);
            crc = (0..8).fold(0, |crc, i| crc ^ table(7 - i, word >> (8 * i)));
        }
        for byte in rest {
            crc = (crc >> 8) ^ table(0, u64::from(crc) ^ u64::from(*byte));
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::crc32c;

    #[test]
    fn published_values() {
        assert_eq!(crc32c(&[b"123456789"]), 0xe306_9283);
        assert_eq!(crc32c(&[&[0; 32]]), 0x8a91_36aa);
        assert_eq!(crc32c(&[&[0xff; 32]]), 0x62a8_ab43);
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&[&ascending]), 0x46dd_794e);
        assert_eq!(crc32c(&[&ascending[..5], &[], &ascending[5..]]), 0x46dd_794e);
    }
}
