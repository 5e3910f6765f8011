//! Which witnesses must have cosigned a checkpoint (C2SP tlog-policy): logs, witnesses, groups of k of n, a quorum.
//!
//! A witness states that it has seen this tree grow and nothing else under this name. How fresh its word must be is not
//! part of the file but of the question: [`Policy::judge`].

use super::note::{Note, NoteKey};
use crate::{Error, Result};

/// The longest policy in bytes.
pub const MAX_POLICY_LENGTH: usize = 1 << 20;
/// The most lines that define a log, a witness or a group.
const MAX_DEFINITIONS: usize = 1024;
/// How far in the future a cosignature's time may lie, in seconds: clocks differ.
const TOLERANCE: u64 = 300;

/// A witness of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its name in the policy.
    pub name: String,
    /// Its key.
    pub key: NoteKey,
    /// Where its HTTP interface is: the submission prefix of C2SP tlog-witness.
    pub url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

/// Which witnesses must have cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<NoteKey>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    /// `None`: no cosignature is needed.
    quorum: Option<Member>,
}

/// What the cosignatures of a checkpoint amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// Whether they are a quorum.
    pub quorum: bool,
    /// The witnesses whose cosignatures count, as positions in [`Policy::witnesses`], and their times in seconds since
    /// 1970-01-01 UTC.
    pub counted: Vec<(usize, u64)>,
    /// Those whose cosignatures are valid but too old, or of the future.
    pub untimely: Vec<(usize, u64)>,
}

fn invalid(offset: usize, reason: &'static str) -> Error {
    Error::InvalidEncoding { field: "policy", offset, reason }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// `InvalidEncoding` (field `policy`) with the offset of the line that does not fit; `InvalidEncoding` (field
    /// `vkey`) or `InvalidKey` for a key of a type that is not judged here.
    ///
    /// # Source
    /// C2SP tlog-policy.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_POLICY_LENGTH {
            return Err(invalid(MAX_POLICY_LENGTH, "longer than a mebibyte"));
        }
        if let Some(at) = text.bytes().position(|b| (b < b' ' && b != b'\n' && b != b'\t') || b == 0x7f) {
            return Err(invalid(at, "a control character"));
        }
        let mut reading = Reading::default();
        let mut offset = 0;
        for line in text.split('\n') {
            let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
            if let Some(first) = words.next()
                && !first.starts_with('#')
            {
                reading.line(offset, first, &words.collect::<Vec<_>>())?;
            }
            offset += line.len() + 1;
        }
        let quorum = reading.quorum.ok_or(invalid(text.len(), "no line with the quorum"))?;
        Ok(Policy { logs: reading.logs, witnesses: reading.witnesses, groups: reading.groups, quorum })
    }

    /// The keys of the logs that the policy knows; their names are the origins.
    pub fn logs(&self) -> &[NoteKey] {
        &self.logs
    }

    /// The witnesses.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Which cosignatures of a note count, and whether they are a quorum.
    ///
    /// # Inputs
    /// `now` in seconds since 1970-01-01 UTC; `max_age` in seconds, `None`: however old. Times up to five minutes after
    /// `now` count.
    pub fn judge(&self, note: &Note<'_>, now: u64, max_age: Option<u64>) -> Witnessed {
        let keys: Vec<&NoteKey> = self.witnesses.iter().map(|witness| &witness.key).collect();
        let oldest = max_age.map_or(0, |age| now.saturating_sub(age));
        let timely = |time: u64| (oldest..=now.saturating_add(TOLERANCE)).contains(&time);
        let (counted, untimely): (Vec<_>, Vec<_>) =
            note.cosignatures(&keys).into_iter().partition(|(_, time)| timely(*time));
        let mut signed = vec![false; self.witnesses.len()];
        counted.iter().for_each(|(position, _)| signed[*position] = true);
        // A group names only groups before it.
        let mut groups = Vec::with_capacity(self.groups.len());
        let holds = |member: &Member, groups: &[bool]| match *member {
            Member::Witness(at) => signed[at],
            Member::Group(at) => groups[at],
        };
        for group in &self.groups {
            let count = group.members.iter().filter(|member| holds(member, &groups)).count();
            groups.push(count >= group.threshold);
        }
        let quorum = self.quorum.as_ref().is_none_or(|member| holds(member, &groups));
        Witnessed { quorum, counted, untimely }
    }
}

