"""Restarts: which sessions go in which wave."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rtbench.emulator.breakdown import Restart


def restart(**written) -> Restart:
    return Restart.model_validate({"at": "5 s", **written})


def test_a_whole_restart_takes_all() -> None:
    assert restart().struck(["a", "b", "c"], 0) == ["a", "b", "c"]
    assert restart().struck([], 0) == []


def test_the_waves_of_a_rolling_restart_go_through_all() -> None:
    rolling, sessions = restart(share=0.25, every="5 s"), [str(number) for number in range(8)]

    assert sorted(name for wave in range(4) for name in rolling.struck(sessions, wave)) == sessions
    assert rolling.struck(sessions, 4) == rolling.struck(sessions, 0)


@pytest.mark.parametrize("written", [{"share": 0}, {"share": 1.5}, {"code": 1000}, {"every": "0 s"}])
def test_what_makes_no_sense_is_refused(written) -> None:
    with pytest.raises(ValidationError):
        restart(**written)
