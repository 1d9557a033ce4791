"""How much faster an animation is written than by the captioning tutorials' way, matplotlib's FuncAnimation."""

import tempfile
import timeit
from collections.abc import Callable
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

    Where matplotlib is not installed the ratio is left out, and the details say so.
    """
    scene, settings = _scene(), ExportSettings(width=WIDTH)
    height = FramePainter(scene, settings).size[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.gif"
        ours = _best(lambda: write_gif(scene, path, settings, lambda fraction: None, lambda: False))
        try:
            theirs = _best(_matplotlib_writer(scene, height, path))
        except ImportError:
            return {"details": {"seconds": round(ours, 3),
                                "compared_with": "nothing: matplotlib is not installed (python -m pip install matplotlib)"}}
    return {"gif_speedup": theirs / ours, "details": {
        "seconds": round(ours, 3), "matplotlib_seconds": round(theirs, 3),
        "compared_with": f"FuncAnimation with PillowWriter, {len(WORDS)} frames of {WIDTH} × {height}"}}


def _matplotlib_writer(scene: Scene, height: int, path: Path) -> Callable[[], None]:
    """The peer. Raises `ImportError` where it is not installed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.animation import FuncAnimation, PillowWriter

    def write() -> None:
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

    return write


def _best(make: Callable[[], object]) -> float:
    return min(timeit.repeat(make, number=1, repeat=ROUNDS))
