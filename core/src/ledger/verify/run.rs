//! The pass over the entries: sealed segments as wholes where nothing is wrong, everything else entry by entry.

use core::ops::Range;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::super::entry::{Entry, message_of};
use super::super::frames::{PREFIX, Window, cut};
use super::super::genesis::Genesis;
use super::super::merkle::{Hash, leaf_hashes};
use super::super::segment as files;
use super::super::view::View;
use super::log::Signed;
use super::order::{Job, Order};
use super::queue::{Queue, ahead};
use super::replay::Replay;
use super::report::{Finding, FindingKind, Findings};
use super::roots::Roots;
use super::scan::{self, Facts, Next};
use super::segment::{Context, Look};
use super::source::Source;
use super::summary::{Level, Summary};
use super::{VerifyOptions, finding};
use crate::sign::{KeyRef, Keys, Signature, verify_many};
use crate::{Error, Result, cpu};

/// How often the progress callback is called, at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// Entries that are not worth a second thread.
const GRAIN: usize = 64;

impl Look {
    /// The finding that a segment's file of hashes is not what its entries hash to, if that is so.
    fn differs(&self, number: u64, findings: &mut Findings<'_>) {
        let Look::Clean(_, Some(offset)) = self else { return };
        let file = files::hashes_name(number);
        let detail = "the file of hashes is missing or differs; the entries are right, it can be made again".to_owned();
        findings.push(Finding { offset: *offset, ..finding(FindingKind::HashesAltered, &file, None, "hash", detail) });
    }
}

/// Ends the work of the other threads, however the one that takes their results ends.
struct Stop<'s, 'c>(&'s Context<'c>);

