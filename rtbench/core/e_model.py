"""How a listener would rate the line: the E-model of ITU-T G.107, for what a packet network does to speech.

    R = 93.2 - Idd - Ie_eff                      7.2 with G.107's defaults for all that is not the network
    Idd      of the one-way delay alone          7.5; there is no telephone in the path, and so no echo
    Ie_eff = Ie + (95 - Ie) * Ppl / (Ppl / BurstR + Bpl)                7.6, Ppl in per cent
    MOS    = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6                    Annex B

It rates the network, not the voice: what the agent's own speech sounds like is not in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

BEST_R = 93.2
"""G.107's rating with every parameter at its default: no delay, no loss, G.711."""

BEST_MOS = 4.5
AUDIBLE_DELAY_MS = 100.0
"""Delays up to this are no impairment (G.107, 7.5)."""


@dataclass(frozen=True, slots=True)
class CodecImpairment:
    """What a codec costs by itself (`ie`), and how well it bears loss (`bpl`; more is better)."""

    ie: float
    bpl: float


CODEC_IMPAIRMENTS: dict[str, CodecImpairment] = {
    "pcmu": CodecImpairment(ie=0.0, bpl=25.1),  # G.113 Appendix I: G.711 with its loss concealment
    "pcma": CodecImpairment(ie=0.0, bpl=25.1),
    # ITU-T has published no values for Opus. At the 24 kbit/s and more of a voice agent it is no worse than G.711,
    # so that 0 is taken; for loss the value of AMR at 12.2 kbit/s, a codec that predicts from packet to packet too.
    "opus": CodecImpairment(ie=0.0, bpl=10.0),
}


@dataclass(frozen=True, slots=True)
class Rating:
    """The rating with all that went into it."""

    one_way_delay_ms: float
    loss_percent: float
    burst_ratio: float
    ie: float
    bpl: float
    r: float
    mos: float


def rate_line(codec: str, one_way_delay_ms: float, loss: float, burst_ratio: float) -> Rating:
    """Rate a line. `loss` is the share of packets that were not played; `burst_ratio` is 1 where they are lost at random.

    Raises KeyError for a codec without values.
    """
    impairment = CODEC_IMPAIRMENTS[codec]
    loss_percent = 100.0 * loss
    r = BEST_R - delay_impairment(one_way_delay_ms) - loss_impairment(impairment, loss_percent, burst_ratio)
    return Rating(
        one_way_delay_ms, loss_percent, burst_ratio, impairment.ie, impairment.bpl, r, mos_of_rating(r)
    )


def delay_impairment(one_way_delay_ms: float) -> float:
    """Idd of G.107, 7.5: nothing up to 100 ms, 24 at 400 ms."""
    if one_way_delay_ms <= AUDIBLE_DELAY_MS:
        return 0.0
    x = math.log2(one_way_delay_ms / AUDIBLE_DELAY_MS)
    return 25.0 * (math.pow(1 + x**6, 1 / 6) - 3 * math.pow(1 + (x / 3) ** 6, 1 / 6) + 2)


def loss_impairment(codec: CodecImpairment, loss_percent: float, burst_ratio: float) -> float:
    """Ie_eff of G.107, 7.6."""
    if loss_percent <= 0:
        return codec.ie
    return codec.ie + (95.0 - codec.ie) * loss_percent / (loss_percent / burst_ratio + codec.bpl)


def mos_of_rating(r: float) -> float:
    """Mean opinion score, 1 to 4.5, of a rating (G.107, Annex B); the cubic dips below 1 near 0, where 1 holds."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return BEST_MOS
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
