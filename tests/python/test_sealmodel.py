"""The model of seals that benchmarks and tests rest on: what it says it draws, stamps and forges is what comes out."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from scipy import ndimage

from imprint.counts import Share, equal_error, errors, threshold
from sealmodel import typefaces
from sealmodel.design import Glyph, Layout, Ring, Seal, Star, company, lay_out, name_seal, sibling
from sealmodel.forgery import FORGERIES
from sealmodel.page import compose
from sealmodel.press import HARDNESS, Pressing, stamp
from sealmodel.raster import drawing, field, frame_of
from sealmodel.scan import Scan, develop, photograph, printed

FACES = ("noto-serif", "noto-sans")
LAYOUT = Layout(
    "round", "北京晨光科技有限公司", "合同专用章", "1101081234567", 40.0, 40.0, 1.0, 14.0, "noto-serif", 4.2, 230.0
)
SEAL = lay_out(LAYOUT)
UNIT = 300 / 25.4


def chance(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def along(distance: np.ndarray, x_mm: float, y_mm: float) -> float:
    """The distance at a place given in millimetres from the middle."""
    height, width = distance.shape
    return float(distance[round(height / 2 + y_mm * UNIT - 0.5), round(width / 2 + x_mm * UNIT - 0.5)])


def test_parts_stand_where_the_official_sizes_say() -> None:
    distance = field(SEAL)
    for radius, inked in ((19.9, True), (19.1, True), (18.9, False), (20.1, False)):
        assert (along(distance, radius, 0) < 0) == inked, radius
    assert along(distance, 19.5, 0) == pytest.approx(-0.5, abs=0.05), "the middle of a ring of 1 mm"
    assert along(distance, 0, -6.7) < 0 < along(distance, 0, -7.15), "the star's point at 7 mm"
    assert along(distance, 0, 6.5) > 0, "a pentagram has no point below"
    square = name_seal("陈小林印", 20.0, 0.8, "noto-serif")
    distance = field(square)
    assert along(distance, -9.6, 0) < 0 < along(distance, -9.1, 0)
    assert drawing(square).shape == (*distance.shape, 3)


def test_a_field_is_a_distance_at_any_resolution() -> None:
    """Its slope is one, and coarse and fine fields tell the same distances."""
    fine, coarse = field(SEAL, 600.0), field(SEAL, 150.0)
    steep = np.hypot(*np.gradient(fine)) * 600 / 25.4
    near = np.abs(fine) < 0.15
    assert np.median(steep[near]) == pytest.approx(1.0, abs=0.03)
    shrunk = fine.reshape(coarse.shape[0], 4, coarse.shape[1], 4).mean((1, 3))
    edge = np.abs(coarse) < 0.3
    assert np.median(np.abs(shrunk - coarse)[edge]) < 0.02


def test_registry_is_repeatable_and_varied() -> None:
    seals = [company(chance(seed), FACES) for seed in range(60)]
    assert seals == [company(chance(seed), FACES) for seed in range(60)]
    assert {seal.shape for seal in seals} == {"round", "oval", "square"}
    assert len({str(seal.parts) for seal in seals}) == 60
    twin = sibling(SEAL, chance())
    assert twin.layout is not None
    assert twin.layout.name == LAYOUT.name
    assert (twin.layout.purpose, twin.layout.code) != (LAYOUT.purpose, LAYOUT.code)
    names = [(part.x, part.y) for part in SEAL.parts if isinstance(part, Glyph) and part.group.startswith("name")]
    others = [(part.x, part.y) for part in twin.parts if isinstance(part, Glyph) and part.group.startswith("name")]
    assert names == others, "the name of a sibling stands in the same places"


def test_imprints_are_repeatable_by_their_seed() -> None:
    def made(seed: int) -> np.ndarray:
        rng = chance(seed)
        return develop(stamp(field(SEAL), 300.0, 200.0, HARDNESS[1], rng).ink, Scan(dpi=200), rng)

    assert np.array_equal(made(1), made(1))
    assert not np.array_equal(made(1), made(2))


@pytest.mark.parametrize("hardness", [0, 1, 2])
def test_ink_is_lost_as_told(hardness: int) -> None:
    """Only thick parts are counted: at edges ink also spreads."""
    kept = []
    for seed in range(6):
        pressing = Pressing(loss=HARDNESS[hardness].loss, turn=0.0, elastic=0.0, stretch=0.0)
        imprint = stamp(field(SEAL), 300.0, 300.0, pressing, chance(seed))
        thick = centred(field(SEAL), imprint.ink.shape) < -0.2
        kept.append(np.mean(imprint.ink[thick] > 0.35))
    assert 1 - np.mean(kept) == pytest.approx(HARDNESS[hardness].loss, abs=0.35 * HARDNESS[hardness].loss + 0.02)


def centred(distance: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The field around its middle, far from ink where it does not reach."""
    wide = np.pad(distance, 40, constant_values=9.0)
    top, left = (wide.shape[0] - shape[0]) // 2, (wide.shape[1] - shape[1]) // 2
    return wide[top : top + shape[0], left : left + shape[1]]


