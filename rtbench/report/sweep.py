"""The report of a sweep: one table of its points for terminal, Markdown, CSV and page, and the Pareto figure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rtbench.analysis.metric_summary import MetricSummary
from rtbench.analysis.summary_json import finite
from rtbench.analysis.sweep import PointResult, frontier, last_part, value_text, varied_keys
from rtbench.analysis.sweep_json import sweep_json
from rtbench.analysis.verdict import Level
from rtbench.core.errors import UsageError
from rtbench.report import delivery, notation
from rtbench.report.delivery import delivery_cells, delivery_sentence, is_about_delivery, percentiles
from rtbench.report.figures import pareto
from rtbench.report.figures.canvas import keep, style
from rtbench.report.html import Picture, render
from rtbench.report.markdown import table

HEAD = (
    *("n", "dead air p50 / p95", "voice to voice p50 / p95", "false cut-offs", "95% interval"),
    *("cut-ins", "answered", "flow", "verdict"),
)
NOTE = (
    "Times are in ms. Dead air is endpoint_delay_ms of answered turns into which the agent did not break; flow is "
    "conversation_flow, from 0 to 100; n counts turns. Points with a star are on the frontier: no other has less "
    "dead air and fewer false cut-offs both."
)


@dataclass(frozen=True, slots=True)
class SweepReport:
    """A sweep to be reported: the scenario, how many points it was to have, and those that were run."""

    name: str
    path: str
    planned: int
    results: Sequence[PointResult]

    @property
    def sentence(self) -> str:
        """The sweep in one plain sentence, and a second one where runs cannot be relied on."""
        done = len(self.results)
        told = (
            f"{done} of {self.planned} points were run"
            if done < self.planned
            else f"{done} point{'' if done == 1 else 's'}"
        )
        invalid = sum(result.level is Level.INVALID for result in self.results)
        doubt = f" {invalid} of the runs cannot be relied on." if invalid else ""
        found = delivery_sentence(self.results) if self.is_about_delivery else self._frontier_told()
        return f"{told}; {found}.{doubt}"

    @property
    def is_about_delivery(self) -> bool:
        """Transports and codecs are compared, not operating points of the turn detection."""
        return is_about_delivery(self.results)

    @property
    def head(self) -> tuple[str, ...]:
        """Headings behind those of the settings."""
        return delivery.HEAD if self.is_about_delivery else HEAD

    @property
    def note(self) -> str:
        """What the table's cells are."""
        return delivery.NOTE if self.is_about_delivery else NOTE

    def _frontier_told(self) -> str:
        places = [
            (place, result.point.label)
            for result in frontier(self.results)
            if (place := result.operating_point)
        ]
        if not places:
            return "none has enough turns and hold pauses for an operating point"
        ends = [
            f"{dead_air_ms:,.0f} ms of dead air with {share:.1%} false cut-offs ({label})"
            for (dead_air_ms, share), label in (places[0], places[-1])
        ]
        if len(places) == 1:
            return f"no other does better than {ends[0]} in either"
        return f"{len(places)} are on the frontier, from {ends[0]} to {ends[1]}"


