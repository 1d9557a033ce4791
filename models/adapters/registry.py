"""What can be opened: the shipped models by name, any checkpoint by its path, and whatever other packages' adapters take."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import torch

from unrolled import assets
from unrolled.models.adapters.adapter import HubName, ModelAdapter, Named, PickledAdapter, Source
from unrolled.models.adapters.devices import devices as devices
from unrolled.models.adapters.devices import pick
from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.checkpoints.files import CheckpointError, read_header
from unrolled.models.checkpoints.pickled import SUFFIXES, PickledCheckpoint, looks_pickled, read_pickled
from unrolled.models.checkpoints.recurrent_parts import recurrent_parts, told
from unrolled.models.inputs.sniffing import head_of, media_of_file
from unrolled.models.protocol.loading import Family
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.store.store import is_store
from unrolled.models.trace import ModelListing
from unrolled.models.trace.files import FORMAT as TRACE
from unrolled.models.trace.names import file_name, is_endless
from unrolled.models.trace.plugins import Plugin, brought, plugins
from unrolled.models.training.recipe import Recipe

SUFFIX = ".safetensors"
DEFAULT_MODEL = "caption-attend-lstm"
ON_HUB = "hf:"  # in front of a name on the hub, or of a folder as the hub's library writes it
HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")  # without it
BESIDE = ("vocab", "optimizer", "infos", "histories", "resnet")  # in the names of what lies beside checkpoints
SHORTEST = 8  # bytes, the first of a safetensors file, which may look like anything
UNTOLD = "empty, cut off, or no checkpoint"
GROUP = "unrolled.models"  # of entry points, each of which names an adapter

BUILT_IN = (
    "unrolled.models.families.captioning.adapter:ADAPTER",
    "unrolled.models.families.shapes.adapter:ADAPTER",
    "unrolled.models.families.characters.adapter:ADAPTER",
    "unrolled.models.families.translation.adapter:ADAPTER",
    "unrolled.models.families.clips.adapter:ADAPTER",
    "unrolled.models.families.show_attend_tell.adapter:ADAPTER",
    "unrolled.models.families.char_rnn.adapter:ADAPTER",
    "unrolled.models.families.picture_first.adapter:ADAPTER",
    "unrolled.models.families.hugging_face.adapter:ADAPTER",
    "unrolled.models.families.chatbot.adapter:ADAPTER",
    "unrolled.models.families.joey_nmt.adapter:ADAPTER",
    "unrolled.models.families.image_captioning.adapter:ADAPTER",
)


def adapters() -> Iterator[ModelAdapter]:
    """One after another, each imported when it is reached, those of other packages last."""
    for target in BUILT_IN:
        yield resolve_name(target)
    yield from (own for own in plugins(GROUP) if isinstance(own, ModelAdapter))


def recipes() -> dict[str, Recipe]:
    return {name: recipe for adapter in adapters() for name, recipe in adapter.recipes.items()}


def adapter_of(source: Source) -> ModelAdapter | None:
    return next((adapter for adapter in adapters() if _accepts(adapter, source)), None)


def _accepts(adapter: ModelAdapter, source: Source) -> bool:
    """An adapter of another package that is broken opens nothing, and keeps no other from opening it."""
    try:
        return adapter.accepts(source)
    except Exception:
        logging.getLogger(__name__).exception("“%s” cannot be asked what it opens.", adapter.family)
        return False


def shipped() -> dict[str, Path]:
    """The shipped checkpoints by the model's name, the default one first."""
    order = list(recipes())
    paths = assets.path("checkpoints").glob(f"*{SUFFIX}")
    return {path.stem: path for path in sorted(
        paths, key=lambda path: (order.index(path.stem) if path.stem in order else len(order), path.stem))}


def listings() -> tuple[ModelListing, ...]:
    """Every shipped model, from its card, but for those whose files are damaged."""
    return (*(own for own in _own() if isinstance(own, ModelListing)), *_of_others().values())


def _own() -> Iterator[ModelListing | Family]:
    """The shipped models; one whose file is damaged is a family that cannot be used."""
    for name, path in shipped().items():
        try:
            yield _listing(Checkpoint(path, read_header(path)))
        except CheckpointError as error:
            yield Family(name, error=str(error))


def _of_others() -> dict[str, ModelListing]:
    """The models that other packages bring, by their names; the shipped ones keep theirs."""
    own = shipped()
    return {listing.name: listing for adapter in plugins(GROUP) if isinstance(adapter, ModelAdapter)
            for listing in adapter.models if listing.name not in own}


def families() -> tuple[Family, ...]:
    """Whose checkpoints can be opened beside this program's own: those that it knows, and those of other packages; last the
    shipped models that are damaged.
    """
    known = [Family(adapter.family, adapter.input_kind) for adapter in map(resolve_name, BUILT_IN) if not adapter.recipes]
    return (*known, *map(_family_of, brought(GROUP)), *(own for own in _own() if isinstance(own, Family)))


def _family_of(plugin: Plugin) -> Family:
    adapter = plugin.value
    if plugin.error or not isinstance(adapter, ModelAdapter):
        return Family(plugin.name, package=plugin.package, error=plugin.error or "it is not a ModelAdapter")
    return Family(adapter.family, adapter.input_kind, plugin.package)


def _own_file(path: Path) -> str:
    """What one of this program's own files is that is no checkpoint, and what takes it; empty of any other."""
    head = head_of(path)
    if is_store(path):
        return "a store of traces, not a checkpoint: the window opens it, and unrolled corpus takes it."
    kind = "session" if b"session.json" in head[:64] else "trace" if TRACE.encode() in head or b"header.npy" in head[:64] else ""
    return f"a {kind}, not a checkpoint: the window opens it, and unrolled export and unrolled analyze take it." if kind else ""


