"""The peers: perceptual hashes and local features, on the same imprints.

They are given what sealcore has to find by itself: the exact crop, and the seal's ink as a grey picture without the
paper's tint (``ink_plane``). Scores are distances: larger is less alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import imagehash
import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image

from sealmodel.press import Imprint as Truth

__all__ = ["PEERS", "crop", "describe", "ink_plane"]

Picture = NDArray[np.uint8]
_SIDE = 512


def ink_plane(pixels: Picture) -> Picture:
    """Red ink as dark on white: the density of green and blue less that of red."""
    light = pixels.astype(np.float32)
    paper = np.percentile(light.reshape(-1, 3), 90, axis=0)
    density = -np.log10(np.clip(light / paper, 0.02, 1.2))
    red = (density[..., 1] + density[..., 2]) / 2 - density[..., 0]
    return np.clip(255 - 255 * red, 0, 255).astype(np.uint8)


def crop(pixels: Picture, truth: Truth, half: float) -> Picture:
    """The imprint, exactly in the middle, as a square of 512 pixels."""
    x, y = truth.centre
    box = (x - half, y - half, x + half, y + half)
    whole = Image.fromarray(ink_plane(pixels))
    return np.asarray(
        whole.transform((_SIDE, _SIDE), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR, fillcolor=255)
    )


_orb = cv2.ORB_create(500)
_matcher = cv2.BFMatcher(cv2.NORM_HAMMING)


def _phash(plane: Picture) -> Any:
    return imagehash.phash(Image.fromarray(plane), hash_size=16)


def _pdq(plane: Picture) -> Any:
    return pdqhash.compute(np.repeat(plane[..., None], 3, 2))[0]


def _features(plane: Picture) -> Any:
    return _orb.detectAndCompute(plane, None)


def _inliers(one: Any, other: Any) -> float:
    """Matches that one similarity explains (RANSAC), as a distance."""
    if one[1] is None or other[1] is None or len(one[0]) < 4 or len(other[0]) < 4:
        return 0.0
    pairs = [m for m in _matcher.knnMatch(one[1], other[1], k=2) if len(m) == 2 and m[0].distance < 0.8 * m[1].distance]
    if len(pairs) < 4:
        return -float(len(pairs))
    source = np.array([one[0][m.queryIdx].pt for m, _ in pairs], np.float32)
    target = np.array([other[0][m.trainIdx].pt for m, _ in pairs], np.float32)
    cv2.setRNGSeed(1)
    _, mask = cv2.estimateAffinePartial2D(source, target, method=cv2.RANSAC, ransacReprojThreshold=4.0)
    return 0.0 if mask is None else -float(mask.sum())


PEERS: dict[str, tuple[Callable[[Picture], Any], Callable[[Any, Any], float]]] = {
    "imagehash phash 256": (_phash, lambda one, other: float(one - other)),
    "pdqhash 256": (_pdq, lambda one, other: float(np.sum(one != other))),
    "OpenCV ORB+RANSAC": (_features, _inliers),
}
"""By name: what is computed of a picture, and the distance of two of them."""


def describe(plane: Picture) -> dict[str, Any]:
    """What every peer keeps of a picture."""
    return {name: make(plane) for name, (make, _) in PEERS.items()}
