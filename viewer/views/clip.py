"""The clip's frame at the playhead, and what the model says of it."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen

from unrolled.models.inputs.inputs import InputClip
from unrolled.viewer.drawing.images import image_of
from unrolled.viewer.plotting.context_menu import attach
from unrolled.viewer.plotting.table import steps_table
from unrolled.viewer.state.playhead import NOWHERE
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.views.view import View, ViewContext
from unrolled.viewer.widgets.magnifier import Magnifier
from unrolled.viewer.widgets.themed import Painted

EMPTY = "The clip appears here.\nOpen an animated GIF, a video or a folder of frames."
SMALL = 160  # pixels, a side; smaller frames are enlarged pixel by pixel


class FrameView(Painted):
    """One frame, as large as there is room for."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.shown_frame = NOWHERE  # counted from 0
        self._image: QImage | None = None
        self.magnifier = Magnifier(self)
        self.setAccessibleName("Frame")

    def show_frame(self, clip: InputClip | None, frame: int) -> None:
        if clip is None:
            self.shown_frame, self._image = NOWHERE, None
        else:
            self.shown_frame = min(max(frame, 0), len(clip.frames) - 1)
            self._image = image_of(clip.frames[self.shown_frame])
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image is None:
            return
        width, height = self._image.width(), self._image.height()
        scale = min((self.width() - 2) / width, (self.height() - 2) / height)
        if max(width, height) <= SMALL and scale >= 2:
            scale = int(scale)
        box = self.magnifier.place(QRectF((self.width() - width * scale) / 2, (self.height() - height * scale) / 2,
                                          width * scale, height * scale))
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, max(width, height) > SMALL)
            painter.drawImage(box, self._image)
            painter.setPen(QPen(QColor(self.theme.border), 1))
            painter.drawRect(box)


class ClipView(View):
    def __init__(self, ctx: ViewContext) -> None:
        super().__init__(ctx, name="Clip")
        self.view = FrameView(ctx.theme)
        attach(self.view, "Frame", table=lambda: steps_table(self.session.trace), fill=self.view.magnifier.add_to)
        self._clip: InputClip | None = None
        self.hold((self.view, 1))
        self.say(EMPTY)
        self.refresh()

    def refresh(self) -> None:
        if self.session.clip is not self._clip:
            self._clip = self.session.clip
            self.say(EMPTY if self._clip is None else "")
            self.view.show_frame(self._clip, max(self.session.playhead.step, 0))
            self._say()

    def seek(self, step: int) -> None:
        if self._clip is not None and max(step, 0) != self.view.shown_frame:
            self.view.show_frame(self._clip, max(step, 0))
            self._say()

    def _say(self) -> None:
        clip = self._clip
        text = "" if clip is None else (f"frame {self.view.shown_frame + 1} of {len(clip.frames)}, "
                                        f"{clip.frames.shape[2]} × {clip.frames.shape[1]}")
        self.view.setAccessibleDescription(text)
        self.set_note(text)
