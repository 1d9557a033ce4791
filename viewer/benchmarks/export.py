"""How much faster an animation is written than by the captioning tutorials' way, matplotlib's FuncAnimation."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.viewer.export.animation import write_gif
from unrolled.viewer.export.scenes.frames import FramePainter
from unrolled.viewer.export.scenes.picture import Scene
from unrolled.viewer.export.settings import ExportSettings

WORDS = ("a", "brown", "dog", "runs", "through", "the", "tall", "green", "grass", "near", "trees", "<end>")
WIDTH = 480
ROUNDS = 3


def _scene() -> Scene:
    """Twelve words over a photograph-like picture, from a seed."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:480, :480] / 480.0
    waves = sum(np.sin(2 * np.pi * (rows * a + columns * b + c))[..., None] * d
                for a, b, c, d in zip(random.normal(0, 3, 12), random.normal(0, 3, 12), random.random(12),
                                      random.random((12, 3)), strict=True))
    photograph = np.clip(128 + 24 * np.asarray(waves) + random.normal(0, 6, (480, 480, 3)), 0, 255).astype(np.uint8)
    maps = random.dirichlet(np.full(100, 0.2), len(WORDS)).reshape(-1, 10, 10).astype(np.float32)
    return Scene(photograph, maps, WORDS, np.full(len(WORDS), 0.5, np.float32), (0.0, 0.0, 1.0, 1.0), len(WORDS) - 1)


def gif_speedup() -> dict[str, Any]:
    """The same frames as a GIF, by matplotlib's FuncAnimation with PillowWriter and by us; the best of three each.

    Raises
    ------
    RuntimeError
        When matplotlib is not installed: a sentence for people.
    """
    try:
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot
        from matplotlib.animation import FuncAnimation, PillowWriter
    except ImportError as error:
        raise RuntimeError("The comparison needs matplotlib: python -m pip install matplotlib") from error
    scene = _scene()
    settings = ExportSettings(width=WIDTH)
    height = FramePainter(scene, settings).size[1]

    def ours(path: Path) -> None:
        write_gif(scene, path, settings, lambda fraction: None, lambda: False)

    def theirs(path: Path) -> None:
        figure, axes = pyplot.subplots(figsize=(WIDTH / 100, height / 100), dpi=100)

        def draw(step: int) -> list[Any]:
            axes.clear()
            axes.axis("off")
            axes.imshow(scene.photograph)
            axes.imshow(scene.maps[step], cmap="inferno", alpha=0.6, interpolation="bicubic", extent=(0, 480, 480, 0))
            axes.set_title(" ".join(WORDS[: step + 1]), fontsize=9)
            return []

        FuncAnimation(figure, draw, frames=len(WORDS), blit=False).save(path, writer=PillowWriter(fps=2))
        pyplot.close(figure)

    with tempfile.TemporaryDirectory() as folder:
        seconds = {name: min(_timed(make, Path(folder) / f"{name}.gif") for _ in range(ROUNDS))
                   for name, make in (("ours", ours), ("theirs", theirs))}
    return {"gif_speedup": seconds["theirs"] / seconds["ours"], "details": {
        "seconds": round(seconds["ours"], 3), "matplotlib_seconds": round(seconds["theirs"], 3),
        "compared_with": f"FuncAnimation with PillowWriter, {len(WORDS)} frames of {WIDTH} × {height}"}}


def _timed(make: Any, path: Path) -> float:
    started = time.perf_counter()
    make(path)
    return time.perf_counter() - started
