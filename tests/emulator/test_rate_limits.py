from __future__ import annotations

from rtbench.emulator.rate_limits import REQUESTS_PER_MINUTE, TOKENS_PER_MINUTE, RateLimits

MINUTE_NS = 60 * 10**9


def test_a_response_uses_one_request_and_its_tokens():
    requests, tokens = RateLimits().use(1_000, 0)
    assert (requests["name"], requests["remaining"]) == ("requests", REQUESTS_PER_MINUTE - 1)
    assert (tokens["name"], tokens["remaining"]) == ("tokens", TOKENS_PER_MINUTE - 1_000)
    assert tokens["limit"] == TOKENS_PER_MINUTE
    assert tokens["reset_seconds"] == 0.004


def test_a_minute_refills_all():
    limits = RateLimits()
    limits.use(TOKENS_PER_MINUTE, 0)
    _, tokens = limits.use(0, MINUTE_NS // 2)
    assert tokens["remaining"] == TOKENS_PER_MINUTE // 2
    _, tokens = limits.use(0, 2 * MINUTE_NS)
    assert tokens["remaining"] == TOKENS_PER_MINUTE


def test_nothing_remains_rather_than_less():
    _, tokens = RateLimits().use(2 * TOKENS_PER_MINUTE, 0)
    assert (tokens["remaining"], tokens["reset_seconds"]) == (0, 60)
