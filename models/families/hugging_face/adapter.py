"""Opens models of Hugging Face's library: a folder with a config.json, or a name on the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from unrolled.models.adapters.adapter import Evaluate, HubName, Source
from unrolled.models.checkpoints.files import CheckpointError, first_line
from unrolled.models.families.hugging_face.checkpoint import is_model_folder, open_model
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.trace import ModelListing
from unrolled.models.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class HuggingFaceAdapter:
    """See `unrolled.models.adapters.adapter.ModelAdapter`. The library is imported when a model is opened."""

    family: str = "Hugging Face transformers"
    input_kind: str = "text"
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    evaluate: Evaluate | None = None
    models: tuple[ModelListing, ...] = ()

    def accepts(self, source: Source) -> bool:
        return isinstance(source, HubName) or (isinstance(source, Path) and source.is_dir() and is_model_folder(source))

    def load(self, source: Source, device: str, reuse: AnyStepper | None) -> AnyStepper:
        assert isinstance(source, HubName | Path)
        opened = open_model(source.name if isinstance(source, HubName) else source, device)
        from unrolled.models.families.hugging_face.attention import AttentionError
        from unrolled.models.families.hugging_face.stepper import TransformerStepper

        try:
            return TransformerStepper(opened, device=device)
        except AttentionError as error:
            raise CheckpointError(f"“{opened.title}” cannot be recorded: {error}.") from error
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:  # whatever fails in its first step
            raise CheckpointError(f"“{opened.title}” cannot be recorded; its first step fails: {first_line(error)}.") from error


ADAPTER = HuggingFaceAdapter()
