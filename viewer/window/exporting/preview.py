"""The preview of an export: painted in a thread, the newest alone, so that typing never waits for it."""

from threading import Lock

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QSlider, QToolButton, QWidget

from unrolled.viewer.export.contents import Content
from unrolled.viewer.export.formats import ExportFormat, Makes
from unrolled.viewer.export.preview import Preview, Previewer
from unrolled.viewer.export.settings import ExportSettings
from unrolled.viewer.export.subject import Subject
from unrolled.viewer.theme.fonts import text_font
from unrolled.viewer.theme.icons import icon
from unrolled.viewer.theme.themes import Theme
from unrolled.viewer.widgets.asking import Asking, Told, Wanted
from unrolled.viewer.widgets.building import countdown, in_column, in_row, keep_room, muted_label, named

SETTLE_MILLISECONDS = 120  # after a change, so that not every letter is painted
SQUARE = 8  # pixels of the chequers that a clear ground is shown on
LEAST = QSize(380, 300)


class ExportPreview(QWidget):
    """Shows what was last asked for; an animation plays, or stands at a chosen step."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self._asked: tuple[Subject, Content, ExportFormat, ExportSettings] | None = None
        self._previewer, self._one_at_a_time = Previewer(), Lock()
        self._making = Asking(self, failing="The preview failed")
        self._making.answered.connect(self._show)
        self._making.failed.connect(self._show_nothing)
        self.picture = _Picture(theme)
        self.size_ = named(muted_label(), "Size of the export")
        self.play = QToolButton(autoRaise=True)
        self.play.setCheckable(True)
        self.play.toggled.connect(self._toggled)
        self.slider = named(QSlider(Qt.Orientation.Horizontal), "Step of the preview")
        self.slider.valueChanged.connect(lambda _: self._begin())
        self.number = muted_label()
        self._controls = QWidget()
        in_row(self._controls, self.play, (self.slider, 1), self.number, spacing=8)
        keep_room(self._controls)
        in_column(self, (self.picture, 1), self._controls, self.size_, spacing=6)
        self._settle = countdown(self, SETTLE_MILLISECONDS, self._begin)
        self._clock = QTimer(self)
        self._clock.timeout.connect(lambda: self.slider.setValue((self.slider.value() + 1) % (self.slider.maximum() + 1)))
        self._toggled(False)
        self.setAccessibleName("Preview")

    def ask(self, subject: Subject, content: Content, chosen: ExportFormat, settings: ExportSettings) -> None:
        """Show this, soon; what was asked for before is given up."""
        self._asked = subject, content, chosen, settings
        if self.picture.image is None:
            self.picture.set_image(None, sentence="Drawing the preview…")
        self._clock.setInterval(round(1000 * settings.seconds_per_word))
        if content.makes is not Makes.ANIMATION:
            self.play.setChecked(False)
            self._controls.hide()
        self._settle.start()

    def say(self, sentence: str) -> None:
        """Show a sentence in place of a picture."""
        self._asked = None
        self._settle.stop()
        self._making.stop()
        self._show_nothing(sentence)

    def close_preview(self) -> None:
        """Wait until no thread is left."""
        self._settle.stop()
        self._clock.stop()
        self._making.close()

    def _begin(self) -> None:
        if self._asked is None:
            return
        asked, frame, ratio = self._asked, self.slider.value(), self.devicePixelRatioF()
        largest = (self.picture.size().toSizeF() * ratio).toSize()

        def make(wanted: Wanted, _: Told) -> Preview | None:
            with self._one_at_a_time:
                return None if not wanted() else self._previewer.make(*asked, frame=frame, largest=largest,
                                                                      cancelled=lambda: not wanted())

        self._making.ask(make)

    def _show(self, made: Preview) -> None:
        if self._asked is None:
            return
        self.picture.set_image(made.image, clear=self._asked[3].clear)
        self.size_.setText(made.size)
        self._controls.setVisible(made.frames > 1)
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(made.frames - 1, 0))
        self.number.setText(f"{self.slider.value() + 1} of {made.frames}")

    def _show_nothing(self, sentence: str) -> None:
        self.picture.set_image(None, sentence=sentence)
        self.size_.setText("")
        self._controls.hide()

    def _toggled(self, on: bool) -> None:
        self.play.setIcon(icon("pause" if on else "play", self.theme))
        word = "Pause the preview" if on else "Play the preview"
        named(self.play, word, word)
        self._clock.start() if on else self._clock.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle.start()


class _Picture(QWidget):
    """An image in the middle, in its own proportions."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.image: QImage | None = None  # in device pixels
        self._clear, self._sentence = False, ""
        self._chequers = QPixmap(2 * SQUARE, 2 * SQUARE)
        self._chequers.fill(QColor(theme.raised))
        with QPainter(self._chequers) as painter:
            for corner in (0, SQUARE):
                painter.fillRect(corner, corner, SQUARE, SQUARE, QColor(theme.border))
        self.setMinimumSize(LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Preview of the export")

    def set_image(self, image: QImage | None, *, clear: bool = False, sentence: str = "") -> None:
        self.image, self._clear, self._sentence = image, clear, sentence
        self.setAccessibleDescription(sentence)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(self.theme.window))
            if self.image is None:
                painter.setFont(text_font(13))
                painter.setPen(QColor(self.theme.muted))
                painter.drawText(QRectF(self.rect()).adjusted(24, 24, -24, -24),
                                 Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._sentence)
                return
            size = self.image.size().toSizeF() * (1.0 / self.devicePixelRatioF())
            place = QRectF((self.width() - size.width()) // 2, (self.height() - size.height()) // 2, size.width(), size.height())
            if self._clear:
                painter.drawTiledPixmap(place, self._chequers)
            painter.drawImage(place, self.image)
