//! The index of a registry: an append-only file of fingerprints, searched exactly.
//!
//! Why it is not mapped into memory: a map of a file that another process cuts short ends this process with a signal,
//! and needs `unsafe` here. The codes of all seals (128 bytes each) are read into memory in blocks when the index is
//! opened, contiguous and aligned for the scan; the rest of a record is read from its place only for the few
//! candidates that the scan leaves. So a search touches the same bytes that a map would.

use super::fingerprint::{CODE_LENGTH, FINGERPRINT_LENGTH, Fingerprint};
use super::turn::turns;
use crate::{Error, Result, cpu, simd};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

const MAGIC: [u8; 16] = *b"SEALINDEX\x02\0\0\0\0\0\0";

/// Records of a block, whose codes stand together.
const BLOCK: usize = 1024;

/// The bytes of the code that the scan reads: its first half, 1,024 bits.
const SCANNED: usize = CODE_LENGTH / 2;
const WORDS: usize = SCANNED / 8;

/// The longest name in bytes of UTF-8.
pub const MAX_NAME: usize = 240;

/// Length of the name, zero, checksum; the name; the fingerprint.
const RECORD: usize = 8 + MAX_NAME + FINGERPRINT_LENGTH;
const BLOCK_BYTES: u64 = (BLOCK * (SCANNED + RECORD)) as u64;

/// Distances that the scan passes over at once, when none of them is near.
const FEW: usize = 32;

/// Candidates of the scan that are held against the whole code.
const CANDIDATES: usize = 512;

/// Of these the nearest, which are re-ranked by correlation.
const RERANKED: usize = 100;

/// The most hits of a search.
pub const MAX_HITS: usize = 1000;

/// A registered seal that may have made an imprint.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The name under which it was added.
    pub name: String,
    /// Its place in the index, from 0.
    pub position: u64,
    /// In how many of the 2,048 bits of the code it differs.
    pub distance: u32,
    /// The correlation of the polar forms at the best rotation, -1 to 1: hits are in its order.
    pub score: f64,
    /// How the questioned imprint is turned against it, degrees counter-clockwise.
    pub angle: f64,
}

/// An index file that is open.
pub struct Index {
    file: Mutex<File>,
    blocks: Vec<Vec<u64>>,
    count: usize,
    writing: bool,
}

fn io(operation: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::IndexIo { operation, os_code: error.raw_os_error().unwrap_or(0) }
}

fn corrupt(offset: u64, reason: &'static str) -> Error {
    Error::InvalidEncoding { field: "index file", offset: usize::try_from(offset).unwrap_or(usize::MAX), reason }
}

/// Where the codes of a block begin.
fn codes_at(block: usize) -> u64 {
    MAGIC.len() as u64 + block as u64 * BLOCK_BYTES
}

/// Where a record begins.
fn record_at(position: usize) -> u64 {
    codes_at(position / BLOCK) + (BLOCK * SCANNED + position % BLOCK * RECORD) as u64
}