@pytest.mark.parametrize("angle_limit", [0.0, 180.0])
def test_angle_and_centre_are_the_truth(angle_limit: float) -> None:
    """Turned back by its angle, an imprint lies on the drawing."""
    pressing = Pressing(loss=0.0, turn=angle_limit, elastic=0.0, stretch=0.0, gain=0.0, pressure=0.0, grain=0.001)
    imprint = stamp(field(SEAL), 300.0, 300.0, pressing, chance(4))
    turn = math.radians(imprint.angle)
    (
        height,
        width,
    ) = field(SEAL).shape
    y, x = np.mgrid[0:height, 0:width].astype(float)
    x, y = x - width / 2 + 0.5, y - height / 2 + 0.5
    columns = math.cos(turn) * x + math.sin(turn) * y + imprint.centre[0] - 0.5
    rows = -math.sin(turn) * x + math.cos(turn) * y + imprint.centre[1] - 0.5
    back = ndimage.map_coordinates(imprint.ink, [rows, columns], order=1)
    inked = back > 0.43
    drawn = field(SEAL) < 0
    assert np.sum(inked != drawn) / np.sum(drawn) < 0.06


def test_elastic_displacement_is_as_large_as_told() -> None:
    """Edges of a straight grating are displaced by the elastic field alone: about 0.7 of it along their normal."""
    x = (np.arange(600) - 300) / UNIT
    grating = np.repeat((np.abs((x[None, :] % 4) - 2) - 1).astype(np.float32), 600, 0)
    rms = []
    for seed in range(8):
        pressing = Pressing(loss=0.0, turn=0.0, elastic=0.06, stretch=0.0, gain=0.0, pressure=0.0, grain=0.0005)
        imprint = stamp(grating, 300.0, 300.0, pressing, chance(seed))
        middle = imprint.ink[60:-60] > 0.43
        offsets = []
        for row in middle[::20]:
            edges = np.flatnonzero(np.diff(row.astype(int)))
            places = (edges + 1 - imprint.centre[0]) / UNIT
            places = places[np.abs(places) < 20]
            offsets.append(places - np.round((places - 1) / 2) * 2 - 1)
        flat = np.concatenate(offsets)
        # A pore in the ink makes two edges more: the median does not mind.
        rms.append(1.4826 * np.median(np.abs(flat - np.median(flat))))
    assert np.mean(rms) == pytest.approx(0.06 / math.sqrt(2), rel=0.35)


def glyphs_of(seal: Seal) -> list[Glyph]:
    return [part for part in seal.parts if isinstance(part, Glyph)]


def test_forgeries_change_what_they_say() -> None:
    true = field(SEAL)
    star = FORGERIES["star +8%"].make(SEAL, chance(), 300.0)
    assert along(true, 0, -7.25) > 0.15
    assert along(star, 0, -7.25) < 0
    ring = FORGERIES["ring +50%"].make(SEAL, chance(), 300.0)
    assert along(true, 18.7, 0) > 0.2
    assert along(ring, 18.7, 0) < -0.1
    weight = FORGERIES["weight +0.06 mm"].make(SEAL, chance(), 300.0)
    name = np.abs(true - weight) > 0.05
    assert np.median((true - weight)[name]) == pytest.approx(0.06, abs=0.005)
    turned = FORGERIES["star turned 5 deg"].make(SEAL, chance(), 300.0)
    changed = np.argwhere((true < 0) != (turned < 0)) / UNIT - np.array(true.shape) / UNIT / 2
    assert np.hypot(*changed.T).max() < 7.1, "nothing but the star"


@pytest.mark.parametrize("sigma", [0.04, 0.17])
def test_jitter_moves_each_character_alone(sigma: float) -> None:
    """Measured on the picture: the middle of each character's ink."""
    true = field(SEAL)
    labels, count = ndimage.label(true < 0.35)
    shifts = []
    for seed in range(5):
        forged = FORGERIES[f"jitter {sigma:g} mm"].make(SEAL, chance(seed), 300.0)
        for part in glyphs_of(SEAL):
            if not part.group.startswith("name"):
                continue
            row, column = round(true.shape[0] / 2 + part.y * UNIT), round(true.shape[1] / 2 + part.x * UNIT)
            reach = round(2.6 * UNIT)
            window = np.s_[row - reach : row + reach, column - reach : column + reach]
            near = labels[window] == np.bincount(labels[window][labels[window] > 0]).argmax()
            one, two = ((np.clip(0.5 - f[window] * UNIT, 0, 1) * near) for f in (true, forged))
            shifts += list(np.subtract(ndimage.center_of_mass(two), ndimage.center_of_mass(one)) / UNIT)
    assert count > 5
    assert np.std(shifts) == pytest.approx(sigma, rel=0.3)


