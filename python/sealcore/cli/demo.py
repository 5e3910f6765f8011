"""``sealcore demo``: the whole story on real components, in one directory.

Headquarters and two branches; a branch applies, headquarters approves, the gate refuses what it must, documents are
sealed, verified, tampered with; the ledger is verified, one byte is flipped and found; a scan is recognised.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from sealcore import errors, imprint, pki
from sealcore.cli.common import existing_file
from sealcore.cli.contract import KEYWORD, write_contract
from sealcore.ledger import LedgerReader, verify_ledger
from sealcore.sign import AlgorithmName, SigningKey

PASSWORD = "demonstration only"  # noqa: S105  the demonstration's keys protect nothing
MARK = ".sealcore-demo"

# A given PDF need not hold the keyword: the seal goes to the upper left of its last page, near the corner, and is the
# largest of these that fits (the last page of a document may be a label or a ticket).
CORNER: dict[str, Any] = {"page": -1, "place": (5.0, 5.0)}
SIZES_MM = (40.0, 30.0, 20.0)

COMPANY, SUPPLIER = "东海精密制造有限公司", "南山轴承股份有限公司"
COMPANY_SEAL, CONTRACT_SEAL = "company-seal", "contract-seal"
GRANT_LIFE = timedelta(seconds=1.5)


class Story:
    """Prints each step with its time, and keeps what the summary tells."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.steps: list[dict[str, Any]] = []
        self.started = time.perf_counter()

    def chapter(self, title: str) -> None:
        if not self.quiet:
            click.secho(f"\n{title}", bold=True)

    @contextmanager
    def step(self, sentence: str) -> Iterator[Callable[[str], None]]:
        """One step; the block may add what it found."""
        found: list[str] = []
        started = time.perf_counter()
        yield found.append
        seconds = time.perf_counter() - started
        self.steps.append({"step": sentence, "found": found, "seconds": round(seconds, 4)})
        if not self.quiet:
            click.echo(
                f"  {click.style('✓', fg='green')} {sentence}  {click.style(f'{seconds * 1000:.0f} ms', dim=True)}"
            )
            for line in found:
                click.echo(f"      {line}")

    def refused(self, sentence: str, kind: type[errors.SealcoreError], act: Callable[[], object]) -> None:
        """A step that must be refused with exactly this error; anything else ends the demonstration."""
        with self.step(sentence) as note:
            try:
                act()
            except kind as error:
                note(f"{type(error).__name__}: {error}")
            else:
                raise errors.InternalError(f"the demonstration expected {kind.__name__}: {sentence}")


def _expect(condition: bool, sentence: str) -> None:
    if not condition:
        raise errors.InternalError(f"the demonstration failed: {sentence}")


