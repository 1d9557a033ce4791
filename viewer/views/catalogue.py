"""All views, in the order that they stand in their places; installed packages add their own."""

from __future__ import annotations

import logging
from importlib.metadata import entry_points

from unrolled.models.inputs.inputs import NO_INPUT, RECORDED
from unrolled.viewer.views.spec import (
    Place,
    ViewSpec,
    alone,
    comparing,
    either,
    every,
    has,
    in_characters,
    in_pieces,
    lacks,
    layered,
    of_kind,
    searching,
    with_heads,
    words_chosen,
)

ENTRY_POINTS = "unrolled.views"
_HERE = "unrolled.viewer.views."

BUILT_IN = (
    ViewSpec("picture", "Photograph", Place.LEFT, _HERE + "picture.picture:PictureView", accepts=of_kind("picture"),
             titles={"shapes": "Scene"}),
    ViewSpec("clip", "Clip", Place.LEFT, _HERE + "clip:ClipView", accepts=of_kind("clip")),
    ViewSpec("text", "Text", Place.LEFT, _HERE + "text.text_input:TextView", accepts=of_kind("sentence", "text"),
             titles={"sentence": "Sentence"}, height=132),
    ViewSpec("beside clip", "B", Place.LEFT, _HERE + "picture.comparison:BesideView",
             accepts=every(comparing, of_kind("clip")), height=72),  # above: the labels stay where they are
    ViewSpec("written", "Caption", Place.LEFT, _HERE + "text.caption:CaptionView",
             accepts=either(of_kind("picture", "sentence", "clip", NO_INPUT), every(of_kind("text"), in_pieces)),
             titles={"translation": "Translation", "conversation": "Reply", "sentence": "Output", "clip": "Labels",
                     "text": "Prompt and continuation", NO_INPUT: "Written"},
             height=104),
    ViewSpec("film strip", "Attention by word", Place.LEFT, _HERE + "picture.film_strip:FilmStripView",
             accepts=every(of_kind("picture"), has(axes=("row", "column")), alone), height=136),
    ViewSpec("alignment", "Alignment", Place.LEFT, _HERE + "alignment.alignment:AlignmentView",
             accepts=every(alone, either(every(of_kind("sentence", RECORDED), has(axes=("source",))),
                                         every(of_kind(RECORDED), has("attention", axes=("key",))),
                                         every(of_kind("text"), in_pieces))),
             titles={"text": "Attention"}),
    ViewSpec("reader", "Prompt and continuation", Place.LEFT, _HERE + "text.reader:ReaderView",
             accepts=every(of_kind("text"), in_characters)),
    ViewSpec("beside", "B", Place.LEFT, _HERE + "picture.comparison:BesideView",
             accepts=every(comparing, of_kind("picture", "text")), height=136),  # as high as the strip, whose place it takes
    ViewSpec("beside sentence", "B", Place.LEFT, _HERE + "picture.comparison:BesideView",
             accepts=every(comparing, of_kind("sentence", NO_INPUT))),

    ViewSpec("tracks", "Activations", Place.CENTRE, _HERE + "tracks:TracksView"),

    ViewSpec("candidates", "This step", Place.RIGHT, _HERE + "text.candidates:CandidatesView",
             accepts=words_chosen),
    ViewSpec("layer and head", "Layer and head", Place.RIGHT, _HERE + "heads.picker:LayerHeadView", accepts=layered, height=74),
    ViewSpec("unit", "Unit", Place.RIGHT, _HERE + "units.unit:UnitView", height=302),

    ViewSpec("branches", "Branches", Place.BOTTOM, _HERE + "branches.branch_tree:BranchTreeView", framed=False,
             accepts=words_chosen),
    ViewSpec("scrub bar", "Playhead", Place.BOTTOM, _HERE + "scrub_bar:ScrubBarView", framed=False),

    ViewSpec("fidelity", "Fidelity", Place.STATUS, _HERE + "fidelity:FidelityBadge", framed=False),

    ViewSpec("edits", "Edits", Place.DRAWER, _HERE + "edits.edits:EditsView", shortcut="C", menu="Edit",
             accepts=words_chosen, action="Edit the computation…",
             hint="Change the computation: words, units, gates, attention, the picture"),
    ViewSpec("equations", "Equations", Place.DRAWER, _HERE + "units.equations:EquationsView", shortcut="E",
             accepts=every(words_chosen, has("hidden")), hint="This step in equations, with one unit’s numbers"),
    ViewSpec("attribution", "Attribution", Place.DRAWER, _HERE + "attribution.attribution:AttributionView", shortcut="W",
             accepts=every(words_chosen, either(has("hidden"), layered)),
             hint="What the word depended on: gradients and occlusion"),
    ViewSpec("gates", "Gates", Place.DRAWER, _HERE + "gates.gates:GateStatisticsView", shortcut="G", action="Gate statistics",
             accepts=has("*_gate", axes=("unit",)), hint="How often each unit’s gates are shut and open"),
    ViewSpec("attention", "Attention", Place.DRAWER, _HERE + "attention:AttentionStatisticsView", shortcut="Shift+A",
             action="Attention statistics", accepts=has("attention"), hint="How sharp the attention is, and what it covers"),
    ViewSpec("heads", "Heads", Place.DRAWER, _HERE + "heads.heads:HeadsView", shortcut="Shift+H", accepts=with_heads,
             hint="Where every head of every layer attends, their mean, and the rollout"),
    ViewSpec("lens", "Logit lens", Place.DRAWER, _HERE + "lens.lens:LogitLensView", shortcut="Shift+L",
             accepts=every(words_chosen, layered, has("residual_stream", axes=("unit",))),
             hint="The next word as each layer would have it"),
    ViewSpec("similar", "Similar steps", Place.DRAWER, _HERE + "similar.similar:SimilarView", shortcut="F",
             action="Find similar steps", hint="Where else the same units are active"),
    ViewSpec("beam", "Beam search", Place.DRAWER, _HERE + "branches.beam_tree:BeamTreeView", shortcut="B",
             accepts=every(words_chosen, either(searching, lacks(axes=("label",)))),
             hint="The beam search as it runs: which hypotheses are extended, pruned and finished"),
)


def catalogue() -> tuple[ViewSpec, ...]:
    """The built-in views and those of the entry points ``unrolled.views``, each a `ViewSpec` or several.

    A package whose entry point cannot be loaded, or whose view has a name that is taken, is left out and logged.
    """
    specs = list(BUILT_IN)
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            found = entry.load()
            for spec in (found,) if isinstance(found, ViewSpec) else tuple(found):
                if not isinstance(spec, ViewSpec) or any(own.name == spec.name for own in specs):
                    raise ValueError(f"{spec} is no ViewSpec with a name of its own")
                specs.append(spec)
        except Exception:  # whatever a foreign package raises costs its views alone
            logging.getLogger(__name__).exception("The views of “%s” cannot be loaded", entry.name)
    return tuple(specs)
