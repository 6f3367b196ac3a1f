"""What the network did to a run's calls: packets in all, the rating with its inputs, and degraded calls, over WebRTC;
and over any transport how far a simulated network was off."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import median

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
class Simulation:
    """How much later things arrived than the simulated network meant them to: its own error."""

    calls: int
    """That were held behind one."""

    mean_ms: float
    """Of the means of the calls."""

    p99_ms: float
    """What the mean of 1 % of the calls is, or is above; of the worst call where there are fewer than a hundred."""

    worst_ms: float
    """Of all that arrived."""


@dataclass(frozen=True, slots=True)
class PeerState:
    """A state of the peer connection (W3C WebRTC, 4.3.3), over all calls."""

    calls: int
    """That were in it at least once."""

    times: int
    after_ms: float
    """Median of when a call was first in it, since it was asked for."""


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

    codec_fallback_s: float | None = None
    """From when a call was asked for to its connection in another codec, in the median; None where none had one."""

    peer_states: dict[str, PeerState] = field(default_factory=dict)
    """By name, the earliest first."""

    simulation: Simulation | None = None
    """None where no call was held behind a simulated network."""

    @property
    def loss(self) -> float | None:
        """Packets that never came over those expected, of all calls together."""
        return self.packets_lost / self.packets_expected if self.packets_expected else None

    @property
    def late(self) -> float | None:
        """Packets that came too late to be played over those expected, of all calls together."""
        return self.packets_late / self.packets_expected if self.packets_expected else None


def summarise_network(sessions: pd.DataFrame) -> NetworkSummary | None:
    """Sum up the calls that had media; None where none had, nor was held behind a simulated network."""
    calls, simulation = calls_with_media(sessions), summarise_simulation(sessions)
    if calls.empty and simulation is None:
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
        codec_fallback_s=_fallback_s(calls),
        peer_states=_peer_states(calls),
        simulation=simulation,
    )


def summarise_simulation(sessions: pd.DataFrame) -> Simulation | None:
    """The simulation's own error over all calls behind one; None where there is none."""
    calls = sessions[sessions["simulation_late_ms"].notna()]
    if calls.empty:
        return None
    means_ms = calls["simulation_late_ms"].astype(float)
    return Simulation(
        calls=len(calls),
        mean_ms=float(means_ms.mean()),
        p99_ms=float(means_ms.quantile(0.99, interpolation="higher")),
        worst_ms=float(calls["simulation_late_max_ms"].max()),
    )


def calls_with_media(sessions: pd.DataFrame) -> pd.DataFrame:
    """Those over WebRTC that came to stand."""
    return sessions[sessions["codec"].notna() & sessions["codec"].ne("")]


def _total(calls: pd.DataFrame, name: str) -> int:
    return int(calls[name].fillna(0).sum())


def _fallback_s(calls: pd.DataFrame) -> float | None:
    fallen = calls[calls["codec_fallback_ns"].notna()]
    if fallen.empty:
        return None
    # Differences of whole nanoseconds: as floats, instants would lose some.
    waited_ns = fallen["codec_fallback_ns"].astype("int64") - fallen["planned_ns"].astype("int64")
    return float(waited_ns.median()) / 1e9


def _peer_states(calls: pd.DataFrame) -> dict[str, PeerState]:
    first_ms: dict[str, list[float]] = {}
    times: dict[str, int] = {}
    for written in calls["peer_states"].dropna():
        changes = json.loads(written or "[]")
        for state, _ in changes:
            times[state] = times.get(state, 0) + 1
        for state, at_ms in dict(reversed(changes)).items():
            first_ms.setdefault(state, []).append(at_ms)
    found = {state: PeerState(len(at_ms), times[state], median(at_ms)) for state, at_ms in first_ms.items()}
    return dict(sorted(found.items(), key=lambda item: item[1].after_ms))


def _medians(calls: pd.DataFrame, names: list[str]) -> dict[str, float]:
    found = {name: calls[name].astype(float).median() for name in names}
    return {name: float(value) for name, value in found.items() if pd.notna(value)}
