"""All views, in the order that they stand in their places; installed packages add their own."""

import logging
from importlib.metadata import entry_points

from unrolled.models.inputs.inputs import NO_INPUT, RECORDED
from unrolled.models.trace.edits import has_heads
from unrolled.viewer.views.spec import Place, ViewSpec, has

ENTRY_POINTS = "unrolled.views"
_HERE = "unrolled.viewer.views."

BUILT_IN = (
    ViewSpec("picture", "Photograph", Place.LEFT, _HERE + "picture.picture:PictureView",
             accepts=lambda s: s.input_kind == "picture", titles={"shapes": "Scene"}),
    ViewSpec("clip", "Clip", Place.LEFT, _HERE + "clip:ClipView", accepts=lambda s: s.input_kind == "clip"),
    ViewSpec("text", "Text", Place.LEFT, _HERE + "text.text_input:TextView",
             accepts=lambda s: s.input_kind in ("sentence", "text"), titles={"sentence": "Sentence"}, height=132),
    ViewSpec("beside clip", "B", Place.LEFT, _HERE + "picture.comparison:BesideView",
             accepts=lambda s: s.comparing and s.input_kind == "clip", height=72),  # above: the labels stay where they are
    ViewSpec("written", "Caption", Place.LEFT, _HERE + "text.caption:CaptionView",
             accepts=lambda s: s.input_kind in ("picture", "sentence", "clip", NO_INPUT, *(("text",) if s.in_pieces else ())),
             titles={"translation": "Translation", "conversation": "Reply", "sentence": "Output", "clip": "Labels",
                     "text": "Prompt and continuation", NO_INPUT: "Written"},
             height=104),
    ViewSpec("film strip", "Attention by word", Place.LEFT, _HERE + "picture.film_strip:FilmStripView",
             accepts=lambda s: not s.comparing and s.input_kind == "picture" and s.has(axes=("row", "column")), height=136),
    ViewSpec("alignment", "Alignment", Place.LEFT, _HERE + "alignment.alignment:AlignmentView",
             accepts=lambda s: not s.comparing and (
                 (s.input_kind in ("sentence", RECORDED) and s.has(axes=("source",)))
                 or (s.input_kind == RECORDED and s.has("attention", axes=("key",)))
                 or (s.input_kind == "text" and s.in_pieces)),
             titles={"text": "Attention"}),
    ViewSpec("reader", "Prompt and continuation", Place.LEFT, _HERE + "text.reader:ReaderView",
             accepts=lambda s: s.input_kind == "text" and not s.in_pieces),
    ViewSpec("beside", "B", Place.LEFT, _HERE + "picture.comparison:BesideView", height=136,  # as the strip, whose place it takes
             accepts=lambda s: s.comparing and s.input_kind in ("picture", "text")),
    ViewSpec("beside sentence", "B", Place.LEFT, _HERE + "picture.comparison:BesideView",
             accepts=lambda s: s.comparing and s.input_kind in ("sentence", NO_INPUT)),

    ViewSpec("tracks", "Activations", Place.CENTRE, _HERE + "tracks:TracksView"),

    ViewSpec("candidates", "This step", Place.RIGHT, _HERE + "text.candidates:CandidatesView",
             accepts=lambda s: s.words_chosen),
    ViewSpec("layer and head", "Layer and head", Place.RIGHT, _HERE + "heads.picker:LayerHeadView",
             accepts=lambda s: s.layered, height=74),
    ViewSpec("unit", "Unit", Place.RIGHT, _HERE + "units.unit:UnitView", height=302),

    ViewSpec("branches", "Branches", Place.BOTTOM, _HERE + "branches.branch_tree:BranchTreeView", framed=False,
             accepts=lambda s: s.words_chosen),
    ViewSpec("scrub bar", "Playhead", Place.BOTTOM, _HERE + "scrub_bar:ScrubBarView", framed=False),

    ViewSpec("fidelity", "Fidelity", Place.STATUS, _HERE + "fidelity:FidelityBadge", framed=False),

    ViewSpec("edits", "Edits", Place.DRAWER, _HERE + "edits.edits:EditsView", shortcut="C", menu="Edit",
             accepts=lambda s: s.words_chosen, action="Edit the computation…",
             hint="Change the computation: words, units, gates, attention, the picture"),
    ViewSpec("equations", "Equations", Place.DRAWER, _HERE + "units.equations:EquationsView", shortcut="E",
             accepts=lambda s: s.words_chosen and s.has("hidden"), hint="This step in equations, with one unit’s numbers"),
    ViewSpec("attribution", "Attribution", Place.DRAWER, _HERE + "attribution.attribution:AttributionView", shortcut="W",
             accepts=lambda s: s.words_chosen and (s.has("hidden") or s.layered),
             hint="What the word depended on: gradients and occlusion"),
    ViewSpec("gates", "Gates", Place.DRAWER, _HERE + "gates.gates:GateStatisticsView", shortcut="G", action="Gate statistics",
             accepts=has("*_gate", axes=("unit",)), hint="How often each unit’s gates are shut and open"),
    ViewSpec("attention", "Attention", Place.DRAWER, _HERE + "attention:AttentionStatisticsView", shortcut="Shift+A",
             action="Attention statistics", accepts=has("attention"), hint="How sharp the attention is, and what it covers"),
    ViewSpec("heads", "Heads", Place.DRAWER, _HERE + "heads.heads:HeadsView", shortcut="Shift+H",
             accepts=lambda s: any(map(has_heads, s.channels)),
             hint="Where every head of every layer attends, their mean, and the rollout"),
    ViewSpec("lens", "Logit lens", Place.DRAWER, _HERE + "lens.lens:LogitLensView", shortcut="Shift+L",
             accepts=lambda s: s.words_chosen and s.layered and s.has("residual_stream", axes=("unit",)),
             hint="The next word as each layer would have it"),
    ViewSpec("similar", "Similar steps", Place.DRAWER, _HERE + "similar.similar:SimilarView", shortcut="F",
             action="Find similar steps", hint="Where else the same units are active"),
    ViewSpec("beam", "Beam search", Place.DRAWER, _HERE + "branches.beam_tree:BeamTreeView", shortcut="B",
             accepts=lambda s: s.words_chosen and (s.searching or not s.records(axes=("label",))),
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
                    raise ValueError(f"{spec} is not a ViewSpec with a name of its own")
                specs.append(spec)
        except Exception:  # whatever a foreign package raises costs its views alone
            logging.getLogger(__name__).exception("The views of “%s” cannot be loaded", entry.name)
    return tuple(specs)
