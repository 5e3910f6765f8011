"""An office for the tests of ``sealcore.seals``: headquarters, two branches, an SM2 and a P-256 seal.

Built once a session and copied for each test. The persons' keys stay in this process, as on tokens of their own; the
office's keys lie in its files.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pdfs import IMPRINT, LIFE, Sheet, build_pdf, text

from sealcore.authority import Amount
from sealcore.keys import password_fixed
from sealcore.pki import Certificate, CertificateAuthority, CertificateRequest
from sealcore.seals import Recorded, Registry, SealedDocument
from sealcore.sign import SigningKey, VerifyingKey

PASSWORD = password_fixed("the password of the tests")
CONTRACT = build_pdf([Sheet(text("Supply contract", 72, 700)), Sheet(text("Signed for Party A", 72, 300))])
OTHER = build_pdf([Sheet(text("Another contract", 72, 700))])
PEOPLE = {
    "he": ("何总", "hq", ("manager",)),
    "zhang": ("张伟", "shanghai", ("applicant",)),
    "chen": ("陈静", "shenzhen", ("applicant",)),
    "li": ("李娜", "hq", ("approver",)),
    "wang": ("王芳", "hq", ("approver",)),
    "sun": ("孙强", "shanghai", ("applicant", "approver")),
    "zhao": ("赵磊", "hq", ("authoriser",)),
    "qian": ("钱进", "hq", ("auditor",)),
}


def tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


CHILD = """
import os, resource, signal, sys, threading
from office_world import CONTRACT, PASSWORD, Token, World, tomorrow
from sealcore import errors
world, arguments = World.load(sys.argv[1]), sys.argv[2:]
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def finished(child: subprocess.Popen[str], code: int = 0) -> str:
    """What a child printed, when it ended as expected."""
    out, err = child.communicate(timeout=120)
    assert child.returncode == code, err
    return out


class Token:
    """A device that holds a seal's key and does something else before, or instead of, signing."""

    def __init__(self, key: SigningKey, act: Callable[[bytes], bytes]) -> None:
        self._key = key
        self._act = act

    @property
    def algorithm(self) -> str:
        return self._key.algorithm

    @property
    def verifying_key(self) -> VerifyingKey:
        return self._key.verifying_key

    def sign(self, message: bytes) -> bytes:
        return self._act(message)

    def sign_digest(self, digest: bytes) -> bytes:
        raise NotImplementedError


