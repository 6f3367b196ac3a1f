"""The canvas that all figures are drawn on: size, type, colours, and how they are kept as SVG and PNG.

Colours are those of Okabe and Ito (2008), told apart by the colour-blind; what differs in colour also
differs in shape, line or place. No pyplot: figures are objects, and nothing global is changed.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

INK, MUTED, GRID = "#1f2933", "#5f6b7a", "#e3e7ec"
BLUE, ORANGE, GREEN, VERMILLION = "#0072b2", "#e69f00", "#009e73", "#d55e00"
PURPLE, SKY = "#cc79a7", "#56b4e9"

WIDTH_IN, HEIGHT_IN = 6.2, 3.5
PNG_DPI = 160

_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "grid.color": GRID,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "rtbench",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}

THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")


@contextmanager
def style() -> Iterator[None]:
    """Drawing and saving take place within this; matplotlib's own settings are as before afterwards."""
    with mpl.rc_context(_STYLE):
        yield


def new_axes(height_in: float = HEIGHT_IN, width_in: float = WIDTH_IN) -> tuple[Figure, Axes]:
    """A figure with one pair of axes."""
    figure = new_figure(height_in, width_in)
    return figure, figure.add_subplot()


def new_figure(height_in: float = HEIGHT_IN, width_in: float = WIDTH_IN) -> Figure:
    """An empty figure that lays itself out."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def stack_bar(axes: Axes, place: int, parts: Iterable[tuple[float, str, str, str]]) -> None:
    """One horizontal bar of parts (width, label, colour, hatch) end to end; the first bar of all names them."""
    left = 0.0
    for width, label, colour, hatch in parts:
        axes.barh(
            place,
            width,
            left=left,
            height=0.55,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=label if place == 0 else None,
        )
        left += width


def keep(figure: Figure, png: Path) -> str:
    """Write the figure as a PNG, and give it as SVG; both are the same bytes for the same data."""
    figure.savefig(png, format="png", dpi=PNG_DPI, metadata={"Software": None})
    figure.set_layout_engine("none")  # keeps the places found for the PNG: finding them is half the work
    svg = io.StringIO()
    figure.savefig(svg, format="svg", dpi=PNG_DPI, metadata={"Date": None})
    return svg.getvalue()
