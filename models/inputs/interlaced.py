"""An interlaced picture that is cut short: what came early stands for what did not come any more, as browsers show it."""

import io

import numpy as np
from PIL import Image

Pass = tuple[int, int, int, int, int, int]
ADAM7: tuple[Pass, ...] = ((0, 0, 8, 8, 8, 8), (0, 4, 8, 8, 8, 4), (4, 0, 8, 4, 4, 4), (0, 2, 4, 4, 4, 2), (2, 0, 4, 2, 2, 2),
                           (0, 1, 2, 2, 2, 1), (1, 0, 2, 1, 1, 1))
OF_GIF: tuple[Pass, ...] = ((0, 0, 8, 1, 8, 1), (4, 0, 8, 1, 4, 1), (2, 0, 4, 1, 2, 1), (1, 0, 2, 1, 1, 1))
"""Of each pass: its first row and column, the steps between its rows and columns, and the height and width of what a pixel of it
stands for until a later one comes."""


def passes_of(data: bytes) -> tuple[Pass, ...]:
    """The passes of a file; none where it is not interlaced."""
    if data.startswith(b"\x89PNG"):
        return ADAM7 if data[28:29] == b"\1" else ()
    if not data.startswith(b"GIF8"):
        return ()
    with Image.open(io.BytesIO(data), formats=("GIF",)) as image:
        tiles = getattr(image, "tile", ())
    return OF_GIF if tiles and tiles[0][3][1] else ()


def without_gaps(image: Image.Image, passes: tuple[Pass, ...]) -> Image.Image:
    """The picture with earlier pixels in place of those at the end of the last passes that are blank."""
    image = image.convert("L") if image.mode == "1" else image.copy()
    pixels = np.asarray(image)
    found, came = pixels.copy(), False
    rows = [(number, top) for number, (first, _, down, *_) in enumerate(passes) for top in range(first, len(pixels), down)]
    while rows and not came:  # the last of all that came, in the order of the file
        number, top = rows[-1]
        came = bool((pixels[top, passes[number][1] :: passes[number][3]] != pixels[-1, -1]).any())
        rows.pop()  # that one is hardly whole
    for number, top in rows:
        _, left, _, across, high, wide = passes[number]
        values = np.repeat(pixels[top, left::across], wide, axis=0)[: pixels.shape[1] - left]
        if across > wide:  # columns of an earlier pass lie between
            for column in range(wide):
                place = found[top : top + high, left + column :: across]
                place[:] = pixels[top, left::across][: place.shape[1]]
        else:
            found[top : top + high, left:] = values
    image.frombytes(found.tobytes())
    return image
