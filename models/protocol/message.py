"""What the window and the backend say to each other.

Every message is a tagged struct: what does not fit its type is refused when it is decoded, and nothing that
arrives is ever executed. Requests go to the backend, reports come from it. A `run` is one input being read or
captioned; its number only grows, and the highest wins: whatever belongs to an older run is dropped on both sides.
This module knows neither torch nor Qt.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, le=1e300)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
