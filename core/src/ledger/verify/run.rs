//! The pass over the entries: sealed segments as wholes where nothing is wrong, everything else entry by entry.

use core::ops::Range;
use std::time::{Duration, Instant};

use super::super::entry::message_of;
use super::super::frames::{PREFIX, Window};
use super::super::genesis::Genesis;
use super::super::merkle::Hash;
use super::super::segment as files;
use super::super::store::Directory;
use super::super::view::View;
use super::log::Signed;
use super::order::{Job, Order};
use super::report::{Finding, FindingKind, Findings};
use super::roots::Roots;
use super::scan::{self, Facts, Next};
use super::segment::{Context, Look};
use super::source::Source;
use super::summary::{Level, Summary};
use super::{VerifyOptions, finding};
use crate::sign::{KeyRef, Keys, Signature, verify_many};
use crate::{Result, cpu};

/// How often the progress callback is called, at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// Entries that are not worth a second thread.
const GRAIN: usize = 64;
/// Segments that are looked at before their summaries are joined.
const TOGETHER: usize = 8;

/// The finding that a segment's file of hashes is not what its entries hash to.
fn hashes_differ(number: u64, offset: u64) -> Finding {
    let file = files::hashes_name(number);
    let detail = "the file of hashes is missing or differs; the entries are right, it can be made again".to_owned();
    Finding { offset, ..finding(FindingKind::HashesAltered, &file, None, "hash", detail) }
}

/// The pass over the entries.
pub(super) struct Run<'v, 'f> {
    pub(super) genesis: &'v Genesis,
    pub(super) options: &'v VerifyOptions<'v>,
    pub(super) order: Order,
    pub(super) roots: Roots<'f>,
    pub(super) signatures: u64,
    pub(super) bytes: u64,
    /// The sealed segments from the first one on, as far as nothing is wrong with them.
    pub(super) summary: Option<Summary>,
}

