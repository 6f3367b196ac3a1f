"""Bounds of a conversation, told before it is held."""

from typing import Any

import pytest

from rtbench.core.script import Clip
from rtbench.corpus.manifest import Role
from rtbench.scenario.bounds import Bounds, conversation_bounds
from rtbench.scenario.duration import Duration
from rtbench.scenario.model import Scenario


class Shelf:
    """Clips `1s` and `3s` long, both questions."""

    def clip(self, name: str) -> Clip:
        return Clip(name, int(name[0]) * 10**9, 0, 10**9)

    def names(self, role: Role) -> tuple[str, ...]:
        return ("1s", "3s")


def bounds(*steps: Any) -> Bounds:
    scenario = {
        "name": "x",
        "conversation": list(steps),
        "think_time": "0 s .. 1 s",
        "answer_timeout": "10 s",
    }
    return conversation_bounds(Scenario.model_validate(scenario), Shelf())


QUESTION = {"say": {"role": "question"}}


@pytest.mark.parametrize(
    ("steps", "fewest", "most", "seconds"),
    [
        ([{"say": "1s"}], 1, 1, 2),
        ([QUESTION, "listen"], 1, 1, 14),
        ([QUESTION, {"listen": {"timeout": "5 s"}}], 1, 1, 9),
        ([{"pause": "1 s .. 2 s"}], 0, 0, 2),
        ([{"stay_silent": "6 s .. 12 s"}], 0, 0, 12),
        ([{"mumble": "3s"}], 1, 1, 4),
        ([{"network": "satellite"}], 0, 0, 0),
        ([{"cough": {"silent": True}}], 0, 0, 3),
        ([{"say": "1s"}, {"cough": {"after": "2 s"}}, "listen"], 1, 1, 2 + 15 + 10),
        ([{"say": "1s"}, {"interrupt": {"clip": "1s", "heard": "4 s"}}, "listen"], 1, 2, 2 + 15 + 10),
        ([{"say": "1s"}, {"overlap": "1s"}, "listen"], 1, 2, 2 + 11 + 10),
        ([{"repeat": {"times": 3, "steps": [QUESTION, "listen"]}}], 3, 3, 42),
        ([{"choose": [{"steps": []}, {"steps": [QUESTION]}, {"steps": [{"pause": "1 min"}]}]}], 0, 1, 60),
    ],
)
def test_a_conversation_has_a_fewest_a_most_and_a_longest(
    steps: list[Any], fewest: int, most: int, seconds: int
) -> None:
    assert bounds(*steps) == Bounds(fewest, most, Duration(seconds * 10**9))
