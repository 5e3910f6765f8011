"""Imprints through Python: drawn seals recognised on synthetic scans at any angle, arrays, errors, pickling."""

from __future__ import annotations

import io
import pickle

import numpy
import pytest
from PIL import Image as Pictures

from sealcore import errors, imprint
from sealcore.seals.drawing import SealDesign, draw_seal, synthetic_scan

# Look-alikes on purpose: the same ring, star and length, one to four characters apart.
NAMES = (
    "北京晨光科技有限公司",
    "北京晨星科技有限公司",
    "北京星辉科技有限公司",
    "上海晨光科技有限公司",
    "东海精密制造有限公司",
    "东海精工制造有限公司",
    "南山轴承股份有限公司",
    "南山轴承集团有限公司",
)
# The limit that core/docs/imprint.md states: 工 lies within 密, and missing ink is no evidence.
WITHIN = {"东海精工制造有限公司": "东海精密制造有限公司"}
ANGLES = (0, 37, 90, 143, 205, 298)


@pytest.fixture(scope="module")
def drawn() -> dict[str, bytes]:
    return {name: draw_seal(SealDesign(name=name, purpose="合同专用章"), dpi=300) for name in NAMES}


@pytest.fixture(scope="module")
def registered(drawn) -> dict[str, imprint.Registered]:
    return {name: imprint.register(png) for name, png in drawn.items()}


def scan(png: bytes, angle: float, seed: int, **model: object) -> bytes:
    return synthetic_scan(png, angle=angle, seed=seed, page_mm=(80, 60), **model)


@pytest.mark.parametrize("dpi", [200, 300])
def test_every_seal_is_told_from_every_other_at_any_angle(drawn, registered, dpi):
    verdicts = {"genuine": [], "impostor": []}
    for seed, (name, png) in enumerate(drawn.items()):
        for angle in ANGLES[seed % 2 :: 3]:
            page = imprint.decode(scan(png, angle, seed * 1000 + 7 + angle, dpi=dpi))
            found = imprint.find(page)[0]
            results = {other: imprint.compare(seal, page, found) for other, seal in registered.items()}
            best = min(results, key=lambda other: results[other].score)
            assert best == name, f"{name} at {angle} degrees looks most like {best}"
            verdicts["genuine"].append(results[name].verdict)
            verdicts["impostor"] += [r.verdict for other, r in results.items() if other not in {name, WITHIN.get(name)}]
            turned = (results[name].angle - angle + 180) % 360 - 180
            assert abs(turned) < 0.5
    assert (len(verdicts["genuine"]), len(verdicts["impostor"])) == (16, 110)
    assert "different" not in verdicts["genuine"]
    assert imprint.MATCHES not in verdicts["impostor"]
    assert verdicts["genuine"].count(imprint.MATCHES) >= 14


def test_files_arrays_and_images_are_one(drawn):
    png = drawn[NAMES[0]]
    array = numpy.asarray(Pictures.open(io.BytesIO(png)))
    assert imprint.fingerprint(array) == imprint.fingerprint(png) == imprint.fingerprint(imprint.decode(png))
    with pytest.raises(TypeError):
        imprint.fingerprint(array.astype("float64"))
    with pytest.raises(TypeError):
        imprint.fingerprint("a path is no picture")


def test_a_fingerprint_is_a_value(registered):
    mark = registered[NAMES[0]].fingerprint
    assert pickle.loads(pickle.dumps(mark)) == mark  # noqa: S301
    assert imprint.Fingerprint.from_bytes(mark.to_bytes()) == mark
    assert len(mark.to_bytes()) == imprint.Fingerprint.LENGTH
    with pytest.raises(errors.InputError):
        imprint.Fingerprint.from_bytes(mark.to_bytes()[:-1])


def test_a_blank_page_has_no_imprint():
    blank = numpy.full((400, 300, 3), 250, "uint8")
    assert imprint.find(blank) == []
    with pytest.raises(errors.NoImprint):
        imprint.fingerprint(blank)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"\0" * 1000])
def test_what_is_no_picture_is_a_typed_error(data):
    with pytest.raises(errors.InvalidImage):
        imprint.decode(data)


def test_the_stamp_of_others_is_recognised_when_turned(shared_data):
    file = (shared_data / "imprint" / "licensed" / "ofdrw_StampImg.png").read_bytes()
    seal = imprint.register(file, dpi=254)
    turned = (
        Pictures.open(io.BytesIO(file)).convert("RGBA").rotate(75, expand=True, resample=Pictures.Resampling.BICUBIC)
    )
    again = imprint.compare(seal, numpy.asarray(turned))
    assert again.verdict == imprint.MATCHES
    assert abs((again.angle - 75 + 180) % 360 - 180) < 0.5
