"""What lies over an imprint, and what is not there at all: only what can be seen is said to match."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from sealcore import imprint
from sealcore.imprint_report import sentence
from sealmodel.design import company
from sealmodel.press import HARDNESS, stamp
from sealmodel.raster import drawing, field
from sealmodel.scan import Scan, develop

DPI = 300


class Sealed:
    """A seal of the model, its registered form, and imprints of it."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        purposed = (s for s in (company(self.rng) for _ in range(20)) if s.shape == "round" and s.layout.purpose)
        self.seal = next(purposed)
        pixels = drawing(self.seal, DPI)
        middle = (pixels.shape[1] / 2, pixels.shape[0] / 2)
        self.registered = imprint.register(pixels, imprints=[self.place(middle, 0.0, "drawn")])

    def place(self, centre: tuple[float, float], angle: float, ink: str) -> imprint.Imprint:
        radius, turn = self.seal.width / 2 * DPI / 25.4, math.radians(angle)
        axes = (
            (radius * math.cos(turn), -radius * math.sin(turn)),
            (radius * math.sin(turn), radius * math.cos(turn)),
        )
        return imprint.Imprint(shape="round", ink=ink, centre=(centre[0] - 0.5, centre[1] - 0.5), axes=axes, dpi=DPI)

    def stamped(self, *, without: str | None = None):
        parts = tuple(part for part in self.seal.parts if without is None or not part.group.startswith(without))
        return stamp(field(replace(self.seal, parts=parts), DPI), DPI, DPI, HARDNESS[0], self.rng)

    def scanned(self, stamped, scan: Scan):
        ink = "grey" if scan.grey else "red"
        pixels = np.array(develop(stamped.ink, scan, self.rng))
        return pixels, self.place(stamped.centre, stamped.angle, ink)


@pytest.fixture
def sealed() -> Sealed:
    return Sealed(9100)


@pytest.fixture
def stranger() -> Sealed:
    return Sealed(9200)


@pytest.mark.parametrize("scan", [Scan(text=1.0), Scan(text=1.0, grey=True)], ids=["colour", "grey"])
def test_print_over_an_imprint_is_not_held_against_it(sealed, scan):
    """On grey pictures the edges and thin strokes of print are no darker than a seal."""
    genuine = imprint.compare(sealed.registered, *sealed.scanned(sealed.stamped(), scan))
    assert genuine.verdict == imprint.MATCHES, sentence(genuine)
    assert genuine.extra < 0.01
    assert 0.4 < genuine.clear < 1


def test_print_on_a_grey_page_does_not_hide_another_design(sealed, stranger):
    scan = Scan(text=1.0, grey=True)
    other = imprint.compare(sealed.registered, *stranger.scanned(stranger.stamped(), scan))
    assert other.verdict in {"different", "look-alike"}, sentence(other)


@pytest.mark.parametrize("grey", [False, True], ids=["colour", "grey"])
def test_nothing_matches_under_a_black_disc(sealed, stranger, grey):
    """With all characters blackened a border is all that is left, and borders are alike."""
    for world in (sealed, stranger):
        pixels, place = world.scanned(world.stamped(), Scan(text=0.0, grey=grey))
        y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
        inside = np.hypot(x - place.centre[0], y - place.centre[1]) < 0.93 * np.hypot(*place.axes[0])
        pixels[inside] = 20
        comparison = imprint.compare(sealed.registered, pixels, place)
        assert comparison.clear < 0.1
        assert comparison.verdict == "insufficient", sentence(comparison)
        assert comparison.decided_by.measure == "clear"


def whole(sealed):
    """A genuine imprint that matches, and its large characters on the picture: part, left, top, right, bottom."""
    pixels, place = sealed.scanned(sealed.stamped(), Scan(text=0.0))
    bare = imprint.compare(sealed.registered, pixels, place)
    assert bare.verdict == imprint.MATCHES, sentence(bare)
    turn, unit, boxes = math.radians(bare.angle), DPI / 25.4, []
    for number, part in enumerate(bare.parts):
        if part.kind == "character" and min(part.size_mm) > 3:
            x, y = part.centre_mm
            x, y = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
            across, down = place.centre[0] + x * unit, place.centre[1] + y * unit
            half = max(part.size_mm) * 0.6 * unit
            boxes.append((number, round(across - half), round(down - half), round(across + half), round(down + half)))
    return pixels, place, boxes


