"""The clips that a scenario may use, looked up in its corpus before anything is started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rtbench.core.errors import UsageError
from rtbench.core.script import Clip
from rtbench.corpus.manifest import Role
from rtbench.scenario.clip_choice import ClipChoice, Sounding
from rtbench.scenario.fault import KeyPath, did_you_mean
from rtbench.scenario.model import Scenario
from rtbench.scenario.steps import Step, leaves

if TYPE_CHECKING:
    from rtbench.corpus.folder import Corpus


class ClipSource(Protocol):
    """What a scenario needs of a corpus."""

    def clip(self, name: str) -> Clip:
        """Labels of a clip. Raises UsageError with the nearest name where there is none."""

    def names(self, role: Role) -> tuple[str, ...]:
        """Clips of a role, always in the same order."""


def open_corpus(scenario: Scenario) -> Corpus:
    """The scenario's corpus, looked for from the scenario's folder first.

    Raises UsageError naming file and line where it is not there.
    """
    from rtbench.corpus.folder import Corpus, find_corpus

    near: Path | None = scenario.source.path.parent if scenario.source else None
    try:
        return Corpus.open(find_corpus(scenario.corpus, near))
    except UsageError as error:
        raise scenario.error(("corpus",), str(error)) from None


def candidates(choice: ClipChoice, corpus: ClipSource) -> tuple[str, ...]:
    """Names among which a clip is drawn; none where the corpus lacks what is asked for."""
    if choice.clip is not None:
        return (choice.clip,)
    if choice.role is None:
        return tuple(choice.any_of or ())
    names = corpus.names(choice.role)
    if choice.voice is not None:
        names = tuple(name for name in names if corpus.clip(name).voice == choice.voice)
    if choice.shortest_hold_ns:
        names = tuple(name for name in names if _longest_hold_ns(name, corpus) >= choice.shortest_hold_ns)
    return names


def script_clips(scenario: Scenario, corpus: ClipSource) -> frozenset[str]:
    """Names of all clips that any conversation of this scenario may use."""
    return frozenset(name for name, _ in script_sounds(scenario, corpus))


def script_sounds(scenario: Scenario, corpus: ClipSource) -> frozenset[tuple[str, float]]:
    """The same, each with every gain in dB at which it may be played."""
    return frozenset(
        (name, choice.level.db)
        for _, choice in choices(scenario.conversation)
        for name in candidates(choice, corpus)
    )


def check_clips(scenario: Scenario, corpus: ClipSource) -> None:
    """See that the corpus has every clip that the scenario may use.

    Raises UsageError with file, line and key of the first step that cannot be played.
    """
    for keys, choice in choices(scenario.conversation):
        names = candidates(choice, corpus)
        if not names:
            raise scenario.error((*keys, "role"), _none_of_role(choice, corpus))
        for position, name in enumerate(names):
            at = ("any_of", position) if choice.any_of else ()
            try:
                longest_ns = _longest_hold_ns(name, corpus)
            except UsageError as error:
                raise scenario.error((*keys, *at), str(error)) from None
            if longest_ns < choice.shortest_hold_ns:
                raise scenario.error((*keys, *at), f"clip '{name}' has no {_hold(choice)}")


def choices(steps: Sequence[Step]) -> Iterator[tuple[KeyPath, ClipChoice]]:
    """Every choice of a clip as it is written, groups included, with the keys that lead to it."""
    for keys, step in leaves(steps):
        if isinstance(step, Sounding):
            yield (*keys, step.kind), step.choice


def _longest_hold_ns(name: str, corpus: ClipSource) -> int:
    return max((end_ns - start_ns for start_ns, end_ns in corpus.clip(name).holds), default=0)


def _hold(choice: ClipChoice) -> str:
    return f"labelled pause of {choice.shortest_hold_ns // 1_000_000} ms or more inside its speech"


def _none_of_role(choice: ClipChoice, corpus: ClipSource) -> str:
    assert choice.role is not None
    none = f"the corpus has no clip of role '{choice.role}'"
    voices = {corpus.clip(name).voice for name in corpus.names(choice.role)}
    if not voices:
        return none
    if choice.voice is not None and choice.voice not in voices:
        return f"{none} in voice '{choice.voice}'{did_you_mean(choice.voice, voices)}"
    voice = "" if choice.voice is None else f" in voice '{choice.voice}'"
    return f"{none}{voice} with a {_hold(choice)}"
