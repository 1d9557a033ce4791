"""The colours of the two themes, by what they are for. Nothing else in the viewer names a colour."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours as ``#rrggbb``, named by their use."""

    name: str
    window: str  # grounds from back to front
    panel: str
    raised: str
    border: str  # the thin lines between them
    text: str
    muted: str
    faint: str  # of marks that only help the eye
    accent: str  # what can be acted on or is current
    accent_ground: str  # a quiet ground of it
    accent_text: str  # text on it
    playhead: str  # the current step, everywhere
    warning: str  # states, never the only sign of them
    error: str
    good: str
    missing: str  # the ground where nothing is recorded yet
    below: str  # values beyond the ends of a fixed scale: on no colour map
    above: str
    series: tuple[str, ...]  # eight for pinned units, colour-blind safe (after Okabe and Ito), legible on `panel`
    diverging: str  # the colour map of signed channels: its middle is close to `panel`


LIGHT = Theme(
    name="light", window="#eef0f3", panel="#ffffff", raised="#f6f7f9", border="#d9dde3",
    text="#1b2330", muted="#5b6675", faint="#a4adba",
    accent="#0b6e78", accent_ground="#d8eef0", accent_text="#ffffff", playhead="#b64907",
    warning="#8a5a00", error="#b3261e", good="#1d7a46", missing="#f0f2f5",
    below="#00a86b", above="#ffc400",
    series=("#0072b2", "#d55e00", "#008a66", "#b0568f", "#9a6a00", "#8f1d2c", "#5a5a5a", "#7a3ea8"),
    diverging="crameri:vik",
)

DARK = Theme(
    name="dark", window="#12161c", panel="#1a2029", raised="#222a35", border="#303947",
    text="#e6eaf0", muted="#9aa6b6", faint="#5c6878",
    accent="#4cc3cf", accent_ground="#173a40", accent_text="#07262a", playhead="#ff9d4d",
    warning="#e8b64c", error="#ff8a80", good="#6fd19a", missing="#161b22",
    below="#16e08a", above="#ffe14d",
    series=("#56b4e9", "#ff8f3f", "#2fd0a0", "#e58bc4", "#f0e442", "#9fb8ff", "#c8c8c8", "#c39bff"),
    diverging="crameri:berlin",
)
