"""How the audio of a run came, and what it cost to hold: what a comparison of transports and codecs is about."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from rtbench.analysis.health import generator_health
from rtbench.analysis.metric_summary import MetricSummary, summarise_metric
from rtbench.analysis.samples import Rows
from rtbench.clock import NS_PER_S
from rtbench.results.reader import Run


@dataclass(frozen=True, slots=True)
class Delivery:
    """Times in ms, each with its percentiles; None for what was not measured."""

    connect: MetricSummary
    playout_wait: MetricSummary
    min_prebuffer: MetricSummary
    underrun: MetricSummary
    kbit_per_s_sent: float | None
    """Of one session while connected, all that it hands to the network: audio, events and framing, without TLS, TCP,
    UDP and IP headers. Median of the sessions."""

    kbit_per_s_received: float | None
    cpu_ms_per_session_second: float | None
    """Of the engine's processor, all that it does included."""

    packet_loss: float | None
    """Over all sessions together."""

    mos: float | None
    """Median of the sessions."""


def measure_delivery(run: Run) -> Delivery:
    """The delivery of a run."""
    rows, sessions = Rows.of(run), run.sessions
    connected_s = (sessions["ended_ns"] - sessions["connected_ns"]).astype(float) / NS_PER_S
    expected = float(sessions["packets_expected"].fillna(0).sum())
    lost = float(sessions["packets_lost"].fillna(0).sum())
    return Delivery(
        connect=summarise_metric("connect_ms", "sessions", rows),
        playout_wait=summarise_metric("playout_wait_ms", "turns", rows),
        min_prebuffer=summarise_metric("min_prebuffer_ms", "turns", rows),
        underrun=summarise_metric("underrun_ms", "turns", rows),
        kbit_per_s_sent=_median(sessions["bytes_sent"] * 8 / 1000 / connected_s),
        kbit_per_s_received=_median(sessions["bytes_received"] * 8 / 1000 / connected_s),
        cpu_ms_per_session_second=generator_health(run.generator).cpu_ms_per_session_second,
        packet_loss=lost / expected if expected else None,
        mos=_median(sessions["mos"]),
    )


def _median(values: pd.Series) -> float | None:
    found = values.astype(float).median()
    return float(found) if pd.notna(found) else None
