//! The order of the entries: index, chain, time, keys; which are missing, moved, or there twice; and the tree.
//!
//! Each entry commits to the bytes of its predecessor. Where the two disagree, the entry after decides: if it agrees with
//! its own predecessor, that one is genuine, and the one before it was altered. The tree is then built with what was
//! committed to, so that one altered entry is one finding and not a wrong root for every later checkpoint.

use std::collections::{BTreeMap, HashSet};

use super::super::chain::{check_reference, key_change};
use super::super::entry::EntryType;
use super::super::genesis::Genesis;
use super::super::keys::KeyTable;
use super::super::merkle::{CompactRange, Hash};
use super::super::records::{keys_digest, segment_bodies};
use super::super::view::View;
use super::report::{FindingKind, Findings};
use super::scan::{Facts, Sound};
use super::source::only;
use super::summary::Summary;
use crate::hash::HashAlgorithm;
use crate::sign::VerifyingKey;
use crate::{Error, Result};

/// A signature that is to be checked.
pub(super) struct Job {
    pub(super) index: u64,
    pub(super) offset: u64,
    pub(super) key: VerifyingKey,
    pub(super) statement: Hash,
    pub(super) signature: [u8; 64],
}

/// The last entry in place, whose leaf is not in the tree yet.
struct Tip {
    index: u64,
    offset: u64,
    leaf: Hash,
    time: u64,
    /// Whether its leaf is in the tree already, as part of a sealed segment.
    settled: bool,
}

/// An entry with whose bytes the next one disagrees.
struct Suspect {
    settled: bool,
    offset: u64,
    leaf: Hash,
    /// What the entry after it has as `prev`.
    claimed: Hash,
    /// Where that field stands.
    claim_offset: u64,
}

/// The state from entry to entry.
pub(super) struct Order {
    ledger_id: Hash,
    genesis_body: Vec<u8>,
    /// Entries that the newest checkpoint covers; more are not judged.
    target: u64,
    expected: u64,
    last_leaf: Option<Hash>,
    tip: Option<Tip>,
    suspect: Option<Suspect>,
    /// `None` once it cannot be built any more.
    tree: Option<CompactRange>,
    keys: KeyTable,
    /// Rows whose KEY_ADD cannot be read.
    damaged_rows: HashSet<u32>,
    hash: HashAlgorithm,
    segment_bits: u32,
    /// The segment that goes on; `None` once it cannot be built any more.
    segment: Option<CompactRange>,
    /// The SEGMENT entries that must come next, the last one first.
    owed: Vec<Vec<u8>>,
    /// Whether SEGMENT entries may come of which it is not known what they must say: those after a gap.
    unjudged: bool,
    /// Indices that have not been met, as ranges.
    missing: BTreeMap<u64, u64>,
    /// Entries that did not stand in their place: index, offset.
    displaced: Vec<(u64, u64)>,
    pub(super) counts: [u64; EntryType::ALL.len()],
    pub(super) jobs: Vec<Job>,
}

impl Order {
    pub(super) fn new(genesis: &Genesis, target: u64) -> Result<Self> {
        Ok(Order {
            ledger_id: genesis.id()?,
            genesis_body: genesis.encode()?,
            target,
            expected: 0,
            last_leaf: None,
            tip: None,
            suspect: None,
            tree: Some(CompactRange::new(genesis.hash(), 0)),
            keys: genesis.key_table(),
            damaged_rows: HashSet::new(),
            hash: genesis.hash(),
            segment_bits: genesis.segment_bits(),
            segment: Some(CompactRange::new(genesis.hash(), 0)),
            owed: Vec::new(),
            unjudged: false,
            missing: BTreeMap::new(),
            displaced: Vec::new(),
            counts: [0; EntryType::ALL.len()],
            jobs: Vec::new(),
        })
    }

    pub(super) fn expected(&self) -> u64 {
        self.expected
    }

    /// The leaf hash of the last entry in place.
    pub(super) fn last_leaf(&self) -> Option<Hash> {
        self.last_leaf
    }

