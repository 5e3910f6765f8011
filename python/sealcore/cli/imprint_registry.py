"""Imprints against a registry: ``sealcore imprint register``, ``search``, ``compare`` and ``verify-page``.

A registry is a folder: ``seals.index`` for searching, and ``NUMBER.seal``, the registered seal at that position.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sealcore import imprint as imprints
from sealcore.cli.common import any_path, emit, emit_table, existing_file, json_option, progress, write_new
from sealcore.cli.imprints import files_of, imprint
from sealcore.errors import InvalidArgument, MissingExtra, NoImprint, SealcoreError

_INDEX = "seals.index"
_CANDIDATES = 5

dpi_option = click.option(
    "--dpi", type=click.FloatRange(30, 4800), help="Resolution, if it is known better than by the file."
)
registry_option = click.option(
    "--registry", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder of the registry."
)
sources_argument = click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))


class Registry:
    """A folder with an index and the registered seals."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder = folder
        path = folder / _INDEX
        if create and not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            self.index = imprints.Index.create(path)
        elif path.exists():
            self.index = imprints.Index.open(path)
        else:
            message = f"registry: {folder} holds no {_INDEX}; register seals first: sealcore imprint register"
            raise InvalidArgument(message, field="registry")

    def add(self, name: str, seal: imprints.Registered) -> int:
        position = len(self.index)
        # The seal first: what the index names is there.
        write_new(self._path(position), seal.to_bytes(), force=True)
        return self.index.add(name, seal)

    def seal(self, position: int) -> imprints.Registered:
        return imprints.Registered.from_bytes(self._path(position).read_bytes())

    def _path(self, position: int) -> Path:
        return self.folder / f"{position:08d}.seal"


@imprint.command("register")
@sources_argument
@registry_option
@click.option("--name", help="Register all SOURCES as imprints of this one seal. Default: each file is a drawing.")
@dpi_option
@json_option
def register(sources: tuple[Path, ...], registry: Path, name: str | None, dpi: float | None, as_json: bool) -> int:
    """Register seals from drawings, or one seal from imprints of it (three or more tell its own elastic spread).

    Without --name every picture of SOURCES is the drawing of a seal named like the file. Exit code 3 if a file could
    not be registered (the others are).

    \b
    Examples:
      sealcore imprint register drawings/ --registry seals
      sealcore imprint register first.png second.png third.png --name "contract seal" --registry seals --dpi 300
    """
    files = [file for source in sources for file in files_of(source)]
    if not files:
        raise InvalidArgument("sources: no pictures there (PNG, JPEG, BMP, TIFF)", field="sources")
    store = Registry(registry, create=True)
    rows: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    groups = [(name, files)] if name is not None else [(file.stem, [file]) for file in files]
    with progress("registering", quiet=as_json or len(groups) == 1) as step:
        for done, (title, group) in enumerate(groups):
            step(done, len(groups))
            try:
                seal = imprints.register(*(file.read_bytes() for file in group), dpi=dpi)
                position = store.add(title, seal)
            except (SealcoreError, OSError) as error:
                failed.append({"file": str(group[0]), "error": str(error)})
                continue
            width, height = seal.size_mm
            rows.append(
                {
                    "name": title,
                    "position": position,
                    "shape": seal.shape,
                    "size": f"{width:.1f} x {height:.1f} mm",
                    "imprints": seal.imprints,
                    "spread_mm": seal.spread_mm,
                }
            )
    store.index.sync()
    return _tell(rows, failed, ("name", "position", "shape", "size", "imprints", "spread_mm"), as_json=as_json)


@imprint.command("search")
@sources_argument
@registry_option
@click.option("--limit", type=click.IntRange(1, 1000), default=5, show_default=True, help="Hits for each imprint.")
@dpi_option
@json_option
def search(sources: tuple[Path, ...], registry: Path, limit: int, dpi: float | None, as_json: bool) -> int:
    """Search the registry for every imprint on SOURCES: pictures, PDFs, or folders of them.

    Exit code 1 if there is no imprint, 3 if a file could not be read.

    \b
    Example:
      sealcore imprint search scans/ --registry seals --limit 3
    """
    store = Registry(registry)
    rows: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    for file, number, page in _pages(sources, dpi, failed, quiet=as_json):
        for found in imprints.find(page):
            place = {"file": str(file), "page": number, "box": found.box}
            for rank, hit in enumerate(store.index.search(imprints.fingerprint(page, found), limit=limit), start=1):
                score = round(hit.score, 4)
                rows.append({**place, "rank": rank, "name": hit.name, "score": score, "angle": round(hit.angle, 1)})
    return _tell(rows, failed, ("file", "page", "box", "rank", "name", "score", "angle"), as_json=as_json)