impl Index {
    /// A new, empty index file.
    ///
    /// # Errors
    /// `IndexIo`: the file exists or cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(path).map_err(io("create"))?;
        file.write_all(&MAGIC).map_err(io("write"))?;
        file.sync_all().map_err(io("sync"))?;
        Ok(Index { file: Mutex::new(file), blocks: Vec::new(), count: 0, writing: false })
    }

    /// An index file that exists.
    ///
    /// A record that a crash left half written is not counted; the next one takes its place.
    ///
    /// # Errors
    /// `IndexIo`; `InvalidEncoding`: no index file of this version, or codes that do not belong to their records.
    pub fn open(path: &Path) -> Result<Self> {
        // Readers need no right to write.
        let file = OpenOptions::new().read(true).write(true).open(path);
        let mut file = file.or_else(|_| File::open(path)).map_err(io("open"))?;
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic).map_err(|_| corrupt(0, "too short for an index file"))?;
        if magic != MAGIC {
            return Err(corrupt(0, "not an index file of this version: build it again from the registered seals"));
        }
        let mut index = Index { file: Mutex::new(file), blocks: Vec::new(), count: 0, writing: false };
        index.catch_up()?;
        Ok(index)
    }

    /// Reads what was added since, by this process or another.
    fn catch_up(&mut self) -> Result<()> {
        let file = self.file.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let length = file.seek(SeekFrom::End(0)).map_err(io("seek"))?;
        // A record stands behind its block's codes, so the last one tells how many there may be.
        let reached = length.saturating_sub(MAGIC.len() as u64);
        let full = (reached / BLOCK_BYTES) as usize;
        let rest = (reached % BLOCK_BYTES).saturating_sub((BLOCK * SCANNED) as u64) as usize / RECORD;
        let most = full * BLOCK + rest.min(BLOCK);
        let mut bytes = vec![0; BLOCK * SCANNED];
        self.blocks.truncate(self.count / BLOCK);
        for block in self.count / BLOCK..most.div_ceil(BLOCK) {
            file.seek(SeekFrom::Start(codes_at(block))).map_err(io("seek"))?;
            file.read_exact(&mut bytes).map_err(io("read"))?;
            let words = bytes.chunks_exact(8).map(|b| u64::from_le_bytes(std::array::from_fn(|k| b[k])));
            self.blocks.push(words.collect());
        }
        self.count = most;
        // The last ones may be torn: a record counts from its checksum on.
        while self.count > 0 {
            match self.read(self.count - 1) {
                Ok(_) => break,
                Err(_) if most - self.count < BLOCK => self.count -= 1,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// How many seals it holds.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Add a seal. It is found from now on by this index, and by those that open the file later.
    ///
    /// # Errors
    /// `InvalidLength`: an empty name, or one longer than [`MAX_NAME`] bytes; `IndexIo`: another process is adding
    /// (`lock`), or the file cannot be written.
    pub fn add(&mut self, name: &str, fingerprint: &Fingerprint) -> Result<u64> {
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(Error::InvalidLength { field: "name", expected: MAX_NAME, actual: name.len() });
        }
        if !self.writing {
            let file = self.file.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
            file.try_lock().map_err(|_| Error::IndexIo { operation: "lock", os_code: 11 })?;
            self.writing = true;
            self.catch_up()?;
        }
        let position = self.count;
        let mut record = vec![0; RECORD];
        record[..2].copy_from_slice(&(name.len() as u16).to_be_bytes());
        record[8..8 + name.len()].copy_from_slice(name.as_bytes());
        record[8 + MAX_NAME..].copy_from_slice(fingerprint.as_bytes());
        let check = checksum(&record[8..], position);
        record[4..8].copy_from_slice(&check.to_be_bytes());
        let code = &fingerprint.code()[..SCANNED];
        let file = self.file.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let place = position % BLOCK;
        let mut put = |at: u64, bytes: &[u8]| {
            file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes)).map_err(io("write"))
        };
        // The code first: a record that counts has its code.
        put(codes_at(position / BLOCK) + (place * SCANNED) as u64, code)?;
        put(record_at(position), &record)?;
        if place == 0 {
            self.blocks.truncate(position / BLOCK);
            self.blocks.push(vec![0; BLOCK * WORDS]);
        }
        let words = &mut self.blocks[position / BLOCK][place * WORDS..(place + 1) * WORDS];
        for (word, bytes) in words.iter_mut().zip(code.chunks_exact(8)) {
            *word = u64::from_le_bytes(std::array::from_fn(|k| bytes[k]));
        }
        self.count += 1;
        Ok(position as u64)
    }

    /// Everything that was added is on the disk when this returns.
    ///
    /// # Errors
    /// `IndexIo`.
    pub fn sync(&self) -> Result<()> {
        self.lock().sync_data().map_err(io("sync"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The name and the fingerprint at a position.
    ///
    /// # Errors
    /// `InvalidArgument`: beyond the end; `InvalidEncoding`: the record is damaged; `IndexIo`.
    pub fn get(&self, position: usize) -> Result<(String, Fingerprint)> {
        if position >= self.count {
            return Err(Error::InvalidArgument { field: "position", reason: "beyond the end of the index" });
        }
        self.read(position)
    }

    fn read(&self, position: usize) -> Result<(String, Fingerprint)> {
        let mut record = vec![0; RECORD];
        let at = record_at(position);
        {
            let mut file = self.lock();
            file.seek(SeekFrom::Start(at)).map_err(io("seek"))?;
            file.read_exact(&mut record).map_err(io("read"))?;
        }
        let length = usize::from(u16::from_be_bytes([record[0], record[1]]));
        let check = u32::from_be_bytes([record[4], record[5], record[6], record[7]]);
        if length == 0 || length > MAX_NAME || check != checksum(&record[8..], position) {
            return Err(corrupt(at, "a record is damaged"));
        }
        let name = std::str::from_utf8(&record[8..8 + length]).map_err(|_| corrupt(at, "a name is not UTF-8"))?;
        let fingerprint = Fingerprint::from_bytes(&record[8 + MAX_NAME..])?;
        Ok((name.to_owned(), fingerprint))
    }

    /// The seals most like an imprint: an exact scan of all codes, the nearest re-ranked by correlation.
    ///
    /// # Errors
    /// `InvalidArgument`: `limit` is 0 or above [`MAX_HITS`]; `InvalidEncoding`, `IndexIo`: a record cannot be read.
    pub fn search(&self, fingerprint: &Fingerprint, limit: usize) -> Result<Vec<Hit>> {
        if limit == 0 || limit > MAX_HITS {
            return Err(Error::InvalidArgument { field: "limit", reason: "1 to 1,000 hits" });
        }
        let sure = fingerprint.sure();
        let mut near = self.scan(fingerprint, &sure, CANDIDATES.max(2 * limit));
        near.truncate(CANDIDATES.max(2 * limit));
        let mut candidates = Vec::with_capacity(near.len());
        for position in near {
            let (name, registered) = self.read(position)?;
            candidates.push((distance(&registered, fingerprint, &sure), position, name, registered));
        }
        candidates.sort_by_key(|c| (c.0, c.1));
        candidates.truncate(RERANKED.max(limit));
        let mut hits: Vec<Hit> = candidates
            .into_iter()
            .map(|(_, position, name, registered)| {
                let distance = registered.code_distance(fingerprint);
                let turn = turns(&registered, fingerprint, 1).pop();
                let (score, radians) = turn.map_or((-1.0, 0.0), |turn| (turn.score, turn.radians));
                let clockwise = radians + fingerprint.turned() - registered.turned();
                let angle = (-clockwise.to_degrees()).rem_euclid(360.0);
                Hit { name, position: position as u64, distance, score, angle }
            })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.position.cmp(&b.position)));
        hits.truncate(limit);
        Ok(hits)
    }

    /// Many searches, on at most `threads` threads (0: every core).
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn search_many(&self, fingerprints: &[&Fingerprint], limit: usize, threads: usize) -> Result<Vec<Vec<Hit>>> {
        let mut found: Vec<Result<Vec<Hit>>> = fingerprints.iter().map(|_| Ok(Vec::new())).collect();
        cpu::fill_chunks(&mut found, threads, 1, |start, out| {
            for (k, slot) in out.iter_mut().enumerate() {
                *slot = self.search(fingerprints[start + k], limit);
            }
        });
        found.into_iter().collect()
    }

    /// The positions with the nearest scanned codes, at least `wanted` if there are so many, nearest first.
    fn scan(&self, fingerprint: &Fingerprint, sure: &[u8], wanted: usize) -> Vec<usize> {
        let words = |bytes: &[u8]| -> [u64; WORDS] {
            std::array::from_fn(|k| u64::from_le_bytes(std::array::from_fn(|i| bytes[8 * k + i])))
        };
        let (query, mask) = (words(fingerprint.code()), words(sure));
        // Of each distance how many there are, up to the largest that may still be among those wanted.
        let (mut counts, mut cut, mut total) = ([0usize; SCANNED * 8 + 1], SCANNED * 8, 0);
        let mut near: Vec<(u16, usize)> = Vec::new();
        let mut distances = [0u16; BLOCK];
        for (first, block) in (0..self.count).step_by(BLOCK).zip(&self.blocks) {
            simd::distances(block, &query, &mask, &mut distances);
            let there = &distances[..BLOCK.min(self.count - first)];
            for (few, few_distances) in there.chunks(FEW).enumerate() {
                // Hardly any is near: they are passed over together.
                if !few_distances.iter().fold(false, |any, &d| any | (d <= cut as u16)) {
                    continue;
                }
                for (k, &distance) in few_distances.iter().enumerate().filter(|(_, d)| **d <= cut as u16) {
                    near.push((distance, first + few * FEW + k));
                    counts[usize::from(distance)] += 1;
                    total += 1;
                }
            }
            while total - counts[cut] >= wanted {
                total -= counts[cut];
                cut -= 1;
            }
            // Where later ones are ever nearer, what was near before is not kept.
            if near.len() > 2 * total + BLOCK {
                near.retain(|&(distance, _)| usize::from(distance) <= cut);
            }
        }
        near.retain(|&(distance, _)| usize::from(distance) <= cut);
        near.sort_unstable();
        near.into_iter().map(|(_, position)| position).collect()
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index({} seals)", self.count)
    }
}

/// In how many of the sure bits two codes differ.
fn distance(a: &Fingerprint, b: &Fingerprint, sure: &[u8]) -> u32 {
    a.code().iter().zip(b.code()).zip(sure).map(|((a, b), sure)| ((a ^ b) & sure).count_ones()).sum()
}

/// FNV-1a over a record and its position: tells a torn or misplaced record, not a forged one.
fn checksum(bytes: &[u8], position: usize) -> u32 {
    let start = 0x811c_9dc5u32 ^ (position as u32).wrapping_mul(0x9e37_79b1);
    bytes.iter().fold(start, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
