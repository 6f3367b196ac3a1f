"""The policy's arithmetic, worked out by hand."""

from __future__ import annotations

import random

import pytest

from rtbench.core.reconnection import MOST_LIMITED_WAITS, Backoff, ReconnectPolicy, Refused, asked_wait_ns

S = 1_000_000_000


def backoff(**policy) -> Backoff:
    return Backoff(ReconnectPolicy(**policy), random.Random(1))


def waits(found: Backoff, refused: Refused | None = None, most: int = 20) -> list[float]:
    out = []
    while len(out) < most and (wait := found.next_wait_ns(refused)) is not None:
        out.append(wait / S)
    return out


def test_the_default_is_a_second_doubling_and_three_tries() -> None:
    assert waits(backoff()) == [1, 2, 4]


def test_base_factor_and_cap_can_be_set() -> None:
    assert waits(backoff(attempts=5, base_ns=S // 2, factor=3, cap_ns=10 * S)) == [0.5, 1.5, 4.5, 10, 10]


def test_a_session_that_stands_resets_the_count() -> None:
    found = backoff()
    assert [found.next_wait_ns(), found.next_wait_ns()] == [S, 2 * S]

    found.reset()

    assert waits(found) == [1, 2, 4]


def test_many_tries_do_not_overflow() -> None:
    assert waits(backoff(attempts=5_000, cap_ns=30 * S), most=5_000)[-1] == 30


def test_jitter_spreads_a_wait_by_its_share_and_no_more() -> None:
    found = waits(backoff(attempts=200, factor=1, jitter=0.2), most=200)

    assert min(found) >= 0.8
    assert max(found) <= 1.2
    assert max(found) - min(found) > 0.3


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_that_patience_cannot_change_ends_it(status: int) -> None:
    assert waits(backoff(), Refused(f"upgrade_{status}", status=status)) == []


@pytest.mark.parametrize("status", [500, 503, None])
def test_other_refusals_are_tried_again(status: int | None) -> None:
    assert waits(backoff(), Refused("upgrade", status=status)) == [1, 2, 4]


def test_a_limit_is_waited_out_and_does_not_use_up_the_tries() -> None:
    found = backoff()
    limit = Refused("upgrade_429", status=429, retry_after_ns=7 * S)

    assert waits(found, limit, most=5) == [7, 7, 7, 7, 7]
    assert waits(found) == [1, 2, 4]


def test_a_limit_without_a_time_is_waited_out_by_the_policy() -> None:
    assert waits(backoff(), Refused("upgrade_429", status=429), most=3) == [1, 1, 1]


def test_a_limit_that_never_ends_is_a_failure_in_the_end() -> None:
    limit = Refused("upgrade_429", status=429, retry_after_ns=S)

    assert len(waits(backoff(), limit, most=100)) == MOST_LIMITED_WAITS + 3


def test_a_service_that_is_down_may_ask_for_longer_than_the_policy() -> None:
    down = Refused("upgrade_503", status=503, retry_after_ns=3 * S)

    assert waits(backoff(), down) == [3, 3, 4]


def test_limits_ask_for_a_wait_only_where_something_is_used_up() -> None:
    requests = {"name": "requests", "limit": 10, "remaining": 0, "reset_seconds": 2.5}
    tokens = {"name": "tokens", "limit": 10, "remaining": 4, "reset_seconds": 60}

    assert asked_wait_ns((requests, tokens)) == round(2.5 * S)
    assert asked_wait_ns((tokens,)) == asked_wait_ns(()) == 0
