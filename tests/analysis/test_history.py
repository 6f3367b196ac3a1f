"""Histories from summaries."""

from typing import Any

import pytest

from rtbench.analysis.history import TRENDS, histories, trend_name
from rtbench.core.metrics import BETTER


def summary(day: int, p50: float | None, level: str = "VALID", **run: Any) -> dict[str, Any]:
    quantile = {"value": p50}
    nothing = {"value": None}
    return {
        "run": {
            "name": f"night{day:02}", "scenarios": ["calls"], "target": "emulator", "transport": "websocket",
            "started_at": f"2026-11-{day:02}T02:00:00+00:00", **run,
        },
        "verdict": {"level": level},
        "metrics": [{"name": "voice_to_voice_ms", "group": "without_tool", "p50": quantile, "p95": nothing}],
        "rates": [{"name": "response_rate", "group": "without_tool", "value": 0.99}],
        "turn_taking": {"metrics": [], "rates": [{"name": "yield_rate", "value": 0.9}]},
        "outcomes": {"turns": {"answered": 40, "failed": 2}},
    }  # fmt: skip


def test_nights_are_in_order_of_time_with_their_figures() -> None:
    (found,) = histories([summary(3, 720.0), summary(1, 700.0)])
    assert found.name == "calls emulator websocket"
    assert [night.run for night in found.nights] == ["night01", "night03"]
    assert found.nights[0].values == {
        "voice_to_voice_ms_p50": 700.0,
        "response_rate": 0.99,
        "yield_rate": 0.9,
    }
    assert found.nights[0].turns == 42


def test_a_change_is_found_and_is_worse_or_better_by_its_figure() -> None:
    levels = [700.0, 701, 702, 699, 700, 698, 800, 801, 802, 799, 800, 798]
    (found,) = histories([summary(day + 1, level) for day, level in enumerate(levels)])
    trend = next(each for each in found.trends if each.name == "voice_to_voice_ms_p50")
    (change,) = trend.changes
    assert (change.index, trend.is_worse(change)) == (6, True)
    assert not next(each for each in found.trends if each.name == "response_rate").changes


def test_runs_of_other_scenarios_targets_and_transports_have_their_own_history() -> None:
    found = histories(
        [summary(1, 700.0), summary(2, 700.0, target="openai"), summary(3, 700.0, transport="webrtc")]
    )
    assert [history.name for history in found] == [
        "calls emulator webrtc",
        "calls emulator websocket",
        "calls openai websocket",
    ]


def test_every_trend_has_the_direction_of_its_metric() -> None:
    (found,) = histories([summary(1, 700.0)])
    assert {each.name: each.direction for each in found.trends} == {
        "voice_to_voice_ms_p50": -1,
        "response_rate": 1,
        "yield_rate": 1,
    }
    assert {BETTER[metric] for metric, _, _ in TRENDS} == {"more", "less"}


ALIKE = {"codec": "opus", "corpus": "english (sha256 1)", "load": "users 5"}


def test_nights_that_cannot_be_compared_do_not_share_a_line() -> None:
    nights = [
        summary(1, 700.0, likeness=ALIKE),
        summary(2, 700.0, likeness=ALIKE),
        summary(3, 500.0, likeness={**ALIKE, "load": "users 9"}),
        summary(4, 700.0, likeness=ALIKE),
        summary(5, 500.0, likeness={**ALIKE, "load": "users 9", "corpus": "english (sha256 2)"}),
    ]
    found = histories(nights)
    assert [(each.name, [night.run for night in each.nights]) for each in found] == [
        ("calls emulator websocket", ["night01", "night02", "night04"]),
        ("calls emulator websocket #2", ["night03"]),
        ("calls emulator websocket #3", ["night05"]),
    ]
    assert [each.unlike for each in found] == [
        "",
        "Its nights cannot be compared with those of the history before it: other load.",
        "Its nights cannot be compared with those of the history before it: other corpus.",
    ]


def test_codec_and_network_are_in_the_name() -> None:
    over = {"transport": "webrtc", "codec": "pcmu", "network": "lte"}
    assert [each.name for each in histories([summary(1, 700.0, **over), summary(2, 700.0)])] == [
        "calls emulator webrtc pcmu lte",
        "calls emulator websocket",
    ]


def test_invalid_runs_and_figures_that_could_not_be_told_are_left_out() -> None:
    (found,) = histories(
        [summary(1, 700.0), summary(2, 9999.0, "INVALID"), summary(3, None), summary(4, 701.0)]
    )
    assert found.left_out == ["night02"]
    trend = next(each for each in found.trends if each.name == "voice_to_voice_ms_p50")
    assert [night.run for night in trend.nights] == ["night01", "night04"]


def test_a_run_that_does_not_say_when_it_was_has_no_place() -> None:
    assert histories([summary(1, 700.0, started_at=None)]) == []


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("voice_to_voice_ms", "without_tool", "p95"), "voice_to_voice_ms_p95"),
        (("voice_to_voice_ms", "with_tool", "p95"), "voice_to_voice_ms_tool_p95"),
        (("response_rate", "without_tool", "rate"), "response_rate"),
    ],
)
def test_columns_have_plain_names(parts: tuple[str, str, str], name: str) -> None:
    assert trend_name(*parts) == name
