"""Which model is wanted, and where it is to run; what there is to choose from."""

from pathlib import Path

from unrolled.models.inputs.inputs import Input, InputText, looks_like_prose
from unrolled.models.inputs.kinds import suits, taken_by
from unrolled.models.protocol.loading import Device, Family, Loaded, Ready
from unrolled.models.trace import ModelDescription, ModelListing
from unrolled.viewer.control.runner import Runner
from unrolled.viewer.control.voice import Voice
from unrolled.viewer.state.recent_models import RecentModel, recent_models, remember_model

DEFAULT_MODEL = "caption-attend-lstm"


class ModelChoice:
    """What was chosen; it is loaded as soon as the backend is ready."""

    def __init__(self, runner: Runner, voice: Voice) -> None:
        self._runner, self._voice = runner, voice
        self.models: tuple[ModelListing, ...] = ()
        self.devices: tuple[Device, ...] = ()
        self.families: tuple[Family, ...] = ()
        self.recent: tuple[RecentModel, ...] = ()
        self.model, self.device = "", "auto"
        # What was used last time, and what it took; taken if nothing is asked for and it is there.
        self.preferred = self.preferred_kind = self.preferred_device = ""
        self._spare = ""  # tried where what nobody asked for cannot be loaded
        self._there, self._there_on = "", "auto"  # what the loaded model was opened by, and the device that was wanted

    @property
    def input_kind(self) -> str:
        """What the model takes that is loaded, or that will be; empty while that is not known."""
        if self._runner.loaded is not None and not self._runner.state.loading:
            return self._runner.loaded.description.input_kind
        wanted = self.model or self.preferred or DEFAULT_MODEL
        listed = next((listing for listing in self.models if listing.name == wanted), None)
        known = {self.preferred: self.preferred_kind, DEFAULT_MODEL: "picture"}
        return listed.input_kind if listed is not None else known.get(wanted, "")

    def take(self, report: Ready, given: Input | None) -> None:
        """The backend says what there is; where nothing was asked for, a model is chosen that takes the input."""
        self.models, self.devices, self.families, self.recent = (
            report.models, report.devices, report.families, recent_models())
        wanted = self.preferred_device if self.device == "auto" else self.device
        self.device = next((device.name for device in report.devices if device.name in (wanted, f"{wanted}:0")), self.device)
        if self.model:
            return
        names = [listing.name for listing in report.models]
        choices = [name for name in (self.preferred, DEFAULT_MODEL) if name in names or (name and Path(name).exists())]
        self.model, self._spare, *_ = *dict.fromkeys((*choices, *names)), "", ""
        if given is not None and not taken_by(given, self.input_kind):
            self.model = self.model_for(given) or self.model
        if not self.model:
            self._voice.say("model", "No model is installed. Open a checkpoint, or train one with “unrolled train”.", "warning")

    def named(self, model: ModelDescription) -> str:
        """What opens the model of a description; nothing where no such one is known here."""
        listed = [listing.name for listing in self.models if listing.name == model.name]
        return next(iter((*listed, *(own.model for own in self.recent if own.title == model.title))), "")

    def model_for(self, given: Input) -> str:
        """The first listed model that takes an input; a sentence is preferably translated, a program read."""
        fitting = [listing for listing in self.models if taken_by(given, listing.input_kind) and suits(given, listing.input_kind)]
        if isinstance(given, InputText):
            wanted = "sentence" if looks_like_prose(given) else "text"
            fitting.sort(key=lambda listing: listing.input_kind != wanted)
        return fitting[0].name if fitting else ""

    def request(self) -> None:
        """Have it loaded, where the backend is ready; otherwise it is when that is."""
        if self.model and self._runner.load(self.model, self.device):
            self._voice.unsaid.emit("model")
            self._voice.busy("Loading the model…")
            self._voice.state_changed.emit()

    def took(self, report: Loaded) -> None:
        """What was wanted is there."""
        self._there, self._there_on = self.model or report.description.name, self.device
        self.recent = remember_model(self._there, report.description, self.models)

    def go_back(self) -> None:
        """What was wanted cannot be had: what is there is wanted again; at the start, another that nobody asked for either."""
        if self._runner.loaded is not None:
            self.model, self.device = self._there or self._runner.loaded.description.name, self._there_on
        elif self._spare:
            self.model, self._spare = self._spare, ""
            if self.model and self._runner.load(self.model, self.device):
                self._voice.busy("Loading the model…")  # what was wrong with the other stays in sight
