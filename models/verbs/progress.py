"""How far something is, in a terminal; nothing where nobody looks."""

import sys
from typing import Any

from tqdm import tqdm

tqdm.monitor_interval = 0  # else the first bar starts a thread that nobody ends


class Bar:
    """One bar after another, a new one for whatever else is done."""

    def __init__(self) -> None:
        self._doing = ""
        self._bar: tqdm | None = None  # even one that is not shown begins a thread

    def show(self, doing: str, done: int, of: int, **settings: Any) -> None:
        if self._bar is None or doing != self._doing:
            self.close()
            self._doing = doing
            self._bar = tqdm(desc=doing, total=of or None, initial=done, disable=not sys.stderr.isatty(), **settings)
        self._bar.total = of
        self._bar.update(done - self._bar.n)

    def tell(self, means: dict[str, float]) -> None:
        if self._bar is not None:
            self._bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()}, refresh=False)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None
