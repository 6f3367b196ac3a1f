"""What the network did to a run's calls over WebRTC: packets in all, the rating with its inputs, and degraded calls."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

CONNECTION_PARTS = {
    "key_ms": "key",
    "sdp_ms": "SDP",
    "ice_ms": "ICE",
    "dtls_ms": "DTLS",
    "channel_ms": "data channel",
}
"""Columns of the parts of `connect_ms`, in their order, and what they are called."""

MOS_INPUTS = {
    "one_way_delay_ms": "one-way delay, mouth to ear",
    "mos_loss_percent": "packets not played, per cent",
    "burst_ratio": "burst ratio of the losses",
    "mos_ie": "Ie of the codec",
    "mos_bpl": "Bpl of the codec",
    "mos_r": "rating R",
}
"""Columns of what goes into `mos_estimate`, and what they are called."""


@dataclass(frozen=True, slots=True)
class NetworkSummary:
    """The media of all calls of a run."""

    calls: int
    """That had media."""

    codecs: dict[str, int]
    """Calls by codec."""

    packets_expected: int
    packets_lost: int
    packets_late: int
    packets_reordered: int
    packets_duplicated: int
    concealed_ms: float
    degraded_calls: int
    codec_fallbacks: int
    connection_ms: dict[str, float]
    """Median of each part of connecting, by its column; without those that no call has."""

    mos_inputs: dict[str, float]
    """Median of each input, by its column; empty where no call could be rated."""

    @property
    def loss(self) -> float | None:
        """Packets that never came over those expected, of all calls together."""
        return self.packets_lost / self.packets_expected if self.packets_expected else None

    @property
    def late(self) -> float | None:
        """Packets that came too late to be played over those expected, of all calls together."""
        return self.packets_late / self.packets_expected if self.packets_expected else None


def summarise_network(sessions: pd.DataFrame) -> NetworkSummary | None:
    """Sum up the calls that had media; None where none had."""
    calls = calls_with_media(sessions)
    if calls.empty:
        return None
    return NetworkSummary(
        calls=len(calls),
        codecs={str(codec): int(count) for codec, count in calls["codec"].value_counts().items()},
        packets_expected=_total(calls, "packets_expected"),
        packets_lost=_total(calls, "packets_lost"),
        packets_late=_total(calls, "packets_late"),
        packets_reordered=_total(calls, "packets_reordered"),
        packets_duplicated=_total(calls, "packets_duplicated"),
        concealed_ms=float(calls["concealed_ms"].sum()),
        degraded_calls=int((calls["degraded_intervals"].fillna(0) > 0).sum()),
        codec_fallbacks=_total(calls, "codec_fallbacks"),
        connection_ms=_medians(calls, list(CONNECTION_PARTS)),
        mos_inputs=_medians(calls, list(MOS_INPUTS)),
    )


def calls_with_media(sessions: pd.DataFrame) -> pd.DataFrame:
    """Those over WebRTC that came to stand."""
    return sessions[sessions["codec"].notna() & sessions["codec"].ne("")]


def _total(calls: pd.DataFrame, name: str) -> int:
    return int(calls[name].fillna(0).sum())


def _medians(calls: pd.DataFrame, names: list[str]) -> dict[str, float]:
    found = {name: calls[name].astype(float).median() for name in names}
    return {name: float(value) for name, value in found.items() if pd.notna(value)}
