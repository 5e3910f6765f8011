//! The tree against the RFC 6962 vectors of others, and against the definition, exhaustively for small sizes.

use std::fs;
use std::path::Path;

use base64ct::{Base64, Encoding};
use sealcore::Error;
use sealcore::hash::HashAlgorithm;
use sealcore::ledger::merkle::{CompactRange, Hash, empty_root, leaf_hash, node_hash};
use sealcore::ledger::proof::{
    consistency_ranges, inclusion_ranges, subtree_ranges, verify_consistency, verify_inclusion,
    verify_subtree_consistency, verify_subtree_inclusion,
};
use serde_json::Value;
use support::shared_data;

const SHA: HashAlgorithm = HashAlgorithm::Sha256;
const SIZES: u64 = 66;

/// MTH of RFC 6962, clause 2.1, word for word.
fn definition(hash: HashAlgorithm, leaves: &[Hash]) -> Hash {
    match leaves {
        [] => hash.digest(b""),
        [leaf] => *leaf,
        _ => {
            let mut k = 1;
            while 2 * k < leaves.len() {
                k *= 2;
            }
            node_hash(hash, &definition(hash, &leaves[..k]), &definition(hash, &leaves[k..]))
        }
    }
}

fn leaves(hash: HashAlgorithm, count: u64) -> Vec<Hash> {
    (0..count).map(|i| leaf_hash(hash, &i.to_be_bytes())).collect()
}

fn roots_of(hash: HashAlgorithm, all: &[Hash], ranges: &[(u64, u64)]) -> Vec<Hash> {
    ranges.iter().map(|&(a, b)| definition(hash, &all[a as usize..b as usize])).collect()
}

fn vectors(folder: &str) -> Vec<(String, Value)> {
    fn walk(path: &Path, found: &mut Vec<(String, Value)>) {
        for entry in fs::read_dir(path).expect("vectors are readable") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                let json = serde_json::from_slice(&fs::read(&path).expect("read")).expect("json");
                found.push((path.display().to_string(), json));
            }
        }
    }
    let mut found = Vec::new();
    if let Some(data) = shared_data() {
        walk(&data.join("ledger/rfc6962-merkle").join(folder), &mut found);
        found.sort_by(|a, b| a.0.cmp(&b.0));
    }
    found
}

fn bytes(json: &Value) -> Vec<u8> {
    json.as_str().map(|s| Base64::decode_vec(s).expect("base64")).unwrap_or_default()
}

fn number(json: &Value, name: &str) -> u64 {
    json[name].as_u64().unwrap_or_else(|| panic!("{name}"))
}

fn proof(json: &Value) -> Vec<Vec<u8>> {
    json["proof"].as_array().map(|p| p.iter().map(bytes).collect()).unwrap_or_default()
}

fn judge(folder: &str, count: usize, exceptions: &[&str], verify: impl Fn(&Value) -> sealcore::Result<()>) {
    let found = vectors(folder);
    if shared_data().is_none() {
        return;
    }
    assert_eq!(found.len(), count, "{folder}");
    for (path, json) in found {
        let want_error =
            json["wantErr"].as_bool().expect("wantErr") || exceptions.iter().any(|name| path.ends_with(name));
        let verdict = verify(&json);
        assert_eq!(verdict.is_err(), want_error, "{path}: {verdict:?}");
        assert!(matches!(verdict, Ok(()) | Err(Error::InvalidProof { .. })), "{path}: {verdict:?}");
    }
}

#[test]
fn inclusion_vectors() {
    judge("inclusion", 98, &[], |j| {
        verify_inclusion(
            SHA,
            number(j, "leafIdx"),
            number(j, "treeSize"),
            &bytes(&j["leafHash"]),
            &proof(j),
            &bytes(&j["root"]),
        )
    });
}

#[test]
fn consistency_vectors() {
    judge("consistency", 98, &[], |j| {
        verify_consistency(
            SHA,
            number(j, "size1"),
            number(j, "size2"),
            &bytes(&j["root1"]),
            &proof(j),
            &bytes(&j["root2"]),
        )
    });
}

#[test]
fn subtree_inclusion_vectors() {
    judge("subtreeinclusion", 204, &[], |j| {
        let (index, start, end) = (number(j, "leafIdx"), number(j, "start"), number(j, "end"));
        verify_subtree_inclusion(SHA, index, start, end, &bytes(&j["leafHash"]), &proof(j), &bytes(&j["root"]))
    });
}