@click.command()
@click.option("--pdf", type=existing_file, help="Seal this PDF instead of the demonstration's contract.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default="sealcore-demo",
    show_default=True,
    help="Where everything goes; a directory of an earlier demonstration is replaced.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def demo(pdf: Path | None, directory: Path, as_json: bool) -> None:
    """Run the whole story: apply, approve, seal, verify, tamper, find it.

    \b
    Examples:
      sealcore demo
      sealcore demo --pdf contract.pdf --directory /tmp/demo
    """
    document, size_mm = (None, SIZES_MM[0]) if pdf is None else _read(pdf)
    _prepare(directory)
    story = Story(quiet=as_json)
    paths = Demonstration(directory, document, size_mm, story).run()
    seconds = time.perf_counter() - story.started
    if as_json:
        summary = {"ok": True, "seconds": round(seconds, 3), "files": paths, "steps": story.steps}
        click.echo(json.dumps(summary, ensure_ascii=False))
        return
    click.secho(f"\n{len(story.steps)} steps in {seconds:.1f} s. Look at:", bold=True)
    width = max(map(len, paths))
    for what, where in paths.items():
        click.echo(f"  {what:<{width}}  {where}")


def _read(pdf: Path) -> tuple[bytes, float]:
    """The user's document, and the width of the seal that its last page has room for.

    One that cannot be sealed is refused here, before anything is made or replaced.
    """
    from sealcore.pdf import prepare_pdf  # noqa: PLC0415  loads pyHanko
    from sealcore.seals.drawing import SealDesign, draw_seal  # noqa: PLC0415  loads Pillow

    now = datetime.now(UTC)
    nobody = pki.CertificateAuthority.create_root(
        SigningKey.generate("p256"), "CN=trial", not_before=now, not_after=now + timedelta(hours=1)
    )
    document = pdf.read_bytes()
    for size_mm in SIZES_MM:
        trial = draw_seal(SealDesign(name=COMPANY, width_mm=size_mm), dpi=72)
        try:
            prepare_pdf(document, certificate=nobody.certificate, imprint=trial, size_mm=size_mm, **CORNER)
        except errors.InvalidArgument as error:
            if error.field != "place" or size_mm == SIZES_MM[-1]:
                raise
        else:
            break
    return document, size_mm


def _prepare(directory: Path) -> None:
    if directory.exists() and any(directory.iterdir()):
        if not (directory / MARK).is_file():
            raise errors.InvalidArgument(
                f"directory: {directory} is not empty and not an earlier demonstration; choose another",
                field="directory",
            )
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MARK).write_text("A demonstration of sealcore; the next one replaces this directory.\n")


