"""What a caller does: the steps of one conversation, with everything random already drawn.

A scenario with its groups, weights and ranges is turned into one `Script` per session, by seed,
before the session starts; nothing here is random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rtbench.core.audio import PCM16, AudioFormat


@dataclass(frozen=True, slots=True)
class Clip:
    """An utterance of the corpus: its labels, in nanoseconds from the clip's first sample.

    `speech_start_ns` and `speech_end_ns` are true start and end of speech, from the corpus label;
    `holds` are pauses inside the utterance (start, end) after which the caller goes on.
    """

    name: str
    duration_ns: int
    speech_start_ns: int
    speech_end_ns: int
    holds: tuple[tuple[int, int], ...] = ()
    role: str = "statement"
    voice: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """Play a clip into the microphone; the next step begins when its speech ends.

    In a session without turn detection the turn is committed by hand at the end of speech, and a
    response asked for where `expects_answer`.
    """

    clip: Clip
    expects_answer: bool = True


@dataclass(frozen=True, slots=True)
class Listen:
    """Hear the agent out: until its answer is complete and played.

    Where no answer becomes audible within `timeout_ns` after the end of the user's speech the turn is
    censored there; an answer that has begun is heard to its end.
    """

    timeout_ns: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for so long; the microphone sends silence."""

    duration_ns: int


Step = Say | Listen | Pause


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """The session's settings as the caller sends them, in the GA API's shape, and what the caller must know of them."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """The `session` object of `session.update`: only what the scenario sets, and `type`."""

    input_format: AudioFormat = PCM16
    output_format: AudioFormat = PCM16
    manual_turns: bool = False
    """No turn detection: the caller commits and asks for each response."""

    spoken_answers: bool = True
    """The output modality is audio; else text."""


@dataclass(frozen=True, slots=True)
class Script:
    """One conversation, ready to be held."""

    steps: tuple[Step, ...]
    session: SessionConfig = SessionConfig()
    prebuffer_ns: int = 0
    """Audio that the virtual player gathers before it starts or resumes."""

    setup_timeout_ns: int = 10 * 1_000_000_000
    """How long `session.created` and `session.updated` may take, each."""
