"""The end of a run on a terminal: verdict, a small table and one plain sentence, in 80 columns."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rtbench.analysis.compare import Comparison
from rtbench.analysis.summary import HEADLINE, Summary
from rtbench.analysis.thresholds import Status
from rtbench.analysis.turn_taking import TurnTaking
from rtbench.analysis.verdict import Level
from rtbench.report import notation
from rtbench.report.calibration import short_error_bar
from rtbench.report.compare import render_comparison

SHOWN_RATES = ("yield_rate", "false_interruption_rate", "cut_in_rate", "false_cutoff_rate")

VERDICTS: dict[Status, tuple[str, str]] = {
    "passed": ("pass", "green"),
    "failed": ("FAIL", "bold red"),
    "too_few_samples": ("too few samples", "bold red"),
    "unknown": ("unknown", "bold red"),
    "not_applicable": ("n/a", "dim"),
}
"""A threshold's status in words and its colour; all that is red fails the run."""

COLOURS = {Level.VALID: "green", Level.SUSPECT: "yellow", Level.INVALID: "red"}
SHOWN = (
    *(HEADLINE, "endpoint_delay_ms", "speech_stop_to_first_audio_ms", "leading_silence_ms", "connect_ms"),
    *("barge_in_server_stop_ms", "barge_in_heard_stop_ms", "post_interrupt_ms"),
)
"""The headline, what it is made of, and the way to it; the page has the rest."""


def print_summary(
    console: Console, summary: Summary, report: Path, comparison: Comparison | None = None
) -> None:
    """Print the summary, and the comparison with a baseline.

    The report's path comes last, unwrapped, so that it can be clicked and cut.
    """
    console.print(render_summary(summary))
    if comparison is not None:
        console.print()
        console.print(render_comparison(comparison))
    console.print()
    console.print(str(report), soft_wrap=True, highlight=False)


def render_summary(summary: Summary) -> RenderableType:
    """Verdict with its findings, thresholds, table and sentence."""
    verdict = summary.verdict
    colour = COLOURS[verdict.level]
    headline = Text(f" {verdict.level} ", style=f"bold reverse {colour}")
    if summary.error_bar is not None:
        headline = Text.assemble(
            headline, (f"  error bar of waits {short_error_bar(summary.error_bar)}", "dim")
        )
    parts: list[RenderableType] = [headline]
    for finding in verdict.findings:
        parts.append(Padding(Text(f"{finding.message} {finding.advice}", style=colour), (0, 0, 0, 2)))
    if summary.thresholds:
        parts += [Text(), _thresholds(summary)]
    parts += [Text(), _metrics(summary)]
    if summary.turn_taking is not None:
        parts += [Text(), _turn_taking(summary.turn_taking)]
    parts += [Text(), Text(summary.sentence)]
    return Group(*parts)


def _metrics(summary: Summary) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("ms")
    for heading in ("n", "p50", "p95", "p99"):
        table.add_column(heading, justify="right", no_wrap=True)
    stimulus_metrics = summary.turn_taking.metrics if summary.turn_taking else []
    for metric in (*summary.metrics, *stimulus_metrics):
        if metric.name in SHOWN and metric.n:
            name = metric.name.removesuffix("_ms") + (" (tool)" if metric.group == "with_tool" else "")
            percentiles = [
                "n/a" if found.value is None else notation.quantile(found, metric)
                for found in (metric.p50, metric.p95, metric.p99)
            ]
            style = "bold" if metric.name == HEADLINE else ""
            table.add_row(name, f"{metric.n:,}", *percentiles, style=style)
    return table


def _turn_taking(found: TurnTaking) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("turn-taking")
    for heading in ("n", "value", "95% interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found.rates:
        if each.name in SHOWN_RATES and each.rate.n:
            value = "n/a" if each.rate.value is None else notation.rate(each.rate)
            table.add_row(each.name, f"{each.rate.n:,}", value, notation.rate_interval(each.rate))
    flow = found.flow.rate
    value = "n/a" if flow.value is None else notation.score(flow)
    table.add_row("conversation_flow", f"{flow.n:,}", value, notation.score_interval(flow))
    return table


def _thresholds(summary: Summary) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    for result in summary.thresholds:
        word, style = VERDICTS[result.status]
        told = result.reason if result.status == "too_few_samples" else notation.actual(result)
        table.add_row(Text(word, style=style), Text(str(result.threshold)), told)
    return table