def test_a_black_bar_over_one_character_leaves_it_unseen(sealed):
    pixels, place, boxes = whole(sealed)
    hidden, left, top, right, bottom = boxes[0]
    pixels[top:bottom, left:right] = 20
    barred = imprint.compare(sealed.registered, pixels, place)
    assert barred.verdict == "insufficient", sentence(barred)
    assert barred.decided_by.measure == "clear"
    assert barred.decided_by.part == hidden


def test_two_characters_half_hidden_and_half_gone_are_unseen(sealed):
    pixels, place, boxes = whole(sealed)
    for _, left, top, right, bottom in (boxes[0], boxes[-1]):
        middle = (left + right) // 2
        pixels[top:bottom, middle:right] = pixels[0, 0]
        pixels[top:bottom, left:middle] = 20
    halved = imprint.compare(sealed.registered, pixels, place)
    assert halved.verdict == "insufficient", sentence(halved)
    assert halved.decided_by.measure == "clear"
    assert halved.decided_by.part in {boxes[0][0], boxes[-1][0]}


def overlapping(first: np.ndarray, second: np.ndarray):
    """Two layers of one page, the second seal over the right edge of the first."""
    side = 3 * max(first.shape + second.shape)
    layers = []
    for piece, shift in ((first, 0), (second, round(0.75 * first.shape[1]))):
        layer = np.zeros((side, side), np.float32)
        top, left = (side - piece.shape[0]) // 2, (side - piece.shape[1]) // 2 + shift
        layer[top : top + piece.shape[0], left : left + piece.shape[1]] = piece
        layers.append(layer)
    return layers


def test_another_imprint_over_it_is_not_held_against_it(sealed, stranger):
    first, second = overlapping(sealed.stamped().ink, stranger.stamped().ink)
    page = np.ascontiguousarray(develop(first, Scan(text=0.0), sealed.rng, others=((second, "red"),)))
    image = imprint.Image.from_array(page, dpi=DPI)
    found = sorted(imprint.find(image), key=lambda place: place.centre[0])
    assert len(found) == 2
    alone = imprint.compare(sealed.registered, image, found[0])
    assert alone.verdict != imprint.MATCHES
    assert alone.decided_by.measure in {"extra", "part_extra", "part_stray"}
    beside = imprint.compare(sealed.registered, image, found[0], others=found)
    assert beside.verdict == imprint.MATCHES, sentence(beside)
    assert beside.clear < 1
    assert imprint.compare(sealed.registered, image, found[1], others=found).verdict in {"different", "look-alike"}


def test_an_imprint_among_the_others_is_not_over_itself(sealed, stranger):
    """Nor is the same border measured again, or with another resolution."""
    pixels, place = stranger.scanned(stranger.stamped(), Scan(text=0.0))
    again = imprint.Imprint(
        shape="round", ink="red", centre=(place.centre[0] + 2, place.centre[1] - 2), axes=place.axes, dpi=200
    )
    alone = imprint.compare(sealed.registered, pixels, place)
    among = imprint.compare(sealed.registered, pixels, place, others=[place, again])
    assert alone.verdict == among.verdict != imprint.MATCHES
    assert alone.score == among.score


def test_a_seal_of_the_same_company_without_a_purpose_does_not_match(sealed):
    """Missing ink is no evidence, but a line of which there is no trace is where another seal differs."""
    whole = imprint.compare(sealed.registered, *sealed.scanned(sealed.stamped(), Scan(text=0.0)))
    assert whole.verdict == imprint.MATCHES, sentence(whole)
    bare = imprint.compare(sealed.registered, *sealed.scanned(sealed.stamped(without="purpose"), Scan(text=0.0)))
    assert bare.verdict != imprint.MATCHES, sentence(bare)
