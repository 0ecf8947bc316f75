"""Figure -> small SVG: text stays text, a mark that has words shows them, and there is nothing that needs an id."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Transform

__all__ = ["FONT_SIZE", "Drawn", "draw", "size_of", "text_width"]

FONT_SIZE = 11.0
"""Of text that says nothing else, in pixels."""

_ANCHORS = {"center": ' text-anchor="middle"', "right": ' text-anchor="end"'}
_LETTERS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "z"}
_COLOUR = re.compile("#[0-9a-f]{6}")
_BARE, _END = '<path d="', '"/>'
_THIN = frozenset("ijlI.,:;'|!()[]·- ")


class Drawn(NamedTuple):
    """A figure as SVG elements, each with its style; colours are still those of the figure.

    Attributes
    ----------
    width, height : int
        Pixels.
    elements : tuple of (str, str)
        A style, and an element that has it.
    """

    width: int
    height: int
    elements: tuple[tuple[str, str], ...]

    def written(self, ink: Callable[[str], str]) -> str:
        """Write what stands inside an ``svg`` element, in groups of one style.

        Parameters
        ----------
        ink : callable
            Colour ``#rrggbb`` to what is written for it.
        """
        return "".join(
            f'<g style="{_COLOUR.sub(lambda found: ink(found[0]), style)}">{_joined([own for _, own in drawn])}</g>'
            for style, drawn in groupby(self.elements, key=lambda each: each[0])
        )


def draw(figure: Figure) -> Drawn:
    """Draw a figure, once for all that it is written into.

    Parameters
    ----------
    figure : Figure
        At 72 dots per inch, so that a point is a pixel. The url of an artist is taken for the words of its title.

    Returns
    -------
    Drawn
        Only colour, width, dashes and opacity are kept; what lies outside its axes is not cut off there, and only text
        that is not rotated is known.
    """
    renderer = _Renderer(size_of(figure))
    figure.draw(renderer)
    return Drawn(*size_of(figure), tuple(renderer.drawn))


def size_of(figure: Figure) -> tuple[int, int]:
    """Width and height of a figure in pixels."""
    width, height = figure.get_size_inches()
    return round(72 * float(width)), round(72 * float(height))


def text_width(text: str, size: float = FONT_SIZE) -> float:
    """Estimate the width of a text in pixels, rather too wide: the fonts of readers are not known."""
    return size * sum(map(_width, text))


def _width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.3  # emoji are wider than they are high in some fonts
    if letter in _THIN:
        return 0.34
    return 0.76 if letter.isupper() or letter in "mw%&<>$^" else 0.62


class _Renderer(RendererBase):
    """Collects elements with their style; a page has one font for all figures, so sizes of text are estimated."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self._size = size
        self.drawn: list[tuple[str, str]] = []

    def flipy(self) -> bool:
        """Say that y grows downwards."""
        return True

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Size in pixels."""
        return self._size

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: Any) -> tuple[float, float, float]:
        """Estimate the size of a line of text in pixels."""
        size = float(prop.get_size_in_points())
        return text_width(s, size), 0.95 * size, 0.22 * size

    def draw_path(self, gc: GraphicsContextBase, path: Path, transform: Transform, rgbFace: Any = None) -> None:
        """Draw a line, an area or a mark."""
        style = self._style(gc, rgbFace)
        if style:
            shape = self._circle(path, transform) if _is_circle(path) else f'path d="{self._steps(path, transform)}"'
            self._draw(style, shape, gc)

    def draw_text(
        self, gc: GraphicsContextBase, x: float, y: float, s: str, prop: FontProperties, *more: Any, **known: Any
    ) -> None:
        """Draw a line of text where its anchor is, so that a reader's own font keeps its alignment."""
        text: Text | None = known.get("mtext")
        anchor = ""
        if text is not None:
            anchor = _ANCHORS.get(str(text.get_horizontalalignment()), "")
            x = float(text.get_transform().transform(text.get_unitless_position())[0])
        size = float(prop.get_size_in_points())
        style = f"fill:{_colour(gc.get_rgb())}"
        style += "" if size == FONT_SIZE else f";font-size:{_number(size)}px"
        style += ";font-weight:600" if str(prop.get_weight()) in ("bold", "600") else ""
        title = f"<title>{escape(gc.get_url() or '')}</title>" if gc.get_url() else ""
        self.drawn.append((style, f'<text x="{_number(x)}" y="{_number(y)}"{anchor}>{title}{escape(s)}</text>'))

    def _draw(self, style: str, shape: str, gc: GraphicsContextBase) -> None:
        words = gc.get_url()
        name = shape.partition(" ")[0]
        titled = f"<{shape}><title>{escape(words or '')}</title></{name}>"
        self.drawn.append((style, titled if words else f"<{shape}/>"))

    def _style(self, gc: GraphicsContextBase, face: Any) -> str:
        """Return what is drawn of a path; empty if nothing is."""
        filled = face is not None and (len(face) < 4 or face[3] > 0)
        drawn = gc.get_linewidth() > 0 and gc.get_rgb()[3] > 0
        if not filled and not drawn:
            return ""
        parts = [f"fill:{_colour(face)}" if filled else "fill:none"]
        if filled and len(face) > 3 and face[3] < 1:
            parts.append(f"fill-opacity:{_number(face[3])}")
        if drawn:
            parts += self._stroke(gc)
        return ";".join(parts)

    def _stroke(self, gc: GraphicsContextBase) -> list[str]:
        parts = [f"stroke:{_colour(gc.get_rgb())}", f"stroke-width:{_number(gc.get_linewidth())}"]
        if gc.get_rgb()[3] < 1:
            parts.append(f"stroke-opacity:{_number(gc.get_rgb()[3])}")
        dashes = gc.get_dashes()[1]
        if dashes is not None:
            parts.append(f"stroke-dasharray:{' '.join(map(_number, np.asarray(dashes, dtype=float).tolist()))}")
        if gc.get_capstyle() == "round":
            parts.append("stroke-linecap:round")
        return parts

    def _circle(self, path: Path, transform: Transform) -> str:
        matrix = transform.get_matrix()
        radius = abs(float(np.asarray(path.vertices)[0, 1] * matrix[1, 1]))
        x, y = _number(matrix[0, 2]), _number(self._size[1] - matrix[1, 2])
        return f'circle cx="{x}" cy="{y}" r="{_number(radius)}"'

    def _steps(self, path: Path, transform: Transform) -> str:
        down = transform + Affine2D().scale(1, -1).translate(0, self._size[1])
        parts: list[str] = []
        last = ""
        for vertices, code in path.iter_segments(down, simplify=False):
            letter = _LETTERS[code]
            numbers = "" if letter == "z" else " ".join(map(_number, np.asarray(vertices).tolist()))
            parts.append(" " + numbers if letter == last == "L" else letter + numbers)
            last = letter
        return "".join(parts)


def _joined(elements: Sequence[str]) -> str:
    """Put paths that have no words into one."""
    runs = [(bare, list(own)) for bare, own in groupby(elements, key=_is_bare)]
    return "".join(
        f"{_BARE}{''.join(each.removeprefix(_BARE).removesuffix(_END) for each in own)}{_END}" if bare else "".join(own)
        for bare, own in runs
    )


def _is_bare(element: str) -> bool:
    return element.startswith(_BARE) and element.endswith(_END)


def _colour(rgb: Sequence[float]) -> str:
    # As to_hex of matplotlib, which checks what it is given ten times as long.
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in rgb[:3])


def _is_circle(path: Path) -> bool:
    """Whether a path is a round mark around the origin: the only curves that figures draw."""
    codes = [] if path.codes is None else np.asarray(path.codes)[:2].tolist()
    return codes[1:] == [Path.CURVE4]


def _number(value: float) -> str:
    """Round to a tenth of a pixel, with no digit that says nothing."""
    text = f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if short in ("-0", "") else short
