"""How large a pixel of a layout is on paper. It knows no Qt."""

PIXELS_PER_INCH = 96
POINTS_PER_PIXEL = 72 / PIXELS_PER_INCH
