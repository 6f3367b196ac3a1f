"""What is told of the network in words and numbers, the same in the page and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rtbench.analysis.network import CONNECTION_PARTS, MOS_INPUTS, NetworkSummary
from rtbench.core.e_model import mos_of_rating
from rtbench.report import notation


def network_facts(found: NetworkSummary) -> Iterator[tuple[str, str]]:
    """Name and value of each fact."""
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
    yield "Calls opened in another codec for that", f"{found.codec_fallbacks:,}"
    parts = (f"{CONNECTION_PARTS[name]} {notation.number(ms)}" for name, ms in found.connection_ms.items())
    yield "Connection, median parts in ms", ", ".join(parts) or notation.NONE
    yield "Estimated MOS", _mos(found)


def _mos(found: NetworkSummary) -> str:
    """The score of a call with the median inputs, and what goes into it."""
    inputs = found.mos_inputs
    if "mos_r" not in inputs:
        return "n/a: no call had packets and a round trip to rate it by"
    told = ", ".join(f"{MOS_INPUTS[name]} {notation.number(value)}" for name, value in inputs.items())
    return f"{mos_of_rating(inputs['mos_r']):.2f} by ITU-T G.107, of medians: {told}"