/// Upstream accepts an empty subtree and, in a tree of one leaf, roots of any length. Here both are errors, on
/// purpose: an empty subtree proves nothing, and a hash is 32 bytes.
#[test]
fn subtree_consistency_vectors() {
    let decided_otherwise = [
        "subtree-is-empty-sizes-are-equal-one-subtree-root-valid-proof-is-empty.json",
        "subtree-is-empty-subtree-root-valid-proof-is-empty.json",
        "subtree-is-empty-sizes-are-equal-one-subtree-root-valid-tree-root-random-proof-is-empty.json",
        "subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-tree-root-random-proof-is-empty.json",
        "subtree-is-empty-subtree-root-valid-tree-root-random-proof-is-empty.json",
        "subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-proof-is-empty.json",
        "additional/sizes-are-equal-one-and-proof-is-empty.json",
    ];
    judge("subtreeconsistency", 118, &decided_otherwise, |j| {
        let (start, end, size) = (number(j, "start"), number(j, "end"), number(j, "size"));
        verify_subtree_consistency(SHA, start, end, size, &bytes(&j["root1"]), &proof(j), &bytes(&j["root2"]))
    });
}

#[test]
fn the_reference_tree_of_certificate_transparency() {
    let Some(data) = shared_data() else { return };
    let json: Value =
        serde_json::from_slice(&fs::read(data.join("ledger/rfc6962-merkle/reference-tree-8.json")).expect("read"))
            .expect("json");
    let text = |v: &Value| v.as_str().expect("text").to_owned();
    let inputs: Vec<Vec<u8>> =
        json["leaf_inputs"].as_array().expect("inputs").iter().map(|v| hex::decode(text(v)).expect("hex")).collect();
    let roots: Vec<String> = json["root_hashes_by_size"].as_array().expect("roots").iter().map(text).collect();
    assert_eq!((inputs.len(), roots.len()), (8, 9));
    let levels: Vec<Vec<String>> = json["node_hashes_by_level"]
        .as_array()
        .expect("levels")
        .iter()
        .map(|l| l.as_array().expect("level").iter().map(text).collect())
        .collect();
    let mut range = CompactRange::new(SHA, 0);
    assert_eq!(hex::encode(range.root().expect("begins at 0")), roots[0]);
    assert_eq!(hex::encode(empty_root(SHA)), roots[0]);
    let mut nodes: Vec<Hash> = Vec::new();
    for (i, input) in inputs.iter().enumerate() {
        let leaf = leaf_hash(SHA, input);
        assert_eq!(hex::encode(leaf), levels[0][i]);
        range.append(&leaf).expect("appends");
        assert_eq!(hex::encode(range.root().expect("begins at 0")), roots[i + 1]);
        nodes.push(leaf);
    }
    for level in &levels[1..] {
        nodes = nodes.chunks(2).map(|pair| node_hash(SHA, &pair[0], &pair[1])).collect();
        assert_eq!(nodes.iter().map(hex::encode).collect::<Vec<_>>(), *level);
    }
}

#[test]
fn compact_ranges_join_in_any_grouping() {
    for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sm3] {
        let all = leaves(hash, SIZES);
        let range = |a: u64, b: u64| {
            let mut range = CompactRange::new(hash, a);
            for leaf in &all[a as usize..b as usize] {
                range.append(leaf).expect("appends");
            }
            range
        };
        for size in 0..=SIZES {
            assert_eq!(range(0, size).root(), Some(definition(hash, &all[..size as usize])), "size {size}");
        }
        for end in [1, 2, 7, 8, 33, SIZES] {
            for a in 0..=end {
                for b in a..=end {
                    let (left, middle, right) = (range(0, a), range(a, b), range(b, end));
                    let mut first = left.clone();
                    first.join(&middle).expect("joins");
                    first.join(&right).expect("joins");
                    let mut second = middle.clone();
                    second.join(&right).expect("joins");
                    let mut third = left.clone();
                    third.join(&second).expect("joins");
                    assert_eq!(first, third);
                    assert_eq!(first, range(0, end));
                    assert!(middle.hashes().len() <= 2 * 7);
                    assert_eq!(middle.root().is_some(), a == 0);
                }
            }
        }
        assert!(range(0, 3).join(&range(4, 5)).is_err());
        assert!(range(0, 3).join(&CompactRange::new(HashAlgorithm::Sha256, 4)).is_err());
    }
    assert!(CompactRange::new(SHA, u64::MAX).append(&[0; 32]).is_err());
}

