//! The long run over decoders and finder: files mutated by a fixed sequence, and what they decode to is searched.
//!
//! `make soak ROOM=imprint` runs it for an hour under a memory limit of 1 GiB. A panic or a lack of memory ends it, and so does a
//! case that takes longer than half a minute; the last line then names the seed, and `soak-imprint 1 SEED` runs
//! that case again.

use sealcore::imprint::{self, Image};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A case that takes longer hangs: the largest page takes a few seconds.
const HANGS: Duration = Duration::from_secs(30);

static SEED: AtomicU64 = AtomicU64::new(0);

/// A fixed sequence of numbers.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 24
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// The files that are mutated: those of the project, and of others where they are.
fn corpus() -> Vec<Vec<u8>> {
    let mut folders = vec![support::vectors().join("imprint")];
    if let Some(shared) = support::shared_data() {
        folders.push(shared.join("imprint/licensed"));
    }
    let mut files: Vec<_> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder of pictures"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| ["png", "jpg", "tif", "bmp"].iter().any(|s| e == *s)))
        .collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).expect("a picture")).collect()
}

/// One mutated file.
fn mutated(corpus: &[Vec<u8>], sequence: &mut Sequence) -> Vec<u8> {
    let mut file = corpus[sequence.below(corpus.len())].clone();
    // Headers are small: half of the changes fall among the first 200 bytes.
    for _ in 0..=sequence.below(12) {
        let reach = if sequence.below(2) == 0 { file.len().min(200) } else { file.len() };
        let at = sequence.below(reach);
        let end = (at + sequence.below(60)).min(file.len());
        match sequence.below(6) {
            0 => file[at] ^= 1 << sequence.below(8),
            1 => file[at] = [0, 1, 0x7f, 0x80, 0xff][sequence.below(5)],
            2 if file.len() > 200 => drop(file.drain(at..end)),
            3 => {
                let copy = file[at..end].to_vec();
                file.splice(at..at, copy);
            }
            4 if file.len() > 200 => file.truncate(file.len() - sequence.below(file.len() / 4)),
            _ => {
                let other = &corpus[sequence.below(corpus.len())];
                let from = sequence.below(other.len());
                let length = sequence.below(200).min(other.len() - from).min(file.len() - at);
                file[at..at + length].copy_from_slice(&other[from..from + length]);
            }
        }
        if file.is_empty() {
            file.push(0);
        }
    }
    file
}

/// Pixels that no camera takes: bands, noise and rings.
fn pixels(sequence: &mut Sequence) -> Image {
    let (width, height) = (1 + sequence.below(900) as u32, 1 + sequence.below(900) as u32);
    let channels = [1, 3, 4][sequence.below(3)];
    let (grain, kind) = (1 + sequence.below(60), sequence.below(4));
    let side = width as usize * usize::from(channels);
    let value = |k: usize| {
        let (x, y) = (k % side / usize::from(channels), k / side);
        match kind {
            0 => support::pictures::mixed((k / grain) as u64) as u8,
            1 => {
                if (x / grain + y / grain).is_multiple_of(2) {
                    255
                } else {
                    (k % 3 * 90) as u8
                }
            }
            2 => {
                if (x * x + y * y) / (grain * 97) % 3 == 0 && !k.is_multiple_of(3) {
                    20
                } else {
                    250
                }
            }
            _ => (x * y / grain) as u8,
        }
    };
    let pixels = (0..side * height as usize).map(value).collect();
    Image::from_pixels(width, height, channels, None, pixels).expect("within bounds")
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<u64>().expect("SECONDS [SEED]"));
    let (seconds, only) = (arguments.next().unwrap_or(3600), arguments.next());
    // A panic inside a decoder is caught there and is an error like any other: count it, without the trace.
    static CAUGHT: AtomicU64 = AtomicU64::new(0);
    std::panic::set_hook(Box::new(|info| {
        CAUGHT.fetch_add(1, Ordering::Relaxed);
        eprintln!("seed {}: {info}", SEED.load(Ordering::Relaxed));
    }));
    std::thread::spawn(|| {
        let mut last = (0, Instant::now());
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let seed = SEED.load(Ordering::Relaxed);
            if seed != last.0 {
                last = (seed, Instant::now());
            } else if last.1.elapsed() > HANGS {
                eprintln!("seed {seed}: takes longer than {} seconds", HANGS.as_secs());
                std::process::abort();
            }
        }
    });
    let corpus = corpus();
    let (mut cases, mut decoded, mut found) = (0u64, 0u64, 0u64);
    let begun = Instant::now();
    let mut seed = only.unwrap_or(1);
    while begun.elapsed().as_secs() < seconds && only.is_none_or(|only| seed == only) {
        SEED.store(seed, Ordering::Relaxed);
        let mut sequence = Sequence(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        sequence.next();
        let image = if sequence.below(8) == 0 {
            Some(pixels(&mut sequence))
        } else {
            let file = mutated(&corpus, &mut sequence);
            let pages = Image::count_pages(&file).unwrap_or(1);
            Image::decode_page(&file, sequence.below(pages as usize) as u32).ok()
        };
        if let Some(image) = image {
            decoded += 1;
            for imprint in imprint::find(&image) {
                found += 1;
                assert!(imprint::density(&image, &imprint).width > 0);
            }
        }
        cases += 1;
        seed += 1;
        if cases.is_multiple_of(500) {
            print!("\r{cases} cases, {decoded} pictures searched, {found} imprints, {} s ", begun.elapsed().as_secs());
            std::io::stdout().flush().expect("a terminal");
        }
    }
    let caught = CAUGHT.load(Ordering::Relaxed);
    println!(
        "\r{cases} cases: {decoded} pictures searched, {found} imprints, {caught} panics of decoders caught, no crash, no hang"
    );
}
