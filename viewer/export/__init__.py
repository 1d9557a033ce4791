"""Pictures and films of a trace, painted without a window; usable in any thread once Qt has begun."""

from unrolled.viewer.export.export import export
from unrolled.viewer.export.failure import Cancelled, ExportError
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.subject import Subject

__all__ = ["Cancelled", "ExportError", "ExportSettings", "Subject", "export"]