impl Drop for Stop<'_, '_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
        if let Some((_, turns)) = &self.0.replay
            && std::thread::panicking()
        {
            turns.give_up();
        }
    }
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
        findings: &mut Findings<'_>,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<()> {
        let target = newest.map_or(u64::MAX, |newest| newest.size);
        let mut most = 0;
        let mut progress = |done: u64| {
            most = done.min(target).max(most);
            progress(most, if newest.is_some() { target } else { 0 })
        };
        let mut from = 0;
        // Whose headers and footers are damaged is read entry by entry.
        let view = View::open(source.directory.clone()).ok();
        if let Some(view) = view
            && newest.is_some()
            && source.sealed << self.genesis.segment_bits() <= target
            && source.sealed <= view.wal_number
        {
            from = self.segments(source, &view, findings, &mut progress)?;
            self.order.go_on_to(target);
        }
        self.stream(source, (from, source.length()), newest.map(|newest| newest.root), findings, &mut progress)?;
        match self.options.replay {
            Some(replay) if findings.is_empty() => self.replay_tail(replay, source, from, &mut progress),
            _ => Ok(()),
        }
    }

    /// Replays the entries after the sealed segments. They have been verified; they are hashed again, so that nobody can
    /// put others in their place meanwhile.
    fn replay_tail(
        &self,
        replay: &dyn Replay,
        source: &Source<'_>,
        from: u64,
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        const CHANGED: Error = Error::LedgerCorrupt { offset: 0, reason: "the log changed while it was verified" };
        let mut window = Window::new(source, from, self.bytes)?;
        let mut last = None;
        while !window.bytes().is_empty() {
            let (frames, end) = cut(window.bytes(), usize::MAX);
            if frames.is_empty() {
                return Err(CHANGED);
            }
            let leaves = leaf_hashes(self.genesis.hash(), window.bytes(), &frames, self.options.threads);
            let mut entries = Vec::with_capacity(frames.len());
            for (frame, leaf) in frames.iter().zip(leaves) {
                let entry = Entry::parse(&window.bytes()[frame.clone()])?;
                if last.is_some_and(|last| last != entry.prev()) {
                    return Err(CHANGED);
                }
                last = Some(leaf);
                entries.push(entry);
            }
            replay.read(&entries)()?;
            window.advance(end)?;
            progress(self.order.expected())?;
        }
        if from < self.bytes && last != self.order.last_leaf() { Err(CHANGED) } else { Ok(()) }
    }

    /// Looks at every sealed segment, on many threads; gives where they end in the stream.
    fn segments(
        &mut self,
        source: &Source<'_>,
        view: &View,
        findings: &mut Findings<'_>,
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<u64> {
        let context = Context::new(source.directory, self.genesis, self.options.replay)?;
        let kept = kept(self.options, source, view, &context, findings)?;
        let replayed = context.replay.is_some();
        let is_kept = |number: u64| {
            kept.range(..=number)
                .next_back()
                .filter(|(_, summary)| number << self.genesis.segment_bits() < summary.end())
        };
        // What is replayed is read, and hashed so that it can be believed; its signatures have been verified.
        let plan: Vec<(u64, Level)> = (0..source.sealed)
            .filter_map(|number| match is_kept(number) {
                Some(_) if replayed => Some((number, Level::Tree)),
                Some(_) => None,
                None => Some((number, self.options.level)),
            })
            .collect();
        let (queue, ahead) = (Queue::default(), ahead(self.options.threads));
        let (context_of_tasks, queue_of_tasks, plan) = (&context, &queue, &plan);
        let look = move |place: usize| {
            plan.get(place).map_or(Ok(Look::Damaged), |(n, level)| context_of_tasks.look(*n, *level))
        };
        cpu::with_tasks(self.options.threads, |tasks| {
            let _stop = Stop(&context);
            let (mut place, mut begun) = (0, 0);
            let mut number = 0;
            while number < source.sealed {
                let summary = kept.get(&number);
                let last = summary.map_or(number + 1, |summary| summary.end() >> self.genesis.segment_bits());
                let mut looks = Vec::new();
                if summary.is_none() || replayed {
                    for _ in number..last {
                        looks.push(match tasks {
                            Some(tasks) => {
                                while begun < plan.len().min(place + ahead) {
                                    let next = begun;
                                    tasks.spawn(move |_| queue_of_tasks.look(next, || look(next)));
                                    begun += 1;
                                }
                                queue.take(place, &mut || progress(context.seen.load(Ordering::Relaxed)))?
                            }
                            None => look(place)?,
                        });
                        place += 1;
                    }
                }
                let clean = looks.iter().all(|look| matches!(look, Look::Clean(..)));
                if let Some(summary) = summary
                    && clean
                    && self.accept((*summary).clone(), source, view)?
                {
                    if looks.is_empty() {
                        context.seen.fetch_add(summary.end() - summary.start(), Ordering::Relaxed);
                    }
                    looks.into_iter().zip(number..).for_each(|(look, number)| look.differs(number, findings));
                } else if looks.is_empty() {
                    // The summary contradicts what is before it.
                    for number in number..last {
                        let look = context.look(number, self.options.level)?;
                        self.judge(look, number, source, view, findings, progress)?;
                    }
                } else {
                    for (look, number) in looks.into_iter().zip(number..) {
                        self.judge(look, number, source, view, findings, progress)?;
                    }
                }
                number = last;
                progress(context.seen.load(Ordering::Relaxed))?;
            }
            if let Some((_, turns)) = &context.replay
                && !turns.are_at(source.sealed)
            {
                turns.give_up();
            }
            Ok(())
        })?;
        Ok(source.pieces.get(source.sealed as usize).map_or(source.length(), |piece| piece.at))
    }

    /// Takes the result of a look at a segment; where something is wrong, goes over it entry by entry.
    fn judge(
        &mut self,
        look: Look,
        number: u64,
        source: &Source<'_>,
        view: &View,
        findings: &mut Findings<'_>,
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        look.differs(number, findings);
        if let Look::Clean(summary, _) = look
            && self.accept(*summary, source, view)?
        {
            return Ok(());
        }
        self.closely(number, source, view, findings, progress)
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
        findings: &mut Findings<'_>,
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
        findings: &mut Findings<'_>,
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let (target, before) = (self.order.target(), findings.total());
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
        order.finish(root, end, before, findings, &mut |tree| roots.compare(tree))?;
        self.check_signatures(findings)?;
        progress(self.order.expected())
    }

    /// Whether an entry comes after everything that the newest checkpoint covers.
    fn is_after(&self, facts: &Facts, target: u64) -> bool {
        self.order.expected() >= target && facts.index >= target
    }

    fn take(&mut self, facts: &Facts, next: Option<&Facts>, findings: &mut Findings<'_>) -> Result<()> {
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
    fn check_signatures(&mut self, findings: &mut Findings<'_>) -> Result<()> {
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

/// The summaries that are taken instead of the segments that they were made of, by number of the first.
fn kept<'o>(
    options: &'o VerifyOptions<'o>,
    source: &Source<'_>,
    view: &View,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> Result<BTreeMap<u64, &'o Summary>> {
    let bits = context.genesis.segment_bits();
    let (mut kept, mut end) = (BTreeMap::new(), 0);
    let mut summaries: Vec<&Summary> = options.summaries.iter().collect();
    summaries.sort_by_key(|summary| (summary.start(), u64::MAX - summary.end()));
    for summary in summaries {
        if summary.ledger != context.id {
            let reason = "was made of another ledger";
            return Err(Error::InvalidArgument { field: "summary", reason });
        }
        let start = summary.start();
        if summary.end() >> bits > source.sealed || !view.is_sealed_as(&summary.range)? {
            let detail = format!("the segments from entry {start} on are not those that the summary was made of");
            let (kind, file) = (FindingKind::ChangedSinceSummary, files::entries_name(start >> bits));
            findings.push(finding(kind, &file, Some(start), "root", detail));
        } else if start >= end && summary.level >= options.level.min(Level::Signatures) {
            kept.insert(start >> bits, summary);
            end = summary.end();
        }
    }
    Ok(kept)
}
