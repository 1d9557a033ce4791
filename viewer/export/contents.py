"""The table of what of a run is exported: each a picture, an animation or the trace. It knows no Qt."""

from collections.abc import Callable
from dataclasses import dataclass

from unrolled.viewer.export.failure import ExportError
from unrolled.viewer.export.formats import ExportFormat, Makes, formats
from unrolled.viewer.export.subject import Subject

NEEDED = {"attention": ("row", "column"), "alignment": ("source",)}  # the axes of what is drawn
OF_INPUT = {"sentence": "alignment", "text": "text", "clip": "frames"}  # what is drawn of a run, by the kind of its input


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Something that can be exported."""

    name: str  # on the command line, and remembered
    title: str  # for a list to choose from
    about: str  # a sentence
    makes: Makes  # what its formats hold
    there: Callable[[Subject], bool]  # whether a run has it
    missing: str  # a sentence where it has not
    takes: frozenset[str] = frozenset()  # the `ExportSettings` that it looks at, beside those that all do
    suffixes: tuple[str, ...] = ()  # of its formats; without any, all that hold what it makes

    @property
    def formats(self) -> tuple[ExportFormat, ...]:
        return tuple(row for row in formats().values() if row.makes is self.makes and row.suffix in (self.suffixes or formats()))


def of_run(subject: Subject) -> str:
    """What a run itself looks like: the name of that content."""
    return OF_INPUT.get(subject.trace.provenance.input_kind, "attention")


def _is(name: str) -> Callable[[Subject], bool]:
    return lambda subject: of_run(subject) == name and (name not in NEEDED or _has_axes(subject, NEEDED[name]))


def _has_axes(subject: Subject, *wanted: tuple[str, ...]) -> bool:
    return any(channel.axes in wanted for channel in subject.channels)


NO_ATTENTION = "This trace holds no attention over a picture, so there is nothing to draw."
STEPS = frozenset({"steps", "end"})
COLOURS = frozenset({"colour_map", "scale", "opacity", "smooth", "style"})
CONTENTS = (
    Content(name="attention", title="Attention strip", makes=Makes.STILL, there=_is("attention"), missing=NO_ATTENTION,
            about="One picture per word, with its attention over it and the word below.",
            takes=STEPS | COLOURS | {"columns", "type_points"}),
    Content(name="alignment", title="Alignment", makes=Makes.STILL, there=_is("alignment"),
            missing="Only a run that reads a sentence, and attends to it, has an alignment.",
            about="The finished matrix: one row per written word, one column per source word.",
            takes=STEPS | {"colour_map", "scale", "type_points"}),
    Content(name="text", title="Text and probabilities", makes=Makes.STILL, there=_is("text"),
            missing="Only a run that reads a text is drawn as one.",
            about="Every character on a background that shows how probable it was.", takes=STEPS | {"columns", "type_points"}),
    Content(name="frames", title="Sheet of frames", makes=Makes.STILL, there=_is("frames"),
            missing="Only a run that reads a clip has frames.",
            about="The frames side by side, with what the model said of each.", takes=STEPS | {"columns", "type_points"}),
    Content(name="animation", title="Animation", makes=Makes.ANIMATION,
            there=lambda subject: any(_is(name)(subject) for name in ("attention", "alignment", "frames")),
            missing="A text is exported as a picture, ending in .png, .svg or .pdf; videos are of attention and of clips.",
            about="The attention step by step, as the output appears.",
            takes=STEPS | COLOURS | {"seconds_per_word", "type_points"}),
    Content(name="tracks", title="Tracks", makes=Makes.STILL,
            there=lambda subject: _has_axes(subject, ("unit",), (), ("label",)),
            missing="This trace holds no channel over time.",
            about="Every recorded channel over time, on its own scale.", takes=STEPS | {"type_points"}),
    Content(name="gradients", title="Gradient map", makes=Makes.STILL,
            there=lambda subject: subject.gradients is not None and subject.gradients.has("hidden"),
            missing="There are no gradients by an earlier state: “Attribution” in the window follows them back, and a "
                    "transformer has none.",
            about="What each word depended on: the norm of its gradient with respect to every earlier state.",
            takes=STEPS | {"type_points"}),
    Content(name="beam", title="Beam tree", makes=Makes.STILL,
            there=lambda subject: subject.search is not None and len(subject.search) > 0,
            missing="This run was not searched for; choose beam search.",
            about="The hypotheses of the beam search: which one each extends, and what became of it.",
            takes=STEPS | {"columns", "type_points"}),
    Content(name="branches", title="Branch tree", makes=Makes.STILL,
            there=lambda subject: subject.branches is not None and len(subject.branches.all) > 1,
            missing="This run has no branches: whatever is changed makes one.",
            about="The run and its branches, each from where it branches off.", takes=STEPS | {"columns", "type_points"}),
    Content(name="trace", title="Trace", makes=Makes.TRACE, there=lambda subject: True, missing="",
            about="Every recorded value of every step, with its provenance. It opens here again without the model."),
)
OF_PLOTS = (  # in place of a run
    Content(name="curves", title="Training curves", makes=Makes.STILL, there=lambda subject: subject.board is not None,
            missing="Curves are exported from the training room.", about="All plots, as they stand now.",
            takes=frozenset({"columns", "type_points"})),
    Content(name="updates", title="Numbers of every update", makes=Makes.TRACE, there=lambda subject: subject.board is not None,
            missing="Updates are exported from the training room.",
            about="Loss, accuracy, and the gradient’s norm before and after clipping: a row per update.", suffixes=(".csv",)),
)


def content_named(name: str, chosen: ExportFormat) -> Content | None:
    """A content that this format can hold; None of no name. Raises `ExportError`."""
    content = next((one for one in CONTENTS + OF_PLOTS if one.name == name), None)
    if name and content is None:
        raise ExportError(f"There is no “{name}” to export; there are {', '.join(one.name for one in CONTENTS)}.")
    if content is not None and chosen.suffix not in (suffixes := [row.suffix for row in content.formats]):
        raise ExportError(f"“{content.name}” is not written as {chosen.suffix}; choose one of {', '.join(suffixes)}.")
    return content


def content_of(subject: Subject, name: str, chosen: ExportFormat) -> Content:
    """What is exported: by its name, or without one what the format is for. Raises `ExportError` where there is none."""
    own = next(one for one in CONTENTS if one.name == of_run(subject))
    usual = {Makes.STILL: own.name, Makes.ANIMATION: "animation", Makes.TRACE: "trace"}[chosen.makes]
    content = content_named(name or usual, chosen)
    assert content is not None
    if not content.there(subject):
        raise ExportError(own.missing if content.makes is Makes.ANIMATION and not own.there(subject) else content.missing)
    return content
