"""The steps of a conversation as a scenario writes them, with groups, weights and ranges not yet drawn."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from rtbench.corpus.manifest import Role
from rtbench.scenario.block import Block
from rtbench.scenario.duration import Duration, DurationRange
from rtbench.scenario.fault import did_you_mean, fault, shown


class Utterance(Block):
    """What the caller says: one clip, or a clip drawn anew each time among several."""

    clip: str | None = None
    """Name of a clip of the corpus."""

    role: Role | None = Field(default=None, strict=False)
    """A clip with this role is drawn."""

    voice: str | None = None
    """Only clips in this voice are drawn; goes with role."""

    any_of: list[str] | None = Field(default=None, min_length=1)
    """One of these clips is drawn."""

    expects_answer: bool = True
    """Whether silence counts against the agent; false for backchannels, noise and the like."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Utterance:
        given = [name for name in ("clip", "role", "any_of") if getattr(self, name) is not None]
        if len(given) != 1:
            also = f", not {' and '.join(given)}" if given else ""
            raise fault(f"needs exactly one of clip, role and any_of{also}")
        if self.voice is not None and self.role is None:
            raise fault("voice goes with role; a named clip has its voice already", "voice")
        return self


class ListenOptions(Block):
    """How long the caller waits for the answer."""

    timeout: Duration | None = None
    """Longest wait for an audible answer after the caller's speech; else the scenario's answer_timeout."""


def _clip_by_name(written: Any) -> Any:
    if isinstance(written, str):
        return {"clip": written}
    if not isinstance(written, dict | Utterance):
        raise fault(
            f"must be a clip's name, or one of {{role}}, {{any_of}} and {{clip}}, not {shown(written)}"
        )
    return written


def _no_options(written: Any) -> Any:
    if written is None:
        return {}
    if not isinstance(written, dict | ListenOptions):
        raise fault(f"takes nothing or {{timeout: 10 s}}, not {shown(written)}")
    return written


class Say(Block):
    """Say something."""

    say: Annotated[Utterance, BeforeValidator(_clip_by_name, json_schema_input_type=str | Utterance)]
    """A clip's name, or {role}, {any_of} or {clip} with options."""


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


STEPS = ("say", "listen", "pause", "repeat", "choose")


def _one_step(written: Any) -> Any:
    """A step has one key, its kind; `listen` may stand alone."""
    if written == "listen":
        return {"listen": None}
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
    return next(iter(written)) if isinstance(written, dict) else type(written).__name__.lower()


_AnyStep = Annotated[
    Annotated[Say, Tag("say")]
    | Annotated[Listen, Tag("listen")]
    | Annotated[Pause, Tag("pause")]
    | Annotated[Repeat, Tag("repeat")]
    | Annotated[Choose, Tag("choose")],
    Discriminator(_kind),
]

Step = Annotated[
    _AnyStep,
    BeforeValidator(
        _one_step, json_schema_input_type=Say | Listen | Pause | Repeat | Choose | Literal["listen"]
    ),
]

Repetition.model_rebuild()
Branch.model_rebuild()
Repeat.model_rebuild()
Choose.model_rebuild()