    pub(super) fn target(&self) -> u64 {
        self.target
    }

    /// Entries from `target` on are not judged.
    pub(super) fn go_on_to(&mut self, target: u64) {
        self.target = target;
    }

    /// Takes sealed segments in which nothing is wrong, when they continue what is before them. `end` is where they end
    /// in the stream.
    pub(super) fn accept(&mut self, summary: &Summary, end: u64, view: &View) -> Result<bool> {
        let (leaf, time) = self.tip.as_ref().map_or(([0; 32], 0), |tip| (tip.leaf, tip.time));
        let continues = summary.start() == self.expected
            && summary.first_prev == leaf
            && summary.first_time >= time
            && summary.keys_in == keys_digest(self.hash, &self.keys.encode());
        if continues {
            self.keys = summary.keys()?;
            self.counts.iter_mut().zip(summary.entries).for_each(|(count, more)| *count += more);
            self.jump(summary.end(), view, end)?;
            if let Some(tip) = &mut self.tip {
                tip.time = summary.last_time;
            }
        }
        Ok(continues)
    }

    /// Goes on after the sealed segments that end at this index, as their footers say.
    pub(super) fn jump(&mut self, index: u64, view: &View, end: u64) -> Result<()> {
        let time = self.tip.as_ref().map_or(0, |tip| tip.time);
        let (tree, segment, leaf) = view.sealed_until(index)?;
        (self.tree, self.segment, self.suspect) = (Some(tree), Some(segment), None);
        self.tip = Some(Tip { index: index - 1, offset: end, leaf, time, settled: true });
        self.expected = index;
        Ok(())
    }

    /// Takes the next entry of the file; `next` is the one after it.
    pub(super) fn take(
        &mut self,
        facts: &Facts,
        next: Option<&Facts>,
        findings: &mut Findings<'_>,
        settled: &mut Settled<'_>,
    ) -> Result<()> {
        let place = self.expected;
        if let Some((field, at, reason)) = facts.damage {
            findings.entry(FindingKind::StructureInvalid, place, facts.offset + at as u64, field, reason);
        }
        let linked = self.tip.as_ref().map_or(facts.prev == [0; 32], |tip| tip.leaf == facts.prev);
        if facts.index != place {
            let stands_in = next.is_some_and(|next| next.prev == facts.leaf && next.index == place + 1);
            if linked || stands_in || (facts.index > self.target && facts.damage.is_some()) {
                let detail = format!("says {}, stands at {place}", facts.index);
                findings.entry(FindingKind::SequenceWrong, place, facts.offset + 8, "seq", detail);
            } else if facts.index < place || next.is_some_and(|next| next.index == place || next.index == place + 1) {
                return self.displace(facts, findings);
            } else {
                self.gap(facts, findings, settled)?;
            }
        }
        self.in_place(facts, findings, settled)
    }

    /// An entry that does not stand where it belongs: it is checked by itself.
    fn displace(&mut self, facts: &Facts, findings: &mut Findings<'_>) -> Result<()> {
        self.displaced.push((facts.index, facts.offset));
        if let Some(sound) = &facts.sound {
            self.count(sound);
            self.check_alone(facts.index, facts, sound, findings);
        }
        // Bounded memory: what is moved or there twice is settled early when there is much of it.
        if self.displaced.len() > 100_000 {
            self.settle_displaced(findings);
        }
        Ok(())
    }

    /// The entries [expected, facts.index) are not here.
    fn gap(&mut self, facts: &Facts, findings: &mut Findings<'_>, settled: &mut Settled<'_>) -> Result<()> {
        let first = self.expected;
        self.missing.insert(first, facts.index);
        self.settle_suspect(None, findings, settled)?;
        self.settle_tip(settled)?;
        if facts.index == first + 1 {
            // Exactly one is missing, and this entry says what its leaf hash was.
            self.push(facts.prev, settled)?;
        } else {
            (self.tree, self.segment) = (None, None);
        }
        self.expected = facts.index;
        Ok(())
    }

