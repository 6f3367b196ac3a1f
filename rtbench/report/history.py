"""The report of a history: a page with the trends, and a CSV with a configuration for Apache Otava."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import yaml

from rtbench.analysis.change_points import ChangePoint
from rtbench.analysis.history import History, Night, Trend
from rtbench.core.errors import UsageError
from rtbench.report import notation
from rtbench.report.figures import history_trend
from rtbench.report.figures.canvas import keep, style
from rtbench.report.html import Picture, render
from rtbench.results.run_directory import safe_name

ATTRIBUTES = ("run", "verdict", "turns")


def write_history(directory: Path, found: Sequence[History]) -> Path:
    """Write `history.html`, and for each history its picture and CSV, and `otava.yaml`; the page's path.

    Raises UsageError where the directory cannot be written to.
    """
    page = directory / "history.html"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        pictures = [_write_picture(directory, history) for history in found]
        for history in found:
            (directory / _csv_name(history)).write_text(render_csv(history), encoding="utf-8")
        (directory / "otava.yaml").write_text(render_otava(found), encoding="utf-8")
        sections = list(zip(found, pictures, [_changes(history) for history in found], strict=True))
        page.write_text(render("history.html.j2", sections=sections), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{directory}: the history cannot be written ({error.strerror or error})."
        ) from error
    return page


def render_csv(history: History) -> str:
    """One row per run that is not INVALID: `time`, attributes, and a column for each trend; empty where unknown."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [trend.name for trend in history.trends]
    writer.writerow(["time", *ATTRIBUTES, *columns])
    for night in history.nights:
        writer.writerow(
            [
                *(night.time, night.run, night.verdict, night.turns),
                *(night.values.get(column) for column in columns),
            ]
        )
    return text.getvalue()


def render_otava(found: Sequence[History]) -> str:
    """`otava.yaml` with a test for each history. Otava takes no empty cells, so columns with any are not named."""
    tests = {
        safe_name(history.name): {
            "type": "csv",
            "file": _csv_name(history),
            "time_column": "time",
            "attributes": list(ATTRIBUTES),
            "metrics": {
                trend.name: {"column": trend.name, "direction": trend.direction}
                for trend in history.trends
                if len(trend.nights) == len(history.nights)
            },
            "csv_options": {"delimiter": ",", "quote_char": '"'},
        }
        for history in found
    }
    return yaml.safe_dump({"tests": tests}, sort_keys=False)


def change_sentences(history: History) -> list[str]:
    """Every change of every trend in words, the latest first."""
    return [sentence for _, sentence, _ in _changes(history)]


def _changes(history: History) -> list[tuple[str, str, bool]]:
    """When, in words, and whether for the worse."""
    found = [
        (_night_of(trend, change), trend, change) for trend in history.trends for change in trend.changes
    ]
    found.sort(key=lambda each: each[0].time, reverse=True)
    return [
        (night.time[:10], _sentence(night, trend, change), trend.is_worse(change))
        for night, trend, change in found
    ]


def _night_of(trend: Trend, change: ChangePoint) -> Night:
    return trend.nights[change.index]


def _sentence(night: Night, trend: Trend, change: ChangePoint) -> str:
    told = notation.percent if trend.name.endswith("_rate") else notation.number
    share = f" ({change.change:+.0%})" if change.change is not None else ""
    word = "worse" if trend.is_worse(change) else "better"
    return (
        f"{trend.name} became {word} with {night.run}: {told(change.before)} to {told(change.after)}{share}."
    )


def _write_picture(directory: Path, history: History) -> Picture | None:
    name = f"{safe_name(history.name)}"
    path = directory / f"{name}.png"
    with style():
        figure = history_trend.draw(history)
        if figure is None:
            path.unlink(missing_ok=True)
            return None
        return Picture(
            name, f"{history_trend.TITLE}: {history.name}", history_trend.CAPTION, keep(figure, path)
        )


def _csv_name(history: History) -> str:
    return f"{safe_name(history.name)}.csv"