/// Every size up to 66, every index: the proof verifies; with any hash altered, dropped or added, or any number
/// changed, it does not.
#[test]
fn every_inclusion_proof_of_small_trees() {
    for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sm3] {
        let all = leaves(hash, SIZES);
        for size in 1..=SIZES {
            let root = definition(hash, &all[..size as usize]);
            for index in 0..size {
                let path = roots_of(hash, &all, &inclusion_ranges(index, size).expect("ranges"));
                let leaf = all[index as usize];
                assert_eq!(verify_inclusion(hash, index, size, &leaf, &path, &root), Ok(()), "{index} of {size}");
                if hash == HashAlgorithm::Sm3 && size > 9 {
                    continue;
                }
                let fails = |index: u64, size: u64, leaf: &[u8], path: &[Hash], root: &[u8]| {
                    assert!(verify_inclusion(hash, index, size, leaf, path, root).is_err(), "{index} of {size}");
                };
                for other in 0..size {
                    if other != index {
                        fails(other, size, &leaf, &path, &root);
                    }
                }
                for at in 0..path.len() {
                    let mut altered = path.clone();
                    altered[at][at % 32] ^= 1;
                    fails(index, size, &leaf, &altered, &root);
                    let mut shorter = path.clone();
                    shorter.remove(at);
                    fails(index, size, &leaf, &shorter, &root);
                }
                let mut longer = path.clone();
                longer.push(root);
                fails(index, size, &leaf, &longer, &root);
                fails(index, size, &root[..31], &path, &root);
                fails(index, size, &leaf, &path, &root[..31]);
                fails(size, size, &leaf, &path, &root);
            }
        }
    }
}

#[test]
fn every_consistency_proof_of_small_trees() {
    let all = leaves(SHA, SIZES);
    let root = |size: u64| definition(SHA, &all[..size as usize]);
    for new in 1..=SIZES {
        for old in 1..=new {
            let path = roots_of(SHA, &all, &consistency_ranges(old, new).expect("ranges"));
            assert_eq!(verify_consistency(SHA, old, new, &root(old), &path, &root(new)), Ok(()), "{old} to {new}");
            let fails = |old: u64, new: u64, a: &[u8], path: &[Hash], b: &[u8]| {
                assert!(verify_consistency(SHA, old, new, a, path, b).is_err(), "{old} to {new}");
            };
            let forged = [7; 32];
            fails(old, new, &forged, &path, &root(new));
            fails(old, new, &root(old), &path, &forged);
            for at in 0..path.len() {
                let mut altered = path.clone();
                altered[at][31] ^= 0x80;
                fails(old, new, &root(old), &altered, &root(new));
                let mut shorter = path.clone();
                shorter.remove(at);
                fails(old, new, &root(old), &shorter, &root(new));
            }
            let mut longer = path;
            longer.push(forged);
            fails(old, new, &root(old), &longer, &root(new));
        }
    }
    assert!(consistency_ranges(0, 5).is_err());
    assert!(consistency_ranges(6, 5).is_err());
    assert!(inclusion_ranges(5, 5).is_err());
    assert!(verify_consistency(SHA, 3, 2, &root(3), &[] as &[Hash], &root(2)).is_err());
    // The largest numbers end in an error, not in an overflow.
    assert!(verify_inclusion(SHA, u64::MAX - 1, u64::MAX, &root(1), &[] as &[Hash], &root(1)).is_err());
    assert!(verify_consistency(SHA, u64::MAX - 1, u64::MAX, &root(1), &vec![root(1); 300], &root(1)).is_err());
}

#[test]
fn every_subtree_proof_of_small_trees() {
    let all = leaves(SHA, 40);
    for size in 1..=40u64 {
        let tree = definition(SHA, &all[..size as usize]);
        for start in 0..size {
            for end in start + 1..=size {
                let aligned = start % (end - start).next_power_of_two() == 0;
                let ranges = subtree_ranges(start, end, size);
                assert_eq!(ranges.is_ok(), aligned, "[{start}, {end}) of {size}");
                let Ok(ranges) = ranges else { continue };
                let subtree = definition(SHA, &all[start as usize..end as usize]);
                let path = roots_of(SHA, &all, &ranges);
                assert_eq!(verify_subtree_consistency(SHA, start, end, size, &subtree, &path, &tree), Ok(()));
                assert!(
                    verify_subtree_consistency(SHA, start, end, size, &tree, &path, &subtree).is_err()
                        || tree == subtree
                );
                for index in start..end {
                    let path = roots_of(
                        SHA,
                        &all[start as usize..],
                        &inclusion_ranges(index - start, end - start).expect("ranges"),
                    );
                    let leaf = &all[index as usize];
                    assert_eq!(verify_subtree_inclusion(SHA, index, start, end, leaf, &path, &subtree), Ok(()));
                    assert!(verify_subtree_inclusion(SHA, index + 40, start, end, leaf, &path, &subtree).is_err());
                }
            }
        }
    }
}