def test_every_forgery_differs_from_the_seal() -> None:
    if missing_song():
        pytest.skip("left out: fonts-arphic-gbsn00lp is not installed")
    true = field(SEAL)
    for kind, forgery in FORGERIES.items():
        if not forgery.suits(SEAL):
            continue
        forged = forgery.make(SEAL, chance(2), 300.0)
        assert forged.shape == true.shape, kind
        assert np.mean((true < 0) != (forged < 0)) > 0.0005, kind


def missing_song() -> bool:
    absent = "song" not in typefaces.installed()
    assert not (absent and os.environ.get("CI")), "CI installs fonts-arphic-gbsn00lp"
    return absent


def test_a_missing_typeface_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typefaces, "_path", lambda _: None)
    with pytest.raises(
        typefaces.MissingTypeface,
        match=r"kai, noto-serif: pip install .*drawing.*; apt-get install fonts-arphic-gkai00mp",
    ):
        typefaces.require("kai", "noto-serif")


def test_scans_keep_to_their_conditions() -> None:
    ink = stamp(field(SEAL), 300.0, 300.0, HARDNESS[0], chance()).ink
    grey = develop(ink, Scan(grey=True, jpeg=None), chance())
    assert np.array_equal(grey[..., 0], grey[..., 1])
    red = develop(ink, Scan(jpeg=None, text=0.0), chance())
    inked = ink > 0.6
    assert red[inked][:, 0].mean() > 190
    assert red[inked][:, 1].mean() < 130
    photo = photograph(red, chance())
    assert photo.shape == red.shape
    assert not np.array_equal(photo, red)


@pytest.mark.parametrize("way", ["laser", "inkjet"])
def test_print_puts_ink_down_in_dots(way: str) -> None:
    """As dark on the whole, but in dots: much rougher than ink on a plain."""
    tone = np.full((240, 240), 0.5, np.float32)
    dots = printed(tone, 600.0, chance(), way=way)
    assert dots.mean() == pytest.approx(0.46, abs=0.06)
    assert dots.std() > 0.12


def test_pages_place_seals_where_they_say() -> None:
    page = compose(chance(3), seals=2, dpi=150.0, pressing=Pressing(loss=0.0))
    assert page.pixels.shape == (1754, 1240, 3)
    assert len(page.placed) == 2
    for placed in page.placed:
        ring = next(part for part in placed.seal.parts if not isinstance(part, (Glyph, Star)))
        x, y = placed.centre
        if isinstance(ring, Ring):
            at = round(y), round(x + placed.half[0] - ring.width / 2 * 150 / 25.4)
            colour = page.pixels[at[0] - 1 : at[0] + 2, at[1] - 1 : at[1] + 2].reshape(-1, 3).mean(0)
            assert np.ptp(colour) > 40, "coloured ink on the border"
    width, height, _ = frame_of(SEAL, 150)
    assert width == height


# --- counting errors ---


def test_intervals_are_those_of_clopper_and_pearson() -> None:
    """0 of 10: 1 - 0.025^(1/10); 3 of 10: tabulated 6.67% to 65.25%."""
    assert Share(0, 10).interval == (0.0, pytest.approx(1 - 0.025**0.1))
    assert Share(10, 10).interval == (pytest.approx(0.025**0.1), 1.0)
    assert Share(3, 10).interval == (pytest.approx(0.0667, abs=1e-4), pytest.approx(0.6525, abs=1e-4))
    assert Share(0, 0).interval == (0.0, 1.0)


def test_equal_error_of_known_scores() -> None:
    good, bad = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [8.5, 11, 12, 13, 14, 15, 16, 17, 18, 19]
    assert equal_error(good, bad) == pytest.approx(0.1)
    cut = threshold(good, bad)
    assert 9 < cut < 10 or 8.5 < cut < 9.5
    found = errors(good, bad, cut)
    assert (found.refused.count, found.passed.count) == (1, 1)
    assert equal_error([1, 2], [3, 4]) == 0
    assert threshold([1, 2], [3, 4]) == pytest.approx(2.5), "a gap is cut in its middle"
    assert equal_error([3, 4], [1, 2]) == 1, "scores the wrong way round"
