"""Ask a service of the backend without a server."""

from __future__ import annotations

from collections.abc import Callable

from unrolled.models.protocol.connection import Progress
from unrolled.models.protocol.dispatch import Dispatch
from unrolled.models.protocol.message import Report, Request


def asked(service: object, request: Request, wanted: Callable[[], bool] = lambda: True) -> list[Report]:
    """Everything that is reported, but for progress."""
    reports: list[Report] = []
    Dispatch(service)(request, reports.append, wanted)
    return [report for report in reports if not isinstance(report, Progress)]