    fn in_place(&mut self, facts: &Facts, findings: &mut Findings<'_>, settled: &mut Settled<'_>) -> Result<()> {
        let index = self.expected;
        if let Some(tip) = &self.tip {
            let (leaf, offset, time, sealed) = (tip.leaf, tip.offset, tip.time, tip.settled);
            let agrees = leaf == facts.prev;
            self.settle_suspect(Some(agrees), findings, settled)?;
            if agrees {
                self.settle_tip(settled)?;
            } else {
                self.suspect = Some(Suspect {
                    settled: sealed,
                    offset,
                    leaf,
                    claimed: facts.prev,
                    claim_offset: facts.offset + 24,
                });
                self.tip = None;
            }
            if facts.time < time {
                let detail = format!("{} µs, the entry before has {time}", facts.time);
                findings.entry(FindingKind::TimeBackwards, index, facts.offset + 16, "time", detail);
            }
        } else if index == 0 && facts.prev != [0; 32] {
            findings.entry(
                FindingKind::ChainBroken,
                0,
                facts.offset + 24,
                "prev",
                "entry 0 has no predecessor: must be zeros",
            );
        }
        if let Some(sound) = &facts.sound {
            self.count(sound);
            self.check_alone(index, facts, sound, findings);
            self.apply(index, facts, sound, findings);
        }
        let (offset, leaf, time) = (facts.offset, facts.leaf, facts.time);
        self.last_leaf = Some(leaf);
        self.tip = Some(Tip { index, offset, leaf, time, settled: false });
        self.expected = index + 1;
        Ok(())
    }

    fn count(&mut self, sound: &Sound) {
        self.counts[sound.kind as usize] += 1;
    }

    /// Statement id, key and signature: what needs no neighbour.
    fn check_alone(&mut self, index: u64, facts: &Facts, sound: &Sound, findings: &mut Findings<'_>) {
        let key = match self.keys.key_at(facts.key_idx, index) {
            Ok(_) if self.damaged_rows.contains(&facts.key_idx) => {
                let detail = format!("row {} cannot be read: its KEY_ADD is damaged", facts.key_idx);
                findings.entry(FindingKind::KeyUnknown, index, facts.offset + 4, "key_idx", detail);
                return;
            }
            Ok(key) => *key,
            Err(error) => {
                let known = (facts.key_idx as usize) < self.keys.rows().len();
                let kind = if known { FindingKind::KeyNotInForce } else { FindingKind::KeyUnknown };
                let detail = format!("row {}: {}", facts.key_idx, super::super::chain::reason(error));
                findings.entry(kind, index, facts.offset + 4, "key_idx", detail);
                return;
            }
        };
        if sound.algorithm != key.algorithm() {
            let detail = format!("is not the algorithm of the key in row {}", facts.key_idx);
            findings.entry(FindingKind::SignatureInvalid, index, facts.offset + 88, "sig_alg", detail);
            return;
        }
        if sound.statement == sound.body_statement {
            let (statement, signature) = (sound.statement, sound.signature);
            self.jobs.push(Job { index, offset: facts.offset, key, statement, signature });
            return;
        }
        // Which of the two was altered is told by the signature.
        let (field, at, detail) = if sound.is_signed(&key, &sound.statement) {
            ("body", 160, "is not what was signed: `stmt` and its signature are right")
        } else if sound.is_signed(&key, &sound.body_statement) {
            ("stmt", 56, "is not the digest of the body, which is what was signed")
        } else {
            ("stmt", 56, "is not the digest of the body, and neither is signed")
        };
        findings.entry(FindingKind::StatementMismatch, index, facts.offset + at, field, detail);
    }

