"""Signed notes with several signers, cosignatures and policies, proofs as text; and the second reader of them."""

from __future__ import annotations

import json
import pickle
import time
from datetime import timedelta
from pathlib import Path

import note_check
import pytest
from ledger_check import Wrong
from ledger_world import HASHES, ORIGIN, World

from sealcore import errors
from sealcore import ledger as ledgers
from sealcore.ledger import Checkpoint, Ledger, LedgerReader, NoteKey, NoteSigner, Policy, Proof, verify_ledger
from sealcore.sign import SigningKey


@pytest.fixture
def frozen(vectors: Path) -> dict:
    return json.loads((vectors / "ledger" / "notes.json").read_text(encoding="utf-8"))


def ed25519(byte: int = 0x55, name: str = ORIGIN, **more: bool) -> NoteSigner:
    return NoteSigner.ed25519(name, bytes([byte]) * 32, **more)


def witnesses(count: int) -> list[NoteSigner]:
    return [ed25519(0x60 + i, f"witness.example/w{i}", witness=True) for i in range(count)]


def policy(signers: list[NoteSigner], threshold: int | str) -> Policy:
    lines = [f"witness w{i} {signer.key.vkey}\n" for i, signer in enumerate(signers)]
    group = f"group g {threshold} {' '.join(f'w{i}' for i in range(len(signers)))}\nquorum g\n"
    return Policy("".join(lines) + group)


def cosign(note: str, signers: list[NoteSigner], *, age: float = 0) -> str:
    text = note.rpartition("\n\n")[0] + "\n"
    return note + "".join(signer.sign(text, time=int(time.time() - age)) for signer in signers)


def test_frozen_notes_are_read_by_both(frozen: dict) -> None:
    assert sorted(frozen["vkeys"]) == ["cosignature", "ed25519", "p256", "sm2"]
    for kind, vkey in frozen["vkeys"].items():
        key = NoteKey.from_vkey(vkey)
        assert (key.kind, key.vkey) == (kind, vkey)
        assert key.open(frozen["cosigned"]) == frozen["text"]
        assert note_check.signed_by(frozen["cosigned"], note_check.Vkey(vkey))
        if kind == "cosignature":
            with pytest.raises(errors.InvalidSignature):
                key.open(frozen["note"])
            assert not note_check.signed_by(frozen["note"], note_check.Vkey(vkey))
        # The same line over another text.
        altered = frozen["cosigned"].replace("\n12\n", "\n13\n")
        with pytest.raises(errors.InvalidSignature):
            key.open(altered)
        with pytest.raises(Wrong):
            note_check.signed_by(altered, note_check.Vkey(vkey))
    # Ed25519 is deterministic: the lines are written as they were.
    assert ed25519().sign(frozen["text"]) in frozen["note"]
    witness = ed25519(0x66, "witness.example/w1", witness=True)
    assert frozen["cosigned"] == frozen["note"] + witness.sign(frozen["text"], time=frozen["cosigned_at"])
    judge = Policy(f"witness w {witness.key.vkey}\nquorum w\n").judge
    assert judge(frozen["cosigned"], now=frozen["cosigned_at"]) == (True, [("w", frozen["cosigned_at"])], [])


def test_frozen_proofs_are_read_by_both(frozen: dict) -> None:
    for name, vector in frozen["proofs"].items():
        proof = Proof.parse(vector["text"])
        assert (proof.to_text(), proof.hash, proof.index) == (vector["text"], name, vector["index"])
        assert proof.verify(NoteKey.from_vkey(vector["vkey"])).size == 12
        vkey = note_check.Vkey(vector["vkey"])
        checked = note_check.check_proof(vector["text"], vkey)
        assert (checked.index, checked.entry, checked.size) == (vector["index"], bytes(proof.entry), 12)
        with pytest.raises(Wrong):
            note_check.check_proof(vector["text"].replace("index 4", "index 5"), vkey)
        lines = vector["text"].split("\n")
        lines[3], lines[4] = lines[4], lines[3]
        with pytest.raises(Wrong):
            note_check.check_proof("\n".join(lines), vkey)


def test_the_second_reader_knows_the_vectors_of_the_rfc() -> None:
    """RFC 8032, clause 7.1, test 3; and that each of its parts counts."""
    key = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    signature = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    assert note_check.ed25519(key, bytes.fromhex("af82"), signature)
    assert not note_check.ed25519(key, bytes.fromhex("af83"), signature)
    assert not note_check.ed25519(key, bytes.fromhex("af82"), signature[:32] + bytes(32))
    assert not note_check.ed25519(bytes([1]) + bytes(31), b"", bytes([1]) + bytes(63))


