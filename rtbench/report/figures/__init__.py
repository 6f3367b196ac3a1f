"""The figures of the report; a new one is a module here and one line in FIGURES."""

from __future__ import annotations

from typing import Protocol

from matplotlib.figure import Figure

from rtbench.report.figures import (
    concurrency,
    errors,
    generator_health,
    latency_by_turn,
    latency_over_time,
    latency_parts,
    measurement_error,
    voice_to_voice_cdf,
)
from rtbench.results.reader import Run


class Plot(Protocol):
    """A module that draws one figure."""

    TITLE: str
    CAPTION: str
    """How to read it."""

    def draw(self, run: Run) -> Figure | None:
        """The figure; None where the run has nothing to show in it."""


FIGURES: dict[str, Plot] = {
    "voice_to_voice_cdf": voice_to_voice_cdf,
    "latency_over_time": latency_over_time,
    "latency_parts": latency_parts,
    "latency_by_turn": latency_by_turn,
    "concurrency": concurrency,
    "errors": errors,
    "generator_health": generator_health,
    "measurement_error": measurement_error,
}
"""By the name of their files, in the order of the page."""

__all__ = ["FIGURES", "Plot"]
