"""How true the measurement is: measured minus true, where the emulator's own account is there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtbench.analysis.measurement_error import MeasurementError, measurement_error
from rtbench.analysis.samples import Rows
from rtbench.analysis.truth import INTERRUPTION_METRICS, error_column
from rtbench.report.figures.canvas import BLUE, INK, new_figure
from rtbench.results.reader import Run

TITLE = "Measurement error"
CAPTION = (
    "Measured minus what the emulator truly applied: the error bar of every latency in this report. A little to the "
    "right of zero is the time on the wire and in the event loops."
)
PANEL_IN = 2.3


def draw(run: Run) -> Figure | None:
    panels = [
        (name, errors_ms, found)
        for name, errors_ms in _errors(run)
        if (found := measurement_error(errors_ms)) is not None
    ]
    if not panels:
        return None
    figure = new_figure(height_in=0.9 + PANEL_IN * len(panels))
    for place, (name, errors_ms, found) in enumerate(panels, start=1):
        axes = figure.add_subplot(len(panels), 1, place)
        _histogram(axes, errors_ms, found)
        axes.set_ylabel("turns" if name == "voice_to_voice_ms" else "interruptions")
        axes.set_title(name, loc="left", fontsize=9)
    axes.set_xlabel("measured minus true (ms)")
    return figure


def _errors(run: Run) -> Iterator[tuple[str, pd.Series]]:
    rows = Rows.of(run)
    yield "voice_to_voice_ms", rows.valid_turns["voice_to_voice_error_ms"]
    for name in INTERRUPTION_METRICS:
        yield name, rows.valid_stimuli[error_column(name)]


def _histogram(axes: Axes, errors_ms: pd.Series, found: MeasurementError) -> None:
    reach = max(found.p99_abs_ms * 1.3, 0.5)
    values = errors_ms.dropna().to_numpy(dtype=np.float64)
    axes.hist(values, bins=60, range=(-reach, reach), color=BLUE, alpha=0.8)
    axes.axvline(0, color=INK, linewidth=1)
    told = (
        f"n = {found.n:,}\nmean {found.mean_ms:+.2f} ms\n99% within ±{found.p99_abs_ms:.2f} ms\n"
        f"largest {found.max_abs_ms:.2f} ms"
    )
    axes.text(0.985, 0.95, told, ha="right", va="top", fontsize=9, transform=axes.transAxes, linespacing=1.5)