@pytest.mark.parametrize("hash_name", HASHES)
def test_every_checkpoint_has_every_signer(hash_name: str, tmp_path: Path) -> None:
    world, path = World(hash_name), tmp_path / "ledger"
    further = [NoteSigner(ORIGIN, SigningKey.from_bytes("sm2", b"\x77" * 32)), ed25519()]
    keys = {"origin": ORIGIN, "ledger_key": world.ledger_key, "founder_key": world.founder.verifying_key}
    with Ledger.create(path, **keys, hash=hash_name, signers=further) as ledger:
        receipt = ledger.append(world.statement(1))
        proof = receipt.to_proof(ledger.entry(receipt.index))
        with pytest.raises(errors.InvalidArgument):
            receipt.to_proof(ledger.entry(0))
    own = NoteKey(ORIGIN, world.ledger_key.verifying_key)
    assert proof.verify(own).size == 2
    assert Proof.parse(proof.to_text()) == pickle.loads(pickle.dumps(proof)) == proof  # noqa: S301
    log = (path / "checkpoints.log").read_bytes()
    notes = []
    while log:
        length = int.from_bytes(log[:2], "big")
        notes.append(log[2 : 2 + length].decode())
        log = log[2 + length :]
    assert len(notes) == 2
    for note in notes:
        assert note.count("\n— ") == 3
        for key in (own, *(signer.key for signer in further)):
            assert key.open(note).startswith(ORIGIN)
            assert note_check.signed_by(note, note_check.Vkey(key.vkey))
    report = verify_ledger(path, signers=[signer.key for signer in further])
    assert report.ok
    # Without them the newest checkpoint lacks their lines: said only to who demands them.
    with Ledger.open(path, ledger_key=world.ledger_key) as ledger:
        ledger.append(world.statement(2))
    assert verify_ledger(path).ok
    report = verify_ledger(path, signers=[further[1].key])
    assert [(f.kind, f.index, f.field) for f in report.findings] == [("signer-missing", 3, "signature")]
    # A damaged line is nobody's business, but that of who knows its key.
    with Ledger.open(path, ledger_key=world.ledger_key, signers=further) as ledger:
        ledger.append(world.statement(3))
    checkpoints = path / "checkpoints.log"
    data = bytearray(checkpoints.read_bytes())
    # The Ed25519 line is the last of the second note.
    at = bytes(data).index(notes[1].encode()) + len(notes[1].encode()) - 10
    data[at] = ord("A") if data[at] != ord("A") else ord("B")
    checkpoints.write_bytes(bytes(data))
    report = verify_ledger(path, signers=[further[1].key])
    assert "checkpoint-signature-invalid" in {f.kind for f in report.findings}


def test_who_cannot_be_a_signer(tmp_path: Path) -> None:
    world, path = World("sha256"), tmp_path / "ledger"
    world.create(path).close()
    own = NoteSigner(ORIGIN, world.ledger_key)
    for wrong in (
        [ed25519(name="example.com/other")],
        [ed25519(witness=True)],
        [ed25519(), ed25519()],
        [own],
        [ed25519(byte) for byte in range(16)],
    ):
        with pytest.raises(errors.InvalidKey) as refused:
            Ledger.open(path, ledger_key=world.ledger_key, signers=wrong)
        assert refused.value.field == "signers"
    Ledger.open(path, ledger_key=world.ledger_key, signers=[ed25519(byte) for byte in range(15)]).close()