@dataclass
class World:
    """A copy of the office, closed; `open` gives the registry."""

    directory: Path
    keys: dict[str, SigningKey] = field(repr=False)
    roots: list[Certificate] = field(repr=False)

    def child(self, code: str, *arguments: object) -> subprocess.Popen[str]:
        """Another process that runs `code` with `world` (this one) and `arguments` (as text)."""
        known = self.directory.with_name("world.json")
        keys = {name: [key.algorithm, key.to_bytes().hex()] for name, key in self.keys.items()}
        known.write_text(json.dumps({"directory": str(self.directory), "keys": keys}), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, "-c", CHILD + code, str(known), *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @classmethod
    def load(cls, known: str) -> World:
        """The world of the process that called `child`."""
        values = json.loads(Path(known).read_text(encoding="utf-8"))
        keys = {name: SigningKey.from_bytes(kind, bytes.fromhex(d)) for name, (kind, d) in values["keys"].items()}
        return cls(Path(values["directory"]), keys, [])

    def open(self, *, token: Any = None, **options: Any) -> Registry:
        """Open the office; `token` stands for the device that holds the key of the seal "token"."""
        signers = [self.keys["token"] if token is None else token]
        return Registry.open(self.directory, password=PASSWORD, signers=signers, **options)

    def apply(self, registry: Registry, seal: str = "company", document: bytes = CONTRACT, **options: Any) -> Recorded:
        given = {"purpose": "采购合同", "by": self.keys["zhang"], "document_class": "contract", **options}
        return registry.apply(seal, document, **given)

    def approve(self, registry: Registry, application: str, *approvers: str) -> None:
        for approver in approvers or ("li", "wang"):
            registry.approve(application, by=self.keys[approver])

    def granted(self, registry: Registry, seal: str = "company", *, uses: int = 1, **options: Any) -> tuple[str, str]:
        """An approved application with a grant for all of it."""
        applicant = options.pop("applicant", "zhang")
        application = self.apply(registry, seal, uses=uses, by=self.keys[applicant])
        self.approve(registry, application.id)
        given = {"valid_to": tomorrow(), "by": self.keys["zhao"], "grantee": applicant, **options}
        grant = registry.grant(seal, application=application.id, uses=uses, **given)
        return application.id, grant.id

    def seal(self, registry: Registry, application: str, grant: str, **options: Any) -> SealedDocument:
        # In this process: a pool of parsers for each test and child would be most of the time.
        given = {"by": self.keys["zhang"], "page": 2, "place": (30.0, 180.0), "isolated": False, **options}
        document = given.pop("document", CONTRACT)
        return registry.seal_document(application, grant, document, **given)


def build(directory: Path) -> World:
    """Found the office in a new directory, through the public interface only."""
    keys = {person: SigningKey.generate("p256" if person in {"wang", "chen"} else "sm2") for person in PEOPLE}
    roots = []
    with Registry.create(
        directory, origin="example.com/seals", unit="hq", unit_name="总公司", password=PASSWORD, hash="sm3"
    ) as registry:
        for person, (name, unit, roles) in PEOPLE.items():
            by = "founder" if person == "he" else keys["he"]
            registry.add_person(person, name=name, unit=unit, roles=roles, by=by, key=keys[person].verifying_key)
            if person == "he":
                registry.add_unit("shanghai", name="上海分公司", parent="hq", by=keys["he"], region="cn-31")
                registry.add_unit("shenzhen", name="深圳分公司", parent="hq", by=keys["he"])
        registry.set_policy(
            "two-of-three", quorum=2, approvers=("li", "wang", "sun"), applicant_units=("hq",), by=keys["he"]
        )
        for seal, kind, algorithm in (
            ("company", "company", "sm2"),
            ("contract", "contract", "p256"),
            ("token", "finance", "p256"),
        ):
            root = CertificateAuthority.create_root(SigningKey.generate(algorithm), f"CN=Root {algorithm}", **LIFE)
            issuing = SigningKey.generate(algorithm)
            middle = root.issue_authority("CN=Issuing", issuing.verifying_key, **LIFE)
            authority = CertificateAuthority(issuing, middle)
            if seal == "token":
                keys["token"] = SigningKey.generate(algorithm)
                certificate = authority.issue("CN=Token", keys["token"].verifying_key, **LIFE)
            else:
                request = registry.prepare_seal_key(seal, algorithm=algorithm, subject=f"CN=示例公司{seal},C=CN")
                certificate = authority.issue_request(CertificateRequest.load(request.csr_pem), **LIFE)
            registry.register_seal(
                seal,
                unit="hq",
                kind=kind,
                policy="two-of-three",
                size_mm=40.0,
                certificate=certificate,
                chain=[middle],
                imprint=IMPRINT,
                signer=keys.get(seal),
                by=keys["he"],
            )
            registry.activate_seal(seal, by=keys["he"])
            roots.append(root.certificate)
    return World(directory, keys, roots)


def copied(world: World, directory: Path) -> World:
    """The same office in another directory."""
    shutil.copytree(world.directory, directory)
    return World(directory, world.keys, world.roots)


def story(world: World, registry: Registry) -> None:
    """Some of everything that a ledger can hold."""
    keys = world.keys
    ids = world.granted(registry, uses=3, depth=2)
    world.seal(registry, *ids)
    child = registry.grant(
        "company",
        parent=ids[1],
        grantee="sun",
        uses=1,
        valid_to=datetime.now(UTC) + timedelta(hours=1),
        by=keys["zhang"],
    )
    world.seal(registry, ids[0], child.id, by=keys["sun"])
    failing = world.granted(registry, "token")
    with pytest.raises(ZeroDivisionError):
        world.seal(registry, *failing)
    refused = world.apply(registry, document=[CONTRACT, OTHER], amount=Amount("CNY", 7), counterparty="海风贸易")
    registry.refuse(refused.id, reason="wrong-version", note="page 3", by=keys["li"])
    registry.revoke_grant(ids[1], reason="withdrawn", by=keys["zhao"])
    registry.suspend_seal("contract", reason="audit", by=keys["he"], note="yearly")
    registry.set_policy("two-of-three", quorum=1, approvers=["li"], applicant_units=["hq"], by=keys["he"])
    registry.change_person("chen", unit="shanghai", roles=["approver"], by=keys["he"])
    registry.change_person("li", name="李娜娜", by=keys["he"])
    registry.add_key("wang", by=keys["wang"], key=SigningKey.generate("p256").verifying_key)
    registry.revoke_key("wang", row=6, by=keys["he"], reason="stolen")
    registry.remove_person("sun", reason="resigned", by=keys["he"])


def failing(world: World) -> Token:
    return Token(world.keys["token"], lambda message: 1 // 0)
