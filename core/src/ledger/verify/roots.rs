//! The roots of the tree as it grows, against everything that says what they must be.

use super::super::checkpoint::Checkpoint;
use super::super::merkle::{CompactRange, Hash};
use super::super::store::{CHECKPOINT, STATE};
use super::super::wal::Watermark;
use super::finding;
use super::log::{Cursor, Signed};
use super::report::{Finding, FindingKind};
use crate::Result;

/// Compares roots as the tree grows.
pub(super) struct Roots<'f> {
    pub(super) cursor: Cursor<'f>,
    /// The next note of the log.
    pub(super) next: Option<Signed>,
    /// The newest signed checkpoint, in whichever file.
    pub(super) released: Option<Signed>,
    pub(super) earlier: Option<Checkpoint>,
    /// The watermark of the file `state`.
    pub(super) durable: Option<Watermark>,
    /// Whether the earlier checkpoint's root has been seen.
    pub(super) extends: bool,
    /// The largest size whose root was right.
    pub(super) good: u64,
    /// The root of the newest checkpoint, when the entries have it.
    pub(super) root: Option<Hash>,
    pub(super) mismatches: u64,
    /// Findings, in the order of the tree.
    pub(super) late: Vec<Finding>,
}

impl Roots<'_> {
    /// Compares what is said of this size with the tree.
    pub(super) fn compare(&mut self, tree: &CompactRange) -> Result<()> {
        self.compare_at(tree.end(), &mut || Ok(tree.root()))
    }

    /// Compares what is said of the sizes after `start` up to `end`, where the tree stands in segments.
    pub(super) fn compare_sealed(
        &mut self,
        start: u64,
        end: u64,
        root_at: &mut dyn FnMut(u64) -> Result<Hash>,
    ) -> Result<()> {
        let mut at = start;
        loop {
            let next = self.next.as_ref().map(|next| next.size);
            let others = [
                self.released.as_ref().map(|released| released.size),
                self.earlier.as_ref().map(|earlier| earlier.size),
                self.durable.as_ref().map(|durable| durable.size),
            ];
            let sizes = others.into_iter().chain([next]).flatten();
            let Some(size) = sizes.filter(|size| *size > at && *size <= end).min() else { return Ok(()) };
            self.compare_at(size, &mut || root_at(size).map(Some))?;
            at = size;
        }
    }

    fn compare_at(&mut self, size: u64, root: &mut dyn FnMut() -> Result<Option<Hash>>) -> Result<()> {
        let mut found = None;
        let mut root = || -> Result<Option<Hash>> {
            if found.is_none() {
                found = Some(root()?);
            }
            Ok(found.flatten())
        };
        while let Some(next) = self.next.clone()
            && next.size <= size
        {
            if next.size == size {
                self.compare_one(&next, root()?);
            }
            self.next = self.cursor.next()?;
        }
        if let Some(released) = self.released.clone()
            && released.size == size
        {
            let found = root()?;
            if found == Some(released.root) {
                self.root = found;
            }
            if &*released.file == CHECKPOINT {
                self.compare_one(&released, found);
            }
        }
        if let Some(durable) = &self.durable
            && durable.size == size
            && self.mismatches == 0
            && root()? != Some(durable.root)
        {
            let detail = format!("the first {size} entries have another root");
            self.late.push(finding(FindingKind::StateWrong, STATE, Some(size), "root", detail));
        }
        if let Some(earlier) = &self.earlier
            && earlier.size == size
        {
            self.extends = root()? == Some(earlier.root);
            if !self.extends {
                let detail = format!("the first {size} entries are not those that it covers").to_owned();
                let kind = FindingKind::ForkedSinceEarlier;
                self.late.push(finding(kind, "earlier checkpoint", Some(size), "root", detail));
            }
        }
        Ok(())
    }

    fn compare_one(&mut self, signed: &Signed, root: Option<Hash>) {
        if root == Some(signed.root) {
            self.good = self.good.max(signed.size);
            return;
        }
        self.mismatches += 1;
        if self.mismatches > 1 {
            return;
        }
        let detail = format!(
            "the first {} entries have another root; the last right one is at {} entries, so an entry from {} to {} is not \
             what was signed (later checkpoints are not reported again)",
            signed.size,
            self.good,
            self.good,
            signed.size - 1
        );
        let (kind, offset) = (FindingKind::RootMismatch, signed.offset);
        self.late.push(Finding {
            kind,
            file: signed.file.to_string(),
            index: Some(signed.size),
            offset,
            field: "root",
            detail,
        });
    }
}