def test_keys_in_files(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from sealcore import pki

    plain, locked = ledgers.generate_ed25519_key(), ledgers.generate_ed25519_key("secret")
    for data, password in ((plain, None), (locked, b"secret")):
        theirs = serialization.load_pem_private_key(data, password)
        assert isinstance(theirs, Ed25519PrivateKey)
        signer = NoteSigner.load("a", data, password)
        line = signer.sign("text\n")
        assert NoteKey.from_vkey(signer.key.vkey).open(f"text\n\n{line}") == "text\n"
        raw = theirs.public_key().public_bytes_raw()
        assert note_check.Vkey(signer.key.vkey).raw == b"\1" + raw
    made = Ed25519PrivateKey.generate()
    formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    for encryption in (serialization.NoEncryption(), serialization.BestAvailableEncryption(b"pw")):
        data = made.private_bytes(*formats, encryption)
        password = None if isinstance(encryption, serialization.NoEncryption) else "pw"
        assert NoteSigner.load("a", data, password, witness=True).key.kind == "cosignature"
    with pytest.raises(errors.WrongPassword):
        NoteSigner.load("a", locked, "wrong")
    with pytest.raises(errors.InvalidArgument):
        NoteSigner.load("a", locked)
    with pytest.raises(errors.InvalidArgument):
        NoteSigner.load("a", plain, "needless")
    sm2 = pki.dump_private_key(SigningKey.generate("sm2"))
    assert NoteSigner.load("a", sm2).key.kind == "sm2"
    with pytest.raises(errors.InvalidKey):
        NoteSigner.load("a", sm2, witness=True)
    for nonsense in (b"", b"\x30\x00", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        with pytest.raises(errors.InputError):
            NoteSigner.load("a", nonsense)


def test_assurance_by_witnesses(tmp_path: Path) -> None:
    world, path = World("sha256"), tmp_path / "ledger"
    world.small(path)
    three = witnesses(3)
    note = LedgerReader.open(path).checkpoint
    two_of_three = policy(three, 2)
    with Ledger.open(path, ledger_key=world.ledger_key) as ledger:
        ledger.append(world.statement(50))

    def report(note: str, max_age: timedelta | None = None) -> ledgers.Report:
        return verify_ledger(path, checkpoint=note, policy=two_of_three, max_age=max_age)

    assert report(cosign(note, three[:2])).assurance == "cosigned by a quorum of witnesses"
    found = report(cosign(note, three[:1]))
    assert [(f.kind, f.file, f.index) for f in found.findings] == [("quorum-missing", "earlier checkpoint", 10)]
    assert "w0" in found.findings[0].detail
    old = cosign(note, three[:2], age=7200)
    assert report(old).ok
    assert not report(old, timedelta(hours=1)).ok
    assert report(old, timedelta(hours=3)).ok
    # Witnesses who have seen another ledger: the quorum is there, the fork is found.
    other = tmp_path / "other"
    world.small(other)
    forked = report(cosign(LedgerReader.open(other).checkpoint, three))
    assert "forked-since-earlier" in {f.kind for f in forked.findings}
    with pytest.raises(errors.InvalidArgument):
        verify_ledger(path, policy=two_of_three)
    none = verify_ledger(path, checkpoint=note, policy=Policy("quorum none\n"))
    assert none.assurance == "extends my earlier checkpoint"


def test_a_proof_with_a_cosigned_checkpoint(tmp_path: Path) -> None:
    world, path = World("sha256"), tmp_path / "ledger"
    world.small(path)
    reader, three = LedgerReader.open(path), witnesses(3)
    cosigned = cosign(reader.checkpoint, three)
    proof = reader.prove(4).with_checkpoint(cosigned)
    key = NoteKey(ORIGIN, world.ledger_key.verifying_key)
    assert Proof.parse(proof.to_text()).verify(key) == Checkpoint.open(cosigned, key=world.ledger_key.verifying_key)
    assert policy(three, "all").judge(proof.checkpoint, now=int(time.time()))[0]
    assert note_check.check_proof(proof.to_text(), note_check.Vkey(key.vkey)).index == 4
    with pytest.raises(errors.InvalidArgument):
        proof.with_checkpoint(cosigned.replace("\n10\n", "\n11\n"))
    assert proof.entry is not None
    assert proof.leaf_hash == proof.entry.leaf_hash == reader.entry(4).leaf_hash
    with pytest.raises(errors.InvalidProof):
        proof.verify(key, leaf_hash=bytes(32))
    with pytest.raises(errors.InvalidLength):
        proof.verify(key, leaf_hash=b"short")


def test_subtrees_and_tiles(tmp_path: Path) -> None:
    world, path = World("sha256"), tmp_path / "ledger"
    world.small(path)
    reader = LedgerReader.open(path)
    proof, subtree = reader.subtree_proof(8, 10), reader.subtree_root(8, 10)
    numbers = {"start": 8, "end": 10, "size": 10, "root": reader.root(), "hash": "sha256"}
    ledgers.verify_subtree(proof, subtree_root=subtree, **numbers)
    with pytest.raises(errors.InvalidProof):
        ledgers.verify_subtree(proof, subtree_root=reader.root(), **numbers)
    with pytest.raises(errors.InvalidProof):
        reader.subtree_proof(1, 3)
    assert reader.tile(0, 0) == b"".join(entry.leaf_hash for entry in reader)
    assert reader.tile(0, 0, 3) == reader.tile(0, 0)[:96]
    assert reader.bundle(0) == b"".join(len(bytes(e)).to_bytes(2, "big") + bytes(e) for e in reader)
    assert [ledgers.tile_width(level, 0, 70_000) for level in range(4)] == [256, 256, 1, 0]
    assert [ledgers.tile_width(0, n, 70_000) for n in (272, 273, 274)] == [256, 112, 0]
    assert [ledgers.tile_width(1, n, 70_000) for n in (0, 1, 2)] == [256, 17, 0]
    for wrong in ((0, 1), (1, 0), (0, 0, 11), (9, 0)):
        with pytest.raises(errors.InvalidArgument):
            reader.tile(*wrong)
