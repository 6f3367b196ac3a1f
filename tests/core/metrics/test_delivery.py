import dataclasses

import pytest

from rtbench.core.metrics.delivery import DELIVERY_METRICS, continuity_ok, delivery_rtf
from rtbench.core.turns import Turn

MS = 1_000_000

STUTTERED = Turn(
    number=1,
    clip="c",
    first_audio_ns=10_000 * MS,
    last_audio_ns=11_500 * MS,
    audio_ms=2_000.0,
    chunks=20,
    chunk_gap_max_ms=310.0,
    underrun_count=2,
    underrun_total_ms=150.0,
    underrun_max_ms=100.0,
    min_prebuffer_ms=130.0,
)


def values(turn: Turn) -> dict[str, float | None]:
    return {metric.name: metric.compute(turn) for metric in DELIVERY_METRICS}


def test_delivery_by_hand() -> None:
    assert values(STUTTERED) == {
        "underrun_ms": 150,
        "underrun_max_ms": 100,
        "underrun_count": 2,
        "continuity_ok": 1,
        "delivery_rtf": 0.75,
        "min_prebuffer_ms": 130,
        "chunk_gap_ms": 310,
    }


def test_a_turn_without_audio_was_not_delivered_well_or_badly() -> None:
    assert set(values(Turn(number=1, clip="c")).values()) == {None}


def test_smooth_delivery_is_zero_and_not_none() -> None:
    smooth = Turn(number=1, clip="c", chunks=3, audio_ms=300.0, min_prebuffer_ms=0.0)

    assert values(smooth) == {
        "underrun_ms": 0,
        "underrun_max_ms": 0,
        "underrun_count": 0,
        "continuity_ok": 1,
        "delivery_rtf": None,
        "min_prebuffer_ms": 0,
        "chunk_gap_ms": None,
    }


@pytest.mark.parametrize(("worst_ms", "ok"), [(0.0, 1), (100.0, 1), (100.001, 0), (900.0, 0)])
def test_continuity_ends_at_an_underrun_of_more_than_100_ms(worst_ms, ok) -> None:
    assert continuity_ok(dataclasses.replace(STUTTERED, underrun_max_ms=worst_ms)) == ok


def test_delivery_slower_than_real_time_is_above_one() -> None:
    assert delivery_rtf(dataclasses.replace(STUTTERED, last_audio_ns=13_000 * MS)) == 1.5


def test_audio_in_one_piece_takes_no_time() -> None:
    assert delivery_rtf(dataclasses.replace(STUTTERED, last_audio_ns=10_000 * MS, chunks=1)) == 0
