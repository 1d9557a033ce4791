"""Opens models of Hugging Face's library, a folder with a config.json or a name on the hub; the library is imported then."""

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unrolled.models.adapters.adapter import Evaluate, HubName, Source
from unrolled.models.checkpoints.files import CheckpointError, computer_memory
from unrolled.models.checkpoints.fitting import MOST_CONSTANTS, sketching
from unrolled.models.checkpoints.pickled import read_object
from unrolled.models.families.hugging_face.hub import fetched
from unrolled.models.runs.errors import out_of_memory
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.trace import ModelListing
from unrolled.models.trace.names import first_line
from unrolled.models.training.recipe import Recipe

INSTALL = "pip install 'unrolled[transformers]'"
WEIGHTS = ("*.safetensors", "*.bin")
BYTES_A_NUMBER = 4  # as it is computed with
WIDTHS = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}  # bytes a number, as files have it
MOST_TIMES = 4  # numbers for a byte of the files: packed ones, and those that stand in several places
CHUNK = 2**22
UNUSED = ".pooler."  # what makes one vector of all, which many checkpoints lack: nothing here reads it
AS_IT_IS: dict[str, Any] = {"local_files_only": True, "weights_only": True, "attn_implementation": "eager"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A model and what it reads with; `folder` is where its files lie, `notes` what a person should know."""

    folder: Path
    title: str
    model: Any
    tokenizer: Any
    pictures: Any
    weights_hash: str
    notes: tuple[str, ...] = ()


def is_model_folder(path: Path) -> bool:
    """Whether a folder holds the settings of a model of the library."""
    try:
        found = json.loads((path / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("model_type"), str)


def open_model(source: Path | str, device: str) -> Opened:
    """From a folder, or a name on the hub. Raises `CheckpointError`, with one sentence that says what can be done."""
    try:
        import transformers
    except ImportError as error:
        raise CheckpointError(f"Models of Hugging Face need the package transformers: {INSTALL}") from error
    folder = source if isinstance(source, Path) else fetched(source, _check_memory)
    title = folder.resolve().name if isinstance(source, Path) else source
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    given: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = transformers.AutoConfig.from_pretrained(folder, **given)
        made = _class_of(transformers, config, title)
        stored = sum(file.stat().st_size for file in _weight_files(folder))
        if not stored:
            raise CheckpointError(f"“{title}” holds no weights: neither .safetensors nor .bin files.")
        _check_memory(stored, str(config.dtype), title)
        _check_index(folder, title)
        _check_settings(made, config, stored, title)
        model, told = made.from_pretrained(folder, dtype="float32", output_loading_info=True, ignore_mismatched_sizes=True,
                                           **AS_IT_IS)
        notes = _fit(title, told)
        tokenizer = _tokenizer_of(transformers, folder, given, title)
        reads_pictures = config.model_type in ("vision-encoder-decoder", "blip")
        pictures = transformers.AutoImageProcessor.from_pretrained(folder, **given) if reads_pictures else None
    except CheckpointError:
        raise
    except ImportError as error:
        raise CheckpointError(f"“{title}” cannot be opened: {first_line(error)}.") from error
    except pickle.UnpicklingError as error:
        for path in _weight_files(folder):
            read_object(path)  # says what it wanted to run
        raise CheckpointError(f"The weights of “{title}” hold more than tensors.") from error
    except Exception as error:  # whatever the library finds wrong with a folder
        if out_of_memory(error):
            raise
        if "custom code" in str(error) or "trust_remote_code" in str(error):
            raise CheckpointError(f"“{title}” brings code of its own, which Unrolled never runs; models whose code is in the "
                                  "package transformers can be opened.") from error
        raise CheckpointError(f"“{title}” cannot be opened: {first_line(error)}.") from error
    model = model.to(device).eval().requires_grad_(False)
    return Opened(folder, title, model, tokenizer, pictures, _hash_of(folder), notes)


def _fit(title: str, told: dict[str, Any]) -> tuple[str, ...]:
    """What is left over, a sentence. Raises `CheckpointError` where a tensor is missing or of another shape: the library would
    draw it at random.
    """
    wrong = [f"“{name}” is {tuple(found)} and should be {tuple(needed)}"
             for name, found, needed in sorted(told["mismatched_keys"])]
    wrong += [f"“{name}” is missing" for name in sorted(told["missing_keys"]) if UNUSED not in name]
    if wrong:
        more = f", and {len(wrong) - 1:,} more do{'es' if len(wrong) == 2 else ''} not fit" if len(wrong) > 1 else ""
        raise CheckpointError(f"“{title}” does not fit its model: {wrong[0]}{more}.")
    left = sorted(told["unexpected_keys"])
    return (f"“{title}” holds {len(left):,} {'tensor' if len(left) == 1 else 'tensors'} that its model has no place for, such as "
            f"“{left[0]}”.",) if left else ()


def _tokenizer_of(library: Any, folder: Path, given: dict[str, Any], title: str) -> Any:
    why = ""
    try:
        tokenizer = library.AutoTokenizer.from_pretrained(folder, **given)
        if len(tokenizer) > len(tokenizer.all_special_tokens):
            return tokenizer
    except (ValueError, OSError, ImportError) as error:
        why = f" ({first_line(error)})"
    raise CheckpointError(f"“{title}” holds no words that can be read{why}: put its tokenizer’s files, such as tokenizer.json, "
                          "into the same folder.")


def model_again(opened: Opened) -> Any:
    """The same model in double precision on the CPU, its weights read again. Raises `CheckpointError`."""
    try:
        if _hash_of(opened.folder) != opened.weights_hash:
            raise CheckpointError(f"“{opened.title}” has been changed since it was opened; open it again.")
        model = type(opened.model).from_pretrained(  # grouped products of mixtures of experts know no double precision
            opened.folder, dtype="float64", experts_implementation="eager", **AS_IT_IS)
    except OSError as error:
        raise CheckpointError(f"“{opened.title}” cannot be read any more.") from error
    return model.eval().requires_grad_(False)


def _class_of(library: Any, config: Any, title: str) -> Any:
    if config.model_type == "vision-encoder-decoder":
        return library.VisionEncoderDecoderModel
    if config.model_type == "blip":
        return library.BlipForConditionalGeneration
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    )

    if not config.is_encoder_decoder and config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return library.AutoModelForCausalLM
    if config.is_encoder_decoder and config.model_type in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
        return library.AutoModelForSeq2SeqLM
    raise CheckpointError(f"“{title}” is a “{config.model_type}”; language models, translators and captioners can be opened.")


def _check_memory(stored: int, dtype: str, title: str) -> None:
    """Say that a model is too large before it is read."""
    needed, there = stored // WIDTHS.get(dtype.removeprefix("torch."), 4) * BYTES_A_NUMBER, computer_memory()
    if needed > there:
        raise CheckpointError(f"“{title}” needs {needed / 2**30:.1f} GiB for its weights alone, and this computer has "
                              f"{there / 2**30:.1f}.")


def _check_index(folder: Path, title: str) -> None:
    """Say that weights in several files are to be looked for elsewhere: the library would open what any path names."""
    for index in folder.glob("*.index.json"):
        named = json.loads(index.read_bytes())["weight_map"].values()
        if any(Path(name).name != name for name in named):
            raise CheckpointError(f"“{title}” names weights that lie outside of its folder, in “{index.name}”; none was opened.")


def _check_settings(made: Any, config: Any, stored: int, title: str) -> None:
    """Say that settings ask for far more than files of so many bytes hold, before there is a network of their lengths."""
    with sketching():
        sketch = (made.from_config if hasattr(made, "from_config") else made)(config)
    numbers = sum(own.numel() for own in (*sketch.parameters(), *sketch.buffers()))
    if numbers > MOST_CONSTANTS + MOST_TIMES * stored:
        raise CheckpointError(f"“{title}” does not fit its settings: they ask for {numbers:,} numbers, and its files have "
                              f"{stored:,} bytes.")


def _weight_files(folder: Path) -> list[Path]:
    return next((found for pattern in WEIGHTS if (found := sorted(folder.glob(pattern)))), [])


def _hash_of(folder: Path) -> str:
    found = hashlib.sha256()
    for path in _weight_files(folder):
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
    return found.hexdigest()


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
            if out_of_memory(error):
                raise
            raise CheckpointError(f"“{opened.title}” cannot be recorded; its first step fails: {first_line(error)}.") from error


ADAPTER = HuggingFaceAdapter()
