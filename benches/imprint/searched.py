"""Search in a registry: a quarter of its seals are siblings of others (same company, other purpose and code)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import sealcore.imprint as room
from imprint import subject
from imprint.counts import Share
from imprint.rows import FOLDER, Row
from imprint.trials import imprint_of, in_processes
from sealmodel.design import Seal, company, sibling
from sealmodel.press import HARDNESS
from sealmodel.raster import field as distances
from sealmodel.scan import Scan

__all__ = ["registry", "search"]

_SEED = 7_000_000
_MODEL = 1
"""Counts up when the model's seals change: an index that was built from other seals is not used."""
_REGISTRY_DPI = 200.0
"""Drawings of the registry are made at 200 dpi, which halves the time of rendering; the imprints are scanned at 300."""
_TOP = 10


@dataclass(frozen=True, slots=True)
class _Place:
    number: int
    size: int


def _seal(place: _Place) -> Seal:
    """The seal of this number: the last quarter are siblings of the first ones."""
    bases = place.size - place.size // 4
    rng = np.random.default_rng([_SEED, place.number])
    if place.number < bases:
        return company(rng)
    return sibling(company(np.random.default_rng([_SEED, place.number - bases])), rng)


def _fingerprint(place: _Place) -> bytes:
    image, box = subject.drawn(_seal(place), _REGISTRY_DPI)
    return room.fingerprint(image, box).to_bytes()


def registry(size: int, jobs: int) -> Path:
    """The index of this size; built once and kept in ``target/accuracy``, for it takes minutes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    version = room.fingerprint(*subject.drawn(_seal(_Place(0, size)), _REGISTRY_DPI)).to_bytes()[:1].hex()
    path = FOLDER / f"registry-{size}-model{_MODEL}-code{version}.index"
    if path.exists():
        return path
    building = path.with_suffix(".building")
    building.unlink(missing_ok=True)
    index = room.Index.create(building)
    places = [_Place(number, size) for number in range(size)]
    for number, code in enumerate(in_processes("registry", _fingerprint, places, jobs, chunk=50)):
        index.add(str(number), room.Fingerprint.from_bytes(code))
    index.sync()
    building.rename(path)
    return path


@dataclass(frozen=True, slots=True)
class _Query:
    place: _Place
    hardness: int
    index: str


@functools.lru_cache(maxsize=1)
def _opened(path: str) -> room.Index:
    return room.Index.open(path)


def _ask(query: _Query) -> tuple[int, int, int]:
    """Ranks from 0: by the code and its correlation, and after the comparison of the first ten; -1 is not found."""
    seal = _seal(query.place)
    rng = np.random.default_rng([_SEED + query.hardness, query.place.number])
    truth, pixels = imprint_of(seal, distances(seal), rng, HARDNESS[query.hardness], Scan())
    image, box = subject.picture(pixels, 300.0), subject.box(seal, truth, rng)
    hits = _opened(query.index).search(room.fingerprint(image, box), limit=100)
    names = [hit.name for hit in hits]
    wanted = str(query.place.number)
    code = names.index(wanted) if wanted in names else -1
    scores = [
        (subject.compare(subject.register(_seal(_Place(int(name), query.place.size))), image, box).score, name)
        for name in names[:_TOP]
    ]
    verified = [name for _, name in sorted(scores)]
    return query.hardness, code, verified.index(wanted) if wanted in verified else -1


def search(size: int, queries: int, jobs: int) -> tuple[list[Row], dict[str, object]]:
    """Top-10 by the code, top-1 after comparing the first ten."""
    path = registry(size, jobs)
    rng = np.random.default_rng(_SEED)
    bases, siblings = size - size // 4, size // 4
    # Half of the questions are for seals that have a sibling.
    numbers = [
        int(rng.integers(bases, size))
        if q % 4 == 0
        else int(rng.integers(0, siblings))
        if q % 4 == 1
        else int(rng.integers(siblings, bases))
        for q in range(queries)
    ]
    tasks = [_Query(_Place(n, size), hardness, str(path)) for hardness in (1, 2) for n in numbers]
    ranks = list(in_processes("search", _ask, tasks, jobs))
    rows = []
    for hardness, ten, one in ((1, 0.999, 0.995), (2, 0.995, 0.98)):
        mine = [(code, verified) for h, code, verified in ranks if h == hardness]
        name = f"search in {size:,}, hardness {hardness}"
        within = Share(sum(0 <= code < _TOP for code, _ in mine), len(mine))
        rows.append(Row.of_share("search", name, "in the top 10", within, ten, at_least=True))
        first = Share(sum(code == 0 for code, _ in mine), len(mine))
        rows.append(Row.of_share("search", name, "first, by the code", first, None, at_least=True))
        best = Share(sum(verified == 0 for _, verified in mine), len(mine))
        rows.append(Row.of_share("search", name, "first, after comparing", best, one, at_least=True))
    return rows, {
        "registry": size,
        "queries_per_hardness": queries,
        "siblings": siblings,
        "registry_dpi": _REGISTRY_DPI,
    }