def write_sweep(directory: Path, report: SweepReport) -> Path:
    """Write `sweep.json`, `sweep.csv`, `sweep.md`, `pareto.png` and `sweep.html`; the page's path.

    Raises UsageError where the directory cannot be written to.
    """
    content = sweep_json(report.name, report.path, report.planned, report.results)
    page = directory / "sweep.html"
    try:
        (directory / "sweep.json").write_text(
            json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )
        (directory / "sweep.csv").write_text(render_csv(report), encoding="utf-8")
        (directory / "sweep.md").write_text(render_markdown(report), encoding="utf-8")
        page.write_text(_render_page(directory, report), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{directory}: the report cannot be written ({error.strerror or error}).") from error
    return page


def render_markdown(report: SweepReport) -> str:
    """The content of `sweep.md`."""
    rows = [[cell.replace("|", "\\|") for cell in row] for row in table_rows(report)]
    blocks = [
        f"# Sweep of {report.name}",
        report.sentence,
        table([*setting_heads(report), *report.head], rows),
        report.note,
    ]
    return "\n\n".join(blocks) + "\n"


def render_csv(report: SweepReport) -> str:
    """The content of `sweep.csv`: settings by their whole keys, times in ms, rates as shares; empty where unknown."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = varied_keys(report.results)
    writer.writerow(
        [
            *("point", *keys, "turns", "dead_air_p50_ms", "dead_air_p95_ms"),
            *("voice_to_voice_p50_ms", "voice_to_voice_p95_ms", "hold_pauses"),
            *("false_cutoff_rate", "false_cutoff_rate_low", "false_cutoff_rate_high", "cut_in_rate"),
            *("response_rate", "conversation_flow", "verdict", "exit_code", "on_frontier", "run"),
            *("connect_p50_ms", "connect_p95_ms", "min_prebuffer_p50_ms", "min_prebuffer_p95_ms"),
            *("kbit_per_s_sent", "kbit_per_s_received", "cpu_ms_per_session_second", "packet_loss", "mos"),
        ]
    )
    best = frontier(report.results)
    for result in report.results:
        cutoffs = result.false_cutoffs
        flow = result.flow.rate.value if result.flow else None
        writer.writerow(
            [
                *(result.point.number, *_settings(result, keys, ""), result.turns),
                *_values(result.dead_air),
                *_values(result.voice_to_voice),
                *(cutoffs.n, cutoffs.value, cutoffs.low, cutoffs.high, result.cut_ins.value),
                *(result.responses.value, None if flow is None else 100 * flow),
                *(result.level.value if result.level else None, result.exit_code, int(result in best)),
                result.run,
                *_delivery_values(result),
            ]
        )
    return text.getvalue()


def _render_page(directory: Path, report: SweepReport) -> str:
    path = directory / "pareto.png"
    with style():
        figure = pareto.draw(report.results) if not report.is_about_delivery else None
        svg = keep(figure, path) if figure is not None else ""
    if figure is None:
        path.unlink(missing_ok=True)
    return render(
        "sweep.html.j2",
        report=report,
        head=[*setting_heads(report), *report.head],
        rows=list(zip(report.results, table_rows(report), strict=True)),
        frontier=frontier(report.results),
        note=report.note,
        picture=Picture("pareto", pareto.TITLE, pareto.CAPTION, svg) if svg else None,
    )


def setting_heads(report: SweepReport) -> list[str]:
    """The settings by the last part of their keys, by the whole key where two would be alike."""
    keys = varied_keys(report.results)
    short = [last_part(key) for key in keys]
    return [part if short.count(part) == 1 else key for key, part in zip(keys, short, strict=True)]


def table_rows(report: SweepReport) -> list[list[str]]:
    """A row of cells for each point, below `setting_heads` and the report's `head`."""
    best, keys = frontier(report.results), varied_keys(report.results)
    if report.is_about_delivery:
        return [
            [*_settings(result, keys, notation.NONE), *delivery_cells(result)] for result in report.results
        ]
    return [_row(result, _settings(result, keys, notation.NONE), result in best) for result in report.results]


def _settings(result: PointResult, keys: Sequence[str], unset: str) -> list[str]:
    """The point's value of each key."""
    settings = result.point.settings
    return [value_text(settings[key]) if key in settings else unset for key in keys]


def _row(result: PointResult, values: list[str], on_frontier: bool) -> list[str]:
    flow = result.flow
    return [
        *values[:-1],
        f"{values[-1]}{' *' if on_frontier else ''}",
        f"{result.turns:,}",
        percentiles(result.dead_air),
        percentiles(result.voice_to_voice),
        notation.short_rate(result.false_cutoffs),
        notation.rate_interval(result.false_cutoffs) or notation.NONE,
        notation.short_rate(result.cut_ins),
        notation.short_rate(result.responses),
        notation.score(flow.rate) if flow and flow.rate.value is not None else notation.NONE,
        result.level.value if result.level else f"exit code {result.exit_code}",
    ]


def _delivery_values(result: PointResult) -> list[float | None]:
    found = result.delivery
    if found is None:
        return [None] * 9
    return [
        *_values(found.connect),
        *_values(found.min_prebuffer),
        *(found.kbit_per_s_sent, found.kbit_per_s_received, found.cpu_ms_per_session_second),
        *(found.packet_loss, found.mos),
    ]


def _values(metric: MetricSummary | None) -> list[float | None]:
    return [finite(metric.p50.value), finite(metric.p95.value)] if metric else [None, None]