impl Run<'_, '_> {
    /// Goes over the entries that the newest checkpoint covers: sealed segments many at a time, the others one by one.
    pub(super) fn entries(
        &mut self,
        source: &Source<'_>,
        newest: Option<&Signed>,
        findings: &mut Findings,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<()> {
        let target = newest.map_or(u64::MAX, |newest| newest.size);
        let mut progress = |done: u64| progress(done.min(target), if newest.is_some() { target } else { 0 });
        let mut from = 0;
        // Whose headers and footers are damaged is read entry by entry.
        let view = Directory::open(source.directory.path()).and_then(View::open).ok();
        if let Some(view) = view
            && newest.is_some()
            && source.sealed << self.genesis.segment_bits() <= target
            && source.sealed <= view.wal_number
        {
            from = self.segments(source, &view, findings, &mut progress)?;
            self.order.go_on_to(target);
        }
        self.stream(source, (from, source.length()), newest.map(|newest| newest.root), findings, &mut progress)
    }

    /// Looks at every sealed segment, on many threads; gives where they end in the stream.
    fn segments(
        &mut self,
        source: &Source<'_>,
        view: &View,
        findings: &mut Findings,
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<u64> {
        let bits = self.genesis.segment_bits();
        let context = Context::new(source.directory, self.genesis, self.options.level)?;
        let mut number = 0;
        while number < source.sealed {
            if let Some(summary) = self.options.summaries.iter().find(|summary| summary.start() >> bits == number) {
                let end = summary.end() >> bits;
                let fits = end <= source.sealed && view.is_sealed_as(&summary.range)?;
                if fits && summary.level >= self.options.level && summary.ledger == context.id {
                    if self.accept(summary.clone(), source, view)? {
                        number = end;
                        progress(summary.end())?;
                        continue;
                    }
                } else if !fits {
                    let detail = format!(
                        "the segments from entry {} on are not those that the summary was made of",
                        summary.start()
                    );
                    let (kind, file) = (FindingKind::ChangedSinceSummary, files::entries_name(number));
                    findings.push(finding(kind, &file, Some(summary.start()), "root", detail));
                }
            }
            let mut looks: Vec<Option<Result<Look>>> = Vec::new();
            looks.resize_with(TOGETHER.min((source.sealed - number) as usize), || None);
            cpu::fill_chunks(&mut looks, self.options.threads, 1, |start, chunk| {
                for (place, look) in chunk.iter_mut().enumerate() {
                    *look = Some(context.look(number + (start + place) as u64));
                }
            });
            for look in looks.into_iter().flatten() {
                let accepted = match look? {
                    Look::Clean(summary, differs) => {
                        if let Some(offset) = differs {
                            findings.push(hashes_differ(number, offset));
                        }
                        self.accept(*summary, source, view)?
                    }
                    Look::Damaged => false,
                };
                if !accepted {
                    self.closely(number, source, view, findings, progress)?;
                }
                number += 1;
                progress(number << bits)?;
            }
        }
        Ok(source.pieces.get(source.sealed as usize).map_or(source.length(), |piece| piece.at))
    }

    /// Takes a segment, or several, in which nothing is wrong; whether it continues what is before it.
    fn accept(&mut self, summary: Summary, source: &Source<'_>, view: &View) -> Result<bool> {
        let last = (summary.end() >> self.genesis.segment_bits()) as usize;
        let end = source.pieces.get(last).map_or(source.length(), |piece| piece.at);
        if !self.order.accept(&summary, end, view)? {
            return Ok(false);
        }
        self.roots.compare_sealed(summary.start(), summary.end(), &mut |size| view.sealed_root(size))?;
        self.signatures += summary.signatures;
        match &mut self.summary {
            Some(before) if before.end() == summary.start() => before.merge(&summary)?,
            None if summary.start() == 0 => self.summary = Some(summary),
            _ => {}
        }
        Ok(true)
    }

    /// Goes over one sealed segment entry by entry, to say what is wrong with it.
    fn closely(
        &mut self,
        number: u64,
        source: &Source<'_>,
        view: &View,
        findings: &mut Findings,
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let bits = self.genesis.segment_bits();
        let at = |number: usize| source.pieces.get(number).map_or(source.length(), |piece| piece.at);
        let (from, to) = (at(number as usize), at(number as usize + 1));
        let end = (number + 1) << bits;
        self.order.go_on_to(end);
        let before = findings.total();
        self.stream(source, (from, to), Some(view.sealed_root(end)?), findings, progress)?;
        if findings.total() == before {
            let detail = "the entries are right by themselves, and are not those of the footer's root";
            findings.entry(FindingKind::RootMismatch, number << bits, from, "root", detail);
        }
        self.order.jump(end, view, to)
    }

    /// Streams the entries of a part of the stream one after the other.
    fn stream(
        &mut self,
        source: &Source<'_>,
        (from, to): (u64, u64),
        root: Option<Hash>,
        findings: &mut Findings,
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let target = self.order.target();
        let mut window = Window::new(source, from, to)?;
        // The last entry of a batch waits for the first of the next: order needs to look one ahead.
        let mut batch: Vec<Facts> = Vec::new();
        let mut reported = Instant::now();
        let stopped = 'entries: loop {
            let place = self.order.expected() + batch.len() as u64;
            let (frames, end) = match scan::next(window.bytes(), window.is_last()) {
                Next::Entries(frames, end) => (frames, end),
                Next::End | Next::Cut => break None,
                Next::Damaged { .. } | Next::Unreadable(_) if place >= target => break None,
                Next::Damaged { entry, end, prefix } => {
                    if prefix {
                        let detail = "the length before the entry is not the entry's";
                        findings.entry(FindingKind::FrameDamaged, place, window.offset(), "length", detail);
                    }
                    (vec![entry], end)
                }
                Next::Unreadable(end) => {
                    let detail = format!("{end} bytes from here are no entry");
                    findings.entry(FindingKind::FrameDamaged, place, window.offset(), "length", detail);
                    window.advance(end)?;
                    continue;
                }
            };
            batch.extend(self.facts(&window, &frames));
            window.advance(end)?;
            for pair in batch.windows(2) {
                if self.is_after(&pair[0], target) {
                    break 'entries Some(pair[0].offset);
                }
                self.take(&pair[0], Some(&pair[1]), findings)?;
            }
            batch.drain(..batch.len() - 1);
            self.check_signatures(findings)?;
            if reported.elapsed() >= PROGRESS_EVERY {
                reported = Instant::now();
                progress(self.order.expected())?;
            }
        };
        let mut end = window.offset();
        match (stopped, batch.first()) {
            (Some(offset), _) => end = offset - PREFIX as u64,
            (None, Some(last)) if self.is_after(last, target) => end = last.offset - PREFIX as u64,
            (None, Some(last)) => self.take(last, None, findings)?,
            (None, None) => {}
        }
        self.bytes = end;
        let Run { order, roots, .. } = self;
        order.finish(root, end, findings, &mut |tree| roots.compare(tree))?;
        self.check_signatures(findings)?;
        progress(self.order.expected())
    }

    /// Whether an entry comes after everything that the newest checkpoint covers.
    fn is_after(&self, facts: &Facts, target: u64) -> bool {
        self.order.expected() >= target && facts.index >= target
    }

    fn take(&mut self, facts: &Facts, next: Option<&Facts>, findings: &mut Findings) -> Result<()> {
        let Run { order, roots, .. } = self;
        order.take(facts, next, findings, &mut |tree| roots.compare(tree))
    }

    /// Reads and hashes entries, on many threads.
    fn facts(&self, window: &Window<'_>, frames: &[Range<usize>]) -> Vec<Facts> {
        let hash = self.genesis.hash();
        let (bytes, offset) = (window.bytes(), window.offset());
        let mut slots: Vec<Option<Facts>> = vec![None; frames.len()];
        cpu::fill_chunks(&mut slots, self.options.threads, GRAIN, |start, chunk| {
            for (slot, frame) in chunk.iter_mut().zip(&frames[start..]) {
                *slot = Some(Facts::read(hash, &bytes[frame.clone()], offset + frame.start as u64));
            }
        });
        slots.into_iter().flatten().collect()
    }

    /// Checks the signatures that have been collected, on many threads.
    fn check_signatures(&mut self, findings: &mut Findings) -> Result<()> {
        let jobs: Vec<Job> = core::mem::take(&mut self.order.jobs);
        if self.options.level < Level::Signatures {
            return Ok(());
        }
        let keys: Vec<KeyRef<'_>> = jobs.iter().map(|job| KeyRef::Plain(&job.key)).collect();
        let messages: Vec<[u8; 48]> = jobs.iter().map(|job| message_of(&job.statement)).collect();
        let messages: Vec<&[u8]> = messages.iter().map(<[u8; 48]>::as_slice).collect();
        let signatures: Vec<Signature> = jobs.iter().map(|job| Signature::from(job.signature)).collect();
        let verdicts = verify_many(Keys::Each(&keys), &messages, &signatures, None, self.options.threads)?;
        self.signatures += jobs.len() as u64;
        for failed in verdicts.failed() {
            let job = &jobs[*failed];
            let detail = "does not verify over `stmt` with the key of the row";
            findings.entry(FindingKind::SignatureInvalid, job.index, job.offset + 96, "signature", detail);
        }
        Ok(())
    }
}
