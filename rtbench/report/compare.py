"""The report of a comparison: one table for terminal, Markdown and page, and two figures."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rtbench.analysis.compare import Comparison
from rtbench.analysis.compare_gate import Gate
from rtbench.analysis.compare_json import compare_json
from rtbench.analysis.compare_metric import UNSURE, Change, MetricComparison
from rtbench.core.errors import UsageError
from rtbench.report import notation
from rtbench.report.figures import ratio_intervals, shift_function
from rtbench.report.figures.canvas import keep, style
from rtbench.report.html import Picture, render
from rtbench.report.markdown import table

HEAD = ("figure", "base", "run", "change", "95% interval", "margin", "n", "result")
NOTE = (
    "REGRESSED: the whole interval is worse than the margin; OK: better than it; INCONCLUSIVE: the margin lies within. "
    "Intervals are resampled by run, then by session; regressions are held against all figures together (Holm). A margin "
    "of a percentile is the larger of a share of the base's and a time."
)
COLOURS = {Change.REGRESSED: "red", Change.OK: "green", Change.INCONCLUSIVE: "yellow"}
CLASSES = {Change.REGRESSED: "invalid", Change.OK: "valid", Change.INCONCLUSIVE: "suspect"}


def write_compare(directory: Path, comparison: Comparison) -> Path:
    """Write `compare.json`, `compare.md`, `compare.html` and its figures into a directory; the page's path.

    Raises UsageError where it cannot be written to.
    """
    page = directory / "compare.html"
    content = json.dumps(compare_json(comparison), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        (directory / "compare.json").write_text(content + "\n", encoding="utf-8")
        (directory / "compare.md").write_text(f"# {render_markdown(comparison)}", encoding="utf-8")
        page.write_text(_render_page(directory, comparison), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{directory}: the report cannot be written ({error.strerror or error}).") from error
    return page


def render_comparison(comparison: Comparison) -> RenderableType:
    """Verdict, sentence, table and notes for a terminal."""
    colour = COLOURS[comparison.change]
    found = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    found.add_column(HEAD[0], overflow="fold", min_width=_longest(comparison))
    for heading in HEAD[1:5]:
        found.add_column(heading, justify="right", no_wrap=True)
    found.add_column(HEAD[-1], overflow="fold")
    for metric in comparison.metrics:
        _name, *cells, _margin, _n, result = _row(metric)  # which the page has; here there is little room
        found.add_row(*map(Text, (_narrow(metric.gate), *cells)), Text(result, style=COLOURS[metric.change]))
    notes = [Padding(Text(note, style="dim"), (0, 0, 0, 2)) for note in comparison.notes]
    title = Text(f" {comparison.change} ", style=f"bold reverse {colour}")
    return Group(title, Text(), found, Text(), *notes, Text(comparison.sentence))


def render_markdown(comparison: Comparison) -> str:
    """The content of `compare.md` less its first sign of a heading, for a heading of any depth."""
    blocks = [
        f"{comparison.change}: {_sides(comparison)}",
        comparison.sentence,
        table(HEAD, [[f"`{row[0]}`", *row[1:]] for row in map(_row, comparison.metrics)]),
        NOTE,
        *comparison.notes,
    ]
    return "\n\n".join(blocks) + "\n"


def _render_page(directory: Path, comparison: Comparison) -> str:
    pictures = []
    for name, plot in (("ratio_intervals", ratio_intervals), ("shift_function", shift_function)):
        path = directory / f"{name}.png"
        with style():
            figure = plot.draw(comparison)
            if figure is None:
                path.unlink(missing_ok=True)
                continue
            pictures.append(Picture(name, plot.TITLE, plot.CAPTION, keep(figure, path)))
    return render(
        "compare.html.j2",
        comparison=comparison,
        level_class=CLASSES[comparison.change],
        head=HEAD,
        rows=[(_row(metric), CLASSES[metric.change]) for metric in comparison.metrics],
        sides={"Base": comparison.base, "Run": comparison.run},
        pictures=pictures,
        note=NOTE,
    )


def _narrow(gate: Gate) -> str:
    """The gate in a narrow column: its filters on a line of their own."""
    if gate.filters:
        return f"{gate.metric}\n  {str(gate).removeprefix(gate.metric)}"
    return gate.metric if gate.quantile is None else str(gate)


def _longest(comparison: Comparison) -> int:
    """Length of the longest line of the gates' names."""
    lines = (line for metric in comparison.metrics for line in _narrow(metric.gate).splitlines())
    return max(map(len, lines), default=0)


def _sides(comparison: Comparison) -> str:
    return " against ".join(
        names[0] if len(names) == 1 else f"{len(names)} runs" for names in (comparison.run, comparison.base)
    )


def _row(metric: MetricComparison) -> list[str]:
    is_rate = metric.gate.quantile is None
    value = notation.percent if is_rate else notation.number
    change, interval = (_points if is_rate else _relative)(metric)
    needed = f" ({metric.sessions_needed:,} sessions)" if metric.sessions_needed else ""
    margin = notation.NONE
    if metric.margin is not None:
        margin = f"{100 * metric.margin:g} pp" if is_rate else notation.number(metric.margin)
    improved = " (improved)" if metric.change is Change.OK and metric.improved else ""
    return [
        str(metric.gate),
        value(metric.base),
        value(metric.run),
        change,
        interval,
        margin,
        f"{metric.base_n:,}/{metric.run_n:,}",
        f"{metric.change}{improved}{needed}{_why(metric)}",
    ]


def _why(metric: MetricComparison) -> str:
    """The reason of a result, where it is not what the interval and the margin show by themselves."""
    shown = metric.difference is not None and metric.p_value is not None and metric.reason != UNSURE
    return f": {metric.reason}" if metric.reason and not shown else ""


def _points(metric: MetricComparison) -> tuple[str, str]:
    """A difference of rates in percentage points, and its interval."""
    if metric.difference is None:
        return notation.NONE, notation.NONE
    estimate, low, high = (
        100 * end for end in (metric.difference.estimate, metric.difference.low, metric.difference.high)
    )
    return f"{estimate:+.1f} pp", f"[{low:+.1f}, {high:+.1f}]"


def _relative(metric: MetricComparison) -> tuple[str, str]:
    """A ratio as a change in percent, and its interval; a difference where there is no ratio."""
    if metric.ratio is not None:
        ends = (metric.ratio.estimate, metric.ratio.low, metric.ratio.high)
        estimate, low, high = (f"{end - 1:+.1%}" for end in ends)
    elif metric.difference is not None:
        ends = (metric.difference.estimate, metric.difference.low, metric.difference.high)
        estimate, low, high = (f"{end:+,.0f}" for end in ends)
    else:
        return notation.NONE, notation.NONE
    return estimate, f"[{low}, {high}]"
