"""Caller above, agent below, on one axis of time: what the pictures of turns and of interruptions share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.report.figures.canvas import BLUE, GREEN, GRID, INK, MUTED, THOUSANDS, new_axes

CALLER, AGENT = 1.0, -1.0
"""Heights of the lanes' middle lines; a full-scale wave reaches 0.85 to either side."""

COLOURS = {CALLER: BLUE, AGENT: GREEN}
NAMES = {CALLER: "caller", AGENT: "agent"}

LABEL_CHARACTERS = 140
"""How many characters of a label fit the width of the picture."""

SAME_PLACE_CHARACTERS = 0.25
"""Lines closer than this share of a letter are one line to the eye."""

SEPARATOR = " · "
ROW_POINTS = 11.0
"""Height of a row of labels, which are set in 8 points."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Peaks of a waveform, from 0 to 1, one per window."""

    start_ns: int
    window_ms: float
    peaks: npt.NDArray[np.float64]


def new_lanes(start_ms: float, end_ms: float, xlabel: str) -> tuple[Figure, Axes]:
    """A figure with the two empty lanes over this span of time."""
    figure, axes = new_axes(height_in=3.4, width_in=10.5)
    axes.set_xlim(start_ms, end_ms)
    axes.set_ylim(-2.0, 2.0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_yticks(list(NAMES), list(NAMES.values()))
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.set_xlabel(xlabel)
    return figure, axes


def draw_voice(
    axes: Axes,
    lane: float,
    envelope: Envelope | None,
    zero_ns: int,
    block: tuple[float, float] | None,
) -> None:
    """A waveform in its lane; where it was not kept, a plain block from one millisecond to the other."""
    name, colour = NAMES[lane], COLOURS[lane]
    axes.axhline(lane, color=GRID, linewidth=1)
    if envelope is not None and len(envelope.peaks):
        first_ms = (envelope.start_ns - zero_ns) / 1e6
        at_ms = first_ms + np.arange(len(envelope.peaks)) * envelope.window_ms
        height = envelope.peaks / max(float(envelope.peaks.max()), 1e-3) * 0.85
        axes.fill_between(at_ms, lane - height, lane + height, color=colour, linewidth=0, gid=name)
    elif block is not None:
        axes.fill_between(block, lane - 0.4, lane + 0.4, color=colour, alpha=0.35, linewidth=0, gid=name)


def draw_span(axes: Axes, start_ms: float, end_ms: float, colour: str) -> None:
    """A shaded span of time with its length written out, in the middle of what the picture shows of it."""
    axes.axvspan(min(start_ms, end_ms), max(start_ms, end_ms), color=colour, alpha=0.16, linewidth=0)
    left, right = axes.get_xlim()
    axes.annotate(
        "",
        (min(end_ms, right), 0),
        (start_ms, 0),
        arrowprops={"arrowstyle": "<->", "color": INK, "linewidth": 1},
    )
    middle = (max(start_ms, left) + min(end_ms, right)) / 2
    axes.text(middle, 0.08, f"{end_ms - start_ms:,.0f} ms", ha="center", va="bottom", weight="bold")


def mark_events(axes: Axes, events: Mapping[str, float], origin: str) -> None:
    """Lines at the events; their labels above the lanes, in as many rows as keep them apart.

    Of labels that would meet, the earlier stands higher: its line passes to the left of the later ones,
    and no line through a label. Events that cannot be told apart in the picture share a label, in their order. `origin` names the
    event that time is counted from; its line is not dashed.
    """
    left, right = axes.get_xlim()
    per_character = (right - left) / LABEL_CHARACTERS
    free_until: list[float] = []  # by row: where the first line stands that passes through it
    for at_ms, labels in reversed(_together(events, SAME_PLACE_CHARACTERS * per_character)):
        label = SEPARATOR.join(labels)
        end = at_ms + (len(label) + 2) * per_character
        row = next((row for row, free in enumerate(free_until) if end <= free), len(free_until))
        free_until[: row + 1] = [at_ms] * (row + 1)
        _mark(axes, at_ms, label, ROW_POINTS * row + 3, "-" if origin in labels else "--")


def _together(events: Mapping[str, float], reach_ms: float) -> list[tuple[float, list[str]]]:
    """The events by time; those that follow one within `reach_ms` are put to it."""
    places: list[tuple[float, list[str]]] = []
    for label, at_ms in sorted(events.items(), key=lambda event: event[1]):
        if places and at_ms - places[-1][0] <= reach_ms:
            places[-1][1].append(label)
        else:
            places.append((at_ms, [label]))
    return places


def _mark(axes: Axes, at_ms: float, label: str, above_points: float, line: str) -> None:
    """A line through the lanes and on to its label, `above_points` above them."""
    axes.axvline(at_ms, color=MUTED, linewidth=0.9, linestyle=line)
    foot: dict[str, Any] = {
        "xy": (at_ms, 1.0),
        "xycoords": axes.get_xaxis_transform(),
        "textcoords": "offset points",
    }
    stem = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xytext=(0, above_points + 9), arrowprops=stem, annotation_clip=False, **foot)
    axes.annotate(label, xytext=(3, above_points), fontsize=8, va="bottom", annotation_clip=False, **foot)
