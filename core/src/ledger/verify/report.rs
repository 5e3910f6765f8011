//! What verification says: findings, each with its place, and how much they allow to be assured.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::entry::EntryType;
use super::super::merkle::Hash;
use super::source::Piece;
use super::summary::{Level, Summary};
use crate::hash::HashAlgorithm;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FindingKind {
            $($(#[$doc])* $name,)*
        }

        impl FindingKind {
            /// Every kind.
            pub const ALL: &[FindingKind] = &[$(FindingKind::$name,)*];

            /// The stable name of the kind, for reports.
            pub fn name(self) -> &'static str {
                match self { $(FindingKind::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// A file of the ledger is not there.
    MissingFile = "missing-file",
    /// The file `genesis` cannot be read as a genesis.
    GenesisUnreadable = "genesis-unreadable",
    /// Entry 0 and the file `genesis` differ.
    GenesisMismatch = "genesis-mismatch",
    /// The ledger's key is none of the trusted ones.
    UntrustedLedgerKey = "untrusted-ledger-key",
    /// The length before an entry does not fit the entry; or a record, header or footer is not what was written.
    FrameDamaged = "frame-damaged",
    /// A header field has a value that the format does not have.
    StructureInvalid = "structure-invalid",
    /// The bytes are not those that the following entry or a checkpoint has committed to.
    EntryAltered = "entry-altered",
    /// `seq` is not the index at which the entry stands in the chain.
    SequenceWrong = "sequence-wrong",
    /// `prev` is not the leaf hash of the entry before.
    ChainBroken = "chain-broken",
    /// The time is before that of the entry before.
    TimeBackwards = "time-backwards",
    /// `stmt` is not the digest of the body.
    StatementMismatch = "statement-mismatch",
    /// The signature over the statement does not verify.
    SignatureInvalid = "signature-invalid",
    /// The key table has no such row.
    KeyUnknown = "key-unknown",
    /// The key was not in force at this index.
    KeyNotInForce = "key-not-in-force",
    /// A KEY_ADD, KEY_REVOKE or KEY_ROTATE that does not parse or may not be.
    KeyChangeInvalid = "key-change-invalid",
    /// A SEGMENT entry that does not say what stands before it.
    SegmentInvalid = "segment-invalid",
    /// A REDACT or ANCHOR entry that does not parse or speaks of what is not before it.
    ReferenceInvalid = "reference-invalid",
    /// An entry of a type that may not stand at this index.
    TypeMisplaced = "type-misplaced",
    /// Entries are missing, the ones after them are there.
    Deleted = "deleted",
    /// An entry stands at another place than its own.
    Moved = "moved",
    /// An entry stands in the file once more.
    Duplicated = "duplicated",
    /// The entries end before the newest signed checkpoint.
    Truncated = "truncated",
    /// A checkpoint does not parse.
    CheckpointUnreadable = "checkpoint-unreadable",
    /// A checkpoint is not signed by the ledger's key.
    CheckpointSignatureInvalid = "checkpoint-signature-invalid",
    /// A checkpoint names another ledger.
    CheckpointOriginWrong = "checkpoint-origin-wrong",
    /// A checkpoint of the log does not follow the one before it.
    CheckpointOrderWrong = "checkpoint-order-wrong",
    /// The file `checkpoint` is older than the log says it must be.
    CheckpointStale = "checkpoint-stale",
    /// The released checkpoint is not in the log.
    CheckpointNotLogged = "checkpoint-not-logged",
    /// The file `state` cannot be read, or is of another history.
    StateWrong = "state-wrong",
    /// The file `state` says that more was durable than there is: the ledger was put back to an older state.
    RolledBack = "rolled-back",
    /// A file of hashes is not what the entries hash to.
    HashesAltered = "hashes-altered",
    /// Sealed segments are not those of which a summary was made.
    ChangedSinceSummary = "changed-since-summary",
    /// The root of the entries differs from a checkpoint's.
    RootMismatch = "root-mismatch",
    /// The earlier checkpoint names another ledger.
    EarlierOriginWrong = "earlier-origin-wrong",
    /// The earlier checkpoint is not signed by this ledger's key.
    EarlierSignatureInvalid = "earlier-signature-invalid",
    /// The earlier checkpoint covers more entries than there are now.
    TruncatedSinceEarlier = "truncated-since-earlier",
    /// The newest checkpoint carries no signature of a signer that the caller demands.
    SignerMissing = "signer-missing",
    /// The cosignatures of the earlier checkpoint are no quorum of the caller's policy.
    QuorumMissing = "quorum-missing",
    /// The entries that the earlier checkpoint covers are not those that stand here now.
    ForkedSinceEarlier = "forked-since-earlier",
    /// What an entry says was not allowed when it was appended, or is no statement.
    NotAuthorised = "not-authorised",
    /// A use of a seal that was taken and never ended.
    UseUnfinished = "use-unfinished",
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// The file it is in, such as `wal/0.wal`, `seg/3.slg`, `checkpoint`, `checkpoints.log`, `state`, `genesis`; or
    /// `earlier checkpoint`.
    pub file: String,
    /// The entry, or the tree size of a checkpoint; `None` when it is about no single one.
    pub index: Option<u64>,
    /// The byte offset in the file: of the field, the entry's first byte, or the frame.
    pub offset: u64,
    /// The field, as the format names it; "header" when it is one of those that only the tree covers.
    pub field: &'static str,
    /// A sentence for people.
    pub detail: String,
}

/// How much the verified ledger can be relied on; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assurance {
    /// There are findings.
    Inconsistent,
    /// Only the form was looked at: nothing that was read has been hashed.
    WellFormed,
    /// Everything agrees with the key that the ledger itself names; who made the ledger is not assured.
    InternallyConsistent,
    /// The checkpoint is signed by a key that the caller trusts.
    MatchesOperatorCheckpoint,
    /// Nothing was removed or changed since the caller's earlier checkpoint.
    ExtendsEarlierCheckpoint,
    /// That earlier checkpoint was cosigned by a quorum of witnesses, recently enough.
    CosignedByWitnesses,
}

impl Assurance {
    /// The stable name of the level.
    pub fn name(self) -> &'static str {
        match self {
            Assurance::Inconsistent => "inconsistent",
            Assurance::WellFormed => "well-formed",
            Assurance::InternallyConsistent => "internally consistent",
            Assurance::MatchesOperatorCheckpoint => "matches operator checkpoint",
            Assurance::ExtendsEarlierCheckpoint => "extends my earlier checkpoint",
            Assurance::CosignedByWitnesses => "cosigned by a quorum of witnesses",
        }
    }
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The origin, when a genesis could be read.
    pub origin: Option<String>,
    /// The ledger's id.
    pub id: Option<Hash>,
    /// The hash of the ledger.
    pub hash: Option<HashAlgorithm>,
    /// The tree size of the newest checkpoint whose signature verifies.
    pub size: u64,
    /// The root of that checkpoint, once the entries have been seen to have it.
    pub root: Option<Hash>,
    /// That checkpoint as a signed note: what to keep for the next verification.
    pub checkpoint: Option<String>,
    /// Entries found, by type, in the order of [`EntryType::ALL`].
    pub entries: [u64; EntryType::ALL.len()],
    /// Entry signatures checked.
    pub signatures_checked: u64,
    /// Checkpoints whose signature and root were checked.
    pub checkpoints_checked: u64,
    /// Bytes of entries read.
    pub bytes: u64,
    /// Bytes after the newest checkpoint, which nobody has acknowledged: not judged.
    pub unacknowledged_bytes: u64,
    /// What is wrong, up to the cap, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// Findings beyond the cap.
    pub findings_dropped: u64,
    /// What follows from all this.
    pub assurance: Assurance,
    /// How much was verified.
    pub level: Level,
    /// What the next verification can begin with: the sealed segments from the first one on with which nothing is wrong.
    pub summary: Option<Summary>,
}

/// Findings up to a cap.
pub(super) struct Findings<'f> {
    cap: usize,
    /// Who hears of them at once.
    listener: Option<&'f dyn Fn(&Finding)>,
    /// What has been heard of.
    told: HashSet<Finding>,
    pub(super) list: Vec<Finding>,
    pub(super) dropped: u64,
    /// Where the bytes of the stream of entries stand.
    pub(super) pieces: Arc<Vec<Piece>>,
}

impl<'f> Findings<'f> {
    pub(super) fn new(cap: usize, listener: Option<&'f dyn Fn(&Finding)>) -> Self {
        Findings { cap, listener, told: HashSet::new(), list: Vec::new(), dropped: 0, pieces: Arc::default() }
    }

    /// For another pass: what this one has found and told of is not told again.
    pub(super) fn again(self, told: Vec<Finding>) -> Self {
        Findings { told: told.into_iter().collect(), list: Vec::new(), dropped: 0, pieces: Arc::default(), ..self }
    }

    pub(super) fn push(&mut self, finding: Finding) {
        if let Some(listener) = self.listener
            && self.list.len() < self.cap
            && !self.told.contains(&finding)
        {
            listener(&finding);
        }
        if self.list.len() < self.cap { self.list.push(finding) } else { self.dropped += 1 }
    }

    /// A finding about an entry, at an offset in the stream of entries.
    pub(super) fn entry(
        &mut self,
        kind: FindingKind,
        index: u64,
        offset: u64,
        field: &'static str,
        detail: impl Into<String>,
    ) {
        let piece = self.pieces.partition_point(|piece| piece.at <= offset).checked_sub(1).map(|i| &self.pieces[i]);
        let (file, offset) = piece.map_or((String::new(), offset), |p| (p.file.to_string(), p.offset + offset - p.at));
        self.push(Finding { kind, file, index: Some(index), offset, field, detail: detail.into() });
    }

    /// Whether something was found about this entry.
    pub(super) fn about(&self, index: u64) -> bool {
        self.list.iter().rev().take(64).any(|f| f.index == Some(index) && is_of_entries(&f.file))
    }

    /// Whether everything found after the first `before` findings is about this entry: nothing else explains a root.
    pub(super) fn only_about(&self, index: u64, before: u64) -> bool {
        let since = self.list.get(usize::try_from(before).unwrap_or(usize::MAX)..).unwrap_or_default();
        self.total() == before + since.len() as u64 && since.iter().all(|finding| finding.index == Some(index))
    }

    /// Whether something was found in this part of a file.
    pub(super) fn any_in(&self, file: &str, place: &core::ops::Range<u64>) -> bool {
        self.list.iter().any(|f| f.file == file && place.contains(&f.offset))
    }

    /// How many there are.
    pub(super) fn total(&self) -> u64 {
        self.list.len() as u64 + self.dropped
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty() && self.dropped == 0
    }
}

/// Whether a file of this name holds entries.
fn is_of_entries(file: &str) -> bool {
    file.starts_with("wal/") || file.starts_with("seg/")
}
