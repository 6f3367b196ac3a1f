"""How true the measurement is: measured minus true latency, where the emulator's own account is there."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from rtbench.analysis.measurement_error import measurement_error
from rtbench.report.figures.canvas import BLUE, INK, new_axes
from rtbench.results.reader import Run

TITLE = "Measurement error"
CAPTION = (
    "Measured voice to voice minus what the emulator truly applied, turn by turn. This is the error bar of every "
    "latency in this report. A little to the right of zero is the time on the wire and in the event loops."
)


def draw(run: Run) -> Figure | None:
    found = measurement_error(run.turns)
    if found is None:
        return None
    errors_ms = (
        run.turns.loc[~run.turns["void"], "voice_to_voice_error_ms"].dropna().to_numpy(dtype=np.float64)
    )
    reach = max(found.p99_abs_ms * 1.3, 0.5)
    figure, axes = new_axes(height_in=3.2)
    axes.hist(errors_ms, bins=60, range=(-reach, reach), color=BLUE, alpha=0.8)
    axes.axvline(0, color=INK, linewidth=1)
    told = (
        f"n = {found.n:,}\nmean {found.mean_ms:+.2f} ms\n99% within ±{found.p99_abs_ms:.2f} ms\n"
        f"largest {found.max_abs_ms:.2f} ms"
    )
    axes.text(0.985, 0.95, told, ha="right", va="top", fontsize=9, transform=axes.transAxes, linespacing=1.5)
    axes.set(xlabel="measured minus true (ms)", ylabel="turns")
    return figure
