"""The steps of a conversation as a scenario writes them, with groups, weights and ranges not yet drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from rtbench.scenario.block import Block
from rtbench.scenario.disturbances import Backchannel, Click, Cough, Noise, SideTalk, Tone
from rtbench.scenario.drop import Drop, OrderFault
from rtbench.scenario.duration import Duration, DurationRange
from rtbench.scenario.fault import KeyPath, did_you_mean, fault, shown
from rtbench.scenario.interruptions import Interrupt, Overlap, PushToTalk
from rtbench.scenario.network import ChangeNetwork
from rtbench.scenario.speech import Hesitate, Mumble, Say


class ListenOptions(Block):
    """How long the caller waits for the answer."""

    timeout: Duration | None = None
    """Longest wait for an audible answer after the caller's speech; else the scenario's answer_timeout."""


def _no_options(written: Any) -> Any:
    if written is None:
        return {}
    if not isinstance(written, dict | ListenOptions):
        raise fault(f"takes nothing or {{timeout: 10 s}}, not {shown(written)}")
    return written


class Listen(Block):
    """Hear the answer out."""

    listen: Annotated[
        ListenOptions, BeforeValidator(_no_options, json_schema_input_type=ListenOptions | None)
    ]
    """Nothing, or {timeout}."""


class Pause(Block):
    """Stay silent."""

    pause: DurationRange
    """How long, fixed or drawn from a range."""


class StaySilent(Block):
    """Say nothing, and hear out what the agent says by itself."""

    stay_silent: DurationRange
    """How long, fixed or drawn from a range."""


class Repetition(Block):
    """Steps that are gone through several times; what is drawn in them is drawn anew each time."""

    times: int = Field(ge=1, le=10_000)
    """How often."""

    steps: list[Step] = Field(min_length=1)
    """The steps to repeat."""


class Repeat(Block):
    """Go through steps several times."""

    repeat: Repetition
    """{times, steps}."""


class Branch(Block):
    """One way on."""

    weight: float = Field(default=1, gt=0)
    """How likely it is, relative to the other branches."""

    steps: list[Step]
    """The steps of this branch; none to go on at once."""


class Choose(Block):
    """Go one of several ways, drawn by weight."""

    choose: list[Branch] = Field(min_length=1)
    """The ways, each {weight, steps}."""


BARE_STEPS = (
    "listen",
    "hesitate",
    "interrupt",
    "overlap",
    "backchannel",
    "cough",
    "noise",
    "side_talk",
    "click",
    "tone",
    "drop",
)
"""Steps that may stand alone, without saying how."""

STEPS = (
    "say",
    "mumble",
    "push_to_talk",
    "pause",
    "stay_silent",
    "fault",
    "network",
    "repeat",
    "choose",
    *BARE_STEPS,
)


def _one_step(written: Any) -> Any:
    """A step has one key, its kind; some may stand alone."""
    if isinstance(written, str) and written in BARE_STEPS:
        return {written: None}
    if isinstance(written, Block):
        return written
    if not isinstance(written, dict):
        raise fault(f"must be a step such as 'say: clip_name', not {shown(written)}")
    for kind in written:
        if kind not in STEPS:
            raise fault(f"unknown step '{kind}'{did_you_mean(str(kind), STEPS)}", str(kind))
    if len(written) != 1:
        raise fault(f"one step does one thing, not {' and '.join(written) or 'nothing'}: begin each with '-'")
    return written


def _kind(written: Any) -> str:
    return str(next(iter(type(written).model_fields if isinstance(written, Block) else written)))


_AnyStep = Annotated[
    Annotated[Say, Tag("say")]
    | Annotated[Hesitate, Tag("hesitate")]
    | Annotated[Mumble, Tag("mumble")]
    | Annotated[Interrupt, Tag("interrupt")]
    | Annotated[Overlap, Tag("overlap")]
    | Annotated[PushToTalk, Tag("push_to_talk")]
    | Annotated[Backchannel, Tag("backchannel")]
    | Annotated[Cough, Tag("cough")]
    | Annotated[Noise, Tag("noise")]
    | Annotated[SideTalk, Tag("side_talk")]
    | Annotated[Click, Tag("click")]
    | Annotated[Tone, Tag("tone")]
    | Annotated[Listen, Tag("listen")]
    | Annotated[Pause, Tag("pause")]
    | Annotated[StaySilent, Tag("stay_silent")]
    | Annotated[Drop, Tag("drop")]
    | Annotated[OrderFault, Tag("fault")]
    | Annotated[ChangeNetwork, Tag("network")]
    | Annotated[Repeat, Tag("repeat")]
    | Annotated[Choose, Tag("choose")],
    Discriminator(_kind),
]

Step = Annotated[
    _AnyStep,
    BeforeValidator(_one_step, json_schema_input_type=_AnyStep | Literal[BARE_STEPS]),
]

Repetition.model_rebuild()
Branch.model_rebuild()
Repeat.model_rebuild()
Choose.model_rebuild()


def leaves(steps: Sequence[Step], above: KeyPath = ("conversation",)) -> Iterator[tuple[KeyPath, Step]]:
    """Every step that is no group, once, as it is written, with the keys that lead to it."""
    for position, step in enumerate(steps):
        keys = (*above, position)
        match step:
            case Repeat(repeat=group):
                yield from leaves(group.steps, (*keys, "repeat", "steps"))
            case Choose(choose=branches):
                for number, branch in enumerate(branches):
                    yield from leaves(branch.steps, (*keys, "choose", number, "steps"))
            case _:
                yield keys, step
