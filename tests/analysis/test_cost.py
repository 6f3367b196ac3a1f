import pytest

from rtbench.analysis.cost import KINDS, count_cost, spent

NS_PER_MINUTE = 60_000_000_000
TOKENS = dict(zip(KINDS, (100, 500, 300, 20, 700), strict=True))


def test_turns_are_added_up_void_ones_too_over_the_minutes_of_calls_that_connected(
    make_turns, make_sessions
) -> None:
    turns = make_turns(
        TOKENS | {"cost_usd": 0.05}, TOKENS | {"cost_usd": 0.01, "void": True}, {"cost_usd": 0.0}
    )
    held = {"connected_ns": NS_PER_MINUTE, "ended_ns": 3 * NS_PER_MINUTE}
    found = count_cost(turns, make_sessions(held, held, {"ended_ns": 9 * NS_PER_MINUTE}))
    assert found is not None
    assert found.tokens == {kind: 2 * count for kind, count in TOKENS.items()}
    assert (found.usd, found.call_minutes, found.sessions) == (pytest.approx(0.06), 4.0, 2)
    assert (found.usd_per_minute, found.usd_per_session) == (pytest.approx(0.015), pytest.approx(0.03))


def test_one_turn_without_a_price_leaves_the_sum_untold(make_turns, make_sessions) -> None:
    found = count_cost(make_turns(TOKENS | {"cost_usd": 0.05}, TOKENS), make_sessions())
    assert found is not None
    assert (found.usd, found.usd_per_minute, found.usd_per_session) == (None, None, None)


def test_a_service_that_reports_no_tokens_has_no_cost(make_turns, make_sessions) -> None:
    assert count_cost(make_turns({}, {}), make_sessions({})) is None
    assert count_cost(make_turns(), make_sessions()) is None


def test_what_a_budget_counts_is_every_cent_and_every_open_second(make_turns, make_generator) -> None:
    turns = make_turns({"cost_usd": 0.05}, {"cost_usd": 0.01, "void": True}, {})
    seconds = make_generator({"sessions": 120}, {"sessions": 30, "interval_ms": 2000.0})
    assert spent(turns, seconds) == (pytest.approx(0.06), pytest.approx(3.0))
