"""A sweep's table on a terminal: whole where there is room, else in blocks, as a word broken in two is hard to read.

The first block has what points are chosen by; the others follow with the rest. Where the settings themselves
leave no room, they have a table of their own, and points go by their numbers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.table import Table

from rtbench.analysis.sweep import PointResult, frontier
from rtbench.report.sweep import SweepReport, setting_heads, table_rows

if TYPE_CHECKING:
    from rich.console import JustifyMethod

HEADLINE = frozenset(
    {
        *("n", "dead air p50 / p95", "voice to voice p50 / p95", "player's wait p50", "connect p50"),
        *("false cut-offs", "answered", "verdict"),
    }
)
"""Columns of the first block."""

POINT, SETTINGS = "point", "settings"

_GLUE, _GLUED = " / ", "\u00a0/\u00a0"
"""`p50 / p95` is one word of a heading."""


class _Column(NamedTuple):
    heading: str
    cells: Sequence[str]

    @property
    def width(self) -> int:
        """Of the longest cell, or word of the heading."""
        words = self.heading.replace(_GLUE, _GLUED).split(" ")
        return max(map(len, (*words, *self.cells)))

    @property
    def wrapped(self) -> str:
        """The heading in lines of this width."""
        glued = self.heading.replace(_GLUE, _GLUED)
        lines = textwrap.wrap(glued, self.width, break_long_words=False, break_on_hyphens=False)
        return "\n".join(lines).replace(_GLUED, _GLUE)


def render_tables(report: SweepReport, width: int) -> list[Table]:
    """One table where all columns fit into so many, else several; in bold what is on the frontier."""
    heads = [*setting_heads(report), *report.head]
    cells = zip(*table_rows(report), strict=True) if report.results else [()] * len(heads)
    columns = [_Column(heading, found) for heading, found in zip(heads, cells, strict=True)]
    count = len(columns) - len(report.head)
    settings, measured = columns[:count], columns[count:]
    if _width(columns) <= width:
        return [_table(report, columns)]
    blocks = []
    if _width([*settings, max(measured, key=lambda column: column.width)]) > width:
        best = _best(report)
        names = [f"{result.point.number}{' *' if result in best else ''}" for result in report.results]
        labels = [result.point.label for result in report.results]
        settings = [_Column(POINT, names)]
        blocks = [[*settings, _Column(SETTINGS, labels)]]
    headline = [column for column in measured if column.heading in HEADLINE]
    rest = [column for column in measured if column.heading not in HEADLINE]
    blocks += [*_blocks(settings, headline, width), *_blocks(settings, rest, width)]
    return [_table(report, block) for block in blocks]


def _blocks(first: list[_Column], columns: list[_Column], width: int) -> list[list[_Column]]:
    """The columns, as many to a block as there is room for, each behind the first ones."""
    blocks: list[list[_Column]] = []
    for column in columns:
        if not blocks or _width([*blocks[-1], column]) > width:
            blocks.append([*first])
        blocks[-1].append(column)
    return blocks


def _width(columns: Sequence[_Column]) -> int:
    return sum(column.width + 1 for column in columns)


def _table(report: SweepReport, columns: Sequence[_Column]) -> Table:
    found = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    for column in columns:
        justify: JustifyMethod = "left" if column.heading == SETTINGS else "right"
        found.add_column(column.wrapped, justify=justify, overflow="fold")
    best = _best(report)
    for result, *row in zip(report.results, *(column.cells for column in columns), strict=True):
        found.add_row(*row, style="bold" if result in best else "")
    return found


def _best(report: SweepReport) -> list[PointResult]:
    """The points to be marked: where only the carriage of audio differs, there is no frontier."""
    return [] if report.is_about_delivery else frontier(report.results)
