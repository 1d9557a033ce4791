"""Which layer and which head the other views look at, of a model that has several."""

from unrolled.models.trace import Channel
from unrolled.models.trace.rollout import SELF
from unrolled.models.trace.slices import MEAN, ROLLOUT
from unrolled.viewer.state.commands import LookAt
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.building import in_row, named
from unrolled.viewer.widgets.combo_box import ComboBox

HEAD_HINT = ("Which head’s attention is drawn: one, the mean of all, or the rollout,\n"
             "attention through this layer and all below it (Abnar and Zuidema 2020)")


class LayerHeadView(View):
    """Two pickers; everything that is drawn of a layer or a head follows them."""

    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Layer and head")
        self.layer = named(ComboBox(), "Layer",
                           "Which layer’s attention and residual stream are drawn, counted from 1, the lowest.\n"
                           "In files and on the command line they are counted from 0")
        self.head = named(ComboBox(), "Head", HEAD_HINT)
        for picker in (self.layer, self.head):
            picker.setMinimumWidth(1)
        self.layer.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToContents)
        in_row(self, self.layer, (self.head, 1), spacing=4)
        self.layer.activated.connect(lambda index: self.do(LookAt("layer", self.layer.itemData(index))))
        self.head.activated.connect(lambda index: self.do(LookAt("head", self.head.itemData(index))))
        self.refresh()

    def refresh(self) -> None:
        trace, description = self.session.trace, self.session.description
        known = trace.channels.values() if trace is not None else description.channels if description is not None else ()
        channels = tuple(known)
        layers, heads = lengths_of(channels)
        rollout = [(ROLLOUT, "rollout")] if any(channel.role == SELF for channel in channels) else []
        named_heads = [(MEAN, "mean"), *rollout, *((str(head), f"head {head + 1}") for head in range(heads))]
        named_layers = [(str(layer), f"layer {layer + 1}") for layer in range(layers)]
        for picker, axis, items, usual in ((self.layer, "layer", named_layers, str(layers - 1)),
                                           (self.head, "head", named_heads, MEAN)):
            chosen = self.session.selection.at.get(axis, usual)
            picker.offer(items, chosen if chosen in dict(items) else items[-1][0] if items else "")
        self.head.setVisible(heads > 0)


def lengths_of(channels: tuple[Channel, ...]) -> tuple[int, int]:
    """How many layers there are, and heads, at the most."""
    layered = [channel for channel in channels if channel.axes[:1] == ("layer",)]
    return (max((channel.shape[0] for channel in layered), default=0),
            max((channel.shape[1] for channel in layered if channel.axes[1:2] == ("head",)), default=0))