@imprint.command("compare")
@click.argument("registered", type=existing_file)
@click.argument("questioned", type=existing_file)
@click.option("--overlay", type=any_path, help="Write the overlay here (PNG).")
@click.option("--report", type=any_path, help="Write the report here: .html, or .pdf (extra pdf).")
@click.option("--force", is_flag=True, help="Replace existing output files.")
@dpi_option
@json_option
def compare(
    registered: Path,
    questioned: Path,
    overlay: Path | None,
    report: Path | None,
    force: bool,
    dpi: float | None,
    as_json: bool,
) -> int:
    """Tell whether QUESTIONED shows the design of REGISTERED: a drawing, an imprint, or a .seal file of a registry.

    Exit code 0 only for "matches the registered design".

    \b
    Example:
      sealcore imprint compare seal.png scan.png --overlay overlay.png --report report.pdf
    """
    if report is not None and report.suffix.lower() not in {".html", ".htm", ".pdf"}:
        raise InvalidArgument(f"report: {report} ends neither in .html nor in .pdf", field="report")
    data = registered.read_bytes()
    stored = registered.suffix == ".seal"
    seal = imprints.Registered.from_bytes(data) if stored else imprints.register(data, dpi=dpi)
    question = imprints.decode(questioned.read_bytes(), dpi=dpi)
    found = imprints.find(question, dpi=dpi)
    if not found:
        raise NoImprint(f"{questioned}: no round, oval or square border of a seal was found")
    result = imprints.compare(seal, question, found[0], others=found, dpi=dpi)
    if overlay is not None:
        write_new(overlay, result.overlay_png(), force=force)
    if report is not None:
        notes = (f"registered: {registered.name}", f"questioned: {questioned.name}")
        _report(report, result, seal.to_png(), imprints.cutout(question, found[0]), notes, force=force)
    emit(_facts(result), as_json=as_json, text=_words(result))
    return 0 if result.verdict == imprints.MATCHES else 1


@imprint.command("verify-page")
@sources_argument
@registry_option
@click.option("--overlays", type=any_path, help="Write an overlay of every imprint into this folder.")
@dpi_option
@json_option
def verify_page(
    sources: tuple[Path, ...], registry: Path, overlays: Path | None, dpi: float | None, as_json: bool
) -> int:
    """Find every imprint on SOURCES, search the registry for it, and compare it with the seals most like it.

    Exit code 0 if there are imprints and all match a registered design, 1 if not, 3 if a file could not be read.

    \b
    Example:
      sealcore imprint verify-page contract.pdf --registry seals --overlays overlays/
    """
    store = Registry(registry)
    rows: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    seals: dict[int, imprints.Registered] = {}
    for file, number, page in _pages(sources, dpi, failed, quiet=as_json):
        on_page = imprints.find(page)
        for place, found in enumerate(on_page, start=1):
            best: tuple[imprints.Hit, imprints.Comparison] | None = None
            for hit in store.index.search(imprints.fingerprint(page, found), limit=_CANDIDATES):
                if hit.position not in seals:
                    seals[hit.position] = store.seal(hit.position)
                result = imprints.compare(seals[hit.position], page, found, others=on_page)
                if best is None or result.score < best[1].score:
                    best = (hit, result)
            row: dict[str, Any] = {"file": str(file), "page": number, "box": found.box}
            if best is None:
                rows.append({**row, "name": None, "verdict": "different", "ok": False})
                continue
            hit, result = best
            rows.append({**row, "name": hit.name, **_facts(result)})
            if overlays is not None:
                overlays.mkdir(parents=True, exist_ok=True)
                write_new(overlays / f"{file.stem}.{number}.{place}.png", result.overlay_png(), force=True)
    matched = bool(rows) and all(row["ok"] for row in rows)
    columns = ("file", "page", "box", "name", "verdict", "decided_by", "coverage", "score")
    code = _tell(rows, failed, columns, as_json=as_json, ok=matched)
    return code or (0 if matched else 1)


