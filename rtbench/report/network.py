"""What is told of the network in words and numbers, the same in the page and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rtbench.analysis.network import CONNECTION_PARTS, MOS_INPUTS, NetworkSummary, PeerState
from rtbench.core.e_model import mos_of_rating
from rtbench.report import notation


def network_facts(found: NetworkSummary) -> Iterator[tuple[str, str]]:
    """Name and value of each fact: of the media where there was any, and of a simulated network."""
    if found.calls:
        yield from _of_media(found)
    if (simulation := found.simulation) is not None:
        yield (
            "Simulated network late by itself",
            f"{simulation.mean_ms:.2f} ms in the mean of {notation.counted(simulation.calls, 'call', 'calls')}, "
            f"{simulation.p99_ms:.2f} ms in that of the worst 1%, {simulation.worst_ms:.1f} ms at worst",
        )


def _of_media(found: NetworkSummary) -> Iterator[tuple[str, str]]:
    yield (
        "Calls",
        f"{found.calls:,} ({', '.join(f'{count:,} {codec}' for codec, count in found.codecs.items())})",
    )
    expected = f"of {found.packets_expected:,} packets"
    yield "Lost", f"{found.packets_lost:,} {expected}, {notation.percent(found.loss)}"
    yield "Too late to be played", f"{found.packets_late:,}, {notation.percent(found.late)}"
    yield "Overtaken", f"{found.packets_reordered:,}"
    yield "Doubled", f"{found.packets_duplicated:,}"
    yield "Made up by the player", notation.number(found.concealed_ms, "ms")
    yield "Calls on a degraded network", f"{found.degraded_calls:,}"
    yield "Calls opened or gone on in another codec for that", _fallbacks(found)
    parts = (f"{CONNECTION_PARTS[name]} {notation.number(ms)}" for name, ms in found.connection_ms.items())
    yield "Connection, median parts in ms", ", ".join(parts) or notation.NONE
    states = (_state(name, state) for name, state in found.peer_states.items())
    yield "States of the connection, calls and median time of the first", ", ".join(states) or notation.NONE
    yield "Estimated MOS", _mos(found)


def _state(name: str, state: PeerState) -> str:
    again = f", {state.times:,} times" if state.times > state.calls else ""
    return f"{name} {state.calls:,} (after {state.after_ms / 1000:.2f} s{again})"


def _fallbacks(found: NetworkSummary) -> str:
    if found.codec_fallback_s is None:
        return f"{found.codec_fallbacks:,}"
    return f"{found.codec_fallbacks:,}, in the median {found.codec_fallback_s:.1f} s into the call"


def _mos(found: NetworkSummary) -> str:
    """The score of a call with the median inputs, and what goes into it."""
    inputs = found.mos_inputs
    if "mos_r" not in inputs:
        return "n/a: no call had packets and a round trip to rate it by"
    told = ", ".join(f"{MOS_INPUTS[name]} {notation.number(value)}" for name, value in inputs.items())
    return f"{mos_of_rating(inputs['mos_r']):.2f} by ITU-T G.107, of medians: {told}"