/// A policy on its way.
#[derive(Default)]
struct Reading {
    logs: Vec<NoteKey>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Option<Member>>,
    /// The names of witnesses and groups, and whether a group has taken them.
    names: Vec<(String, Member, bool)>,
}

impl Reading {
    fn line(&mut self, at: usize, first: &str, words: &[&str]) -> Result<()> {
        if self.logs.len() + self.names.len() >= MAX_DEFINITIONS {
            return Err(invalid(at, "more than 1024 logs, witnesses and groups"));
        }
        match (first, words) {
            ("log", [vkey] | [vkey, _]) => {
                let key = NoteKey::from_vkey(vkey)?;
                if key.is_cosigner() {
                    return Err(invalid(at, "the key of a log cannot be a witness's"));
                }
                if self.logs.iter().any(|log| log.is_same_key(&key)) {
                    return Err(invalid(at, "this log stands here twice"));
                }
                self.logs.push(key);
            }
            ("witness", [name, vkey, url @ ..]) if url.len() <= 1 => {
                let key = NoteKey::from_vkey(vkey)?;
                if !key.is_cosigner() {
                    return Err(invalid(at, "the key of a witness must be of type cosignature/v1 (04)"));
                }
                if self.witnesses.iter().any(|witness| witness.key.is_same_key(&key)) {
                    return Err(invalid(at, "this witness stands here twice"));
                }
                self.define(at, name, Member::Witness(self.witnesses.len()))?;
                let url = url.first().map(|url| (*url).to_owned());
                self.witnesses.push(Witness { name: (*name).to_owned(), key, url });
            }
            ("group", [name, threshold, members @ ..]) if !members.is_empty() => {
                let threshold = match *threshold {
                    "all" => members.len(),
                    "any" => 1,
                    number => number
                        .parse()
                        .ok()
                        .filter(|count| {
                            (1..=members.len()).contains(count) && number.bytes().all(|b| b.is_ascii_digit())
                        })
                        .ok_or(invalid(at, "the threshold must be all, any, or a number from 1 to that of members"))?,
                };
                let members = members.iter().map(|name| self.take(at, name)).collect::<Result<_>>()?;
                self.define(at, name, Member::Group(self.groups.len()))?;
                self.groups.push(Group { threshold, members });
            }
            ("quorum", [name]) if self.quorum.is_none() => {
                self.quorum = Some(match *name {
                    "none" => None,
                    name => Some(self.named(at, name)?.1.clone()),
                });
            }
            ("quorum", [_]) => return Err(invalid(at, "a second quorum")),
            ("log" | "witness" | "group" | "quorum", _) => {
                return Err(invalid(
                    at,
                    "must be `log VKEY [URL]`, `witness NAME VKEY [URL]`, `group NAME K|any|all NAME…` or `quorum NAME`",
                ));
            }
            _ => return Err(invalid(at, "begins with none of log, witness, group, quorum")),
        }
        Ok(())
    }

    fn define(&mut self, at: usize, name: &str, member: Member) -> Result<()> {
        if name == "none" || self.names.iter().any(|(known, ..)| known == name) {
            return Err(invalid(at, "this name is taken"));
        }
        self.names.push((name.to_owned(), member, false));
        Ok(())
    }

    fn named(&mut self, at: usize, name: &str) -> Result<&mut (String, Member, bool)> {
        let found = self.names.iter_mut().find(|(known, ..)| known == name);
        found.ok_or(invalid(at, "names a witness or group that no line before it defines"))
    }

    fn take(&mut self, at: usize, name: &str) -> Result<Member> {
        let (_, member, taken) = self.named(at, name)?;
        if core::mem::replace(taken, true) {
            return Err(invalid(at, "a name can be in one group only"));
        }
        Ok(member.clone())
    }
}
