"""How smoothly the answer came: delivery metrics of one turn (metrics.md, "Delivery")."""

from __future__ import annotations

from rtbench.core.metrics.metric import Metric, elapsed_ms
from rtbench.core.turns import Turn

CONTINUITY_LIMIT_MS = 100.0
"""A response whose worst underrun is longer than this was heard to stutter."""


def underrun_ms(turn: Turn) -> float | None:
    """Time for which the player had run dry in mid-answer, in all."""
    return turn.underrun_total_ms if turn.chunks else None


def underrun_max_ms(turn: Turn) -> float | None:
    """The longest single underrun."""
    return turn.underrun_max_ms if turn.chunks else None


def underrun_count(turn: Turn) -> float | None:
    """How often the player ran dry in mid-answer."""
    return float(turn.underrun_count) if turn.chunks else None


def continuity_ok(turn: Turn) -> float | None:
    """1 where the worst underrun is at most 100 ms, else 0; its mean is `continuity_ok_rate`."""
    return float(turn.underrun_max_ms <= CONTINUITY_LIMIT_MS) if turn.chunks else None


def delivery_rtf(turn: Turn) -> float | None:
    """Wall time from first to last audio over media time: below 1 the service delivers faster than real time."""
    wall_ms = elapsed_ms(turn.first_audio_ns, turn.last_audio_ns)
    return wall_ms / turn.audio_ms if wall_ms is not None and turn.audio_ms else None


def min_prebuffer_ms(turn: Turn) -> float | None:
    """The smallest prebuffer with which this answer would have played without an underrun."""
    return turn.min_prebuffer_ms


def chunk_gap_ms(turn: Turn) -> float | None:
    """The longest wait between two arrivals of audio."""
    return turn.chunk_gap_max_ms


DELIVERY_METRICS: tuple[Metric[Turn], ...] = (
    Metric(underrun_ms),
    Metric(underrun_max_ms),
    Metric(underrun_count, unit="count"),
    Metric(continuity_ok, unit="rate", better="more"),
    Metric(delivery_rtf, unit="ratio"),
    Metric(min_prebuffer_ms),
    Metric(chunk_gap_ms),
)
