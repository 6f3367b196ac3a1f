"""The end of a run on a terminal: verdict, a small table and one plain sentence, in 80 columns."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rtbench.analysis.summary import HEADLINE, Summary
from rtbench.analysis.verdict import Level
from rtbench.report import notation

COLOURS = {Level.VALID: "green", Level.SUSPECT: "yellow", Level.INVALID: "red"}
SHOWN = (HEADLINE, "endpoint_delay_ms", "speech_stop_to_first_audio_ms", "leading_silence_ms", "connect_ms")
"""The headline, what it is made of, and the way to it; the page has the rest."""


def print_summary(console: Console, summary: Summary, report: Path) -> None:
    """Print the summary; the report's path comes last, unwrapped, so that it can be clicked and cut."""
    console.print(render_summary(summary))
    console.print()
    console.print(str(report), soft_wrap=True, highlight=False)


def render_summary(summary: Summary) -> RenderableType:
    """Verdict with its findings, table, thresholds and sentence."""
    verdict = summary.verdict
    colour = COLOURS[verdict.level]
    parts: list[RenderableType] = [Text(f" {verdict.level} ", style=f"bold reverse {colour}")]
    parts += [Text(f"  {finding.message} {finding.advice}", style=colour) for finding in verdict.findings]
    parts += [Text(), _metrics(summary)]
    if summary.thresholds:
        parts += [Text(), _thresholds(summary)]
    parts += [Text(), Text(summary.sentence)]
    return Group(*parts)


def _metrics(summary: Summary) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("ms")
    for heading in ("n", "p50", "p95", "p99"):
        table.add_column(heading, justify="right", no_wrap=True)
    for metric in summary.metrics:
        if metric.name in SHOWN and metric.n:
            name = metric.name.removesuffix("_ms") + (" (tool)" if metric.group == "with_tool" else "")
            percentiles = [
                "n/a" if found.value is None else notation.quantile(found, metric)
                for found in (metric.p50, metric.p95, metric.p99)
            ]
            style = "bold" if metric.name == HEADLINE else ""
            table.add_row(name, f"{metric.n:,}", *percentiles, style=style)
    return table


def _thresholds(summary: Summary) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for result in summary.thresholds:
        passed = result.status == "passed"
        table.add_row(
            Text("pass" if passed else "FAIL", style="green" if passed else "bold red"),
            f"{result.threshold}",
            notation.actual(result),
        )
    return table