def _words(result: imprints.Comparison) -> str:
    """The verdict, the alarms, and how often this verdict is wrong."""
    from sealcore.imprint_report import rate_words, sentence  # noqa: PLC0415  words for people only

    wrong = "false acceptance" if result.verdict == imprints.MATCHES else "false refusal"
    lines = [f"{sentence(result)} (turned by {result.angle:.1f} degrees)"]
    lines += [f"alarm: {alarm}" for alarm in result.alarms]
    lines += [
        f"{wrong}, {rate.source}, {rate.trial}: {rate_words(rate)}"
        for rate in result.error_rates
        if rate.mistake == wrong and result.verdict != "insufficient"
    ]
    return "\n".join(lines)


def _facts(result: imprints.Comparison) -> dict[str, Any]:
    decided = result.decided_by
    return {
        "ok": result.verdict == imprints.MATCHES,
        "verdict": result.verdict,
        "decided_by": decided.measure,
        "part": decided.part,
        "value": round(decided.value, 5),
        "limit": imprints.LIMITS[decided.measure],
        "score": round(result.score, 4),
        "extra": round(result.extra, 5),
        "displacement_rms_mm": round(result.displacement_rms_mm, 4),
        "displacement_p90_mm": round(result.displacement_p90_mm, 4),
        "coverage": round(result.coverage, 4),
        "clear": round(result.clear, 4),
        "likeness": round(result.likeness, 4),
        "angle_degrees": round(result.angle, 2),
        "scale": None if result.scale is None else round(result.scale, 4),
        "alarms": result.alarms,
        "error_rates": [
            {
                "mistake": rate.mistake,
                "source": rate.source,
                "trial": rate.trial,
                "errors": rate.errors,
                "trials": rate.trials,
                "interval_95": [round(bound, 5) for bound in rate.interval],
            }
            for rate in result.error_rates
        ],
        "error_rates_counted": imprints.RATES_DATE,
    }


def _report(
    path: Path,
    result: imprints.Comparison,
    registered: bytes,
    questioned: bytes,
    notes: tuple[str, ...],
    *,
    force: bool,
) -> None:
    from sealcore.imprint_report import report, report_pdf  # noqa: PLC0415  only for --report

    if path.suffix.lower() == ".pdf":
        data = report_pdf(result, registered=registered, questioned=questioned, notes=notes)
    else:
        data = report(result, registered=registered, questioned=questioned, notes=notes).encode()
    write_new(path, data, force=force)


def _pages(
    sources: tuple[Path, ...], dpi: float | None, failed: list[dict[str, str]], *, quiet: bool
) -> Iterator[tuple[Path, int, imprints.Image]]:
    """Every page of every file, with progress; what cannot be read is noted in ``failed``."""
    files = [file for source in sources for file in files_of(source)]
    with progress("reading", quiet=quiet or len(files) == 1) as step:
        for done, file in enumerate(files):
            step(done, len(files))
            try:
                for number, page in enumerate(imprints.pages(file, dpi=dpi), start=1):
                    yield file, number, page
            except MissingExtra:
                raise
            except (SealcoreError, OSError) as error:
                failed.append({"file": os.fspath(file), "error": str(error)})


def _tell(
    rows: list[dict[str, Any]],
    failed: list[dict[str, str]],
    columns: tuple[str, ...],
    *,
    as_json: bool,
    ok: bool | None = None,
) -> int:
    """Prints rows and failures; the exit code."""
    fine = (bool(rows) if ok is None else ok) and not failed
    if as_json:
        emit({"ok": fine, "rows": rows, "failed": failed}, as_json=True)
    else:
        emit_table(rows, columns, as_json=False, empty="no imprint")
        for failure in failed:
            click.echo(f"{failure['file']}: {failure['error']}", err=True)
    return 3 if failed else 0 if rows else 1


COMMANDS = [imprint]
