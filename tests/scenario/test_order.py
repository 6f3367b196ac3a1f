"""The order of steps: who speaks into an answer needs one, and a listen after it, whichever way is taken."""

from typing import Any

import pytest
from pydantic import TypeAdapter
from pydantic_core import PydanticCustomError

from rtbench.scenario.order import check_order, check_turn_taking
from rtbench.scenario.steps import Step

ADAPTER: TypeAdapter[list[Step]] = TypeAdapter(list[Step])

SAY = {"say": "a"}
SILENT = {"cough": {"silent": True}}
PUSH = {"push_to_talk": "a"}
PUSH_INTO = {"push_to_talk": {"clip": "a", "heard": "1 s"}}

NO_ANSWER = "there is no answer to speak into here; it stands between a say and its listen"
NOT_HEARD = "needs a listen before it, as the answer that was spoken into has not been heard out"
NOT_SILENT = "a sound into silence cannot stand between a say and its listen"
NO_LISTEN = "ends in the middle of an answer; what is spoken into an answer is followed by a listen"


def repeat(times: int, *steps: Any) -> dict[str, Any]:
    return {"repeat": {"times": times, "steps": list(steps)}}


def choose(*ways: list[Any]) -> dict[str, Any]:
    return {"choose": [{"steps": way} for way in ways]}


def fault_of(steps: list[Any]) -> tuple[str, tuple[Any, ...]]:
    with pytest.raises(PydanticCustomError) as caught:
        check_order(ADAPTER.validate_python(steps))
    return caught.value.message(), (caught.value.context or {})["at"]


@pytest.mark.parametrize(
    "steps",
    [
        [SAY, "listen"],
        [SAY, SAY],
        ["listen", {"pause": "1 s"}],
        [SAY, "interrupt", "listen"],
        [SAY, "interrupt", "interrupt", "listen"],
        [SAY, "overlap", "backchannel", "listen", SAY],
        [SAY, {"pause": "100 ms"}, "backchannel", "interrupt", "listen"],
        [SILENT, SAY, "listen", SILENT, SILENT, {"pause": "2 s"}, SAY],
        [SAY, "listen", {"stay_silent": "9 s"}, SAY, "listen"],
        [PUSH, PUSH_INTO, "listen", PUSH, "listen"],
        [repeat(3, SAY, "interrupt", "listen")],
        [SAY, repeat(3, "interrupt"), "listen"],
        [repeat(1, SAY), choose(["interrupt"], ["cough"], []), "listen", SILENT],
        [repeat(2, choose([SAY, "listen"], [SILENT]))],
    ],
)
def test_what_is_spoken_into_an_answer_stands_between_a_say_and_a_listen(steps: list[Any]) -> None:
    check_order(ADAPTER.validate_python(steps))


@pytest.mark.parametrize(
    ("steps", "sentence", "at"),
    [
        (["interrupt", "listen"], NO_ANSWER, (0, "interrupt")),
        ([SAY, "listen", "overlap", "listen"], NO_ANSWER, (2, "overlap")),
        ([SAY, "listen", "backchannel"], NO_ANSWER, (2, "backchannel")),
        ([PUSH_INTO, "listen"], NO_ANSWER, (0, "push_to_talk")),
        ([SAY, {"stay_silent": "9 s"}, "interrupt"], NO_ANSWER, (2, "interrupt")),
        ([choose([SAY], []), "interrupt", "listen"], NO_ANSWER, (1, "interrupt")),
        ([repeat(2, SAY, "listen"), "cough"], NO_ANSWER, (1, "cough")),
        ([SAY, repeat(2, "cough", "listen")], NO_ANSWER, (1, "repeat", "steps", 0, "cough")),
        ([SAY, "interrupt", SAY], NOT_HEARD, (2, "say")),
        ([SAY, "cough", PUSH], NOT_HEARD, (2, "push_to_talk")),
        ([SAY, "cough", {"stay_silent": "9 s"}], NOT_HEARD, (2, "stay_silent")),
        ([repeat(2, SAY, "interrupt"), "listen"], NOT_HEARD, (0, "repeat", "steps", 0, "say")),
        (
            [choose([], [SAY, choose([], ["cough"])]), SAY],
            NOT_HEARD,
            (1, "say"),
        ),
        ([SAY, SILENT, "listen"], NOT_SILENT, (1, "cough")),
        ([SAY, "interrupt", SILENT, "listen"], NOT_SILENT, (2, "cough")),
        ([SAY, "interrupt"], NO_LISTEN, (1,)),
        ([SAY, "listen", choose(["listen"], [SAY, "cough"])], NO_LISTEN, (2,)),
    ],
)
def test_a_step_that_is_out_of_place_on_any_way_is_told(
    steps: list[Any], sentence: str, at: tuple[Any, ...]
) -> None:
    assert fault_of(steps) == (sentence, at)


def test_a_group_that_is_gone_through_once_is_not_followed_by_itself() -> None:
    check_order(ADAPTER.validate_python([SAY, repeat(1, "cough", "listen")]))


def test_the_button_is_for_turns_by_hand() -> None:
    steps = ADAPTER.validate_python([SAY, "listen", repeat(2, PUSH, "listen")])
    check_turn_taking(steps, manual_turns=True)
    with pytest.raises(PydanticCustomError) as caught:
        check_turn_taking(steps, manual_turns=False)
    assert caught.value.message() == "is for sessions without turn detection (turn_detection: none)"
    assert (caught.value.context or {})["at"] == (
        "conversation",
        2,
        "repeat",
        "steps",
        0,
        "push_to_talk",
    )
