"""How an export looks."""

from dataclasses import dataclass

from unrolled.viewer.drawing.resolution import PIXELS_PER_INCH, POINTS_PER_PIXEL


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """What a person can choose.

    Attributes
    ----------
    width : int
        Of an animation or a picture, in pixels; a picture is laid out for 96 of them an inch.
    dpi : int
        Pixels an inch of a .png: it has the more of them, and says so, and is printed in the same size.
    type_points : float
        The size of the words, in points of 1/72 inch, to whole pixels; lesser type goes with it. 0: what fits.
    columns : int
        How many pictures, words or steps stand side by side; 0: as many as fit.
    steps : tuple of int
        Those that are drawn, counted from 0 and in their order; all, if none is named.
    end : bool
        The step that wrote END too.
    seconds_per_word : float
    last_seconds : float
        How long the finished caption stands.
    colour_map : str
    scale : {'absolute', 'stretched'}
        See `unrolled.viewer.theme.attention_colours`.
    style : {'dimmed', 'colours'}
        A veil over what is not looked at, or colours over what is.
    smooth : bool
        Interpolated between cells, or the cells as they are.
    opacity : float
        0 to 1.
    dark : bool
        Words for a dark ground, and the ground.
    clear : bool
        No ground at all.
    words : bool
        The caption under the photograph.
    outlines : bool
        The type of an .svg as outlines; else as text, for which a reader needs the fonts.
    """

    width: int = 640
    dpi: int = PIXELS_PER_INCH
    type_points: float = 0.0
    columns: int = 0
    steps: tuple[int, ...] = ()
    end: bool = True
    seconds_per_word: float = 0.6
    last_seconds: float = 1.6
    colour_map: str = "inferno"
    scale: str = "absolute"
    style: str = "dimmed"
    smooth: bool = True
    opacity: float = 0.55
    dark: bool = False
    clear: bool = False
    words: bool = True
    outlines: bool = True

    def type_pixels(self, otherwise: float) -> float:
        """The size of the words in pixels of the layout: as chosen, or else what fits."""
        return self.type_points / POINTS_PER_PIXEL if self.type_points else otherwise
