"""What a run cost: tokens by kind as the service counted them, and their published price."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from rtbench.core.metrics.cost import MS_PER_MINUTE
from rtbench.core.metrics.metric import NS_PER_MS

KINDS = {
    "input_text_tokens": "text in",
    "input_audio_tokens": "audio in",
    "cached_tokens": "of both, read again from the cache",
    "output_text_tokens": "text out",
    "output_audio_tokens": "audio out",
}
"""Columns of turns, and what they are in words."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of all turns, also of void ones: they are paid for too."""

    tokens: dict[str, int]
    """By KINDS."""

    usd: float | None
    """By published prices; None where a turn's price is not known."""

    call_minutes: float
    """Of all sessions, from the open connection to its end."""

    sessions: int
    """Those that connected."""

    @property
    def usd_per_minute(self) -> float | None:
        """Of a call; None without a price or a minute."""
        return self.usd / self.call_minutes if self.usd is not None and self.call_minutes > 0 else None

    @property
    def usd_per_session(self) -> float | None:
        """None without a price or a session."""
        return self.usd / self.sessions if self.usd is not None and self.sessions else None


def count_cost(turns: pd.DataFrame, sessions: pd.DataFrame) -> Cost | None:
    """What the turns of a run cost; None where the service reported no tokens."""
    tokens = {kind: int(turns[kind].fillna(0).sum()) for kind in KINDS}
    if not any(tokens.values()):
        return None
    connected = sessions[sessions["connected_ns"].notna()]
    lengths_ns = (connected["ended_ns"] - connected["connected_ns"]).astype(float)
    return Cost(
        tokens=tokens,
        usd=float(turns["cost_usd"].sum()) if turns["cost_usd"].notna().all() else None,
        call_minutes=float(lengths_ns.sum()) / NS_PER_MS / MS_PER_MINUTE,
        sessions=len(connected),
    )


def spent(turns: pd.DataFrame, generator: pd.DataFrame) -> tuple[float, float]:
    """USD and minutes of calls of a run, as a budget counts them while it goes on: what has no price is left out."""
    minutes = float((generator["sessions"] * generator["interval_ms"]).sum()) / MS_PER_MINUTE
    return float(turns["cost_usd"].fillna(0.0).sum()), minutes
