"""Qt's palette and style sheet, made from a theme. No other module writes rules of style for common widgets."""

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from unrolled.assets import path as asset
from unrolled.viewer.theme.fonts import BASE_PIXELS, MONO_FAMILY, TEXT_FAMILY
from unrolled.viewer.theme.themes import Theme


def apply_theme(theme: Theme) -> None:
    """Dress the whole application, which takes a third of a second; a second window of the same theme finds it dressed."""
    application, sheet = QApplication.instance(), stylesheet(theme)
    assert isinstance(application, QApplication)
    if application.styleSheet() != sheet:
        application.setPalette(palette(theme))
        application.setStyleSheet(sheet)


def palette(theme: Theme) -> QPalette:
    """The theme as Qt's palette, for what the style sheet does not reach."""
    made = QPalette()
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, theme.window), (role.WindowText, theme.text), (role.Base, theme.panel),
        (role.AlternateBase, theme.raised), (role.Text, theme.text), (role.PlaceholderText, theme.muted),
        (role.Button, theme.raised), (role.ButtonText, theme.text), (role.ToolTipBase, theme.raised),
        (role.ToolTipText, theme.text), (role.Highlight, theme.accent), (role.HighlightedText, theme.accent_text),
        (role.Link, theme.accent), (role.Accent, theme.accent), (role.Mid, theme.border), (role.Light, theme.raised),
    ):
        made.setColor(which, QColor(colour))
    group = QPalette.ColorGroup.Disabled
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(group, which, QColor(theme.faint))
    return made


def _mark(name: str) -> str:
    """A drawing of `assets/controls` as style sheets name it; they take no other."""
    return f'url("{asset("controls", f"{name}.svg").as_posix()}")'


