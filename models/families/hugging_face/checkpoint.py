"""A model's folder, or its name on the hub: read by the library, of which only weights and settings are taken.

Nothing that a folder brings is run (`trust_remote_code` is never given), and nothing is fetched but what a person named.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unrolled.models.checkpoints.files import CheckpointError, first_line
from unrolled.models.checkpoints.pickled import computer_memory

INSTALL = "pip install 'unrolled[transformers]'"
FETCHED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.spm")  # of a model on the hub
WEIGHTS = ("*.safetensors", "*.bin")
BYTES_A_NUMBER = 4  # as it is computed with
WIDTHS = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}  # bytes a number, as files have it
CHUNK = 2**22
AS_IT_IS: dict[str, Any] = {"local_files_only": True, "weights_only": True, "attn_implementation": "eager"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A model and what it reads with; `folder` is where its files lie."""

    folder: Path
    title: str
    model: Any
    tokenizer: Any
    pictures: Any
    weights_hash: str


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
    folder = source if isinstance(source, Path) else _fetched(source)
    title = folder.resolve().name if isinstance(source, Path) else source
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    given: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = transformers.AutoConfig.from_pretrained(folder, **given)
        made = _class_of(transformers, config, title)
        _check_memory(folder, config, title)
        model = made.from_pretrained(folder, dtype="float32", **AS_IT_IS)
        tokenizer = _tokenizer_of(transformers, folder, given, title)
        reads_pictures = config.model_type in ("vision-encoder-decoder", "blip")
        pictures = transformers.AutoImageProcessor.from_pretrained(folder, **given) if reads_pictures else None
    except CheckpointError:
        raise
    except ImportError as error:
        raise CheckpointError(f"“{title}” cannot be opened: {first_line(error)}.") from error
    except Exception as error:  # whatever the library finds wrong with a folder
        if "custom code" in str(error) or "trust_remote_code" in str(error):
            raise CheckpointError(f"“{title}” brings code of its own, which Unrolled never runs; models whose code is in the "
                                  "package transformers can be opened.") from error
        raise CheckpointError(f"“{title}” cannot be opened: {first_line(error)}.") from error
    model = model.to(device).eval().requires_grad_(False)
    return Opened(folder, title, model, tokenizer, pictures, _hash_of(folder))


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
        model = type(opened.model).from_pretrained(opened.folder, dtype="float64", **AS_IT_IS)
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

    if config.is_encoder_decoder and config.model_type in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
        return library.AutoModelForSeq2SeqLM
    if config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return library.AutoModelForCausalLM
    raise CheckpointError(f"“{title}” is a “{config.model_type}”, which writes no words; language models, translators and "
                          "captioners can be opened.")


def _check_memory(folder: Path, config: Any, title: str) -> None:
    """Say that a model is too large before it is read."""
    stored = sum(file.stat().st_size for file in _weight_files(folder))
    if not stored:
        raise CheckpointError(f"“{title}” holds no weights: neither .safetensors nor .bin files.")
    needed, there = stored // WIDTHS.get(str(config.dtype).removeprefix("torch."), 4) * BYTES_A_NUMBER, computer_memory()
    if needed > there:
        raise CheckpointError(f"“{title}” needs {needed / 2**30:.1f} GiB for its weights alone, and this computer has "
                              f"{there / 2**30:.1f}.")


def _weight_files(folder: Path) -> list[Path]:
    return next((found for pattern in WEIGHTS if (found := sorted(folder.glob(pattern)))), [])


def _hash_of(folder: Path) -> str:
    found = hashlib.sha256()
    for path in _weight_files(folder):
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
    return found.hexdigest()


def _fetched(name: str) -> Path:
    """The folder of a model on the hub, its files fetched where they are not there yet."""
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=list(FETCHED), ignore_patterns=["*/*"]))
    except HFValidationError as error:
        raise CheckpointError(f"“{name}” is neither a folder nor a name on the hub, such as organisation/model.") from error
    except Exception as error:  # no network, no such model, no leave to read it
        cache = os.environ.get("HF_HUB_CACHE", huggingface_hub.constants.HF_HUB_CACHE)
        raise CheckpointError(
            f"“{name}” is not in {cache}, and cannot be had from the hub ({type(error).__name__}). Where there is a network, "
            f"“hf download {name} --local-dir FOLDER” fetches it; then open that folder with --model hf:FOLDER.") from error
