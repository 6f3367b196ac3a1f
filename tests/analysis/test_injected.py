"""Breaks by the caller's own side in a run made by hand, and whether they were seen as what they are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from rtbench.analysis.injected import Injected, breaks_by_the_caller
from rtbench.results import schema
from rtbench.results.reader import Run
from rtbench.results.run_directory import RunDirectory


@pytest.fixture
def injected(make_turns, make_sessions):
    def make(sessions=(), incidents=()) -> list[Injected]:
        run = Run(
            directory=RunDirectory(Path("x")),
            provenance={},
            turns=make_turns(),
            sessions=make_sessions(*sessions),
            stimuli=pd.DataFrame(),
            generator=pd.DataFrame(),
            waveforms=pd.DataFrame(),
            truth=pd.DataFrame(),
            incidents=pd.DataFrame(list(incidents), columns=schema.INCIDENTS.names),
        )
        return breaks_by_the_caller(run)

    return make


def test_what_the_caller_broke_has_to_be_noticed_and_as_what_its_way_shows_as(injected) -> None:
    broken = [
        ("reset", "connection_lost"),
        ("reset", "connection_lost"),
        ("reset", "closed_1011"),  # the service was faster
        ("half_open", "no_sign_of_life"),
        ("close", "closed_1000"),
        ("ice_dead", ""),
    ]
    found = injected(
        sessions=[{"cuts": 6, "cuts_unseen": 1}, {"cuts": 2}],
        incidents=[
            {"session": "s1", "error_class": error_class, "injected": how} for how, error_class in broken
        ],
    )

    assert [(each.kind, each.setting, each.injected, each.found, each.seen_as) for each in found] == [
        ("drop", "close", 1, 1, "closed_1000"),
        ("drop", "half_open", 1, 1, "no_sign_of_life"),
        ("drop", "ice_dead", 1, 0, "no_sign_of_life or connection_lost or setup_timeout, not without a class"),
        ("drop", "reset", 3, 2, "connection_lost, not closed_1011"),
        ("drop", "that nobody noticed", 1, 0, ""),
        ("drop", "of no effect", 1, 1, "no outage of its own: the call was over, left for a rotation, or out already"),
    ]  # fmt: skip


def test_a_cut_that_nobody_noticed_is_told_where_nothing_else_happened(injected) -> None:
    (drop,) = injected(sessions=[{"cuts": 1}])
    assert (drop.side, drop.injected, drop.found) == ("caller", 1, 0)


def test_a_run_in_which_the_caller_broke_nothing_has_none(injected) -> None:
    assert injected(sessions=[{"cuts": 0}]) == []