def stylesheet(theme: Theme) -> str:
    """The rules for the whole application. Sizes follow a rhythm of 4 and 8 pixels; corners are 8, of controls 6."""
    t = theme
    return f"""
* {{ font-family: "{TEXT_FAMILY}"; font-size: {BASE_PIXELS}px; }}
QMainWindow, QDialog {{ background: {t.window}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}  /* the desktop’s would be black on any ground */
QWidget {{ color: {t.text}; }}
/* Words of models and files are shown as they are written; a label that says that it is rich has escaped them. */
QLabel[textFormat="2"], QToolTip {{ qproperty-textFormat: PlainText; }}
QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border}; padding: 4px 8px; }}

QMenuBar {{ background: {t.window}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 4px 8px; border-radius: 6px; background: transparent; }}
QMenuBar::item:selected {{ background: {t.accent_ground}; }}
QMenu {{ background: {t.panel}; border: 1px solid {t.border}; padding: 4px; }}
QMenu::item {{ padding: 5px 28px 5px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {t.accent_ground}; color: {t.text}; }}
QMenu::item:disabled {{ color: {t.faint}; }}
QMenu::separator {{ height: 1px; background: {t.border}; margin: 4px 8px; }}
QMenu::icon {{ padding-left: 8px; }}

#toolbar {{ background: {t.panel}; border: none; border-bottom: 1px solid {t.border}; }}
#toolbarLine {{ background: {t.border}; }}
#section {{ background: {t.panel}; border: 1px solid {t.border}; border-radius: 8px; }}
#sectionHeading {{ color: {t.muted}; font-weight: 600; font-size: 11px; background: transparent; }}
#sectionNote {{ color: {t.muted}; font-size: 11px; background: transparent; }}
#status {{ background: transparent; }}
#status QLabel {{ color: {t.muted}; font-size: 12px; background: transparent; }}
#muted {{ color: {t.muted}; }}
#title {{ font-size: 20px; font-weight: 600; }}
#subtitle {{ font-weight: 600; color: {t.text}; }}
#keyCap {{ font-family: "{MONO_FAMILY}"; font-size: 12px; background: {t.raised}; border: 1px solid {t.border};
           border-radius: 4px; padding: 1px 6px; }}

#banner {{ border-radius: 8px; border: 1px solid {t.border}; background: {t.raised}; }}
#fault {{ color: {t.error}; background: transparent; font-size: 12px; }}
#banner[kind="error"] {{ border-color: {t.error}; }}
#banner[kind="warning"] {{ border-color: {t.warning}; }}
#banner QLabel {{ background: transparent; }}

QToolButton, QPushButton {{ background: transparent; border: 1px solid transparent; border-radius: 6px;
    padding: 4px 8px; }}
QToolButton:hover, QPushButton:hover {{ background: {t.raised}; border-color: {t.border}; }}
QToolButton:pressed, QPushButton:pressed {{ background: {t.accent_ground}; }}
QToolButton:checked {{ background: {t.accent_ground}; color: {t.accent}; }}
QToolButton:focus, QPushButton:focus {{ border: 1px solid {t.accent}; }}
QToolButton:disabled, QPushButton:disabled {{ color: {t.faint}; }}
#foldButton {{ padding: 0; }}
#wordButton {{ background: {t.raised}; border-color: {t.border}; }}
#wordButton:hover {{ border-color: {t.faint}; }}
#wordButton:focus {{ border-color: {t.accent}; }}
#switch {{ background: {t.raised}; border-color: {t.border}; padding: 0; font-size: 12px; }}
#switch:hover {{ border-color: {t.faint}; }}
#switch:checked, #wordButton:checked {{ background: {t.accent_ground}; border-color: {t.accent}; color: {t.accent}; }}
#switch:focus {{ border: 2px solid {t.accent}; }}
#drawerTab {{ color: {t.muted}; font-size: 12px; padding: 3px 7px; background: {t.raised}; border-color: {t.border}; }}
#drawerTab:checked {{ color: {t.accent}; background: {t.accent_ground}; border-color: {t.accent}; font-weight: 500; }}
#drawerTab:hover {{ border-color: {t.faint}; }}
#drawerTab:focus {{ border: 2px solid {t.accent}; padding: 2px 6px; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}
QPushButton {{ background: {t.raised}; border-color: {t.border}; padding: 5px 14px; min-height: 18px; }}
QPushButton:default, QPushButton#primary {{ background: {t.accent}; color: {t.accent_text};
    border-color: {t.accent}; font-weight: 500; }}
QPushButton#primary:hover, QPushButton:default:hover {{ background: {t.accent}; border-color: {t.text}; }}
QPushButton:default:focus, QPushButton#primary:focus {{ border: 2px solid {t.text}; padding: 4px 13px; }}
QPushButton:default:disabled, QPushButton#primary:disabled {{ background: {t.raised};
    color: {t.faint}; border-color: {t.border}; }}
#playButton {{ background: {t.accent}; color: {t.accent_text}; border-radius: 17px; padding: 0; }}
#playButton:hover {{ border-color: {t.text}; }}
#playButton:focus {{ border: 2px solid {t.text}; }}
#playButton:disabled {{ background: {t.raised}; border-color: {t.border}; }}

QComboBox, QSpinBox, QDoubleSpinBox, QLineEdit, QPlainTextEdit {{ background: {t.raised}; border: 1px solid {t.border};
    border-radius: 6px; padding: 4px 8px; min-height: 18px;
    selection-background-color: {t.accent}; selection-color: {t.accent_text}; }}
QComboBox:hover, QSpinBox:hover, QDoubleSpinBox:hover {{ border-color: {t.faint}; }}
QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus, QLineEdit:focus, QPlainTextEdit:focus {{ border: 1px solid {t.accent}; }}
QPlainTextEdit {{ padding: 0 4px; }}
QSpinBox, QDoubleSpinBox {{ padding: 2px 4px 2px 8px; }}
QSpinBox::up-button, QDoubleSpinBox::up-button {{ subcontrol-origin: border; subcontrol-position: top right; }}
QSpinBox::down-button, QDoubleSpinBox::down-button {{ subcontrol-origin: border; subcontrol-position: bottom right; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 20px; border: none; background: transparent; }}
QAbstractSpinBox::up-arrow {{ image: {_mark("up")}; width: 8px; height: 6px; top: 2px; }}
QAbstractSpinBox::down-arrow {{ image: {_mark("down")}; width: 8px; height: 6px; bottom: 2px; }}
QLineEdit, QPlainTextEdit {{ placeholder-text-color: {t.muted}; }}
QComboBox:disabled, QLineEdit:disabled, QAbstractSpinBox:disabled {{ color: {t.faint}; }}
QComboBox {{ combobox-popup: 0; }}  /* a list, whose colours can be chosen, and not the style's menu */
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow {{ image: {_mark("down")}; width: 10px; height: 7px; }}
QComboBox QAbstractItemView {{ background: {t.panel}; border: 1px solid {t.border}; padding: 4px;
    selection-background-color: {t.accent_ground}; selection-color: {t.text}; outline: none; }}
QComboBox QAbstractItemView::item {{ min-height: 24px; padding: 0 6px; border-radius: 4px; }}
QComboBox QAbstractItemView::item:disabled {{ color: {t.faint}; }}
QComboBox QAbstractItemView::item:selected {{ background: {t.accent_ground}; color: {t.text}; }}

QSlider {{ background: transparent; min-height: 22px; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {t.border}; }}
QSlider::sub-page:horizontal {{ background: {t.accent}; border-radius: 2px; height: 4px; }}
QSlider::handle:horizontal {{ width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; background: {t.panel};
    border: 1px solid {t.faint}; }}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{
    border: 2px solid {t.accent}; width: 12px; height: 12px; }}
QSlider:focus {{ border: none; }}

QCheckBox, QRadioButton {{ spacing: 8px; background: transparent; }}
QCheckBox:focus, QRadioButton:focus {{ color: {t.accent}; }}
QCheckBox::indicator, #rows::indicator {{ width: 14px; height: 14px; border: 1px solid {t.faint}; border-radius: 4px;
    background: {t.panel}; }}
QCheckBox::indicator:checked, #rows::indicator:checked {{ background: {t.accent}; border-color: {t.accent};
    image: {_mark(f"check-{t.name}")}; }}
QCheckBox::indicator:hover, #rows::indicator:hover {{ border-color: {t.accent}; }}
QProgressBar {{ border: none; border-radius: 3px; background: {t.border}; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
QListWidget {{ background: {t.panel}; border: 1px solid {t.border}; border-radius: 6px; padding: 2px; outline: none; }}
QListWidget:focus {{ border-color: {t.accent}; }}
QListWidget::item {{ padding: 1px 4px; border-radius: 4px; }}
QListWidget::item:selected {{ background: {t.accent_ground}; color: {t.text}; }}
#rows::item {{ padding: 3px 0; border-radius: 4px; }}
#rows::item:selected {{ background: transparent; color: {t.text}; }}
QTableView#rows::item:selected {{ background: {t.accent_ground}; color: {t.text}; border-radius: 0; }}
QTabWidget::pane {{ border: none; }}
QTabBar {{ qproperty-drawBase: 0; }}
QTabBar::tab {{ background: transparent; border: none; border-bottom: 2px solid transparent; color: {t.muted};
    padding: 5px 2px; margin-right: 14px; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom-color: {t.accent}; }}
QTabBar::tab:hover {{ color: {t.text}; }}
#rows::item:hover, #rows::item:focus {{ background: {t.accent_ground}; }}
QHeaderView, QHeaderView::section {{ background: transparent; border: none; padding: 0; color: {t.muted}; font-size: 12px;
    font-weight: 500; }}
QSplitter::handle {{ background: transparent; }}
QSplitter::handle:hover {{ background: {t.accent_ground}; border-radius: 3px; }}
QScrollArea {{ background: transparent; border: none; }}
QAbstractScrollArea::corner {{ background: transparent; border: none; }}
#qt_scrollarea_viewport, #qt_scrollarea_viewport > QWidget {{ background: transparent; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {t.border}; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }}
QScrollBar::handle:hover {{ background: {t.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
#popover {{ background: {t.panel}; border: 1px solid {t.border}; border-radius: 8px; }}
#dropHint {{ background: {t.accent_ground}; border: 2px dashed {t.accent}; border-radius: 12px; color: {t.accent};
    font-size: 18px; font-weight: 600; }}
"""
