"""Models that were opened by their path or their name on the hub, the newest first: kept for the picker. It knows no Qt."""

import logging
from pathlib import Path

import msgspec

from unrolled.models.trace import ModelDescription, ModelListing
from unrolled.models.trace.atomic import atomic_write
from unrolled.viewer.state.paths import config_dir

MOST = 8
ON_HUB = "hf:"  # in front of a name on the hub
Listings = tuple[ModelListing, ...]

log = logging.getLogger(__name__)


class RecentModel(msgspec.Struct, frozen=True):
    """How it is opened, and what it is called."""

    model: str
    title: str


def recent_models() -> tuple[RecentModel, ...]:
    """Those that are still there; what is damaged is as good as none."""
    try:
        found = msgspec.json.decode(_file().read_bytes(), type=tuple[RecentModel, ...])
    except (OSError, msgspec.DecodeError, ValueError, RecursionError):
        return ()
    return tuple(own for own in found if own.model.startswith(ON_HUB) or Path(own.model).exists())[:MOST]


def full_name(model: str) -> str:
    """What a model is opened by from any folder: its whole path, or its name as it is."""
    path = Path(model.removeprefix(ON_HUB)).expanduser()
    return str(path.absolute()) if path.exists() else model


def remember_model(model: str, description: ModelDescription, listed: Listings) -> tuple[RecentModel, ...]:
    """A model was opened; one that is listed anyway is not kept. All that are kept, the newest first."""
    if "/" in model and model == description.name:  # what is on the hub is called as it is named there
        model = f"{ON_HUB}{model}"
    kept, name = recent_models(), full_name(model)
    can_be_opened_again = name.startswith(ON_HUB) or Path(name).exists()
    if any(listing.name == model for listing in listed) or not can_be_opened_again or not name.isprintable():
        return kept
    kept = (RecentModel(name, description.title), *(own for own in kept if own.model != name))[:MOST]
    try:
        with atomic_write(_file()) as file:
            file.write(msgspec.json.encode(kept))
    except OSError as error:  # the model is open all the same
        log.warning("the models that were opened cannot be kept: %s", error)
    return kept


def _file() -> Path:
    return config_dir() / "models.json"