    /// What the entry means to the ledger itself.
    fn apply(&mut self, index: u64, facts: &Facts, sound: &Sound, findings: &mut Findings<'_>) {
        let body = sound.body.as_deref().unwrap_or_default();
        if (sound.kind == EntryType::Genesis) != (index == 0) {
            let detail = "the genesis is entry 0, and entry 0 the genesis";
            findings.entry(FindingKind::TypeMisplaced, index, facts.offset + 2, "type", detail);
            return;
        }
        if sound.kind == EntryType::Genesis {
            if body != self.genesis_body || facts.key_idx != super::super::LEDGER_KEY {
                let detail = "entry 0 is not the genesis that was used, signed by the ledger's key";
                findings.entry(FindingKind::GenesisMismatch, 0, facts.offset + 160, "body", detail);
            }
            return;
        }
        if index.trailing_zeros() >= self.segment_bits && index > 0 {
            self.owed = self.segment_bodies(index);
            self.unjudged = self.owed.is_empty();
        }
        self.unjudged &= sound.kind == EntryType::Segment;
        if let Some(owed) = self.owed.pop() {
            if sound.kind != EntryType::Segment || body != owed || facts.key_idx != super::super::LEDGER_KEY {
                let detail = "is not the SEGMENT entry that must stand here, signed by the ledger's key";
                findings.entry(FindingKind::SegmentInvalid, index, facts.offset + 160, "body", detail);
            }
            return;
        }
        let (kind, result) = match sound.kind {
            EntryType::Genesis | EntryType::Statement => return,
            EntryType::Segment if self.unjudged => return,
            EntryType::Segment => {
                let reason = "SEGMENT entries stand at the start of a segment only";
                (FindingKind::TypeMisplaced, Err(Error::InvalidArgument { field: "type", reason }))
            }
            EntryType::KeyAdd | EntryType::KeyRevoke | EntryType::KeyRotate => {
                let change = key_change(sound.kind, body, facts.key_idx, &self.ledger_id);
                (FindingKind::KeyChangeInvalid, change.and_then(|change| self.keys.apply(index, &change)))
            }
            EntryType::Redact | EntryType::Anchor => {
                (FindingKind::ReferenceInvalid, check_reference(sound.kind, index, body, &self.ledger_id))
            }
        };
        if let Err(error) = result {
            let detail = super::super::chain::reason(error);
            findings.entry(kind, index, facts.offset + 160, "body", detail);
            if matches!(sound.kind, EntryType::KeyAdd | EntryType::KeyRotate) {
                // Keep the numbers of the rows after it.
                self.damaged_rows.insert(self.keys.add_unreadable(index));
            }
        }
    }

    /// What the SEGMENT entries at this index must say, the last one first; none when the segment before has a gap.
    fn segment_bodies(&mut self, index: u64) -> Vec<Vec<u8>> {
        let range = self.segment.replace(CompactRange::new(self.hash, index));
        let root = range.filter(|range| range.end() == index).and_then(|range| only(&mut range.hashes()));
        let number = index >> self.segment_bits;
        let bodies = root.map(|root| segment_bodies(self.hash, &self.ledger_id, number, &root, &self.keys));
        let mut bodies = bodies.and_then(Result::ok).unwrap_or_default();
        bodies.reverse();
        bodies
    }

    /// The entry before the tip: altered when the tip is genuine.
    fn settle_suspect(
        &mut self,
        tip_is_genuine: Option<bool>,
        findings: &mut Findings<'_>,
        settled: &mut Settled<'_>,
    ) -> Result<()> {
        let Some(suspect) = self.suspect.take() else { return Ok(()) };
        let index = self.tip.as_ref().map_or(self.expected, |tip| tip.index).saturating_sub(1);
        // What stands in a sealed segment has been judged by its root.
        if tip_is_genuine == Some(true) && !suspect.settled {
            altered(findings, index, suspect.offset, "the entry after it");
            return self.push(suspect.claimed, settled);
        }
        let detail = format!("is not the leaf hash of entry {index}");
        findings.entry(FindingKind::ChainBroken, index + 1, suspect.claim_offset, "prev", detail);
        if suspect.settled {
            return Ok(());
        }
        self.push(if tip_is_genuine.is_none() { suspect.claimed } else { suspect.leaf }, settled)
    }

