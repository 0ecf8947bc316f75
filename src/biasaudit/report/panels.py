"""Small panels that wrap on a page: a figure of any width is as many of them as fit beside each other.

A plot is a row of panels and the keys to its marks. A page shows it as inline SVG, a file as one SVG with all of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from biasaudit.report.encoding import uncollected
from biasaudit.report.inks import INKS, literal, variable
from biasaudit.report.svg import FONT_SIZE, Drawn, draw, text_width

__all__ = [
    "PANEL_WIDTH",
    "Key",
    "Margins",
    "Plot",
    "captioned",
    "gridlines",
    "inline",
    "panel",
    "panel_below",
    "panel_style",
    "plotted",
    "standalone",
    "titled",
]

PANEL_WIDTH = 288
"""Pixels: one fits a phone, three the column of a page."""

_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_GAP, _ACROSS, _MARK = 16, 3, 12
_STYLE: dict[Any, Any] = {
    "figure.dpi": 72,  # a point is a pixel
    "figure.frameon": False,
    "font.size": FONT_SIZE,
    "text.parse_math": False,  # a dollar sign in a subject or site name is a dollar sign
    "text.color": INKS["ink"],
    "axes.facecolor": "none",
    "axes.labelcolor": INKS["soft"],
    "axes.edgecolor": INKS["line"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": FONT_SIZE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 6.0,
    "axes.labelsize": FONT_SIZE,
    "axes.labelpad": 3.0,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": INKS["grid"],
    "grid.linewidth": 0.8,
    "lines.solid_capstyle": "round",
    "xtick.color": INKS["soft"],
    "ytick.color": INKS["soft"],
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "xtick.minor.size": 0.0,
}


class Margins(NamedTuple):
    """Pixels around the axes of a panel."""

    left: float = 36
    bottom: float = 34
    top: float = 22
    right: float = 12


@dataclass(frozen=True)
class Key:
    """What a mark means.

    Attributes
    ----------
    mark : str
        dot, ring, square, diamond, box (a hollow square), bar (upright), line or dash (level), letter (a bold one).
    ink : str
        Colour, one of `INKS`.
    words : str
    """

    mark: Literal["dot", "ring", "square", "diamond", "box", "bar", "line", "dash", "letter"]
    ink: str
    words: str


@dataclass(frozen=True)
class Plot:
    """Panels in their order, and the keys to their marks."""

    panels: tuple[Drawn, ...]
    keys: tuple[Key, ...] = ()


def plotted(panels: Iterable[Figure], keys: Sequence[Key] = ()) -> Plot:
    """Draw panels into a plot."""
    return Plot(tuple(map(draw, panels)), tuple(keys))


@contextmanager
def panel_style() -> Iterator[None]:
    """House style of panels; make and encode plots inside."""
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings(), uncollected():
        # seaborn 0.13 passes an argument to pandas 3 that no longer means anything.
        warnings.filterwarnings("ignore", message="The copy keyword is deprecated")
        yield


def panel(height: float, margins: Margins, width: float = PANEL_WIDTH) -> tuple[Figure, Axes]:
    """Make a panel of one axes.

    Parameters
    ----------
    height : float
        Pixels, of the axes alone.
    margins : Margins
        Pixels around them.
    width : float
        Pixels, of the whole panel.

    Returns
    -------
    figure : Figure
    axes : Axes
    """
    whole = height + margins.bottom + margins.top
    figure = Figure((width / 72, whole / 72))
    across = width - margins.left - margins.right
    box = (margins.left / width, margins.bottom / whole, across / width, height / whole)
    return figure, figure.add_axes(box)


def panel_below(figure: Figure, height: float, bottom: float) -> Axes:
    """Add axes under those of a panel, in the margin that was left for them.

    Parameters
    ----------
    figure : Figure
        Of `panel`.
    height, bottom : float
        Pixels: of the axes, and under them.
    """
    above = figure.axes[0].get_position()
    whole = 72 * float(figure.get_figheight())
    return figure.add_axes((above.x0, bottom / whole, above.width, height / whole))


def titled(axes: Axes, title: str, full: str = "", pad: float | None = None) -> None:
    """Write a title that begins at the left end of the panel; the whole of one that was shortened is its words."""
    box = axes.get_position()
    text = axes.set_title(title, x=(4 / PANEL_WIDTH - box.x0) / box.width, pad=pad)
    if full and full != title:
        text.set_url(full)


def captioned(axes: Axes, words: str) -> None:
    """Write what the axis along the panel measures: under its middle, or so that it ends with a narrow one."""
    wide = text_width(words) / PANEL_WIDTH > axes.get_position().width
    axes.set_xlabel(words, loc="right" if wide else "center")


def gridlines(axes: Axes, *, level: bool = False) -> None:
    """Draw a line at every tick of the axis along the panel, `level` also at those of the other."""
    # One collection, not the grid of the axes, whose lines and labels take turns: half the bytes of a small panel.
    low, high = sorted(axes.get_xlim())
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    look: dict[str, Any] = {"color": INKS["grid"], "linewidth": 0.8, "zorder": 0}
    axes.vlines(ticks, 0, 1, transform=axes.get_xaxis_transform(), **look)
    axes.set_xticks(ticks)
    axes.set_xlim(low, high)
    if level:
        bottom, top = axes.get_ylim()
        across = [tick for tick in axes.get_yticks() if bottom <= tick <= top]
        axes.hlines(across, 0, 1, transform=axes.get_yaxis_transform(), **look)
        axes.set_yticks(across)
        axes.set_ylim(bottom, top)


def inline(plot: Plot, alt: str) -> Markup:
    """Write a plot into a page, in the colours of its style sheet.

    Parameters
    ----------
    plot : Plot
    alt : str
        Name for a reader who cannot see it.

    Returns
    -------
    Markup
        Holds no id, so a page may hold any number of them.
    """
    shown = "".join(
        f'<span><svg width="{_MARK}" height="{_MARK}" viewBox="0 0 {_MARK} {_MARK}" aria-hidden="true">'
        f"{_mark(key, variable(INKS[key.ink]))}</svg>{escape(key.words)}</span>"
        for key in plot.keys
    )
    keys = f'<p class="keys">{shown}</p>' if shown else ""
    panels = "".join(
        f'<svg width="{each.width}" height="{each.height}" viewBox="0 0 {each.width} {each.height}">'
        f"{each.written(variable)}</svg>"
        for each in plot.panels
    )
    return Markup(
        f'<div class="plot">{keys}<div class="panels" role="img" aria-label={quoteattr(alt)}>{panels}</div></div>'
    )


def standalone(plot: Plot) -> bytes:
    """Write a plot as a file of its own: its panels three abreast under their keys, on white.

    Parameters
    ----------
    plot : Plot

    Returns
    -------
    bytes
        SVG, the same for the same plot.
    """
    across = min(_ACROSS, len(plot.panels))
    width = across * PANEL_WIDTH + (across + 1) * _GAP
    lines = list(_lines(plot.keys, width - 2 * _GAP))
    parts = [element for row, line in enumerate(lines) for element in _line(line, _GAP + 16 * row)]
    top = _GAP + 16 * len(lines) + (6 if lines else 0)
    for start in range(0, len(plot.panels), across):
        row = plot.panels[start : start + across]
        for place, each in enumerate(row):
            box = f'x="{_GAP + place * (PANEL_WIDTH + _GAP)}" y="{top}" width="{each.width}" height="{each.height}"'
            parts.append(f"<svg {box}>{each.written(literal)}</svg>")
        top += max(each.height for each in row) + _GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" viewBox="0 0 {width} {top}"'
    fonts = f'font-family="{_FONTS}" font-size="{FONT_SIZE:g}"'
    paper = f'<rect width="{width}" height="{top}" fill="{INKS["paper"]}"/>'
    return f"{head} {fonts}>{paper}{''.join(parts)}</svg>\n".encode()


def _lines(keys: Sequence[Key], width: float) -> Iterator[list[tuple[float, Key]]]:
    """Break keys into lines, each with its distance from the left."""
    line: list[tuple[float, Key]] = []
    left = 0.0
    for key in keys:
        own = _MARK + 22 + text_width(key.words)
        if line and left + own > width:
            yield line
            line, left = [], 0.0
        line.append((left, key))
        left += own
    if line:
        yield line


def _line(line: Sequence[tuple[float, Key]], top: float) -> Iterator[str]:
    for left, key in line:
        x = _GAP + left
        yield f'<g transform="translate({x:.0f} {top - 6:.0f})">{_mark(key, INKS[key.ink])}</g>'
        yield f'<text x="{x + _MARK + 4:.0f}" y="{top + 4:.0f}" fill="{INKS["ink"]}">{escape(key.words)}</text>'


def _mark(key: Key, colour: str) -> str:
    """Draw a key's mark in a square of 12 pixels."""
    filled, drawn = f'style="fill:{colour}"', f'style="fill:none;stroke:{colour};stroke-width:1.4"'
    return {
        "dot": f'<circle cx="6" cy="6" r="3.5" {filled}/>',
        "ring": f'<circle cx="6" cy="6" r="3.2" {drawn}/>',
        "square": f'<path d="M2.5 2.5h7v7h-7z" {filled}/>',
        "diamond": f'<path d="M6 1.5L10.5 6 6 10.5 1.5 6z" {drawn}/>',
        "box": f'<path d="M2.5 2.5h7v7h-7z" {drawn}/>',
        "bar": f'<path d="M4.9 1h2.2v10H4.9z" {filled}/>',
        "line": f'<path d="M0 5h12v2H0z" {filled}/>',
        "letter": f'<text x="2" y="10" style="fill:{colour};font-size:11px;font-weight:600">A</text>',
        "dash": f'<path d="M0 5.4h4v1.2H0zM8 5.4h4v1.2H8z" {filled}/>',
    }[key.mark]
