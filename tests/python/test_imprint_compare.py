"""Registered seals, comparison, index and report through Python, on the model of seals and on real imprints."""

from __future__ import annotations

import io
import json
import math
import pickle

import numpy as np
import pytest
from PIL import Image as Pictures

from sealcore import errors, imprint
from sealcore.imprint_report import part_name, rate_words, report, report_pdf, sentence
from sealcore.seals.drawing import SealDesign, draw_seal, synthetic_scan
from sealmodel.design import company
from sealmodel.forgery import FORGERIES
from sealmodel.press import HARDNESS, stamp
from sealmodel.raster import drawing, field
from sealmodel.scan import Scan, develop, printed

DPI = 300


def placed(seal, centre, angle, ink, dpi=DPI):
    """The imprint of a seal whose place is known."""
    a, b, t = seal.width / 2 * dpi / 25.4, seal.height / 2 * dpi / 25.4, math.radians(angle)
    axes = ((a * math.cos(t), -a * math.sin(t)), (b * math.sin(t), b * math.cos(t)))
    return imprint.Imprint(shape=seal.shape, ink=ink, centre=(centre[0] - 0.5, centre[1] - 0.5), axes=axes, dpi=dpi)


class World:
    """A seal, its registered form, and imprints of it and of forgeries."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.seal = company(self.rng)
        self.drawing = drawing(self.seal, DPI)
        height, width = self.drawing.shape[:2]
        self.place = placed(self.seal, (width / 2, height / 2), 0.0, "drawn")
        self.registered = imprint.register(self.drawing, imprints=[self.place])

    def stamped(self, forgery: str | None = None):
        made = field(self.seal, DPI) if forgery is None else FORGERIES[forgery].make(self.seal, self.rng, float(DPI))
        return stamp(made, DPI, DPI, HARDNESS[1], self.rng)

    def scanned(self, stamped):
        picture = np.ascontiguousarray(develop(stamped.ink, Scan(), self.rng))
        return picture, placed(self.seal, stamped.centre, stamped.angle, "red")

    def compared(self, forgery: str | None = None):
        picture, place = self.scanned(self.stamped(forgery))
        return imprint.compare(self.registered, picture, place)


@pytest.fixture(scope="module")
def world() -> World:
    return World(5100)


def test_genuine_imprints_match_and_forgeries_do_not(world):
    genuine = [world.compared() for _ in range(3)]
    assert [c.verdict for c in genuine] == [imprint.MATCHES] * 3
    assert max(c.extra for c in genuine) < 0.02
    for forgery in ("spacing 3%", "jitter 0.25 mm", "ring +50%"):
        forged = world.compared(forgery)
        assert forged.verdict in {"look-alike", "different"}, forgery
        assert forged.score > max(c.score for c in genuine)
        assert forged.decided_by.ratio >= 1


def test_a_comparison_says_what_it_rests_on(world):
    comparison = world.compared("jitter 0.25 mm")
    assert set(imprint.LIMITS) >= {e.measure for e in comparison.evidence}
    ratios = [e.ratio for e in comparison.evidence]
    assert ratios == sorted(ratios, reverse=True)
    assert comparison.parts[0].kind == "border"
    assert sum(part.kind == "character" for part in comparison.parts) >= 8
    assert "look-alike" in sentence(comparison)
    with pytest.raises(TypeError):
        bool(comparison)


def test_the_overlay_is_an_array_and_a_png(world):
    comparison = world.compared("spacing 3%")
    array = np.asarray(comparison.overlay())
    assert array.ndim == 3
    assert array.shape[2] == 3
    assert array.dtype == np.uint8
    shown = np.asarray(Pictures.open(io.BytesIO(comparison.overlay_png())))
    assert (shown == array).all()
    red = (array == (225, 20, 30)).all(axis=2).sum()
    assert red > 200


def test_a_pasted_imprint_repeats_and_a_stamped_one_does_not(world):
    once, again = world.stamped(), world.stamped()
    first, copy, other = (imprint.compare(world.registered, *world.scanned(stamped)) for stamped in (once, once, again))
    assert first.is_repeated(copy)
    assert not first.is_repeated(other)
    assert first.repetition(other) < 0.2
    assert first.repetition(copy) > 0.45
    assert imprint.compare(world.registered, world.drawing, world.place).alarms == ["flat"]
    assert first.alarms == other.alarms == []


def test_a_printer_s_screen_is_seen(world):
    """A scan of a laser print of an imprint: the shape is right, the ink is a lattice of dots."""
    fine = stamp(field(world.seal, DPI), DPI, 600, HARDNESS[1], world.rng)
    box = placed(world.seal, fine.centre, fine.angle, "red", dpi=600)
    scan = Scan(dpi=600, jpeg=(75, 95))
    stamped, laser = (
        imprint.compare(world.registered, np.ascontiguousarray(develop(ink, scan, world.rng)), box)
        for ink in (fine.ink, printed(fine.ink, 600.0, world.rng))
    )
    assert laser.verdict == imprint.MATCHES
    assert (stamped.alarms, laser.alarms) == ([], ["halftone"])


def test_a_verdict_says_how_often_it_errs(world):
    comparison = world.compared()
    assert imprint.RATES_DATE
    assert "seeds B" in imprint.RATES_SET
    rates = comparison.error_rates
    assert {rate.mistake for rate in rates} == {"false refusal", "false acceptance"}
    assert {rate.source for rate in rates} == {"model", "real"}
    for rate in rates:
        assert rate.coverage[0] <= comparison.coverage < rate.coverage[1]
        assert rate.trials > 0
        low, high = rate.interval
        assert low <= rate.rate == rate.errors / rate.trials <= high
        assert f"{rate.errors} of {rate.trials}" in rate_words(rate)


def test_registered_seals_are_values(world):
    again = pickle.loads(pickle.dumps(world.registered))  # noqa: S301
    assert again.to_bytes() == world.registered.to_bytes()
    assert again.fingerprint == world.registered.fingerprint
    with pytest.raises(errors.InvalidEncoding):
        imprint.Registered.from_bytes(world.registered.to_bytes()[:100])
    with pytest.raises(errors.InvalidArgument, match="dpi"):
        imprint.register(world.drawing)
    with pytest.raises(errors.InvalidArgument):
        imprint.register()


def test_an_index_is_searched_by_scans(tmp_path):
    worlds = [World(5200 + k) for k in range(6)]
    path = tmp_path / "seals.index"
    index = imprint.Index.create(path)
    for k, world in enumerate(worlds):
        assert index.add(f"印章 {k}", world.registered) == k
    index.sync()
    index = imprint.Index.open(path)
    assert len(index) == 6
    assert index[2] == ("印章 2", worlds[2].registered.fingerprint)
    questions = [imprint.fingerprint(*world.scanned(world.stamped())) for world in worlds]
    hits = index.search_many(questions, limit=3, threads=2)
    assert [found[0].name for found in hits] == [f"印章 {k}" for k in range(6)]
    with pytest.raises(errors.StorageError) as raised:
        imprint.Index.create(path)
    assert raised.value.path == str(path)
    with pytest.raises(IndexError):
        index[6]


@pytest.mark.parametrize("order", ["nearest first", "nearest last", "mixed"])
def test_the_nearest_are_found_in_whatever_order_they_came(world, tmp_path, order):
    """Each seal has the asked code with its first n bits flipped: 4,092 seals, 0 to 1,022 bits."""
    asked = world.registered.fingerprint
    flips = [n // 4 for n in range(4 * 1023)]
    if order == "nearest last":
        flips.reverse()
    elif order == "mixed":
        np.random.default_rng(1).shuffle(flips)
    index = imprint.Index.create(tmp_path / "seals.index")
    whole = asked.to_bytes()
    code = int.from_bytes(whole[8 : 8 + 256], "little")
    for n in flips:
        flipped = (code ^ ((1 << n) - 1)).to_bytes(256, "little")
        index.add(str(n), imprint.Fingerprint.from_bytes(whole[:8] + flipped + whole[8 + 256 :]))
    hits = index.search(asked, limit=200)
    assert [str(hit.distance) for hit in hits] == [hit.name for hit in hits]
    furthest = max(hit.distance for hit in hits)
    # Bits that the asked code is not sure of are not counted: seals that differ in those alone are equally near.
    assert sum(hit.distance < furthest - 30 for hit in hits) == 4 * max(furthest - 30, 0)
    assert 49 <= furthest < 90


def test_the_report_stands_alone(world):
    comparison = world.compared("jitter 0.25 mm")
    file = io.BytesIO()
    Pictures.fromarray(world.drawing).save(file, "PNG")
    page = report(comparison, registered=file.getvalue(), questioned=file.getvalue(), title="<A & B>", notes=["page 1"])
    assert "&lt;A &amp; B&gt;" in page
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page
    assert "look-alike" in page
    for number, part in enumerate(comparison.parts):
        assert part_name(part, number) in page
    for rate in comparison.error_rates:
        assert rate_words(rate) in page
    with pytest.raises(errors.InvalidArgument, match="questioned"):
        report(comparison, registered=file.getvalue(), questioned=b"no picture")


def test_the_report_is_one_page_of_pdf(world):
    """Pictures, verdict, parts and error rates are on it, in words that can be searched."""
    pypdfium2 = pytest.importorskip("pypdfium2")
    pytest.importorskip("fpdf")
    comparison = world.compared("jitter 0.25 mm")
    picture = world.registered.to_png()
    file = report_pdf(
        comparison, registered=picture, questioned=picture, title="Contract <7>", notes=["第三页, page 3"]
    )
    document = pypdfium2.PdfDocument(file)
    assert len(document) == 1
    page = document[0]
    assert [round(side) for side in page.get_size()] == [595, 842]
    text = " ".join(page.get_textpage().get_text_range().split())
    assert "Contract <7>" in text
    assert "第三页" in text
    assert "look-alike" in text
    for number, part in enumerate(comparison.parts[:8]):
        assert part_name(part, number) in text
    for rate in comparison.error_rates:
        assert f"{rate.errors} of {rate.trials}" in text
    kinds = [item.type for item in page.get_objects()]
    assert kinds.count(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE) == 3
    # The rows of a seal with many parts are cut and counted, on the same page.
    shown = page.render(scale=1).to_numpy()
    assert (shown != 255).any(axis=2)[-25:].sum() == 0
    with pytest.raises(errors.InvalidArgument, match="registered"):
        report_pdf(comparison, registered=b"GIF89a", questioned=picture)


def test_no_error_rate_gives_way_to_evidence(world):
    """Evidence of many kinds, in long words, fills the page: the weakest of it is left out and counted."""
    pypdfium2 = pytest.importorskip("pypdfium2")
    pytest.importorskip("fpdf")
    comparisons = [world.compared("jitter 0.25 mm") for _ in range(4)]
    picture = world.registered.to_png()
    left_out = 0
    for comparison in comparisons:
        file = report_pdf(comparison, registered=picture, questioned=picture, notes=["a note\nof\nfour\nlines"])
        text = " ".join(pypdfium2.PdfDocument(file)[0].get_textpage().get_text_range().split())
        for rate in comparison.error_rates:
            assert f"{rate.errors} of {rate.trials}" in text
        left_out += text.index("more") < text.index("How often") if "more" in text.split("How often")[0] else 0
    assert left_out


def test_pictures_for_reports(world):
    picture, place = world.scanned(world.stamped())
    shown = np.asarray(Pictures.open(io.BytesIO(imprint.cutout(picture, place))))
    x0, y0, x1, y1 = place.box
    margin = max(x1 - x0, y1 - y0) // 8
    assert (shown == picture[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin]).all()
    design = np.asarray(Pictures.open(io.BytesIO(world.registered.to_png())))
    assert (design[0, 0] == 255).all()
    assert (design == (213, 0, 0)).all(axis=2).mean() > 0.05


def test_real_imprints(shared_data):
    """Two registered name seals: their other imprints from crisp to faint are genuine, those of the other different."""
    folder = shared_data / "imprint" / "private" / "imprints"
    boxes = json.loads((folder / "boxes.json").read_text())
    pages = {name: imprint.decode((folder / name).read_bytes(), dpi=DPI) for name in {b["page"] for b in boxes}}

    def where(box):
        (w, h), t = (box["w"] / 2, box["h"] / 2), math.radians(box["rect_angle"])
        u, v = (w * math.cos(t), w * math.sin(t)), (-h * math.sin(t), h * math.cos(t))
        axes = (u, v) if w >= h else (v, (-u[0], -u[1]))
        return imprint.Imprint(shape="square", ink="red", centre=(box["cx"], box["cy"]), axes=axes, dpi=DPI)

    refused, genuine, accepted, foreign = 0, 0, 0, 0
    for name in ("1-1", "1-3"):
        golden = [b for b in boxes if b["page"] == f"{name}_golden.jpg"]
        picture = pages[f"{name}_golden.jpg"]
        seal = imprint.register(*[picture] * len(golden), imprints=[where(b) for b in golden])
        # Every third one keeps the test short; `make accuracy` takes all.
        for box in [b for b in boxes if b["page"].endswith("_test.jpg")][::3]:
            result = imprint.compare(seal, pages[box["page"]], where(box))
            if box["seal"] == name and result.coverage >= 0.5:
                genuine += 1
                refused += result.verdict != imprint.MATCHES
            elif box["seal"] != name:
                foreign += 1
                accepted += result.verdict == imprint.MATCHES
    assert genuine >= 40
    assert foreign >= 45
    assert accepted == 0
    assert refused <= 0.05 * genuine


def test_a_line_that_is_gone_without_fading_is_no_lost_ink():
    """A company seal on a scan is not the contract seal of the same company, which has one line more."""
    plain = draw_seal(SealDesign(name="北京晨光科技有限公司", code="1101080000001"), dpi=300)
    lined = draw_seal(SealDesign(name="北京晨光科技有限公司", purpose="合同专用章", code="1101080000001"), dpi=300)
    scan = synthetic_scan(plain, dpi=300, angle=37, seed=3, page_mm=(80, 60))
    assert imprint.compare(imprint.register(plain), scan).verdict == "matches the registered design"
    comparison = imprint.compare(imprint.register(lined), scan)
    assert (comparison.verdict, comparison.decided_by.measure) == ("look-alike", "absent")
