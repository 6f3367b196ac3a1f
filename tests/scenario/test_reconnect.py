"""The policy as a scenario writes it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rtbench.core.reconnection import ReconnectPolicy
from rtbench.scenario.reconnect import Reconnect


def test_nothing_written_is_the_default_policy() -> None:
    assert Reconnect.model_validate({}).policy == ReconnectPolicy()


def test_everything_can_be_set() -> None:
    written = {
        "attempts": 5,
        "base": "200 ms",
        "factor": 1.5,
        "jitter": 0.2,
        "cap": "5 s",
        "restore": ["history"],
        "fall_back": "none",
        "rotate_after": "55 min",
        "idle": "3 s",
    }
    policy = Reconnect.model_validate(written).policy

    assert (policy.attempts, policy.base_ns, policy.factor, policy.cap_ns) == (
        5,
        200_000_000,
        1.5,
        5_000_000_000,
    )
    assert (policy.restore, policy.fall_back, policy.jitter) == (("history",), "none", 0.2)
    assert (policy.rotate_after_ns, policy.idle_ns) == (3_300_000_000_000, 3_000_000_000)


@pytest.mark.parametrize(
    "written",
    [{"base": "0 s"}, {"factor": 0.5}, {"attempts": -1}, {"jitter": 2}, {"restore": ["all"]}, {"try": 3}],
)
def test_what_makes_no_sense_is_refused(written) -> None:
    with pytest.raises(ValidationError):
        Reconnect.model_validate(written)
