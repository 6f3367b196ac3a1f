"""One conversation drawn from a scenario: groups expanded, and clips, weights and pauses fixed by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Literal

from rtbench.core import script
from rtbench.core.script import Clip, Moment, Script
from rtbench.scenario.clip_choice import Sounding
from rtbench.scenario.clips import ClipSource, candidates
from rtbench.scenario.disturbances import Disturbance
from rtbench.scenario.drop import Drop, OrderFault
from rtbench.scenario.in_answer import InAnswer
from rtbench.scenario.interruptions import Overlap
from rtbench.scenario.model import Scenario
from rtbench.scenario.network import ChangeNetwork
from rtbench.scenario.speech import Speech
from rtbench.scenario.steps import Choose, Listen, Pause, Repeat, StaySilent, Step


def session_seed(seed: int, user: int, iteration: int) -> int:
    """The seed of one conversation: the same in every process, and unlike its neighbours'."""
    digest = blake2b(f"{seed}/{user}/{iteration}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def compile_script(scenario: Scenario, corpus: ClipSource, seed: int) -> Script:
    """Draw one conversation; equal seeds give equal scripts.

    The clips must have been checked by `check_clips`.
    """
    return Script(
        steps=tuple(_drawn(scenario, corpus, random.Random(seed))),
        session=scenario.session.config(scenario.media_codec),
        answer_timeout_ns=scenario.answer_timeout.ns,
        prebuffer_ns=scenario.prebuffer_ns,
        streamed=scenario.media_codec is not None,
        policy=scenario.policy,
        reconnect=None if scenario.reconnect is None else scenario.reconnect.policy,
    )


def _drawn(scenario: Scenario, corpus: ClipSource, rng: random.Random) -> Iterator[script.Step]:
    """The script's steps in order.

    Think time stands before each utterance that follows a `listen` at once, or after sounds into the
    silence: a written pause replaces it.
    """
    after_answer = False
    for step in _expanded(scenario.conversation, rng):
        if after_answer and isinstance(step, Speech) and scenario.think_time.high.ns:
            yield script.Pause(scenario.think_time.draw_ns(rng))
        yield _drawn_step(step, scenario, corpus, rng)
        after_answer = isinstance(step, Listen) or (
            after_answer and isinstance(step, Disturbance | ChangeNetwork)
        )


def _drawn_step(step: Step, scenario: Scenario, corpus: ClipSource, rng: random.Random) -> script.Step:
    match step:
        case Sounding():
            clip = corpus.clip(rng.choice(candidates(step.choice, corpus)))
            return _sounding(step, clip, _drawn_moment(step, rng))
        case Listen(listen=options):
            return script.Listen((options.timeout or scenario.answer_timeout).ns)
        case Pause(pause=length):
            return script.Pause(length.draw_ns(rng))
        case StaySilent(stay_silent=length):
            return script.StaySilent(length.draw_ns(rng))
        case Drop() | OrderFault() | ChangeNetwork():
            return step.step
    raise AssertionError(f"a group is not drawn: {step}")


def _drawn_moment(step: Sounding, rng: random.Random) -> Moment | None:
    """When in the answer; None for what is not spoken into one."""
    if step.moment is None or not isinstance(step.choice, InAnswer):
        return step.moment
    return step.choice.draw(rng) or step.moment


def _sounding(step: Sounding, clip: Clip, moment: Moment | None) -> script.Step:
    gain_db = step.choice.level.db
    if isinstance(step, Disturbance):
        return script.Disturb(clip, step.kind, moment, gain_db)
    if moment is not None:
        kind: Literal["interrupt", "overlap"] = "overlap" if isinstance(step, Overlap) else "interrupt"
        return script.Interrupt(clip, moment, kind, gain_db)
    assert isinstance(step, Speech)
    return script.Say(clip, step.utterance.expects_answer, gain_db, step.utterance.asks_for)


def _expanded(steps: Iterable[Step], rng: random.Random) -> Iterator[Step]:
    """The steps without their groups."""
    for step in steps:
        match step:
            case Repeat(repeat=group):
                for _ in range(group.times):
                    yield from _expanded(group.steps, rng)
            case Choose(choose=branches):
                (branch,) = rng.choices(branches, [branch.weight for branch in branches])
                yield from _expanded(branch.steps, rng)
            case _:
                yield step
