"""Whether the load generator kept its own time."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.health import generator_health
from rtbench.core.validity import CPU_SUSPECT, LATENESS_INVALID_MS, LATENESS_SUSPECT_MS
from rtbench.report.figures.canvas import BLUE, INK, ORANGE, VERMILLION, new_figure
from rtbench.results.reader import Run

TITLE = "Health of the generator"
CAPTION = (
    "Upper: the latest frame of each interval; the dotted line is the 99th percentile over all frames, which must "
    "stay below 5 ms (dashed), and makes the run invalid above 20. Middle: processor time of each engine, as a share of one core. "
    "Lower: the longest time for which an engine's event loop was held up. Peaks here are ours, not the service's."
)
POINTS = 2000


def draw(run: Run) -> Figure | None:
    if run.generator.empty:
        return None
    figure = new_figure(height_in=4.6)
    lateness, cpu, lag = figure.subplots(3, 1, sharex=True)
    start = run.generator["at_unix_ns"].min()
    for _, rows in run.generator.sort_values("at_unix_ns").groupby("worker"):
        thinned = rows.iloc[:: max(1, len(rows) // POINTS)]
        seconds = (thinned["at_unix_ns"] - start) / 1e9
        _line(lateness, seconds, thinned["send_lateness_max_ms"], BLUE)
        _line(cpu, seconds, thinned["cpu_share"] * 100, ORANGE)
        _line(lag, seconds, thinned["loop_lag_max_ms"], BLUE)
    _limits(lateness, generator_health(run.generator).send_lateness_p99_ms)
    cpu.axhline(CPU_SUSPECT * 100, color=VERMILLION, linestyle="--", linewidth=1)
    lateness.set_ylabel("send late (ms)")
    cpu.set_ylabel("CPU (%)")
    cpu.set_ylim(0, max(105.0, cpu.get_ylim()[1]))
    lag.set_ylabel("loop lag (ms)")
    lag.set_ylim(bottom=0)
    lag.set_xlabel("time (s)")
    figure.align_ylabels()
    return figure


def _line(axes: Axes, seconds: pd.Series, values: pd.Series, colour: str) -> None:
    axes.plot(seconds, values, color=colour, linewidth=1.2, alpha=0.9)


def _limits(axes: Axes, p99_ms: float | None) -> None:
    axes.set_ylim(bottom=0, top=max(axes.get_ylim()[1], LATENESS_SUSPECT_MS * 1.25))
    for limit_ms in (LATENESS_SUSPECT_MS, LATENESS_INVALID_MS):
        if limit_ms <= axes.get_ylim()[1]:
            axes.axhline(limit_ms, color=VERMILLION, linestyle="--", linewidth=1)
    if p99_ms is not None:
        axes.axhline(p99_ms, color=INK, linestyle=":", linewidth=1.2)
        axes.set_title(f"p99 {p99_ms:.2f} ms", loc="right", color=INK, fontsize=8, pad=3)
