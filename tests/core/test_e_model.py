"""Expected values are computed by hand from the formulas of ITU-T G.107; those of MOS also stand in its table B.1."""

import pytest

from rtbench.core.codec import CODECS
from rtbench.core.e_model import (
    BEST_R,
    CODEC_IMPAIRMENTS,
    CodecImpairment,
    delay_impairment,
    loss_impairment,
    mos_of_rating,
    rate_line,
)


@pytest.mark.parametrize(
    ("r", "mos"), [(90, 4.34), (80, 4.024), (70, 3.60), (60, 3.10), (50, 2.58), (93.2, 4.4093), (100, 4.5)]
)
def test_a_rating_gives_the_score_of_the_recommendation(r, mos) -> None:
    assert mos_of_rating(r) == pytest.approx(mos, abs=0.006)


@pytest.mark.parametrize("r", [-40, 0, 2, 6])
def test_no_score_is_below_1(r) -> None:
    assert mos_of_rating(r) == 1.0


def test_the_scores_are_bounded_above_too() -> None:
    assert mos_of_rating(120) == 4.5


@pytest.mark.parametrize(("delay_ms", "idd"), [(0, 0), (100, 0), (200, 3.0444), (400, 24.070)])
def test_delay_costs_nothing_up_to_100_ms_and_then_more_and_more(delay_ms, idd) -> None:
    assert delay_impairment(delay_ms) == pytest.approx(idd, abs=0.001)


def test_random_loss_costs_by_the_codec() -> None:
    assert loss_impairment(CODEC_IMPAIRMENTS["pcmu"], 5, 1) == pytest.approx(95 * 5 / (5 + 25.1))
    assert loss_impairment(CODEC_IMPAIRMENTS["opus"], 2, 1) == pytest.approx(95 * 2 / 12)
    assert loss_impairment(CodecImpairment(ie=11, bpl=19), 3, 1) == pytest.approx(
        11 + 84 * 3 / 22
    )  # G.729A + VAD
    assert loss_impairment(CodecImpairment(ie=11, bpl=19), 0, 1) == 11


def test_loss_in_bursts_costs_more() -> None:
    assert loss_impairment(CODEC_IMPAIRMENTS["pcmu"], 4, 2) == pytest.approx(95 * 4 / (2 + 25.1))


def test_a_line_without_fault_has_the_best_rating() -> None:
    rating = rate_line("pcma", one_way_delay_ms=60, loss=0, burst_ratio=1)

    assert (rating.r, rating.ie, rating.loss_percent) == (BEST_R, 0, 0)
    assert rating.mos == pytest.approx(4.409, abs=0.001)


def test_a_rating_names_all_that_went_into_it() -> None:
    rating = rate_line("pcmu", one_way_delay_ms=200, loss=0.05, burst_ratio=1)

    assert rating.r == pytest.approx(93.2 - 3.0444 - 15.781, abs=0.001)
    assert rating.mos == pytest.approx(1 + 0.035 * 74.374 + 74.374 * 14.374 * 25.626 * 7e-6, abs=0.001)
    assert (rating.one_way_delay_ms, rating.loss_percent, rating.burst_ratio, rating.bpl) == (200, 5, 1, 25.1)


def test_every_codec_has_its_values() -> None:
    assert CODEC_IMPAIRMENTS.keys() == CODECS.keys()