class Demonstration:
    """The story; one method a chapter."""

    def __init__(self, directory: Path, given: bytes | None, size_mm: float, story: Story) -> None:
        self.directory = directory
        self.given = given
        self.size_mm = size_mm
        self.story = story
        self.authorities: dict[AlgorithmName, pki.CertificateAuthority] = {}
        self.imprints: dict[str, bytes] = {}
        self.files: dict[str, str] = {}
        # A given document may carry signatures of others.
        self.unsealed = True

    def run(self) -> dict[str, str]:
        from sealcore.seals import Registry  # noqa: PLC0415  loads SQLAlchemy

        self.certificate_authority()
        office = self.directory / "office"
        with Registry.create(
            office,
            origin="demo.sealcore.example/seals",
            hash="sm3",
            unit="hq",
            unit_name=COMPANY,
            password=lambda key: PASSWORD,
            algorithm="sm2",
        ) as registry:
            self.registry = registry
            self.people()
            self.seals()
            self.document()
            self.company_seal()
            self.contract_seal()
        self.verify_documents()
        self.verify_the_ledger(office)
        self.recognise()
        return self.files

    # --- chapters

    def certificate_authority(self) -> None:
        self.story.chapter("A certificate authority, for this demonstration only")
        now = datetime.now(UTC)
        algorithms: tuple[AlgorithmName, ...] = ("sm2", "p256")
        for algorithm in algorithms:
            with self.story.step(f"root certificate, {algorithm}") as note:
                key = SigningKey.generate(algorithm)
                authority = pki.CertificateAuthority.create_root(
                    key,
                    f"CN=Demonstration root {algorithm},O=sealcore,C=CN",
                    not_before=now - timedelta(minutes=1),
                    not_after=now + timedelta(days=30),
                )
                self.authorities[algorithm] = authority
                root = authority.certificate
                self._write(f"root-{algorithm}.pem", root.to_pem().encode(), f"root certificate ({algorithm})")
                note(root.subject)

    def people(self) -> None:
        self.story.chapter("Headquarters, two branches and their people")
        with self.story.step("units hq, shanghai, shenzhen"):
            self.registry.add_person("he", name="何总", unit="hq", roles=("manager",), by="founder")
            self.registry.add_unit("shanghai", name="上海分公司", parent="hq", by="he")
            self.registry.add_unit("shenzhen", name="深圳分公司", parent="hq", by="he")
        with self.story.step("applicants in the branches; approvers and an authoriser at headquarters"):
            for person, name, unit, role in (
                ("zhang", "张伟", "shanghai", "applicant"),
                ("chen", "陈静", "shenzhen", "applicant"),
                ("li", "李娜", "hq", "approver"),
                ("wang", "王芳", "hq", "approver"),
                ("zhao", "赵磊", "hq", "authoriser"),
            ):
                self.registry.add_person(person, name=name, unit=unit, roles=(role,), by="he")
            # He approves for others; his own applications need two others.
            self.registry.add_person("sun", name="孙强", unit="shanghai", roles=("applicant", "approver"), by="he")
        with self.story.step("policy: two of three approvers, never the applicant"):
            self.registry.set_policy(
                "two-of-three", quorum=2, approvers=("li", "wang", "sun"), applicant_units=("hq",), by="he"
            )

    def seals(self) -> None:
        from sealcore.seals.drawing import SealDesign, draw_seal  # noqa: PLC0415  loads Pillow

        self.story.chapter("Two seals: drawn, certified, registered, active")
        wanted: tuple[tuple[str, str, AlgorithmName, str, str], ...] = (
            (COMPANY_SEAL, "company", "sm2", "", "3101150012345"),
            (CONTRACT_SEAL, "contract", "p256", "合同专用章", "3101150067890"),
        )
        for seal, kind, algorithm, purpose, code in wanted:
            with self.story.step(f"{seal}: {kind} seal, {algorithm}, {self.size_mm:g} mm") as note:
                png = draw_seal(SealDesign(name=COMPANY, purpose=purpose, code=code, width_mm=self.size_mm), dpi=600)
                self.imprints[seal] = png
                self._write(f"{seal}.png", png, f"imprint of the {kind} seal")
                request = self.registry.prepare_seal_key(
                    seal, algorithm=algorithm, subject=f"CN={COMPANY} {purpose or '公章'},O={COMPANY},C=CN"
                )
                now = datetime.now(UTC)
                certificate = self.authorities[algorithm].issue_request(
                    pki.CertificateRequest.load(request.csr_pem),
                    not_before=now - timedelta(minutes=1),
                    not_after=now + timedelta(days=29),
                )
                self.registry.register_seal(
                    seal,
                    kind=kind,
                    unit="hq",
                    policy="two-of-three",
                    size_mm=self.size_mm,
                    certificate=certificate,
                    imprint=png,
                    by="he",
                )
                self.registry.activate_seal(seal, reason="registered", by="he")
                note(certificate.subject)

    def document(self) -> None:
        from sealcore.pdf import verify_pdf  # noqa: PLC0415  loads pyHanko

        self.story.chapter("The document")
        if self.given is not None:
            with self.story.step("the given document") as note:
                self.contract = self.given
                before = verify_pdf(self.contract, roots=self._roots())
                self.unsealed = before.verdict == "unsealed"
                if not self.unsealed:
                    note(f"it carries signatures already: {before.verdict}: {'; '.join(before.reasons)}")
        else:
            from sealcore.seals.drawing import find_typeface  # noqa: PLC0415  loads Pillow

            with self.story.step("a supply contract in Chinese and English, four pages"):
                self.contract = write_contract(COMPANY, SUPPLIER, find_typeface())
        self._write("contract.pdf", self.contract, "the document")

    def company_seal(self) -> None:
        self.story.chapter("The Shanghai branch applies, headquarters approves, the company seal is used twice")
        registry, story = self.registry, self.story
        until = datetime.now(UTC) + timedelta(days=1)
        with story.step("sun applies for two imprints of the company seal") as note:
            application = registry.apply(COMPANY_SEAL, self.contract, purpose="采购合同", uses=2, by="sun")
            note(f"application {application.id[:16]}, ledger entry {application.index}")
        story.refused(
            "an applicant who approves his own request is refused",
            errors.ApplicantExcluded,
            lambda: registry.approve(application.id, by="sun"),
        )
        with story.step("li approves"):
            registry.approve(application.id, by="li")
        story.refused(
            "a grant before the quorum is refused",
            errors.ApprovalRequired,
            lambda: self._grant(COMPANY_SEAL, application.id, "sun", uses=2, until=until),
        )
        with story.step("wang approves: two of three"):
            registry.approve(application.id, by="wang")
        with story.step("zhao grants two uses, bound to this document, until tomorrow") as note:
            grant = self._grant(COMPANY_SEAL, application.id, "sun", uses=2, until=until)
            note(f"grant {grant.id[:16]}, ledger entry {grant.index}")
        story.refused(
            "a changed document is refused",
            errors.DocumentMismatch,
            lambda: self._seal(application.id, grant.id, self.contract + b"\n% one more line", "sun"),
        )
        for number, copy in ((1, "original for Party A"), (2, "original for Party B")):
            with story.step(f"use {number} of 2: {copy}") as note:
                sealed = self._seal(application.id, grant.id, self.contract, "sun")
                name = f"contract.company-seal.{number}.pdf"
                self._write(name, sealed.data, f"sealed with SM2, {copy}")
                note(f"authority record is ledger entry {sealed.use.index}; {name}")
        story.refused(
            "a third use of the two-use grant is refused",
            errors.GrantExhausted,
            lambda: self._seal(application.id, grant.id, self.contract, "sun"),
        )

    def contract_seal(self) -> None:
        self.story.chapter("The Shenzhen branch uses the contract seal")
        registry, story = self.registry, self.story
        with story.step("chen applies, li and sun approve"):
            application = registry.apply(CONTRACT_SEAL, self.contract, purpose="采购合同副本", uses=2, by="chen")
            for approver in ("li", "sun"):
                registry.approve(application.id, by=approver)
        with story.step("zhao grants one use that ends in a moment, and one until tomorrow"):
            brief = self._grant(CONTRACT_SEAL, application.id, "chen", uses=1, until=datetime.now(UTC) + GRANT_LIFE)
            lasting = self._grant(
                CONTRACT_SEAL, application.id, "chen", uses=1, until=datetime.now(UTC) + timedelta(days=1)
            )
        with story.step("use 1 of 1") as note:
            sealed = self._seal(application.id, lasting.id, self.contract, "chen")
            self._write("contract.contract-seal.pdf", sealed.data, "sealed with P-256")
            note(f"authority record is ledger entry {sealed.use.index}; contract.contract-seal.pdf")
        time.sleep(GRANT_LIFE.total_seconds())
        story.refused(
            "an expired grant is refused",
            errors.GrantExpired,
            lambda: self._seal(application.id, brief.id, self.contract, "chen"),
        )

    def verify_documents(self) -> None:
        from sealcore.pdf import verify_pdf  # noqa: PLC0415  loads pyHanko

        self.story.chapter("Verifying the documents")
        roots = self._roots()
        reader = LedgerReader.open(self.directory / "office" / "ledger")
        for name in ("contract.company-seal.1.pdf", "contract.company-seal.2.pdf", "contract.contract-seal.pdf"):
            with self.story.step(f"{name}") as note:
                verdict = verify_pdf(self.directory / name, roots=roots)
                seal = verdict.seals[-1]
                sound = seal.intact and seal.valid and seal.trusted and seal.entire_file
                _expect(sound, f"{name} is {verdict.verdict}: {verdict.reasons}")
                if self.unsealed:
                    _expect(verdict.verdict == "authentic", f"{name} is {verdict.verdict}: {verdict.reasons}")
                    note("authentic: intact, valid, trusted, entire file")
                else:
                    # What others signed before is judged too, by roots that the demonstration does not have.
                    note("our seal is intact, valid, trusted and covers the entire file")
                    note(f"with the earlier signatures: {verdict.verdict}")
                if seal.authority is None:
                    raise errors.InternalError(f"{name} does not name its authority record")
                # What the seal says of its authority is the signer's word until the ledger's own entry bears it out.
                entry = reader.entry(seal.authority.index)
                _expect(entry.statement == seal.authority.statement, f"{name} names another statement")
                note(f"{seal.signer} ({seal.algorithm}), authorised by ledger entry {entry.index}")
        with self.story.step("the same without the root certificate") as note:
            verdict = verify_pdf(self.directory / "contract.company-seal.1.pdf", roots=[])
            _expect(verdict.verdict == "unrecognised" if self.unsealed else not verdict.trusted, verdict.verdict)
            note(f"{verdict.verdict}: {'; '.join(verdict.reasons)}")
        sealed = (self.directory / "contract.company-seal.1.pdf").read_bytes()
        for what, forged in (
            ("one byte inside is changed", _flip(sealed, len(self.contract) // 2)),
            ("one line is added at the end", sealed + b"\n% and Party A pays double\n"),
        ):
            with self.story.step(f"{what}") as note:
                self._write("contract.tampered.pdf", forged, "the tampered document")
                try:
                    verdict = verify_pdf(forged, roots=roots)
                except errors.UnreadableDocument as error:
                    note(f"unreadable: {error}")
                else:
                    _expect(verdict.verdict == "altered", f"{what}: {verdict.verdict}")
                    note(f"altered: {'; '.join(verdict.reasons)}")

    def verify_the_ledger(self, office: Path) -> None:
        from sealcore.seals import audit_ledger  # noqa: PLC0415  loads SQLAlchemy

        self.story.chapter("Verifying the ledger")
        ledger = office / "ledger"
        with self.story.step("every entry, link, signature and checkpoint") as note:
            report = verify_ledger(ledger)
            _expect(report.ok, str(report.findings))
            root = report.root.hex() if report.root else ""
            note(f"{report.size} entries, root {root[:32]}…, no findings")
        with self.story.step("every decision replayed") as note:
            audit = audit_ledger(office)
            _expect(audit.ok, str(audit.findings))
            note("every use had its application, its approvals and its grant")
        with self.story.step("a copy with one flipped bit") as note:
            forged = self.directory / "ledger-tampered"
            shutil.copytree(ledger, forged)
            entries = next((forged / "wal").iterdir())
            entries.write_bytes(_flip(entries.read_bytes(), entries.stat().st_size // 2))
            report = verify_ledger(forged)
            _expect(not report.ok, "the flipped bit is found")
            for finding in report.findings[:3]:
                note(str(finding))
        self.files["the office"] = str(office)
        self.files["the tampered ledger"] = str(forged)

    def recognise(self) -> None:
        from sealcore.seals.drawing import synthetic_scan  # noqa: PLC0415  loads Pillow

        self.story.chapter("Recognising an imprint on a scan")
        registered = {name: imprint.register(png) for name, png in self.imprints.items()}
        for name, angle in ((COMPANY_SEAL, 37.0), (CONTRACT_SEAL, 205.0)):
            with self.story.step(f"a scan with the {name}, turned by {angle:g} degrees") as note:
                scan = synthetic_scan(self.imprints[name], dpi=200, angle=angle, seed=7)
                self._write(f"scan.{name}.png", scan, f"synthetic scan with the {name}")
                results = {other: imprint.compare(seal, scan) for other, seal in registered.items()}
                best = min(results, key=lambda other: results[other].score)
                right = best == name and results[name].verdict == imprint.MATCHES
                _expect(right, f"{name} is recognised: {results}")
                note(", ".join(f"{other}: {r.verdict}" for other, r in results.items()))

    # --- helpers

    def _roots(self) -> list[pki.Certificate]:
        return [authority.certificate for authority in self.authorities.values()]

    def _grant(self, seal: str, application: str, grantee: str, *, uses: int, until: datetime) -> Any:
        return self.registry.grant(seal, application=application, grantee=grantee, uses=uses, valid_to=until, by="zhao")

    def _seal(self, application: str, grant: str, document: bytes, by: str) -> Any:
        where: dict[str, Any] = {"keyword": KEYWORD} if self.given is None else CORNER
        return self.registry.seal_document(application, grant, document, by=by, **where)

    def _write(self, name: str, data: bytes, what: str) -> None:
        path = self.directory / name
        path.write_bytes(data)
        self.files[what] = str(path)


def _flip(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


COMMANDS = [demo]
