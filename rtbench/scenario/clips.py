"""The clips that a scenario may use, looked up in its corpus before anything is started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rtbench.core.errors import UsageError
from rtbench.core.script import Clip
from rtbench.corpus.manifest import Role
from rtbench.scenario.fault import KeyPath, did_you_mean
from rtbench.scenario.model import Scenario
from rtbench.scenario.steps import Choose, Repeat, Say, Step, Utterance

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


def candidates(utterance: Utterance, corpus: ClipSource) -> tuple[str, ...]:
    """Names among which an utterance's clip is drawn; none where the corpus lacks that role and voice."""
    if utterance.clip is not None:
        return (utterance.clip,)
    if utterance.role is None:
        return tuple(utterance.any_of or ())
    names = corpus.names(utterance.role)
    if utterance.voice is None:
        return names
    return tuple(name for name in names if corpus.clip(name).voice == utterance.voice)


def script_clips(scenario: Scenario, corpus: ClipSource) -> frozenset[str]:
    """Names of all clips that any conversation of this scenario may use."""
    return frozenset(name for _, say in utterances(scenario.conversation) for name in candidates(say, corpus))


def check_clips(scenario: Scenario, corpus: ClipSource) -> None:
    """See that the corpus has every clip that the scenario may use.

    Raises UsageError with file, line and key of the first `say` that cannot be said.
    """
    for keys, utterance in utterances(scenario.conversation):
        names = candidates(utterance, corpus)
        if not names:
            raise scenario.error((*keys, "role"), _none_of_role(utterance, corpus))
        for position, name in enumerate(names):
            try:
                corpus.clip(name)
            except UsageError as error:
                at = ("any_of", position) if utterance.any_of else ()
                raise scenario.error((*keys, *at), str(error)) from None


def utterances(steps: list[Step], above: KeyPath = ("conversation",)) -> Iterator[tuple[KeyPath, Utterance]]:
    """Every `say` as it is written, groups included, with the keys that lead to it."""
    for position, step in enumerate(steps):
        keys = (*above, position)
        match step:
            case Say(say=utterance):
                yield (*keys, "say"), utterance
            case Repeat(repeat=group):
                yield from utterances(group.steps, (*keys, "repeat", "steps"))
            case Choose(choose=branches):
                for number, branch in enumerate(branches):
                    yield from utterances(branch.steps, (*keys, "choose", number, "steps"))


def _none_of_role(utterance: Utterance, corpus: ClipSource) -> str:
    assert utterance.role is not None
    voices = {corpus.clip(name).voice for name in corpus.names(utterance.role)}
    if not voices:
        return f"the corpus has no clip of role '{utterance.role}'"
    hint = did_you_mean(utterance.voice or "", voices)
    return f"the corpus has no clip of role '{utterance.role}' in voice '{utterance.voice}'{hint}"
