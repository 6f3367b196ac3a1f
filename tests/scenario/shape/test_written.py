"""Load shapes of the command line, and what is said of those that are none."""

from __future__ import annotations

import pytest

from rtbench.core.errors import UsageError
from rtbench.scenario.shape import parse_shape


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("rampp:users=3", r"^--shape: there is no shape 'rampp'; did you mean 'ramp'\?$"),
        ("ramp:users", r"^--shape: 'users' is not KEY=VALUE"),
        (
            "ramp:users=3,over=10",
            r"^--shape: ramp\.over: a duration needs its unit: write '10 ms' or '10 s'$",
        ),
        ("ramp:users=3,ovr=10s", r"^--shape: ramp\.ovr: unknown key 'ovr'; did you mean 'over'\?$"),
        ("ramp:users=3", r"^--shape: ramp\.over: is missing$"),
        ("steps:start=1,users=3,by=1,every=0s", r"^--shape: steps\.every: must be longer than 0$"),
        ("closed:users=1,lasts=0s", r"^--shape: closed: takes no time$"),
        ("open:rate=0,cap=1,lasts=1s", r"^--shape: open\.rate: must be more than 0"),
        ("open:rate=1,arrivals=fast,cap=1,lasts=1s", r"^--shape: open\.arrivals: must not be 'fast'"),
    ],
)
def test_a_shape_that_is_none_is_told_in_one_sentence(written: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_shape(written)
