"""Filters of thresholds: how they are read, and which turns they admit."""

from typing import Any

import pytest

from rtbench.scenario.threshold_filter import Filter, check_filters, split_selector, turn_kind

SPOKEN: dict[str, Any] = {"kind": "spoken", "tool": False, "concurrency": 5}


def test_a_metric_by_itself_has_no_filters() -> None:
    assert split_selector(" connect_ms ") == ("connect_ms", ())


def test_filters_are_split_at_commas_and_blanks_mean_nothing() -> None:
    assert split_selector("v{ tool = true ,concurrency<= 50,target=http://127.0.0.1:9/v1}") == (
        "v",
        (
            Filter("tool", "=", "true"),
            Filter("concurrency", "<=", "50"),
            Filter("target", "=", "http://127.0.0.1:9/v1"),
        ),
    )


@pytest.mark.parametrize(
    "written", ["v{}", "v{tool=true", "v{tool=true}x", "v{tool=true,}", "v{{tool=true}}"]
)
def test_what_has_not_this_form_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="turn_kind=tool"):
        split_selector(written)


@pytest.mark.parametrize(
    ("turn", "kind"),
    [
        (SPOKEN, "spoken"),
        (SPOKEN | {"kind": "manual"}, "manual"),
        (SPOKEN | {"kind": "manual", "tool": True}, "tool"),
    ],
)
def test_every_turn_is_of_one_kind(turn: dict[str, Any], kind: str) -> None:
    assert turn_kind(turn) == kind
    assert [each for each in ("spoken", "manual", "tool") if Filter("turn_kind", "=", each).admits(turn)] == [
        kind
    ]


@pytest.mark.parametrize(
    ("relation", "admitted"),
    [("=", [5]), ("<", [4]), ("<=", [4, 5]), (">", [6]), (">=", [5, 6])],
)
def test_concurrency_is_compared(relation: str, admitted: list[int]) -> None:
    condition = Filter("concurrency", relation, "5")
    assert [n for n in (4, 5, 6) if condition.admits(SPOKEN | {"concurrency": n})] == admitted


def test_tool_takes_turns_with_or_without_one() -> None:
    assert Filter("tool", "=", "false").admits(SPOKEN)
    assert not Filter("tool", "=", "true").admits(SPOKEN)


def test_filters_of_turns_mean_nothing_elsewhere() -> None:
    check_filters("voice_to_voice_ms", (Filter("tool", "=", "true"), Filter("target", "=", "openai")))
    check_filters("connect_ms", (Filter("target", "=", "openai"),))
    for metric, rows in (
        ("connect_ms", "sessions"),
        ("conversation_flow", "turns and stimuli"),
        ("turns", "the whole run"),
    ):
        with pytest.raises(ValueError, match=rf"'tool' filters turns; {metric} is measured on {rows}"):
            check_filters(metric, (Filter("tool", "=", "true"),))