    fn settle_tip(&mut self, settled: &mut Settled<'_>) -> Result<()> {
        match self.tip.take() {
            Some(tip) if !tip.settled => self.push(tip.leaf, settled),
            _ => Ok(()),
        }
    }

    fn push(&mut self, leaf: Hash, settled: &mut Settled<'_>) -> Result<()> {
        if let Some(segment) = &mut self.segment {
            segment.append(&leaf)?;
        }
        let Some(tree) = &mut self.tree else { return Ok(()) };
        tree.append(&leaf)?;
        settled(tree)
    }

    /// Ends: the last entries are judged by the newest checkpoint's root, and what is missing or twice is reported.
    /// `before`: how many findings there were before these entries.
    pub(super) fn finish(
        &mut self,
        root: Option<Hash>,
        end: u64,
        before: u64,
        findings: &mut Findings<'_>,
        settled: &mut Settled<'_>,
    ) -> Result<()> {
        if let (Some(suspect), Some(tip), Some(tree), Some(root)) = (&self.suspect, &self.tip, &self.tree, root)
            && !suspect.settled
        {
            // Which leaf of the suspect gives the root?
            let mut claimed = tree.clone();
            claimed.append(&suspect.claimed)?;
            claimed.append(&tip.leaf)?;
            self.settle_suspect(Some(claimed.root() == Some(root)), findings, settled)?;
        } else {
            self.settle_suspect(None, findings, settled)?;
        }
        let tip = self.tip.as_ref().map(|tip| (tip.index, tip.offset));
        if let (Some((index, offset)), Some(tip), Some(tree), Some(root)) = (tip, &self.tip, &self.tree, root)
            && index + 1 == self.target
            && !tip.settled
        {
            let mut whole = tree.clone();
            whole.append(&tip.leaf)?;
            if whole.root() != Some(root) && findings.only_about(index, before) {
                altered(findings, index, offset, "the newest checkpoint");
            }
        }
        self.settle_tip(settled)?;
        let met = self.expected;
        if met < self.target && root.is_some() {
            self.missing.insert(met, self.target);
        }
        self.settle_displaced(findings);
        for (first, end_of_gap) in core::mem::take(&mut self.missing) {
            if first >= met {
                let detail =
                    format!("a signed checkpoint covers {} entries, the file ends before entry {first}", self.target);
                findings.entry(FindingKind::Truncated, first, end, "entry", detail);
                continue;
            }
            let detail = match end_of_gap - first {
                1 => format!("entry {first} is missing"),
                count => format!("{count} entries are missing, {first} to {}", end_of_gap - 1),
            };
            findings.entry(FindingKind::Deleted, first, end, "entry", detail);
        }
        Ok(())
    }

    /// Tells what was moved from what is there twice.
    fn settle_displaced(&mut self, findings: &mut Findings<'_>) {
        for (index, offset) in core::mem::take(&mut self.displaced) {
            let gap = self.missing.range(..=index).next_back().map(|(first, end)| (*first, *end));
            match gap {
                Some((first, end)) if index < end => {
                    self.missing.remove(&first);
                    if first < index {
                        self.missing.insert(first, index);
                    }
                    if index + 1 < end {
                        self.missing.insert(index + 1, end);
                    }
                    let detail = format!("entry {index} does not stand in its place");
                    findings.entry(FindingKind::Moved, index, offset, "entry", detail);
                }
                _ => {
                    let detail = format!("entry {index} stands here once more");
                    findings.entry(FindingKind::Duplicated, index, offset, "entry", detail);
                }
            }
        }
    }
}

/// Called with the tree whenever a leaf has been settled.
pub(super) type Settled<'s> = dyn FnMut(&CompactRange) -> Result<()> + 's;

fn altered(findings: &mut Findings<'_>, index: u64, offset: u64, witness: &str) {
    // Body, statement id and signature are judged by themselves; what remains is covered by the tree only.
    let field = if findings.about(index) { "entry" } else { "header" };
    let detail = format!("the bytes are not those that {witness} has committed to");
    findings.entry(FindingKind::EntryAltered, index, offset, field, detail);
}
