"""The table of a sweep over transports and codecs: latency, the buffer that is needed, and what a session costs."""

from __future__ import annotations

from collections.abc import Sequence

from rtbench.analysis.metric_summary import MetricSummary
from rtbench.analysis.sweep import PointResult
from rtbench.report import notation

KEYS = frozenset(
    {
        "transport",
        "codec",
        "control",
        "frame",
        "session.input_format",
        "session.output_format",
        "player.prebuffer",
    }
)
"""Settings that change how audio is carried, and not what the service does with it."""

HEAD = (
    *("n", "voice to voice p50 / p95", "player's wait p50", "buffer needed p50 / p95", "connect p50"),
    *("kbit/s up", "kbit/s down", "CPU ms per session-s", "loss", "MOS", "answered", "verdict"),
)
NOTE = (
    "Times are in ms; n counts turns. The player's wait is what the caller's own buffer adds to the latency; the buffer "
    "needed (min_prebuffer_ms) is the smallest with which an answer would have played without a gap. kbit/s is what one "
    "session hands to the network, audio, events and framing, without TLS, TCP, UDP and IP headers; CPU is the load "
    "generator's own. Loss and MOS (the E-model's estimate for the line) are of calls over WebRTC."
)


def is_about_delivery(results: Sequence[PointResult]) -> bool:
    """Whether all that a sweep varies is how audio is carried."""
    return bool(results) and all(result.point.settings.keys() <= KEYS for result in results)


def delivery_cells(result: PointResult) -> list[str]:
    """One row below HEAD."""
    found = result.delivery
    verdict = result.level.value if result.level else f"exit code {result.exit_code}"
    if found is None:
        return [f"{result.turns:,}", *[notation.NONE] * (len(HEAD) - 2), verdict]
    return [
        f"{result.turns:,}",
        percentiles(result.voice_to_voice),
        percentile(found.playout_wait),
        percentiles(found.min_prebuffer),
        percentile(found.connect),
        notation.number(found.kbit_per_s_sent),
        notation.number(found.kbit_per_s_received),
        notation.number(found.cpu_ms_per_session_second),
        notation.percent(found.packet_loss),
        notation.NONE if found.mos is None else f"{found.mos:.2f}",
        notation.short_rate(result.responses),
        verdict,
    ]


def delivery_sentence(results: Sequence[PointResult]) -> str:
    """The ends of what was found: the quickest and the slowest point, and the thriftiest and the thirstiest."""
    waits = [
        (result.voice_to_voice.p50.value, result.point.label)
        for result in results
        if result.voice_to_voice is not None and result.voice_to_voice.p50.value is not None
    ]
    rates = [
        (found.kbit_per_s_sent + found.kbit_per_s_received, result.point.label)
        for result in results
        if (found := result.delivery) is not None
        and found.kbit_per_s_sent is not None
        and found.kbit_per_s_received is not None
    ]
    if not waits or not rates:
        return "too few turns came to an end to compare them"
    (low_ms, quickest), (high_ms, slowest) = min(waits), max(waits)
    (low, thriftiest), (high, thirstiest) = min(rates), max(rates)
    return (
        f"the median wait was {low_ms:,.0f} ms ({quickest}) to {high_ms:,.0f} ms ({slowest}), and a session took "
        f"{low:,.0f} kbit/s both ways ({thriftiest}) to {high:,.0f} kbit/s ({thirstiest})"
    )


def percentile(metric: MetricSummary | None) -> str:
    """The median."""
    if metric is None or metric.p50.value is None:
        return notation.NONE
    return notation.quantile(metric.p50, metric)


def percentiles(metric: MetricSummary | None) -> str:
    """Median and 95th percentile."""
    if metric is None:
        return notation.NONE
    return " / ".join(
        notation.NONE if found.value is None else notation.quantile(found, metric)
        for found in (metric.p50, metric.p95)
    )
