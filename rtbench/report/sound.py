"""What is told of the sound of recorded answers, the same in the page and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rtbench.analysis.heard_quality import HeardQuality
from rtbench.analysis.network import NetworkSummary
from rtbench.core.e_model import mos_of_rating
from rtbench.report import notation

NOTE = (
    "`plc_mos` is PLCMOS v2, a model's guess of what listeners would say, 1 to 5, from the audio of an answer alone, as it "
    "left the player, with its gaps and with what was made up for lost packets. `mos_estimate` is ITU-T G.107's, from loss, "
    "delay and codec, of the line alone: two methods, whose numbers do not stand on one scale. Scored are the answers that "
    "were recorded, those of the slowest turns: no sample of all answers."
)


def sound_facts(found: HeardQuality, network: NetworkSummary | None) -> Iterator[tuple[str, str]]:
    """Name and value of each fact."""
    sessions = notation.counted(found.sessions, "session")
    yield "Answers scored", f"{found.answers:,} of {sessions}, {found.heard_s:,.0f} s of sound"
    yield "plc_mos, median", _median(found)
    yield "plc_mos, mean", f"{found.mean:.2f}"
    yield "plc_mos, lowest", f"{found.lowest:.2f}"
    if network is not None and "mos_r" in network.mos_inputs:
        yield "mos_estimate of the line, beside it", f"{mos_of_rating(network.mos_inputs['mos_r']):.2f}"


def _median(found: HeardQuality) -> str:
    median = found.median
    if median.value is None:
        return f"n/a (n={median.n:,}, needs {median.needed:,})"
    if median.low is None or median.high is None:
        return f"{median.value:.2f} (too few sessions for an interval)"
    return f"{median.value:.2f} [{median.low:.2f}, {median.high:.2f}]"