def _listing(checkpoint: Checkpoint) -> ModelListing:
    path, card, adapter = checkpoint.path, checkpoint.header.card, adapter_of(checkpoint)
    return ModelListing(name=path.stem, title=card.title, task=card.task, size_bytes=path.stat().st_size,
                        path=str(path), quality=card.quality, source=card.data,
                        input_kind=adapter.input_kind if adapter else "picture")


def find(model: str) -> Path:
    """The file or folder of a name or a path. Raises `CheckpointError` when a name is none of the shipped models'."""
    own, path = assets.path("checkpoints", f"{model}{SUFFIX}"), Path(model).expanduser()
    if own.is_file() and len(path.parts) == 1:
        return own
    if model in (others := _of_others()):
        return Path(others[model].path)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return path
    raise CheckpointError(f"There is no model “{model}”; there are {', '.join((*shipped(), *_of_others())) or 'none'}, "
                          f"and any checkpoint can be named by its path.")


def _may_be_on_hub(model: str) -> bool:
    """Whether a person means ``organisation/model``, and no file."""
    return bool(HUB_NAME.fullmatch(model)) and Path(model).suffix.lower() not in (SUFFIX, *SUFFIXES)


def _checkpoint_in(folder: Path) -> Path:
    """The one checkpoint of a folder: of an encoder and a decoder that lie beside each other the decoder, of several the one
    that is called the best. Raises `CheckpointError`.
    """
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix.lower() in (SUFFIX, *SUFFIXES)
             and not any(name in path.name.lower() for name in BESIDE)]
    names = {path.name for path in found}
    found = [path for path in found if "encoder" not in path.name or path.name.replace("encoder", "decoder") not in names]
    best = [path for path in found if "best" in path.name.lower()]
    if len(best) == 1:
        return best[0]
    if len(found) != 1:
        several = f"holds several checkpoints; name one of them: {', '.join(path.name for path in found[:6])}"
        raise CheckpointError(f"The folder “{folder.name}” {several if found else 'holds no checkpoint'}.")
    return found[0]


def load(model: str, *, device: str = "cpu", reuse: AnyStepper | None = None) -> AnyStepper:
    return opened(model, device=device, reuse=reuse)[1]


def opened(model: str, *, device: str = "cpu", reuse: AnyStepper | None = None) -> tuple[ModelAdapter, AnyStepper]:
    """A model that is ready to be stepped, and the adapter that made it. Raises `CheckpointError` when it cannot be,
    `ValueError` where this machine has no such device.

    Parameters
    ----------
    model : str
        A shipped model's name, a path, a name on the hub, or ``hf:`` and such a name or a folder.
    device : str
        Where it is to run; ``auto`` is the fastest there is.
    reuse : Stepper, optional
        The model that was open before: parts that both have, such as the encoder, are not loaded again.
    """
    device, named = pick(device), model.removeprefix(ON_HUB)
    if device.startswith("cuda"):
        torch.backends.cudnn.allow_tf32 = False  # which keeps ten bits of what a convolution or a recurrent layer multiplies
    if (named != model or _may_be_on_hub(model)) and not Path(named).expanduser().exists():
        hub = HubName(named)
        adapter = adapter_of(hub)
        if adapter is None:
            raise CheckpointError(f"Nothing here opens “{model}”.")
        return adapter, adapter.load(hub, device, reuse)
    path = find(named if named == model else str(Path(named).expanduser().resolve()))
    if is_endless(path):
        raise CheckpointError(f"“{file_name(path)}” is not a file.")
    if own := _own_file(path):
        raise CheckpointError(f"“{file_name(path)}” is {own}")
    if path.is_dir() and adapter_of(path) is None:
        path = _checkpoint_in(path)
    source: Source
    try:
        source = Checkpoint(path, read_header(path))
        wrong = CheckpointError(f"“{path.name}” is for the model “{source.header.model}”, which this Unrolled does not know.")
    except CheckpointError as error:  # it may be what another package opens
        source, wrong = path, error
        media = media_of_file(path) if len(head_of(path)) > SHORTEST else ()
        if media or (path.is_file() and path.suffix.lower() in SUFFIXES):
            wrong = CheckpointError(f"“{file_name(path)}” is {f'a {media[0]}, not a checkpoint' if media else UNTOLD}.")
    adapter = adapter_of(source)
    if adapter is None and looks_pickled(path):
        source = read_pickled(path)
        adapter, found = adapter_of(source), f"it holds {source.summary()}. {told(recurrent_parts(source.tensors))}".rstrip()
        wrong = CheckpointError(f"“{path.name}” {_nearest(source) or 'is of no family that Unrolled knows'}; {found}")
    if adapter is None:
        raise wrong
    return adapter, adapter.load(source, device, reuse)


def _nearest(source: PickledCheckpoint) -> str:
    """Which family a checkpoint nearly is of and what it lacks, for a sentence; empty where it is near to none."""
    near = [(len(names), adapter.family, adapter.recognises.told(source)) for adapter in adapters()
            if isinstance(adapter, PickledAdapter) and isinstance(adapter.recognises, Named)
            and (names := adapter.recognises.missing(source))]
    _, family, lacks = min(near, key=lambda own: own[0], default=(0, "", ""))
    return f"looks like a checkpoint of {family}, but {lacks}" if near else ""
