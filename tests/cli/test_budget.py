"""The money rules of every command that calls."""

from __future__ import annotations

import argparse

import pytest

from rtbench.cli.budget import add_budget_options, is_remote, read_meter, tell_estimate
from rtbench.core.errors import UsageError
from rtbench.scenario.budget import Budget
from rtbench.scenario.estimate import Estimate

REMOTE = "https://voice.example.com/v1"
ESTIMATE = Estimate("at most 2.0 call minutes", 2.0, ("gpt-realtime",), 0.5)


@pytest.fixture
def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target")
    add_budget_options(parser)
    return lambda *words: parser.parse_args(words)


def test_a_remote_target_needs_a_budget_or_a_waiver(options) -> None:
    with pytest.raises(
        UsageError, match="may cost money: give --budget-usd or --budget-minutes, or say --no-budget"
    ):
        read_meter(options("--target", REMOTE))
    assert read_meter(options("--target", REMOTE, "--no-budget")) is None
    meter = read_meter(options("--target", REMOTE, "--budget-minutes", "3"))
    assert meter is not None
    assert meter.left == Budget(None, 3.0)


@pytest.mark.parametrize("words", [(), ("--target", "emulator"), ("--target", "http://127.0.0.1:9/v1")])
def test_what_is_on_this_machine_needs_none(options, words: tuple[str, ...]) -> None:
    assert read_meter(options(*words)) is None
    assert not is_remote(options(*words).target)


def test_a_budget_and_a_waiver_contradict_each_other(options) -> None:
    with pytest.raises(UsageError, match="say one or the other"):
        read_meter(options("--budget-usd", "1", "--no-budget"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), False),
        (("--budget-usd", "1"), True),
        (("--budget-minutes", "1"), True),
        (("--target", REMOTE, "--no-budget"), True),
    ],
)
def test_what_it_may_come_to_is_told_where_it_is_money(options, words, told: bool, capsys) -> None:
    tell_estimate(options(*words), ESTIMATE)
    assert capsys.readouterr().err.startswith("rtbench: at most 2.0 call minutes, about 0.50 USD") is told
