"""One conversation drawn from a scenario: groups expanded, and clips, weights and pauses fixed by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from rtbench.core import script
from rtbench.core.script import Script
from rtbench.scenario.clips import ClipSource, candidates
from rtbench.scenario.model import Scenario
from rtbench.scenario.steps import Choose, Listen, Pause, Repeat, Say, Step


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
        session=scenario.session.config(),
        prebuffer_ns=scenario.player.prebuffer.ns,
    )


def _drawn(scenario: Scenario, corpus: ClipSource, rng: random.Random) -> Iterator[script.Step]:
    """The script's steps in order.

    Think time stands before each `say` that follows a `listen` at once: a written pause replaces it.
    """
    after_answer = False
    for step in _expanded(scenario.conversation, rng):
        match step:
            case Say(say=utterance):
                if after_answer and scenario.think_time.high.ns:
                    yield script.Pause(scenario.think_time.draw_ns(rng))
                clip = corpus.clip(rng.choice(candidates(utterance, corpus)))
                yield script.Say(clip, utterance.expects_answer)
            case Listen(listen=options):
                yield script.Listen((options.timeout or scenario.answer_timeout).ns)
            case Pause(pause=length):
                yield script.Pause(length.draw_ns(rng))
        after_answer = isinstance(step, Listen)


def _expanded(steps: Iterable[Step], rng: random.Random) -> Iterator[Say | Listen | Pause]:
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
