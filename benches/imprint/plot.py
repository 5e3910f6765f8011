"""The plot of error against displacement, from ``target/accuracy/forgeries.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

from imprint.rows import FOLDER

__all__ = ["draw"]

matplotlib.use("Agg")
_INK, _MUTED, _GRID = "#1f2328", "#59636e", "#d1d9e0"
_COLOURS = {"hardness 1": "#1f6feb", "hardness 2": "#bc4c00"}
_NAMES = {"hardness 1": "10% of the ink lost", "hardness 2": "25% of the ink lost"}


def draw(target: Path) -> None:
    """Half total error on seeds B at the threshold of seeds A, 95% intervals, against each character's displacement."""
    from matplotlib import pyplot  # noqa: PLC0415 - after the backend is chosen

    settings = json.loads((FOLDER / "forgeries.json").read_text())["settings"]
    pyplot.rcParams.update(
        {"font.size": 10, "font.family": "DejaVu Sans", "text.color": _INK, "svg.hashsalt": "sealcore"}
    )
    figure, axes = pyplot.subplots(figsize=(7.2, 4.0), layout="constrained")
    for name, points in settings["curve"].items():
        x, value, low, high = (list(column) for column in zip(*sorted(points), strict=True))
        percent = [[100 * v for v in column] for column in (value, low, high)]
        axes.fill_between(x, percent[1], percent[2], color=_COLOURS[name], alpha=0.15, linewidth=0)
        axes.plot(x, percent[0], color=_COLOURS[name], marker="o", markersize=4.5, linewidth=1.8, label=_NAMES[name])
    axes.axvspan(0.042, 0.068, color=_MUTED, alpha=0.12, linewidth=0)
    axes.text(0.055, 49, "rubber itself\n42-68 µm rms", ha="center", va="top", fontsize=8, color=_MUTED)
    axes.axhline(50, color=_MUTED, linewidth=0.8, linestyle=":")
    axes.text(0.262, 49.4, "chance", ha="right", va="top", fontsize=8, color=_MUTED)
    axes.set(
        xlim=(0, 0.265),
        ylim=(0, 52),
        xlabel="displacement of each character along x and along y, standard deviation in mm",
        ylabel="error in %",
    )
    axes.set_title("Telling a re-cut seal from the registered one", loc="left", fontsize=11, fontweight="bold")
    axes.grid(color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, 0.9))
    figure.text(
        0.995, 0.005,
        f"error = (false rejections + false acceptances) / 2 on seeds B, thresholds of seeds A; bands: 95%; "
        f"{settings['seals_per_set']} seals a set, {settings['dpi']} dpi",
        ha="right", va="bottom", fontsize=6.5, color=_MUTED,
    )  # fmt: skip
    figure.get_layout_engine().set(rect=(0, 0.03, 1, 0.97))
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=130, metadata={"Software": None} if target.suffix == ".png" else {"Date": None})


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
