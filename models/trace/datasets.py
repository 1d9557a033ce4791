"""A trace as a labelled dataset of xarray, which is imported when it is asked for, and need not be there."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from unrolled.models.trace.channel import dimension_names
from unrolled.models.trace.trace import Trace

if TYPE_CHECKING:
    from xarray import Dataset

Variables = dict[str, tuple[tuple[str, ...], npt.NDArray[np.float32]]]


def variables(trace: Trace) -> Variables:
    """Of every channel its dimensions and a copy of its values, and of the words the log-probabilities.

    The first dimension is ``step``, the others are the channel's axes: ``unit``, ``row``, ``column``, ``source``, and before
    them ``layer`` and ``head`` where a channel has several. An axis whose length differs from channel to channel has
    its length in its name from the second length on: ``unit_64``.
    """
    found: Variables = {name: (("step", *axes), trace.column(name).copy())
                        for name, axes in dimension_names(tuple(trace.channels.values())).items()}
    if bool(np.isnan(trace.log_probs).all()):
        return found  # of a recording, whose network chose no words
    return found | {"log_prob": (("step",), trace.log_probs.copy())}


def dataset(trace: Trace) -> "Dataset":
    """A dataset with the coordinates ``step``, counted from 0, and ``word``; symbols and ranges are the variables' attributes.
    Raises `ImportError` when xarray is not installed: a sentence that says how to get it.
    """
    try:
        import xarray
    except ImportError as error:
        raise ImportError("“to_xarray” needs the package xarray; install it with “python -m pip install xarray”.") from error
    coordinates = {"step": np.arange(len(trace)), "word": ("step", list(trace.words))}
    provenance = trace.provenance
    made = xarray.Dataset(variables(trace), coords=coordinates, attrs={
        name: text for name in ("model", "input_name", "decoding", "device", "created", "convention")
        if (text := getattr(provenance, name))})
    source = provenance.source
    if source and made.sizes.get("source") == len(source):
        made = made.assign_coords(source_word=("source", list(source)))
    for name, channel in trace.channels.items():
        made[name].attrs.update(role=channel.role, symbol=channel.symbol, low=channel.low, high=channel.high, layer=channel.layer,
                                long_name=channel.title)
    return made
