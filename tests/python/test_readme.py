"""Every Python block of README.md runs, in order, as a newcomer would paste them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from conftest import PROJECT

from sealcore import pki
from sealcore.seals import Registry
from sealcore.sign import SigningKey

BLOCKS = re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), flags=re.S)


def found_office(directory) -> None:
    """What the README takes for granted: an office with a seal, persons, and a contract beside it; the seal scanned."""
    from sealcore.cli.contract import write_contract
    from sealcore.seals.drawing import SealDesign, draw_seal, find_typeface, synthetic_scan

    drawing = draw_seal(SealDesign(name="东海精密制造有限公司"))
    (directory / "seal.png").write_bytes(drawing)
    (directory / "scan.png").write_bytes(synthetic_scan(drawing, dpi=300, angle=30, seed=1))
    now = datetime.now(UTC)
    key = SigningKey.generate("sm2")
    lifetime = {"not_before": now - timedelta(hours=1), "not_after": now + timedelta(days=9)}
    root = pki.CertificateAuthority.create_root(key, "CN=root", **lifetime)
    with Registry.create(
        directory / "office",
        origin="example.com/seals",
        unit="hq",
        unit_name="Headquarters",
        password=lambda key: "correct horse",
    ) as office:
        office.add_person("he", name="He", unit="hq", roles=("manager",), by="founder")
        for person, role in (("zhang", "applicant"), ("li", "approver"), ("wang", "approver"), ("zhao", "authoriser")):
            office.add_person(person, name=person, unit="hq", roles=(role,), by="he")
        office.set_policy("two", quorum=2, approvers=("li", "wang"), applicant_units=("hq",), by="he")
        request = office.prepare_seal_key("company-seal", algorithm="sm2", subject="CN=Company seal")
        office.register_seal(
            "company-seal",
            kind="company",
            unit="hq",
            policy="two",
            size_mm=40.0,
            certificate=root.issue_request(pki.CertificateRequest.load(request.csr_pem), **lifetime),
            imprint=drawing,
            by="he",
        )
        office.activate_seal("company-seal", reason="registered", by="he")
    (directory / "contract.pdf").write_bytes(write_contract("A", "B", find_typeface()))


def test_there_is_a_block_for_each_kind_of_user():
    assert len(BLOCKS) >= 6


def test_the_blocks_run(tmp_path, monkeypatch, capsys):
    found_office(tmp_path)
    monkeypatch.chdir(tmp_path)
    for number, block in enumerate(BLOCKS):
        names = {"tomorrow": datetime.now(UTC) + timedelta(days=1)}
        try:
            exec(compile(block, f"README.md block {number}", "exec"), names)  # noqa: S102
        except Exception as error:
            pytest.fail(f"README.md block {number} does not run: {type(error).__name__}: {error}\n{block}")
    said = capsys.readouterr().out
    assert "matches the registered design" in said
    assert (tmp_path / "overlay.png").stat().st_size > 1000
