"""The figures of the report; a new one is a module here and one line in FIGURES or TURN_TAKING_FIGURES."""

from __future__ import annotations

from typing import Protocol

from matplotlib.figure import Figure

from rtbench.report.figures import (
    concurrency,
    connection_parts,
    conversation_flow,
    errors,
    errors_over_time,
    false_interruptions,
    generator_health,
    latency_by_turn,
    latency_over_time,
    latency_parts,
    measurement_error,
    network_quality,
    recovery_cdf,
    session_states,
    stop_times,
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

TURN_TAKING_FIGURES: dict[str, Plot] = {
    "stop_times": stop_times,
    "conversation_flow": conversation_flow,
    "false_interruptions": false_interruptions,
}
"""Those of the section on turn-taking."""

RELIABILITY_FIGURES: dict[str, Plot] = {
    "recovery_cdf": recovery_cdf,
    "errors_over_time": errors_over_time,
    "session_states": session_states,
}
"""Those of the section on reliability."""

NETWORK_FIGURES: dict[str, Plot] = {
    "connection_parts": connection_parts,
    "network_quality": network_quality,
}
"""Those of the section on the network, of calls over WebRTC."""

__all__ = ["FIGURES", "NETWORK_FIGURES", "RELIABILITY_FIGURES", "TURN_TAKING_FIGURES", "Plot"]
